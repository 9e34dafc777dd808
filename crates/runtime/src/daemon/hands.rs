//! The responding side: a thread per responder that carries decisions out and reconciles.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use stockade_core::ports::{
    Clock, Evidence, Notice, OutboxItem, Plan, Report, RespondError, Responder, Scope, Settlement, Standing,
    Wants,
};
use stockade_core::{Key, Outcome, Timestamp, Verdict};

use super::input::Input;
use crate::repair::Teller;

/// After a failure a decision is tried again after this, doubled each time…
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// …but at least this often.
const LAST_RETRY: Duration = Duration::from_secs(300);

/// So often a notice or a repair is tried again: for about a day.
const MAX_ATTEMPTS: u32 = 300;

/// One order, with what a responder may tell of it.
#[derive(Clone, Debug)]
pub(crate) struct Errand {
    pub(crate) item: OutboxItem,
    pub(crate) evidence: Evidence,
}

/// Work for a responder.
#[derive(Debug)]
pub(crate) enum Work {
    /// Carry these out, in this order.
    Orders(Vec<Errand>),
    /// These bans were in force before the start.
    Restore(Vec<(Standing, Evidence)>),
    /// Make the world hold exactly these.
    Reconcile(Vec<Standing>),
    /// Tell what repairs came to, and answer what came of each report.
    Report(Vec<Report>, SyncSender<Result<Vec<Outcome>, String>>),
    /// Lift everything, then answer.
    Flush(SyncSender<Option<String>>),
}

/// The turn's end of a responder's thread.
#[derive(Debug)]
pub(crate) struct Hand {
    pub(crate) name: Arc<str>,
    /// Which evidence it uses.
    pub(crate) wants: Wants,
    /// Whether its bans end with the daemon and are put back at the start.
    pub(crate) transient: bool,
    work: Option<Arc<Sender<Work>>>,
    /// Whether it tells what repairs came to.
    reports: bool,
    thread: Option<JoinHandle<()>>,
}

impl Hand {
    /// Starts the thread. `problem` is told at once where the responder could not be made ready.
    pub(crate) fn start(
        at: usize,
        name: Arc<str>,
        responder: Box<dyn Responder>,
        transient: bool,
        scopes: Vec<Scope>,
        clock: Arc<dyn Clock>,
        inputs: Sender<Input>,
    ) -> std::io::Result<Self> {
        let (work, todo) = channel();
        let (wants, reports) = (responder.wants(), responder.reports());
        // A name of a jail may hold what the name of a thread may not.
        let thread = format!("respond-{name}").replace('\0', "");
        let worker = Worker { at, name: Arc::clone(&name), responder, scopes, clock, inputs };
        let thread = thread::Builder::new().name(thread).spawn(move || worker.run(&todo))?;
        Ok(Self { name, wants, transient, work: Some(Arc::new(work)), reports, thread: Some(thread) })
    }

    /// The way to it for whoever tells what repairs came to, if it does so.
    pub(crate) fn teller(&self) -> Option<Teller> {
        let work = self.work.as_ref().filter(|_| self.reports)?;
        Some(Teller { name: Arc::clone(&self.name), work: Arc::downgrade(work) })
    }

    /// Gives it work; it is done in the order in which it is given.
    pub(crate) fn give(&self, work: Work) {
        if let Some(sender) = &self.work {
            // The thread lives as long as this end.
            let _ = sender.send(work);
        }
    }
}

