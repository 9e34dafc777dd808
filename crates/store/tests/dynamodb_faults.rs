//! DynamoDB's bad days: throttled, half done, gone, answers lost, functions killed.
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

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use stockade_core::ledger::{Ledger as _, Question};
use stockade_core::ports::StoreErrorKind;
use stockade_core::{BanRecord, Match, MatchId, Reason, Timestamp};
use stockade_store::dynamodb::{DEFAULT_PATIENCE, DynamoLedger, LedgerOptions, create_if_missing};
use stockade_testkit::dynamodb_faults::{Asked, FaultyDynamo, Mishap};

/// A table, a ledger that reaches it undisturbed, and one behind a proxy.
struct Bad {
    straight: DynamoLedger,
    proxy: FaultyDynamo,
    disturbed: DynamoLedger,
}

fn bad(patience: Duration, plan: impl FnMut(&Asked<'_>) -> Mishap + Send + 'static) -> Option<Bad> {
    let url = emulator::url()?;
    let proxy = FaultyDynamo::before(&url, plan);
    let table = emulator::name("faults");
    let (aws, through) = (emulator::aws(&url, "eu-central-1"), emulator::aws(proxy.url(), "eu-central-1"));
    create_if_missing(&aws, &table).unwrap();
    let options = LedgerOptions { table, patience, ..LedgerOptions::default() };
    Some(Bad {
        straight: DynamoLedger::new(&aws, options.clone()),
        disturbed: DynamoLedger::new(&through, options),
        proxy,
    })
}

const PATIENT: Duration = Duration::from_secs(30);

#[test]
fn what_is_sent_back_of_a_batch_is_written_to_the_end() {
    let Some(mut bad) = bad(PATIENT, |_| Mishap::HalfDone) else { return };
    bad.disturbed.remember(&matches(300)).unwrap();
    assert_eq!(ids(&mut bad.straight), (0..300).collect());
    // 25, 12, 6, 3, 1: every batch was sent five times.
    assert_eq!(bad.disturbed.spent().requests, 12 * 5);
}

#[test]
fn a_throttled_table_is_waited_for() {
    let Some(mut bad) = bad(PATIENT, |asked| match asked.nth % 4 {
        0 | 1 => Mishap::Throttled,
        2 => Mishap::Internal,
        _ => Mishap::None,
    }) else {
        return;
    };
    bad.disturbed.remember(&matches(100)).unwrap();
    assert_eq!(ids(&mut bad.disturbed), (0..100).collect());
    assert!(bad.disturbed.put_ban(&ban(600), 0).unwrap());
    bad.disturbed.note_announced(&[("sshd".into(), ban(0).key, 1)]).unwrap();
    assert_eq!(bad.disturbed.unannounced(10).unwrap(), []);
    assert_eq!(bad.disturbed.over(Timestamp::MAX, 10).unwrap().len(), 1);
}

#[test]
fn lost_answers_double_nothing() {
    let Some(mut bad) = bad(PATIENT, |asked| match asked.nth % 3 {
        0 => Mishap::AnswerLost,
        1 => Mishap::Dropped,
        _ => Mishap::None,
    }) else {
        return;
    };
    bad.disturbed.remember(&matches(60)).unwrap();
    assert_eq!(ids(&mut bad.straight), (0..60).collect());
    for version in 1..5 {
        // The first try worked, and nobody heard of it: the ban is ours all the same.
        assert!(bad.disturbed.put_ban(&ban(600 + version), u64::try_from(version - 1).unwrap()).unwrap());
        assert!(!bad.disturbed.put_ban(&ban(0), 0).unwrap(), "another's stays another's");
        bad.disturbed
            .note_announced(&[("sshd".into(), ban(0).key, u64::try_from(version).unwrap())])
            .unwrap();
    }
    let last = bad.straight.recall(&[question(1)]).unwrap().remove(0).ban.unwrap();
    assert_eq!((last.version, last.announced, last.record), (4, 4, ban(604)));
}

#[test]
fn what_is_not_written_is_named_and_nothing_else() {
    let plan = |asked: &Asked<'_>| if asked.nth < 4 { Mishap::HalfDone } else { Mishap::Dropped };
    let Some(mut bad) = bad(Duration::from_secs(1), plan) else { return };
    let error = bad.disturbed.remember(&matches(200)).unwrap_err();
    assert_eq!(error.error.kind, StoreErrorKind::Unreachable, "{}", error.error);
    assert!(error.error.hint.is_some());
    let unwritten: BTreeSet<_> = error.ids.iter().map(|id| id.0).collect();
    assert_eq!(unwritten.len(), error.ids.len());
    let written = ids(&mut bad.straight);
    assert!(!written.is_empty() && written.is_disjoint(&unwritten));
    assert_eq!(written.len() + unwritten.len(), 200);
    // Once more when it is back: the record is delivered again.
    bad.proxy.plan(|_| Mishap::None);
    bad.disturbed.remember(&matches(200)).unwrap();
    assert_eq!(ids(&mut bad.straight), (0..200).collect());
}

#[test]
fn questions_to_a_table_that_is_gone_end() {
    let Some(mut bad) = bad(Duration::from_secs(1), |_| Mishap::Dropped) else { return };
    let start = Instant::now();
    assert_eq!(bad.disturbed.recall(&[question(5)]).unwrap_err().kind, StoreErrorKind::Unreachable);
    assert!(bad.disturbed.put_ban(&ban(1), 0).is_err());
    assert!(bad.disturbed.over(Timestamp::MAX, 1).is_err());
    assert!(start.elapsed() < Duration::from_secs(10));
    bad.proxy.plan(|_| Mishap::Throttled);
    let error = bad.disturbed.recall(&[question(5)]).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Busy, "{error}");
    assert!(error.hint.is_some());
}

