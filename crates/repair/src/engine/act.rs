//! Carries a plan out: recorded before it begins, call by call, and again when it ends.

use serde_json::{Value, json};
use stockade_core::Timestamp;

use super::lease::joined;
use super::limits::Taken;
use super::pass::merge;
use super::{Engine, EngineError, Trigger, state};
use crate::json::{digest, sha256};
use crate::playbook::{Access, Change, Finding, Plan, Playbook, Subject};
use crate::run::{Done, Item, Outcome};
use crate::shelf::ShelfError;
use crate::state::{Dated, Doing, Open};
use crate::{ApiAnswer, ApiFault, Blame, Place, record};

/// A repair whose calls all worked; whether it did is still to be seen.
#[derive(Debug)]
pub(super) struct Acting {
    pub(super) playbook: &'static dyn Playbook,
    pub(super) finding: Finding,
    pub(super) turn: u64,
    /// Its id, from when its latency counts, and its calls.
    pub(super) doing: Doing,
    /// What its last line in the record says beside the result.
    pub(super) body: Value,
}

/// How the calls of a plan ended.
enum Ended {
    /// All worked.
    Well,
    /// One failed.
    Failed(ApiFault),
    /// Another run took over.
    Lost,
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

    /// Repairs, if no limit stands in the way. `seen`: what was open when the thing was looked at.
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
        seen: &Open,
        class_size: usize,
        trigger: Trigger<'_>,
        acting: &mut Vec<Acting>,
    ) -> Result<(), EngineError> {
        let about = playbook.about();
        let began = self.time.now();
        let subject = finding.subject.clone();
        let id = match trigger {
            Trigger::Approved { id, .. } => Some(id.to_owned()),
            _ => seen.repairs.get(&state::open_key(about.id, &subject)).cloned(),
        };
        let id = id.unwrap_or_else(|| self.new_id(item, trigger, began));
        let actor = trigger.actor().map(|actor| actor.name().to_owned());
        item.plan = Some(plan.clone());
        let Taken { turn, left } =
            match self.take(about.id, &subject, &id, actor.as_deref(), class_size, seen, began)? {
                Ok(taken) => taken,
                Err(refused) => {
                    item.outcome = refused;
                    self.contain(item, trigger, acting)?;
                    if item.outcome != Outcome::Busy {
                        self.tell(item, &finding, trigger)?;
                    }
                    return Ok(());
                }
            };
        item.id.clone_from(&id);
        let since = trigger.event_at().filter(|at| *at <= began).unwrap_or(began);
        let left = match left {
            Some(left) if self.is_recorded(&left.id)? => None,
            left => left,
        };
        let mut doing = match left {
            Some(left) if left.id == id => left,
            left => {
                if let Some(left) = left {
                    self.left_behind(about.id, &finding, &left)?;
                }
                Doing { id: id.clone(), since, calls: Vec::new() }
            }
        };
        if let Err(error) = self.begun(&id, item, &finding, plan, trigger, began) {
            self.release(about.id, &subject, &id, turn, None)?;
            return Err(error);
        }
        let ended = self.carry_out(playbook, &subject, plan, turn, &mut doing, item)?;
        let undo: Vec<_> = doing.calls.iter().rev().filter_map(|done| done.undo.as_ref()).collect();
        let mut body = json!({
            "playbook": about.id, "subject": subject, "name": finding.name, "says": item.says,
            "actor": item.actor, "before": finding.state, "plan": plan, "calls": doing.calls, "undo": undo,
            "notes": item.notes,
        });
        if let Trigger::Event { event, .. } = trigger {
            merge(&mut body, json!({"event_identity": event.identity(), "event_sha256": event.sha256()}));
        }
        match ended {
            Ended::Well => {
                item.outcome = Outcome::Repaired { verified: false, latency_ms: 0 };
                acting.push(Acting { playbook, finding, turn, doing, body });
            }
            Ended::Failed(fault) => {
                merge(&mut body, json!({"outcome": "failed", "fault": fault}));
                let (done, of) = (item.done.len(), plan.changes.len());
                let (word, code) = (fault.blame, fault.code.as_str());
                let came_to = digest(&json!([id, word, code, done, of, plan.digest()]));
                item.repeated = self.came_to(about.id, &subject, &came_to)?;
                merge(&mut body, json!({"repeated": item.repeated}));
                item.outcome = Outcome::Failed { fault, done, of };
                let now = self.time.now();
                record::append(self.shelf.as_mut(), now, "repair", &id, body)?;
                self.ended_repair(about.id, &subject, false)?;
                self.release(about.id, &subject, &id, turn, Some(false))?;
            }
            // Whoever took over records all of it.
            Ended::Lost => item.outcome = Outcome::Busy,
        }
        Ok(())
    }

    /// What another repair of the thing did before it died, and nobody will go on with.
    fn left_behind(&mut self, playbook: &str, finding: &Finding, left: &Doing) -> Result<(), EngineError> {
        let undo: Vec<_> = left.calls.iter().rev().filter_map(|done| done.undo.as_ref()).collect();
        let body = json!({
            "playbook": playbook, "subject": finding.subject, "name": finding.name, "says": "it was killed halfway",
            "calls": left.calls, "undo": undo, "outcome": "left",
        });
        record::append(self.shelf.as_mut(), self.time.now(), "repair", &left.id, body)?;
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
            open.began(&key, id);
        })?)
    }

    /// Makes the calls of a plan until one fails. Each is written down before it is made, with its way back: whoever dies
    /// in it leaves it behind as one that may have been made.
    fn carry_out(
        &mut self,
        playbook: &dyn Playbook,
        subject: &Subject,
        plan: &Plan,
        turn: u64,
        doing: &mut Doing,
        item: &mut Item,
    ) -> Result<Ended, ShelfError> {
        let earlier = std::mem::take(&mut doing.calls);
        let (id, place) = (doing.id.clone(), &subject.place);
        for change in &plan.changes {
            let mut made = item.done.clone();
            made.push(Done {
                says: change.says.clone(),
                call: change.call(place, &id),
                request_id: String::new(),
                at: self.time.now(),
                already: false,
                undo: change.inverse_unseen(place, &id),
            });
            doing.calls = joined(&earlier, &made);
            if !self.renew(playbook.about().id, subject, turn, doing)? {
                return Ok(Ended::Lost);
            }
            let answer = self.make(playbook, place, change, &id);
            let failed = answer.map(|done| item.done.push(done)).err();
            doing.calls = joined(&earlier, &item.done);
            if let Some(fault) = failed {
                return Ok(Ended::Failed(fault));
            }
        }
        Ok(Ended::Well)
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
