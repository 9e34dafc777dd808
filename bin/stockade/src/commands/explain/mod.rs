//! `stockade explain`: what a log line means, and how far from a ban it would be.

mod input;
mod json;
mod text;

use std::sync::Arc;

use stockade_config::JailConfig;
use stockade_core::ports::Clock as _;
use stockade_core::{BanTime, Jails, Key, Seen, States, Timestamp, step};
use stockade_filter::date::Zone;
use stockade_filter::{Explanation, Filter, FilterSet, Scanner, Undated, Verdict};
use stockade_runtime::daemon::SystemClock;

use crate::cli::{ExplainArgs, Global};
use crate::config::{self, Selection};
use crate::exit::{self, Exit, Failure, Outcome};
use crate::output::time::Clock;

/// A jail that judges lines one after the other.
struct Bench {
    scanner: Scanner,
    /// One jail.
    jails: Jails,
    states: States,
    /// The newest time that a line told.
    now: Option<Timestamp>,
    zone: Zone,
}

/// What one jail makes of one line.
struct Judgement {
    jail: Arc<str>,
    explanation: Explanation,
    /// For a line that speaks against somebody.
    standing: Option<Standing>,
    clock: Clock,
}

/// How somebody stands after a line.
struct Standing {
    key: Key,
    seen: Seen,
    ignored_by: Option<Key>,
    /// How many matches count now.
    counted: usize,
    maxretry: u32,
    findtime: std::time::Duration,
    bantime: BanTime,
    /// Until when it would be banned.
    until: Option<Timestamp>,
}

pub(crate) fn run(global: &Global, args: &ExplainArgs) -> Outcome {
    let selection =
        Selection { jails: &args.jail, filter: args.filter.as_deref(), default: config::Default::Enabled };
    let configured = config::select(global, selection)?;
    let mut benches = Vec::new();
    for jail in configured.iter().filter(|jail| !config::counts_bans(jail)) {
        if let Some(bench) = Bench::new(jail, args)? {
            benches.push(bench);
        }
    }
    if benches.is_empty() {
        let hint = "a jail that counts bans reads no lines: name another one, as in `--jail sshd`";
        return Err(Failure::usage("no selected jail reads lines").hint(Some(hint)));
    }
    let now = SystemClock.now();
    let mut judged = input::Lines::new(&args.lines).map(|line| {
        let judgements: Vec<Judgement> = line
            .as_ref()
            .map(|line| benches.iter_mut().filter_map(|bench| bench.judge(line, now)).collect())
            .unwrap_or_default();
        line.map(|line| (line, judgements))
    });
    if global.json {
        json::print(&mut judged)?;
    } else {
        text::print(&mut judged)?;
    }
    Ok(Exit::Done)
}

impl Bench {
    /// `None` for a jail without a filter.
    fn new(jail: &JailConfig, args: &ExplainArgs) -> Result<Option<Self>, Failure> {
        let Some(spec) = &jail.filter else { return Ok(None) };
        let filter = Filter::compile(spec).map_err(|errors| {
            for error in &errors {
                exit::complain(&error.to_string(), None);
            }
            Failure::usage(format_args!("cannot use filter `{}`", spec.name))
        })?;
        let zone = config::zone(args.timezone.as_deref(), Some(jail))?;
        let (set, _) = FilterSet::new(vec![Arc::new(filter)]);
        let scanner = Scanner::new(Arc::new(set), &zone, args.year, Undated::IsNow)
            .map_err(|error| Failure::usage(&error).hint(error.hint()))?;
        let jails = Jails::new(vec![config::with_ignored(jail)]);
        let states = States::new(&jails);
        Ok(Some(Self { scanner, jails, states, now: None, zone }))
    }

    fn judge(&mut self, line: &[u8], today: Timestamp) -> Option<Judgement> {
        let explanation = self.scanner.explain(line, None, today).into_iter().next()?;
        let time = explanation.date.as_ref().and_then(|date| date.time).unwrap_or(today);
        let standing = match &explanation.verdict {
            Verdict::Matched { key: Some(key), excused: false, .. } => {
                self.count(key, time, explanation.count)
            }
            _ => None,
        };
        let jail = self.jails.get(0)?.name.clone();
        Some(Judgement { jail, explanation, standing, clock: Clock::new(&self.zone) })
    }

    fn count(&mut self, key: &Key, time: Timestamp, count: u32) -> Option<Standing> {
        let now = self.now.map_or(time, |now| now.max(time));
        self.now = Some(now);
        let (jails, states) = (&self.jails, &mut self.states);
        step::expire(jails, states, now);
        let mut decisions = Vec::new();
        let seen = step::observe(jails, states, 0, key, time, count, now, &mut decisions);
        let (counted, maxretry, findtime) = step::progress(jails, states, 0, key, now)?;
        let jail = jails.get(0)?;
        Some(Standing {
            key: key.clone(),
            seen,
            ignored_by: jail.ignore.covering(key),
            counted,
            maxretry,
            findtime,
            bantime: jail.bantime,
            until: states.bans.get(0, key).filter(|ban| ban.live).map(|ban| ban.until),
        })
    }
}
