//! What repairs keep, in PostgreSQL: the contract of shelves, and a server on its bad days.

#![cfg(feature = "postgres")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail"
)]

#[path = "../../store/tests/postgres/cutter.rs"]
mod cutter;

use std::time::{Duration, Instant};

use cutter::Cutter;
use stockade_config::{PostgresUrl, StoreConfig};
use stockade_repair::{Shelf, ShelfError};
use stockade_runtime::repair::PostgresShelf;
use stockade_testkit::postgres::{self, Database, Server, Stop};
use stockade_testkit::shelf::suite;

fn url(text: &str) -> PostgresUrl {
    let Some(StoreConfig::Postgres(url)) = StoreConfig::parse(text) else { panic!("{text}") };
    url
}

fn open(database: &Database) -> PostgresShelf {
    PostgresShelf::open(&url(&database.url())).unwrap()
}

#[test]
fn it_is_a_shelf() {
    if postgres::database().is_none() {
        return;
    }
    let current = std::cell::RefCell::new(None);
    suite(
        || {
            let database = postgres::database().unwrap();
            let shelf = open(&database);
            current.replace(Some(database));
            shelf
        },
        |_| open(current.borrow().as_ref().unwrap()),
    );
}

#[test]
fn two_that_open_an_empty_database_at_once_make_one_table() {
    let Some(database) = postgres::database() else { return };
    assert!(PostgresShelf::look(&url(&database.url())).unwrap().is_none(), "nothing is made by looking");
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let url = url(&database.url());
            std::thread::spawn(move || PostgresShelf::open(&url).map(drop))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
    assert!(PostgresShelf::look(&url(&database.url())).unwrap().is_some());
    assert_eq!(database.sql("SELECT count(*) FROM stockade.repair_shelf"), "0");
    // The store of a fleet comes into the same schema, before or after.
    assert_eq!(database.sql("SELECT to_regclass('stockade.schema_version') IS NULL"), "t");
}

#[test]
fn a_key_may_hold_any_character_in_any_language_of_the_database() {
    let Some(database) = postgres::database() else { return };
    let mut shelf = open(&database);
    for key in ["a\0b", "a%b", "a_b", "aB", "ab", "a\u{2400}"] {
        assert_eq!(shelf.put_if_version(key, Some(key.as_bytes()), 0).unwrap(), Some(1));
    }
    assert_eq!(shelf.list("a", "", 9).unwrap(), ["a\0b", "a%b", "aB", "a_b", "ab", "a\u{2400}"]);
    assert_eq!(shelf.list("a_", "", 9).unwrap(), ["a_b"]);
    let values = shelf.values("a", "a%b", 2).unwrap();
    let found: Vec<_> = values.iter().map(|(key, stored)| (key.as_str(), stored.value.as_slice())).collect();
    assert_eq!(found, [("aB", &b"aB"[..]), ("a_b", b"a_b")]);
}

/// Writes until it works, as whoever gets a message again does.
fn in_time(mut write: impl FnMut() -> Result<Option<u64>, ShelfError>) -> Option<u64> {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        match write() {
            Ok(version) => return version,
            Err(error) => assert!(error.passes && Instant::now() < until, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_server_that_goes_away_passes_and_comes_back() {
    let Some(mut server) = Server::start(&[]) else { return };
    let database = server.database();
    let mut shelf = open(&database);
    assert_eq!(shelf.put_if_version("k", Some(b"1"), 0).unwrap(), Some(1));
    server.stop(Stop::Immediate);
    for error in [
        shelf.get("k").unwrap_err(),
        shelf.put_if_version("k", Some(b"2"), 1).unwrap_err(),
        shelf.list("", "", 9).unwrap_err(),
        PostgresShelf::open(&url(&database.url())).unwrap_err(),
    ] {
        assert!(error.passes, "{error}");
    }
    server.go();
    assert_eq!(in_time(|| shelf.put_if_version("k", Some(b"2"), 1)), Some(2));
    // A restart between two writes is not noticed.
    server.stop(Stop::Fast);
    server.go();
    assert_eq!(shelf.get("k").unwrap().unwrap().value, b"2");
}

#[test]
fn a_write_whose_answer_is_lost_is_known_as_our_own() {
    let Some(server) = Server::start(&[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    // While it is armed nothing is asked about this key but the write.
    let cutter = Cutter::new(folder.path(), server.folder(), b"the-key");
    let database = server.database();
    let mut shelf = PostgresShelf::open(&url(&cutter.url(&database.name))).unwrap();
    for (value, expected, version) in
        [(Some(&b"1"[..]), 0, 1), (Some(b"2"), 1, 2), (Some(b"3"), 2, 3), (None, 3, 0)]
    {
        cutter.arm(1);
        let written = shelf.put_if_version("the-key", value, expected).unwrap();
        assert!(cutter.has_cut());
        assert_eq!(written, Some(version), "{expected}");
        let there = shelf.get("the-key").unwrap();
        assert_eq!(there.as_ref().map(|stored| stored.value.as_slice()), value);
        assert_eq!(there.map_or(0, |stored| stored.version), version);
    }
    // Where that is cut off too, the caller is told that it may be so or not, and to ask again.
    cutter.arm(2);
    let error = shelf.put_if_version("the-key", Some(b"x"), 0).unwrap_err();
    assert!(error.passes && cutter.has_cut(), "{error}");
    assert_eq!(in_time(|| shelf.get("the-key").map(|stored| stored.map(|stored| stored.version))), Some(1));
}
