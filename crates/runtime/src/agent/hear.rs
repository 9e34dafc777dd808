//! What the turn makes of bans that others decided.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashSet;
use stockade_aws::wire::{Notice, Told};
use stockade_core::bans::Ban;
use stockade_core::{Decision, Key, Reason, Timestamp, Verdict};

use super::tracker::Token;
use crate::daemon::turn::Turn;
use crate::guards::Guarded;

/// A ban is only ended for not being in a snapshot if it began so long before the snapshot was made: what is written in
/// the same moment may not be seen by who makes it.
const SNAPSHOT_MARGIN: Duration = Duration::from_secs(60);

/// What became of one notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// It was decided, and is on its way.
    Decided,
    /// It is so already.
    Known,
    /// There is nothing to do: it is over, something newer is known, or a guard refused it.
    Nothing,
    /// There were too many bans this minute: not now.
    Full,
}

/// What a snapshot changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Learnt {
    /// Bans that were not known.
    pub(crate) new: u64,
    /// Bans that were refused by a guard.
    pub(crate) refused: u64,
    /// Bans that had ended meanwhile.
    pub(crate) ended: u64,
}

impl Turn {
    /// Takes in what a message says. `false` if some of it must wait because there were too many bans this minute.
    pub(crate) fn hear(&mut self, token: Token, notices: &[Notice]) -> bool {
        let now = self.clock.now();
        let mut keys: HashSet<(Arc<str>, Key)> = HashSet::new();
        let mut full = false;
        for notice in notices {
            let heard = self.hear_one(notice, How::Counted, now);
            full |= heard == Heard::Full;
            let waits = matches!(heard, Heard::Decided | Heard::Known);
            if waits && self.tracker().is_owed(&notice.jail, &notice.key) {
                keys.insert((Arc::clone(&notice.jail), notice.key.clone()));
            }
        }
        if full {
            self.tracker().postpone(token);
        } else {
            self.tracker().wait(token, keys.into_iter().collect());
        }
        !full
    }

    /// Takes in a snapshot of all live bans; `whole` if it was read to its end, so that what is not in it has ended.
    /// `in_bulk` says of each jail whether all who carry out its bans can be asked what is in force: those bans need no
    /// order each, a comparison brings them all into force at once.
    pub(crate) fn learn(
        &mut self,
        made: Timestamp,
        notices: &[Notice],
        whole: bool,
        in_bulk: &[bool],
    ) -> Learnt {
        let now = self.clock.now();
        let mut learnt = Learnt::default();
        let (before, mut quiet) = (self.tally.refused, false);
        for notice in notices {
            let bulk = self.jails.find(&notice.jail).and_then(|at| in_bulk.get(at)).copied().unwrap_or(false);
            let how = if bulk { How::Quietly } else { How::Uncounted };
            if self.hear_one(notice, how, now) == Heard::Decided {
                learnt.new += 1;
                quiet |= bulk;
            }
        }
        learnt.refused = self.tally.refused - before;
        if whole {
            learnt.ended = self.end_missing(made, notices, now);
        }
        self.commit();
        if quiet {
            for hand in &self.hands {
                self.reconcile(hand);
            }
        }
        learnt
    }

    /// Ends what a snapshot does not hold any more, though it would if it were still so: bans of a sender that keeps
    /// count of them. Bans by hand and those of a Cloud-Fail2Ban sender, which are in no snapshot, stay.
    fn end_missing(&mut self, made: Timestamp, notices: &[Notice], now: Timestamp) -> u64 {
        let horizon = made.minus(SNAPSHOT_MARGIN);
        let there: HashSet<(&str, &Key)> = notices.iter().map(|one| (&*one.jail, &one.key)).collect();
        let mut gone = Vec::new();
        for (key, ban) in self.states.bans.iter().filter(|(_, ban)| ban.live && ban.until > now) {
            let Reason::Received { at, version: Some(version), .. } = &ban.reason else { continue };
            let Some(jail) = self.jails.get(ban.jail) else { continue };
            if at.unwrap_or(ban.since) < horizon && !there.contains(&(&*jail.name, key)) {
                gone.push((ban.jail, key.clone(), *version));
            }
        }
        for (at, key, version) in &gone {
            let note = "not in the snapshot any more".to_owned();
            let reason = Reason::Received { note, at: Some(made), version: Some(*version) };
            self.lift(*at, key, reason, now);
        }
        gone.len() as u64
    }

    fn hear_one(&mut self, notice: &Notice, how: How, now: Timestamp) -> Heard {
        let Some(at) = self.jails.find(&notice.jail) else { return Heard::Nothing };
        let Some(jail) = self.jails.get(at) else { return Heard::Nothing };
        let said = notice.at.unwrap_or(now);
        let told = match notice.told {
            Told::Ban { until } => {
                Told::Ban { until: Some(until.unwrap_or_else(|| jail.bantime.until(said))) }
            }
            Told::Unban => Told::Unban,
        };
        let resolved = Notice { told, at: Some(said), ..notice.clone() };
        let last = self.states.bans.get(at, &notice.key);
        let local = last.is_some_and(|ban| ban.live && !is_received(ban));
        if last.is_some_and(|ban| !resolved.is_newer_than(&as_notice(&resolved, ban))) {
            return if last.is_some_and(|ban| ban.live) { Heard::Known } else { Heard::Nothing };
        }
        let note = notice.reason.as_deref().unwrap_or_default().to_owned();
        let reason = Reason::Received { note, at: Some(said), version: notice.version };
        match told {
            // Who sits at this host decided that.
            Told::Unban if local => Heard::Nothing,
            Told::Unban => match last {
                Some(ban) if ban.live => {
                    self.lift(at, &notice.key, reason, now);
                    Heard::Decided
                }
                _ => {
                    self.note_unban(at, &notice.key, said, reason);
                    Heard::Nothing
                }
            },
            Told::Ban { until } => {
                let until = until.unwrap_or(Timestamp::MAX);
                self.ban_as_told(at, &resolved, until, reason, how, now)
            }
        }
    }

