//! What the SQLite store costs here: `cargo run --release -p stockade-store --example bench [FOLDER]`.
//!
//! The folder should lie on the kind of disk that is asked about; a temporary one is the default.

#![allow(clippy::print_stdout, reason = "a program whose output is its purpose")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a measurement that fails may just end"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use stockade_core::ports::Settlement;
use stockade_core::ports::{Batch, Order, Retention, Store, WindowRecord};
use stockade_core::{
    BanRecord, Decision, Key, Match, MatchId, Outcome, Position, Reason, Timestamp, Verdict,
};
use stockade_store::{Check, Durability, Limits, SqliteOptions, SqliteStore};

fn main() {
    let temporary = tempfile::tempdir().unwrap();
    let root = std::env::args_os().nth(1).map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    batches(&root.join("batches.db"));
    flood(&root.join("flood.db"));
    for durability in [Durability::Normal, Durability::Full] {
        single(&root.join(format!("single-{durability:?}.db")), durability);
    }
    state(
        &root.join("bans.db"),
        "bans",
        |n| Batch { bans: (n..n + 1_000).map(ban).collect(), ..Batch::default() },
        100,
    );
    state(
        &root.join("over.db"),
        "bans that are over",
        |n| Batch {
            bans: (n..n + 1_000).map(|n| BanRecord { live: false, ..ban(n) }).collect(),
            ..Batch::default()
        },
        100,
    );
    state(
        &root.join("windows.db"),
        "windows",
        |n| Batch { windows: (n..n + 1_000).map(|n| window(n, 5)).collect(), ..Batch::default() },
        1_000,
    );
    decisions(&root.join("decisions.db"));
}

/// 100,000 matches with their windows, a thousand to a batch, from 20,000 addresses.
fn batches(path: &Path) {
    let mut store = open(path, &SqliteOptions::default());
    let start = Instant::now();
    for n in 0..100 {
        store.commit(&batch(n * 1_000, 1_000, 20_000)).unwrap();
    }
    let took = start.elapsed();
    println!("100,000 matches with windows in batches of 1,000: {took:.0?}, {}", rate(100_000, took));
    drop(store);
    println!("  file: {} bytes per match, windows of 20,000 keys included", size(path) / 100_000);
}

/// Matches alone: ordinary lines, then the longest that are kept, past the limit, and the purge of it all.
fn flood(path: &Path) {
    for (what, line, in_order) in [
        ("lines of 100 bytes", 100, true),
        ("lines of 1,024 bytes", 1_024, true),
        ("lines of 1,024 bytes, times in no order", 1_024, false),
        ("lines of 600 bytes, times in no order", 600, false),
    ] {
        let limits = Limits { max_matches: 100_000, ..Limits::default() };
        let mut store = open(path, &SqliteOptions { limits, ..SqliteOptions::default() });
        let mut fill = |from: u32, to: u32| {
            let start = Instant::now();
            for n in from..to {
                let mut batch = batch(n * 1_000, 1_000, u32::MAX);
                batch.windows.clear();
                for m in &mut batch.matches {
                    m.line = "x".repeat(line).into();
                    if !in_order {
                        // Scattered over the key's own bits: the limit then takes rows out everywhere.
                        m.time = Timestamp::from_millis(
                            m.time.as_millis().wrapping_mul(2_654_435_769) % 1_700_000_000_000,
                        );
                    }
                }
                store.commit(&batch).unwrap();
            }
            start.elapsed()
        };
        let took = fill(0, 100);
        println!("{what}, every key new: {}", rate(100_000, took));
        let took = fill(100, 300);
        println!("  at the limit, as many dropped as added: {}", rate(200_000, took));
        let wal = size(&with_end(path, "-wal"));
        println!("  file after 300,000: {} bytes per match kept; wal {wal} bytes", size(path) / 100_000);
        let start = Instant::now();
        drop(store);
        println!("  close: {:.1?}", start.elapsed());
        for check in [Check::Everything, Check::State] {
            let start = Instant::now();
            drop(open(path, &SqliteOptions { limits, check, ..SqliteOptions::default() }));
            println!(
                "  open and close with {} MB, check {check:?}: {:.1?}",
                size(path) / 1_000_000,
                start.elapsed()
            );
        }
        let mut store = open(path, &SqliteOptions { limits, ..SqliteOptions::default() });
        purge(&mut store);
        drop(store);
        println!("  file after the purge: {} bytes", size(path));
        fs::remove_file(path).unwrap();
    }
}

fn purge(store: &mut SqliteStore) {
    let keep = Retention {
        matches_before: Timestamp::MAX,
        decisions_before: Timestamp::MAX,
        bans_before: Timestamp::MAX,
        max_matches: 0,
    };
    let (mut calls, mut worst, mut empty) = (0, Duration::ZERO, 0);
    // Some calls more, for the free pages that are left.
    while empty < 100 {
        let start = Instant::now();
        if store.purge(&keep).unwrap() == 0 {
            empty += 1;
        }
        worst = worst.max(start.elapsed());
        calls += 1;
    }
    println!("  purge of all: {calls} calls, the longest {worst:.1?}");
}

