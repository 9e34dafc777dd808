//! The tables of functions: the ledger, Cloud-Fail2Ban's table beside it, and what they cost.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use stockade_aws::Aws;
use stockade_core::ledger::{Answer, Ledger, LedgerBan, Question, Unwritten};
use stockade_core::ports::StoreError;
use stockade_core::{BanRecord, Key, Match, Timestamp};
use stockade_store::MemoryLedger;
use stockade_store::dynamodb::{DynamoLedger, LedgerOptions, Shared, SharedQuestion, SharedTable};

use super::setup::Setup;

/// What a ledger was charged for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// Write units.
    pub write: f64,
    /// Read units.
    pub read: f64,
}

/// A ledger that may know what it costs, and that may be told of events.
pub trait FunctionLedger: Ledger {
    /// What all its calls so far cost; `None` where nothing is charged.
    fn units(&self) -> Option<Units>;

    /// Like [`Ledger::remember`], with the id of the event that each match was found in, where there is one.
    ///
    /// # Errors
    /// As there.
    fn remember_events(&mut self, matches: &[Match], events: &[Option<Arc<str>>]) -> Result<(), Unwritten> {
        let _ = events;
        self.remember(matches)
    }
}

impl FunctionLedger for MemoryLedger {
    fn units(&self) -> Option<Units> {
        None
    }
}

/// Our table, and Cloud-Fail2Ban's while a fleet moves: a match is written to both, and what either knows counts. One
/// event has one id in both, so it counts once.
#[derive(Debug)]
pub struct Tables {
    own: DynamoLedger,
    shared: Option<SharedTable>,
    /// The name of each jail's filter.
    filters: HashMap<Arc<str>, Arc<str>>,
}

/// How long a function waits for a table that is throttled or gone; then its records are delivered again.
const PATIENCE: Duration = Duration::from_secs(10);
/// Matches are kept at least so long.
const KEEP: Duration = Duration::from_secs(24 * 60 * 60);
/// Those of events for as long as a queue may deliver them again.
const KEEP_EVENTS: Duration = Duration::from_secs(14 * 24 * 60 * 60);

impl Tables {
    /// The tables that the configuration names.
    pub fn new(aws: &Aws, setup: &Setup, keep_bans: Duration) -> Self {
        let options = LedgerOptions {
            table: setup.aws.table.clone(),
            keep_matches: setup.longest_findtime().max(if setup.events.is_some() {
                KEEP_EVENTS
            } else {
                KEEP
            }),
            keep_bans,
            patience: PATIENCE,
            ..LedgerOptions::default()
        };
        let shared = Some(&setup.aws.shared_table).filter(|table| !table.is_empty());
        let named = setup.jails.iter().zip(&setup.filters);
        Self {
            own: DynamoLedger::new(aws, options),
            shared: shared.map(|table| SharedTable::new(aws, table, PATIENCE)),
            filters: named
                .filter_map(|(jail, filter)| Some((Arc::clone(&jail.name), filter.clone()?)))
                .collect(),
        }
    }

    /// Adds what Cloud-Fail2Ban's table knows of the same keys.
    fn add_shared(&mut self, questions: &[Question], answers: &mut [Answer]) -> Result<(), StoreError> {
        let Some(shared) = &mut self.shared else { return Ok(()) };
        let mut asked = Vec::new();
        for (at, question) in questions.iter().enumerate() {
            if let Some(filter) = self.filters.get(&question.jail) {
                let &Question { ref key, since, limit, .. } = question;
                asked.push((
                    at,
                    SharedQuestion { key: key.clone(), filters: vec![filter.to_string()], since, limit },
                ));
            }
        }
        let questions_there: Vec<SharedQuestion> =
            asked.iter().map(|(_, question)| question.clone()).collect();
        let found = shared.recall(&questions_there)?;
        for ((at, _), found) in asked.iter().zip(found) {
            let (Some(answer), Some(question)) = (answers.get_mut(*at), questions.get(*at)) else { continue };
            let known: HashSet<_> = answer.matches.iter().map(|past| past.id).collect();
            answer.matches.extend(found.into_iter().filter(|past| !known.contains(&past.id)));
            answer.matches.sort_by_key(|past| std::cmp::Reverse(past.time));
            answer.matches.truncate(usize::try_from(question.limit).unwrap_or(usize::MAX));
        }
        Ok(())
    }
}

impl Ledger for Tables {
    fn remember(&mut self, matches: &[Match]) -> Result<(), Unwritten> {
        self.own.remember(matches)
    }

    fn recall(&mut self, questions: &[Question]) -> Result<Vec<Answer>, StoreError> {
        let mut answers = self.own.recall(questions)?;
        self.add_shared(questions, &mut answers)?;
        Ok(answers)
    }

    fn put_ban(&mut self, ban: &BanRecord, seen: u64) -> Result<bool, StoreError> {
        self.own.put_ban(ban, seen)
    }

    fn note_announced(&mut self, bans: &[(Arc<str>, Key, u64)]) -> Result<(), StoreError> {
        self.own.note_announced(bans)
    }

    fn unannounced(&mut self, limit: usize) -> Result<Vec<LedgerBan>, StoreError> {
        self.own.unannounced(limit)
    }

    fn over(&mut self, now: Timestamp, limit: usize) -> Result<Vec<LedgerBan>, StoreError> {
        self.own.over(now, limit)
    }

    fn live(&mut self, now: Timestamp, each: &mut dyn FnMut(LedgerBan)) -> Result<(), StoreError> {
        self.own.live(now, each)
    }
}

impl FunctionLedger for Tables {
    fn units(&self) -> Option<Units> {
        let mut units = Units::default();
        for spent in
            [Some(self.own.spent()), self.shared.as_ref().map(SharedTable::spent)].into_iter().flatten()
        {
            units.write += spent.write_units;
            units.read += spent.read_units;
        }
        Some(units)
    }

    fn remember_events(&mut self, matches: &[Match], events: &[Option<Arc<str>>]) -> Result<(), Unwritten> {
        let own = self.own.remember(matches);
        let Some(shared) = &mut self.shared else { return own };
        let mut there = Vec::with_capacity(matches.len());
        for (found, event) in matches.iter().zip(events) {
            // What no event says is not of that table: bans that a jail counts.
            if let (Some(event), Some(filter)) = (event, self.filters.get(&found.jail)) {
                there.push(Shared { found, filter, event_id: Some(event) });
            }
        }
        match (own, shared.remember(&there)) {
            (Err(mut own), Err(theirs)) => {
                own.ids.extend(theirs.ids);
                Err(own)
            }
            (own, theirs) => own.and(theirs),
        }
    }
}
