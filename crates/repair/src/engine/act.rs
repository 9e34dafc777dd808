//! Carries a plan out: recorded before it begins, call by call, and again when it ends.

use serde_json::{Value, json};
use stockade_core::Timestamp;

use super::pass::merge;
use super::{Engine, EngineError, Trigger, state};
use crate::json::sha256;
use crate::playbook::{Access, Change, Finding, Plan, Playbook};
use crate::run::{Done, Item, Outcome};
use crate::state::{Dated, Open};
use crate::{ApiAnswer, ApiFault, Blame, Place, record};

/// A repair whose calls all worked; whether it did is still to be seen.
#[derive(Debug)]
pub(super) struct Acting {
    pub(super) id: String,
    pub(super) playbook: &'static dyn Playbook,
    pub(super) finding: Finding,
    /// From when its latency counts.
    pub(super) since: Timestamp,
    /// What its last line in the record says beside the result.
    pub(super) body: Value,
}

impl Engine {
    /// An id that no other repair has: of the playbook, the thing, what led here and the time.
    pub(super) fn new_id(&self, item: &Item, trigger: Trigger<'_>, now: Timestamp) -> String {
        const DIGITS: usize = 12;
        let why = match trigger {
            Trigger::Event { event, .. } => event.identity(),
            Trigger::Schedule => String::new(),
            Trigger::Escalation { id, .. } | Trigger::Approved { id, .. } => id.to_owned(),
        };
        let all = json!([item.playbook, item.subject.key(), why, now.as_millis()]);
        let hash = sha256(all.to_string().as_bytes());
        format!("{}-{}", item.playbook.to_ascii_lowercase(), hash.get(..DIGITS).unwrap_or_default())
    }

