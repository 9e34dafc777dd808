//! A filter on trial: a line is judged by every regex, and all that each of them says is told.
//!
//! The scanner asks which line speaks against whom, and looks no further than it must. Whoever writes a filter asks more:
//! which regexes match, which never do, what each captures, what each costs. [`Trial`] answers that for one line at a time,
//! by fail2ban's rules for trying a filter, so that the counts are those of `fail2ban-regex`.
//!
//! ```
//! use stockade_core::Timestamp;
//! use stockade_filter::{FilterSpec, Trial, TrialOptions};
//!
//! let spec = FilterSpec {
//!     failregex: vec![r"^ door: knocked by \S+ from <HOST>$".into(), r"^ door: .* from <ADDR>".into()],
//!     ..FilterSpec::default()
//! };
//! let mut trial = Trial::new(&spec, TrialOptions::default())?;
//! let result = trial.line(b"2026-11-22 10:00:00 door: knocked by eve from 192.0.2.7", None, Timestamp::from_secs(0));
//! assert_eq!(result.hits.iter().map(|hit| hit.regex).collect::<Vec<_>>(), [0, 1]);
//! assert_eq!(result.failures[0].id.to_string(), "192.0.2.7");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod connections;
mod fields;
mod judge;
mod result;
mod several;

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;

use stockade_core::Timestamp;

use crate::date::{DatePatternError, DateReader, Zone};
use crate::filter::Filter;
use crate::multiline::MAX_SPAN;
use crate::regex::{FieldRegex, expand_tags};
use crate::repeat;
use crate::spec::{FilterError, FilterSpec, UseDns};
use connections::Connections;
use judge::Tried;

pub use fields::{FieldValue, Fields};
pub use result::{Failure, Id, LineParts, RegexHit, RegexStats, TrialDate, TrialResult};

/// How lines are tried.
#[derive(Clone, Debug, Default)]
pub struct TrialOptions {
    /// The zone of dates that name none.
    pub zone: Option<Zone>,
    /// The year of dates that have none; if it is not given it is inferred.
    pub year: Option<i16>,
    /// Stops at the first failregex that matches, as in operation.
    pub first_only: bool,
    /// With `first_only`, also tells failures of which nobody knows yet whom they are about.
    pub keep_pending: bool,
    /// Where fail2ban and Stockade differ, who is followed.
    pub manner: Manner,
}

/// Whom a trial follows where fail2ban and Stockade differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// Stockade: `message repeated 3 times: […]` is unwrapped, an ignoreregex may speak of the whole line or of what the prefix
    /// left, connections are remembered for five minutes of the log's own time.
    #[default]
    Stockade,
    /// fail2ban-regex: a repeated message is text like any other, how many regexes there are decides what an ignoreregex sees,
    /// and of connections the last hundred are remembered.
    Fail2ban,
}

/// Tells the addresses of a host name; none for a name that has none.
pub type Resolver = Box<dyn FnMut(&str) -> Vec<IpAddr>>;

/// A filter on trial. Lines are those of one stream, in their order: connections and several lines at once are remembered.
pub struct Trial {
    filter: Filter,
    dates: DateReader,
    options: TrialOptions,
    prefix: Option<Tried>,
    fail: Vec<Tried>,
    ignore: Vec<Tried>,
    connections: Connections,
    resolver: Option<Resolver>,
    /// The date text and the time of the last line that had a date.
    last_date: Option<(Vec<u8>, Timestamp)>,
    usedns: UseDns,
    /// How many lines a regex sees.
    span: usize,
    /// The last of them, where it sees several.
    buffer: Vec<LineParts>,
}

/// Why a filter cannot be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrialError {
    /// All that is wrong with the filter.
    Filter(Vec<FilterError>),
    /// The `datepattern` is none.
    Date(DatePatternError),
}

impl fmt::Display for TrialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter(errors) => {
                for (at, error) in errors.iter().enumerate() {
                    write!(f, "{}{error}", if at > 0 { "\n" } else { "" })?;
                }
                Ok(())
            }
            Self::Date(error) => error.fmt(f),
        }
    }
}

impl Error for TrialError {}

impl Trial {
    /// Puts a filter on trial.
    ///
    /// # Errors
    /// [`TrialError`]: a regex or the `datepattern` that cannot be used.
    pub fn new(spec: &FilterSpec, options: TrialOptions) -> Result<Self, TrialError> {
        let filter = Filter::compile(spec).map_err(TrialError::Filter)?;
        let zone = options.zone.clone().unwrap_or(Zone::UTC);
        let dates = DateReader::new(spec.datepattern.as_deref(), zone).map_err(TrialError::Date)?;
        let dates = match options.year {
            Some(year) => dates.with_year(year),
            None => dates,
        };
        let tried = |regexes: &[FieldRegex]| regexes.iter().map(Tried::new).collect();
        Ok(Self {
            prefix: filter.prefix.as_ref().map(Tried::new),
            fail: tried(&filter.fail),
            ignore: tried(&filter.ignore),
            filter,
            dates,
            connections: Connections::new(options.manner),
            options,
            resolver: None,
            last_date: None,
            usedns: spec.usedns,
            span: spec.maxlines.clamp(1, MAX_SPAN),
            buffer: Vec::new(),
        })
    }

