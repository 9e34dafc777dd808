//! `stockade replay`: what the rules would have decided, from events of the past.

mod bucket;
mod event;
mod from;
mod json;
mod rules;
mod table;

use std::time::{Duration, Instant};

use stockade_core::Timestamp;
use stockade_core::ports::Clock as _;
use stockade_rule::Rule;
use stockade_runtime::daemon::SystemClock;
use stockade_runtime::replay::events::{EventReplay, EventReport, EventRow, TimeRange};

use crate::cli::{Global, ReplayArgs};
use crate::config;
use crate::exit::{self, Exit, Outcome};
use crate::output::time::{self, Clock};

/// How many rows are shown on a terminal unless told otherwise.
const TOP_ON_TERMINAL: usize = 40;

/// What is to be printed.
struct Answer<'a> {
    report: &'a EventReport,
    files: u64,
    problems: &'a [String],
    elapsed: Duration,
    clock: Clock,
    top: usize,
    decisions: bool,
    all: bool,
}

pub(crate) fn run(global: &Global, args: &ReplayArgs) -> Outcome {
    let now = SystemClock.now();
    let zone = config::zone(args.timezone.as_deref(), None)?;
    let (rules, repairs) = rules::select(global, args)?;
    let range = TimeRange {
        since: time::asked("since", args.since.as_deref(), &zone, now)?.unwrap_or(Timestamp::MIN),
        until: time::asked("until", args.until.as_deref(), &zone, now)?.unwrap_or(Timestamp::MAX),
        now,
    };
    let started = Instant::now();
    let mut reading = from::Reading::new(EventReplay::new(rules, range).with_repairs(repairs), global);
    reading.all(&args.from)?;
    let from::Read { replay, files, problems, left_out } = reading.done();
    let report = replay.finish();
    let answer = Answer {
        report: &report,
        files,
        problems: &problems,
        elapsed: started.elapsed(),
        clock: Clock::new(&zone),
        top: match args.top {
            Some(0) => usize::MAX,
            Some(top) => top,
            None if crate::output::is_terminal() && !global.json => TOP_ON_TERMINAL,
            None => usize::MAX,
        },
        decisions: args.decisions,
        all: args.all || global.json,
    };
    for note in left_out {
        exit::note(&note, None);
    }
    if files == 0 {
        return Ok(Exit::Failed);
    }
    if global.json {
        json::print(&answer)?;
    } else {
        table::print(&answer)?;
    }
    Ok(if problems.is_empty() { Exit::Done } else { Exit::Partial })
}

impl<'a> Answer<'a> {
    fn rule(&self, at: usize) -> &'a Rule {
        // Rows and decisions are made with the places of these very rules.
        #[expect(clippy::indexing_slicing, reason = "made by the report with the place of one of its rules")]
        &self.report.rules[at].rule
    }

    /// The rows to show.
    fn rows(&self) -> impl Iterator<Item = &'a EventRow> + Clone + use<'a> {
        let all = self.all;
        self.report.rows.iter().filter(move |row| all || row.decisions > 0)
    }
}
