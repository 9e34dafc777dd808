//! The store that forgets: everything in memory, for tests, trials and replays.

#[cfg(feature = "dynamodb")]
mod image;

use std::collections::hash_map;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use stockade_core::ports::{
    Batch, LoggedDecision, Order, OutboxItem, Retention, Settlement, Snapshot, Store, StoreError,
    WindowRecord,
};
use stockade_core::{BanRecord, Decision, Key, Match, MatchId, Outcome, Position, StreamName, Timestamp};

use crate::totals::Added;
use crate::{GUARD, JailTotals, Limits};

/// Remembers in memory, within [`Limits`], until it is dropped. None of its calls fails.
#[derive(Debug, Default)]
pub struct MemoryStore {
    limits: Limits,
    matches: Matches,
    windows: HashMap<(Arc<str>, Key), Vec<Timestamp>>,
    bans: HashMap<(Arc<str>, Key), BanRecord>,
    positions: HashMap<StreamName, Position>,
    log: Log,
    totals: BTreeMap<Arc<str>, (u64, u64)>,
}

impl MemoryStore {
    /// An empty store with these limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// What each jail has counted, by jail.
    pub fn totals(&self) -> Vec<JailTotals> {
        let totals = self.totals.iter();
        totals
            .map(|(jail, (matches, bans))| JailTotals { jail: jail.clone(), matches: *matches, bans: *bans })
            .collect()
    }
}

impl Store for MemoryStore {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        let windows = self.windows.iter().map(|((jail, key), times)| WindowRecord {
            jail: jail.clone(),
            key: key.clone(),
            times: times.clone(),
        });
        Ok(Snapshot {
            positions: self.positions.values().cloned().collect(),
            windows: windows.collect(),
            bans: self.bans.values().cloned().collect(),
        })
    }

    fn commit(&mut self, batch: &Batch) -> Result<u64, StoreError> {
        let mut added = Added::default();
        let mut new = 0;
        for m in &batch.matches {
            if self.matches.insert(m) {
                new += 1;
                added.matched(&m.jail, m.count);
            }
        }
        for w in &batch.windows {
            let id = (w.jail.clone(), w.key.clone());
            if w.times.is_empty() {
                self.windows.remove(&id);
            } else {
                self.windows.insert(id, w.times.clone());
            }
        }
        for b in &batch.bans {
            self.bans.insert((b.jail.clone(), b.key.clone()), b.clone());
        }
        for order in &batch.orders {
            self.log.insert(order);
            added.ordered(order);
        }
        for p in &batch.positions {
            self.positions.insert(p.stream.clone(), p.clone());
        }
        for (jail, matches, bans) in added.iter() {
            let total = self.totals.entry(jail.into()).or_default();
            *total = (total.0.saturating_add(matches), total.1.saturating_add(bans));
        }
        self.matches.drop_oldest(self.limits.surplus_matches(self.matches.len(), new));
        self.log.drop_oldest(self.limits.surplus_decisions(self.log.len(), batch.orders.len() as u64));
        Ok(new)
    }

    fn outbox(&mut self, now: Timestamp, limit: usize) -> Result<Vec<OutboxItem>, StoreError> {
        Ok(self.log.due(now, limit))
    }

    fn settle(&mut self, settled: &[Settlement]) -> Result<(), StoreError> {
        for settlement in settled {
            self.log.settle(settlement);
        }
        Ok(())
    }

    fn matches_of(&mut self, key: &Key, limit: usize) -> Result<Vec<Match>, StoreError> {
        Ok(self.matches.of(key, limit))
    }

    fn known(&mut self, ids: &[MatchId]) -> Result<HashSet<MatchId>, StoreError> {
        Ok(ids.iter().copied().filter(|id| self.matches.ids.contains_key(id)).collect())
    }

    fn matches_by_id(&mut self, ids: &[MatchId]) -> Result<Vec<Match>, StoreError> {
        Ok(self.matches.by_id(ids))
    }

    fn decisions(&mut self, key: Option<&Key>, limit: usize) -> Result<Vec<LoggedDecision>, StoreError> {
        let entries = self.log.entries.values().rev();
        let wanted = entries.filter(|e| key.is_none_or(|key| e.decision.key == *key));
        Ok(wanted.take(limit).map(Entry::logged).collect())
    }

    fn purge(&mut self, keep: &Retention) -> Result<u64, StoreError> {
        let mut gone = self.matches.drop_before(keep.matches_before);
        let surplus = self.matches.len().saturating_sub(keep.max_matches.min(self.limits.max_matches));
        gone += self.matches.drop_oldest(surplus);
        gone += self.log.drop_before(keep.decisions_before);
        let bans = self.bans.len();
        self.bans.retain(|_, ban| ban.live || ban.until >= keep.bans_before);
        Ok(gone + (bans - self.bans.len()) as u64)
    }
}

#[cfg(feature = "dynamodb")]
pub(crate) use image::Image;

/// When something happened, then in which order it came.
type Place = (Timestamp, u64);

/// Matches in the order of their times, found by id and by key as well.
#[derive(Debug, Default)]
struct Matches {
    by_time: BTreeMap<Place, Match>,
    ids: HashMap<MatchId, Place>,
    by_key: HashMap<Key, BTreeSet<Place>>,
    next: u64,
}

impl Matches {
    fn len(&self) -> u64 {
        self.by_time.len() as u64
    }

