//! A shelf in a PostgreSQL database: the values of [`PostgresValues`], under the repairs' port.

use stockade_config::PostgresUrl;
use stockade_core::ports::{StoreError, StoreErrorKind};
use stockade_repair::{Shelf, ShelfError, Stored, fits};
use stockade_store::{PostgresValue, PostgresValues};

/// What the repairs of a fleet keep, in the database that its hosts share.
#[derive(Debug)]
pub struct PostgresShelf {
    values: PostgresValues,
}

impl PostgresShelf {
    /// Opens the database, and makes the table if it is not there.
    ///
    /// # Errors
    /// If it cannot be reached or used.
    pub fn open(url: &PostgresUrl) -> Result<Self, ShelfError> {
        let values = PostgresValues::open(url.expose(), &url.to_string()).map_err(failed)?;
        Ok(Self { values })
    }

    /// The same; `None` where there is no table yet.
    ///
    /// # Errors
    /// As [`PostgresShelf::open`].
    pub fn look(url: &PostgresUrl) -> Result<Option<Self>, ShelfError> {
        let values = PostgresValues::look(url.expose(), &url.to_string()).map_err(failed)?;
        Ok(values.map(|values| Self { values }))
    }
}

impl Shelf for PostgresShelf {
    fn get(&mut self, key: &str) -> Result<Option<Stored>, ShelfError> {
        fits(key, None)?;
        Ok(self.values.get(key).map_err(failed)?.map(stored))
    }

    fn put_if_version(
        &mut self,
        key: &str,
        value: Option<&[u8]>,
        expected: u64,
    ) -> Result<Option<u64>, ShelfError> {
        fits(key, value)?;
        self.values.put_if_version(key, value, expected).map_err(failed)
    }

    fn list(&mut self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, ShelfError> {
        self.values.list(prefix, after, limit).map_err(failed)
    }

    fn values(
        &mut self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Stored)>, ShelfError> {
        let values = self.values.values(prefix, after, limit).map_err(failed)?;
        Ok(values.into_iter().map(|(key, value)| (key, stored(value))).collect())
    }
}

fn stored(value: PostgresValue) -> Stored {
    Stored { version: value.version, value: value.bytes }
}

fn failed(error: StoreError) -> ShelfError {
    let hint = error.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
    let message = format!("{}{hint}", error.message);
    match error.kind {
        StoreErrorKind::Unreachable | StoreErrorKind::Busy => ShelfError::passes(message),
        _ => ShelfError::stays(message),
    }
}
