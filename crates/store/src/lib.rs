//! What is remembered: matches, windows, bans, source positions, decisions and their outbox.
//!
//! The implementations of [`Store`](stockade_core::ports::Store) are held to one contract suite
//! (`stockade_testkit::store`):
//!
//! * `SqliteStore` (feature `sqlite`), the default of one host: everything in one file, one transaction per batch;
//! * `PostgresStore` (feature `postgres`), for hosts that share what they know;
//! * [`MemoryStore`], for tests, trials and replays, which forgets everything when it is dropped.
//!
//! All of them enforce [`Limits`] inside `commit`, so that a flood between two purges cannot outgrow them.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod codec;
#[cfg(feature = "sqlite")]
mod fail2ban;
mod limits;
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;
mod totals;

#[cfg(feature = "sqlite")]
pub use fail2ban::{Fail2banBan, Fail2banRecords, MAX_FOREIGN_BANS};
pub use limits::{DEFAULT_MAX_DECISIONS, DEFAULT_MAX_MATCHES, Limits};
pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{
    Check, Durability, Opened, PURGE_SLICE, SCHEMA_VERSION, SqliteOptions, SqliteReader, SqliteStore,
    VACUUM_SLACK_PAGES, VACUUM_SLICE_PAGES, WAL_BYTES,
};
pub use totals::JailTotals;

/// The responder under which a guard's refusal is told.
const GUARD: &str = "guard";
