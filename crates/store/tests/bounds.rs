//! Nothing grows without end: rows, the file, its log, the time of a purge; and nobody else can read it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "a test may fail"
)]

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use common::{NOW, at, batch, key, open};
use stockade_core::Timestamp;
use stockade_core::ports::{Batch, Retention, Store};
use stockade_store::{Limits, PURGE_SLICE, SqliteOptions, SqliteStore, VACUUM_SLACK_PAGES, WAL_BYTES};

const PAGE: u64 = 4096;

fn flooded(path: &Path, limits: Limits, batches: u32) -> SqliteStore {
    let options = SqliteOptions { limits, ..SqliteOptions::default() };
    let mut store = SqliteStore::open(path, &options, NOW).unwrap().store;
    for n in 0..batches {
        let mut batch = batch(n, 100);
        for m in &mut batch.matches {
            m.line = "x".repeat(stockade_core::limits::MAX_EVIDENCE_BYTES).into();
        }
        // Logged only, so that it counts as settled.
        batch.orders[0].responders.clear();
        store.commit(&Batch { windows: vec![], bans: vec![], ..batch }).unwrap();
    }
    store
}

#[test]
fn a_flood_between_two_purges_meets_the_limits() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    let limits = Limits { max_matches: 2_000, max_decisions: 30 };
    let mut store = flooded(&path, limits, 200);
    let left: usize = (0..200).map(|n| store.matches_of(&key(n), usize::MAX).unwrap().len()).sum();
    assert_eq!(left, 2_000);
    assert_eq!(store.matches_of(&key(179), 1).unwrap(), []);
    assert_eq!(store.matches_of(&key(180), 1_000).unwrap().len(), 100);
    assert_eq!(store.decisions(None, usize::MAX).unwrap().len(), 30);
    assert_eq!(store.totals().unwrap()[0].matches, 20_000);
    drop(store);
    // Below the bound that the documentation states: these come in the order of their times.
    let bytes = fs::metadata(&path).unwrap().len();
    assert!(bytes < 2_000 * 1_600 + VACUUM_SLACK_PAGES as u64 * PAGE, "{bytes} bytes");
}

#[test]
fn a_limit_that_was_lowered_is_reached_bit_by_bit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    drop(flooded(&path, Limits::default(), 50));
    let mut store = flooded(&path, Limits { max_matches: 200, ..Limits::default() }, 0);
    let rows = |store: &mut SqliteStore| -> usize {
        (0..60).map(|n| store.matches_of(&key(n), usize::MAX).unwrap().len()).sum()
    };
    assert_eq!(rows(&mut store), 5_000);
    let mut last = 5_000;
    for n in 50..57 {
        store.commit(&batch(n, 1)).unwrap();
        let now = rows(&mut store);
        assert!(last - now <= 1_000 && (now < last || now == 200), "from {last} to {now}");
        last = now;
    }
    assert_eq!(last, 200);
}

#[test]
fn a_purge_takes_a_slice_at_a_time_and_gives_the_room_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    let mut store = flooded(&path, Limits::default(), 100);
    let wal = PathBuf::from(format!("{}-wal", path.display()));
    let keep = Retention {
        matches_before: at(50),
        decisions_before: Timestamp::MAX,
        bans_before: Timestamp::MAX,
        max_matches: 1_000,
    };
    let size = |path: &Path| fs::metadata(path).unwrap().len();
    // The slices that do not reach the limit first: 5,000 by age, 4,000 by number, 100 decisions.
    let mut gone = vec![];
    while gone.last() != Some(&0) {
        gone.push(store.purge(&keep).unwrap());
        assert!(size(&wal) <= 2 * WAL_BYTES, "{} bytes of log", size(&wal));
    }
    assert_eq!(gone, [PURGE_SLICE, PURGE_SLICE, PURGE_SLICE, PURGE_SLICE, 9_100 - 4 * PURGE_SLICE, 0]);
    let mut sizes = vec![size(&path)];
    for _ in 0..10 {
        assert_eq!(store.purge(&keep).unwrap(), 0);
        sizes.push(size(&path));
    }
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
    let bytes = *sizes.last().unwrap();
    assert!(
        bytes < 1_000 * 1_600 + (VACUUM_SLACK_PAGES as u64 + 20) * PAGE,
        "{bytes} bytes while it is open"
    );
    assert_eq!(store.matches_of(&key(99), 1_000).unwrap().len(), 100);
}

#[test]
fn an_open_reader_does_not_stop_the_log_from_being_emptied() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    let mut store = open(&path);
    let reader = SqliteStore::open_read_only(&path).unwrap();
    for n in 0..1_000 {
        store.commit(&batch(n, 50)).unwrap();
        if n % 100 == 0 {
            assert_eq!(reader.load().unwrap().bans.len() as u32, n + 1);
        }
    }
    let wal = fs::metadata(format!("{}-wal", path.display())).unwrap().len();
    assert!(wal <= 2 * WAL_BYTES, "{wal} bytes of log");
    drop(store);
    drop(reader);
    assert_eq!(open(&path).load().unwrap().bans.len(), 1_000);
}

#[test]
fn everything_is_for_the_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/s.db");
    let mut store = open(&path);
    store.commit(&batch(1, 1)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
    let each = |check: &dyn Fn(&Path)| {
        let files: Vec<_> =
            fs::read_dir(path.parent().unwrap()).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(files.len(), 4, "{files:?}");
        files.iter().for_each(|file| check(file));
    };
    each(&|file| assert_eq!(mode(file), 0o600, "{}", file.display()));
    assert_eq!(mode(&dir.path().join("a")), 0o700);
    assert_eq!(mode(&dir.path().join("a/b")), 0o700);
    drop(store);
    // Rights that were given by mistake are taken back.
    let open_up =
        |file: &Path| fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    open_up(&path);
    let mut store = open(&path);
    store.commit(&batch(2, 1)).unwrap();
    each(&|file| assert_eq!(mode(file), 0o600, "{}", file.display()));
}

#[test]
fn the_file_is_set_up_as_documented() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    drop(open(&path));
    let raw = rusqlite::Connection::open(&path).unwrap();
    let number =
        |pragma: &str| raw.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(number("auto_vacuum"), 2);
    assert_eq!(number("page_size") as u64, PAGE);
    assert_eq!(number("user_version"), stockade_store::SCHEMA_VERSION);
    assert_eq!(number("application_id").to_be_bytes()[4..], *b"STKD");
    let mode: String = raw.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}
