//! A shelf in an SQLite file: for one host, beside its store.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Shelf, ShelfError, Stored, failed, fits};

/// A shelf in a file of SQLite's.
#[derive(Debug)]
pub struct SqliteShelf {
    connection: Connection,
}

/// How long another process is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

impl SqliteShelf {
    /// Opens the file, which is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be opened, or is something else.
    pub fn open(file: &Path) -> Result<Self, ShelfError> {
        let name = file.display().to_string();
        let wrong = |error: rusqlite::Error| failed("open the shelf", &name, &error);
        private(file).map_err(|error| failed("open the shelf", &name, &error))?;
        let connection = Connection::open(file).map_err(wrong)?;
        connection.busy_timeout(PATIENCE).map_err(wrong)?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = FULL;
                 CREATE TABLE IF NOT EXISTS repair_shelf (
                    key TEXT PRIMARY KEY NOT NULL,
                    version INTEGER NOT NULL,
                    value BLOB NOT NULL
                 ) STRICT, WITHOUT ROWID;",
            )
            .map_err(wrong)?;
        Ok(Self { connection })
    }
}

/// Makes the file, if it is not there, so that nobody else may read it: events hold names of access keys and addresses.
fn private(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(file).map(drop)
}

impl Shelf for SqliteShelf {
    fn get(&mut self, key: &str) -> Result<Option<Stored>, ShelfError> {
        self.connection
            .query_row("SELECT version, value FROM repair_shelf WHERE key = ?1", [key], |row| {
                let version: i64 = row.get(0)?;
                Ok(Stored { version: version.unsigned_abs(), value: row.get(1)? })
            })
            .optional()
            .map_err(|error| failed("read", key, &error))
    }

    fn put_if_version(
        &mut self,
        key: &str,
        value: Option<&[u8]>,
        expected: u64,
    ) -> Result<Option<u64>, ShelfError> {
        fits(key, value)?;
        let at = i64::try_from(expected).map_err(|error| failed("write", key, &error))?;
        let changed = match (value, expected) {
            (Some(value), 0) => self.connection.execute(
                "INSERT INTO repair_shelf (key, version, value) VALUES (?1, 1, ?2) ON CONFLICT DO NOTHING",
                params![key, value],
            ),
            (Some(value), _) => self.connection.execute(
                "UPDATE repair_shelf SET version = version + 1, value = ?3 WHERE key = ?1 AND version = ?2",
                params![key, at, value],
            ),
            (None, 0) => {
                return Ok(self.get(key)?.is_none().then_some(0));
            }
            (None, _) => self
                .connection
                .execute("DELETE FROM repair_shelf WHERE key = ?1 AND version = ?2", params![key, at]),
        };
        let changed = changed.map_err(|error| failed("write", key, &error))?;
        Ok((changed == 1).then_some(if value.is_some() { expected + 1 } else { 0 }))
    }

    fn list(&mut self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, ShelfError> {
        let wrong = |error: rusqlite::Error| failed("list", prefix, &error);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT key FROM repair_shelf WHERE key >= ?1 AND key > ?2 AND substr(key, 1, ?3) = ?1
                 ORDER BY key LIMIT ?4",
            )
            .map_err(wrong)?;
        let length = i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let keys = statement
            .query_map(params![prefix, after, length, limit], |row| row.get(0))
            .map_err(wrong)?
            .collect::<Result<Vec<String>, _>>();
        keys.map_err(wrong)
    }
    fn values(
        &mut self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Stored)>, ShelfError> {
        let wrong = |error: rusqlite::Error| failed("read", prefix, &error);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT key, version, value FROM repair_shelf
                 WHERE key >= ?1 AND key > ?2 AND substr(key, 1, ?3) = ?1 ORDER BY key LIMIT ?4",
            )
            .map_err(wrong)?;
        let length = i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = statement
            .query_map(params![prefix, after, length, limit], |row| {
                let version: i64 = row.get(1)?;
                Ok((row.get(0)?, Stored { version: version.unsigned_abs(), value: row.get(2)? }))
            })
            .map_err(wrong)?
            .collect::<Result<Vec<_>, _>>();
        values.map_err(wrong)
    }
}
