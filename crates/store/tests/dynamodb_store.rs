//! The whole store on DynamoDB, against the emulator: the contract, its bad days, and more than one at once.
#![cfg(feature = "dynamodb")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail"
)]

mod emulator;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use stockade_aws::Aws;
use stockade_core::ports::{Batch, Order, Retention, Settlement, Store as _, StoreErrorKind};
use stockade_core::{Decision, Key, Match, MatchId, Outcome, Position, Reason, Timestamp, Verdict};
use stockade_store::dynamodb::{DynamoStore, StoreOptions, create_shared_if_missing};
use stockade_testkit::dynamodb_faults::{Asked, FaultyDynamo, Mishap};
use stockade_testkit::store::{Contract, survives_failure};

const REGION: &str = "eu-central-1";
const PATIENT: Duration = Duration::from_secs(60);

fn options(table: &str, patience: Duration) -> StoreOptions {
    StoreOptions { table: table.to_owned(), patience, ..StoreOptions::of_host("web01") }
}

fn open(aws: &Aws, table: &str) -> DynamoStore {
    DynamoStore::open(aws, &options(table, PATIENT)).unwrap()
}

/// Many hosts in one table, and none sees anything of another.
#[test]
fn keeps_the_contract() {
    let Some(url) = emulator::url() else { return };
    let aws = emulator::aws(&url, REGION);
    let table = emulator::name("store");
    let host = Cell::new(0);
    let open = || {
        let host = format!("host{}", host.get());
        DynamoStore::open(&aws, &StoreOptions { host, ..options(&table, PATIENT) }).unwrap()
    };
    let fresh = || {
        host.set(host.get() + 1);
        open()
    };
    Contract::new(fresh).run();
}

#[test]
fn keeps_the_contract_over_restarts() {
    let Some(url) = emulator::url() else { return };
    let aws = emulator::aws(&url, REGION);
    let fresh = || open(&aws, &emulator::name("restarts"));
    let reopen = |store: DynamoStore| open(&emulator::aws(&url, REGION), store.table());
    Contract::new(fresh).reopening(reopen).run();
}

#[test]
fn a_commit_that_fails_leaves_nothing() {
    let Some(url) = emulator::url() else { return };
    let only = |operation: &'static str, mishap: Mishap| {
        move |asked: &Asked<'_>| if asked.operation == operation { mishap } else { Mishap::None }
    };
    for (name, kind, operation, mishap) in [
        ("its parts are refused", StoreErrorKind::Busy, "BatchWriteItem", Mishap::Throttled),
        ("its parts are lost", StoreErrorKind::Unreachable, "BatchWriteItem", Mishap::Dropped),
        ("its record is refused", StoreErrorKind::Busy, "PutItem", Mishap::Throttled),
        ("its record is lost", StoreErrorKind::Unreachable, "PutItem", Mishap::Dropped),
        // It is there, and nobody hears of it: the caller is told that it failed, so it must not be.
        ("the answer to its record is lost", StoreErrorKind::Unreachable, "PutItem", Mishap::AnswerLost),
        ("what follows its record is lost", StoreErrorKind::Unreachable, "GetItem", Mishap::Internal),
    ] {
        eprintln!("a commit that fails: {name}");
        let proxy = FaultyDynamo::before(&url, |_| Mishap::None);
        let aws = emulator::aws(proxy.url(), REGION);
        let table = emulator::name("failing");
        let mut store = DynamoStore::open(&aws, &options(&table, Duration::from_millis(300))).unwrap();
        survives_failure(
            &mut store,
            &kind,
            |_| proxy.plan(only(operation, mishap)),
            |_| proxy.plan(|_| Mishap::None),
        );
        // And whoever opens it next finds the same.
        let after = store.load().unwrap();
        let again = open(&emulator::aws(&url, REGION), &table).load().unwrap();
        assert_eq!(
            (after.windows.len(), after.bans.len()),
            (again.windows.len(), again.bans.len()),
            "{name}"
        );
        let outbox = |store: &mut DynamoStore| store.outbox(Timestamp::MAX, usize::MAX).unwrap();
        assert_eq!(outbox(&mut store), outbox(&mut open(&aws, &table)), "{name}");
    }
}

