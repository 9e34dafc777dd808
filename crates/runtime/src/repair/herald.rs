//! Tells what repairs came to: reads their record, and hands what is new to those who tell.
//!
//! The record is the only outbox. What was not taken, or is to wait for more of the same, is read again at its time; what
//! was taken is noted beside the record ([`Engine::told`]).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stockade_config::Program;
use stockade_core::ports::Report;
use stockade_core::{MatchId, Outcome, Timestamp};
use stockade_repair::{Engine, EngineError, Fresh, News};

use super::open::{Account, Need, open_with};

/// What was not taken is told again after this, doubled each time…
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// …but at least this often.
const LAST_RETRY: Duration = Duration::from_secs(300);
/// How often the record is asked for more at one go.
const ROUNDS: usize = 20;

/// Tells reports: what came of each, in their order, or why none was told.
pub(crate) type Send<'r> = &'r mut dyn FnMut(&[Report]) -> Result<Vec<Outcome>, String>;

/// Reads the record for those who tell.
pub(crate) struct Herald {
    program: Program,
    account: Option<Account>,
    /// Who reads: whoever comes after a crash under the same name goes on at once.
    by: String,
    engine: Option<Engine>,
    roads: HashMap<Arc<str>, Road>,
}

/// What is known of one who tells.
#[derive(Debug, Default)]
struct Road {
    /// The last line that was read; none yet if nothing was.
    seen: Option<u64>,
    /// When reports that were read and not told are due.
    waiting: HashMap<MatchId, Timestamp>,
    /// Nothing is read before.
    not_before: Option<Timestamp>,
    /// How often in a row it did not work.
    failures: u32,
}

impl Herald {
    /// For those that `[repair]` names, or all. Opens nothing yet.
    pub(crate) fn new(program: &Program, account: Option<Account>, by: String) -> Self {
        Self { program: program.clone(), account, by, engine: None, roads: HashMap::new() }
    }

    /// Whether somebody of this name is to be told.
    pub(crate) fn tells(&self, name: &str) -> bool {
        let named = &self.program.repair.tell;
        named.is_empty() || named.iter().any(|one| one == name)
    }

    /// Tells somebody all that is due. What could not be told is told the next time.
    pub(crate) fn tell(&mut self, name: &Arc<str>, now: Timestamp, send: Send<'_>) {
        let Self { program, account, by, engine, roads } = self;
        let road = roads.entry(Arc::clone(name)).or_default();
        if road.not_before.is_some_and(|until| now < until) {
            return;
        }
        road.not_before = None;
        let told = opened(engine, program, account.as_ref())
            .and_then(|engine| road.tell(engine, name, by, now, send));
        match told {
            Ok(()) => road.failures = 0,
            Err(error) => {
                // It is said once, and tried again and again.
                if road.failures == 0 {
                    tracing::error!(
                        responder = &**name,
                        error,
                        "not told what repairs came to: it is tried again"
                    );
                }
                road.not_before = Some(now.plus(road.wait()));
                road.failures = road.failures.saturating_add(1);
            }
        }
    }
}

impl fmt::Debug for Herald {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Herald").field("by", &self.by).field("roads", &self.roads).finish_non_exhaustive()
    }
}

fn opened<'e>(
    engine: &'e mut Option<Engine>,
    program: &Program,
    account: Option<&Account>,
) -> Result<&'e mut Engine, String> {
    if engine.is_none() {
        *engine = Some(open_with(program, Need::Record, account).map_err(|error| error.to_string())?.engine);
    }
    engine.as_mut().ok_or_else(|| "the record of repairs is gone".to_owned())
}

impl Road {
    /// Tells what is due; why something was not told.
    fn tell(
        &mut self,
        engine: &mut Engine,
        name: &Arc<str>,
        by: &str,
        now: Timestamp,
        send: Send<'_>,
    ) -> Result<(), String> {
        let wrong = |error: EngineError| error.to_string();
        for _ in 0..ROUNDS {
            let due = self.waiting.values().any(|until| *until <= now);
            if let Some(seen) = self.seen.filter(|_| !due)
                && !engine.has_news(seen).map_err(wrong)?
            {
                return Ok(());
            }
            match engine.news(name, by).map_err(wrong)? {
                Fresh::News(news) => {
                    self.seen = news.last().or(self.seen);
                    let (done, problem) = self.hand_on(&news, name, now, send);
                    engine.told(&news, &done).map_err(wrong)?;
                    problem.map_or(Ok(()), Err)?;
                }
                Fresh::Nothing { upto } => {
                    self.seen = Some(upto);
                    self.waiting.clear();
                    return Ok(());
                }
                Fresh::Busy { until } => {
                    self.not_before = Some(until);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Hands on those of the news that are due; which were told, and why one was not.
    fn hand_on(
        &mut self,
        news: &News,
        name: &str,
        now: Timestamp,
        send: Send<'_>,
    ) -> (Vec<bool>, Option<String>) {
        // What another told meanwhile waits no more.
        let mut waited = std::mem::take(&mut self.waiting);
        let due = |report: &&Report| waited.get(&report.id).is_none_or(|until| *until <= now);
        let reports: Vec<Report> = news.reports.iter().filter(due).cloned().collect();
        let outcomes = if reports.is_empty() { Ok(Vec::new()) } else { send(&reports) };
        let again = now.plus(self.wait());
        let mut problem = None;
        for (nth, report) in reports.iter().enumerate() {
            let outcome = match &outcomes {
                Ok(outcomes) => outcomes.get(nth).cloned(),
                Err(error) => Some(Outcome::Failed { error: error.clone() }),
            };
            let until = match outcome {
                Some(Outcome::Done) => None,
                Some(Outcome::Refused { reason }) => {
                    tracing::error!(
                        responder = name,
                        reason,
                        more = report.more,
                        "a report was refused for good"
                    );
                    None
                }
                Some(Outcome::Later { until }) => Some(until),
                Some(Outcome::Failed { error }) => {
                    problem = Some(error);
                    Some(again)
                }
                _ => {
                    problem = Some("nothing was said of it".to_owned());
                    Some(again)
                }
            };
            waited.remove(&report.id);
            waited.extend(until.map(|until| (report.id, until)));
        }
        let waits = |report: &Report| waited.get(&report.id).copied();
        self.waiting = news.reports.iter().filter_map(|report| Some((report.id, waits(report)?))).collect();
        let done = news.reports.iter().map(|report| waits(report).is_none()).collect();
        (done, problem)
    }

    fn wait(&self) -> Duration {
        FIRST_RETRY.saturating_mul(1 << self.failures.min(16)).min(LAST_RETRY)
    }
}
