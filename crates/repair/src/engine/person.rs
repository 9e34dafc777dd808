//! What people decide: approve, refuse, take back; and how everything is.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stockade_core::Timestamp;

use super::act::allowed;
use super::{Engine, EngineError, Scope, Trigger, state};
use crate::json::text;
use crate::link::{Link, Verb};
use crate::mode::Mode;
use crate::playbook::{Access, Finding, Hint, Plan, Subject, Verdict};
use crate::report::{Report, Row};
use crate::run::{Done, Item, Outcome, Run};
use crate::shelf::Stored;
use crate::state::{Approval, ApprovalState, Case};
use crate::{ApiCall, count, record};

/// How many plans that wait for a person are looked at: each ends by itself ([`crate::Settings::approve_within`]).
const MAX_APPROVALS: usize = 10_000;

impl Engine {
    /// How everything is and what would be done: looks and changes nothing, also not what is kept.
    ///
    /// # Errors
    /// If a playbook of the scope is unknown, or what is kept cannot be read.
    pub fn check(&mut self, scope: &Scope) -> Result<Report, EngineError> {
        let now = self.time.now();
        let installation: Option<state::Installation> =
            state::read(self.shelf.as_mut(), state::INSTALLATION)?;
        let first_run = installation.and_then(|one| one.first_run).unwrap_or(now);
        let mut run = Run::default();
        let mut report = Report::default();
        let playbooks = self.chosen(scope)?;
        for place in self.places(scope, &mut run)? {
            let mut answers = BTreeMap::new();
            for playbook in &playbooks {
                if playbook.is_global() && place.region != self.global_region() {
                    continue;
                }
                let mode = self.settings.modes.of(playbook.about(), &place, first_run, now);
                if mode == Mode::Off && !scope.also_off {
                    continue;
                }
                let seen = self.look(*playbook, &place, &[], &mut answers, false)?;
                run.troubles.extend(seen.troubles);
                match seen.sight {
                    Ok(sight) => {
                        count::add(&mut report.counts, playbook.about().id, &place.account, sight.seen);
                        report
                            .rows
                            .extend(sight.findings.into_iter().map(|finding| row(*playbook, finding, mode)));
                    }
                    Err(fault) => run.troubles.push(crate::playbook::Trouble {
                        place: place.clone(),
                        what: playbook.about().name.to_owned(),
                        fault,
                    }),
                }
            }
        }
        report.troubles = run.troubles;
        Ok(report)
    }

    /// Asks a person, once: the same plan that waits already is not asked again.
    pub(super) fn ask(
        &mut self,
        item: &mut Item,
        finding: &Finding,
        case: &Case,
        plan: Plan,
        why: String,
        trigger: Trigger<'_>,
    ) -> Result<(), EngineError> {
        let now = self.time.now();
        if let Some(id) = &case.approval
            && let Some(known) = state::read::<Approval>(self.shelf.as_mut(), &state::approval(id))?
            && known.state == ApprovalState::Waiting
            && now < known.until
            && known.plan.digest() == plan.digest()
        {
            item.id.clone_from(id);
            item.repeated = true;
            item.outcome = self.waiting(id, known.until);
            item.plan = Some(plan);
            return Ok(());
        }
        item.id = self.new_id(item, trigger, now);
        let until = now.plus(self.settings.approve_within);
        item.notes.push(format!("a person decides, because {why}"));
        let approval = Approval {
            id: item.id.clone(),
            playbook: item.playbook.clone(),
            finding: finding.clone(),
            plan: plan.clone(),
            why,
            actor: item.actor.clone(),
            event_at: trigger.event_at(),
            since: now,
            until,
            state: ApprovalState::Waiting,
        };
        state::put_new(self.shelf.as_mut(), &state::approval(&item.id), &approval)?;
        let key = state::case(&item.playbook, &finding.subject);
        let id = item.id.clone();
        state::update(self.shelf.as_mut(), &key, |case: &mut Case| case.approval = Some(id.clone()))?;
        item.plan = Some(plan);
        // The words of the links are for the notice; the record holds none.
        item.outcome = Outcome::Waiting { until, approve: String::new(), refuse: String::new() };
        self.tell(item, finding, trigger)?;
        item.outcome = self.waiting(&item.id, until);
        Ok(())
    }

