//! What is remembered: matches, windows, bans, source positions, decisions and their outbox.
//!
//! Two implementations of [`Store`](stockade_core::ports::Store), held to one contract suite
//! (`stockade_testkit::store`):
//!
//! * [`SqliteStore`], the default of one host: everything in one file, one transaction per batch;
//! * [`MemoryStore`], for tests, trials and replays, which forgets everything when it is dropped.
//!
//! Both enforce [`Limits`] inside `commit`, so that a flood between two purges cannot outgrow them.

mod fail2ban;
mod limits;
mod memory;
mod memory_ledger;
mod sqlite;
mod totals;

pub use fail2ban::{Fail2banBan, Fail2banRecords, MAX_FOREIGN_BANS};
pub use limits::{DEFAULT_MAX_DECISIONS, DEFAULT_MAX_MATCHES, Limits};
pub use memory::MemoryStore;
pub use memory_ledger::MemoryLedger;
pub use sqlite::{
    Check, Durability, Opened, PURGE_SLICE, SCHEMA_VERSION, SqliteOptions, SqliteReader, SqliteStore,
    VACUUM_SLACK_PAGES, VACUUM_SLICE_PAGES, WAL_BYTES,
};
pub use totals::JailTotals;

/// The responder under which a guard's refusal is told.
const GUARD: &str = "guard";
