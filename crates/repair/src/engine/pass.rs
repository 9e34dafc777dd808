//! One playbook in one place: look, judge, and do about each finding what may be done.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::act::Acting;
use super::decide::{Facts, Step, decide};
use super::{Engine, EngineError, Trigger, state};
use crate::json::digest;
use crate::mode::Mode;
use crate::playbook::{Baseline, Finding, Hint, Look, Permission, Playbook, Sight, Thing, Trouble, Verdict};
use crate::run::{Item, Outcome, Run};
use crate::shelf::ShelfError;
use crate::state::{Baselines, Case, Open, Told};
use crate::{ApiFault, Place, exempt, record};

/// What a look at a place gave.
pub(super) struct Seen {
    pub(super) sight: Result<Sight, ApiFault>,
    pub(super) troubles: Vec<Trouble>,
    /// All things of the playbook's kinds, as they are.
    pub(super) things: Vec<(&'static str, Vec<Thing>)>,
    pub(super) open: Open,
}

type Answers = BTreeMap<String, Result<Value, ApiFault>>;

impl Engine {
    /// Looks, and does what may be done. What was acted on is left to be verified.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a pass is made of; a struct of it would have this one use"
    )]
    pub(super) fn pass(
        &mut self,
        playbook: &'static dyn Playbook,
        place: &Place,
        hints: &[Hint],
        mode: Mode,
        trigger: Trigger<'_>,
        answers: &mut Answers,
        run: &mut Run,
        acting: &mut Vec<Acting>,
    ) -> Result<(), EngineError> {
        let seen = self.look(playbook, place, hints, answers, true)?;
        run.troubles.extend(seen.troubles);
        let sight = match seen.sight {
            Ok(sight) => sight,
            Err(fault) => {
                let what = playbook.about().name.to_owned();
                run.troubles.push(Trouble { place: place.clone(), what, fault });
                return Ok(());
            }
        };
        run.seen += sight.seen;
        for (kind, things) in seen.things {
            self.keep(playbook, place, kind, &things, matches!(trigger, Trigger::Schedule))?;
        }
        for finding in sight.findings {
            let item = self.judge(playbook, finding, sight.seen, mode, trigger, &seen.open, acting)?;
            if !item.done.is_empty() {
                // What was read before it is old now.
                answers.clear();
            }
            run.items.push(item);
        }
        Ok(())
    }

    /// Looks at a place, read-only. `things`: also at what the last good states are taken from.
    pub(super) fn look(
        &mut self,
        playbook: &'static dyn Playbook,
        place: &Place,
        hints: &[Hint],
        answers: &mut Answers,
        things: bool,
    ) -> Result<Seen, ShelfError> {
        let about = playbook.about();
        let shelf = self.shelf.as_mut();
        let mut baselines: HashMap<&'static str, Vec<Baseline>> = HashMap::new();
        for kind in about.kinds {
            let kept: Baselines =
                state::read(shelf, &state::baselines(place, kind.name()))?.unwrap_or_default();
            let mut known: Vec<Baseline> = kept.things.into_values().collect();
            let manifest = self.settings.manifest.iter().filter(|(of, _)| of == kind.name());
            for (_, thing) in manifest {
                if !known.iter().any(|baseline| baseline.thing.id == thing.id) {
                    known.push(Baseline { taken: stockade_core::Timestamp::MIN, thing: thing.clone() });
                }
            }
            baselines.insert(kind.name(), known);
        }
        let open: Open = state::read(shelf, &state::open(place))?.unwrap_or_default();
        let is_open = |subject: &crate::playbook::Subject| {
            open.repairs.contains_key(&state::open_key(about.id, subject))
        };
        let mut troubles = Vec::new();
        let permissions: &'static [Permission] = about.permissions;
        let mut look = Look {
            api: self.api.as_mut(),
            place,
            own: &self.settings.own,
            permissions,
            hints,
            baselines: &baselines,
            open: &is_open,
            answers,
            troubles: &mut troubles,
        };
        let sight = playbook.check(&mut look);
        let mut all = Vec::new();
        if things && sight.is_ok() {
            for kind in about.kinds {
                // The check asked the same, so this costs no call; where it failed it is in the troubles already.
                if let Ok(things) = kind.read(&mut look) {
                    all.push((kind.name(), things));
                }
            }
        }
        Ok(Seen { sight, troubles, things: all, open })
    }

    /// Does about a finding what may be done.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a judgement is made of; a struct of it would have this one use"
    )]
    pub(super) fn judge(
        &mut self,
        playbook: &'static dyn Playbook,
        finding: Finding,
        class_size: usize,
        mode: Mode,
        trigger: Trigger<'_>,
        open: &Open,
        acting: &mut Vec<Acting>,
    ) -> Result<Item, EngineError> {
        let about = playbook.about();
        let mut item = Item {
            id: String::new(),
            playbook: about.id.to_owned(),
            subject: finding.subject.clone(),
            name: finding.name.clone(),
            says: String::new(),
            outcome: Outcome::Good,
            plan: None,
            done: Vec::new(),
            actor: trigger.actor().cloned(),
            notes: finding.notes.clone(),
            repeated: false,
        };
        match &finding.verdict {
            Verdict::Good => {
                self.good(playbook, &finding, open)?;
                return Ok(item);
            }
            Verdict::Bad(says) | Verdict::Tell(says) | Verdict::NotOurs(says) => item.says.clone_from(says),
        }
        let now = self.time.now();
        let key = state::case(about.id, &finding.subject);
        let case: Case = state::read(self.shelf.as_mut(), &key)?.unwrap_or_default();
        let tag = exempt::by_tag(&finding.tags, now).unwrap_or_else(|bad| {
            item.notes.push(bad.to_string());
            None
        });
        let configured = self.settings.exemptions.iter().find_map(|exemption| {
            exemption.holds([about.id, about.name], &finding.subject, &finding.name, trigger.actor(), now)
        });
        let exempt = tag.or(configured);
        let hold = self.held(about.id, &finding.subject, case.hold.clone(), exempt.as_ref(), trigger)?;
        let approved = match trigger {
            Trigger::Approved { id, .. } => Some(id),
            _ => None,
        };
        let facts = Facts { mode, now, approved: approved.is_some(), exempt, hold };
        let plan = playbook.plan(&finding);
        if let Ok(plan) = &plan {
            item.notes.extend(plan.notes.iter().cloned());
        }
        match decide(&finding, plan, facts) {
            Step::Tell { outcome, plan } => {
                (item.outcome, item.plan) = (outcome, plan);
                self.tell(&mut item, &finding, trigger)?;
            }
            Step::Ask { plan, why } => {
                self.ask(&mut item, &finding, &case, plan, why, trigger)?;
            }
            Step::Act { plan } => {
                let id = approved.map(str::to_owned);
                let id =
                    id.or_else(|| open.repairs.get(&state::open_key(about.id, &finding.subject)).cloned());
                self.act(playbook, &mut item, finding, &plan, id, class_size, trigger, acting)?;
            }
        }
        Ok(item)
    }

    /// What was told of it may be told anew the next time; a repair that stopped halfway, or did not show, ends here, and a
    /// hold that was for as long as it was bad.
    fn good(&mut self, playbook: &dyn Playbook, finding: &Finding, open: &Open) -> Result<(), EngineError> {
        let id = playbook.about().id;
        let key = state::open_key(id, &finding.subject);
        if open.held.contains(&key) {
            self.end_hold(id, &finding.subject)?;
        }
        if !open.repairs.contains_key(&key) && !open.told.contains_key(&key) {
            return Ok(());
        }
        if let Some(repair) = open.repairs.get(&key) {
            let case = state::case(id, &finding.subject);
            let case: Case = state::read(self.shelf.as_mut(), &case)?.unwrap_or_default();
            let now = self.time.now();
            if case.lease.is_some_and(|lease| now < lease.until) {
                // Whoever repairs it at this moment says what came of it.
                return Ok(());
            }
            let body = json!({"playbook": id, "subject": finding.subject, "after": finding.state});
            record::append(self.shelf.as_mut(), self.time.now(), "good", repair, body)?;
        }
        let place = state::open(&finding.subject.place);
        Ok(state::update(self.shelf.as_mut(), &place, |open: &mut Open| {
            open.repairs.remove(&key);
            open.told.remove(&key);
        })?)
    }

    /// Records what is only told. The schedule says the same once, until it changes; an event is always recorded.
    pub(super) fn tell(
        &mut self,
        item: &mut Item,
        finding: &Finding,
        trigger: Trigger<'_>,
    ) -> Result<(), EngineError> {
        let now = self.time.now();
        let key = state::open_key(&item.playbook, &finding.subject);
        let place = state::open(&finding.subject.place);
        let scheduled = matches!(trigger, Trigger::Schedule);
        let outcome = serde_json::to_value(&item.outcome).unwrap_or_default();
        let mut said = outcome.clone();
        if matches!(item.outcome, Outcome::Limited { .. })
            && let Some(fields) = said.as_object_mut()
        {
            // The window moves on; that nothing is repaired stays the same.
            fields.remove("until");
        }
        let what = digest(&json!([said, item.says, finding.state, item.plan]));
        let known: Open = state::read(self.shelf.as_mut(), &place)?.unwrap_or_default();
        if let Some(told) = known.told.get(&key)
            && scheduled
            && told.digest == what
        {
            item.id.clone_from(&told.id);
            item.repeated = true;
            return Ok(());
        }
        if item.id.is_empty() {
            item.id = self.new_id(item, trigger, now);
        }
        let mut body = json!({
            "playbook": item.playbook, "subject": finding.subject, "name": item.name, "says": item.says,
            "outcome": outcome, "before": finding.state, "plan": item.plan, "notes": item.notes,
        });
        merge(&mut body, trigger.body());
        let kind = match item.outcome {
            Outcome::Planned => "plan",
            Outcome::Waiting { .. } => "approval",
            Outcome::Limited { .. } => "limit",
            Outcome::Escalated { .. } => "escalation",
            _ => "notice",
        };
        record::append(self.shelf.as_mut(), now, kind, &item.id, body)?;
        let told = Told { at: now, digest: what, id: item.id.clone() };
        Ok(state::update(self.shelf.as_mut(), &place, |open: &mut Open| open.tell(&key, told.clone()))?)
    }
}

/// Adds the fields of another object.
pub(super) fn merge(body: &mut Value, more: Value) {
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
}
