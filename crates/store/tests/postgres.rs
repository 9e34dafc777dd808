//! PostgreSQL: the contract, a server that fails in every way, TLS, and what hosts learn of each other.

#![cfg(feature = "postgres")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "a test may fail"
)]

#[path = "postgres/cutter.rs"]
mod cutter;
#[path = "postgres/failures.rs"]
mod failures;
#[path = "postgres/fleet.rs"]
mod fleet;
#[path = "postgres/schema.rs"]
mod schema;
#[path = "postgres/tls.rs"]
mod tls;

use stockade_core::ports::{Batch, Order, StoreError};
use stockade_core::{BanRecord, Decision, Key, Match, MatchId, Reason, Timestamp, Verdict};
use stockade_store::{Limits, PostgresOptions, PostgresStore};
use stockade_testkit::postgres::{self, Database};
use stockade_testkit::store::Contract;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

fn options(host: &str) -> PostgresOptions {
    PostgresOptions { host: host.to_owned(), limits: Limits::default(), durable: false }
}

fn try_open(url: &str, host: &str) -> Result<PostgresStore, StoreError> {
    PostgresStore::open(url, "shown", &options(host), NOW)
}

fn open(database: &Database, host: &str) -> PostgresStore {
    try_open(&database.url(), host).unwrap()
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + secs)
}

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

fn matched(id: u128, by: &str, time: Timestamp) -> Match {
    Match {
        id: MatchId(id),
        jail: "sshd".into(),
        key: key(by),
        time,
        count: 1,
        user: None,
        stream: "/var/log/auth.log".into(),
        line: format!("line {id}").into(),
    }
}

fn matches(found: Vec<Match>) -> Batch {
    Batch { matches: found, ..Batch::default() }
}

fn record(by: &str, times: u32, since: i64, until: i64, live: bool) -> BanRecord {
    BanRecord {
        jail: "sshd".into(),
        key: key(by),
        times,
        since: at(since),
        until: at(until),
        live,
        reason: Reason::Imported,
    }
}

/// A ban with its order.
fn ban(by: &str, times: u32, since: i64, until: i64) -> Batch {
    let ban = record(by, times, since, until, true);
    let verdict = Verdict::Ban { until: ban.until, extends: false };
    Batch { orders: vec![order(&ban, verdict, at(since), times)], bans: vec![ban], ..Batch::default() }
}

/// An unban with its order.
fn unban(by: &str, times: u32, since: i64, until: i64, reason: Reason) -> Batch {
    let ban = record(by, times, since, until, false);
    let mut order = order(&ban, Verdict::Unban, at(until), 0);
    order.decision.reason = reason;
    Batch { orders: vec![order], bans: vec![ban], ..Batch::default() }
}

fn order(ban: &BanRecord, verdict: Verdict, at: Timestamp, nth: u32) -> Order {
    let decision = Decision {
        jail: ban.jail.clone(),
        key: ban.key.clone(),
        verdict,
        at,
        reason: ban.reason.clone(),
        nth,
    };
    Order { decision, responders: vec!["nftables".into()], refused: None }
}

#[test]
fn contract() {
    if postgres::database().is_none() {
        return;
    }
    let databases = std::cell::RefCell::new(Vec::new());
    let fresh = || {
        let database = postgres::database().unwrap();
        let store = open(&database, "web01");
        databases.borrow_mut().push(database);
        store
    };
    Contract::new(fresh).run();
}

#[test]
fn contract_reopened() {
    let Some(database) = postgres::database() else { return };
    let current = std::sync::Mutex::new(database);
    let fresh = || {
        let mut current = current.lock().unwrap();
        *current = postgres::database().unwrap();
        open(&current, "web01")
    };
    let reopen = |store: PostgresStore| {
        drop(store);
        open(&current.lock().unwrap(), "web01")
    };
    Contract::new(fresh).reopening(reopen).run();
}
