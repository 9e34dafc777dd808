//! All of a store in memory as one document, and a store made of it that goes on as if nothing had happened.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stockade_core::ports::WindowRecord;
use stockade_core::{Outcome, Position, Timestamp};

use super::{Entry, Line, Log, MemoryStore};
use crate::Limits;
use crate::doc::{BanDoc, DecisionDoc, MatchDoc, WindowDoc};

/// All of a store.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Image {
    /// In the order of their times, those of equal times in the order in which they came.
    matches: Vec<MatchDoc>,
    windows: Vec<WindowDoc>,
    bans: Vec<BanDoc>,
    positions: Vec<Position>,
    entries: Vec<EntryDoc>,
    next_entry: u64,
    next_line: i64,
    totals: Vec<(Arc<str>, u64, u64)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct EntryDoc {
    id: u64,
    decision: DecisionDoc,
    refused: Option<String>,
    lines: Vec<LineDoc>,
}

#[derive(Debug, Serialize, Deserialize)]
struct LineDoc {
    /// Its number in the outbox; none if it is settled.
    open: Option<i64>,
    responder: Arc<str>,
    attempts: u32,
    due: Timestamp,
    outcome: Option<Outcome>,
}

impl MemoryStore {
    pub(crate) fn image(&self) -> Image {
        let window = |((jail, key), times): (&(Arc<str>, _), &Vec<Timestamp>)| {
            WindowDoc::from(&WindowRecord {
                jail: jail.clone(),
                key: Clone::clone(key),
                times: times.clone(),
            })
        };
        Image {
            matches: self.matches.by_time.values().map(Into::into).collect(),
            windows: self.windows.iter().map(window).collect(),
            bans: self.bans.values().map(Into::into).collect(),
            positions: self.positions.values().cloned().collect(),
            entries: self.log.docs(),
            next_entry: self.log.next_entry,
            next_line: self.log.next_line,
            totals: self
                .totals
                .iter()
                .map(|(jail, (matches, bans))| (jail.clone(), *matches, *bans))
                .collect(),
        }
    }

    pub(crate) fn from_image(image: Image, limits: Limits) -> Self {
        let mut store = Self::new(limits);
        for doc in image.matches {
            store.matches.insert(&doc.into());
        }
        for doc in image.windows {
            let window = WindowRecord::from(doc);
            store.windows.insert((window.jail, window.key), window.times);
        }
        for doc in image.bans {
            let ban = stockade_core::BanRecord::from(doc);
            store.bans.insert((ban.jail.clone(), ban.key.clone()), ban);
        }
        store.positions = image.positions.into_iter().map(|p| (p.stream.clone(), p)).collect();
        store.totals =
            image.totals.into_iter().map(|(jail, matches, bans)| (jail, (matches, bans))).collect();
        store.log = Log { next_entry: image.next_entry, next_line: image.next_line, ..Log::default() };
        for doc in image.entries {
            store.log.restore(doc);
        }
        store
    }
}

impl Log {
    fn docs(&self) -> Vec<EntryDoc> {
        let mut open: std::collections::HashMap<(u64, usize), i64> =
            self.open.iter().map(|(line, place)| (*place, *line)).collect();
        let entry = |(id, entry): (&u64, &Entry)| EntryDoc {
            id: *id,
            decision: (&entry.decision).into(),
            refused: entry.refused.clone(),
            lines: entry
                .lines
                .iter()
                .enumerate()
                .map(|(nth, line)| LineDoc {
                    open: open.remove(&(*id, nth)),
                    responder: line.responder.clone(),
                    attempts: line.attempts,
                    due: line.due,
                    outcome: line.outcome.clone(),
                })
                .collect(),
        };
        self.entries.iter().map(entry).collect()
    }

    fn restore(&mut self, doc: EntryDoc) {
        let mut lines = Vec::with_capacity(doc.lines.len());
        for (nth, line) in doc.lines.into_iter().enumerate() {
            if let Some(open) = line.open {
                self.open.insert(open, (doc.id, nth));
            }
            let LineDoc { responder, attempts, due, outcome, .. } = line;
            lines.push(Line { responder, attempts, due, outcome });
        }
        self.entries.insert(doc.id, Entry { decision: doc.decision.into(), refused: doc.refused, lines });
        self.note_settled(doc.id);
    }
}
