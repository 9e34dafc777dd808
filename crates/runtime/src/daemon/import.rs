//! Bans of another program, while the daemon runs.

use stockade_core::bans::Ban;
use stockade_core::{Decision, Reason, Timestamp, Verdict};

use super::turn::Turn;
use crate::control::{Fate, ForeignBan};
use crate::guards::Guarded;
use crate::import::{State, judge};

impl Turn {
    /// Takes over what is worth it, or only says what would be.
    pub(crate) fn import(&mut self, bans: &[ForeignBan], dry_run: bool) -> Vec<Fate> {
        let now = self.clock.now();
        bans.iter().map(|ban| self.import_one(ban, dry_run, now)).collect()
    }

    fn import_one(&mut self, ban: &ForeignBan, dry_run: bool, now: Timestamp) -> Fate {
        let Some(at) = self.jails.find(&ban.jail) else {
            return Fate::Left { reason: format!("no such jail: `{}`", ban.jail) };
        };
        let Some(jail) = self.jails.get(at) else { return Fate::Known };
        let known = self.states.bans.get(at, &ban.key);
        let guards = &mut self.guards;
        let refused = || match guards.judge(&ban.key, false, now) {
            Guarded::Pass => None,
            Guarded::Refuse(reason) | Guarded::Alarm(reason) => Some(reason),
        };
        let (fate, taken) = judge(ban, jail, known.map(Into::into), refused, now);
        if let Some(taken) = taken.filter(|_| !dry_run) {
            let State { times, since, until, live, reason } = taken;
            self.remember(&ban.key, Ban { jail: at, times, since, until, live, reason });
            if matches!(fate, Fate::Ban { .. }) {
                let verdict = Verdict::Ban { until, extends: false };
                let jail = ban.jail.clone();
                let decision = Decision {
                    jail,
                    key: ban.key.clone(),
                    verdict,
                    at: since,
                    reason: Reason::Imported,
                    nth: times,
                };
                self.decide(decision, false, now);
            }
        }
        fate
    }
}