    fn ban_as_told(
        &mut self,
        at: usize,
        notice: &Notice,
        until: Timestamp,
        reason: Reason,
        how: How,
        now: Timestamp,
    ) -> Heard {
        if until <= now {
            return Heard::Nothing;
        }
        let key = &notice.key;
        let last = self.states.bans.get(at, key);
        let live = last.filter(|ban| ban.live && now < ban.until);
        // Senders that do not know each other: the longer ban counts. A ban by hand is only made longer.
        let unordered = |ban: &&Ban| !is_received(ban) || notice.version.is_none();
        if live.filter(unordered).is_some_and(|ban| until <= ban.until) {
            return Heard::Known;
        }
        let extends = live.is_some();
        if how == How::Counted && !extends && self.guards.room(now) == 0 {
            if let Guarded::Alarm(why) = self.guards.judge(key, true, now) {
                tracing::error!(
                    why,
                    "bans are stopped: something is wrong, or very wrong; they wait in the queue"
                );
                self.tally.warn(format!("bans wait in the queue: {why}"));
            }
            return Heard::Full;
        }
        let since = live.map_or_else(|| notice.at.unwrap_or(now).min(now), |ban| ban.since);
        let before = last.map_or(0, |ban| ban.times);
        let times = notice.nth.unwrap_or_else(|| if extends { before } else { before.saturating_add(1) });
        let reason = live.filter(|ban| !is_received(ban)).map_or(reason, |ban| ban.reason.clone());
        let ban = Ban { jail: at, times, since, until, live: true, reason: reason.clone() };
        let Some(jail) = self.jails.get(at) else { return Heard::Nothing };
        let name = Arc::clone(&jail.name);
        if let Some(by) = jail.ignore.covering(key) {
            tracing::info!(jail = &*name, key = %key, by = %by, "ban refused: the jail ignores it");
            self.tally.refused += 1;
            self.remember(key, Ban { live: false, until: now, ..ban });
            return Heard::Nothing;
        }
        self.remember(key, ban);
        if how == How::Quietly {
            return match self.guards.judge(key, false, now) {
                Guarded::Pass => {
                    self.tally.banned(at, extends);
                    tracing::debug!(jail = &*name, key = %key, "ban");
                    Heard::Decided
                }
                Guarded::Refuse(reason) | Guarded::Alarm(reason) => {
                    self.tally.refused += 1;
                    self.states.bans.end(at, key, now);
                    tracing::warn!(jail = &*name, key = %key, reason, "ban refused");
                    Heard::Nothing
                }
            };
        }
        let verdict = Verdict::Ban { until, extends };
        let decision = Decision { jail: name, key: key.clone(), verdict, at: since, reason, nth: times };
        match self.decide(decision, how == How::Counted, now) {
            Some(_) => Heard::Nothing,
            None => Heard::Decided,
        }
    }

    /// Ends a ban because somebody else says so; what is older is then known to be so.
    fn lift(&mut self, at: usize, key: &Key, reason: Reason, now: Timestamp) {
        let Some(jail) = self.jails.get(at).map(|jail| Arc::clone(&jail.name)) else { return };
        let Some(ended) = self.states.bans.end(at, key, now).cloned() else { return };
        self.remember(key, Ban { reason: reason.clone(), ..ended });
        let decision = Decision { jail, key: key.clone(), verdict: Verdict::Unban, at: now, reason, nth: 0 };
        self.decide(decision, false, now);
    }

    /// An unban may come before the ban that it ends: that ban is then known to be over.
    fn note_unban(&mut self, at: usize, key: &Key, said: Timestamp, reason: Reason) {
        let before = self.states.bans.get(at, key).cloned();
        let (times, since) = before.map_or((0, said), |ban| (ban.times, ban.since));
        self.remember(key, Ban { jail: at, times, since, until: said, live: false, reason });
    }
}

/// How a ban is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// It counts against the limit of bans a minute.
    Counted,
    /// It does not.
    Uncounted,
    /// Nor does it need an order of its own.
    Quietly,
}

fn is_received(ban: &Ban) -> bool {
    matches!(ban.reason, Reason::Received { .. })
}

/// What is known, as it was said.
fn as_notice(like: &Notice, ban: &Ban) -> Notice {
    let (at, version) = match &ban.reason {
        Reason::Received { at, version, .. } => (at.unwrap_or(ban.since), *version),
        _ if ban.live => (ban.since, None),
        _ => (ban.until, None),
    };
    let told = if ban.live { Told::Ban { until: Some(ban.until) } } else { Told::Unban };
    Notice { told, at: Some(at), version, ..like.clone() }
}
