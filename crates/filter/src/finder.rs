//! From a block of lines to the lines that a regex matches: all that can be said of a line by itself.
//!
//! What a line means among others, its connection and the time of a line without a date, is settled behind it, by
//! [`crate::scanner`]. So two finders can work on two parts of a block at once, and nobody can tell from the answer.

use std::ops::Range;

use memchr::{memchr, memrchr};
use stockade_core::Timestamp;
use stockade_core::limits::MAX_LINE_BYTES;

use crate::date::{DatePatternError, DateReader, Zone};
use crate::fields::Captured;
use crate::filter::{Looked, Memory};
use crate::repeat;
use crate::scanner::{Lines, ScanStats, Undated};
use crate::set::{Claims, FilterSet};

/// Finds the lines that a regex matches. Keeps what makes that quick: the last dates, the beginnings of lines.
#[derive(Debug)]
pub(crate) struct Finder {
    pub(crate) memories: Vec<Memory>,
    dates: Vec<DateReader>,
    /// Which of `dates` each filter reads with.
    date_of: Vec<usize>,
    pub(crate) undated: Undated,
    /// What it counted since somebody took it.
    pub(crate) stats: ScanStats,
    /// The newest time that a line told since somebody took it.
    pub(crate) newest: Option<Timestamp>,
    joined: Vec<u8>,
    unwrapped: Vec<u8>,
}

/// A line that a regex of a filter matches.
#[derive(Clone, Debug)]
pub(crate) struct Found<'l> {
    /// The filter's place in its set, and the regex's in its filter.
    pub(crate) filter: usize,
    pub(crate) regex: usize,
    pub(crate) fields: &'l Captured<'l>,
    /// An ignoreregex matches too.
    pub(crate) excused: bool,
    /// When; `None` where that depends on the lines before.
    pub(crate) time: Option<Timestamp>,
    /// The newest time before it, of those that the finder saw.
    pub(crate) newest: Option<Timestamp>,
    pub(crate) count: u32,
    pub(crate) line: &'l [u8],
    pub(crate) offset: u64,
}

/// A line that somebody may care about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'l> {
    pub(crate) line: &'l [u8],
    pub(crate) offset: u64,
    /// Its time, where the source knows it.
    pub(crate) time: Option<Timestamp>,
    pub(crate) claims: Claims,
}

impl Finder {
    pub(crate) fn new(
        set: &FilterSet,
        zone: &Zone,
        year: Option<i16>,
        undated: Undated,
    ) -> Result<Self, DatePatternError> {
        let mut patterns: Vec<Option<String>> = Vec::new();
        let (mut dates, mut date_of) = (Vec::new(), Vec::new());
        for filter in set.filters() {
            let at = match patterns.iter().position(|pattern| *pattern == filter.datepattern) {
                Some(at) => at,
                None => {
                    let reader = DateReader::new(filter.datepattern.as_deref(), zone.clone())?;
                    dates.push(match year {
                        Some(year) => reader.with_year(year),
                        None => reader,
                    });
                    patterns.push(filter.datepattern.clone());
                    patterns.len() - 1
                }
            };
            date_of.push(at);
        }
        Ok(Self::with(set, dates, date_of, undated))
    }

    /// Another one that finds the same, with a memory of its own.
    pub(crate) fn twin(&self, set: &FilterSet) -> Self {
        Self::with(set, self.dates.clone(), self.date_of.clone(), self.undated)
    }

    fn with(set: &FilterSet, dates: Vec<DateReader>, date_of: Vec<usize>, undated: Undated) -> Self {
        Self {
            memories: set.filters().iter().map(|filter| filter.memory()).collect(),
            dates,
            date_of,
            undated,
            stats: ScanStats::default(),
            newest: None,
            joined: Vec::new(),
            unwrapped: Vec::new(),
        }
    }

