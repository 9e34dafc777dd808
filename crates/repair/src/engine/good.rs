//! A thing that is as it should be: what was open about it ends.

use serde_json::{Value, json};

use super::pass::merge;
use super::{Engine, EngineError, record, state};
use crate::playbook::{Finding, Playbook};
use crate::record::Entry;
use crate::run::{Item, Outcome};
use crate::shelf::ShelfError;
use crate::state::{Doing, Open};

impl Engine {
    /// What was told of it may be told anew the next time; a repair that stopped halfway, or did not show, ends here, and a
    /// hold that was for as long as it was bad.
    pub(super) fn good(
        &mut self,
        playbook: &dyn Playbook,
        item: &mut Item,
        finding: &Finding,
        open: &Open,
    ) -> Result<(), EngineError> {
        let id = playbook.about().id;
        let key = state::open_key(id, &finding.subject);
        if open.held.contains(&key) {
            self.end_hold(id, &finding.subject, false)?;
        }
        if let Some(repair) = open.repairs.get(&key) {
            return self.end_open(playbook, item, finding, repair, open);
        }
        if open.told.contains_key(&key) {
            let place = state::open(&finding.subject.place);
            state::update(self.shelf.as_mut(), &place, |open: &mut Open| _ = open.told.remove(&key))?;
        }
        Ok(())
    }

    /// Ends a repair that is open, unless somebody works on it. What was done of it by whoever is gone is recorded now.
    fn end_open(
        &mut self,
        playbook: &dyn Playbook,
        item: &mut Item,
        finding: &Finding,
        repair: &str,
        seen: &Open,
    ) -> Result<(), EngineError> {
        let (about, subject) = (playbook.about(), &finding.subject);
        let Some((turn, doing)) = self.take_over(about.id, subject, repair)? else {
            item.outcome = Outcome::Busy;
            return Ok(());
        };
        if self.is_old(about.id, subject, seen)? {
            // It was ended just now by whoever repaired it.
            return Ok(self.release(about.id, subject, repair, turn, None)?);
        }
        let entries = record::of_repair(self.shelf.as_mut(), repair)?;
        let last = entries.last();
        let is_over =
            |last: &Entry| last.kind == "good" || last.body.get("outcome") == Some(&json!("verified"));
        let began = entries.iter().rev().find(|entry| entry.kind == "began").map(|entry| &entry.body);
        match doing {
            // It was recorded, and only not closed.
            _ if last.is_some_and(is_over) => {}
            Some(doing) if !last.is_some_and(ends) => {
                let (body, outcome) = self.ending(began, finding, &doing);
                record::append(self.shelf.as_mut(), self.time.now(), "repair", repair, body)?;
                (item.id, item.outcome, item.done) = (repair.to_owned(), outcome, doing.calls);
            }
            _ => {
                let body = json!({"playbook": about.id, "subject": subject, "after": finding.state});
                record::append(self.shelf.as_mut(), self.time.now(), "good", repair, body)?;
            }
        }
        self.ended_repair(about.id, subject, true)?;
        Ok(self.release(about.id, subject, repair, turn, Some(true))?)
    }

    /// Whether the record holds all that was done of a repair: whoever made it died after he had written its end.
    pub(super) fn is_recorded(&mut self, id: &str) -> Result<bool, ShelfError> {
        let entries = record::of_repair(self.shelf.as_mut(), id)?;
        Ok(entries.last().is_some_and(ends))
    }

    /// The last line of a repair that another life made.
    fn ending(&self, began: Option<&Value>, finding: &Finding, doing: &Doing) -> (Value, Outcome) {
        let undo: Vec<_> = doing.calls.iter().rev().filter_map(|done| done.undo.as_ref()).collect();
        let latency_ms = self.time.now().as_millis().saturating_sub(doing.since.as_millis());
        let mut body =
            began.cloned().unwrap_or_else(|| json!({"subject": finding.subject, "name": finding.name}));
        if let Some(fields) = body.as_object_mut() {
            // The line before has it.
            fields.remove("event");
        }
        merge(
            &mut body,
            json!({
                "calls": doing.calls, "undo": undo, "outcome": "verified", "after": finding.state,
                "latency_ms": latency_ms,
            }),
        );
        (body, Outcome::Repaired { verified: true, latency_ms })
    }
}

/// Whether a line tells how a life of a repair ended.
fn ends(line: &Entry) -> bool {
    line.kind == "repair" || line.kind == "good"
}