/// One match, its window and the position, as a quiet host commits them.
fn single(path: &Path, durability: Durability) {
    let mut store = open(path, &SqliteOptions { durability, ..SqliteOptions::default() });
    let commits = if durability == Durability::Normal { 50_000 } else { 2_000 };
    let mut took: Vec<Duration> = Vec::with_capacity(commits as usize);
    for n in 0..commits {
        let batch = batch(n, 1, 20_000);
        let start = Instant::now();
        store.commit(&batch).unwrap();
        took.push(start.elapsed());
    }
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!(
        "one match to a commit, {durability:?}: p50 {:.1?}, p99 {:.1?}, p99.9 {:.1?}, worst {:.1?}",
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}

/// What a daemon finds at its start.
fn state(path: &Path, what: &str, make: impl Fn(u32) -> Batch, thousands: u32) {
    let mut store = open(path, &SqliteOptions::default());
    for n in 0..thousands {
        store.commit(&make(n * 1_000)).unwrap();
    }
    drop(store);
    let rows = u64::from(thousands) * 1_000;
    println!("{rows} {what}: {} bytes each", size(path) / rows);
    for check in [Check::Everything, Check::State] {
        let start = Instant::now();
        let mut store = open(path, &SqliteOptions { check, ..SqliteOptions::default() });
        let snapshot = store.load().unwrap();
        let took = start.elapsed();
        assert_eq!(snapshot.bans.len() + snapshot.windows.len(), rows as usize);
        println!("  open and first load, check {check:?}: {took:.1?}");
        let start = Instant::now();
        assert_eq!(store.load().unwrap().bans.len(), snapshot.bans.len());
        println!("  load alone: {:.1?}", start.elapsed());
    }
}

/// The outbox, worked off a hundred at a time.
fn decisions(path: &Path) {
    let mut store = open(path, &SqliteOptions::default());
    let start = Instant::now();
    for n in 0..100 {
        let orders = (n * 1_000..(n + 1) * 1_000).map(order).collect();
        store.commit(&Batch { orders, ..Batch::default() }).unwrap();
    }
    println!("100,000 decisions in batches of 1,000: {:.0?}", start.elapsed());
    let start = Instant::now();
    let mut worst = Duration::ZERO;
    loop {
        let one = Instant::now();
        let items = store.outbox(Timestamp::MAX, 100).unwrap();
        if items.is_empty() {
            break;
        }
        let done = |id| Settlement { id, outcome: Outcome::Done, retry_at: Timestamp::MIN };
        store.settle(&items.iter().map(|i| done(i.id)).collect::<Vec<_>>()).unwrap();
        worst = worst.max(one.elapsed());
    }
    println!("  carried out a hundred at a time: {:.0?}, the longest turn {worst:.1?}", start.elapsed());
    drop(store);
    println!("  {} bytes per decision with one responder", size(path) / 100_000);
}

fn open(path: &Path, options: &SqliteOptions) -> SqliteStore {
    SqliteStore::open(path, options, Timestamp::from_secs(1_700_000_000)).unwrap().store
}

fn batch(from: u32, n: u32, keys: u32) -> Batch {
    let mut batch = Batch::default();
    for n in from..from + n {
        let by = key(n % keys);
        batch.matches.push(Match {
            id: MatchId::derive("sshd", "/var/log/auth.log", "1234-abcd", u64::from(n) * 117, 0),
            jail: "sshd".into(),
            key: by.clone(),
            time: Timestamp::from_millis(1_700_000_000_000 + i64::from(n) * 250),
            count: 1,
            user: Some("root".into()),
            stream: "/var/log/auth.log".into(),
            line: format!(
                "Nov 14 22:13:20 host sshd[{n}]: Failed password for root from {by} port 51234 ssh2"
            )
            .into(),
        });
        batch.windows.push(WindowRecord { key: by, ..window(n, 5) });
    }
    batch.positions.push(Position {
        stream: "/var/log/auth.log".into(),
        generation: "1234-abcd".into(),
        offset: u64::from(from) * 117,
        replay_from: u64::from(from) * 117,
        cursor: None,
    });
    batch
}

fn window(n: u32, times: i64) -> WindowRecord {
    let time = |i| Timestamp::from_secs(1_700_000_000 + i64::from(n % 600) + i * 60);
    WindowRecord { jail: "sshd".into(), key: key(n), times: (0..times).map(time).collect() }
}

fn ban(n: u32) -> BanRecord {
    BanRecord {
        jail: "sshd".into(),
        key: key(n),
        times: 1,
        since: Timestamp::from_secs(1_700_000_000),
        until: Timestamp::from_secs(1_700_000_600),
        live: true,
        reason: Reason::Threshold { matches: 5, findtime: Duration::from_secs(600) },
    }
}

fn order(n: u32) -> Order {
    let decision = Decision {
        jail: "sshd".into(),
        key: key(n),
        verdict: Verdict::Ban { until: Timestamp::from_secs(1_700_000_600), extends: false },
        at: Timestamp::from_secs(1_700_000_000),
        reason: Reason::Threshold { matches: 5, findtime: Duration::from_secs(600) },
        nth: 1,
    };
    Order { decision, responders: vec!["nftables".into()], refused: None }
}

/// Addresses as an attack from many gives them: in no order.
fn key(n: u32) -> Key {
    Key::addr(std::net::Ipv4Addr::from(n.wrapping_mul(2_654_435_769)).into())
}

fn rate(rows: u32, took: Duration) -> String {
    format!("{:.0} matches/s", f64::from(rows) / took.as_secs_f64())
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |meta| meta.len())
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
