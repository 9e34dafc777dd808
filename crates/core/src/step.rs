//! The one step that all homes share: matches and the time in, decisions out.
//!
//! Nothing here reads a clock, a file or a random number, so a log, a configuration and a start time always give the
//! same decisions: in a replay, in the daemon and in a function.

use std::time::Duration;

use crate::bans::{Ban, Bans};
use crate::decision::{BanRecord, Decision, Reason, Verdict};
use crate::growth::Growth;
use crate::jail::{Feed, Jail, Jails};
use crate::ports::WindowRecord;
use crate::record::Match;
use crate::target::Target;
use crate::window::Threshold;
use crate::windows::Windows;
use crate::{Key, Timestamp};

/// What all jails remember: the windows of each, and the bans.
#[derive(Debug)]
pub struct States {
    windows: Vec<Windows>,
    /// Who is and was banned.
    pub bans: Bans,
}

/// What became of one match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Seen {
    /// The jail ignores this key.
    Ignored,
    /// It happened before the last decision on this key in this jail: that was its answer.
    Spent,
    /// It counts, and the threshold is not reached.
    Counted,
    /// It reached the threshold.
    Banned,
    /// It reached the threshold of a jail that does not ban: a notice or a repair was decided.
    Decided,
    /// It reached the threshold while the key was banned already, and the ban does not end later for it.
    AlreadyBanned,
}

impl States {
    /// Nothing seen, nobody banned.
    pub fn new(jails: &Jails) -> Self {
        Self {
            windows: jails.iter().map(|jail| Windows::new(jail.max_tracked_keys)).collect(),
            bans: Bans::default(),
        }
    }

    /// From now on remembers which windows change, for [`States::take_changed_windows`].
    pub fn track_changes(&mut self) {
        self.windows.iter_mut().for_each(Windows::track_changes);
    }

    /// The windows of a jail.
    pub fn windows(&self, jail: usize) -> Option<&Windows> {
        self.windows.get(jail)
    }

    /// Puts back a window that was stored.
    pub fn restore_window(
        &mut self,
        jails: &Jails,
        at: usize,
        key: &Key,
        times: &[Timestamp],
        now: Timestamp,
    ) {
        if let (Some(jail), Some(windows)) = (jails.get(at), self.windows.get_mut(at)) {
            windows.restore(key, times, jail.threshold, now);
        }
    }

    /// The windows that changed since the last call; those that are gone are empty.
    pub fn take_changed_windows(&mut self, jails: &Jails) -> Vec<WindowRecord> {
        let mut changed = Vec::new();
        for (jail, windows) in jails.iter().zip(&mut self.windows) {
            windows.take_changes(|key, times| {
                changed.push(WindowRecord {
                    jail: jail.name.clone(),
                    key: key.clone(),
                    times: times.to_vec(),
                });
            });
        }
        changed
    }

    /// Forgets windows that are over at `now`. Costs a walk over all of them: once in a while is enough.
    pub fn sweep(&mut self, jails: &Jails, now: Timestamp) {
        for (jail, windows) in jails.iter().zip(&mut self.windows) {
            windows.sweep(jail.threshold, now);
        }
    }

    /// The last ban of a key in a jail, as it is stored.
    pub fn ban_record(&self, jails: &Jails, at: usize, key: &Key) -> Option<BanRecord> {
        let ban = self.bans.get(at, key)?;
        Some(BanRecord {
            jail: jails.get(at)?.name.clone(),
            key: key.clone(),
            times: ban.times,
            since: ban.since,
            until: ban.until,
            live: ban.live,
            reason: ban.reason.clone(),
        })
    }

    /// Forgets what a key did up to `time`: it had its answer.
    pub(crate) fn spend(&mut self, at: usize, key: &Key, time: Timestamp, threshold: Threshold) {
        if let Some(windows) = self.windows.get_mut(at) {
            windows.spend(key, time, threshold);
        }
    }

    fn forget_window(&mut self, at: usize, key: &Key) {
        if let Some(windows) = self.windows.get_mut(at) {
            windows.forget(key);
        }
    }
}

