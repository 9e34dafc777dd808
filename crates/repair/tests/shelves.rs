//! Every shelf does what a shelf must.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

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

#[cfg(feature = "aws")]
#[path = "moto/table.rs"]
mod table;

/// In both emulators; without them it is skipped with a line that says so.
#[cfg(feature = "aws")]
#[test]
fn in_dynamodb() {
    let moto = std::env::var("STOCKADE_TEST_MOTO").ok();
    for table in [table::Table::new(), moto.map(|url| table::Table::at(&url))].into_iter().flatten() {
        let current = std::cell::RefCell::new(table);
        suite(
            || {
                let next = current.borrow().another();
                current.replace(next);
                current.borrow().shelf()
            },
            Clone::clone,
        );
    }
}

/// DynamoDB on its bad days, through a proxy.
#[cfg(feature = "aws")]
mod dynamodb {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::Value;
    use stockade_repair::{DynamoShelf, Shelf as _};
    use stockade_testkit::fault_proxy::{Answer, FaultProxy, Request, Verdict};

    use super::table::Table;

    const LIMIT: usize = 400 << 10;

    fn through() -> Option<(FaultProxy, DynamoShelf)> {
        let table = Table::new()?;
        let proxy = FaultProxy::before(&table.endpoint());
        let shelf = table.through(proxy.url());
        Some((proxy, shelf))
    }

    fn body(request: &Request) -> Value {
        serde_json::from_slice(&request.body).unwrap()
    }

    #[test]
    fn every_read_is_consistent_and_no_item_is_too_long() {
        let Some((proxy, mut shelf)) = through() else { return };
        let value = vec![7; 1_500_000];
        assert_eq!(shelf.put_if_version("long", Some(&value), 0).unwrap(), Some(1));
        assert_eq!(shelf.get("long").unwrap().unwrap().value, value);
        assert_eq!(shelf.values("", "", 10).unwrap()[0].1.value, value);
        assert_eq!(shelf.list("", "", 10).unwrap(), ["long"]);
        assert_eq!(shelf.put_if_version("long", Some(b"short"), 1).unwrap(), Some(2));
        assert_eq!(shelf.put_if_version("long", None, 2).unwrap(), Some(0));
        let seen = proxy.seen();
        let of = |action: &'static str| seen.iter().filter(move |one| one.action() == Some(action));
        for request in of("GetItem").chain(of("Query")) {
            assert_eq!(body(request)["ConsistentRead"], true);
        }
        let longest = of("PutItem").map(|one| one.body.len() * 3 / 4).max().unwrap();
        assert!((LIMIT / 2..LIMIT).contains(&longest), "{longest}");
        // The parts of what was replaced are gone.
        assert_eq!(of("DeleteItem").count(), of("PutItem").count() - 2 + 1);
    }

    #[test]
    fn more_than_a_page_is_listed_and_read() {
        let Some((proxy, mut shelf)) = through() else { return };
        let value = vec![b'x'; 100_000];
        for nth in 0..25 {
            shelf.put_if_version(&format!("a/{nth:04}"), Some(&value), 0).unwrap();
        }
        shelf.put_if_version("b", Some(b""), 0).unwrap();
        let keys = shelf.list("a/", "", 1000).unwrap();
        assert_eq!(keys.len(), 25);
        assert_eq!(shelf.list("a/", &keys[22], 1000).unwrap(), &keys[23..]);
        let (mut after, mut all) = (String::new(), Vec::new());
        loop {
            let some = shelf.values("a/", &after, 1000).unwrap();
            let Some((last, _)) = some.last() else { break };
            after.clone_from(last);
            all.extend(some);
        }
        assert_eq!(all.iter().map(|(key, _)| key).collect::<Vec<_>>(), keys.iter().collect::<Vec<_>>());
        assert!(all.iter().all(|(_, stored)| stored.version == 1 && stored.value == value));
        assert!(proxy.seen().iter().filter(|one| one.action() == Some("Query")).count() >= 5);
    }

    #[test]
    fn a_write_whose_answer_is_lost_is_known_as_our_own() {
        let Some((proxy, mut shelf)) = through() else { return };
        let lost = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&lost);
        proxy.rule(move |request| match request.action() {
            Some("PutItem" | "DeleteItem")
                if left.try_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() =>
            {
                Verdict::Swallow
            }
            _ => Verdict::Pass,
        });
        for (value, expected, version) in [(Some(&b"1"[..]), 0, 1), (Some(b"2"), 1, 2), (None, 2, 0)] {
            lost.store(1, Ordering::SeqCst);
            assert_eq!(shelf.put_if_version("k", value, expected).unwrap(), Some(version), "{expected}");
            assert_eq!(lost.load(Ordering::SeqCst), 0, "it was lost");
            assert_eq!(shelf.get("k").unwrap().map_or(0, |stored| stored.version), version);
        }
        // Another who was first is another.
        shelf.put_if_version("k", Some(b"theirs"), 0).unwrap();
        lost.store(1, Ordering::SeqCst);
        assert_eq!(shelf.put_if_version("k", Some(b"mine"), 0).unwrap(), None);
        assert_eq!(shelf.get("k").unwrap().unwrap().value, b"theirs");
    }

    #[test]
    fn throttling_is_waited_for_and_passes() {
        let Some((proxy, mut shelf)) = through() else { return };
        let left = Arc::new(AtomicUsize::new(2));
        let refuse = Arc::clone(&left);
        proxy.rule(move |_| {
            match refuse.try_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)) {
                Ok(_) => Verdict::answer(Answer::json(
                    400,
                    r#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}"#,
                )),
                Err(_) => Verdict::Pass,
            }
        });
        assert_eq!(shelf.put_if_version("k", Some(b"1"), 0).unwrap(), Some(1));
        left.store(usize::MAX, Ordering::SeqCst);
        assert!(shelf.put_if_version("k", Some(b"2"), 1).unwrap_err().passes);
        assert!(shelf.get("k").unwrap_err().passes && shelf.list("", "", 1).unwrap_err().passes);
        left.store(0, Ordering::SeqCst);
        assert_eq!(shelf.get("k").unwrap().unwrap().value, b"1");
    }
}
