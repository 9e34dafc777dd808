//! A shelf over another that is only read: for a rehearsal, which knows everything and leaves nothing behind.

use std::collections::BTreeMap;

use super::{Shelf, ShelfError, Stored, fits};

/// What is written is seen through this handle and forgotten with it.
pub struct ScratchShelf {
    below: Box<dyn Shelf>,
    /// What was written; `None` where something was removed.
    over: BTreeMap<String, Option<Stored>>,
}

impl ScratchShelf {
    /// Over this shelf.
    pub fn over(below: Box<dyn Shelf>) -> Self {
        Self { below, over: BTreeMap::new() }
    }
}

impl Shelf for ScratchShelf {
    fn get(&mut self, key: &str) -> Result<Option<Stored>, ShelfError> {
        match self.over.get(key) {
            Some(stored) => Ok(stored.clone()),
            None => self.below.get(key),
        }
    }

    fn put_if_version(
        &mut self,
        key: &str,
        value: Option<&[u8]>,
        expected: u64,
    ) -> Result<Option<u64>, ShelfError> {
        fits(key, value)?;
        if self.get(key)?.map_or(0, |stored| stored.version) != expected {
            return Ok(None);
        }
        let version = if value.is_some() { expected + 1 } else { 0 };
        let stored = value.map(|value| Stored { version, value: value.to_vec() });
        self.over.insert(key.to_owned(), stored);
        Ok(Some(version))
    }

    fn list(&mut self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, ShelfError> {
        let inside = |key: &&String| key.starts_with(prefix) && key.as_str() > after;
        let removed = self.over.iter().filter(|(key, stored)| stored.is_none() && inside(key)).count();
        let mut keys = self.below.list(prefix, after, limit + removed)?;
        keys.retain(|key| !self.over.contains_key(key));
        keys.extend(
            self.over
                .iter()
                .filter(|(key, stored)| stored.is_some() && inside(key))
                .map(|(key, _)| key.clone()),
        );
        keys.sort_unstable();
        keys.truncate(limit);
        Ok(keys)
    }
}

impl std::fmt::Debug for ScratchShelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScratchShelf").field("over", &self.over.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shelf::MemoryShelf;

    #[test]
    fn it_shows_what_is_below_and_changes_nothing_there() {
        let mut below = MemoryShelf::default();
        for key in ["a/1", "a/2", "a/3", "b"] {
            below.put_if_version(key, Some(b"x"), 0).unwrap();
        }
        let mut shelf = ScratchShelf::over(Box::new(below.clone()));
        assert_eq!(shelf.put_if_version("a/1", Some(b"y"), 0).unwrap(), None, "there is one below");
        assert_eq!(shelf.put_if_version("a/1", Some(b"y"), 1).unwrap(), Some(2));
        assert_eq!(shelf.put_if_version("a/2", None, 1).unwrap(), Some(0));
        assert_eq!(shelf.put_if_version("a/4", Some(b""), 0).unwrap(), Some(1));
        assert_eq!(shelf.get("a/1").unwrap().unwrap(), Stored { version: 2, value: b"y".to_vec() });
        assert_eq!((shelf.get("a/2").unwrap(), shelf.get("b").unwrap().unwrap().version), (None, 1));
        assert_eq!(shelf.list("a/", "", 9).unwrap(), ["a/1", "a/3", "a/4"]);
        assert_eq!(shelf.list("a/", "", 2).unwrap(), ["a/1", "a/3"]);
        assert_eq!(shelf.put_if_version("a/2", Some(b"z"), 0).unwrap(), Some(1), "it may come again");
        assert_eq!(below.get("a/1").unwrap().unwrap().version, 1);
        assert_eq!(below.list("", "", 9).unwrap(), ["a/1", "a/2", "a/3", "b"]);
    }

    #[test]
    fn it_is_a_shelf() {
        let mut shelf = ScratchShelf::over(Box::new(MemoryShelf::default()));
        assert_eq!(shelf.put_if_version("k", Some(b"1"), 1).unwrap(), None);
        assert_eq!(shelf.put_if_version("k", Some(b"1"), 0).unwrap(), Some(1));
        assert_eq!(shelf.put_if_version("k", Some(b"2"), 1).unwrap(), Some(2));
        assert_eq!(shelf.put_if_version("k", None, 2).unwrap(), Some(0));
        assert_eq!(shelf.put_if_version("k", None, 0).unwrap(), Some(0));
    }
}
