//! Damaged files: never deleted, always replaced, and the bans saved where they can be read.

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

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use common::{ban, batch, open, try_open};
use stockade_core::ports::{Batch, Store, StoreErrorKind};
use stockade_core::{BanRecord, Timestamp};
use stockade_store::{SqliteOptions, SqliteStore};

const BANS: u32 = 400;
const PAGE: usize = 4096;

/// A sound file with something in every table, and its bytes.
fn sound(dir: &Path) -> (PathBuf, Vec<u8>) {
    let path = dir.join("s.db");
    let mut store = open(&path);
    store.commit(&Batch { bans: (0..BANS).map(ban).collect(), ..Batch::default() }).unwrap();
    for n in 0..30 {
        store.commit(&batch(n, 10)).unwrap();
    }
    drop(store);
    let bytes = fs::read(&path).unwrap();
    (path, bytes)
}

/// Opens a damaged file; what was moved aside must be the damaged bytes. Returns the bans that were saved, or `None`
/// if nothing was found to be wrong.
fn reopen(path: &Path, damaged: &[u8], what: &str) -> Option<Vec<BanRecord>> {
    fs::write(path, damaged).unwrap();
    let opened = try_open(path).unwrap_or_else(|e| panic!("{what}: {e}"));
    let mut store = opened.store;
    let state = store.load().unwrap_or_else(|e| panic!("{what}: {e}"));
    let aside = path.with_file_name("s.db.corrupt-20231114T221320Z");
    let moved = opened.notice.is_some();
    assert_eq!(moved, aside.exists(), "{what}: {:?}", opened.notice);
    if moved {
        let notice = opened.notice.unwrap();
        assert!(notice.contains(aside.to_str().unwrap()), "{what}: {notice}");
        assert!(fs::read(&aside).unwrap() == damaged, "{what}: the file that was moved aside was changed");
        assert_eq!((state.windows.len(), state.positions.len()), (0, 0), "{what}");
        // The new one works.
        assert_eq!(store.commit(&batch(7_000, 3)).unwrap(), 3, "{what}");
    }
    drop(store);
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    moved.then_some(state.bans)
}

#[test]
fn damage_to_any_page() {
    let dir = tempfile::tempdir().unwrap();
    let (path, bytes) = sound(dir.path());
    fs::remove_file(&path).unwrap();
    let all: HashSet<_> = (0..BANS).map(common::key).collect();
    let (mut saved_all, mut saved_some, pages) = (0, 0, bytes.len() / PAGE);
    for page in 0..pages {
        let mut damaged = bytes.clone();
        for (byte, n) in damaged[page * PAGE..(page + 1) * PAGE].iter_mut().zip(0_u32..) {
            *byte ^= 0x5a ^ n.to_le_bytes()[0];
        }
        let what = format!("page {page} of {pages}");
        let Some(saved) = reopen(&path, &damaged, &what) else {
            // The map of pages for the vacuum is not read before it is needed.
            assert_eq!(page, 1, "{what} was damaged and nobody noticed");
            continue;
        };
        assert!(saved.iter().all(|b| all.contains(&b.key) && b.live), "{what}: an invented ban");
        saved_all += usize::from(saved.len() == all.len());
        saved_some += usize::from(!saved.is_empty());
    }
    eprintln!("of {pages} damaged pages, {saved_all} left all bans readable and {saved_some} some");
    // Only the first page, and the inner page of the table of bans, take all of them along.
    assert!(saved_some >= pages - 4, "bans saved with {saved_some} of {pages} pages damaged");
    assert!(saved_all >= pages / 2, "all bans saved with {saved_all} of {pages} pages damaged");
}

#[test]
fn damage_to_any_byte() {
    let dir = tempfile::tempdir().unwrap();
    let (path, bytes) = sound(dir.path());
    fs::remove_file(&path).unwrap();
    // A stride that is prime to the page size: every part of a page is hit.
    for (at, n) in (0..bytes.len()).step_by(577).zip(0_u8..=255) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (n % 8);
        reopen(&path, &damaged, &format!("byte {at}"));
    }
    for at in 0..100 {
        let mut damaged = bytes.clone();
        damaged[at] = !damaged[at];
        fs::write(&path, &damaged).unwrap();
        // The header may also make it another program's file, or a newer one: left alone then.
        match try_open(&path) {
            Ok(opened) => drop(opened),
            Err(e) => {
                assert!(matches!(e.kind, StoreErrorKind::TooNew | StoreErrorKind::Other), "byte {at}: {e}");
            }
        }
        for entry in fs::read_dir(dir.path()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }
}

