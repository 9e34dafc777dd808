//! The reader of dates: a datepattern, a zone, and a memory.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use stockade_core::Timestamp;

use super::clock::{INSTANTS, LocalClock};
use super::error::DatePatternError;
use super::fast::{self, Stamp};
use super::list;
use super::memo::{MEMO_BYTES, Memo};
use super::resolve::{Moment, Resolved, resolve, resolve_exact, resolve_moment};
use super::set::{Caches, DATE_WINDOW_BYTES, Hit, TemplateSet};
use super::template::is_word;
use super::zone::Zone;

/// Finds the date of a line.
///
/// One per stream of lines: it remembers the last date. What is compiled is shared by all readers of one datepattern,
/// so making another one, or cloning, is cheap; a clone begins with empty memory.
pub struct DateReader {
    templates: Arc<TemplateSet>,
    none: bool,
    year: Option<i32>,
    clock: LocalClock,
    memo: Memo,
    /// The same for what follows the first bracket.
    bracket_memo: Memo,
    caches: Caches,
}

/// A date in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundDate {
    /// The instant. `None` if the line has none after all, in one of two ways: `cut` is empty, then the pattern says
    /// that the date may be missing here (`{NONE}`, `^WARNING:()**`); or it is not, then what stands there is no date
    /// (`Feb 30`). Both are for the caller to settle, fail2ban takes the last date if that is less than a minute old,
    /// else its clock.
    pub time: Option<Timestamp>,
    /// What is cut out of the line before a filter sees it, in bytes: the pattern's first group, or all of its match.
    pub cut: Range<usize>,
    /// Which template matched; see [`DateReader::template_name`].
    pub template: usize,
}

impl DateReader {
    /// A reader for a `datepattern` (one pattern per line; `None` for the default templates) and the zone of dates
    /// that name none.
    ///
    /// # Errors
    /// [`DatePatternError`] if a line is not a pattern, or one that no linear-time engine can match.
    pub fn new(datepattern: Option<&str>, zone: Zone) -> Result<Self, DatePatternError> {
        Ok(Self {
            templates: TemplateSet::shared(datepattern)?,
            none: list::is_none(datepattern),
            year: None,
            clock: LocalClock::new(zone),
            memo: Memo::new(),
            bracket_memo: Memo::new(),
            caches: Caches::default(),
        })
    }

    /// Gives dates without a year this one instead of inferring it: for logs of a known year.
    #[must_use]
    pub fn with_year(mut self, year: i16) -> Self {
        self.year = Some(i32::from(year));
        self.memo = Memo::new();
        self.bracket_memo = Memo::new();
        self
    }

    /// The date of a line, searched within its first [`DATE_WINDOW_BYTES`](super::DATE_WINDOW_BYTES).
    ///
    /// `now` is the reference for what a date leaves out: a year is the current one, or the previous one if that would
    /// lie more than 24 hours ahead; a time alone is today's, or yesterday's if it would lie ahead.
    #[inline]
    pub fn find(&mut self, line: &[u8], now: Timestamp) -> Option<FoundDate> {
        let now = now.as_millis().clamp(*INSTANTS.start(), *INSTANTS.end());
        if let Some(found) = self.memo.recall(line, now) {
            return Some(found);
        }
        self.by_hand(line, now).or_else(|| self.general(line, now))
    }

    /// The pattern of a template, for people.
    pub fn template_name(&self, template: usize) -> &str {
        self.templates.templates.get(template).map_or("", |template| &template.name)
    }

    /// The patterns of all templates, in the order in which they are tried.
    pub fn templates(&self) -> impl ExactSizeIterator<Item = &str> {
        self.templates.templates.iter().map(|template| template.name.as_str())
    }

    /// Whether the datepattern is `{NONE}`: lines carry no date.
    pub fn is_none(&self) -> bool {
        self.none
    }

    /// The commonest shapes, where a hand-written reader may stand in for the templates.
    pub(super) fn by_hand(&mut self, line: &[u8], now: i64) -> Option<FoundDate> {
        self.at_start(line, now).or_else(|| self.in_brackets(line, now))
    }