    /// From now on host names are looked up: a line then speaks against each address of its name. Otherwise the name itself is
    /// the id.
    #[must_use]
    pub fn with_resolver(mut self, resolver: Resolver) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// Judges a line, without its end. A line whose time is known has no date in its text.
    pub fn line(&mut self, line: &[u8], known: Option<Timestamp>, now: Timestamp) -> TrialResult {
        let (parts, date, time) = self.date(line, known, now);
        let parts = self.unwrapped(parts);
        let mut result = TrialResult { date, time, text: parts.text(), ..TrialResult::default() };
        if self.span > 1 {
            self.judge_several(parts, &mut result);
        } else {
            self.judge(&parts, &mut result);
        }
        result
    }

    /// The patterns of the date templates, in the order in which they are tried.
    pub fn templates(&self) -> impl ExactSizeIterator<Item = &str> {
        self.dates.templates()
    }

    /// The prefregex as it is compiled, with its tags as groups.
    pub fn expanded_prefregex(&self) -> Option<String> {
        let prefix = self.filter.prefix.as_ref()?;
        Some(expanded(&prefix.text, self.usedns))
    }

    /// What each failregex did so far.
    pub fn failregexes(&self) -> impl Iterator<Item = RegexStats<'_>> {
        self.filter.fail.iter().zip(&self.fail).map(|(regex, tried)| tried.stats(&regex.text))
    }

    /// What each ignoreregex did so far.
    pub fn ignoreregexes(&self) -> impl Iterator<Item = RegexStats<'_>> {
        self.filter.ignore.iter().zip(&self.ignore).map(|(regex, tried)| tried.stats(&regex.text))
    }

    /// What the prefregex did so far.
    pub fn prefregex(&self) -> Option<RegexStats<'_>> {
        Some(self.prefix.as_ref()?.stats(&self.filter.prefix.as_ref()?.text))
    }

    /// Finds the date and takes the line apart there.
    fn date(
        &mut self,
        line: &[u8],
        known: Option<Timestamp>,
        now: Timestamp,
    ) -> (LineParts, Option<TrialDate>, Option<Timestamp>) {
        let part = |range: Range<usize>| line.get(range).unwrap_or_default().to_vec();
        let cut = |at: Range<usize>| LineParts {
            before: part(0..at.start),
            date: part(at.clone()),
            after: part(at.end..line.len()),
        };
        if known.is_some() {
            self.last_date = known.map(|time| (Vec::new(), time));
            return (cut(0..0), None, known);
        }
        let found = self.dates.find(line, now);
        let date = found.as_ref().map(|found| TrialDate {
            text: part(found.cut.clone()),
            time: found.time,
            template: found.template,
            at: found.cut.start,
        });
        let parts = cut(found.as_ref().map_or(0..0, |found| found.cut.clone()));
        if let Some(time) = found.as_ref().and_then(|found| found.time) {
            self.last_date = Some((parts.date.clone(), time));
            return (parts, date, Some(time));
        }
        // No date, or one that does not exist: the last one, if it is not old.
        if let Some((text, time)) =
            self.last_date.as_ref().filter(|(_, last)| now.since(*last) < MAX_DATE_AGE)
        {
            return (LineParts { date: text.clone(), ..cut(0..0) }, date, Some(*time));
        }
        // Where the pattern says that there need not be a date, it happens now.
        let optional = found.is_some() && parts.date.is_empty();
        (parts, date, optional.then_some(now))
    }

    /// A repeated message without its wrapper.
    fn unwrapped(&self, parts: LineParts) -> LineParts {
        if self.options.manner == Manner::Fail2ban {
            return parts;
        }
        let text = parts.text();
        match repeat::unwrap(&text) {
            Some(repeated) => {
                LineParts { before: Vec::new(), after: [repeated.head, repeated.message].concat(), ..parts }
            }
            None => parts,
        }
    }
}

/// A regex with its tags as groups, as it is compiled: `<F-USER>` is `(?P<user>`.
pub fn expanded(regex: &str, usedns: UseDns) -> String {
    expand_tags(regex, usedns).text
}

/// How old the last date may be to stand for that of a line without one.
const MAX_DATE_AGE: Duration = Duration::from_secs(60);

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial").field("filter", &self.filter.name).finish_non_exhaustive()
    }
}
