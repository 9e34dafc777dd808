//! What came of a trial, for programs.

use serde::Serialize;
use stockade_filter::trial::RegexStats;

use super::asked::Found;
use super::tally::{Line, Listed};
use super::{Answer, python};
use crate::exit::Failure;
use crate::output;
use crate::output::time::utc;

#[derive(Serialize)]
struct Tried<'a> {
    filter: &'a str,
    /// `filter`, `file`, `jail` or `regex`.
    found_as: &'static str,
    lines: Lines,
    seconds: f64,
    prefregex: Option<Regex<'a>>,
    failregex: Vec<Regex<'a>>,
    ignoreregex: Vec<Regex<'a>>,
    dates: Vec<Date<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matched: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignored: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missed: Option<Vec<&'a str>>,
}

#[derive(Serialize)]
struct Lines {
    tested: u64,
    matched: u64,
    ignored: u64,
    missed: u64,
    overlong: u64,
}

#[derive(Serialize)]
struct Regex<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<usize>,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'a str>,
    /// How often it spoke against somebody, or excused a line.
    hits: u64,
    searches: u64,
    /// On how many lines it was given up, as it took too many steps.
    #[serde(skip_serializing_if = "is_zero")]
    given_up: u64,
    seconds: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    found: Vec<Whom>,
}

#[derive(Serialize)]
struct Whom {
    id: String,
    time: Option<String>,
}

#[derive(Serialize)]
struct Date<'a> {
    pattern: &'a str,
    hits: u64,
}

pub(super) fn print(answer: &Answer<'_>) -> Result<(), Failure> {
    let Answer { tally, trial, spec, .. } = answer;
    let options = &answer.args.trial;
    let origins = |sources: &'_ [stockade_filter::Source]| -> Vec<Option<String>> {
        sources.iter().map(|source| Some(source.origin.clone()).filter(|origin| !origin.is_empty())).collect()
    };
    let (fail_at, ignore_at) = (origins(&spec.failregex), origins(&spec.ignoreregex));
    let fail = trial.failregexes().zip(&tally.fail).zip(&fail_at).enumerate();
    let ignore = trial.ignoreregexes().zip(&tally.ignore).zip(&ignore_at).enumerate();
    let found_as = match &answer.asked.found {
        Found::Filter { .. } => "filter",
        Found::File(_) => "file",
        Found::Jail(_) => "jail",
        Found::Regex => "regex",
    };
    let list = |listed: &'_ Listed, none: bool, all: bool| {
        let most = if all { usize::MAX } else { answer.listed };
        (!none)
            .then(|| listed.lines.iter().take(most).map(|line: &Line| line.whole.clone()).collect::<Vec<_>>())
    };
    let matched = list(&tally.matched, !options.print_all_matched, true);
    let ignored = list(&tally.ignored, options.print_no_ignored, options.print_all_ignored);
    let missed = list(&tally.missed, options.print_no_missed, options.print_all_missed);
    fn borrowed(lines: &Option<Vec<String>>) -> Option<Vec<&str>> {
        Some(lines.as_ref()?.iter().map(String::as_str).collect())
    }
    let tried = Tried {
        filter: &answer.args.regex,
        found_as,
        lines: Lines {
            tested: tally.tested,
            matched: tally.matched.count,
            ignored: tally.ignored.count,
            missed: tally.missed.count,
            overlong: tally.overlong,
        },
        seconds: tally.elapsed.as_secs_f64(),
        prefregex: trial.prefregex().map(|stats| regex(None, stats, tally.prefix, None)),
        failregex: fail
            .map(|(at, ((stats, accused), origin))| {
                let whom = |(id, time, _): &(_, Option<stockade_core::Timestamp>, bool)| Whom {
                    id: python::shown_id(id),
                    time: time.and_then(utc),
                };
                let found = accused.whom.iter().map(whom).collect();
                Regex { found, ..regex(Some(at + 1), stats, accused.count, origin.as_deref()) }
            })
            .collect(),
        ignoreregex: ignore
            .map(|(at, ((stats, hits), origin))| regex(Some(at + 1), stats, *hits, origin.as_deref()))
            .collect(),
        dates: trial
            .templates()
            .zip(&tally.dates)
            .filter(|(_, hits)| **hits > 0)
            .map(|(pattern, hits)| Date { pattern, hits: *hits })
            .collect(),
        matched: borrowed(&matched),
        ignored: borrowed(&ignored),
        missed: borrowed(&missed),
    };
    output::json::print(&tried)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn regex<'a>(number: Option<usize>, stats: RegexStats<'a>, hits: u64, origin: Option<&'a str>) -> Regex<'a> {
    Regex {
        number,
        text: stats.text,
        origin,
        hits,
        searches: stats.searches,
        given_up: stats.given_up,
        seconds: stats.elapsed.as_secs_f64(),
        found: Vec::new(),
    }
}
