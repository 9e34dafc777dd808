//! An explanation as one JSON object. It is interface: fields are only added.

use serde::Serialize;
use stockade_core::Seen;
use stockade_filter::Verdict;

use super::{Judgement, Standing};
use crate::exit::Failure;
use crate::output;
use crate::output::time::utc;

type Judged = Result<(Vec<u8>, Vec<Judgement>), Failure>;

#[derive(Serialize)]
struct Explained {
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    line: String,
    jails: Vec<Jail>,
}

#[derive(Serialize)]
struct Jail {
    jail: String,
    filter: String,
    date: Option<Date>,
    rest: String,
    count: u32,
    #[serde(flatten)]
    verdict: Answer,
    standing: Option<StandingAnswer>,
}

#[derive(Serialize)]
struct Date {
    text: String,
    /// `null`: there is no such date.
    time: Option<String>,
    template: String,
}

#[derive(Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
enum Answer {
    Matched {
        content: String,
        regex: Regex,
        fields: Vec<Field>,
        /// `null`: it only helps the other lines of its connection.
        key: Option<String>,
        excused: bool,
    },
    NoRegex {
        content: String,
        nearest: Vec<Regex>,
    },
    NotOurs {
        reached: usize,
    },
    Other,
}

#[derive(Serialize)]
struct Regex {
    /// From 1.
    number: usize,
    text: String,
    /// How many bytes of the content it got through, where it did not match.
    #[serde(skip_serializing_if = "Option::is_none")]
    reached: Option<usize>,
}

#[derive(Serialize)]
struct Field {
    name: String,
    value: String,
}

#[derive(Serialize)]
struct StandingAnswer {
    key: String,
    seen: &'static str,
    ignored_by: Option<String>,
    counted: usize,
    maxretry: u32,
    findtime_seconds: u64,
    banned: bool,
    /// `null` while banned: for ever.
    banned_until: Option<String>,
}

pub(super) fn print(lines: &mut dyn Iterator<Item = Judged>) -> Result<(), Failure> {
    let lines = lines.map(|judged| {
        let (line, judgements) = judged?;
        let line = String::from_utf8_lossy(&line).into_owned();
        Ok(Line { line, jails: judgements.into_iter().map(Jail::from).collect() })
    });
    let lines = lines.collect::<Result<_, Failure>>()?;
    output::json::print(&Explained { lines })
}

impl From<Judgement> for Jail {
    fn from(judgement: Judgement) -> Self {
        let Judgement { jail, explanation, standing, .. } = judgement;
        Self {
            jail: jail.to_string(),
            filter: explanation.filter,
            date: explanation.date.map(|date| Date {
                text: date.text,
                time: date.time.and_then(utc),
                template: date.template,
            }),
            rest: explanation.rest,
            count: explanation.count,
            verdict: explanation.verdict.into(),
            standing: standing.map(StandingAnswer::from),
        }
    }
}

impl From<Verdict> for Answer {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::NotOurs { reached } => Self::NotOurs { reached },
            Verdict::NoRegex { content, nearest } => {
                let one = |(place, text, reached)| Regex { number: place + 1, text, reached: Some(reached) };
                Self::NoRegex { content, nearest: nearest.into_iter().map(one).collect() }
            }
            Verdict::Matched { content, regex, text, fields, key, excused } => Self::Matched {
                content,
                regex: Regex { number: regex + 1, text, reached: None },
                fields: fields.into_iter().map(|(name, value)| Field { name, value }).collect(),
                key: key.map(|key| key.to_string()),
                excused,
            },
            _ => Self::Other,
        }
    }
}

impl From<Standing> for StandingAnswer {
    fn from(standing: Standing) -> Self {
        Self {
            key: standing.key.to_string(),
            seen: match standing.seen {
                Seen::Ignored => "ignored",
                Seen::Spent => "spent",
                Seen::Counted => "counted",
                Seen::Banned => "banned",
                Seen::AlreadyBanned => "already-banned",
                _ => "other",
            },
            ignored_by: standing.ignored_by.map(|key| key.to_string()),
            counted: standing.counted,
            maxretry: standing.maxretry,
            findtime_seconds: standing.findtime.as_secs(),
            banned: standing.until.is_some(),
            banned_until: standing.until.and_then(utc),
        }
    }
}
