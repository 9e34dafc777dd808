//! Looks again after repairs, until they show or the time is over: AWS shows a change after a while.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::act::Acting;
use super::pass::merge;
use super::{Engine, EngineError};
use crate::playbook::{Finding, Hint, Verdict};
use crate::record;
use crate::run::{Item, Outcome, Run};

/// The waits before each look.
const WAITS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];

impl Engine {
    /// Looks at all that was repaired, together, and records what came of each.
    pub(super) fn verify(&mut self, mut acting: Vec<Acting>, run: &mut Run) -> Result<(), EngineError> {
        run.items.append(&mut self.beside);
        for wait in WAITS {
            if acting.is_empty() {
                return Ok(());
            }
            self.time.sleep(wait);
            let seen = self.look_again(&acting)?;
            let mut left = Vec::new();
            for repair in acting {
                let found = seen.iter().find(|(playbook, finding)| {
                    *playbook == repair.playbook.about().id && finding.subject == repair.finding.subject
                });
                match found {
                    Some((_, finding)) if finding.verdict == Verdict::Good => {
                        self.finished(repair, Some(finding), run)?;
                    }
                    _ => left.push(repair),
                }
            }
            acting = left;
        }
        for repair in acting {
            self.finished(repair, None, run)?;
        }
        Ok(())
    }

    /// One look for each playbook and place. What cannot be looked at is looked at the next time.
    fn look_again(&mut self, acting: &[Acting]) -> Result<Vec<(&'static str, Finding)>, EngineError> {
        let mut looks: BTreeMap<(&str, &crate::Place), Vec<&Acting>> = BTreeMap::new();
        for repair in acting {
            looks
                .entry((repair.playbook.about().id, &repair.finding.subject.place))
                .or_default()
                .push(repair);
        }
        let mut found = Vec::new();
        for ((_, place), repairs) in looks {
            let Some(first) = repairs.first() else { continue };
            let hints: Vec<Hint> = repairs
                .iter()
                .map(|repair| Hint::region(&place.region).thing(&repair.finding.subject.id))
                .collect();
            let seen = self.look(first.playbook, place, &hints, &mut BTreeMap::new(), true)?;
            for (kind, things) in seen.things {
                self.keep(first.playbook, place, kind, &things, false)?;
            }
            if let Ok(sight) = seen.sight {
                found.extend(sight.findings.into_iter().map(|finding| (first.playbook.about().id, finding)));
            }
        }
        Ok(found)
    }

    /// Records what came of a repair. `after`: how it was found good.
    fn finished(
        &mut self,
        repair: Acting,
        after: Option<&Finding>,
        run: &mut Run,
    ) -> Result<(), EngineError> {
        let Acting { playbook, finding, turn, doing, mut body } = repair;
        let (id, about) = (&doing.id, playbook.about());
        let item = |item: &&mut Item| item.id == *id && item.subject == finding.subject;
        let item = run.items.iter_mut().rev().find(item);
        if !self.renew(about.id, &finding.subject, turn, &doing)? {
            tracing::warn!(repair = id, "another run took the repair over");
            if let Some(item) = item {
                item.outcome = Outcome::Busy;
            }
            return Ok(());
        }
        let now = self.time.now();
        let verified = after.is_some();
        let latency_ms = now.as_millis().saturating_sub(doing.since.as_millis());
        let outcome = if verified { "verified" } else { "unverified" };
        let after = after.map(|finding| &finding.state);
        let came_to = if verified { String::new() } else { format!("{id} unverified") };
        let repeated = self.came_to(playbook.about().id, &finding.subject, &came_to)?;
        merge(&mut body, json!({"repeated": repeated}));
        merge(&mut body, json!({"outcome": outcome, "after": after, "latency_ms": latency_ms}));
        record::append(self.shelf.as_mut(), now, "repair", id, body)?;
        self.ended_repair(about.id, &finding.subject, verified)?;
        self.release(about.id, &finding.subject, id, turn, Some(verified))?;
        if let Some(item) = item {
            item.outcome = Outcome::Repaired { verified, latency_ms };
            item.repeated = repeated;
        }
        Ok(())
    }
}
