//! On a schedule: says again what was not confirmed, ends bans that are over, writes down which are live.

use std::collections::HashSet;
use std::sync::Arc;

use stockade_aws::wire::{Notice, snapshot};
use stockade_core::ledger::LedgerBan;
use stockade_core::ports::{Notice as Word, StoreError};
use stockade_core::{BanRecord, Outcome, Reason, Timestamp};

use super::announce::{Announcer, Say};
use super::counts::Counts;
use super::judging::tell;
use super::setup::Setup;
use super::table::FunctionLedger;
use super::tellers::Tellers;
use super::telling::{is_mark, late_notice};

/// How many bans one run ends, and how many it announces again. What is left is the next run's.
const AT_ONCE: usize = 5_000;

/// What a run works with.
pub(super) struct Expiring<'e> {
    pub(super) setup: &'e Setup,
    pub(super) ledger: &'e mut dyn FunctionLedger,
    pub(super) announcer: &'e mut dyn Announcer,
    pub(super) tellers: &'e mut Tellers,
    pub(super) counts: &'e mut Counts,
    pub(super) now: Timestamp,
}

impl Expiring<'_> {
    /// Says again what was not confirmed: bans in force, and ends of bans.
    pub(super) fn repeat(&mut self) -> Result<(), StoreError> {
        let (marks, waiting): (Vec<_>, Vec<_>) =
            self.ledger.unannounced(AT_ONCE)?.into_iter().partition(is_mark);
        self.tell_late(&marks)?;
        // A ban that is over is ended below, and its end is told.
        let stands = |ban: &LedgerBan| !ban.record.live || ban.record.until > self.now;
        let says: Vec<Say> = waiting.into_iter().filter(stands).map(|ban| self.say(ban)).collect();
        self.counts.repeats += says.len() as u64;
        for say in &says {
            let record = &say.ban.record;
            tracing::info!(jail = &*record.jail, key = %record.key, live = record.live, "announced again");
        }
        tell(&says, self.announcer, self.ledger, self.counts, self.now);
        Ok(())
    }

    /// Gives notices whose function died before it did.
    fn tell_late(&mut self, marks: &[LedgerBan]) -> Result<(), StoreError> {
        let at = |ban: &LedgerBan| self.setup.jails.find(&ban.record.jail);
        let notices: Vec<(Word, &[Arc<str>])> = marks
            .iter()
            .map(|ban| {
                let target = at(ban).and_then(|at| self.setup.jails.get(at)).map(|jail| jail.target);
                let to = at(ban).and_then(|at| self.setup.responders.get(at)).map(Vec::as_slice);
                (late_notice(ban, target), to.unwrap_or_default())
            })
            .collect();
        let outcomes = self.tellers.tell(&notices, self.now);
        let done = |outcome: &Outcome| !matches!(outcome, Outcome::Failed { .. } | Outcome::Later { .. });
        let told: Vec<_> = marks
            .iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| done(outcome))
            .map(|(ban, _)| (Arc::clone(&ban.record.jail), ban.record.key.clone(), ban.version))
            .collect();
        self.counts.repeats += told.len() as u64;
        if told.is_empty() { Ok(()) } else { self.ledger.note_announced(&told) }
    }

    /// Ends bans that are over.
    pub(super) fn end(&mut self) -> Result<(), StoreError> {
        let mut says = Vec::new();
        let mut problem = None;
        for ban in self.ledger.over(self.now, AT_ONCE)? {
            let record = BanRecord { live: false, reason: Reason::Expired, ..ban.record.clone() };
            match self.ledger.put_ban(&record, ban.version) {
                Ok(true) => {
                    self.counts.unbans += 1;
                    tracing::info!(jail = &*record.jail, key = %record.key, reason = %record.reason, "unban");
                    says.push(self.say(LedgerBan {
                        record,
                        version: ban.version + 1,
                        announced: ban.announced,
                    }));
                }
                // Somebody made it longer meanwhile.
                Ok(false) => self.counts.races += 1,
                Err(error) => problem = Some(error),
            }
        }
        tell(&says, self.announcer, self.ledger, self.counts, self.now);
        problem.map_or(Ok(()), Err)
    }

    /// All live bans, packed.
    pub(super) fn snapshot(&mut self) -> Result<Vec<u8>, String> {
        let mut writer = snapshot::Writer::new(Vec::new(), self.now).map_err(|error| error.to_string())?;
        let (mut seen, mut problem) = (HashSet::new(), None);
        let mut each = |ban: LedgerBan| {
            if !seen.insert((Arc::clone(&ban.record.jail), ban.record.key.clone())) {
                return;
            }
            if let Err(error) = writer.push(&Notice::of(&ban)) {
                problem = Some(error.to_string());
            }
        };
        self.ledger.live(self.now, &mut each).map_err(|error| error.message)?;
        if let Some(problem) = problem {
            return Err(problem);
        }
        let (packed, bans) = writer.finish().map_err(|error| error.to_string())?;
        self.counts.live = bans;
        Ok(packed)
    }

    fn say(&self, ban: LedgerBan) -> Say {
        let at = self.setup.jails.find(&ban.record.jail);
        let to = at.and_then(|at| self.setup.responders.get(at)).cloned().unwrap_or_default();
        Say { ban, extends: false, to }
    }
}