    /// Repairs, if no limit stands in the way. `id`: of the repair that this goes on with.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a repair is made of; a struct of it would have this one use"
    )]
    pub(super) fn act(
        &mut self,
        playbook: &'static dyn Playbook,
        item: &mut Item,
        finding: Finding,
        plan: &Plan,
        id: Option<String>,
        class_size: usize,
        trigger: Trigger<'_>,
        acting: &mut Vec<Acting>,
    ) -> Result<(), EngineError> {
        let about = playbook.about();
        let began = self.time.now();
        let id = id.unwrap_or_else(|| self.new_id(item, trigger, began));
        let subject = finding.subject.clone();
        let actor = trigger.actor().map(|actor| actor.name().to_owned());
        let taken = self.take(about.id, &subject, &id, actor.as_deref(), class_size, began)?;
        item.plan = Some(plan.clone());
        if let Err(refused) = taken {
            item.outcome = refused;
            self.contain(item, trigger, acting)?;
            if item.outcome != Outcome::Busy {
                self.tell(item, &finding, trigger)?;
            }
            return Ok(());
        }
        item.id.clone_from(&id);
        if let Err(error) = self.begun(&id, item, &finding, plan, trigger, began) {
            self.release(about.id, &subject, &id, None)?;
            return Err(error);
        }
        let fault = self.carry_out(playbook, &subject.place, plan, item);
        let since = trigger.event_at().filter(|at| *at <= began).unwrap_or(began);
        let undo: Vec<_> = item.done.iter().rev().filter_map(|done| done.undo.as_ref()).collect();
        let mut body = json!({
            "playbook": about.id, "subject": subject, "name": finding.name, "says": item.says,
            "actor": item.actor, "before": finding.state, "plan": plan, "calls": item.done, "undo": undo,
            "notes": item.notes,
        });
        if let Trigger::Event { event, .. } = trigger {
            merge(&mut body, json!({"event_identity": event.identity(), "event_sha256": event.sha256()}));
        }
        match fault {
            None => {
                item.outcome = Outcome::Repaired { verified: false, latency_ms: 0 };
                acting.push(Acting { id, playbook, finding, since, body });
            }
            Some(fault) => {
                merge(&mut body, json!({"outcome": "failed", "fault": fault}));
                let (done, of) = (item.done.len(), plan.changes.len());
                item.outcome = Outcome::Failed { fault, done, of };
                let now = self.time.now();
                record::append(self.shelf.as_mut(), now, "repair", &id, body)?;
                self.release(about.id, &subject, &id, Some(false))?;
            }
        }
        Ok(())
    }

    /// What is about to happen is in the record before it happens, and whoever comes after a crash finds it open.
    fn begun(
        &mut self,
        id: &str,
        item: &Item,
        finding: &Finding,
        plan: &Plan,
        trigger: Trigger<'_>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let mut body = json!({
            "playbook": item.playbook, "subject": finding.subject, "name": finding.name, "says": item.says,
            "before": finding.state, "plan": plan, "notes": item.notes,
        });
        merge(&mut body, trigger.body());
        record::append(self.shelf.as_mut(), now, "began", id, body)?;
        let key = state::open_key(&item.playbook, &finding.subject);
        let place = state::open(&finding.subject.place);
        Ok(state::update(self.shelf.as_mut(), &place, |open: &mut Open| {
            open.repairs.insert(key.clone(), id.to_owned());
        })?)
    }

    /// Makes the calls of a plan until one fails; that one's fault.
    fn carry_out(
        &mut self,
        playbook: &dyn Playbook,
        place: &Place,
        plan: &Plan,
        item: &mut Item,
    ) -> Option<ApiFault> {
        for change in &plan.changes {
            match self.make(playbook, place, change, &item.id) {
                Ok(done) => item.done.push(done),
                Err(fault) => return Some(fault),
            }
        }
        None
    }

    fn make(
        &mut self,
        playbook: &dyn Playbook,
        place: &Place,
        change: &Change,
        id: &str,
    ) -> Result<Done, ApiFault> {
        let call = change.call(place, id);
        allowed(playbook, &call.name(), Access::Repair)?;
        let answer = self.api.call(&call);
        let (answer, already) = match answer {
            Ok(answer) => {
                if let Some(refusal) = change.refusal(&answer) {
                    let message = format!("cannot call {} in {place}: it answers {refusal}", call.name());
                    self.remember_request(&answer.request_id, id);
                    return Err(ApiFault {
                        request_id: answer.request_id,
                        ..ApiFault::local(Blame::Other, message)
                    });
                }
                (answer, false)
            }
            Err(fault) if change.already.contains(&fault.code) => {
                (ApiAnswer { request_id: fault.request_id, ..ApiAnswer::default() }, true)
            }
            Err(fault) => {
                self.remember_request(&fault.request_id, id);
                return Err(fault);
            }
        };
        self.remember_request(&answer.request_id, id);
        let undo = if already { None } else { change.inverse(place, id, &answer) };
        let at = self.time.now();
        Ok(Done { says: change.says.clone(), call, request_id: answer.request_id, at, already, undo })
    }

    /// By its number the event that tells of this call is known as ours.
    pub(super) fn remember_request(&mut self, request: &str, id: &str) {
        if request.is_empty() {
            return;
        }
        let dated = Dated { at: self.time.now(), id: id.to_owned() };
        if let Err(error) = state::put_new(self.shelf.as_mut(), &state::request(request), &dated) {
            // The repair is more important; its event will be followed, and find everything good.
            tracing::warn!(%error, request, "a request of ours could not be remembered");
        }
    }
}

/// A call that no permission of the playbook names is never made.
pub(super) fn allowed(playbook: &dyn Playbook, call: &str, access: Access) -> Result<(), ApiFault> {
    let about = playbook.about();
    if about.permissions.iter().any(|one| one.access == access && one.serves(call)) {
        return Ok(());
    }
    let message = format!("cannot call {call}: no permission of the playbook {} names it for that", about.id);
    Err(ApiFault::local(Blame::Other, message))
}
