//! What is remembered: matches, windows, bans, source positions, decisions and their outbox.
//!
//! The implementations of [`Store`](stockade_core::ports::Store) are held to one contract suite
//! (`stockade_testkit::store`):
//!
//! * `SqliteStore` (feature `sqlite`), the default of one host: everything in one file, one transaction per batch;
//! * `PostgresStore` (feature `postgres`), for hosts that share what they know;
//! * `dynamodb::DynamoStore` (feature `dynamodb`), for a host that has nothing else to keep it;
//! * [`MemoryStore`], for tests, trials and replays, which forgets everything when it is dropped.
//!
//! What functions share is a [`Ledger`](stockade_core::ledger::Ledger), held to a suite of its own
//! (`stockade_testkit::ledger`): `dynamodb::DynamoLedger` and [`MemoryLedger`].
//!
//! All stores enforce [`Limits`] inside `commit`, so that a flood between two purges cannot outgrow them.

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "dynamodb"))]
#[cfg_attr(
    not(any(feature = "sqlite", feature = "postgres")),
    expect(dead_code, reason = "an item has attributes of its own where a row has columns")
)]
mod codec;
#[cfg(feature = "dynamodb")]
mod doc;
#[cfg(feature = "dynamodb")]
pub mod dynamodb;
#[cfg(feature = "sqlite")]
mod fail2ban;
mod limits;
mod memory;
mod memory_ledger;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod totals;

#[cfg(feature = "sqlite")]
pub use fail2ban::{Fail2banBan, Fail2banRecords, MAX_FOREIGN_BANS};
pub use limits::{DEFAULT_MAX_DECISIONS, DEFAULT_MAX_MATCHES, Limits};
pub use memory::MemoryStore;
pub use memory_ledger::MemoryLedger;
#[cfg(feature = "postgres")]
pub use postgres::{POSTGRES_SCHEMA_VERSION, PostgresOptions, PostgresStore, PostgresValue, PostgresValues};
#[cfg(feature = "sqlite")]
pub use sqlite::{
    Check, Durability, Opened, PURGE_SLICE, SCHEMA_VERSION, SqliteOptions, SqliteReader, SqliteStore,
    VACUUM_SLACK_PAGES, VACUUM_SLICE_PAGES, WAL_BYTES,
};
pub use totals::JailTotals;

/// The responder under which a guard's refusal is told.
const GUARD: &str = "guard";
