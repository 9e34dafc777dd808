//! What the program keeps, seen from outside.

use std::path::Path;

use serde_json::{Value, json};
use stockade_repair::{Shelf, SqliteShelf};

pub(crate) enum Kept {
    File(std::path::PathBuf),
    #[cfg(feature = "postgres")]
    Postgres(stockade_testkit::postgres::Database),
}

impl Kept {
    pub(crate) fn file(folder: &Path) -> Self {
        Self::File(folder.join("repairs.db"))
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn postgres() -> Option<Self> {
        stockade_testkit::postgres::database().map(Self::Postgres)
    }

    /// As `[repair]` names it.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => database.url(),
        }
    }

    fn shelf(&self) -> Box<dyn Shelf> {
        match self {
            Self::File(path) => Box::new(SqliteShelf::open(path).unwrap()),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => {
                let text = database.url();
                let Some(stockade_config::StoreConfig::Postgres(url)) =
                    stockade_config::StoreConfig::parse(&text)
                else {
                    panic!("{text}")
                };
                Box::new(stockade_runtime::repair::PostgresShelf::open(&url).unwrap())
            }
        }
    }

    /// Three minutes of a lease's life in no time.
    pub(crate) fn expire_leases(&self) {
        let mut shelf = self.shelf();
        for (key, stored) in shelf.values("case/", "", 1000).unwrap() {
            let mut case: Value = serde_json::from_slice(&stored.value).unwrap();
            if case["lease"].is_null() {
                continue;
            }
            case["lease"]["until"] = json!(0);
            let bytes = serde_json::to_vec(&case).unwrap();
            assert!(shelf.put_if_version(&key, Some(&bytes), stored.version).unwrap().is_some());
        }
    }

    /// How many repairs began and did not end.
    pub(crate) fn open(&self) -> usize {
        let mut shelf = self.shelf();
        let all = shelf.values("open/", "", 1000).unwrap();
        all.iter()
            .map(|(_, stored)| serde_json::from_slice::<Value>(&stored.value).unwrap())
            .map(|open| open["repairs"].as_object().map_or(0, serde_json::Map::len))
            .sum()
    }
}
