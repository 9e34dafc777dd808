//! Reads blocks of lines and tells which lines speak against whom.

use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr, memrchr};
use stockade_core::limits::MAX_LINE_BYTES;
use stockade_core::{Key, Timestamp};

use crate::date::{DatePatternError, DateReader, Zone};
use crate::filter::{Judged, Memory};
use crate::repeat;
use crate::set::{Claims, FilterSet};

/// Many lines in one buffer, each ended by `\n`; the last one may lack it.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'b> {
    /// The bytes.
    pub bytes: &'b [u8],
    /// The position of the first byte in its stream.
    pub offset: u64,
    /// The time of each line, where the source knows it; then no date is looked for in the text.
    pub times: Option<&'b [Timestamp]>,
}

/// What to make of a line without a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undated {
    /// It happened now: the line has just been written.
    IsNow,
    /// It happened when the line before it did: the line is old.
    IsAsBefore,
}

/// A line that speaks against somebody.
#[derive(Clone, Debug)]
pub struct Hit<'l> {
    /// The filter's place in its set.
    pub filter: usize,
    /// The failregex's place in its filter.
    pub regex: usize,
    /// Whom it speaks against.
    pub key: Key,
    /// When it happened.
    pub time: Timestamp,
    /// How many times.
    pub count: u32,
    /// The user that was tried, if one is known.
    pub user: Option<&'l [u8]>,
    /// The whole line, without its end.
    pub line: &'l [u8],
    /// The position of its first byte.
    pub offset: u64,
}

/// What a scanner counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanStats {
    /// Lines read.
    pub lines: u64,
    /// Lines that contained a text that a filter requires.
    pub candidates: u64,
    /// Lines that a failregex matched, those that only help among them.
    pub matched: u64,
    /// Lines that an ignoreregex excused.
    pub ignored: u64,
    /// Candidates without a date.
    pub undated: u64,
    /// Lines longer than [`MAX_LINE_BYTES`], passed over.
    pub overlong: u64,
    /// Lines that a filter passed over because a regex took more steps than it may: see [`Scanner::exhausted`].
    pub exhausted: u64,
}

impl ScanStats {
    fn note(&mut self, judged: &Judged) {
        match judged {
            Judged::No => {}
            Judged::Ignored => self.ignored += 1,
            Judged::Exhausted => self.exhausted += 1,
            Judged::Helps | Judged::Failure { .. } => self.matched += 1,
        }
    }
}

/// Judges the lines of one stream. Keeps the connections that are open in it, so each stream has its own.
#[derive(Debug)]
pub struct Scanner {
    set: Arc<FilterSet>,
    memories: Vec<Memory>,
    dates: Vec<DateReader>,
    /// Which of `dates` each filter reads with.
    date_of: Vec<usize>,
    undated: Undated,
    newest: Option<Timestamp>,
    stats: ScanStats,
    joined: Vec<u8>,
    unwrapped: Vec<u8>,
}

impl Scanner {
    /// A scanner for one stream, whose dates without a zone are in `zone`, and without a year in `year` if given.
    pub fn new(
        set: Arc<FilterSet>,
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
        let memories = set.filters().iter().map(|filter| filter.memory()).collect();
        Ok(Self {
            set,
            memories,
            dates,
            date_of,
            undated,
            newest: None,
            stats: ScanStats::default(),
            joined: Vec::new(),
            unwrapped: Vec::new(),
        })
    }

    /// The filters it judges with.
    pub fn set(&self) -> &Arc<FilterSet> {
        &self.set
    }

    /// What it counted so far.
    pub fn stats(&self) -> ScanStats {
        self.stats
    }

    /// The regexes that were stopped: the filter's place in its set, the regex as it stands in the file, and on how many
    /// lines it took more steps than all regexes of a filter together may.
    pub fn exhausted(&self) -> impl Iterator<Item = (usize, &str, u64)> {
        let of_filter = |(n, memory)| {
            let memory: &Memory = memory;
            memory.exhausted.iter().map(move |(regex, count)| (n, regex.as_str(), *count))
        };
        self.memories.iter().enumerate().flat_map(of_filter)
    }

