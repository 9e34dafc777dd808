//! The answer of a scan as one JSON object. It is interface: fields are only added.

use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};
use stockade_core::{BanTime, Feed, Timestamp};
use stockade_runtime::replay::{BanSpan, JailTally, Note, Offender};

use super::Answer;
use crate::exit::Failure;
use crate::output;
use crate::output::time::utc;

pub(super) fn print(answer: &Answer<'_>) -> Result<(), Failure> {
    output::json::print(&Scan::of(answer))
}

#[derive(Serialize)]
struct Scan<'a> {
    summary: Summary,
    jails: Vec<JailAnswer<'a>>,
    offenders: Offenders<'a>,
    not_shown: usize,
    notes: Vec<Told<&'a Note>>,
    problems: Vec<Problem>,
}

#[derive(Serialize)]
struct Summary {
    files: u64,
    lines: u64,
    bytes: u64,
    matches: u64,
    matched_lines: u64,
    excused_lines: u64,
    first: Option<String>,
    last: Option<String>,
    seconds: f64,
    lines_per_second: f64,
    bytes_per_second: f64,
    /// The most memory that the process ever used; `null` where the system does not tell.
    peak_memory_bytes: Option<u64>,
}

#[derive(Serialize)]
struct JailAnswer<'a> {
    #[serde(flatten)]
    tally: &'a JailTally,
    filter: Option<&'a str>,
    maxretry: u32,
    findtime_seconds: u64,
    /// `null`: for ever.
    bantime_seconds: Option<u64>,
}

/// Written one after the other, never held as a whole.
struct Offenders<'a>(&'a Answer<'a>);

#[derive(Serialize)]
struct OffenderAnswer<'a> {
    key: String,
    jail: &'a str,
    matches: u64,
    first: Option<String>,
    last: Option<String>,
    users: Vec<&'a str>,
    more_users: usize,
    /// There may be more than `more_users`.
    more_users_at_least: bool,
    bans: u32,
    first_ban: Option<Ban>,
    last_ban: Option<Ban>,
}

#[derive(Serialize)]
struct Ban {
    from: Option<String>,
    /// `null`: for ever.
    until: Option<String>,
}

#[derive(Serialize)]
struct Told<T> {
    #[serde(flatten)]
    what: T,
    message: String,
}

#[derive(Serialize)]
struct Problem {
    message: String,
    hint: Option<String>,
}

impl<'a> Scan<'a> {
    fn of(answer: &'a Answer<'a>) -> Self {
        let report = answer.report;
        let jails = answer.jails.iter().zip(&report.jails).zip(answer.filters);
        Self {
            summary: Summary::of(answer),
            jails: jails
                .map(|((jail, tally), filter)| JailAnswer {
                    tally,
                    filter: filter.as_deref(),
                    maxretry: jail.jail.threshold.maxretry.get(),
                    findtime_seconds: jail.jail.threshold.findtime.as_secs(),
                    bantime_seconds: match jail.jail.bantime {
                        BanTime::Forever => None,
                        BanTime::For(span) => Some(span.as_secs()),
                    },
                })
                .collect(),
            offenders: Offenders(answer),
            not_shown: answer.offenders().1,
            notes: report.notes.iter().map(|what| Told { what, message: what.to_string() }).collect(),
            problems: answer
                .problems
                .iter()
                .map(|p| Problem { message: p.to_string(), hint: p.hint() })
                .collect(),
        }
    }
}

impl Summary {
    fn of(answer: &Answer<'_>) -> Self {
        let summary = &answer.report.summary;
        let seconds = answer.elapsed.as_secs_f64();
        let tallies = answer.jails.iter().zip(&answer.report.jails);
        let matches = tallies.filter(|(jail, _)| jail.jail.feed == Feed::Matches);
        #[expect(clippy::cast_precision_loss, reason = "a speed")]
        let per_second = |amount: u64| (amount as f64 / seconds.max(1e-6)).round();
        Self {
            files: summary.files,
            lines: summary.lines,
            bytes: summary.bytes,
            matches: matches.map(|(_, tally)| tally.matches).sum(),
            matched_lines: summary.matched_lines,
            excused_lines: summary.excused_lines,
            first: summary.span.and_then(|span| utc(span.0)),
            last: summary.span.and_then(|span| utc(span.1)),
            seconds,
            lines_per_second: per_second(summary.lines),
            bytes_per_second: per_second(summary.bytes),
            peak_memory_bytes: peak_memory(),
        }
    }
}

/// The high-water mark of resident memory, as Linux keeps it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

impl Serialize for Offenders<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for offender in self.0.offenders().0 {
            list.serialize_element(&OffenderAnswer::of(&offender))?;
        }
        list.end()
    }
}

impl<'a> OffenderAnswer<'a> {
    fn of(offender: &Offender<'a>) -> Self {
        let (more_users, more_users_at_least) = offender.more_users();
        Self {
            key: offender.key().to_string(),
            jail: offender.jail(),
            matches: offender.matches(),
            first: utc(offender.first()),
            last: utc(offender.last()),
            users: offender.users().collect(),
            more_users,
            more_users_at_least,
            bans: offender.bans(),
            first_ban: offender.first_ban().map(Ban::of),
            last_ban: offender.last_ban().map(Ban::of),
        }
    }
}

impl Ban {
    fn of(span: BanSpan) -> Self {
        let BanSpan { from, until } = span;
        let until: Timestamp = until;
        Self { from: utc(from), until: utc(until) }
    }
}
