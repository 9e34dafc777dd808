//! Hosts that share a store: what others saw is judged here as well, and what they decided is carried out here.

use stockade_core::ports::{Order, SharedBan, StoreError};
use stockade_core::{BanRecord, Decision, Feed, Key, Reason, Timestamp, Verdict, shared};

use super::turn::Turn;
use crate::guards::Guarded;

/// How many matches of others are judged before this host's own are looked at again.
const NEWS_SLICE: usize = 5_000;

/// Another host's bans that its jails count which count bans.
struct Offence {
    key: Key,
    time: Timestamp,
    times: u32,
}

impl Turn {
    /// Takes in what other hosts committed, into the next commit. Says whether there is more.
    pub(super) fn take_news(&mut self) -> bool {
        if self.waits_for_store() {
            return false;
        }
        let now = self.clock.now();
        let news = match self.store.news(NEWS_SLICE) {
            Ok(news) => news,
            Err(error) => {
                self.store_failed(&error, now);
                return false;
            }
        };
        // Bans first: the matches that led to them had their answer.
        let offences: Vec<Offence> = news.bans.iter().filter_map(|ban| self.adopt(ban, now)).collect();
        let mut decisions = Vec::new();
        for Offence { key, time, times } in offences {
            shared::offend(&self.jails, &mut self.states, &key, time, times, now, &mut decisions);
        }
        for found in &news.matches {
            let Some(at) = self.jails.find(&found.jail) else { continue };
            if self.live.get(at).is_none_or(|live| !live.idle) {
                shared::observe_shared(&self.jails, &mut self.states, at, found, now, &mut decisions);
            }
        }
        for decision in decisions {
            self.decide(decision, true, now);
        }
        if !news.matches.is_empty() {
            self.batch.seen = Some(news.upto);
        }
        news.more
    }

    /// Whether the store can be asked: the next life begins with what it says.
    pub(super) fn store_answers(&mut self) -> Result<(), StoreError> {
        self.store.outbox(self.clock.now(), 0).map(drop)
    }

    /// Takes over a ban as it is now, and has it carried out here. Some of it is an offence of its key.
    fn adopt(&mut self, found: &SharedBan, now: Timestamp) -> Option<Offence> {
        let BanRecord { jail, key, times, since, reason, .. } = &found.ban;
        let at = self.jails.find(jail)?;
        let before = self.states.bans.get(at, key).map(|ban| ban.times);
        let verdict = shared::adopt(&self.jails, &mut self.states, at, found, now);
        if let Some(verdict) = verdict {
            self.carry_out_shared(at, decision_of(found, verdict, now), now);
        }
        let counts = self.jails.get(at).is_some_and(|jail| jail.feed == Feed::Matches)
            && matches!(reason, Reason::Threshold { .. });
        let times = before.map_or((*times).min(1), |before| times.saturating_sub(before));
        (counts && times > 0).then(|| Offence { key: key.clone(), time: *since, times })
    }

    /// Hands another host's decision to the responders of this one. A guard of this host speaks for it alone: what it
    /// refuses stays a ban, and is not in force here.
    fn carry_out_shared(&mut self, at: usize, decision: Decision, now: Timestamp) {
        let place = (at, decision.key.clone());
        let mut refused = None;
        if let Verdict::Ban { until, .. } = decision.verdict {
            if self.is_ignored(at, &decision.key) {
                self.withheld.insert(place);
                return;
            }
            refused = self.refusal(&decision.key, now);
            let until = crate::show_time(until);
            match &refused {
                Some(reason) => {
                    self.withheld.insert(place);
                    self.tally.refused += 1;
                    tracing::warn!(jail = &*decision.jail, key = %decision.key, reason, "ban of another host refused");
                }
                None => {
                    self.withheld.remove(&place);
                    tracing::info!(jail = &*decision.jail, key = %decision.key, until, "ban of another host");
                }
            }
        } else {
            if self.withheld.remove(&place) {
                return;
            }
            tracing::info!(jail = &*decision.jail, key = %decision.key, reason = %decision.reason, "unban of another host");
        }
        self.tell_decision(at, &decision, refused.is_some(), now);
        let responders = self.responders_of.get(at).cloned().unwrap_or_default();
        self.batch.orders.push(Order { decision, responders, refused });
    }

    /// Finds the bans in the store that this host may not carry out.
    pub(super) fn withhold(&mut self) {
        let now = self.clock.now();
        let live = self.states.bans.iter().filter(|(_, ban)| ban.live);
        let live: Vec<(usize, Key)> = live.map(|(key, ban)| (ban.jail, key.clone())).collect();
        for (at, key) in live {
            if self.is_ignored(at, &key) || self.refusal(&key, now).is_some() {
                self.withheld.insert((at, key));
            }
        }
    }

    /// Carries out what was withheld and need not be any more.
    pub(super) fn release_withheld(&mut self) {
        let now = self.clock.now();
        for (at, key) in std::mem::take(&mut self.withheld) {
            let Some(ban) = self.states.bans.get(at, &key).filter(|ban| ban.live && ban.until > now) else {
                continue;
            };
            let Some(jail) = self.jails.get(at).map(|jail| jail.name.clone()) else { continue };
            let verdict = Verdict::Ban { until: ban.until, extends: false };
            let (since, reason, nth) = (ban.since, ban.reason.clone(), ban.times);
            if self.is_ignored(at, &key) || self.refusal(&key, now).is_some() {
                self.withheld.insert((at, key));
            } else {
                self.carry_out_shared(at, Decision { jail, key, verdict, at: since, reason, nth }, now);
            }
        }
    }

    fn is_ignored(&self, at: usize, key: &Key) -> bool {
        self.jails.get(at).is_some_and(|jail| jail.ignore.covers(key))
    }

    /// Why a guard stands before a ban of this key. It counts for the host that gave it, and not for this one.
    fn refusal(&mut self, key: &Key, now: Timestamp) -> Option<String> {
        match self.guards.judge(key, false, now) {
            Guarded::Pass => None,
            Guarded::Refuse(reason) | Guarded::Alarm(reason) => Some(reason),
        }
    }
}

/// The decision behind a verdict: the one on record, if it says the same.
fn decision_of(found: &SharedBan, verdict: Verdict, now: Timestamp) -> Decision {
    let same = |decision: &&Decision| match (decision.verdict, verdict) {
        (Verdict::Ban { until: one, .. }, Verdict::Ban { until: other, .. }) => one == other,
        (one, other) => one == other,
    };
    if let Some(decision) = found.decision.as_ref().filter(same) {
        return decision.clone();
    }
    let BanRecord { jail, key, times, since, until, reason, .. } = found.ban.clone();
    let (at, reason, nth) = match verdict {
        Verdict::Unban if found.lifted => (until, Reason::Manual { note: String::new() }, 0),
        Verdict::Unban => (until.min(now), Reason::Expired, 0),
        _ => (since, reason, times),
    };
    Decision { jail, key, verdict, at, reason, nth }
}
