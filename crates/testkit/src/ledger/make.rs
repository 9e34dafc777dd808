//! What the checks are made of.

use std::sync::Arc;
use std::time::{Duration, Instant};

use stockade_core::ledger::{Answer, Ledger, LedgerBan, Question};
use stockade_core::{BanRecord, Key, Match, MatchId, Reason, Timestamp};

/// Later than everything in the checks but what ends never.
pub(super) const LATER: Timestamp = Timestamp::from_secs(4_000_000_000);

/// Before now, so that nothing expires while it is checked.
pub(super) fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(3_900_000_000 + secs)
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
        user: Some("root".into()),
        stream: "Auth/web01".into(),
        line: format!("sshd[{id}]: Failed password for root from {by} port 22 ssh2").into(),
    }
}

pub(super) fn question(by: &Key, since: Timestamp, limit: u32) -> Question {
    Question { jail: "sshd".into(), key: by.clone(), since, limit }
}

/// The answer about one key in the jail `sshd`, from the beginning of time.
pub(super) fn all_of(ledger: &mut dyn Ledger, by: &Key) -> Answer {
    let answers = ledger.recall(&[question(by, Timestamp::MIN, 1_000)]).expect("answers");
    answers.into_iter().next().expect("an answer")
}

pub(super) fn ids(answer: &Answer) -> Vec<u128> {
    answer.matches.iter().map(|past| past.id.0).collect()
}

pub(super) fn ban(by: &str, until: Timestamp, live: bool) -> BanRecord {
    BanRecord {
        jail: "sshd".into(),
        key: key(by),
        times: 1,
        since: at(0),
        until,
        live,
        reason: Reason::Threshold { matches: 5, findtime: Duration::from_secs(600) },
    }
}

pub(super) fn put(ledger: &mut dyn Ledger, ban: &BanRecord, seen: u64) {
    assert!(ledger.put_ban(ban, seen).expect("a put"), "{ban:?} in the place of {seen}");
}

pub(super) fn note(ledger: &mut dyn Ledger, by: &str, version: u64) {
    let jail: Arc<str> = "sshd".into();
    ledger.note_announced(&[(jail, key(by), version)]).expect("a note");
}

pub(super) fn keys(bans: &[LedgerBan]) -> Vec<String> {
    bans.iter().map(|ban| ban.record.key.to_string()).collect()
}

pub(super) fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort();
    keys
}

pub(super) fn live(ledger: &mut dyn Ledger, now: Timestamp) -> Vec<LedgerBan> {
    let mut bans = Vec::new();
    ledger.live(now, &mut |ban| bans.push(ban)).expect("live bans");
    bans
}

/// Lists of bans may lag behind by a moment, where a store keeps them in an index of its own.
pub(super) fn eventually<T: PartialEq + std::fmt::Debug>(wanted: &T, mut ask: impl FnMut() -> T) {
    let start = Instant::now();
    loop {
        let is = ask();
        if is == *wanted {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{is:?}, not {wanted:?}, also after a while");
        std::thread::sleep(Duration::from_millis(50));
    }
}
