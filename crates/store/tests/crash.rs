//! Killed at any instant: every batch is there whole or not at all, and every one that was acknowledged is there.

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

use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use common::{at, batch, key, open, rerun, try_open};
use stockade_core::ports::{Retention, Settlement, Store};
use stockade_core::{Outcome, Timestamp};

/// Set in the process that is to be killed: the database.
const DATABASE: &str = "STOCKADE_STORE_TEST_CRASH";

/// How many matches each batch has.
const PER_BATCH: u32 = 7;

/// What is older than so many batches may have been purged.
const KEPT: u32 = 300;

#[test]
fn killed_while_it_commits() {
    if let Some(path) = std::env::var_os(DATABASE) {
        return write_for_ever(&PathBuf::from(path));
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    let mut committed = 0;
    for round in 0..50 {
        let mut child = writer(&path);
        let mut acknowledged = BufReader::new(child.stdout.take().unwrap());
        // Not before it has opened the file; then at any time.
        let mut line = String::new();
        while !line.starts_with("committed ") {
            line.clear();
            assert!(acknowledged.read_line(&mut line).unwrap() > 0, "round {round}: the writer ended");
        }
        std::thread::sleep(Duration::from_micros(random() % 60_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let told = last_told(&line, acknowledged);
        let found = check(&path, round);
        assert!(found >= told, "round {round}: {told} was acknowledged and {found} is there");
        assert!(found > committed, "round {round}: nothing was committed");
        committed = found;
    }
    eprintln!("{committed} batches over 50 kills");
}

#[test]
fn killed_while_it_makes_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (mut nothing, mut begun, mut used) = (0, 0, 0);
    for round in 0..60 {
        let path = dir.path().join(format!("{round}/s.db"));
        let mut child = writer(&path);
        std::thread::sleep(Duration::from_micros(random() % 50_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let before = std::fs::metadata(&path).map_or(0, |meta| meta.len());
        let opened = try_open(&path).unwrap();
        if let Some(notice) = opened.notice {
            assert!(notice.contains("was empty"), "{notice}");
        }
        drop(opened.store);
        match (before, check(&path, round)) {
            (0, 0) => nothing += 1,
            (_, 0) => begun += 1,
            _ => used += 1,
        }
    }
    eprintln!("{nothing} kills before there was a file, {begun} before a batch was in it, {used} later");
}

fn writer(path: &Path) -> Child {
    rerun(&[], "killed_while_it_commits").env(DATABASE, path).stdout(Stdio::piped()).spawn().unwrap()
}

/// Goes on from the position in the database, and says so after each commit.
fn write_for_ever(path: &Path) {
    let mut store = open(path);
    let first = position(&mut store) + 1;
    for n in first.. {
        store.commit(&batch(n, PER_BATCH)).unwrap();
        let mut out = std::io::stdout();
        writeln!(out, "committed {n}").and_then(|()| out.flush()).unwrap();
        if n % 16 == 0 {
            let items = store.outbox(at(n), 100).unwrap();
            let done = |id| Settlement { id, outcome: Outcome::Done, retry_at: at(n) };
            store.settle(&items.iter().map(|i| done(i.id)).collect::<Vec<_>>()).unwrap();
            let before = at(n.saturating_sub(KEPT));
            let keep = Retention {
                matches_before: before,
                decisions_before: before,
                bans_before: before,
                max_matches: u64::MAX,
            };
            store.purge(&keep).unwrap();
        }
    }
}

/// The number of the newest batch that the writer has told of.
fn last_told(first: &str, mut rest: impl BufRead) -> u32 {
    let mut told = String::new();
    // What it wrote before it died is still in the pipe; its last line may be cut.
    let _ = rest.read_to_string(&mut told);
    let whole = told.rsplit_once('\n').map_or("", |(lines, _)| lines);
    let number = |line: &str| line.trim_end().strip_prefix("committed ").and_then(|n| n.parse().ok());
    whole.lines().filter_map(number).next_back().or_else(|| number(first)).unwrap()
}

/// Opens the database and checks each batch in it. Returns the number of the newest one.
fn check(path: &Path, round: u32) -> u32 {
    let mut store = open(path);
    let newest = position(&mut store);
    let state = store.load().unwrap();
    let log = store.decisions(None, usize::MAX).unwrap();
    let open_lines = store.outbox(Timestamp::MAX, usize::MAX).unwrap();
    for n in 1..=newest + 3 {
        let there = n <= newest;
        let matches = store.matches_of(&key(n), usize::MAX).unwrap();
        let wanted = batch(n, PER_BATCH);
        if n + KEPT < newest {
            continue;
        }
        let mut stored = matches;
        stored.reverse();
        assert_eq!(
            stored,
            if there { wanted.matches } else { vec![] },
            "round {round}: batch {n} of {newest}"
        );
        assert_eq!(state.windows.iter().any(|w| *w == wanted.windows[0]), there);
        assert_eq!(state.bans.iter().any(|b| *b == wanted.bans[0]), there);
        let logged: Vec<_> = log.iter().filter(|l| l.decision == wanted.orders[0].decision).collect();
        assert_eq!(logged.len(), usize::from(there));
        // The order waits, or its outcome is known.
        let waits = open_lines.iter().filter(|i| i.decision == wanted.orders[0].decision).count();
        let settled = logged.iter().filter(|l| l.outcomes[0].1 == Some(Outcome::Done)).count();
        assert_eq!(waits + settled, usize::from(there));
    }
    assert_eq!(state.windows.len() as u32, newest);
    let totals = store.totals().unwrap();
    assert_eq!(totals.iter().map(|t| t.matches).sum::<u64>(), u64::from(newest * PER_BATCH));
    drop(store);
    let raw = rusqlite::Connection::open(path).unwrap();
    let text = |sql: &str| raw.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(text("PRAGMA integrity_check"), "ok", "round {round}");
    let broken_links = raw.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap();
    assert!(!broken_links, "round {round}");
    newest
}

fn position(store: &mut impl Store) -> u32 {
    store.load().unwrap().positions.first().map_or(0, |p| p.offset as u32)
}

fn random() -> u64 {
    RandomState::new().hash_one(0)
}
