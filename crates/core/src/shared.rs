//! What hosts that share a store tell each other through it, and how one takes over what another decided.
//!
//! Each host judges the matches of all, so a threshold counts for the fleet; a ban or unban of one is taken over by
//! the others as it is. Matches come exactly once, by the cursor that the store keeps; bans come as what they are
//! now, so that hearing of one again changes nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::bans::Ban;
use crate::decision::{BanRecord, Decision, Verdict};
use crate::jail::{Feed, Jail, Jails};
use crate::step::{States, observe};
use crate::{Key, Timestamp};

/// How exact the time of a log line is.
const GRANULARITY: Duration = Duration::from_secs(1);

/// What others committed since it was last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// What they saw, in the order of commits.
    pub matches: Vec<SharedMatch>,
    /// Bans that they began, changed or ended, as these are now.
    pub bans: Vec<SharedBan>,
    /// The cursor behind `matches`: what [`Batch::seen`](crate::ports::Batch) must say once they are judged.
    pub upto: u64,
    /// Whether there is more than was asked for.
    pub more: bool,
}

/// Of another host's match, what a jail counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedMatch {
    /// The jail.
    pub jail: Arc<str>,
    /// Whom it speaks against.
    pub key: Key,
    /// When it happened.
    pub time: Timestamp,
    /// How many times.
    pub count: u32,
}

/// A ban as it is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedBan {
    /// The ban.
    pub ban: BanRecord,
    /// Whether a person ended it: then what was seen before its end does not count any more.
    pub lifted: bool,
    /// The decision that made it what it is, where it is still on record.
    pub decision: Option<Decision>,
}

/// Tells, on a thread of its own, when [`Store::news`](crate::ports::Store::news) is worth asking.
pub trait Listener: Send {
    /// Waits at most `patience`. Says whether there may be news; where it cannot know, it says so now and then.
    fn wait(&mut self, patience: Duration) -> bool;
}

/// Takes over a ban as another host has it. What was seen before it began, or before a person ended it, is spent.
///
/// Returns what is to be carried out here, if anything.
pub fn adopt(
    jails: &Jails,
    states: &mut States,
    at: usize,
    shared: &SharedBan,
    now: Timestamp,
) -> Option<Verdict> {
    let BanRecord { key, times, since, until, live, reason, .. } = &shared.ban;
    let jail = jails.get(at)?;
    let ban =
        Ban { jail: at, times: *times, since: *since, until: *until, live: *live, reason: reason.clone() };
    let known = states.bans.get(at, key).cloned();
    if known.as_ref() == Some(&ban) {
        return None;
    }
    // A line of the second in which a person lifted it may have been written after that.
    let spent = if shared.lifted { until.minus(GRANULARITY) } else { *since };
    states.spend(at, key, spent, jail.threshold);
    states.bans.put(key, ban);
    let held = known.filter(|known| known.live);
    match held {
        None if *live && *until > now => Some(Verdict::Ban { until: *until, extends: false }),
        Some(held) if *live && held.until != *until => Some(Verdict::Ban { until: *until, extends: true }),
        Some(_) if !*live => Some(Verdict::Unban),
        _ => None,
    }
}

/// Counts bans that others gave, `times` of them, in the jails that count bans; what follows is appended.
pub fn offend(
    jails: &Jails,
    states: &mut States,
    key: &Key,
    time: Timestamp,
    times: u32,
    now: Timestamp,
    decisions: &mut Vec<Decision>,
) {
    for (other, _) in jails.iter().enumerate().filter(|(_, jail)| jail.feed == Feed::Bans) {
        observe(jails, states, other, key, time, times, now, decisions);
    }
}

/// Judges what another host saw. What happened before a ban that is over by now had its answer, and what a jail answers
/// by itself was answered by the host that saw it.
pub fn observe_shared(
    jails: &Jails,
    states: &mut States,
    at: usize,
    found: &SharedMatch,
    now: Timestamp,
    decisions: &mut Vec<Decision>,
) {
    if jails.get(at).is_some_and(Jail::answers_each) {
        return;
    }
    let over = states.bans.get(at, &found.key).filter(|ban| !ban.live);
    if over.is_none_or(|ban| found.time.plus(GRANULARITY) > ban.until) {
        observe(jails, states, at, &found.key, found.time, found.count, now, decisions);
    }
}