/// Judges matches in their order and returns what follows from them.
///
/// `now` bounds the times: a match from the future counts as one of now. A match of an unknown jail is passed over.
pub fn step(jails: &Jails, states: &mut States, matches: &[Match], now: Timestamp) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for found in matches {
        if let Some(at) = jails.find(&found.jail) {
            let seen = observe(jails, states, at, &found.key, found.time, found.count, now, &mut decisions);
            attest(jails, at, seen, found, &mut decisions);
        }
    }
    decisions
}

/// Says in the decision that [`observe`] gave last which match it answers, where the jail answers each by itself.
pub fn attest(jails: &Jails, at: usize, seen: Seen, found: &Match, decisions: &mut [Decision]) {
    if seen == Seen::Decided
        && jails.get(at).is_some_and(Jail::answers_each)
        && let Some(decision) = decisions.last_mut()
    {
        decision.reason = Reason::Match { id: found.id };
    }
}

/// Judges one match of the jail at `at`; what follows from it is appended to `decisions`.
#[expect(
    clippy::too_many_arguments,
    reason = "the hot path: a struct of them would be built for every match"
)]
pub fn observe(
    jails: &Jails,
    states: &mut States,
    at: usize,
    key: &Key,
    time: Timestamp,
    count: u32,
    now: Timestamp,
    decisions: &mut Vec<Decision>,
) -> Seen {
    let (Some(jail), Some(windows)) = (jails.get(at), states.windows.get_mut(at)) else {
        return Seen::Ignored;
    };
    if jail.ignore.covers(key) {
        return Seen::Ignored;
    }
    let time = time.min(now);
    let last = states.bans.get(at, key);
    if last.is_some_and(|ban| time <= ban.since) && !jail.answers_each() {
        return Seen::Spent;
    }
    let grows = jail.growth.is_some() && jail.target == Target::Ban;
    let weight = if grows { Growth::weight(offences(jail, at, &states.bans, key)) } else { 1 };
    if !windows.observe(key, time, count.saturating_mul(weight), jail.threshold, now) {
        return Seen::Counted;
    }
    let reason =
        Reason::Threshold { matches: jail.threshold.maxretry.get(), findtime: jail.threshold.findtime };
    let verdict = match jail.target {
        Target::Ban => None,
        Target::Notify => Some(Verdict::Notify),
        Target::Repair => Some(Verdict::Repair),
    };
    if let Some(verdict) = verdict {
        if !jail.answers_each() {
            note_answer(at, &mut states.bans, key, time, reason.clone());
        }
        let name = jail.name.clone();
        decisions.push(Decision { jail: name, key: key.clone(), verdict, at: time, reason, nth: 0 });
        return Seen::Decided;
    }
    let Some(decision) = ban_at(jail, at, &mut states.bans, key, time, now, reason) else {
        return Seen::AlreadyBanned;
    };
    let offence =
        jail.feed == Feed::Matches && matches!(decision.verdict, Verdict::Ban { extends: false, .. });
    decisions.push(decision);
    if offence {
        for (other, _) in jails.iter().enumerate().filter(|(_, jail)| jail.feed == Feed::Bans) {
            observe(jails, states, other, key, time, 1, now, decisions);
        }
    }
    Seen::Banned
}

/// Ends every ban that is over at `now`.
pub fn expire(jails: &Jails, states: &mut States, now: Timestamp) -> Vec<Decision> {
    let mut decisions = Vec::new();
    while let Some((at, key)) = states.bans.next_due(now) {
        decisions.extend(end(jails, states, at, &key, now, Reason::Expired));
    }
    decisions
}