    /// Tells every line of a block that a regex matches, in their order.
    pub(crate) fn find(
        &mut self,
        set: &FilterSet,
        lines: &Lines<'_>,
        now: Timestamp,
        mut tell: impl FnMut(Found<'_>),
    ) {
        let overlong = candidates(set, lines, |candidate, _| self.judge(set, candidate, now, &mut tell));
        self.stats.overlong += overlong;
    }

    /// Tells which of the filters that claim a line match it.
    pub(crate) fn judge(
        &mut self,
        set: &FilterSet,
        candidate: Candidate<'_>,
        now: Timestamp,
        tell: &mut impl FnMut(Found<'_>),
    ) {
        let Candidate { line, offset, time: known, mut claims } = candidate;
        self.stats.candidates += 1;
        let mut cut_for: Option<(usize, Option<Timestamp>, u32)> = None;
        let Self { memories, dates, date_of, undated, stats, newest: newest_seen, joined, unwrapped } = self;
        let mut text = line;
        while claims != 0 {
            let n = claims.trailing_zeros() as usize;
            claims &= claims - 1;
            let (Some(filter), Some(&date_of)) = (set.filters.get(n), date_of.get(n)) else { continue };
            // Filters with the same dates see the same text.
            let (time, count) = match cut_for {
                Some((of, time, count)) if of == date_of => (time, count),
                _ => {
                    let (time, cut) = match (known, dates.get_mut(date_of)) {
                        (Some(time), _) => (Some(time), 0..0),
                        (None, Some(reader)) => {
                            reader.find(line, now).map_or((None, 0..0), |found| (found.time, found.cut))
                        }
                        (None, None) => continue,
                    };
                    stats.undated += u64::from(time.is_none());
                    let time = time.or((*undated == Undated::IsNow).then_some(now));
                    let (seen, count) = seen_text(line, &cut, joined, unwrapped);
                    text = seen;
                    cut_for = Some((date_of, time, count));
                    (time, count)
                }
            };
            let newest = *newest_seen;
            *newest_seen = newest.max(time);
            let Some(memory) = memories.get_mut(n) else { continue };
            let mut fields = Captured::default();
            match filter.look(memory, text, &mut fields) {
                Looked::No => {}
                Looked::Exhausted => stats.exhausted += 1,
                Looked::Match { regex, excused } => {
                    let fields = &fields;
                    tell(Found { filter: n, regex, fields, excused, time, newest, count, line, offset });
                }
            }
        }
    }

    /// The date of a line, as the first filter reads it: for the time span of a file.
    pub(crate) fn date_of_line(&mut self, line: &[u8], now: Timestamp) -> Option<Timestamp> {
        self.dates.first_mut()?.find(line, now)?.time
    }

    pub(crate) fn parts(&mut self, filter: usize) -> Option<(&mut DateReader, &mut Memory)> {
        let at = *self.date_of.get(filter)?;
        Some((self.dates.get_mut(at)?, self.memories.get_mut(filter)?))
    }
}

/// Tells every line of a block that somebody may care about, in their order, and where it begins and ends in the block,
/// its line end included. Returns how many were passed over because they are too long.
pub(crate) fn candidates<'b>(
    set: &FilterSet,
    lines: &Lines<'b>,
    mut tell: impl FnMut(Candidate<'b>, (usize, usize)),
) -> u64 {
    let bytes = lines.bytes;
    let mut counter = TimeCursor::new(lines.times);
    let (mut from, mut overlong) = (0, 0);
    // The next line that contains a text which somebody requires.
    let mut next = set.next_candidate(bytes, 0);
    while from < bytes.len() {
        // Where somebody wants every line, whatever it contains, each is looked at.
        let (start, searched) = match &next {
            _ if set.always != 0 => (from, from),
            Some(hit) => {
                let gap = bytes.get(from..hit.start).unwrap_or_default();
                (memrchr(b'\n', gap).map_or(from, |at| from + at + 1), hit.end)
            }
            None => break,
        };
        let tail = bytes.get(searched..).and_then(|tail| memchr(b'\n', tail));
        let end = tail.map_or(bytes.len(), |at| searched + at);
        from = end + 1;
        let hit = next.take_if(|hit| hit.start < end);
        if hit.is_some() {
            next = set.next_candidate(bytes, from.min(bytes.len()));
        }
        if end - start > MAX_LINE_BYTES {
            overlong += 1;
            continue;
        }
        let claimed =
            hit.map_or(0, |hit| set.claims(bytes.get(start..end).unwrap_or_default(), hit.end - start));
        let claims = claimed | set.always;
        let line = trim_cr(bytes.get(start..end).unwrap_or_default());
        let time = counter.at(bytes, start);
        tell(Candidate { line, offset: lines.offset + start as u64, time, claims }, (start, end + 1));
    }
    overlong
}

/// What the regexes see of a line, and how often its message came.
pub(crate) fn seen_text<'l>(
    line: &'l [u8],
    cut: &Range<usize>,
    joined: &'l mut Vec<u8>,
    unwrapped: &'l mut Vec<u8>,
) -> (&'l [u8], u32) {
    let text = without(line, cut, joined);
    let Some(repeated) = repeat::unwrap(text) else { return (text, 1) };
    unwrapped.clear();
    unwrapped.extend_from_slice(repeated.head);
    unwrapped.extend_from_slice(repeated.message);
    (unwrapped, repeated.times)
}

/// A line without the date: what stood before it and what stands behind it, joined with nothing between.
pub(crate) fn without<'l>(line: &'l [u8], cut: &Range<usize>, joined: &'l mut Vec<u8>) -> &'l [u8] {
    let after = line.get(cut.end..).unwrap_or_default();
    match line.get(..cut.start) {
        None | Some([]) => after,
        Some(before) => {
            joined.clear();
            joined.extend_from_slice(before);
            joined.extend_from_slice(after);
            joined
        }
    }
}

pub(crate) fn trim_cr(mut line: &[u8]) -> &[u8] {
    while let Some(shorter) = line.strip_suffix(b"\r") {
        line = shorter;
    }
    line
}

/// Finds the time of the line at a place, counting line ends as it goes.
pub(crate) struct TimeCursor<'b> {
    times: Option<&'b [Timestamp]>,
    line: usize,
    counted_to: usize,
}

impl<'b> TimeCursor<'b> {
    pub(crate) fn new(times: Option<&'b [Timestamp]>) -> Self {
        Self { times, line: 0, counted_to: 0 }
    }

    pub(crate) fn at(&mut self, bytes: &[u8], start: usize) -> Option<Timestamp> {
        let times = self.times?;
        let passed = bytes.get(self.counted_to..start).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', passed).count();
        self.counted_to = start;
        times.get(self.line).copied()
    }
}
