//! Reads blocks of lines and tells which lines speak against whom.

use std::sync::Arc;

use stockade_core::{Key, Timestamp};

use crate::cores::{self, Kept};
use crate::date::{DatePatternError, DateReader, Zone};
use crate::filter::{Judged, Memory};
use crate::finder::{Finder, Found, candidates};
use crate::session::{Meaning, Sessions};
use crate::set::FilterSet;

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
    /// Lines longer than [`MAX_LINE_BYTES`](stockade_core::limits::MAX_LINE_BYTES), passed over.
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

    fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.candidates += other.candidates;
        self.matched += other.matched;
        self.ignored += other.ignored;
        self.undated += other.undated;
        self.overlong += other.overlong;
        self.exhausted += other.exhausted;
    }
}

/// Judges the lines of one stream. Keeps the connections that are open in it, so each stream has its own.
#[derive(Debug)]
pub struct Scanner {
    set: Arc<FilterSet>,
    finder: Finder,
    /// Finds in the second half of a block, on another core.
    twin: Option<Box<Finder>>,
    ledger: Ledger,
}

/// What earlier lines told.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// The open connections, by filter.
    pub(crate) sessions: Vec<Sessions>,
    newest: Option<Timestamp>,
    stats: ScanStats,
    /// The user of the line that was settled last.
    pub(crate) user: Vec<u8>,
}

impl Scanner {
    /// A scanner for one stream, whose dates without a zone are in `zone`, and without a year in `year` if given.
    pub fn new(
        set: Arc<FilterSet>,
        zone: &Zone,
        year: Option<i16>,
        undated: Undated,
    ) -> Result<Self, DatePatternError> {
        let finder = Finder::new(&set, zone, year, undated)?;
        let sessions = set.filters().iter().map(|_| Sessions::new()).collect();
        let ledger = Ledger { sessions, newest: None, stats: ScanStats::default(), user: Vec::new() };
        Ok(Self { set, finder, twin: None, ledger })
    }

    /// From now on large blocks are scanned on two cores. The answer is the same.
    #[must_use]
    pub fn on_two_cores(mut self) -> Self {
        // What sees several lines at once sees them one after the other.
        if self.set.several == 0 {
            self.twin = Some(Box::new(self.finder.twin(&self.set)));
        }
        self
    }

    /// The filters it judges with.
    pub fn set(&self) -> &Arc<FilterSet> {
        &self.set
    }

    /// What it counted so far.
    pub fn stats(&self) -> ScanStats {
        self.ledger.stats
    }

    /// The regexes that were stopped: the filter's place in its set, the regex as it stands in the file, and on how many
    /// lines it took more steps than all regexes of a filter together may.
    pub fn exhausted(&self) -> impl Iterator<Item = (usize, &str, u64)> {
        let finders = std::iter::once(&self.finder).chain(self.twin.as_deref());
        let memories = finders.flat_map(|finder| finder.memories.iter().enumerate());
        memories.flat_map(|(n, memory)| {
            memory.exhausted.iter().map(move |(regex, count)| (n, regex.as_str(), *count))
        })
    }

    /// What was stopped since the last call: the filter's name, the regex, and on how many lines.
    pub fn take_exhausted(&mut self) -> Vec<(Arc<str>, String, u64)> {
        let set = Arc::clone(&self.set);
        let finders = std::iter::once(&mut self.finder).chain(self.twin.as_deref_mut());
        let memories = finders.flat_map(|finder| finder.memories.iter_mut().zip(set.filters()));
        let taken = memories.flat_map(|(memory, filter)| {
            let taken = std::mem::take(&mut memory.exhausted).into_iter();
            taken.map(|(regex, lines)| (Arc::clone(&filter.name), regex, lines))
        });
        taken.collect()
    }

    /// From now on lines without a date are taken so.
    pub fn set_undated(&mut self, undated: Undated) {
        self.finder.undated = undated;
        self.twin.iter_mut().for_each(|twin| twin.undated = undated);
    }

    /// Where reading must start again after a restart, so that every open connection is remembered, and every line
    /// that may be part of a match over several.
    pub fn replay_from(&self) -> Option<u64> {
        let lines = self.finder.memories.iter().filter_map(|memory| memory.lines.as_ref()?.earliest_offset());
        let open = |now| self.ledger.sessions.iter().filter_map(move |open| open.earliest_offset(now));
        lines.chain(self.ledger.newest.into_iter().flat_map(open)).min()
    }