#[test]
fn what_was_never_a_database_or_only_half_of_one() {
    let dir = tempfile::tempdir().unwrap();
    let (path, bytes) = sound(dir.path());
    fs::remove_file(&path).unwrap();
    let text = "May  1 00:00:00 host sshd[1]: not a database\n".repeat(500);
    assert_eq!(reopen(&path, text.as_bytes(), "a text"), Some(vec![]));
    assert_eq!(reopen(&path, b"xy", "two bytes"), Some(vec![]));
    assert_eq!(reopen(&path, &bytes[..50], "half a header"), Some(vec![]));
    assert!(reopen(&path, &bytes[..bytes.len() / 2], "half a file").is_some());
    assert!(reopen(&path, &bytes[..bytes.len() - PAGE], "the last page missing").is_some());
}

#[test]
fn an_empty_file_is_used_and_told_of() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    fs::write(&path, "").unwrap();
    let mut opened = try_open(&path).unwrap();
    assert!(opened.notice.unwrap().contains("was empty"));
    opened.store.commit(&batch(1, 1)).unwrap();
    drop(opened.store);
    assert_eq!(open(&path).load().unwrap().bans.len(), 1);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn damaged_files_are_kept_beside_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    for text in ["first", "second", "third"] {
        fs::write(&path, text).unwrap();
        assert!(try_open(&path).unwrap().notice.is_some());
    }
    let aside = |end: &str| fs::read_to_string(format!("{}.corrupt-{end}", path.display())).unwrap();
    assert_eq!(aside("20231114T221320Z"), "first");
    assert_eq!(aside("20231114T221320Z-2"), "second");
    assert_eq!(aside("20231114T221320Z-3"), "third");
    // A clock beyond the calendar is no reason to fail.
    fs::write(&path, "fourth").unwrap();
    SqliteStore::open(&path, &SqliteOptions::default(), Timestamp::MAX).unwrap();
    assert_eq!(aside(&Timestamp::MAX.as_secs().to_string()), "fourth");
}

#[test]
fn a_log_that_was_not_yet_written_back_is_moved_along() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = sound(dir.path());
    // A copy of a file in use, as a crash leaves it: the newest ban is in the write-ahead log alone.
    let mut store = open(&path);
    store.commit(&Batch { bans: vec![ban(5_000)], ..Batch::default() }).unwrap();
    let copy = dir.path().join("copy.db");
    let wal = |path: &Path, end: &str| PathBuf::from(format!("{}{end}", path.display()));
    fs::copy(&path, &copy).unwrap();
    fs::copy(wal(&path, "-wal"), wal(&copy, "-wal")).unwrap();
    drop(store);
    break_a_row(&copy);
    let opened = try_open(&copy).unwrap();
    assert!(opened.notice.unwrap().contains(&format!("the {} bans", BANS + 1)));
    let bans = opened.store.path().to_owned();
    drop(opened.store);
    assert_eq!(open(&bans).load().unwrap().bans.len() as u32, BANS + 1);
}

/// Makes one window unreadable through a log of its own, so that nothing is written back.
fn break_a_row(path: &Path) {
    let conn = rusqlite::Connection::open(path).unwrap();
    conn.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    conn.execute("UPDATE windows SET key = 'nobody' WHERE key = '10.0.0.1'", []).unwrap();
}

#[test]
fn rows_that_stockade_never_wrote_are_damage() {
    for sql in [
        "UPDATE windows SET times = x'80' WHERE key = '10.0.0.3'",
        "UPDATE windows SET key = 'root' WHERE key = '10.0.0.3'",
        "UPDATE bans SET key = 'root' WHERE key = '10.0.0.3'",
        "UPDATE bans SET reason = '{}' WHERE key = '10.0.0.3'",
        "UPDATE bans SET times = -1 WHERE key = '10.0.0.3'",
        "DROP TABLE windows",
        "DROP TABLE matches",
        "ALTER TABLE bans RENAME COLUMN since TO after",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (path, _) = sound(dir.path());
        rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let opened = try_open(&path).unwrap_or_else(|e| panic!("{sql}: {e}"));
        let mut store = opened.store;
        let notice = opened.notice.unwrap_or_else(|| panic!("{sql}: not noticed"));
        let saved = store.load().unwrap().bans.len() as u32;
        let expected = match sql {
            _ if sql.contains("ALTER TABLE bans") => 0,
            _ if sql.contains("bans") => BANS - 1,
            _ => BANS,
        };
        assert_eq!(saved, expected, "{sql}: {notice}");
    }
}

#[test]
fn damage_under_way_is_told_and_mended_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let (path, bytes) = sound(dir.path());
    let mut store = open(&path);
    // Another program writes, so that pages must be read again; then the disk fails.
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("UPDATE totals SET bans = bans + 1; PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    for page in 2..bytes.len() / PAGE {
        file.write_all_at(&[0x77; PAGE], (page * PAGE) as u64).unwrap();
    }
    let error = store.commit(&batch(10_000, 10)).expect_err("damage that is noticed");
    assert_eq!(error.kind, StoreErrorKind::Corrupt, "{error}");
    assert!(error.hint.unwrap().contains("start Stockade again"));
    drop(store);
    assert!(try_open(&path).unwrap().notice.is_some());
}