    /// At the start of the line.
    #[inline]
    fn at_start(&mut self, line: &[u8], now: i64) -> Option<FoundDate> {
        let plan = &self.templates.plan;
        let start = match line {
            [first, ..] if is_word(*first) => 0,
            [b'\0'..=b'\x7f', second, ..] if is_word(*second) => 1,
            [b'\0'..=b'\x7f', b'\0'..=b'\x7f', ..] => 2,
            _ => return None,
        };
        let text = line.get(start..)?;
        let (place, stamp) = match text.first()? {
            b'0'..=b'9' => (plan.iso?, fast::iso(text)?),
            _ => (plan.syslog?, fast::syslog(text)?),
        };
        if start > 0 && !place.prefixed {
            return None;
        }
        let (found, valid) = self.settle(stamp, start, place.template, now);
        let seen = start + stamp.seen;
        self.memo.store(line, seen, seen > line.len(), valid, &found);
        Some(found)
    }

    /// Behind the first bracket.
    fn in_brackets(&mut self, line: &[u8], now: i64) -> Option<FoundDate> {
        let template = self.templates.plan.apache.as_ref()?.template;
        let start = self.templates.behind_bracket(line, &mut self.caches)?;
        let text = line.get(start..)?;
        if line.len() > DATE_WINDOW_BYTES && start + MEMO_BYTES > DATE_WINDOW_BYTES {
            return None;
        }
        let mut found = match self.bracket_memo.recall(text, now) {
            Some(found) => found,
            None => {
                let stamp = fast::apache(text)?;
                let (found, valid) = self.settle(stamp, 0, template, now);
                self.bracket_memo.store(text, stamp.seen, stamp.seen > text.len(), valid, &found);
                found
            }
        };
        found.cut = found.cut.start + start..found.cut.end + start;
        Some(found)
    }

    #[inline]
    fn settle(&mut self, stamp: Stamp, start: usize, template: usize, now: i64) -> (FoundDate, Range<i64>) {
        let Stamp { year, month, day, sec_of_day, offset, len, .. } = stamp;
        let moment = Moment { year: year.or(self.year), month, day, sec_of_day };
        let Resolved { time, valid } = match (year, offset) {
            (Some(year), Some(offset)) => resolve_exact(year, moment, offset),
            _ => resolve_moment(moment, &mut self.clock, now),
        };
        (FoundDate { time: time.map(Timestamp::from_millis), cut: start..start + len, template }, valid)
    }

    /// The general way: every template, on the regex engines.
    pub(super) fn general(&mut self, line: &[u8], now: i64) -> Option<FoundDate> {
        let hit = self.templates.search(line, &mut self.caches)?;
        let (found, valid) = self.read(hit, line, now)?;
        if let Some(walk) = hit.depends {
            self.memo.store(line, walk.seen, walk.whole, valid, &found);
        }
        Some(found)
    }

    fn read(&mut self, hit: Hit, line: &[u8], now: i64) -> Option<(FoundDate, Range<i64>)> {
        let extracted = self.templates.extract(hit, line, &mut self.caches)?;
        let Resolved { time, valid } = match extracted.fields {
            Some(fields) if !extracted.cut.is_empty() => resolve(&fields, &mut self.clock, self.year, now),
            _ => Resolved { time: None, valid: i64::MIN..i64::MAX },
        };
        let found =
            FoundDate { time: time.map(Timestamp::from_millis), cut: extracted.cut, template: hit.template };
        Some((found, valid))
    }
}

impl Clone for DateReader {
    fn clone(&self) -> Self {
        Self {
            templates: Arc::clone(&self.templates),
            clock: self.clock.clone(),
            memo: Memo::new(),
            bracket_memo: Memo::new(),
            caches: Caches::default(),
            ..*self
        }
    }
}

impl fmt::Debug for DateReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> =
            self.templates.templates.iter().map(|template| template.name.as_str()).collect();
        f.debug_struct("DateReader")
            .field("templates", &names)
            .field("year", &self.year)
            .finish_non_exhaustive()
    }
}
