//! What the program keeps, seen from outside.

use std::path::Path;

use serde_json::{Value, json};
use stockade_aws::{Access, Aws, Call};
use stockade_repair::{DynamoShelf, Shelf, SqliteShelf};

pub(crate) enum Kept {
    File(std::path::PathBuf),
    /// A table in the same moto that holds the trail.
    Table(Box<Aws>, String),
    #[cfg(feature = "postgres")]
    Postgres(stockade_testkit::postgres::Database),
}

impl Kept {
    pub(crate) fn file(folder: &Path) -> Self {
        Self::File(folder.join("repairs.db"))
    }

    pub(crate) fn table() -> Option<Self> {
        let url = std::env::var("STOCKADE_TEST_MOTO").ok().filter(|url| !url.is_empty())?;
        let region = Some(crate::account::REGION.to_owned());
        let aws = Aws::new(&Access { region, endpoint: Some(url) }).unwrap();
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let name = format!("shelf-{now}-{}", std::process::id());
        let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
        let text = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
        let body = json!({
            "TableName": name, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
            "AttributeDefinitions": [text("pk"), text("sk")],
        });
        let call = Call::json("make a table".into(), "dynamodb", "DynamoDB_20120810.CreateTable", &body);
        aws.block_on(aws.call(&call)).unwrap();
        Some(Self::Table(Box::new(aws), name))
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn postgres() -> Option<Self> {
        stockade_testkit::postgres::database().map(Self::Postgres)
    }

    /// As `[repair]` names it.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Table(_, name) => format!("dynamodb:{name}"),
            #[cfg(feature = "postgres")]
            Self::Postgres(database) => database.url(),
        }
    }

    fn shelf(&self) -> Box<dyn Shelf> {
        match self {
            Self::File(path) => Box::new(SqliteShelf::open(path).unwrap()),
            Self::Table(aws, name) => Box::new(DynamoShelf::new(aws, name)),
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
