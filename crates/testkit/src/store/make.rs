//! What the checks are made of.

use std::time::Duration;

use stockade_core::ports::{
    Batch, LoggedDecision, Order, OutboxItem, Retention, Settlement, Snapshot, Store, WindowRecord,
};
use stockade_core::{
    BanRecord, Decision, Key, Match, MatchId, Outcome, Position, Reason, Timestamp, Verdict,
};

/// Half a year after the epoch of the checks: later than everything that they store.
pub(super) const LATER: Timestamp = Timestamp::from_secs(1_750_000_000);

pub(super) fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + secs)
}

pub(super) fn key(text: &str) -> Key {
    text.parse().expect("infallible")
}

pub(super) fn matched(id: u128, by: &Key, time: Timestamp) -> Match {
    Match {
        id: MatchId(id),
        jail: "sshd".into(),
        key: by.clone(),
        time,
        count: 1,
        user: None,
        stream: "/var/log/auth.log".into(),
        line: format!("sshd[{id}]: Failed password for root from {by} port 22 ssh2").into(),
    }
}

pub(super) fn window(jail: &str, by: &str, times: &[i64]) -> WindowRecord {
    WindowRecord { jail: jail.into(), key: key(by), times: times.iter().copied().map(at).collect() }
}

pub(super) fn ban(jail: &str, by: &str, until: Timestamp, live: bool) -> BanRecord {
    BanRecord {
        jail: jail.into(),
        key: key(by),
        times: 1,
        since: at(0),
        until,
        live,
        reason: Reason::Threshold { matches: 5, findtime: Duration::from_secs(600) },
    }
}

pub(super) fn position(stream: &str, offset: u64) -> Position {
    Position {
        stream: stream.into(),
        generation: "1234-abcd".into(),
        offset,
        replay_from: offset / 2,
        cursor: None,
    }
}

pub(super) fn order(by: &str, secs: i64, responders: &[&str]) -> Order {
    let decision = Decision {
        jail: "sshd".into(),
        key: key(by),
        verdict: Verdict::Ban { until: at(secs + 600), extends: false },
        at: at(secs),
        reason: Reason::Threshold { matches: 5, findtime: Duration::from_secs(600) },
        nth: 1,
    };
    Order { decision, responders: responders.iter().map(|r| (*r).into()).collect(), refused: None }
}

pub(super) fn orders(orders: Vec<Order>) -> Batch {
    Batch { orders, ..Batch::default() }
}

pub(super) fn settlement(id: i64, outcome: Outcome, retry_at: Timestamp) -> Settlement {
    Settlement { id, outcome, retry_at }
}

pub(super) fn failed(error: &str) -> Outcome {
    Outcome::Failed { error: error.into() }
}

pub(super) fn keep_everything() -> Retention {
    Retention {
        matches_before: Timestamp::MIN,
        decisions_before: Timestamp::MIN,
        bans_before: Timestamp::MIN,
        max_matches: u64::MAX,
    }
}

/// Purges until nothing more goes, as a purge may take a slice at a time. Returns how many rows went.
pub(super) fn purge_all(store: &mut dyn Store, keep: &Retention) -> u64 {
    let mut gone = 0;
    loop {
        match store.purge(keep).expect("a purge") {
            0 => return gone,
            rows => gone += rows,
        }
    }
}

/// A batch with `n` matches from as many addresses, one in ten of them banned; `nth` keeps it apart from others.
pub(super) fn large_batch(nth: u32, n: u32) -> Batch {
    let mut batch =
        Batch { positions: vec![position("/var/log/auth.log", u64::from(nth) + 1)], ..Batch::default() };
    for i in 0..n {
        let text = format!("10.{nth}.{}.{}", i / 256, i % 256);
        let by = key(&text);
        batch.matches.push(matched(u128::from(nth) << 64 | u128::from(i), &by, at(i64::from(i))));
        batch.windows.push(window("sshd", &text, &[i64::from(i)]));
        if i % 10 == 0 {
            batch.bans.push(ban("sshd", &text, at(9_999), true));
            batch.orders.push(order(&text, i64::from(i), &["nftables"]));
        }
    }
    batch
}

/// Whatever [`large_batch`]es left in a store.
#[derive(Debug, PartialEq)]
pub(super) struct Everything {
    pub(super) state: State,
    pub(super) matches: usize,
    pub(super) log: Vec<LoggedDecision>,
    pub(super) outbox: Vec<OutboxItem>,
}

impl Everything {
    pub(super) fn of(store: &mut dyn Store) -> Self {
        let state = State::of(store);
        let of_key = |w: &WindowRecord| store.matches_of(&w.key, usize::MAX).expect("matches").len();
        Self {
            matches: state.windows.iter().map(of_key).sum(),
            state,
            log: store.decisions(None, usize::MAX).expect("decisions"),
            outbox: store.outbox(LATER, usize::MAX).expect("the outbox"),
        }
    }
}

/// A snapshot in an order of its own, for a store may give one in any.
#[derive(Debug, PartialEq)]
pub(super) struct State {
    pub(super) positions: Vec<Position>,
    pub(super) windows: Vec<WindowRecord>,
    pub(super) bans: Vec<BanRecord>,
}

impl State {
    pub(super) fn of(store: &mut dyn Store) -> Self {
        let Snapshot { positions, windows, bans } = store.load().expect("a snapshot");
        Self::sorted(positions, windows, bans)
    }

    pub(super) fn sorted(
        mut positions: Vec<Position>,
        mut windows: Vec<WindowRecord>,
        mut bans: Vec<BanRecord>,
    ) -> Self {
        positions.sort_by(|a, b| a.stream.cmp(&b.stream));
        windows.sort_by(|a, b| (&a.jail, &a.key).cmp(&(&b.jail, &b.key)));
        bans.sort_by(|a, b| (&a.jail, &a.key).cmp(&(&b.jail, &b.key)));
        Self { positions, windows, bans }
    }
}
