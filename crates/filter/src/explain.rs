//! What a filter makes of one line, step by step, for people.

use stockade_core::{Key, Timestamp};

use crate::decide::Decider;
use crate::fields::Captured;
use crate::filter::{Filter, Memory};
use crate::regex::Budget;
use crate::repeat;
use crate::scanner::{Scanner, without};
use crate::session::Meaning;

/// What one filter makes of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The filter's name.
    pub filter: String,
    /// The date that was read.
    pub date: Option<ReadDate>,
    /// What is left of the line without the date; what the prefix sees. For a filter of several lines (`maxlines`) all
    /// that it sees.
    pub rest: String,
    /// How often the message came, where syslog says so.
    pub count: u32,
    /// What came of it.
    pub verdict: Verdict,
}

/// A date that was found in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadDate {
    /// The text that was cut out.
    pub text: String,
    /// The time it means; `None` for a date that does not exist, such as a 29th of February in most years.
    pub time: Option<Timestamp>,
    /// The name of its template.
    pub template: String,
}

/// What came of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// `prefregex` does not match: how far it got, in bytes of the rest.
    NotOurs {
        /// The bytes that could still be the beginning of a match.
        reached: usize,
    },
    /// No failregex matches: the nearest ones, the nearest first.
    NoRegex {
        /// What the failregexes saw.
        content: String,
        /// The regex's place, its text, and how many bytes of the content it got through.
        nearest: Vec<(usize, String, usize)>,
    },
    /// A regex took more steps than it may, so the line was passed over.
    Exhausted {
        /// Its text.
        text: String,
    },
    /// A failregex matches.
    Matched {
        /// What the failregexes saw.
        content: String,
        /// The regex's place.
        regex: usize,
        /// Its text.
        text: String,
        /// Every group that took part, with what it captured.
        fields: Vec<(String, String)>,
        /// Whom it speaks against; `None` where the line only helps its connection's other lines.
        key: Option<Key>,
        /// Whether an ignoreregex excuses it.
        excused: bool,
    },
}

/// How many near misses are told.
const NEAREST: usize = 3;

impl Scanner {
    /// What every filter makes of a line. What it says of a connection is remembered for the next line.
    pub fn explain(&mut self, line: &[u8], known: Option<Timestamp>, now: Timestamp) -> Vec<Explanation> {
        let set = std::sync::Arc::clone(self.set());
        let one = |(n, filter): (usize, &std::sync::Arc<Filter>)| {
            let (dates, memory) = self.parts(n)?;
            let found = if known.is_none() { dates.find(line, now) } else { None };
            let cut = found.as_ref().map_or(0..0, |found| found.cut.clone());
            let date = found.map(|found| ReadDate {
                text: lossy(line.get(found.cut).unwrap_or_default()),
                time: found.time,
                template: dates.template_name(found.template).to_owned(),
            });
            let mut joined = Vec::new();
            let rest = without(line, &cut, &mut joined).to_vec();
            let (text, count) = match repeat::unwrap(&rest) {
                Some(repeated) => ([repeated.head, repeated.message].concat(), repeated.times),
                None => (rest.clone(), 1),
            };
            let time = known.or(date.as_ref().and_then(|date| date.time)).unwrap_or(now);
            let mut lines = memory.lines.take();
            let text = lines.as_mut().map_or(text.clone(), |lines| lines.with(&text));
            let rest = if lines.is_some() { text.clone() } else { rest };
            let verdict = filter.explain(memory, &text, time);
            if let (Some(lines), Verdict::Matched { regex, .. }) = (&mut lines, &verdict) {
                lines.settle(filter, memory, *regex, &text);
            }
            memory.lines = lines;
            Some(Explanation { filter: filter.name.to_string(), date, rest: lossy(&rest), count, verdict })
        };
        set.filters().iter().enumerate().filter_map(one).collect()
    }
}

impl Filter {
    fn explain(&self, memory: &mut Memory, text: &[u8], time: Timestamp) -> Verdict {
        memory.budget = Budget::of_line(text.len());
        let mut base = Captured::default();
        let mut fields = Vec::new();
        let told = self.content(memory, text, |field, of, at| {
            base.take(field, of, at.clone());
            fields.push((field.name().to_owned(), lossy(of.get(at).unwrap_or_default())));
        });
        let Some(content) = told.filter(|_| memory.budget.spent_by().is_none()) else {
            if let Some(regex) = memory.budget.spent_by() {
                return Verdict::Exhausted { text: regex.to_owned() };
            }
            let reached = self.prefix.as_ref().map_or(0, |prefix| reach(&prefix.hir, text));
            return Verdict::NotOurs { reached };
        };
        fields.retain(|(name, _)| name != "content");
        let found = self.find(memory, text);
        if let Some(regex) = memory.budget.spent_by() {
            return Verdict::Exhausted { text: regex.to_owned() };
        }
        let Some(found) = found else {
            return Verdict::NoRegex { content: lossy(content), nearest: self.nearest(content) };
        };
        let Some(regex) = self.fail.get(found.regex) else {
            return Verdict::NoRegex { content: lossy(content), nearest: Vec::new() };
        };
        memory.budget = Budget::of_line(text.len());
        if let Some(groups) = memory
            .fail
            .get_mut(found.regex)
            .and_then(|scratch| regex.search(scratch, &mut memory.budget, content))
        {
            for (field, at) in groups {
                fields.push((field.name().to_owned(), lossy(content.get(at).unwrap_or_default())));
            }
        }
        let excused = self.is_ignored(memory, text, content);
        let mut user = Vec::new();
        let key = match memory.sessions.merge(&found.fields, time, 0, &mut user) {
            Meaning::Failure(key) if !found.fields.spoiled => Some(key),
            _ => None,
        };
        Verdict::Matched {
            content: lossy(content),
            regex: found.regex,
            text: regex.text.clone(),
            fields,
            key,
            excused,
        }
    }

    /// The regexes that got furthest into the content before they failed.
    fn nearest(&self, content: &[u8]) -> Vec<(usize, String, usize)> {
        let mut reached: Vec<(usize, String, usize)> = self
            .fail
            .iter()
            .enumerate()
            .map(|(n, regex)| (n, regex.text.clone(), reach(&regex.hir, content)))
            .filter(|(.., bytes)| *bytes > 0)
            .collect();
        reached.sort_by_key(|&(n, _, bytes)| (std::cmp::Reverse(bytes), n));
        reached.truncate(NEAREST);
        reached
    }
}

fn reach(hir: &regex_syntax::hir::Hir, text: &[u8]) -> usize {
    Decider::new(None, &[hir]).map_or(0, |decider| decider.reach(&mut decider.cache(), text))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