/// The log is cut short now and then; what it says stays.
#[test]
fn a_long_log_becomes_a_snapshot() {
    let Some(url) = emulator::url() else { return };
    let aws = emulator::aws(&url, REGION);
    let table = emulator::name("long");
    let mut store = open(&aws, &table);
    for n in 0..1_100 {
        store.commit(&small(n)).unwrap();
    }
    let lines = store.outbox(Timestamp::MAX, 300).unwrap();
    let done = |id| Settlement { id, outcome: Outcome::Done, retry_at: Timestamp::MIN };
    store.settle(&lines.iter().map(|line| done(line.id)).collect::<Vec<_>>()).unwrap();
    let keep = Retention {
        matches_before: at(100),
        decisions_before: at(50),
        bans_before: Timestamp::MIN,
        max_matches: u64::MAX,
    };
    assert_eq!(store.purge(&keep).unwrap(), 150);
    let mut again = open(&aws, &table);
    let spent = again.spent();
    assert!(spent.requests < 20, "{spent:?}: a start reads a snapshot and less than 500 records");
    assert_eq!(again.totals(), store.totals());
    assert_eq!(again.totals()[0].matches, 1_100);
    for limit in [1, usize::MAX] {
        assert_eq!(again.outbox(at(5), limit).unwrap(), store.outbox(at(5), limit).unwrap());
        assert_eq!(again.decisions(None, limit).unwrap(), store.decisions(None, limit).unwrap());
        assert_eq!(again.matches_of(&key(), limit).unwrap(), store.matches_of(&key(), limit).unwrap());
    }
    assert_eq!(again.matches_of(&key(), usize::MAX).unwrap().len(), 1_000);
    assert_eq!(again.load().unwrap().positions, store.load().unwrap().positions);
}