    fn insert(&mut self, m: &Match) -> bool {
        let hash_map::Entry::Vacant(slot) = self.ids.entry(m.id) else { return false };
        let place = (m.time, self.next);
        slot.insert(place);
        self.next += 1;
        self.by_key.entry(m.key.clone()).or_default().insert(place);
        self.by_time.insert(place, m.clone());
        true
    }

    fn of(&self, key: &Key, limit: usize) -> Vec<Match> {
        let places = self.by_key.get(key).into_iter().flatten().rev();
        places.filter_map(|place| self.by_time.get(place)).take(limit).cloned().collect()
    }

    fn by_id(&self, ids: &[MatchId]) -> Vec<Match> {
        let places: BTreeSet<&Place> = ids.iter().filter_map(|id| self.ids.get(id)).collect();
        places.into_iter().filter_map(|place| self.by_time.get(place)).cloned().collect()
    }

    fn drop_before(&mut self, before: Timestamp) -> u64 {
        let old = self.by_time.range(..(before, 0)).count() as u64;
        self.drop_oldest(old)
    }

    fn drop_oldest(&mut self, rows: u64) -> u64 {
        let mut gone = 0;
        while gone < rows
            && let Some((place, m)) = self.by_time.pop_first()
        {
            self.ids.remove(&m.id);
            if let Some(places) = self.by_key.get_mut(&m.key) {
                places.remove(&place);
                if places.is_empty() {
                    self.by_key.remove(&m.key);
                }
            }
            gone += 1;
        }
        gone
    }
}

/// The log of decisions with the outbox in it.
#[derive(Debug, Default)]
struct Log {
    entries: BTreeMap<u64, Entry>,
    /// The open lines: outbox id to the entry and the line in it.
    open: BTreeMap<i64, (u64, usize)>,
    /// The entries with no open line, oldest first.
    settled: BTreeSet<Place>,
    next_entry: u64,
    next_line: i64,
}

#[derive(Debug)]
struct Entry {
    decision: Decision,
    refused: Option<String>,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    responder: Arc<str>,
    attempts: u32,
    due: Timestamp,
    outcome: Option<Outcome>,
}

impl Entry {
    fn is_settled(&self) -> bool {
        !self.lines.iter().any(|line| matches!(line.outcome, None | Some(Outcome::Failed { .. })))
    }

    fn logged(&self) -> LoggedDecision {
        let by_guard = self
            .refused
            .iter()
            .map(|reason| (GUARD.into(), Some(Outcome::Refused { reason: reason.clone() })));
        let by_responders = self.lines.iter().map(|line| (line.responder.clone(), line.outcome.clone()));
        LoggedDecision { decision: self.decision.clone(), outcomes: by_guard.chain(by_responders).collect() }
    }
}

impl Log {
    fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    fn insert(&mut self, order: &Order) {
        let entry = self.next_entry;
        self.next_entry += 1;
        let responders = if order.refused.is_some() { &[][..] } else { &order.responders };
        for n in 0..responders.len() {
            self.next_line += 1;
            self.open.insert(self.next_line, (entry, n));
        }
        let line = |responder: &Arc<str>| Line {
            responder: responder.clone(),
            attempts: 0,
            due: Timestamp::MIN,
            outcome: None,
        };
        let lines = responders.iter().map(line).collect();
        let (decision, refused) = (order.decision.clone(), order.refused.clone());
        self.entries.insert(entry, Entry { decision, refused, lines });
        self.note_settled(entry);
    }

    fn due(&self, now: Timestamp, limit: usize) -> Vec<OutboxItem> {
        let open = self.open.iter().filter_map(|(id, (entry, n))| {
            let entry = self.entries.get(entry)?;
            let line = entry.lines.get(*n).filter(|line| line.due <= now)?;
            Some(OutboxItem {
                id: *id,
                responder: line.responder.clone(),
                decision: entry.decision.clone(),
                attempts: line.attempts,
            })
        });
        open.take(limit).collect()
    }

    fn settle(&mut self, settlement: &Settlement) {
        let Some((entry, n)) = self.open.get(&settlement.id).copied() else { return };
        let Some(line) = self.entries.get_mut(&entry).and_then(|entry| entry.lines.get_mut(n)) else {
            return;
        };
        line.outcome = match &settlement.outcome {
            Outcome::Later { .. } => None,
            outcome => Some(outcome.clone()),
        };
        match line.outcome {
            None => line.due = settlement.retry_at,
            Some(Outcome::Failed { .. }) => {
                line.attempts = line.attempts.saturating_add(1);
                line.due = settlement.retry_at;
            }
            Some(_) => {
                self.open.remove(&settlement.id);
                self.note_settled(entry);
            }
        }
    }

    fn note_settled(&mut self, id: u64) {
        if let Some(entry) = self.entries.get(&id).filter(|entry| entry.is_settled()) {
            self.settled.insert((entry.decision.at, id));
        }
    }

    fn drop_before(&mut self, before: Timestamp) -> u64 {
        let old = self.settled.range(..(before, 0)).count() as u64;
        self.drop_oldest(old)
    }

    fn drop_oldest(&mut self, rows: u64) -> u64 {
        let mut gone = 0;
        while gone < rows
            && let Some((_, id)) = self.settled.pop_first()
        {
            self.entries.remove(&id);
            gone += 1;
        }
        gone
    }
}
