//! The store of one host: everything in one SQLite file.
//!
//! Top to bottom: `place` (directory, lock, rights) and `schema` make a file that `open` can trust, `damage` is for
//! one that it cannot; `write`, `outbox`,
//! `read` and `purge` are the verbs of [`Store`], with [`crate::codec`] for the columns; `reader` is for others who look.

mod damage;
mod error;
mod open;
mod options;
mod outbox;
mod place;
mod purge;
mod read;
mod reader;
mod schema;
mod write;

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use stockade_core::ports::{
    Batch, LoggedDecision, OutboxItem, Retention, Settlement, Snapshot, Store, StoreError,
};
use stockade_core::{Key, Match, MatchId, Timestamp};

pub use open::{Opened, WAL_BYTES};
pub use options::{Check, Durability, SqliteOptions};
pub use purge::{PURGE_SLICE, VACUUM_SLACK_PAGES, VACUUM_SLICE_PAGES};
pub use reader::SqliteReader;
pub use schema::SCHEMA_VERSION;

use crate::{JailTotals, Limits};

/// Remembers in one SQLite file, which this process owns while the store is open.
///
/// See [`SqliteStore::open`] for who may have the file, and [`Durability`] for what a power cut may take back.
///
/// # Size
/// Measured with ordinary sshd lines of 90 bytes, all indexes included: 270 bytes per match, 47 per window of five
/// times, 51 per ban (84 once it is over), 140 per decision with one responder. With lines of
/// [`MAX_EVIDENCE_BYTES`](stockade_core::limits::MAX_EVIDENCE_BYTES) a match costs 1,470 bytes, and at most 2,000 where
/// times come in no order, plus what its user and stream have above 60 bytes. So under any flood the file stays below
///
/// ```text
/// 2,000 B x Limits::max_matches + 300 B x (Limits::max_decisions + open decisions)
///     + 80 B x windows + 120 B x bans + 1 MiB
/// ```
///
/// where windows are bounded by the jails' tracked keys, and bans by [`Store::purge`]. Rows that go leave free pages,
/// which new rows fill; what is free above [`VACUUM_SLACK_PAGES`] is given back by `purge`,
/// [`VACUUM_SLICE_PAGES`] at a time. Beside it lies the write-ahead log of about [`WAL_BYTES`] (two or three times that
/// after batches of megabytes, more only while another program keeps a read transaction open).
///
/// # Time
/// On one core and an idle disk: a commit of one match takes 22 us (p99 0.3 ms, where the log is written back), large
/// batches 35,000 matches a second with their windows, opening with 100,000 bans 35 ms, and 1 to 2 ms per MB of file
/// for the check. One `purge` is at most [`PURGE_SLICE`] rows, [`VACUUM_SLICE_PAGES`] pages and one write-back of the
/// log: 50 ms, of which a disk that is busy with others may make more.
pub struct SqliteStore {
    // Before the lock: the connection is closed first.
    conn: Connection,
    _lock: File,
    path: PathBuf,
    /// Device and inode, to notice that the file was taken away.
    inode: (u64, u64),
    limits: Limits,
    counts: write::Counts,
    /// What [`Store::load`] will give: read once by `open`, to be sure that it can be.
    loaded: Option<Snapshot>,
}

impl SqliteStore {
    /// What each jail has counted since the file was made, by jail.
    pub fn totals(&self) -> Result<Vec<JailTotals>, StoreError> {
        read::totals(&self.conn).map_err(|e| self.failed("read the totals from", &e))
    }

    /// The file, with its directory's symbolic links resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, tried: &str, error: &rusqlite::Error) -> StoreError {
        error::failed(tried, &self.path, error)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

impl Store for SqliteStore {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        match self.loaded.take() {
            Some(loaded) => Ok(loaded),
            None => read::snapshot(&self.conn).map_err(|e| self.failed("read the state from", &e)),
        }
    }

    fn commit(&mut self, batch: &Batch) -> Result<u64, StoreError> {
        if batch.is_empty() {
            return Ok(0);
        }
        self.loaded = None;
        let (new, counts) = write::commit(&mut self.conn, batch, self.limits, self.counts)
            .map_err(|e| error::failed("write to", &self.path, &e))?;
        self.counts = counts;
        Ok(new)
    }

    fn outbox(&mut self, now: Timestamp, limit: usize) -> Result<Vec<OutboxItem>, StoreError> {
        outbox::due(&self.conn, now, limit).map_err(|e| self.failed("read the outbox from", &e))
    }

    fn settle(&mut self, settled: &[Settlement]) -> Result<(), StoreError> {
        if settled.is_empty() {
            return Ok(());
        }
        outbox::settle(&mut self.conn, settled)
            .map_err(|e| error::failed("write outcomes to", &self.path, &e))
    }

    fn matches_of(&mut self, key: &Key, limit: usize) -> Result<Vec<Match>, StoreError> {
        read::matches_of(&self.conn, key, limit).map_err(|e| self.failed("read matches from", &e))
    }

    fn known(&mut self, ids: &[MatchId]) -> Result<HashSet<MatchId>, StoreError> {
        read::known(&self.conn, ids).map_err(|e| self.failed("look matches up in", &e))
    }

    fn matches_by_id(&mut self, ids: &[MatchId]) -> Result<Vec<Match>, StoreError> {
        read::matches_by_id(&self.conn, ids).map_err(|e| self.failed("read matches from", &e))
    }

    fn decisions(&mut self, key: Option<&Key>, limit: usize) -> Result<Vec<LoggedDecision>, StoreError> {
        read::decisions(&self.conn, key, limit).map_err(|e| self.failed("read decisions from", &e))
    }

    fn purge(&mut self, keep: &Retention) -> Result<u64, StoreError> {
        open::still_there(&self.path, self.inode)?;
        self.loaded = None;
        let (gone, counts) = purge::slice(&mut self.conn, keep, self.limits, self.counts)
            .map_err(|e| error::failed("forget old rows in", &self.path, &e))?;
        self.counts = counts;
        purge::give_back(&self.conn).map_err(|e| self.failed("give back free pages of", &e))?;
        Ok(gone)
    }
}
