//! `stockade scan`: what would have happened, from logs.

mod csv;
mod json;
mod table;

use std::time::{Duration, Instant};

use stockade_config::JailConfig;
use stockade_core::ports::Clock as _;
use stockade_filter::date::Zone;
use stockade_runtime::daemon::SystemClock;
use stockade_runtime::replay::{Offender, Options, Overrides, Replay, ReplayJail, Report};
use stockade_source::SourceError;
use stockade_source::archive::{STDIN, expand};

use crate::cli::{Global, ScanArgs};
use crate::config::{self, Selection};
use crate::exit::{self, Exit, Failure, Outcome};
use crate::output::progress::Progress;
use crate::output::time::{self, Clock};

/// How many offenders are shown on a terminal unless told otherwise.
const TOP_ON_TERMINAL: usize = 20;

/// How long a scan goes on before it shows how far it has come.
const BEFORE_PROGRESS: Duration = Duration::from_millis(300);

/// What is to be printed.
struct Answer<'a> {
    report: &'a Report,
    jails: &'a [ReplayJail],
    filters: &'a [Option<String>],
    elapsed: Duration,
    clock: Clock,
    /// How many offenders to show at most.
    top: usize,
    only_banned: bool,
    problems: &'a [SourceError],
}

pub(crate) fn run(global: &Global, args: &ScanArgs) -> Outcome {
    let now = SystemClock.now();
    let selection =
        Selection { jails: &args.jail, filter: args.filter.as_deref(), default: config::Default::Ssh };
    let configured = config::select(global, selection)?;
    let overrides = Overrides { maxretry: args.maxretry, findtime: args.findtime, bantime: args.bantime };
    let jails = prepare(&configured, overrides, args.timezone.as_deref())?;
    let zone = jails.first().map_or(Zone::UTC, |jail| jail.zone.clone());
    let two_cores = match args.cores {
        Some(cores) => cores > 1,
        None => std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1),
    };
    let options = Options {
        two_cores,
        since: time::asked("since", args.since.as_deref(), &zone, now)?,
        until: time::asked("until", args.until.as_deref(), &zone, now)?,
        year: args.year,
        now,
    };
    let replay =
        Replay::new(jails.clone(), options).map_err(|error| Failure::usage(&error).hint(error.hint()))?;

    let expansion = expand(&args.files, args.rotated);
    if args.files.iter().any(|file| file.as_os_str() == STDIN)
        && std::io::IsTerminal::is_terminal(&std::io::stdin())
    {
        exit::note("reading log lines from the terminal", Some("end them with Ctrl-D"));
    }
    let started = Instant::now();
    let mut progress = None;
    let mut report = replay.run(&expansion.files, &mut |so_far| {
        if progress.is_some() || started.elapsed() > BEFORE_PROGRESS {
            progress.get_or_insert_with(|| Progress::new(so_far.total)).at(so_far.taken);
        }
    });
    drop(progress);
    let elapsed = started.elapsed();

    let mut problems = expansion.problems;
    problems.append(&mut report.problems);
    let filters: Vec<_> =
        configured.iter().map(|jail| jail.filter.as_ref().map(|f| f.name.to_string())).collect();
    let answer = Answer {
        report: &report,
        jails: &jails,
        filters: &filters,
        elapsed,
        clock: Clock::new(&zone),
        top: top(global, args),
        only_banned: args.banned,
        problems: &problems,
    };
    let unread = complain(&answer);
    if report.summary.files == 0 {
        return Ok(Exit::Failed);
    }
    match (global.json, args.csv) {
        (true, _) => json::print(&answer)?,
        (_, true) => csv::print(&answer)?,
        _ => table::print(&answer)?,
    }
    Ok(if unread { Exit::Partial } else { Exit::Done })
}

/// The jails as they are to be replayed.
fn prepare(
    jails: &[JailConfig],
    overrides: Overrides,
    zone: Option<&str>,
) -> Result<Vec<ReplayJail>, Failure> {
    let one = |configured: &JailConfig| {
        let mut jail = config::with_ignored(configured);
        if !config::counts_bans(configured) {
            overrides.apply(&mut jail);
        }
        let zone = config::zone(zone, Some(configured))?;
        Ok(ReplayJail { jail, filter: configured.filter.clone(), zone })
    };
    jails.iter().map(one).collect()
}

fn top(global: &Global, args: &ScanArgs) -> usize {
    match args.top {
        Some(0) => usize::MAX,
        Some(top) => top,
        None if crate::output::is_terminal() && !global.json && !args.csv => TOP_ON_TERMINAL,
        None => usize::MAX,
    }
}

/// Tells what could not be read, and what is to be known of the numbers. Says whether anything was left out.
fn complain(answer: &Answer<'_>) -> bool {
    let mut unread = false;
    for problem in answer.problems {
        match problem {
            SourceError::Twice { .. } => exit::note(&problem.to_string(), None),
            _ => {
                unread = true;
                exit::complain(&problem.to_string(), problem.hint().as_deref());
            }
        }
    }
    for note in &answer.report.notes {
        exit::note(&note.to_string(), None);
    }
    unread
}

impl<'a> Answer<'a> {
    /// The offenders to show, and how many there are besides.
    fn offenders(&self) -> (impl Iterator<Item = Offender<'a>> + Clone + use<'a>, usize) {
        let only_banned = self.only_banned;
        let wanted = self.report.offenders().filter(move |offender| !only_banned || offender.bans() > 0);
        let all = wanted.clone().count();
        (wanted.take(self.top), all.saturating_sub(self.top))
    }
}
