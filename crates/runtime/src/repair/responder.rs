//! The responder `repair`: hands the event behind a decision to the engine, and says what came of it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use stockade_config::Program;
use stockade_core::ports::{Notice, Plan, RespondError, Responder, Scope, Standing, Wants};
use stockade_core::{Outcome, Timestamp, Verdict};
use stockade_repair::{Answer, Engine, EngineError, Run, answer};
use stockade_respond::notice::Book;

use super::open::{Account, Need, open_with};

/// The worst answer of the runs since it was last asked for, in the form of the guard that this grew out of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers(Arc<Mutex<Option<Answer>>>);

impl Answers {
    /// The answer, if there was a run.
    #[cfg(feature = "aws")]
    pub(crate) fn take(&self) -> Option<Answer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, new: Answer) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *known {
            Some(known) if known.status_code >= new.status_code => {
                known.body = format!("{}\n{}", known.body, new.body);
            }
            known => *known = Some(new),
        }
    }
}

/// How long a daemon's responder works on what it was given at once. What is left is given again: so the end of a life
/// waits for one repair and not for all, and what was done is on record soon.
const AT_A_STRETCH: Duration = Duration::from_secs(10);

/// Repairs what the events of rules tell of.
pub(crate) struct Repairer {
    program: Program,
    book: Arc<Book>,
    account: Option<Account>,
    /// Opened with the first event: nothing is asked of AWS before.
    engine: Option<Engine>,
    answers: Answers,
}

impl Repairer {
    /// As `[repair]` says, for the rules of the book.
    pub(crate) fn new(program: &Program, book: &Arc<Book>, account: Option<Account>) -> Self {
        let (program, book) = (program.clone(), Arc::clone(book));
        Self { program, book, account, engine: None, answers: Answers::default() }
    }

    /// Where its answers are found.
    #[cfg(feature = "aws")]
    pub(crate) fn answers(&self) -> Answers {
        self.answers.clone()
    }

    fn engine(&mut self) -> Result<&mut Engine, RespondError> {
        if self.engine.is_none() {
            let opened = open_with(&self.program, Need::All, self.account.as_ref()).map_err(|error| {
                RespondError { message: error.to_string(), hint: error.hint(), permanent: false }
            })?;
            self.engine = Some(opened.engine);
        }
        self.engine.as_mut().ok_or_else(|| RespondError {
            message: "the engine of repairs is gone".to_owned(),
            hint: None,
            permanent: false,
        })
    }

    fn follow(&mut self, notice: &Notice) -> Result<Outcome, RespondError> {
        let jail = &notice.decision.jail;
        let playbooks = self.book.repairs.get(jail).cloned().unwrap_or_default();
        if playbooks.is_empty() {
            return Ok(Outcome::Refused { reason: format!("no rule of `{jail}` names a repair") });
        }
        let Some(event) = notice.matches.first() else {
            return Ok(Outcome::Refused { reason: "the event is forgotten".to_owned() });
        };
        let (mut again, mut wrong) = (Vec::new(), Vec::new());
        for playbook in playbooks {
            match self.engine()?.event(&playbook, event.line.as_bytes()) {
                Ok(run) => {
                    log(&playbook, &run);
                    self.answers.note(answer(&run));
                    let to = if run.retry() { &mut again } else { &mut wrong };
                    if run.failed() || run.retry() {
                        to.push(answer(&run).body);
                    }
                }
                Err(error) => {
                    // What stands in the way may be mended: only an event that nobody can read, or that no playbook
                    // is for, stays what it is.
                    let stays = matches!(error, EngineError::BadEvent(_) | EngineError::NoPlaybook { .. });
                    tracing::error!(playbook = &*playbook, %error, hint = error.hint(), retry = !stays, "a repair could not begin");
                    let status_code = 500;
                    self.answers.note(Answer { status_code, body: error.to_string() });
                    if stays { &mut wrong } else { &mut again }.push(error.to_string());
                }
            }
        }
        Ok(match (again.is_empty(), wrong.is_empty()) {
            (false, _) => Outcome::Failed { error: again.join("; ") },
            (true, false) => Outcome::Refused { reason: wrong.join("; ") },
            (true, true) => Outcome::Done,
        })
    }
}

/// What came of a run, for the log; with the newest hash of the record, which shows later that its end was not cut off.
pub(super) fn log(playbook: &str, run: &Run) {
    for item in run.notable() {
        let (id, place) = (item.id.as_str(), item.subject.place.to_string());
        tracing::info!(playbook = item.playbook, id, place, record = run.head, "{}", item.sentence());
    }
    for trouble in &run.troubles {
        let (place, what, hint) = (trouble.place.to_string(), &trouble.what, trouble.fault.hint());
        tracing::warn!(playbook, place, what, hint, error = %trouble.fault, "cannot look");
    }
    if let Some(why) = &run.passed_over {
        tracing::info!(playbook, ?why, "the event is not followed");
    }
    if let Some(trial) = &run.trial {
        tracing::info!(planned = trial.count, "the trial is over: so many repairs would have been made");
    }
}

impl fmt::Debug for Repairer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repairer").field("opened", &self.engine.is_some()).finish_non_exhaustive()
    }
}

impl Responder for Repairer {
    fn name(&self) -> &'static str {
        "repair"
    }

    fn wants(&self) -> Wants {
        Wants { matches: true, ..Wants::default() }
    }

    fn takes(&self, verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Repair)
    }

    fn tell(&mut self, notices: &[Notice], now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        let began = Instant::now();
        // A function has nobody who would give it the rest again before the queue does.
        let patience = if self.account.is_none() { AT_A_STRETCH } else { Duration::MAX };
        let mut outcomes = Vec::with_capacity(notices.len());
        for notice in notices {
            if began.elapsed() >= patience {
                outcomes.push(Outcome::Later { until: now });
                continue;
            }
            outcomes.push(self.follow(notice)?);
        }
        Ok(outcomes)
    }

    fn prepare(&mut self, _scopes: &[Scope]) -> Result<(), RespondError> {
        Ok(())
    }

    fn current(&mut self, _now: Timestamp) -> Result<Option<Vec<Standing>>, RespondError> {
        Ok(None)
    }

    fn apply(&mut self, plan: &Plan, _now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        // It takes no bans, so there are none.
        Ok(vec![Outcome::Done; plan.add.len() + plan.remove.len()])
    }

    fn flush(&mut self) -> Result<(), RespondError> {
        Ok(())
    }
}