    fn waiting(&self, id: &str, until: Timestamp) -> Outcome {
        let token = |verb| {
            let link = Link { verb, id: id.to_owned(), until };
            self.settings.link_key.as_ref().map(|key| key.sign(&link)).unwrap_or_default()
        };
        Outcome::Waiting { until, approve: token(Verb::Approve), refuse: token(Verb::Refuse) }
    }

    /// All that waits for a person, oldest first.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn approvals(&mut self) -> Result<Vec<Approval>, EngineError> {
        let now = self.time.now();
        let mut all: Vec<Approval> = Vec::new();
        for (_, stored) in self.all_approvals()? {
            let approval = serde_json::from_slice::<Approval>(&stored.value).ok();
            all.extend(approval.filter(|one| one.state == ApprovalState::Waiting && now < one.until));
        }
        all.sort_by_key(|approval| approval.since);
        Ok(all)
    }

    /// Does what a signed link says.
    ///
    /// # Errors
    /// If the link is not valid; else as [`Engine::approve`].
    pub fn follow_link(&mut self, token: &str) -> Result<Run, EngineError> {
        self.follow_link_by(token, "a signed link")
    }

    /// The same, with who did so for the record.
    ///
    /// # Errors
    /// If the link is not valid; else as [`Engine::approve`].
    pub fn follow_link_by(&mut self, token: &str, who: &str) -> Result<Run, EngineError> {
        let link = self.link(token)?;
        match link.verb {
            Verb::Approve => self.approve(&link.id, who),
            Verb::Refuse => self.refuse(&link.id, who),
        }
    }

    /// What a signed link would do: changes nothing.
    ///
    /// # Errors
    /// If the link is not valid, or what it is for waits no more.
    pub fn look_at_link(&mut self, token: &str) -> Result<(Link, Approval), EngineError> {
        let link = self.link(token)?;
        let approval: Option<Approval> = state::read(self.shelf.as_mut(), &state::approval(&link.id))?;
        let approval = approval.ok_or_else(|| EngineError::NoRepair { id: link.id.clone() })?;
        still_waits(&approval, self.time.now())?;
        Ok((link, approval))
    }

    fn link(&self, token: &str) -> Result<Link, EngineError> {
        let key = self.settings.link_key.as_ref().ok_or(crate::link::BadLink::Forged)?;
        Ok(key.open(token, self.time.now())?)
    }

    /// A person approves: the thing is looked at again, and repaired if the same calls are still what mends it.
    ///
    /// # Errors
    /// If nothing waits under this id, or its time is over.
    pub fn approve(&mut self, id: &str, who: &str) -> Result<Run, EngineError> {
        let approval = self.settle(id, who, ApprovalState::Approved)?;
        let installation = self.begin(self.time.now())?;
        let playbook = self.playbook(&approval.playbook)?;
        let subject = &approval.finding.subject;
        let hints = [Hint::region(&subject.place.region).thing(&subject.id)];
        let seen = self.look(playbook, &subject.place, &hints, &mut BTreeMap::new(), false)?;
        let mut run = Run { troubles: seen.troubles, ..Run::default() };
        let sight = seen.sight?;
        run.seen = sight.seen;
        let found = sight.findings.into_iter().find(|finding| finding.subject == *subject);
        let bad = found.filter(|finding| matches!(finding.verdict, Verdict::Bad(_)));
        let Some(finding) = bad else {
            run.items.push(dropped(&approval, "it is good by now"));
            return self.ended(run);
        };
        let trigger =
            Trigger::Approved { id, by: who, actor: approval.actor.as_ref(), event_at: approval.event_at };
        let same = playbook.plan(&finding).is_ok_and(|plan| plan.digest() == approval.plan.digest());
        let mut acting = Vec::new();
        if same {
            let now = self.time.now();
            let mode = self.settings.modes.of(playbook.about(), &subject.place, installation, now);
            let item = self.judge(playbook, finding, sight.seen, mode, trigger, &seen.open, &mut acting)?;
            run.items.push(item);
        } else {
            // What was approved is not what it would take now: it is asked again.
            run.items.push(dropped(&approval, "the thing changed since it was asked; it is asked again"));
        }
        self.verify(acting, &mut run)?;
        self.ended(run)
    }

    /// A person refuses: the thing is left as it is for as long as an undone repair would be.
    ///
    /// # Errors
    /// If nothing waits under this id, or its time is over.
    pub fn refuse(&mut self, id: &str, who: &str) -> Result<Run, EngineError> {
        let approval = self.settle(id, who, ApprovalState::Refused)?;
        let until = self.time.now().plus(self.settings.undo_holds);
        let reason = format!("the repair {id} was refused");
        self.hold_until_good(&approval.playbook, &approval.finding.subject, until, who, reason)?;
        let item = dropped(&approval, &format!("{who} refused it"));
        self.ended(Run { items: vec![item], ..Run::default() })
    }

    /// Decides what waits, once.
    fn settle(&mut self, id: &str, who: &str, to: ApprovalState) -> Result<Approval, EngineError> {
        let now = self.time.now();
        let key = state::approval(id);
        let not = |why: &str| EngineError::NotWaiting { id: id.to_owned(), why: why.to_owned() };
        let stored = self.shelf.get(&key)?.ok_or_else(|| EngineError::NoRepair { id: id.to_owned() })?;
        let mut approval: Approval =
            serde_json::from_slice(&stored.value).map_err(|_| not("what is kept of it cannot be read"))?;
        still_waits(&approval, now)?;
        approval.state = to;
        let bytes = serde_json::to_vec(&approval).map_err(|_| not("it cannot be written"))?;
        if self.shelf.put_if_version(&key, Some(&bytes), stored.version)?.is_none() {
            return Err(not("somebody else decided at this moment"));
        }
        let body = json!({"playbook": approval.playbook, "by": who, "decided": to, "plan": approval.plan});
        record::append(self.shelf.as_mut(), now, "approval", id, body)?;
        Ok(approval)
    }

    /// All that is kept of what waits or waited, at most [`MAX_APPROVALS`].
    fn all_approvals(&mut self) -> Result<Vec<(String, Stored)>, EngineError> {
        let mut all = Vec::new();
        let mut after = String::new();
        while all.len() < MAX_APPROVALS {
            let values = self.shelf.values(state::APPROVALS, &after, MAX_APPROVALS - all.len())?;
            let Some((last, _)) = values.last() else { break };
            after.clone_from(last);
            all.extend(values);
        }
        Ok(all)
    }

    /// Approvals whose time is over are recorded as such; what is still bad is asked again by the next look.
    pub(super) fn expire_approvals(&mut self) -> Result<(), EngineError> {
        let now = self.time.now();
        for (key, stored) in self.all_approvals()? {
            let Ok(mut approval) = serde_json::from_slice::<Approval>(&stored.value) else { continue };
            if now < approval.until {
                continue;
            }
            if approval.state != ApprovalState::Waiting {
                self.shelf.put_if_version(&key, None, stored.version)?;
                let case = state::case(&approval.playbook, &approval.finding.subject);
                state::update(self.shelf.as_mut(), &case, |case: &mut Case| {
                    case.approval.take_if(|id| *id == approval.id);
                })?;
                continue;
            }
            approval.state = ApprovalState::Over;
            let Ok(bytes) = serde_json::to_vec(&approval) else { continue };
            if self.shelf.put_if_version(&key, Some(&bytes), stored.version)?.is_some() {
                let body = json!({"playbook": approval.playbook, "decided": "over"});
                record::append(self.shelf.as_mut(), now, "approval", &approval.id, body)?;
            }
        }
        Ok(())
    }

    /// Takes a repair back: the calls that undo it, last first. The thing is then left as it is for a while
    /// ([`crate::Settings::undo_holds`]), or the next look would repair it again. What failed halfway goes on with the next
    /// undo.
    ///
    /// # Errors
    /// If there is no such repair, or nothing of it can be taken back.
    pub fn undo(&mut self, id: &str, who: &str) -> Result<Run, EngineError> {
        let entries = self.show(id)?;
        let no = |why: &str| EngineError::NoUndo { id: id.to_owned(), why: why.to_owned() };
        let repairs: Vec<_> = entries.iter().filter(|entry| entry.kind == "repair").collect();
        let last = repairs.last().ok_or_else(|| no("it was never carried out"))?;
        let playbook = self.playbook(text(&last.body, "playbook"))?;
        let subject: Subject = last
            .body
            .get("subject")
            .and_then(|subject| serde_json::from_value(subject.clone()).ok())
            .ok_or_else(|| no("the record does not say of what"))?;
        let undone: Vec<ApiCall> = entries
            .iter()
            .filter(|entry| entry.kind == "undo")
            .flat_map(|entry| calls(&entry.body))
            .map(|done| done.call)
            .collect();
        let mut back: Vec<ApiCall> =
            repairs.iter().flat_map(|entry| calls(&entry.body)).filter_map(|done| done.undo).collect();
        if back.is_empty() {
            return Err(no("none of its calls has a way back"));
        }
        back.retain(|call| !undone.contains(call));
        if back.is_empty() {
            return Err(no("it was taken back already"));
        }
        let mut item = Item {
            id: id.to_owned(),
            playbook: playbook.about().id.to_owned(),
            name: text(&last.body, "name").to_owned(),
            says: text(&last.body, "says").to_owned(),
            outcome: Outcome::Undone,
            plan: None,
            done: Vec::new(),
            actor: None,
            notes: Vec::new(),
            repeated: false,
            subject,
        };
        let of = back.len();
        // Held first: a look between the calls must not repair what is being taken back.
        let until = self.time.now().plus(self.settings.undo_holds);
        let reason = format!("{who} took the repair {id} back");
        self.hold_until_good(&item.playbook, &item.subject, until, who, reason)?;
        for call in back.into_iter().rev() {
            let made = allowed(playbook, &call.name(), Access::Undo).and_then(|()| self.api.call(&call));
            match made {
                Ok(answer) => {
                    self.remember_request(&answer.request_id, id);
                    let (says, at) = (format!("call {}", call.name()), self.time.now());
                    let request_id = answer.request_id;
                    item.done.push(Done { says, call, request_id, at, already: false, undo: None });
                }
                Err(fault) => {
                    self.remember_request(&fault.request_id, id);
                    item.outcome = Outcome::Failed { fault, done: item.done.len(), of };
                    break;
                }
            }
        }
        let body = json!({
            "playbook": item.playbook, "subject": item.subject, "by": who, "calls": item.done,
            "outcome": item.outcome,
        });
        record::append(self.shelf.as_mut(), self.time.now(), "undo", id, body)?;
        let key = state::open_key(&item.playbook, &item.subject);
        state::update(self.shelf.as_mut(), &state::open(&item.subject.place), |open: &mut state::Open| {
            open.repairs.remove(&key);
        })?;
        self.ended(Run { items: vec![item], ..Run::default() })
    }
}