impl Drop for Hand {
    /// Waits until the work that was given is done.
    fn drop(&mut self) {
        drop(self.work.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Worker {
    at: usize,
    name: Arc<str>,
    responder: Box<dyn Responder>,
    scopes: Vec<Scope>,
    clock: Arc<dyn Clock>,
    inputs: Sender<Input>,
}

impl Worker {
    fn run(mut self, todo: &Receiver<Work>) {
        let mut next = todo.recv().ok();
        while let Some(work) = next.take() {
            match work {
                Work::Orders(mut errands) => {
                    // What has come in meanwhile goes out with it: one transaction for all.
                    for more in todo.try_iter() {
                        match more {
                            Work::Orders(others) => errands.extend(others),
                            other => {
                                next = Some(other);
                                break;
                            }
                        }
                    }
                    self.carry_out(&errands);
                }
                Work::Restore(bans) => self.restore(&bans),
                Work::Reconcile(wanted) => self.reconcile(&wanted),
                Work::Report(reports, reply) => {
                    let told = self.responder.report(&reports, self.clock.now());
                    self.tell(told.as_ref().err().map(ToString::to_string));
                    let _ = reply.send(told.map_err(|error| error.message));
                }
                Work::Flush(reply) => {
                    let problem = self.responder.flush().err().map(|error| error.message);
                    let _ = reply.send(problem);
                }
            }
            next = next.or_else(|| todo.recv().ok());
        }
    }

    fn carry_out(&mut self, errands: &[Errand]) {
        let now = self.clock.now();
        let Planned { plan, evidence, notices, places } =
            plan_of(errands, |verdict| self.responder.takes(verdict), now);
        let applied =
            if plan.is_empty() { Ok(Vec::new()) } else { self.responder.apply_with(&plan, &evidence, now) };
        let told = if notices.is_empty() { Ok(Vec::new()) } else { self.responder.tell(&notices, now) };
        let problem = applied.as_ref().err().or(told.as_ref().err()).map(ToString::to_string);
        let nth = |outcomes: &Result<Vec<Outcome>, RespondError>, at: usize| match outcomes {
            Err(error) => Outcome::Failed { error: error.message.clone() },
            Ok(outcomes) => outcomes
                .get(at)
                .cloned()
                .unwrap_or_else(|| Outcome::Failed { error: "the responder said nothing of it".to_owned() }),
        };
        let outcome = |place: &Place| match place {
            Place::Nothing => Outcome::Done,
            Place::Refused(why) => Outcome::Refused { reason: format!("`{}` {why}", self.name) },
            Place::InPlan(at) => nth(&applied, *at),
            Place::Told(at) => nth(&told, *at),
        };
        let settled = errands.iter().zip(&places).map(|(Errand { item, .. }, place)| {
            let wait = FIRST_RETRY.saturating_mul(1 << item.attempts.min(16)).min(LAST_RETRY);
            let outcome = given_up(item, outcome(place));
            let retry_at = match outcome {
                Outcome::Later { until } => until,
                _ => now.plus(wait),
            };
            Settlement { id: item.id, outcome, retry_at }
        });
        let _ = self.inputs.send(Input::Settled(settled.collect()));
        self.tell(problem);
    }

    fn restore(&mut self, bans: &[(Standing, Evidence)]) {
        let restored = self.responder.restore(bans, self.clock.now());
        if let Err(error) = restored {
            tracing::error!(responder = &*self.name, error = %error, hint = error.hint, "cannot put back all bans");
            self.tell(Some(error.message));
        }
    }

    /// Makes the ground ready, asks what is in force, and applies the difference in one batch.
    fn reconcile(&mut self, wanted: &[Standing]) {
        let now = self.clock.now();
        let outcome = self.responder.prepare(&self.scopes).and_then(|()| {
            let Some(current) = self.responder.current(now)? else { return Ok((0, 0)) };
            let plan = self.responder.plan(wanted, &current);
            if !plan.is_empty() {
                self.responder.apply(&plan, now)?;
            }
            Ok((plan.add.len(), plan.remove.len()))
        });
        match outcome {
            Ok((0, 0)) => self.tell(None),
            Ok((added, removed)) => {
                tracing::info!(responder = &*self.name, added, removed, "reconciled");
                self.tell(None);
            }
            Err(error) => {
                tracing::error!(responder = &*self.name, error = %error, hint = error.hint, "cannot reconcile");
                self.tell(Some(error.message));
            }
        }
    }

    fn tell(&self, problem: Option<String>) {
        let _ = self.inputs.send(Input::Responder { at: self.at, problem });
    }
}

/// What is no ban has no end at which it needs nothing any more: some time it is too late.
fn given_up(item: &OutboxItem, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Failed { error } if is_notice(&item.decision.verdict) && item.attempts >= MAX_ATTEMPTS => {
            Outcome::Refused { reason: format!("given up after {MAX_ATTEMPTS} attempts: {error}") }
        }
        outcome => outcome,
    }
}

/// What many decisions come to.
#[derive(Debug, Default)]
struct Planned {
    plan: Plan,
    /// For what is added, then for what is removed.
    evidence: Vec<Evidence>,
    /// What is no ban.
    notices: Vec<Notice>,
    /// Where each decision's outcome is found.
    places: Vec<Place>,
}

/// Where the outcome of one decision is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// There is nothing to do.
    Nothing,
    /// At this place among the plan's outcomes.
    InPlan(usize),
    /// At this place among the outcomes of notices.
    Told(usize),
    /// The responder does no such thing; what it does not do.
    Refused(&'static str),
}

/// One plan for many decisions. Of several bans and unbans of one key in one jail only the last is carried out; of what
/// is no ban, each.
fn plan_of(errands: &[Errand], takes: impl Fn(&Verdict) -> bool, now: Timestamp) -> Planned {
    type Id<'a> = (&'a Arc<str>, &'a Key);
    let id = |errand: &'_ Errand| -> (Arc<str>, Key) {
        (errand.item.decision.jail.clone(), errand.item.decision.key.clone())
    };
    let mut last: HashMap<Id<'_>, usize> = HashMap::new();
    for (at, Errand { item, .. }) in errands.iter().enumerate() {
        if is_notice(&item.decision.verdict) {
            continue;
        }
        last.insert((&item.decision.jail, &item.decision.key), at);
    }
    let (mut plan, mut evidence, mut of_removed) = (Plan::default(), Vec::new(), Vec::new());
    let mut place_of: HashMap<usize, (bool, usize)> = HashMap::new();
    for (at, errand) in errands.iter().enumerate() {
        let decision = &errand.item.decision;
        if last.get(&(&decision.jail, &decision.key)) != Some(&at) || !takes(&decision.verdict) {
            continue;
        }
        let (jail, key) = id(errand);
        match decision.verdict {
            Verdict::Ban { until, .. } if until > now => {
                place_of.insert(at, (true, plan.add.len()));
                plan.add.push(Standing { jail, key, until });
                evidence.push(errand.evidence.clone());
            }
            Verdict::Unban => {
                place_of.insert(at, (false, plan.remove.len()));
                plan.remove.push((jail, key));
                of_removed.push(errand.evidence.clone());
            }
            // A ban that is over.
            _ => {}
        }
    }
    evidence.append(&mut of_removed);
    let added = plan.add.len();
    let mut notices = Vec::new();
    let mut place = |errand: &Errand| {
        let decision = &errand.item.decision;
        if !takes(&decision.verdict) {
            return Place::Refused(refusal(&decision.verdict));
        }
        if is_notice(&decision.verdict) {
            notices.push(Notice { decision: decision.clone(), matches: errand.evidence.matches.clone() });
            return Place::Told(notices.len() - 1);
        }
        let at = last.get(&(&decision.jail, &decision.key));
        match at.and_then(|at| place_of.get(at)) {
            None => Place::Nothing,
            Some((true, place)) => Place::InPlan(*place),
            Some((false, place)) => Place::InPlan(added + *place),
        }
    };
    let places = errands.iter().map(&mut place).collect();
    Planned { plan, evidence, notices, places }
}

/// Whether it is no ban and no end of one, and so nothing that a plan could hold.
pub(super) fn is_notice(verdict: &Verdict) -> bool {
    !matches!(verdict, Verdict::Ban { .. } | Verdict::Unban)
}

/// What a responder does not do.
fn refusal(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Ban { .. } | Verdict::Unban => "does not ban",
        Verdict::Notify => "does not notify",
        Verdict::Repair => "does not repair",
        _ => "does not know what is to be done",
    }
}

