//! One log, read part by part from the oldest to the newest, and scanned.

use std::collections::BTreeMap;
use std::fs;
use std::time::SystemTime;

use memchr::{memchr, memrchr};
use stockade_core::Timestamp;
use stockade_filter::date::DatePatternError;
use stockade_filter::{Hit, Lines, ScanStats, Scanner, Undated};
use stockade_source::archive::{LogFile, LogReader, STDIN};
use stockade_source::{Block, SourceError};

use super::Options;
use super::limits::SPAN_LINES;
use super::plan::{Lane, Plan};
use super::report::Summary;

/// A log that is being read: its parts share connections and dates, so they share the scanners.
#[derive(Debug)]
pub(super) struct Log<'p> {
    scans: Vec<(&'p Lane, Scanner)>,
    parts: std::vec::IntoIter<LogFile>,
    open: Option<Part>,
    now: Timestamp,
    counted: ScanStats,
}

/// The part that is open.
#[derive(Debug)]
struct Part {
    reader: LogReader,
    /// What its dates without a year or a day are relative to: the time it was last written to.
    written: Timestamp,
    /// How many of its bytes were accounted for.
    taken: u64,
    text: u64,
}

/// What has been read of all logs.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) summary: Summary,
    pub(super) taken: u64,
    pub(super) long_lines: u64,
    pub(super) long_bytes: u64,
    pub(super) undated: u64,
    /// The regexes that were stopped, with their filter, and on how many lines.
    pub(super) exhausted: BTreeMap<(String, String), u64>,
    pub(super) problems: Vec<SourceError>,
}

impl<'p> Log<'p> {
    pub(super) fn new(
        plan: &'p Plan,
        parts: Vec<LogFile>,
        options: &Options,
    ) -> Result<Self, DatePatternError> {
        let scanner = |lane: &'p Lane| {
            let scanner = Scanner::new(lane.set.clone(), &lane.zone, options.year, Undated::IsAsBefore)?;
            Ok((lane, if options.two_cores { scanner.on_two_cores() } else { scanner }))
        };
        let scans = plan.lanes.iter().map(scanner).collect::<Result<_, _>>()?;
        Ok(Self {
            scans,
            parts: parts.into_iter(),
            open: None,
            now: options.now,
            counted: ScanStats::default(),
        })
    }

    /// Scans the next block; `sink` gets each hit with the place of each jail that counts it. Says whether there may
    /// be more. What cannot be read is noted, and the next part follows.
    pub(super) fn advance(&mut self, account: &mut Account, mut sink: impl FnMut(usize, &Hit<'_>)) -> bool {
        let Some(part) = &mut self.open else { return self.open_next(account) };
        let more = match part.reader.next_block() {
            Ok(Some(block)) => {
                for (lane, scanner) in &mut self.scans {
                    let lines = Lines { bytes: block.bytes, offset: block.offset, times: block.times };
                    scanner.scan(lines, part.written, |hit| {
                        for &jail in lane.routes.get(hit.filter).into_iter().flatten() {
                            sink(jail, &hit);
                        }
                    });
                }
                if let Some((_, scanner)) = self.scans.first_mut() {
                    extend_span(&mut account.summary.span, scanner, &block, part.written);
                }
                true
            }
            Ok(None) => false,
            Err(problem) => {
                account.problems.push(problem);
                false
            }
        };
        part.settle(account, !more);
        self.settle(account);
        if !more {
            self.open = None;
        }
        true
    }

    fn open_next(&mut self, account: &mut Account) -> bool {
        let Some(file) = self.parts.next() else { return false };
        match LogReader::open(&file.path) {
            Ok(reader) => {
                account.summary.files += 1;
                let written = written(&file, self.now);
                self.open = Some(Part { reader, written, taken: 0, text: 0 });
            }
            Err(problem) => account.problems.push(problem),
        }
        true
    }

    /// Adds to the account what the scanners counted since the last time.
    fn settle(&mut self, account: &mut Account) {
        let mut now = ScanStats::default();
        for (_, scanner) in &self.scans {
            let stats = scanner.stats();
            now.lines = stats.lines;
            now.matched += stats.matched;
            now.ignored += stats.ignored;
            now.undated += stats.undated;
            now.exhausted += stats.exhausted;
        }
        let before = std::mem::replace(&mut self.counted, now);
        account.summary.lines += now.lines - before.lines;
        account.summary.matched_lines += now.matched - before.matched;
        account.summary.excused_lines += now.ignored - before.ignored;
        account.undated += now.undated - before.undated;
        if now.exhausted > before.exhausted {
            for (filter, regex, lines) in
                self.scans.iter_mut().flat_map(|(_, scanner)| scanner.take_exhausted())
            {
                *account.exhausted.entry((filter.to_string(), regex)).or_default() += lines;
            }
        }
    }
}

impl Part {
    fn settle(&mut self, account: &mut Account, ended: bool) {
        let progress = self.reader.progress();
        account.taken += progress.taken - self.taken;
        account.summary.bytes += progress.text - self.text;
        (self.taken, self.text) = (progress.taken, progress.text);
        if ended {
            account.summary.lines += progress.long_lines;
            account.long_lines += progress.long_lines;
            account.long_bytes += progress.long_bytes;
        }
    }
}

/// When a file was last written to; now, where that is not known or lies ahead.
fn written(file: &LogFile, now: Timestamp) -> Timestamp {
    if file.path.as_os_str() == STDIN {
        return now;
    }
    let modified = fs::metadata(&file.path).and_then(|meta| meta.modified()).ok();
    let since = modified.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.map_or(now, |since| Timestamp::default().plus(since).min(now))
}

/// Widens the span of time by the first and the last date of a block.
fn extend_span(
    span: &mut Option<(Timestamp, Timestamp)>,
    scanner: &mut Scanner,
    block: &Block<'_>,
    written: Timestamp,
) {
    let mut take = |line: &[u8]| {
        let time = scanner.date_of_line(line, written)?;
        let (first, last) = span.get_or_insert((time, time));
        (*first, *last) = ((*first).min(time), (*last).max(time));
        Some(())
    };
    let mut rest = block.bytes;
    for _ in 0..SPAN_LINES {
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        if take(line).is_some() {
            break;
        }
        rest = after.get(1..).unwrap_or_default();
    }
    rest = block.bytes;
    for _ in 0..SPAN_LINES {
        rest = rest.strip_suffix(b"\n").unwrap_or(rest);
        let start = memrchr(b'\n', rest).map_or(0, |at| at + 1);
        if take(rest.get(start..).unwrap_or_default()).is_some() {
            break;
        }
        rest = rest.get(..start).unwrap_or_default();
    }
}
