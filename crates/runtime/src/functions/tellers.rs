//! Those who carry out what is no ban: the configuration's responders for notices and repairs.

use std::sync::Arc;

use stockade_aws::Aws;
use stockade_config::{Config, Program, ResponderKind};
use stockade_core::ports::{Notice, Report, Responder};
use stockade_core::{Outcome, Target, Timestamp, Verdict};
use stockade_repair::{Answer, Engine};

use crate::daemon::assembly::open_responder;
use crate::notices::{self, Place};
use crate::repair::{Answers, Herald, Need, RepairError, Repairer, look, open_with};

/// Those who carry out what is no ban, by the names that jails refer to.
#[derive(Default)]
pub struct Tellers {
    all: Vec<(Arc<str>, Box<dyn Responder>)>,
    /// What repairs came to.
    answers: Vec<Answers>,
    repairs: Option<Repairs>,
    /// Tells what they came to.
    herald: Option<Herald>,
    /// Whether there may be something to tell.
    stirred: bool,
}

/// What looks without an event.
struct Repairs {
    program: Program,
    aws: Aws,
    engine: Option<Engine>,
    /// The same with what links are signed with.
    answering: Option<Engine>,
}

impl std::fmt::Debug for Tellers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all.iter().map(|(name, _)| name)).finish()
    }
}

impl Tellers {
    /// Those of a configuration, in the account that the function runs in. Asks nothing yet.
    pub fn new(config: &Config, aws: &Aws) -> Self {
        let (program, book) = (&config.program, notices::book(config));
        let able = program
            .responders
            .iter()
            .filter(|one| one.kind.takes(Target::Notify) || one.kind.takes(Target::Repair));
        let mut answers = Vec::new();
        let all = able
            .map(|one| {
                let (responder, problem) = if notices::is_one(&one.kind) {
                    // A function has no outbox in which something could wait for more of the same.
                    let account = Some(aws.clone());
                    let place = Place { waits: false, account, ..Place::of_daemon(program, &book) };
                    notices::open_or_later(one, place)
                } else if one.kind == ResponderKind::Repair {
                    let repairer = Repairer::new(program, &book, Some(aws.clone()));
                    answers.push(repairer.answers());
                    (Box::new(repairer) as Box<dyn Responder>, None)
                } else {
                    let opened = open_responder(one, program, &book, false);
                    (opened.responder, opened.problem)
                };
                if let Some(problem) = problem {
                    tracing::warn!(responder = &*one.name, "{problem}");
                }
                (Arc::clone(&one.name), responder)
            })
            .collect();
        let on = program.repair.is_on();
        let repairs =
            on.then(|| Repairs { program: program.clone(), aws: aws.clone(), engine: None, answering: None });
        let herald = on.then(|| Herald::new(program, Some(aws.clone()), instance()));
        Self { all, answers, repairs, herald, stirred: false }
    }

    /// What the repairs since the last time came to; `None` where there were none.
    pub(super) fn answer(&self) -> Option<Answer> {
        let answers = self.answers.iter().filter_map(Answers::take);
        answers.max_by_key(|answer| answer.status_code)
    }

    /// Whether repairs are made at all.
    pub(super) fn repair(&self) -> bool {
        !self.answers.is_empty()
    }

    /// Looks at everything that is repaired, without an event.
    pub(super) fn reconcile(&mut self) -> Result<(), String> {
        let Some(Repairs { program, aws, engine, .. }) = &mut self.repairs else { return Ok(()) };
        self.stirred = true;
        look(program, Some(aws), engine)
    }

    /// Who follows links.
    pub(super) fn answering(&mut self) -> Result<&mut Engine, RepairError> {
        let Some(Repairs { program, aws, answering, .. }) = &mut self.repairs else {
            return Err(RepairError::NoLinks);
        };
        self.stirred = true;
        match answering {
            Some(engine) => Ok(engine),
            none => Ok(none.insert(open_with(program, Need::Answer, Some(aws))?.engine)),
        }
    }

    /// Tells what repairs came to, ours and those of others, after an invocation in which there were some.
    pub(super) fn herald(&mut self, now: Timestamp) {
        let Some(herald) = self.herald.as_mut().filter(|_| std::mem::take(&mut self.stirred)) else { return };
        for (name, responder) in self.all.iter_mut().filter(|(_, responder)| responder.reports()) {
            if herald.tells(name) {
                let mut send =
                    |reports: &[Report]| responder.report(reports, now).map_err(|error| error.message);
                herald.tell(name, now, &mut send);
            }
        }
    }

    /// Adds one.
    pub fn push(&mut self, name: &str, responder: Box<dyn Responder>) {
        self.all.push((name.into(), responder));
    }

    /// Tells those named in `to`, or all that take it if none is, and says of each notice what came of it: what failed
    /// at one of them, or is to wait, is not done.
    pub(super) fn tell(&mut self, notices: &[(Notice, &[Arc<str>])], now: Timestamp) -> Vec<Outcome> {
        let mut outcomes = vec![Outcome::Done; notices.len()];
        self.stirred |= notices.iter().any(|(notice, _)| notice.decision.verdict == Verdict::Repair);
        for (name, responder) in &mut self.all {
            let mine: Vec<usize> = notices
                .iter()
                .enumerate()
                .filter(|(_, (_, to))| to.is_empty() || to.contains(name))
                .filter(|(_, (notice, _))| responder.takes(&notice.decision.verdict))
                .map(|(at, _)| at)
                .collect();
            let told: Vec<Notice> =
                mine.iter().filter_map(|at| notices.get(*at)).map(|(notice, _)| notice.clone()).collect();
            if told.is_empty() {
                continue;
            }
            let done = responder.tell(&told, now);
            for (nth, at) in mine.into_iter().enumerate() {
                let outcome = match &done {
                    Ok(done) => done.get(nth).cloned().unwrap_or_else(|| failed("no outcome was told")),
                    Err(error) => failed(&error.message),
                };
                // What did not work counts more than a refusal.
                let again = matches!(outcome, Outcome::Failed { .. } | Outcome::Later { .. });
                if let Some(known) = outcomes.get_mut(at)
                    && (again || *known == Outcome::Done)
                {
                    *known = outcome;
                }
            }
        }
        outcomes
    }
}

/// The name of this instance, which no other has.
fn instance() -> String {
    let stream = std::env::var("AWS_LAMBDA_LOG_STREAM_NAME").unwrap_or_default();
    format!("function {stream} {:?}", std::time::SystemTime::now())
}

fn failed(error: &str) -> Outcome {
    Outcome::Failed { error: error.to_owned() }
}
