//! Those who carry out what is no ban: the configuration's responders for notices and repairs.

use std::sync::Arc;

use stockade_aws::Aws;
use stockade_config::Config;
use stockade_core::ports::{Notice, Responder};
use stockade_core::{Outcome, Target, Timestamp};

use crate::daemon::assembly::open_responder;
use crate::notices::{self, Place};

/// Those who carry out what is no ban, by the names that jails refer to.
#[derive(Default)]
pub struct Tellers(Vec<(Arc<str>, Box<dyn Responder>)>);

impl std::fmt::Debug for Tellers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
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
        Self(
            able.map(|one| {
                let (responder, problem) = if notices::is_one(&one.kind) {
                    // A function has no outbox in which something could wait for more of the same.
                    let account = Some(aws.clone());
                    let place = Place { waits: false, account, ..Place::of_daemon(program, &book) };
                    notices::open_or_later(one, place)
                } else {
                    let opened = open_responder(one, program, &book, false);
                    (opened.responder, opened.problem)
                };
                if let Some(problem) = problem {
                    tracing::warn!(responder = &*one.name, "{problem}");
                }
                (Arc::clone(&one.name), responder)
            })
            .collect(),
        )
    }

    /// Adds one.
    pub fn push(&mut self, name: &str, responder: Box<dyn Responder>) {
        self.0.push((name.into(), responder));
    }

    /// Tells those named in `to`, or all that take it if none is, and says of each notice what came of it: what failed
    /// at one of them, or is to wait, is not done.
    pub(super) fn tell(&mut self, notices: &[(Notice, &[Arc<str>])], now: Timestamp) -> Vec<Outcome> {
        let mut outcomes = vec![Outcome::Done; notices.len()];
        for (name, responder) in &mut self.0 {
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

fn failed(error: &str) -> Outcome {
    Outcome::Failed { error: error.to_owned() }
}
