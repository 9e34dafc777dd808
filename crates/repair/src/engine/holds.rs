//! Things that are left as they are for a while: told and not repaired.

use std::time::Duration;

use serde_json::json;
use stockade_core::Timestamp;

use super::{Engine, EngineError, Trigger, record, state};
use crate::exempt::{Exempt, Exemption};
use crate::playbook::{Finding, Playbook, Subject};
use crate::shelf::ShelfError;
use crate::state::{Case, Hold, Open};

/// A thing that looks good so soon after its repair was taken back was seen before that showed.
const SETTLES: Duration = Duration::from_secs(60);

impl Engine {
    /// A thing is left as it is for a while, whatever the playbook finds: told and not repaired.
    ///
    /// # Errors
    /// If the playbook is unknown, or it cannot be written.
    pub fn hold(
        &mut self,
        playbook: &str,
        subject: &Subject,
        until: Timestamp,
        who: &str,
        reason: &str,
    ) -> Result<(), EngineError> {
        let playbook = self.playbook(playbook)?.about().id;
        let since = self.time.now();
        let (reason, by) = (reason.to_owned(), who.to_owned());
        self.put_hold(
            playbook,
            subject,
            &Hold { until, reason, by, since, until_good: false, by_actor: false, acted: None },
        )?;
        Ok(())
    }

    /// The same until the thing is good again.
    pub(super) fn hold_until_good(
        &mut self,
        playbook: &str,
        subject: &Subject,
        until: Timestamp,
        who: &str,
        reason: String,
    ) -> Result<(), ShelfError> {
        let (since, by) = (self.time.now(), who.to_owned());
        self.put_hold(
            playbook,
            subject,
            &Hold { until, reason, by, since, until_good: true, by_actor: false, acted: None },
        )
    }

    /// The hold that counts for what led here. What an exempt actor did is remembered for the thing, because the schedule
    /// knows no actor; what somebody else does to it afterwards is no part of that and ends it. Which of the two came
    /// afterwards, their events say: they arrive in any order.
    pub(super) fn held(
        &mut self,
        playbook: &str,
        subject: &Subject,
        Case { hold: known, others, .. }: Case,
        exempt: Option<&Exempt>,
        trigger: Trigger<'_>,
    ) -> Result<Option<Hold>, ShelfError> {
        let acted = trigger.event_at().unwrap_or_else(|| self.time.now());
        if let Some(Exempt { reason, until, by_actor: true }) = exempt {
            if others.is_some_and(|others| others >= acted) {
                return Ok(None);
            }
            let by = trigger.actor().map_or("an exemption", crate::Actor::name).to_owned();
            let (since, reason, acted) = (self.time.now(), reason.clone(), Some(acted));
            let hold = Hold { until: *until, reason, by, since, until_good: true, by_actor: true, acted };
            self.put_hold(playbook, subject, &hold)?;
            return Ok(None);
        }
        if trigger.actor().is_none() {
            return Ok(known);
        }
        self.note_others(playbook, subject, acted)?;
        match known {
            Some(hold) if hold.by_actor => {
                if hold.acted.is_none_or(|exempt| exempt <= acted) {
                    self.end_hold(playbook, subject, true)?;
                }
                Ok(None)
            }
            known => Ok(known),
        }
    }

    /// Remembers when somebody who is not exempt did something to a thing, where somebody is.
    fn note_others(&mut self, playbook: &str, subject: &Subject, acted: Timestamp) -> Result<(), ShelfError> {
        if !self.settings.exemptions.iter().any(Exemption::is_by_actor) {
            return Ok(());
        }
        let case = state::case(playbook, subject);
        state::update(self.shelf.as_mut(), &case, |case: &mut Case| {
            case.others = case.others.max(Some(acted));
        })
    }

    /// The exemption of the principal that a finding is about. It is no exemption of an actor: it holds as long as it
    /// says, whoever did what.
    pub(super) fn exempt_suspect(
        &self,
        playbook: &dyn Playbook,
        finding: &Finding,
        now: Timestamp,
    ) -> Option<Exempt> {
        let suspect = playbook.suspect(finding)?;
        let (about, subject) = (playbook.about(), &finding.subject);
        let mut exempt = self.settings.exemptions.iter().find_map(|exemption| {
            exemption.holds([about.id, about.name], subject, &finding.name, Some(&suspect), now)
        })?;
        exempt.by_actor = false;
        Some(exempt)
    }

    fn put_hold(&mut self, playbook: &str, subject: &Subject, hold: &Hold) -> Result<(), ShelfError> {
        let body = json!({"playbook": playbook, "subject": subject, "hold": hold});
        record::append(self.shelf.as_mut(), hold.since, "hold", "", body)?;
        let case = state::case(playbook, subject);
        state::update(self.shelf.as_mut(), &case, |case: &mut Case| case.hold = Some(hold.clone()))?;
        let key = state::open_key(playbook, subject);
        state::update(self.shelf.as_mut(), &state::open(&subject.place), |open: &mut Open| {
            if hold.until_good {
                open.hold(&key);
            } else {
                open.held.remove(&key);
            }
        })
    }

    /// Ends a hold that was for as long as the thing was bad; `at_once`: however fresh it is.
    pub(super) fn end_hold(
        &mut self,
        playbook: &str,
        subject: &Subject,
        at_once: bool,
    ) -> Result<(), ShelfError> {
        let now = self.time.now();
        let case = state::case(playbook, subject);
        let ended = state::update(self.shelf.as_mut(), &case, |case: &mut Case| {
            let over = |hold: &mut Hold| hold.until_good && (at_once || now >= hold.since.plus(SETTLES));
            case.hold.take_if(over)
        })?;
        let Some(hold) = ended else { return Ok(()) };
        let body = json!({"playbook": playbook, "subject": subject, "ended": hold});
        record::append(self.shelf.as_mut(), now, "hold", "", body)?;
        let key = state::open_key(playbook, subject);
        state::update(self.shelf.as_mut(), &state::open(&subject.place), |open: &mut Open| {
            open.held.remove(&key);
        })
    }
}
