//! The contract suite, against both stores.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "a test may fail"
)]

use stockade_core::Timestamp;
use stockade_store::{Durability, MemoryLedger, MemoryStore, SqliteOptions, SqliteStore};
use stockade_testkit::store::Contract;

fn open(path: &std::path::Path, options: &SqliteOptions) -> SqliteStore {
    let opened =
        SqliteStore::open(path, options, Timestamp::from_secs(1_700_000_000)).expect("an open store");
    assert_eq!(opened.notice, None);
    opened.store
}

#[test]
fn memory() {
    Contract::new(MemoryStore::default).run();
}

#[test]
fn memory_ledger() {
    stockade_testkit::ledger::Contract::new(MemoryLedger::default, Clone::clone).run();
}

#[test]
fn sqlite() {
    let root = tempfile::tempdir().unwrap();
    let options = SqliteOptions::default();
    let mut n = 0;
    let fresh = || {
        n += 1;
        open(&root.path().join(format!("{n}.db")), &options)
    };
    let reopen = |store: SqliteStore| {
        let path = store.path().to_owned();
        drop(store);
        open(&path, &options)
    };
    Contract::new(fresh).reopening(reopen).run();
}

#[test]
fn sqlite_that_waits_for_the_disk() {
    let root = tempfile::tempdir().unwrap();
    let options = SqliteOptions { durability: Durability::Full, ..SqliteOptions::default() };
    let mut n = 0;
    let fresh = || {
        n += 1;
        open(&root.path().join(format!("{n}.db")), &options)
    };
    Contract::new(fresh).run();
}
