//! Looking into a database without owning it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use stockade_core::ports::{LoggedDecision, Snapshot, StoreError, StoreErrorKind};
use stockade_core::{Key, Match};

use super::error::{failed, refused};
use super::open::{connect, version_of};
use super::place::{Found, Place};
use super::schema::{self, SCHEMA_VERSION};
use super::{SqliteOptions, read};
use crate::JailTotals;

/// A database that is only looked at: for commands that explain or replay, beside a running daemon or without one.
///
/// Every question is a short transaction of its own, so that a reader never keeps the daemon's log from being emptied.
#[derive(Debug)]
pub struct SqliteReader {
    conn: Connection,
    path: PathBuf,
}

impl SqliteReader {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let place = Place::for_reading(path)?;
        let path = place.path();
        if place.find_unchanged()? != Found::File {
            return Err(refused(
                StoreErrorKind::Unreachable,
                format!("cannot open `{}`: there is no database", path.display()),
                "the daemon makes it when it is first started; or name another file",
            ));
        }
        let open = |e: rusqlite::Error| failed("open", path, &e);
        let conn =
            connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, SqliteOptions::BUSY_TIMEOUT).map_err(open)?;
        let version = version_of(schema::owner(&conn).map_err(open)?, path)?;
        if version < SCHEMA_VERSION {
            return Err(refused(
                StoreErrorKind::Other,
                format!(
                    "cannot read `{}`: it has schema {version}, older than {SCHEMA_VERSION}",
                    path.display()
                ),
                "start the daemon once: it brings the file up to date",
            ));
        }
        Ok(Self { path: path.to_owned(), conn })
    }

    /// Everything that the daemon would go on with.
    pub fn load(&self) -> Result<Snapshot, StoreError> {
        read::snapshot(&self.conn).map_err(|e| self.failed("read the state from", &e))
    }

    /// The newest matches of a key, newest first, at most `limit`.
    pub fn matches_of(&self, key: &Key, limit: usize) -> Result<Vec<Match>, StoreError> {
        read::matches_of(&self.conn, key, limit).map_err(|e| self.failed("read matches from", &e))
    }

    /// The newest decisions, newest first, at most `limit`; of one key only if one is given.
    pub fn decisions(&self, key: Option<&Key>, limit: usize) -> Result<Vec<LoggedDecision>, StoreError> {
        read::decisions(&self.conn, key, limit).map_err(|e| self.failed("read decisions from", &e))
    }

    /// What each jail has counted since the file was made, by jail.
    pub fn totals(&self) -> Result<Vec<JailTotals>, StoreError> {
        read::totals(&self.conn).map_err(|e| self.failed("read the totals from", &e))
    }

    fn failed(&self, tried: &str, error: &rusqlite::Error) -> StoreError {
        failed(tried, &self.path, error)
    }
}