#[cfg(test)]
mod tests {
    use stockade_core::{Decision, Reason};

    use super::*;

    fn errand(id: i64, key: &str, verdict: Verdict) -> Errand {
        let decision = Decision {
            jail: "sshd".into(),
            key: key.parse().unwrap(),
            verdict,
            at: Timestamp::from_secs(0),
            reason: Reason::Expired,
            nth: u32::try_from(id).unwrap(),
        };
        let evidence = Evidence::of(&decision);
        Errand { item: OutboxItem { id, responder: "r".into(), decision, attempts: 0 }, evidence }
    }

    fn bans_only(verdict: &Verdict) -> bool {
        !is_notice(verdict)
    }

    fn ban(until: i64) -> Verdict {
        Verdict::Ban { until: Timestamp::from_secs(until), extends: false }
    }

    #[test]
    fn the_last_word_on_a_key_is_carried_out_and_tells_for_all() {
        let items = [
            errand(1, "192.0.2.1", ban(100)),
            errand(2, "192.0.2.2", ban(100)),
            errand(3, "192.0.2.1", Verdict::Unban),
            errand(4, "192.0.2.3", ban(5)),
        ];
        let Planned { plan, evidence, places, .. } = plan_of(&items, bans_only, Timestamp::from_secs(10));
        assert_eq!(plan.add.iter().map(|s| s.key.to_string()).collect::<Vec<_>>(), ["192.0.2.2"]);
        assert_eq!(plan.remove.len(), 1);
        assert_eq!(
            evidence.iter().map(|e| e.nth).collect::<Vec<_>>(),
            [2, 3],
            "of the second and of the third"
        );
        let wanted = [Place::InPlan(1), Place::InPlan(0), Place::InPlan(1), Place::Nothing];
        assert_eq!(places, wanted, "a ban that is over needs nothing");
    }

    #[test]
    fn what_is_no_ban_neither_ends_one_nor_stands_in_its_way() {
        let items = [
            errand(1, "192.0.2.1", ban(100)),
            errand(2, "192.0.2.1", Verdict::Notify),
            errand(3, "192.0.2.1", Verdict::Repair),
        ];
        let Planned { plan, places, notices, .. } = plan_of(&items, bans_only, Timestamp::from_secs(10));
        assert_eq!((plan.add.len(), plan.remove.len()), (1, 0));
        let refused = [Place::Refused("does not notify"), Place::Refused("does not repair")];
        assert_eq!((places[0], &places[1..]), (Place::InPlan(0), &refused[..]));
        assert!(notices.is_empty());
        // One that takes them is told of each, also of two about one key.
        let Planned { plan, places, notices, .. } =
            plan_of(&[&items[1..2], &items[..]].concat(), |_| true, Timestamp::from_secs(10));
        assert_eq!((plan.add.len(), plan.remove.len(), notices.len()), (1, 0, 3));
        assert_eq!(places, [Place::Told(0), Place::InPlan(0), Place::Told(1), Place::Told(2)]);
        let nths: Vec<u32> = notices.iter().map(|notice| notice.decision.nth).collect();
        assert_eq!(nths, [2, 2, 3]);
        let Planned { plan, places, .. } = plan_of(&items[..1], |_| false, Timestamp::from_secs(10));
        assert_eq!(places, [Place::Refused("does not ban")]);
        assert!(plan.is_empty());
    }
}
