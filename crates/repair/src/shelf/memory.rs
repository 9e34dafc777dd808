//! A shelf in memory: for tests, and for looking without remembering.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Shelf, ShelfError, Stored, fits};

/// A shelf that lasts as long as the process. A clone is the same shelf.
#[derive(Clone, Debug, Default)]
pub struct MemoryShelf {
    values: Arc<Mutex<BTreeMap<String, Stored>>>,
}

impl Shelf for MemoryShelf {
    fn get(&mut self, key: &str) -> Result<Option<Stored>, ShelfError> {
        Ok(self.values.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn put_if_version(
        &mut self,
        key: &str,
        value: Option<&[u8]>,
        expected: u64,
    ) -> Result<Option<u64>, ShelfError> {
        fits(key, value)?;
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        if values.get(key).map_or(0, |stored| stored.version) != expected {
            return Ok(None);
        }
        let Some(value) = value else {
            values.remove(key);
            return Ok(Some(0));
        };
        let stored = Stored { version: expected + 1, value: value.to_vec() };
        values.insert(key.to_owned(), stored);
        Ok(Some(expected + 1))
    }

    fn list(&mut self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, ShelfError> {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = values.keys().skip_while(|key| key.as_str() < prefix);
        let keys = keys.take_while(|key| key.starts_with(prefix)).filter(|key| key.as_str() > after);
        Ok(keys.take(limit).cloned().collect())
    }
}