#[test]
fn a_good_match_does_not_suffer_from_a_bad_neighbour() {
    let plan = |asked: &Asked<'_>| if asked.body.contains("poison") { Mishap::Refused } else { Mishap::None };
    let Some(mut bad) = bad(PATIENT, plan) else { return };
    let mut all = matches(40);
    all[7].line = "poison".into();
    let error = bad.disturbed.remember(&all).unwrap_err();
    assert_eq!(error.ids, [MatchId(7)]);
    assert_eq!(error.error.kind, StoreErrorKind::Other);
    assert_eq!(ids(&mut bad.straight), (0..40).filter(|id| *id != 7).collect());
}

#[test]
fn gone_for_a_while() {
    gone_for(Duration::from_secs(4), PATIENT);
}

/// The whole minute, with the patience that is the default.
#[test]
#[ignore = "takes more than a minute"]
fn gone_for_a_minute() {
    gone_for(Duration::from_secs(60), DEFAULT_PATIENCE);
}

fn gone_for(time: Duration, patience: Duration) {
    let back = Instant::now() + time;
    let Some(mut bad) =
        bad(patience, move |_| if Instant::now() < back { Mishap::Dropped } else { Mishap::None })
    else {
        return;
    };
    let mut other = bad.disturbed.clone();
    let writing = std::thread::spawn(move || other.remember(&matches(100)).unwrap());
    assert!(bad.disturbed.put_ban(&ban(600), 0).unwrap());
    assert!(Instant::now() >= back);
    writing.join().unwrap();
    assert_eq!(ids(&mut bad.straight), (0..100).collect());
}

/// The function is killed while it writes; its records are delivered again.
#[test]
fn killed_between_batches() {
    const CHILD: &str = "STOCKADE_TEST_WRITES_TO";
    if let Ok(table) = std::env::var(CHILD) {
        let url = emulator::url().unwrap();
        // One batch in ten is slow, so that there is a time to kill it in.
        let slow = FaultyDynamo::before(&url, |_| {
            std::thread::sleep(Duration::from_millis(10));
            Mishap::None
        });
        let options = LedgerOptions { table, ..LedgerOptions::default() };
        DynamoLedger::new(&emulator::aws(slow.url(), "eu-central-1"), options)
            .remember(&matches(5_000))
            .unwrap();
        return;
    }
    let Some(mut bad) = bad(PATIENT, |_| Mishap::None) else { return };
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["killed_between_batches", "--exact", "--nocapture"])
        .env(CHILD, bad.straight.table())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while ids(&mut bad.straight).len() < 100 {
        assert!(start.elapsed() < Duration::from_secs(30), "nothing is written");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let written = ids(&mut bad.straight);
    assert!(written.len() < 5_000, "it was done before it could be killed");
    bad.straight.remember(&matches(5_000)).unwrap();
    assert_eq!(ids(&mut bad.straight), (0..5_000).collect());
}

fn matches(count: u32) -> Vec<Match> {
    let matched = |id: u32| Match {
        id: MatchId(u128::from(id)),
        jail: "sshd".into(),
        key: "192.0.2.1".parse().unwrap(),
        time: Timestamp::from_secs(4_000_000_000 + i64::from(id / 3)),
        count: 1,
        user: None,
        stream: "Auth/web01".into(),
        line: "Failed password for root".into(),
    };
    (0..count).map(matched).collect()
}

fn question(limit: u32) -> Question {
    Question { jail: "sshd".into(), key: "192.0.2.1".parse().unwrap(), since: Timestamp::MIN, limit }
}

fn ids(ledger: &mut DynamoLedger) -> BTreeSet<u128> {
    let past = ledger.recall(&[question(100_000)]).unwrap().remove(0).matches;
    let ids: BTreeSet<_> = past.iter().map(|past| past.id.0).collect();
    assert_eq!(ids.len(), past.len(), "a match is there twice");
    ids
}

fn ban(secs: i64) -> BanRecord {
    BanRecord {
        jail: "sshd".into(),
        key: "192.0.2.1".parse().unwrap(),
        times: 1,
        since: Timestamp::from_secs(4_000_000_000),
        until: Timestamp::from_secs(4_000_000_000 + secs),
        live: true,
        reason: Reason::Expired,
    }
}
