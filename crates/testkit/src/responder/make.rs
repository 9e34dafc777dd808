//! What the checks are made of.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use stockade_core::plan::EXPIRY_TOLERANCE_MS;
use stockade_core::ports::{Notice, Plan, Protocol, Responder, Scope, Standing};
use stockade_core::{Decision, Key, Match, MatchId, Outcome, Reason, Timestamp, Verdict};

/// The time: some time in 2027, and then on, for the clock of a kernel goes on too.
pub(super) fn now() -> Timestamp {
    static STARTED: OnceLock<Instant> = OnceLock::new();
    Timestamp::from_secs(1_800_000_000).plus(STARTED.get_or_init(Instant::now).elapsed())
}

pub(super) fn in_secs(seconds: u64) -> Timestamp {
    now().plus(Duration::from_secs(seconds))
}

pub(super) fn ban(jail: &str, key: &str, until: Timestamp) -> Standing {
    Standing { jail: jail.into(), key: key.parse().expect("a key"), until }
}

pub(super) fn unban(jail: &str, key: &str) -> (Arc<str>, Key) {
    (jail.into(), key.parse().expect("a key"))
}

/// A notice, or a repair, of a key; its records the newest first.
pub(super) fn notice(verdict: Verdict, key: &str, lines: &[&str]) -> Notice {
    let key: Key = key.parse().expect("a key");
    let one = |(nth, line): (u128, &&str)| Match {
        id: MatchId(nth),
        jail: "a".into(),
        key: key.clone(),
        time: now(),
        count: 1,
        user: None,
        stream: "queue".into(),
        line: (*line).into(),
    };
    let matches: Vec<Match> = (0..).zip(lines).map(one).collect();
    let reason = Reason::Match { id: MatchId(0) };
    let decision = Decision { jail: "a".into(), key, verdict, at: now(), reason, nth: 0 };
    Notice { decision, matches }
}

pub(super) fn scope(jail: &str) -> Scope {
    Scope { jail: jail.into(), ports: vec![(22, 22), (8_000, 8_080)], protocols: vec![Protocol::Tcp] }
}

pub(super) fn everywhere(jail: &str) -> Scope {
    Scope { jail: jail.into(), ports: Vec::new(), protocols: Vec::new() }
}

pub(super) fn prepare(responder: &mut dyn Responder, scopes: &[Scope]) {
    responder.prepare(scopes).expect("prepared");
}

pub(super) fn apply(
    responder: &mut dyn Responder,
    add: &[Standing],
    remove: &[(Arc<str>, Key)],
) -> Vec<Outcome> {
    let plan = Plan { add: add.to_vec(), remove: remove.to_vec() };
    let outcomes = responder.apply(&plan, now()).expect("applied");
    assert_eq!(outcomes.len(), add.len() + remove.len(), "an outcome for every item");
    outcomes
}

pub(super) fn apply_all(responder: &mut dyn Responder, add: &[Standing], remove: &[(Arc<str>, Key)]) {
    let outcomes = apply(responder, add, remove);
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done), "{outcomes:?}");
}

/// Checks what is in force, ends compared with the plan's tolerance.
pub(super) fn expect_current(responder: &mut dyn Responder, expected: &[Standing]) {
    let Some(mut current) = responder.current(now()).expect("asked") else { return };
    let mut expected = expected.to_vec();
    current.sort();
    expected.sort();
    let same = |a: &Standing, b: &Standing| {
        let apart = a.until.as_millis().abs_diff(b.until.as_millis());
        (&a.jail, &a.key) == (&b.jail, &b.key) && apart <= EXPIRY_TOLERANCE_MS
    };
    let equal = current.len() == expected.len() && current.iter().zip(&expected).all(|(a, b)| same(a, b));
    assert!(equal, "in force:\n{current:#?}\nexpected:\n{expected:#?}");
}

/// Numbers that look random and are not (xorshift).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        usize::try_from(self.0 % bound.max(1)).unwrap_or(0)
    }
}
