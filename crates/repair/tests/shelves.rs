//! Every shelf does what a shelf must.

use stockade_repair::{FolderShelf, MemoryShelf};
use stockade_testkit::shelf::suite;

#[test]
fn in_memory() {
    suite(MemoryShelf::default, Clone::clone);
}

#[test]
fn in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    let at = std::cell::RefCell::new(folder.path().to_owned());
    suite(
        || {
            count.set(count.get() + 1);
            at.replace(folder.path().join(count.get().to_string()));
            FolderShelf::open(&at.borrow()).unwrap()
        },
        |_| FolderShelf::open(&at.borrow()).unwrap(),
    );
}

#[cfg(feature = "sqlite")]
#[test]
fn in_sqlite() {
    use stockade_repair::SqliteShelf;

    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    let at = std::cell::RefCell::new(folder.path().to_owned());
    suite(
        || {
            count.set(count.get() + 1);
            at.replace(folder.path().join(count.get().to_string()));
            SqliteShelf::open(&at.borrow()).unwrap()
        },
        |_| SqliteShelf::open(&at.borrow()).unwrap(),
    );
}

/// In an emulator of AWS; without one it is skipped with a line that says so.
#[cfg(feature = "aws")]
#[test]
fn in_dynamodb() {
    use stockade_repair::DynamoShelf;
    use stockade_testkit::emulator::{Emulator, unique};

    let Some(emulator) = Emulator::ministack() else { return };
    let aws = emulator.aws("eu-central-1");
    let table = std::cell::RefCell::new(String::new());
    let create = |name: &str| {
        let key = |name: &str, kind: &str| serde_json::json!({"AttributeName": name, "KeyType": kind});
        let text = |name: &str| serde_json::json!({"AttributeName": name, "AttributeType": "S"});
        let body = serde_json::json!({
            "TableName": name, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
            "AttributeDefinitions": [text("pk"), text("sk")],
        });
        let call = stockade_aws::Call::json(
            "create a table".into(),
            "dynamodb",
            "DynamoDB_20120810.CreateTable",
            &body,
        );
        aws.block_on(aws.call(&call)).unwrap();
    };
    suite(
        || {
            table.replace(unique("shelf"));
            create(&table.borrow());
            DynamoShelf::new(&aws, &table.borrow())
        },
        Clone::clone,
    );
}
