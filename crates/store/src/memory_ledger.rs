//! The ledger that forgets: everything in memory, for tests and trials.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stockade_core::ledger::{Answer, Ledger, LedgerBan, Past, Question, Unwritten};
use stockade_core::ports::StoreError;
use stockade_core::{BanRecord, Key, Match, MatchId, Timestamp};

/// Remembers in memory until the last clone is dropped. Clones share what they know, as functions share a table. None
/// of its calls fails.
#[derive(Clone, Debug, Default)]
pub struct MemoryLedger {
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    matches: HashMap<Whose, BTreeMap<(Timestamp, MatchId), u32>>,
    bans: HashMap<Whose, LedgerBan>,
}

type Whose = (Arc<str>, Key);

impl MemoryLedger {
    /// Nothing in it is ever half changed, so a panic elsewhere harms nothing.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bans(&self, wanted: impl Fn(&LedgerBan) -> bool) -> Vec<LedgerBan> {
        let known = self.known();
        let mut bans: Vec<LedgerBan> = known.bans.values().filter(|ban| wanted(ban)).cloned().collect();
        bans.sort_by(|a, b| {
            a.record.until.cmp(&b.record.until).then_with(|| a.record.key.cmp(&b.record.key))
        });
        bans
    }
}

impl Ledger for MemoryLedger {
    fn remember(&mut self, matches: &[Match]) -> Result<(), Unwritten> {
        let mut known = self.known();
        for m in matches {
            let of_key = known.matches.entry((m.jail.clone(), m.key.clone())).or_default();
            of_key.entry((m.time, m.id)).or_insert(m.count);
        }
        Ok(())
    }

    fn recall(&mut self, questions: &[Question]) -> Result<Vec<Answer>, StoreError> {
        let known = self.known();
        let answer = |question: &Question| {
            let whose = (question.jail.clone(), question.key.clone());
            let since = (question.since, MatchId(0));
            let past = known.matches.get(&whose).into_iter().flat_map(|of_key| of_key.range(since..).rev());
            let past = past.map(|((time, id), count)| Past { id: *id, time: *time, count: *count });
            let limit = usize::try_from(question.limit).unwrap_or(usize::MAX);
            Answer { matches: past.take(limit).collect(), ban: known.bans.get(&whose).cloned() }
        };
        Ok(questions.iter().map(answer).collect())
    }

    fn put_ban(&mut self, ban: &BanRecord, seen: u64) -> Result<bool, StoreError> {
        let mut known = self.known();
        let whose = (ban.jail.clone(), ban.key.clone());
        let last = known.bans.get(&whose);
        if last.map_or(0, |last| last.version) != seen {
            return Ok(false);
        }
        let announced = last.map_or(0, |last| last.announced);
        let version = seen.saturating_add(1);
        known.bans.insert(whose, LedgerBan { record: ban.clone(), version, announced });
        Ok(true)
    }

    fn note_announced(&mut self, bans: &[(Arc<str>, Key, u64)]) -> Result<(), StoreError> {
        let mut known = self.known();
        for (jail, key, version) in bans {
            if let Some(ban) = known.bans.get_mut(&(jail.clone(), key.clone())) {
                ban.announced = ban.announced.max((*version).min(ban.version));
            }
        }
        Ok(())
    }

    fn unannounced(&mut self, limit: usize) -> Result<Vec<LedgerBan>, StoreError> {
        let mut bans = self.bans(LedgerBan::is_unannounced);
        bans.truncate(limit);
        Ok(bans)
    }

    fn over(&mut self, now: Timestamp, limit: usize) -> Result<Vec<LedgerBan>, StoreError> {
        let mut bans = self.bans(|ban| ban.record.live && ban.record.until <= now);
        bans.truncate(limit);
        Ok(bans)
    }

    fn live(&mut self, now: Timestamp, each: &mut dyn FnMut(LedgerBan)) -> Result<(), StoreError> {
        self.bans(|ban| ban.record.live && ban.record.until > now).into_iter().for_each(each);
        Ok(())
    }
}