fn row(playbook: &dyn crate::Playbook, finding: Finding, mode: Mode) -> Row {
    let (mut plan, mut cannot) = (None, None);
    if matches!(finding.verdict, Verdict::Bad(_)) {
        match playbook.plan(&finding) {
            Ok(one) => plan = Some(one),
            Err(why) => cannot = Some(why),
        }
    }
    let mode = finding.lowered(mode).0;
    let Finding { subject, name, verdict, .. } = finding;
    Row { playbook: playbook.about().id.to_owned(), subject, name, verdict, mode, plan, cannot }
}

fn still_waits(approval: &Approval, now: Timestamp) -> Result<(), EngineError> {
    let why = match approval.state {
        ApprovalState::Waiting if now < approval.until => return Ok(()),
        ApprovalState::Waiting | ApprovalState::Over => "its time is over",
        ApprovalState::Approved => "it was approved already",
        ApprovalState::Refused => "it was refused already",
    };
    Err(EngineError::NotWaiting { id: approval.id.clone(), why: why.to_owned() })
}

fn dropped(approval: &Approval, why: &str) -> Item {
    let Approval { id, playbook, finding, plan, actor, .. } = approval;
    let says = match &finding.verdict {
        Verdict::Bad(says) | Verdict::Tell(says) | Verdict::NotOurs(says) => says.clone(),
        Verdict::Good => String::new(),
    };
    Item {
        id: id.clone(),
        playbook: playbook.clone(),
        subject: finding.subject.clone(),
        name: finding.name.clone(),
        says,
        outcome: Outcome::Dropped { why: why.to_owned() },
        plan: Some(plan.clone()),
        done: Vec::new(),
        actor: actor.clone(),
        notes: Vec::new(),
        repeated: false,
    }
}

/// The calls that a line of the record tells of.
fn calls(body: &Value) -> Vec<Done> {
    body.get("calls").and_then(|calls| serde_json::from_value(calls.clone()).ok()).unwrap_or_default()
}
