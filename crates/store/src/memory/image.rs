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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stockade_core::ports::{Batch, Order, Retention, Settlement, Store};
    use stockade_core::{BanRecord, Decision, Key, Match, MatchId, Reason, Verdict};

    use super::*;

    const KEYS: u8 = 4;

    /// One call, made of three small numbers.
    fn call(store: &mut MemoryStore, (what, a, b): (u8, u8, u8)) {
        let at = |n: u8| Timestamp::from_secs(i64::from(n));
        // A name and an address that look alike are two keys.
        let key = |n: u8| match n % KEYS {
            0 => Key::name("192.0.2.1"),
            n => Key::addr([192, 0, 2, n].into()),
        };
        let mut batch = Batch::default();
        match what % 6 {
            0 => batch.matches.push(Match {
                id: MatchId(u128::from(a)),
                jail: "sshd".into(),
                key: key(b),
                time: at(b / 4),
                count: u32::from(a),
                user: None,
                stream: "s".into(),
                line: "l".into(),
            }),
            1 => {
                let verdict = Verdict::Ban { until: at(b), extends: a % 2 == 0 };
                let jail: Arc<str> = "sshd".into();
                let decision =
                    Decision { jail, key: key(b), verdict, at: at(a), reason: Reason::Expired, nth: 1 };
                let responders = (0..b % 3).map(|n| Arc::from(format!("r{n}"))).collect();
                let refused = (a % 5 == 0).then(|| "guard".to_owned());
                batch.orders.push(Order { decision, responders, refused });
            }
            2 => batch.windows.push(WindowRecord {
                jail: "sshd".into(),
                key: key(a),
                times: (0..b % 3).map(at).collect(),
            }),
            3 => batch.bans.push(BanRecord {
                jail: "sshd".into(),
                key: key(a),
                times: u32::from(b),
                since: at(a),
                until: at(b),
                live: a % 2 == 0,
                reason: Reason::Manual { note: "n".into() },
            }),
            4 => {
                let outcome = match b % 3 {
                    0 => Outcome::Done,
                    1 => Outcome::Failed { error: "e".into() },
                    _ => Outcome::Refused { reason: "r".into() },
                };
                let settled = Settlement { id: i64::from(a % 16), outcome, retry_at: at(b) };
                return store.settle(&[settled]).unwrap();
            }
            _ => {
                let keep = Retention {
                    matches_before: at(a / 8),
                    decisions_before: at(b / 8),
                    bans_before: at(a / 8),
                    max_matches: u64::from(b),
                };
                store.purge(&keep).unwrap();
            }
        }
        store.commit(&batch).unwrap();
    }

    /// Whatever can be asked of a store.
    fn all_of(store: &mut MemoryStore) -> impl PartialEq + std::fmt::Debug + use<> {
        let mut snapshot = store.load().unwrap();
        snapshot.windows.sort_by(|a, b| a.key.cmp(&b.key));
        snapshot.bans.sort_by(|a, b| a.key.cmp(&b.key));
        let keys = (1..KEYS).map(|n| Key::addr([192, 0, 2, n].into())).chain([Key::name("192.0.2.1")]);
        let matches: Vec<_> = keys.map(|key| store.matches_of(&key, usize::MAX).unwrap()).collect();
        let log = store.decisions(None, usize::MAX).unwrap();
        let due = [0, 100, 255].map(|secs| store.outbox(Timestamp::from_secs(secs), usize::MAX).unwrap());
        (snapshot.windows, snapshot.bans, matches, log, due, store.totals())
    }

    proptest! {
        #[test]
        fn a_store_goes_on_from_its_image(
            before in prop::collection::vec(any::<(u8, u8, u8)>(), 0..80),
            after in prop::collection::vec(any::<(u8, u8, u8)>(), 0..20),
        ) {
            let limits = Limits { max_matches: 20, max_decisions: 10 };
            let mut store = MemoryStore::new(limits);
            before.iter().for_each(|c| call(&mut store, *c));
            let text = serde_json::to_string(&store.image()).unwrap();
            let mut again = MemoryStore::from_image(serde_json::from_str(&text).unwrap(), limits);
            prop_assert_eq!(all_of(&mut again), all_of(&mut store));
            for c in after {
                call(&mut store, c);
                call(&mut again, c);
                prop_assert_eq!(all_of(&mut again), all_of(&mut store));
            }
        }
    }
}
