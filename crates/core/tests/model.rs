//! `step` against a naive model that keeps everything and looks at all of it each time.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;
use stockade_core::{
    BanTime, Feed, Jail, Jails, Key, Match, MatchId, Seen, States, Target, Threshold, Timestamp, Verdict,
    step,
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Told is told: nothing is in force after it, nothing expires, and no unban ever follows. What a jail counts to
    /// before it tells is what it would count to before it bans.
    #[test]
    fn a_jail_that_tells_decides_when_one_that_bans_would_and_nothing_follows(
        seen in prop::collection::vec((0_u8..3, 0_i64..20, 1_u32..3), 1..60),
        maxretry in 1_u32..5, findtime in 0_u64..30, repair: bool,
    ) {
        let mut tells = jail("tells", maxretry, findtime, 1);
        tells.target = if repair { Target::Repair } else { Target::Notify };
        // Its bans are over before the next match can come, so that it answers each window anew.
        let bans = jail("bans", maxretry, findtime, 0);
        let jails = Jails::new(vec![tells.clone(), bans]);
        let mut states = States::new(&jails);
        let (mut now, mut told, mut banned, mut answered) = (i64::MIN, Vec::new(), Vec::new(), 0);
        let mut newest = std::collections::BTreeMap::new();
        for (key, step, count) in seen {
            // In order for each key: what comes late is the subject of another test.
            let time = newest.get(&key).map_or(step, |last| last + step);
            newest.insert(key, time);
            now = now.max(time);
            let address = Key::from(std::net::IpAddr::from([192, 0, 2, key]));
            let mut decisions = Vec::new();
            for place in [0, 1] {
                let seen = step::observe(&jails, &mut states, place, &address, at(time), count, at(now), &mut decisions);
                answered += u32::from(place == 0 && seen == Seen::Decided);
            }
            decisions.extend(step::expire(&jails, &mut states, at(now)));
            for decision in decisions {
                let place = (key, decision.at);
                match decision.verdict {
                    Verdict::Notify if !repair => told.push((place, decision)),
                    Verdict::Repair if repair => told.push((place, decision)),
                    Verdict::Ban { .. } => banned.push(place),
                    Verdict::Unban => prop_assert_eq!(&*decision.jail, "bans"),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
        prop_assert_eq!(states.bans.live(), 0);
        prop_assert!(told.iter().all(|(_, decision)| decision.nth == 0 && &*decision.jail == "tells"));
        prop_assert_eq!(told.len(), answered as usize);
        let told: Vec<_> = told.into_iter().map(|(place, _)| place).collect();
        if maxretry > 1 {
            prop_assert_eq!(told, banned);
        } else {
            // Each is answered, also the second of one instant.
            prop_assert!(banned.iter().all(|place| told.contains(place)));
        }
    }
}

/// A match of a jail that tells, at a time; the decisions that came of it.
fn tell(jails: &Jails, states: &mut States, time: i64, now: i64) -> (Seen, Vec<Verdict>) {
    let mut decisions = Vec::new();
    let key: Key = "arn:aws:iam::123456789012:user/a".parse().unwrap();
    let seen = step::observe(jails, states, 0, &key, at(time), 1, at(now), &mut decisions);
    (seen, decisions.iter().map(|decision| decision.verdict).collect())
}

#[test]
fn a_single_event_is_answered_whatever_came_before_it() {
    let mut trail = jail("trail", 1, 600, 600);
    trail.target = Target::Repair;
    let jails = Jails::new(vec![trail]);
    let mut states = States::new(&jails);
    for time in [10, 10, 5, 0] {
        assert_eq!(tell(&jails, &mut states, time, 10), (Seen::Decided, vec![Verdict::Repair]), "{time}");
    }
    assert_eq!(states.bans.iter().count(), 0, "nothing to keep");
}

#[test]
fn what_a_notice_answered_is_not_told_again() {
    let mut console = jail("console", 2, 600, 600);
    console.target = Target::Notify;
    let jails = Jails::new(vec![console]);
    let mut states = States::new(&jails);
    assert_eq!(tell(&jails, &mut states, 1, 10), (Seen::Counted, vec![]));
    assert_eq!(tell(&jails, &mut states, 9, 10), (Seen::Decided, vec![Verdict::Notify]));
    for late in [2, 3, 9] {
        assert_eq!(tell(&jails, &mut states, late, 10), (Seen::Spent, vec![]));
    }
    assert_eq!(tell(&jails, &mut states, 10, 10), (Seen::Counted, vec![]));
    let (_, ban) = states.bans.iter().next().unwrap();
    assert_eq!((ban.live, ban.times, ban.since), (false, 0, at(9)));
    // Stored and loaded, it says the same.
    let mut later = States::new(&jails);
    let key: Key = "arn:aws:iam::123456789012:user/a".parse().unwrap();
    let record = states.ban_record(&jails, 0, &key).unwrap();
    assert!(!record.live && record.times == 0);
    later.bans.put(&key, ban.clone());
    assert_eq!(tell(&jails, &mut later, 9, 10).0, Seen::Spent);
}

#[test]
fn hosts_that_share_a_store_tell_once() {
    use stockade_core::shared::{SharedBan, SharedMatch, adopt, observe_shared};
    let mut each = jail("each", 1, 600, 600);
    let mut some = jail("some", 2, 600, 600);
    (each.target, some.target) = (Target::Notify, Target::Notify);
    let jails = Jails::new(vec![each, some]);
    let key: Key = "arn:aws:iam::123456789012:user/a".parse().unwrap();
    let (mut here, mut there) = (States::new(&jails), States::new(&jails));
    let saw = |states: &mut States, place: usize, time: i64| {
        let mut decisions = Vec::new();
        step::observe(&jails, states, place, &key, at(time), 1, at(time), &mut decisions);
        decisions.len()
    };
    let hears = |states: &mut States, place: usize, time: i64| {
        let mut decisions = Vec::new();
        let found = SharedMatch {
            jail: jails.get(place).unwrap().name.clone(),
            key: key.clone(),
            time: at(time),
            count: 1,
        };
        observe_shared(&jails, states, place, &found, at(time), &mut decisions);
        decisions.len()
    };
    // What a jail answers by itself is answered where it was seen.
    assert_eq!((saw(&mut here, 0, 10), hears(&mut there, 0, 10)), (1, 0));
    // Where it counts, the matches of both count, and who hears of the answer first gives none.
    assert_eq!((saw(&mut here, 1, 10), hears(&mut there, 1, 10)), (0, 0));
    assert_eq!(saw(&mut there, 1, 20), 1);
    let ban = there.ban_record(&jails, 1, &key).unwrap();
    assert_eq!((ban.live, ban.times), (false, 0));
    let shared = SharedBan { ban, lifted: false, decision: None };
    assert_eq!(adopt(&jails, &mut here, 1, &shared, at(20)), None, "nothing is put in force or lifted");
    assert_eq!(hears(&mut here, 1, 20), 0);
    assert_eq!((saw(&mut here, 1, 30), saw(&mut there, 1, 40)), (0, 0), "both count anew");
}

#[test]
fn a_ban_by_hand_in_a_jail_that_tells_is_not_ended_by_what_it_tells() {
    let mut console = jail("console", 2, 600, 600);
    console.target = Target::Notify;
    let jails = Jails::new(vec![console]);
    let mut states = States::new(&jails);
    let key: Key = "arn:aws:iam::123456789012:user/a".parse().unwrap();
    step::ban_by_hand(&jails, &mut states, 0, &key, Some(BanTime::Forever), "", at(0)).unwrap();
    tell(&jails, &mut states, 1, 2);
    assert_eq!(tell(&jails, &mut states, 2, 2).1, [Verdict::Notify]);
    assert_eq!(states.bans.live(), 1);
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