    /// From now on lines without a date are taken so.
    pub fn set_undated(&mut self, undated: Undated) {
        self.undated = undated;
    }

    /// Where reading must start again after a restart, so that every open connection is remembered, and every line
    /// that may be part of a match over several.
    pub fn replay_from(&self) -> Option<u64> {
        let lines = self.memories.iter().filter_map(|memory| memory.lines.as_ref()?.earliest_offset());
        let open = |now| self.memories.iter().filter_map(move |memory| memory.sessions.earliest_offset(now));
        lines.chain(self.newest.into_iter().flat_map(open)).min()
    }

    /// Judges every line of a block; `now` is what dates without a year or day are relative to.
    pub fn scan(&mut self, lines: Lines<'_>, now: Timestamp, mut sink: impl FnMut(Hit<'_>)) {
        let bytes = lines.bytes;
        let torn = bytes.last().is_some_and(|&last| last != b'\n');
        self.stats.lines += memchr::memchr_iter(b'\n', bytes).count() as u64 + u64::from(torn);
        let set = Arc::clone(&self.set);
        let mut counter = TimeCursor::new(lines.times);
        let mut from = 0;
        while from < bytes.len() {
            let hit = if set.always == 0 {
                match set.next_candidate(bytes, from) {
                    Some(hit) => hit,
                    None => break,
                }
            } else {
                from..from
            };
            let start = bytes
                .get(from..hit.start)
                .and_then(|gap| memrchr(b'\n', gap))
                .map_or(from, |at| from + at + 1);
            let end = bytes
                .get(hit.end..)
                .and_then(|tail| memchr(b'\n', tail))
                .map_or(bytes.len(), |at| hit.end + at);
            let claims = set.claims(bytes.get(hit.start..end).unwrap_or_default()) | set.always;
            let line = bytes.get(start..end).unwrap_or_default();
            let time = counter.at(bytes, start);
            let several = claims & set.several;
            if several != 0 {
                self.catch_up(several, &lines, (start, end + 1), now, &mut sink);
            }
            self.line(&set, claims, line, lines.offset + start as u64, time, now, &mut sink);
            from = end + 1;
        }
        if set.several != 0 {
            self.catch_up(set.several, &lines, (bytes.len(), 0), now, &mut sink);
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one call per candidate line: a struct of them would say no more"
    )]
    fn line(
        &mut self,
        set: &FilterSet,
        mut claims: Claims,
        line: &[u8],
        offset: u64,
        known: Option<Timestamp>,
        now: Timestamp,
        sink: &mut impl FnMut(Hit<'_>),
    ) {
        if line.len() > MAX_LINE_BYTES {
            self.stats.overlong += 1;
            return;
        }
        let line = trim_cr(line);
        self.stats.candidates += 1;
        let mut dated: Option<(usize, Option<Timestamp>, Range<usize>)> = None;
        while claims != 0 {
            let n = claims.trailing_zeros() as usize;
            claims &= claims - 1;
            if set.several & (1 << n) != 0 {
                self.judge_several(n, line, offset, known, now, sink);
                continue;
            }
            let (Some(filter), Some(&date_of)) = (set.filters.get(n), self.date_of.get(n)) else { continue };
            let (time, cut) = match (&dated, known) {
                (_, Some(time)) => (Some(time), 0..0),
                (Some((reader, time, cut)), None) if *reader == date_of => (*time, cut.clone()),
                _ => {
                    let Some(reader) = self.dates.get_mut(date_of) else { continue };
                    let found = reader.find(line, now);
                    let (time, cut) = found.map_or((None, 0..0), |found| (found.time, found.cut));
                    let time = time.or_else(|| self.assume_time(now));
                    dated = Some((date_of, time, cut.clone()));
                    (time, cut)
                }
            };
            let Some(time) = time else { continue };
            self.saw(time);
            let Some(memory) = self.memories.get_mut(n) else { continue };
            let text = without(line, &cut, &mut self.joined);
            let (text, count) = match repeat::unwrap(text) {
                Some(repeated) => {
                    self.unwrapped.clear();
                    self.unwrapped.extend_from_slice(repeated.head);
                    self.unwrapped.extend_from_slice(repeated.message);
                    (self.unwrapped.as_slice(), repeated.times)
                }
                None => (text, 1),
            };
            let judged = filter.judge(memory, text, time, offset);
            self.stats.note(&judged);
            if let Judged::Failure { regex, key } = judged {
                let user = Some(memory.user.as_slice()).filter(|user| !user.is_empty());
                sink(Hit { filter: n, regex, key, time, count, user, line, offset });
            }
        }
    }

    pub(crate) fn count(&mut self, judged: &Judged) {
        self.stats.note(judged);
    }

    pub(crate) fn saw(&mut self, time: Timestamp) {
        self.newest = Some(self.newest.map_or(time, |newest| newest.max(time)));
    }

    /// The time of a line without a date; `None` if none can be assumed.
    pub(crate) fn assume_time(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.stats.undated += 1;
        match self.undated {
            Undated::IsNow => Some(now),
            Undated::IsAsBefore => self.newest,
        }
    }

    /// The date of a line, as the first filter reads it: for the time span of a file.
    pub fn date_of_line(&mut self, line: &[u8], now: Timestamp) -> Option<Timestamp> {
        self.dates.first_mut()?.find(line, now)?.time
    }

    pub(crate) fn parts(&mut self, filter: usize) -> Option<(&mut DateReader, &mut Memory)> {
        let at = *self.date_of.get(filter)?;
        Some((self.dates.get_mut(at)?, self.memories.get_mut(filter)?))
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Filter;
    use crate::spec::FilterSpec;

    fn hits(failregex: &str, bytes: &[u8]) -> Vec<(String, u32, u64)> {
        let spec = FilterSpec { failregex: vec![failregex.into()], ..FilterSpec::default() };
        let (set, _) = FilterSet::new(vec![Arc::new(Filter::compile(&spec).unwrap())]);
        let zone = Zone::parse("UTC").unwrap();
        let mut scanner = Scanner::new(Arc::new(set), &zone, None, Undated::IsAsBefore).unwrap();
        let mut hits = Vec::new();
        let lines = Lines { bytes, offset: 100, times: None };
        scanner.scan(lines, Timestamp::from_secs(1_795_305_600), |hit| {
            hits.push((hit.key.to_string(), hit.count, hit.offset));
        });
        hits
    }

    #[test]
    fn a_repeated_message_is_found_although_the_wrapper_stands_in_the_middle_of_a_text() {
        let log = b"Nov 21 22:00:00 h door: knocked by 192.0.2.1\n\
                    Nov 21 22:00:01 h door: message repeated 3 times: [ knocked by 192.0.2.1]\n";
        let wanted = [("192.0.2.1".to_owned(), 1, 100), ("192.0.2.1".to_owned(), 3, 145)];
        assert_eq!(hits(r"^ \S+ \S+: knocked by <HOST>$", log), wanted);
    }

    #[test]
    fn lines_end_at_line_feeds_only_and_a_last_one_may_lack_it() {
        let log = b"Nov 21 22:00:00 h door: knocked by 192.0.2.1\r\nno\rNov 21 22:00:00 h door: knocked by 192.0.2.2\n\
                    Nov 21 22:00:01 h door: knocked by 192.0.2.3";
        let keys: Vec<String> =
            hits(r"^ \S+ \S+: knocked by <HOST>$", log).into_iter().map(|hit| hit.0).collect();
        assert_eq!(keys, ["192.0.2.1", "192.0.2.3"]);
    }
}