/// Bans a key because a person says so; for the jail's `bantime` unless `span` says otherwise.
///
/// Whom the jail ignores is ignored here as well: `None`. A ban that is in force gets the new end.
pub fn ban_by_hand(
    jails: &Jails,
    states: &mut States,
    at: usize,
    key: &Key,
    span: Option<crate::BanTime>,
    note: &str,
    now: Timestamp,
) -> Option<Decision> {
    let jail = jails.get(at)?;
    if jail.ignore.covers(key) {
        return None;
    }
    states.forget_window(at, key);
    let last = states.bans.get(at, key);
    let before = last.map_or(0, |ban| ban.times);
    let live = last.is_some_and(|ban| ban.live && now < ban.until);
    let until = span.map_or_else(|| jail.ban_until(key, now, before), |span| span.until(now));
    let times = if live { before } else { before.saturating_add(1) };
    let since = last.filter(|_| live).map_or(now, |ban| ban.since);
    let reason = Reason::Manual { note: note.to_owned() };
    states.bans.put(key, Ban { jail: at, times, since, until, live: true, reason: reason.clone() });
    let verdict = Verdict::Ban { until, extends: live };
    Some(Decision { jail: jail.name.clone(), key: key.clone(), verdict, at: now, reason, nth: times })
}

/// Ends a ban, and forgets what the key did so far in this jail. `None` if it is not banned there.
pub fn end(
    jails: &Jails,
    states: &mut States,
    at: usize,
    key: &Key,
    now: Timestamp,
    reason: Reason,
) -> Option<Decision> {
    let jail = jails.get(at)?;
    states.bans.end(at, key, now)?;
    if !matches!(reason, Reason::Expired) {
        states.forget_window(at, key);
    }
    Some(Decision {
        jail: jail.name.clone(),
        key: key.clone(),
        verdict: Verdict::Unban,
        at: now,
        reason,
        nth: 0,
    })
}

/// How many bans of this key count for the length of the next one.
pub fn offences(jail: &Jail, at: usize, bans: &Bans, key: &Key) -> u32 {
    if jail.growth.as_ref().is_some_and(|growth| growth.overalljails) {
        bans.times_overall(key)
    } else {
        bans.get(at, key).map_or(0, |ban| ban.times)
    }
}

/// A ban from `time` on. While one is in force it is extended, if that makes it longer, and not counted again.
fn ban_at(
    jail: &Jail,
    at: usize,
    bans: &mut Bans,
    key: &Key,
    time: Timestamp,
    now: Timestamp,
    reason: Reason,
) -> Option<Decision> {
    let before = offences(jail, at, bans, key);
    let last = bans.get(at, key);
    let in_force = last.filter(|ban| ban.live && time < ban.until);
    let times = last.map_or(0, |ban| ban.times);
    let (until, times, since, extends) = match in_force {
        Some(ban) => {
            let until = jail.ban_until(key, time, before.saturating_sub(1));
            if until <= ban.until {
                return None;
            }
            (until, times, ban.since, true)
        }
        None => (jail.ban_until(key, time, before), times.saturating_add(1), time, false),
    };
    // Read late, a ban may be over before it begins: it counts as an offence and is never put in force.
    let live = until > now;
    bans.put(key, Ban { jail: at, times, since, until, live, reason: reason.clone() });
    let verdict = Verdict::Ban { until, extends };
    Some(Decision { jail: jail.name.clone(), key: key.clone(), verdict, at: time, reason, nth: times })
}

/// Notes up to when the matches of a key had their answer, where the answer is no ban. A ban that is in force, by hand
/// or from when the jail banned, stays what it is.
fn note_answer(at: usize, bans: &mut Bans, key: &Key, time: Timestamp, reason: Reason) {
    let last = bans.get(at, key);
    if last.is_some_and(|ban| ban.live) {
        return;
    }
    let times = last.map_or(0, |ban| ban.times);
    bans.put(key, Ban { jail: at, times, since: time, until: time, live: false, reason });
}

/// How far a key is from a ban: matches that count at `now`, and how many ban.
pub fn progress(
    jails: &Jails,
    states: &States,
    at: usize,
    key: &Key,
    now: Timestamp,
) -> Option<(usize, u32, Duration)> {
    let jail = jails.get(at)?;
    let counted = states.windows(at)?.get(key).map_or(0, |window| window.live(now, jail.threshold.findtime));
    Some((counted, jail.threshold.maxretry.get(), jail.threshold.findtime))
}
