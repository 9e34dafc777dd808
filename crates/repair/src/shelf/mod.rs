//! Where the repairs keep what they know: a small key-value port.
//!
//! Everything is under one port, so that a host's folder, a fleet's database and a function's table hold the same, and
//! two that work at once see each other: a value is written only over the version that was read. What must hold for
//! every shelf is in the testkit (`shelf::suite`).

#[cfg(feature = "aws")]
mod dynamo;
mod folder;
mod memory;
mod scratch;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt;

#[cfg(feature = "aws")]
pub use dynamo::DynamoShelf;
pub use folder::FolderShelf;
pub use memory::MemoryShelf;
pub use scratch::ScratchShelf;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteShelf;

/// A value with its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its version, from 1. It grows with each write; after a removal it may begin again.
    pub version: u64,
    /// The bytes.
    pub value: Vec<u8>,
}

/// Why a shelf could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ShelfError {
    /// What was tried, on what, and what happened.
    pub message: String,
    /// Whether the same may work later without anybody mending anything.
    pub passes: bool,
}

impl ShelfError {
    /// An error that stays until somebody mends it.
    pub fn stays(message: String) -> Self {
        Self { message, passes: false }
    }

    /// An error that may be gone the next time.
    pub fn passes(message: String) -> Self {
        Self { message, passes: true }
    }
}

/// Keeps values by key.
///
/// Keys are texts of at most [`MAX_KEY_BYTES`] bytes, with `/` between their parts; values are at most
/// [`MAX_VALUE_BYTES`] (whoever stores less at once splits them). A write that returned is durable.
pub trait Shelf: Send {
    /// The value of a key; `None` where there is none.
    ///
    /// # Errors
    /// If the shelf cannot be read.
    fn get(&mut self, key: &str) -> Result<Option<Stored>, ShelfError>;

    /// Writes a value, or removes it (`None`), if the key's version is `expected`; 0 means that there is none. Returns
    /// the new version (0 after a removal), or `None` where another version is there: nothing was written then.
    ///
    /// # Errors
    /// If the shelf cannot be written.
    fn put_if_version(
        &mut self,
        key: &str,
        value: Option<&[u8]>,
        expected: u64,
    ) -> Result<Option<u64>, ShelfError>;

    /// The keys that begin with `prefix`, ascending by bytes, after `after`, at most `limit`.
    ///
    /// # Errors
    /// If the shelf cannot be read.
    fn list(&mut self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, ShelfError>;

    /// The same with their values: at least one if there is one, and then as many as the shelf gives at once.
    ///
    /// # Errors
    /// If the shelf cannot be read.
    fn values(
        &mut self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Stored)>, ShelfError> {
        let mut values = Vec::new();
        for key in self.list(prefix, after, limit)? {
            // One that went meanwhile is none.
            if let Some(stored) = self.get(&key)? {
                values.push((key, stored));
            }
        }
        Ok(values)
    }
}

/// A longer key is an error.
pub const MAX_KEY_BYTES: usize = 1024;
/// A longer value is an error.
pub const MAX_VALUE_BYTES: usize = 8 << 20;

impl<S: Shelf + ?Sized> Shelf for Box<S> {
    fn get(&mut self, key: &str) -> Result<Option<Stored>, ShelfError> {
        (**self).get(key)
    }

    fn put_if_version(
        &mut self,
        key: &str,
        value: Option<&[u8]>,
        expected: u64,
    ) -> Result<Option<u64>, ShelfError> {
        (**self).put_if_version(key, value, expected)
    }

    fn list(&mut self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, ShelfError> {
        (**self).list(prefix, after, limit)
    }

    fn values(
        &mut self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Stored)>, ShelfError> {
        (**self).values(prefix, after, limit)
    }
}

/// Refuses what is too long, before it is written: for whoever makes a shelf.
///
/// # Errors
/// If the key is empty or too long, or the value too long.
pub fn fits(key: &str, value: Option<&[u8]>) -> Result<(), ShelfError> {
    let length = value.map_or(0, <[u8]>::len);
    if key.is_empty() || key.len() > MAX_KEY_BYTES || length > MAX_VALUE_BYTES {
        let key: String = key.chars().take(64).collect();
        return Err(ShelfError::stays(format!("cannot keep {length} bytes as `{key}`: too long")));
    }
    Ok(())
}

fn failed(what: &str, key: &str, why: &dyn fmt::Display) -> ShelfError {
    ShelfError::passes(format!("cannot {what} `{key}`: {why}"))
}