/// Two processes of one host should not share a store; if they do, nothing is lost and nothing doubled.
#[test]
fn two_at_once_lose_nothing() {
    let Some(url) = emulator::url() else { return };
    let table = emulator::name("two");
    let writers: Vec<_> = (0..2_u32)
        .map(|writer| {
            let (url, table) = (url.clone(), table.clone());
            std::thread::spawn(move || {
                let mut store = open(&emulator::aws(&url, REGION), &table);
                for n in 0..110 {
                    // Some are too large for one item, and the log is cut short meanwhile.
                    let mut batch = small(writer * 1_000 + n);
                    if n % 50 == 0 {
                        batch.matches[0].line = noise(400_000).into();
                    }
                    assert_eq!(store.commit(&batch).unwrap(), 1);
                }
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    let mut store = open(&emulator::aws(&url, REGION), &table);
    let ids: BTreeSet<_> = store.matches_of(&key(), usize::MAX).unwrap().iter().map(|m| m.id.0).collect();
    let wanted: BTreeSet<_> = (0..2).flat_map(|writer| (0..110).map(move |n| writer * 1_000 + n)).collect();
    assert_eq!(ids, wanted);
    let outbox = store.outbox(Timestamp::MAX, usize::MAX).unwrap();
    assert_eq!(outbox.len(), 220);
    assert!(outbox.is_sorted_by(|a, b| a.id < b.id));
    // What snapshots replaced, and those that came too late, were taken away.
    let aws = emulator::aws(&url, REGION);
    let count = aws_sdk_dynamodb::Client::new(aws.config())
        .scan()
        .table_name(&table)
        .projection_expression("sk")
        .into_paginator()
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>();
    let left = aws.block_on(count).unwrap();
    let places: Vec<&str> =
        left.iter().filter_map(|item| item["sk"].as_s().ok()).map(String::as_str).collect();
    let parts = places.iter().filter_map(|place| place.strip_prefix("snap#")?.rsplit_once('#'));
    let snapshots: BTreeSet<&str> = parts.map(|(snapshot, _)| snapshot).collect();
    assert!(snapshots.len() <= 2, "{snapshots:?}");
    assert!(left.len() < 250, "{places:?}");
}

/// Killed between the parts of a large change: it is there whole or not at all.
#[test]
fn killed_while_it_commits() {
    const CHILD: &str = "STOCKADE_TEST_COMMITS_TO";
    const PER_BATCH: u32 = 20;
    let large = |n: u32| {
        let mut batch = small(n * PER_BATCH);
        batch.matches = (0..PER_BATCH).flat_map(|m| small(n * PER_BATCH + m).matches).collect();
        for m in &mut batch.matches {
            m.line = noise(8_000).into();
        }
        batch
    };
    if let Ok(table) = std::env::var(CHILD) {
        let mut store = open(&emulator::aws(&emulator::url().unwrap(), REGION), &table);
        let first = u32::try_from(store.load().unwrap().positions.first().map_or(0, |p| p.offset)).unwrap();
        for n in first.. {
            assert_eq!(store.commit(&large(n)).unwrap(), u64::from(PER_BATCH));
        }
        return;
    }
    let Some(url) = emulator::url() else { return };
    let (aws, table) = (emulator::aws(&url, REGION), emulator::name("killed"));
    let mut committed = 0;
    open(&aws, &table);
    for round in 0..5_u32 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["killed_while_it_commits", "--exact", "--nocapture"])
            .env(CHILD, &table)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while open(&aws, &table).load().unwrap().positions.first().map_or(0, |p| p.offset) <= committed {
            assert!(start.elapsed() < Duration::from_secs(60), "nothing is committed");
            assert!(child.try_wait().unwrap().is_none(), "the writer ended");
        }
        std::thread::sleep(Duration::from_millis(u64::from(round * 37)));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut store = open(&aws, &table);
        let batches = store.load().unwrap().positions[0].offset;
        assert!(batches > committed);
        committed = batches;
        let matches = store.matches_of(&key(), usize::MAX).unwrap().len() as u64;
        let orders = store.outbox(Timestamp::MAX, usize::MAX).unwrap().len() as u64;
        assert_eq!((matches, orders), (batches * u64::from(PER_BATCH), batches), "round {round}");
    }
    eprintln!("{committed} batches over 5 kills");
}

#[test]
fn a_look_changes_nothing() {
    let Some(url) = emulator::url() else { return };
    let (aws, table) = (emulator::aws(&url, REGION), emulator::name("looked"));
    let options = options(&table, PATIENT);
    assert!(DynamoStore::look(&aws, &options).unwrap().is_none());
    assert!(DynamoStore::look(&aws, &options).unwrap().is_none(), "no table was made");
    open(&aws, &table).commit(&small(0)).unwrap();
    assert_eq!(DynamoStore::look(&aws, &options).unwrap().unwrap().positions, small(0).positions);
}

#[test]
fn another_s_table_is_refused() {
    let Some(url) = emulator::url() else { return };
    let aws = emulator::aws(&url, REGION);
    let table = emulator::name("F2B");
    create_shared_if_missing(&aws, &table).unwrap();
    assert!(DynamoStore::open(&aws, &options(&table, PATIENT)).unwrap_err().message.contains("`Host`"));
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + secs)
}

fn key() -> Key {
    "192.0.2.1".parse().unwrap()
}

/// A batch with one match, one order and a position.
fn small(n: u32) -> Batch {
    let time = at(i64::from(n));
    let decision = Decision {
        jail: "sshd".into(),
        key: key(),
        verdict: Verdict::Ban { until: Timestamp::MAX, extends: false },
        at: time,
        reason: Reason::Imported,
        nth: n,
    };
    Batch {
        matches: vec![Match {
            id: MatchId(u128::from(n)),
            jail: "sshd".into(),
            key: key(),
            time,
            count: 1,
            user: None,
            stream: "/var/log/auth.log".into(),
            line: "Failed password for root".into(),
        }],
        orders: vec![Order { decision, responders: vec!["nftables".into()], refused: None }],
        positions: vec![Position {
            stream: "/var/log/auth.log".into(),
            generation: "1-a".into(),
            offset: u64::from(n / 20) + 1,
            replay_from: 0,
            cursor: None,
        }],
        ..Batch::default()
    }
}

/// Text that cannot be packed well.
fn noise(bytes: usize) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + u8::try_from(state % 90).unwrap())
    };
    (0..bytes).map(|_| next()).collect()
}
