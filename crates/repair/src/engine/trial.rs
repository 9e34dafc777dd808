//! What would have been done in the trial, told once when it is over.

use serde_json::json;
use stockade_core::Timestamp;

use super::{Engine, EngineError, state};
use crate::json::text;
use crate::playbook::Plan;
use crate::record::{self, Entry};
use crate::run::{TrialReport, WouldHave};
use crate::shelf::ShelfError;
use crate::state::Installation;

impl Engine {
    /// The report, the first time that it is asked for after the trial.
    pub(super) fn trial_report(&mut self, since: Timestamp) -> Result<Option<TrialReport>, EngineError> {
        let now = self.time.now();
        let known: Installation = state::read(self.shelf.as_mut(), state::INSTALLATION)?.unwrap_or_default();
        // Where there was no trial there is nothing to tell of it.
        if known.reported || self.settings.modes.trial.is_zero() || self.settings.modes.in_trial(since, now) {
            return Ok(None);
        }
        let report = self.would_have(since)?;
        let mine = state::update(self.shelf.as_mut(), state::INSTALLATION, |one: &mut Installation| {
            !std::mem::replace(&mut one.reported, true)
        })?;
        if !mine {
            return Ok(None);
        }
        let body = json!({"since": record::when(since), "planned": report.count});
        record::append(self.shelf.as_mut(), now, "trial", "", body)?;
        Ok(Some(report))
    }

    /// What would have been done since the installation began: what the mode `plan` recorded.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn would_have(&mut self, since: Timestamp) -> Result<TrialReport, EngineError> {
        let until = since.plus(self.settings.modes.trial);
        let mut report = TrialReport { since, until, planned: Vec::new(), count: 0 };
        record::each_line(self.shelf.as_mut(), |line| -> Result<(), ShelfError> {
            let Some(entry) = record::entry(line).filter(|entry| entry.kind == "plan") else { return Ok(()) };
            report.count += 1;
            if report.planned.len() < TrialReport::MAX {
                report.planned.push(would(&entry));
            }
            Ok(())
        })?;
        Ok(report)
    }
}

fn would(entry: &Entry) -> WouldHave {
    let of = |name| text(&entry.body, name).to_owned();
    let plan = entry.body.get("plan").and_then(|plan| serde_json::from_value::<Plan>(plan.clone()).ok());
    WouldHave {
        at: entry.at.clone(),
        id: entry.id.clone(),
        playbook: of("playbook"),
        name: of("name"),
        says: of("says"),
        would: plan.unwrap_or_default().changes.into_iter().map(|change| change.says).collect(),
    }
}
