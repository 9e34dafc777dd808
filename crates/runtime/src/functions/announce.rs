//! Tells the world of bans and of their ends.

use std::sync::Arc;

use stockade_aws::Aws;
use stockade_aws::wire::Notice;
use stockade_config::{AwsPlace, Program, ResponderKind};
use stockade_core::ledger::LedgerBan;
use stockade_core::ports::{Evidence, Plan, Responder, Standing};
use stockade_core::{Outcome, Timestamp};
use stockade_respond::aws::{Lambda, Sns};

/// One thing to be told: a ban, or the end of one, as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Say {
    /// The ban; not live: its end.
    pub ban: LedgerBan,
    /// Whether a ban that was in force is only made longer.
    pub extends: bool,
    /// The responders that the jail names; none: all.
    pub to: Vec<Arc<str>>,
}

/// Tells the world.
pub trait Announcer: Send {
    /// Tells all of these, and says of each, in their order, what came of it.
    fn announce(&mut self, say: &[Say], now: Timestamp) -> Vec<Outcome>;
}

/// An SNS topic, which brings it to all hosts, with the id and the version of each ban.
#[derive(Debug)]
pub struct Topic {
    aws: Aws,
    sns: Sns,
}

impl Topic {
    /// A topic, by its name or its ARN. Asks nothing yet.
    pub fn new(aws: &Aws, topic: &str) -> Self {
        Self { aws: aws.clone(), sns: Sns::new(aws, topic) }
    }
}

impl Announcer for Topic {
    fn announce(&mut self, say: &[Say], _: Timestamp) -> Vec<Outcome> {
        let notices: Vec<Notice> = say.iter().map(|say| Notice::of(&say.ban)).collect();
        let said = self.aws.block_on(self.sns.announce(&notices));
        said.unwrap_or_else(|fault| vec![failed(&fault.message); say.len()])
    }
}

/// All that a configuration names: the responders `sns` and `lambda`; without any, the topic of `[aws]`.
pub struct Announcers {
    /// By the responder's name, which jails refer to; `None`: whatever jails say.
    each: Vec<Named>,
}

/// An announcer and the name that jails refer to it by.
type Named = (Option<Arc<str>>, Box<dyn Announcer>);

impl std::fmt::Debug for Announcers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.each.iter().map(|(name, _)| name)).finish()
    }
}

impl Announcers {
    /// Those of a configuration, in the account that the function runs in. Asks nothing yet.
    pub fn new(aws: &Aws, program: &Program) -> Self {
        let there = |place: &AwsPlace| match place.region.as_str() {
            "" => aws.clone(),
            region => aws.in_region(region),
        };
        let mut each: Vec<Named> = Vec::new();
        for responder in &program.responders {
            let announcer: Box<dyn Announcer> = match &responder.kind {
                ResponderKind::Sns { topic, place } => {
                    let topic = if topic.is_empty() { &program.aws.topic } else { topic };
                    Box::new(Topic::new(&there(place), topic))
                }
                ResponderKind::Lambda { function, unban, place } => {
                    let lambda: Box<dyn Responder> =
                        Box::new(Lambda::new(&there(place), function).with_unbans(*unban));
                    Box::new(vec![lambda])
                }
                // A firewall, or a program, of a machine that is none.
                _ => continue,
            };
            each.push((Some(Arc::clone(&responder.name)), announcer));
        }
        if each.is_empty() {
            each.push((None, Box::new(Topic::new(aws, &program.aws.topic))));
        }
        Self { each }
    }
}

impl Announcer for Announcers {
    fn announce(&mut self, say: &[Say], now: Timestamp) -> Vec<Outcome> {
        let mut outcomes = vec![Outcome::Done; say.len()];
        for (name, announcer) in &mut self.each {
            let named = |to: &[Arc<str>]| name.as_ref().is_none_or(|name| to.is_empty() || to.contains(name));
            let mine: Vec<(usize, Say)> = say
                .iter()
                .enumerate()
                .filter(|(_, say)| named(&say.to))
                .map(|(at, say)| (at, Say { to: Vec::new(), ..say.clone() }))
                .collect();
            if mine.is_empty() {
                continue;
            }
            let (places, mine): (Vec<usize>, Vec<Say>) = mine.into_iter().unzip();
            for (at, outcome) in places.into_iter().zip(announcer.announce(&mine, now)) {
                if let Some(known) = outcomes.get_mut(at).filter(|_| outcome != Outcome::Done) {
                    *known = outcome;
                }
            }
        }
        outcomes
    }
}

/// Responders, which need not know that there is a ledger.
impl Announcer for Vec<Box<dyn Responder>> {
    fn announce(&mut self, say: &[Say], now: Timestamp) -> Vec<Outcome> {
        let mut outcomes = vec![Outcome::Done; say.len()];
        for responder in self.iter_mut() {
            let name = responder.name().to_owned();
            let mine = |say: &Say| say.to.is_empty() || say.to.iter().any(|to| **to == *name);
            let (bans, ends): (Vec<_>, Vec<_>) =
                say.iter().enumerate().filter(|(_, say)| mine(say)).partition(|(_, say)| say.ban.record.live);
            if bans.is_empty() && ends.is_empty() {
                continue;
            }
            let standing = |say: &Say| Standing {
                jail: Arc::clone(&say.ban.record.jail),
                key: say.ban.record.key.clone(),
                until: say.ban.record.until,
            };
            let end = |say: &Say| (Arc::clone(&say.ban.record.jail), say.ban.record.key.clone());
            let plan = Plan {
                add: bans.iter().map(|(_, say)| standing(say)).collect(),
                remove: ends.iter().map(|(_, say)| end(say)).collect(),
            };
            let evidence: Vec<Evidence> = bans.iter().chain(&ends).map(|(_, say)| evidence(say)).collect();
            let done = responder.apply_with(&plan, &evidence, now);
            for (nth, (at, _)) in bans.iter().chain(&ends).enumerate() {
                let outcome = match &done {
                    Ok(done) => done.get(nth).cloned().unwrap_or_else(|| failed("no outcome was told")),
                    Err(error) => failed(&error.message),
                };
                if let Some(known) = outcomes.get_mut(*at).filter(|_| outcome != Outcome::Done) {
                    *known = outcome;
                }
            }
        }
        outcomes
    }
}

fn failed(error: &str) -> Outcome {
    Outcome::Failed { error: error.to_owned() }
}

fn evidence(say: &Say) -> Evidence {
    let record = &say.ban.record;
    Evidence {
        since: record.since,
        nth: record.times,
        failures: record.reason.matches(),
        extends: say.extends,
        ..Evidence::default()
    }
}

/// Tells nobody but the log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OnlySay;

impl OnlySay {
    /// The same for what is no ban.
    pub(super) fn tellers() -> super::Tellers {
        let mut tellers = super::Tellers::default();
        let say = |action: stockade_respond::DryAction| tracing::info!("dry run: {action}");
        tellers.push(stockade_respond::DryRun::NAME, Box::new(stockade_respond::DryRun::new(say)));
        tellers
    }
}

impl Announcer for OnlySay {
    fn announce(&mut self, say: &[Say], _: Timestamp) -> Vec<Outcome> {
        for Say { ban, .. } in say {
            let what = if ban.record.live { "would ban" } else { "would unban" };
            tracing::info!(jail = &*ban.record.jail, key = %ban.record.key, "dry run: {what}");
        }
        vec![Outcome::Done; say.len()]
    }
}
