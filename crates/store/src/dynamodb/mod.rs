//! DynamoDB: one table for what functions share ([`DynamoLedger`]) and for daemons that keep all there
//! ([`DynamoStore`]), and Cloud-Fail2Ban's table beside it ([`SharedTable`]) while a fleet moves.
//!
//! # The table
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | a match | `jail#` jail `#` key | `at#` time `#` id |
//! | a ban | the same | `ban#` region |
//! | a daemon's | `host#` name | several |
//!
//! A key's matches and its ban lie together, ordered by time and the ban behind them, so that one bounded query,
//! backwards, gives the ban and the newest matches. Matches only grow and each is one item, named by itself alone: a
//! record that is delivered twice writes the same item again, and what two regions of a global table wrote is united,
//! never lost. A counter would lose one of two changes, as there the last writer wins.
//!
//! A ban is one item that is changed on the condition that nobody changed it before. Each region has its own, because
//! such conditions hold within one region only, and each region announces to its own agents.
//!
//! Live bans, and ends that are yet to be announced, are in the index `bans` as well: it is small where the table is
//! not. What that costs in write units (an item of up to 1 KB): a new ban 2, an extension 3, its end 2, each
//! announcement 2.

mod ban_item;
mod batch;
mod compact;
mod create;
mod item;
mod ledger;
mod listing;
mod log;
mod log_items;
mod match_item;
mod put_ban;
mod shared;
mod store;
mod table;
mod text;

use std::time::Duration;

pub use create::{create_if_missing, create_shared_if_missing};
pub use ledger::{DynamoLedger, LedgerOptions, Reads};
pub use match_item::{MAX_ITEM_BYTES, match_from_image};
pub use shared::{
    Shared, SharedMatch, SharedQuestion, SharedTable, shared_filter_path, shared_id, shared_match_from_image,
};
pub use store::{DynamoStore, StoreOptions};
pub use table::Spent;

/// The table of our own layout, unless configured.
pub const DEFAULT_TABLE: &str = "Stockade";
/// How long what passes by itself is tried again, unless configured: longer than a minute without DynamoDB.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(75);

/// The key of our table.
const KEYS: batch::KeyNames = ("pk", "sk");
/// The index of bans.
const INDEX: &str = "bans";
/// The key of the index.
const INDEX_KEYS: batch::KeyNames = ("bpk", "bsk");
