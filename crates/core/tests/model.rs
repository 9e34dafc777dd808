//! `step` against a naive model that keeps everything and looks at all of it each time.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;
use stockade_core::{
    BanTime, Feed, Jail, Jails, Key, Match, MatchId, Seen, States, Threshold, Timestamp, Verdict, step,
};

fn jail(name: &str, maxretry: u32, findtime: u64, bantime: u64) -> Jail {
    let mut jail = Jail::new(name);
    jail.threshold =
        Threshold { maxretry: NonZeroU32::new(maxretry).unwrap(), findtime: Duration::from_secs(findtime) };
    jail.bantime = BanTime::For(Duration::from_secs(bantime));
    jail
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

/// What the model says of one ban: from, until, whether it extends, which in its row.
type Banned = (u8, i64, i64, bool, u32);

/// The rules of a jail, as sentences over the whole past.
struct Model {
    maxretry: usize,
    findtime: i64,
    bantime: i64,
    /// Matches that no ban has answered.
    open: Vec<(u8, i64)>,
    /// The last ban of each key: since, until, times, and whether it was put in force.
    last: std::collections::BTreeMap<u8, (i64, i64, u32, bool)>,
}

impl Model {
    fn see(&mut self, key: u8, time: i64, count: u32, now: i64) -> Option<Banned> {
        if self.last.get(&key).is_some_and(|&(since, ..)| time <= since) {
            return None;
        }
        for _ in 0..count {
            self.open.push((key, time));
        }
        let newest = self.open.iter().filter(|m| m.0 == key).map(|m| m.1).max().unwrap();
        let within = self.open.iter().filter(|m| m.0 == key && m.1 >= newest - self.findtime).count();
        if within < self.maxretry {
            return None;
        }
        self.open.retain(|m| m.0 != key);
        let until = time + self.bantime;
        let (since, old_until, times, live) =
            self.last.get(&key).copied().unwrap_or((i64::MIN, i64::MIN, 0, false));
        if live && time < old_until {
            if until <= old_until {
                return None;
            }
            self.last.insert(key, (since, until, times, until > now));
            return Some((key, time, until, true, times));
        }
        self.last.insert(key, (time, until, times + 1, until > now));
        Some((key, time, until, false, times + 1))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn step_agrees_with_the_model(
        seen in prop::collection::vec((0_u8..3, 0_i64..200, 1_u32..4), 1..80),
        maxretry in 1_u32..6, findtime in 0_i64..60, bantime in 1_i64..80,
    ) {
        let jails = Jails::new(vec![jail("a", maxretry, findtime.unsigned_abs(), bantime.unsigned_abs())]);
        let mut states = States::new(&jails);
        let mut model = Model { maxretry: maxretry as usize, findtime, bantime, open: vec![], last: Default::default() };
        let mut now = i64::MIN;
        for (key, time, count) in seen {
            now = now.max(time);
            let mut decisions = Vec::new();
            let address = Key::from(std::net::IpAddr::from([192, 0, 2, key]));
            step::observe(&jails, &mut states, 0, &address, at(time), count, at(now), &mut decisions);
            let wanted = model.see(key, time, count, now);
            let got = decisions.first().map(|d| {
                let Verdict::Ban { until, extends } = d.verdict else { panic!("only bans here") };
                (key, d.at.as_secs(), until.as_secs(), extends, d.nth)
            });
            prop_assert_eq!(got, wanted);
        }
    }
}

fn matches(times: &[i64]) -> Vec<Match> {
    let one = |&secs: &i64| Match {
        id: MatchId(secs.unsigned_abs().into()),
        jail: "sshd".into(),
        key: "192.0.2.1".parse().unwrap(),
        time: at(secs),
        count: 1,
        user: None,
        stream: "s".into(),
        line: "l".into(),
    };
    times.iter().map(one).collect()
}

#[test]
fn recidive_counts_the_bans_of_other_jails() {
    let mut recidive = jail("recidive", 3, 86_400, 604_800);
    recidive.feed = Feed::Bans;
    let jails = Jails::new(vec![jail("sshd", 1, 600, 10), jail("web", 1, 600, 10), recidive]);
    let mut states = States::new(&jails);
    let decisions = step::step(&jails, &mut states, &matches(&[0, 100, 200, 300]), at(300));
    let told: Vec<_> = decisions.iter().map(|d| (&*d.jail, d.at.as_secs(), d.nth)).collect();
    let wanted = [("sshd", 0, 1), ("sshd", 100, 2), ("sshd", 200, 3), ("recidive", 200, 1), ("sshd", 300, 4)];
    assert_eq!(told, wanted);
}

#[test]
fn an_extension_is_no_new_offence() {
    let mut recidive = jail("recidive", 2, 86_400, 604_800);
    recidive.feed = Feed::Bans;
    let jails = Jails::new(vec![jail("sshd", 2, 600, 100), recidive]);
    let mut states = States::new(&jails);
    let decisions = step::step(&jails, &mut states, &matches(&[0, 1, 50, 51]), at(51));
    let verdicts: Vec<_> = decisions.iter().map(|d| (d.verdict, d.nth)).collect();
    assert_eq!(
        verdicts,
        [
            (Verdict::Ban { until: at(101), extends: false }, 1),
            (Verdict::Ban { until: at(151), extends: true }, 1)
        ]
    );
}

#[test]
fn a_ban_ends_on_time_and_the_next_one_is_the_second() {
    let jails = Jails::new(vec![jail("sshd", 1, 600, 100)]);
    let mut states = States::new(&jails);
    step::step(&jails, &mut states, &matches(&[0]), at(0));
    assert_eq!(states.bans.next_expiry(), Some(at(100)));
    assert_eq!(step::expire(&jails, &mut states, at(99)), vec![]);
    let ended = step::expire(&jails, &mut states, at(100));
    assert_eq!(ended.iter().map(|d| d.verdict).collect::<Vec<_>>(), [Verdict::Unban]);
    assert_eq!(states.bans.live(), 0);
    let again = step::step(&jails, &mut states, &matches(&[101]), at(101));
    assert_eq!(again[0].nth, 2);
}

#[test]
fn a_ban_that_is_read_too_late_is_counted_and_not_put_in_force() {
    let jails = Jails::new(vec![jail("sshd", 1, 600, 100)]);
    let mut states = States::new(&jails);
    let decisions = step::step(&jails, &mut states, &matches(&[0]), at(5_000));
    assert_eq!(decisions.len(), 1);
    assert_eq!(states.bans.live(), 0);
    assert_eq!(states.bans.get(0, &"192.0.2.1".parse().unwrap()).unwrap().times, 1);
}

#[test]
fn a_match_from_the_future_counts_as_one_of_now() {
    let jails = Jails::new(vec![jail("sshd", 2, 600, 100)]);
    let mut states = States::new(&jails);
    let decisions = step::step(&jails, &mut states, &matches(&[99_999_999, 10]), at(5));
    assert_eq!(decisions[0].at, at(5));
}

#[test]
fn whom_a_jail_ignores_it_never_counts() {
    let mut sshd = jail("sshd", 1, 600, 100);
    sshd.ignore.insert("192.0.2.0/24".parse().unwrap());
    let jails = Jails::new(vec![sshd]);
    let mut states = States::new(&jails);
    let key: Key = "192.0.2.1".parse().unwrap();
    let mut decisions = Vec::new();
    let seen = step::observe(&jails, &mut states, 0, &key, at(0), 1, at(0), &mut decisions);
    assert_eq!((seen, decisions.len()), (Seen::Ignored, 0));
    assert_eq!(step::ban_by_hand(&jails, &mut states, 0, &key, None, "", at(0)), None);
}

#[test]
fn unban_by_hand_forgets_the_window() {
    let jails = Jails::new(vec![jail("sshd", 2, 600, 100)]);
    let mut states = States::new(&jails);
    let key: Key = "192.0.2.1".parse().unwrap();
    step::ban_by_hand(&jails, &mut states, 0, &key, Some(BanTime::Forever), "", at(0)).unwrap();
    assert_eq!(step::expire(&jails, &mut states, at(i64::MAX / 2000)), vec![]);
    step::step(&jails, &mut states, &matches(&[1]), at(1));
    let reason = stockade_core::Reason::Manual { note: "sorry".into() };
    assert!(step::end(&jails, &mut states, 0, &key, at(2), reason.clone()).is_some());
    assert!(step::end(&jails, &mut states, 0, &key, at(2), reason).is_none());
    assert_eq!(step::step(&jails, &mut states, &matches(&[3]), at(3)), vec![]);
}
