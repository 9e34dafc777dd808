//! What of a turn is told in the log in fail2ban's format.

use stockade_core::{BanTime, Decision, Growth, Match, Reason, Seen, Timestamp, Verdict};

use super::settings::REPORTED;
use super::turn::Turn;

impl Turn {
    /// A match, and what became of it. `before`: how often its key was banned, where that counts.
    pub(super) fn tell_seen(&self, at: usize, found: &Match, seen: Seen, before: u32) {
        let (jail, key) = (&*found.jail, &found.key);
        if seen == Seen::Ignored {
            let by = self.ignoring.get(at).map_or("ip", |ignoring| ignoring.source(key));
            return self.log.ignored(jail, key, by);
        }
        if *found.stream != *REPORTED {
            self.log.found(jail, key, found.time);
        }
        if before > 0 && seen != Seen::Spent {
            let maxretry = self.jails.get(at).map_or(1, |jail| jail.threshold.maxretry.get());
            self.log.found_bad(jail, key, found.time, before, Growth::weight(before), maxretry);
        }
        if seen == Seen::AlreadyBanned {
            let since = self.states.bans.get(at, key).map_or(found.time, |ban| ban.since);
            self.log.already_banned(jail, key, found.time.since(since));
        }
    }

    /// A decision, taken or refused by a guard.
    pub(super) fn tell_decision(&self, at: usize, decision: &Decision, refused: bool, now: Timestamp) {
        let (jail, key) = (&*decision.jail, &decision.key);
        match decision.verdict {
            Verdict::Unban => self.log.unbanned(jail, key),
            Verdict::Ban { until, .. } if until <= now => self.log.expired(jail, key),
            Verdict::Ban { .. } if refused => self.log.ignored(jail, key, "guard"),
            Verdict::Ban { extends: true, .. } => {
                let since = self.states.bans.get(at, key).map_or(decision.at, |ban| ban.since);
                self.log.already_banned(jail, key, decision.at.since(since));
            }
            Verdict::Ban { .. } if decision.reason == Reason::Imported => self.log.restored(jail, key),
            Verdict::Ban { until, .. } => {
                self.log.banned(jail, key);
                let usual = self.jails.get(at).map(|jail| jail.bantime);
                let length = until.since(decision.at);
                let grown = matches!(usual, Some(BanTime::For(usual)) if usual != length);
                if grown && matches!(decision.reason, Reason::Threshold { .. }) {
                    self.log.increased(jail, key, decision.nth, length, until);
                }
            }
            _ => {}
        }
    }

    /// The bans that were in force before this process began.
    pub(crate) fn tell_restored(&mut self) {
        let mut live: Vec<_> = self.states.bans.iter().filter(|(_, ban)| ban.live).collect();
        live.sort_unstable_by(|(a, x), (b, y)| (x.jail, x.since, *a).cmp(&(y.jail, y.since, *b)));
        let jails: Vec<usize> = live.iter().map(|(_, ban)| ban.jail).collect();
        for (key, ban) in live {
            if let Some(jail) = self.jails.get(ban.jail) {
                self.log.restored(&jail.name, key);
            }
        }
        jails.into_iter().for_each(|jail| self.tally.restored(jail));
    }
}