    /// Judges every line of a block; `now` is what dates without a year or day are relative to.
    pub fn scan(&mut self, lines: Lines<'_>, now: Timestamp, mut sink: impl FnMut(Hit<'_>)) {
        let bytes = lines.bytes;
        let torn = bytes.last().is_some_and(|&last| last != b'\n');
        self.ledger.stats.lines += memchr::memchr_iter(b'\n', bytes).count() as u64 + u64::from(torn);
        let set = Arc::clone(&self.set);
        if set.several != 0 {
            self.scan_with_several(&set, &lines, now, &mut sink);
            return;
        }
        let (finder, ledger) = (&mut self.finder, &mut self.ledger);
        match self.twin.as_deref_mut().and_then(|twin| Some((twin, cores::halves(&lines)?))) {
            None => finder.find(&set, &lines, now, |found| ledger.settle(&found, &mut sink)),
            Some((twin, (first, second))) => {
                let mut kept = Kept::default();
                let mut find_second =
                    || twin.find(&set, &second, now, |found| kept.keep(&found, second.offset));
                let found_both = std::thread::scope(|scope| {
                    let other = std::thread::Builder::new().spawn_scoped(scope, &mut find_second).is_ok();
                    finder.find(&set, &first, now, |found| ledger.settle(&found, &mut sink));
                    other
                });
                if !found_both {
                    // There was no thread to be had.
                    find_second();
                }
                ledger.take(finder);
                kept.each(&second, |found| ledger.settle(&found, &mut sink));
                ledger.take(twin);
            }
        }
        ledger.take(finder);
    }

    /// Like [`Self::scan`], with filters among the others that see several lines at once.
    fn scan_with_several(
        &mut self,
        set: &FilterSet,
        lines: &Lines<'_>,
        now: Timestamp,
        sink: &mut impl FnMut(Hit<'_>),
    ) {
        let overlong = candidates(set, lines, |mut candidate, (start, end)| {
            let mut several = candidate.claims & set.several;
            candidate.claims ^= several;
            if several != 0 {
                self.catch_up(several, lines, (start, end), now, sink);
            }
            while several != 0 {
                let n = several.trailing_zeros() as usize;
                several &= several - 1;
                self.judge_several(n, candidate.line, candidate.offset, candidate.time, now, sink);
            }
            let ledger = &mut self.ledger;
            self.finder.judge(set, candidate, now, &mut |found| ledger.settle(&found, sink));
        });
        self.finder.stats.overlong += overlong;
        self.ledger.take(&mut self.finder);
        self.catch_up(set.several, lines, (lines.bytes.len(), 0), now, sink);
    }

    /// The date of a line, as the first filter reads it: for the time span of a file.
    pub fn date_of_line(&mut self, line: &[u8], now: Timestamp) -> Option<Timestamp> {
        self.finder.date_of_line(line, now)
    }

    pub(crate) fn parts(&mut self, filter: usize) -> Option<(&mut DateReader, &mut Memory, &mut Ledger)> {
        let (dates, memory) = self.finder.parts(filter)?;
        Some((dates, memory, &mut self.ledger))
    }

    /// The time of a line without a date; `None` if none can be assumed.
    pub(crate) fn assume_time(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.ledger.stats.undated += 1;
        match self.finder.undated {
            Undated::IsNow => Some(now),
            Undated::IsAsBefore => self.ledger.newest,
        }
    }
}

impl Ledger {
    /// Puts what was found into its place among the lines before it.
    fn settle(&mut self, found: &Found<'_>, sink: &mut impl FnMut(Hit<'_>)) {
        self.newest = self.newest.max(found.newest);
        let Some(time) = found.time.or(self.newest) else { return };
        self.saw(time);
        if found.excused {
            self.stats.ignored += 1;
            return;
        }
        self.stats.matched += 1;
        let Some(sessions) = self.sessions.get_mut(found.filter) else { return };
        if let Meaning::Failure(key) = sessions.merge(found.fields, time, found.offset, &mut self.user) {
            let user = Some(self.user.as_slice()).filter(|user| !user.is_empty());
            let &Found { filter, regex, count, line, offset, .. } = found;
            sink(Hit { filter, regex, key, time, count, user, line, offset });
        }
    }

    /// Takes over what a finder counted.
    fn take(&mut self, finder: &mut Finder) {
        self.stats.add(std::mem::take(&mut finder.stats));
        self.newest = self.newest.max(finder.newest.take());
    }

    pub(crate) fn count(&mut self, judged: &Judged) {
        self.stats.note(judged);
    }

    pub(crate) fn saw(&mut self, time: Timestamp) {
        self.newest = self.newest.max(Some(time));
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
