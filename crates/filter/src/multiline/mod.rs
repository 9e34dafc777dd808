//! Filters that see several lines at once: `maxlines` and `<SKIPLINES>`.
//!
//! With `maxlines = N` a regex sees the last N lines of the stream, each without its date. Lines
//! that took part in a match leave; lines that `<SKIPLINES>` passed over stay, so that interleaved messages of several
//! connections find each other. All this is fail2ban's; so is that every line of the stream counts, whether the filter
//! cares about it or not.
//!
//! What no regex can end with is not looked at, though: a match that an earlier line did not complete ends in the newest
//! line, so the texts that the last line of a match must contain decide which lines are judged. The lines between are
//! fetched from the block when one is judged, and the last few of a block are kept for the next.

mod last_line;
mod scan;

use std::collections::VecDeque;
use std::ops::Range;

use memchr::{memchr_iter, memrchr};
use stockade_core::Timestamp;
use stockade_core::limits::MAX_LINE_BYTES;

use crate::date::DateReader;
use crate::fields::{Captured, Field};
use crate::filter::{Filter, Judged, Memory};
use crate::finder::{seen_text, trim_cr};
use crate::regex::Budget;
use crate::scanner::{Ledger, Lines};
use crate::session::Meaning;

pub(crate) use last_line::last_line;

/// The largest `maxlines`.
pub(crate) const MAX_SPAN: usize = 1000;
/// What the lines of one filter in one stream may hold together, in bytes: the two longest. Beyond it the oldest go, as
/// if `maxlines` were smaller.
const MAX_BUFFER_BYTES: usize = 2 * MAX_LINE_BYTES;

/// The newest lines of a stream, for one filter.
#[derive(Debug)]
pub(crate) struct LineBuffer {
    span: usize,
    held: VecDeque<Held>,
    bytes: usize,
    /// Up to where the lines of the current block were taken in; 0 between two blocks.
    taken: usize,
    /// What stayed behind may match by itself: the next line must be judged, whatever it contains.
    pending: bool,
}

#[derive(Debug)]
struct Held {
    /// Of the line's first byte in the stream.
    offset: u64,
    /// Where reading must begin so that this line is found here again, and those that left it behind are not.
    replay: u64,
    text: Vec<u8>,
    /// Its date, once that is cut off.
    time: Option<Timestamp>,
    /// The date may still be in the text.
    raw: bool,
    /// How often its message came.
    count: u32,
}

impl LineBuffer {
    /// Room for the last `span` lines.
    pub(crate) fn new(span: usize) -> Self {
        Self { span, held: VecDeque::new(), bytes: 0, taken: 0, pending: false }
    }

    /// Where reading must begin so that the next line finds here what it would have found.
    pub(crate) fn earliest_offset(&self) -> Option<u64> {
        let gone = (self.held.len() + 1).saturating_sub(self.span);
        self.held.iter().skip(gone).map(|held| held.replay).min()
    }

    /// Takes in a line; `raw`: with its date.
    fn push(&mut self, line: &[u8], offset: u64, raw: bool) {
        self.bytes += line.len();
        self.held.push_back(Held { offset, replay: offset, text: line.to_vec(), time: None, raw, count: 1 });
        while self.held.len() > self.span || (self.bytes > MAX_BUFFER_BYTES && self.held.len() > 1) {
            let gone = self.held.pop_front().map_or(0, |held| held.text.len());
            self.bytes = self.bytes.saturating_sub(gone);
        }
    }

    /// Takes in the lines of a block up to `to`, of which only the last can matter.
    fn absorb(&mut self, block: &Lines<'_>, to: usize) {
        let gap = block.bytes.get(self.taken..to).unwrap_or_default();
        let (mut end, mut starts) = (gap.len(), Vec::new());
        while end > 0 && starts.len() < self.span.saturating_sub(1) {
            let inner = end - usize::from(gap.get(end - 1) == Some(&b'\n'));
            let start = gap.get(..inner).and_then(|text| memrchr(b'\n', text)).map_or(0, |at| at + 1);
            if inner - start <= MAX_LINE_BYTES {
                starts.push(start..inner);
            }
            end = start;
        }
        for line in starts.into_iter().rev() {
            let offset = block.offset + (self.taken + line.start) as u64;
            self.push(trim_cr(gap.get(line).unwrap_or_default()), offset, block.times.is_none());
        }
        self.taken = to;
    }

    /// Cuts the dates off, where that was not done yet. Gives the newest line's date: its own, else the nearest before
    /// it, as the second line of an entry has none.
    fn cut_dates(&mut self, dates: &mut DateReader, now: Timestamp) -> Option<Timestamp> {
        let (mut joined, mut unwrapped) = (Vec::new(), Vec::new());
        for held in self.held.iter_mut().filter(|held| held.raw) {
            held.raw = false;
            let found = dates.find(&held.text, now);
            let (time, cut) = found.map_or((None, 0..0), |found| (found.time, found.cut));
            let (text, count) = seen_text(&held.text, &cut, &mut joined, &mut unwrapped);
            let text = text.to_vec();
            self.bytes = self.bytes.saturating_sub(held.text.len()) + text.len();
            (held.text, held.time, held.count) = (text, time, count);
        }
        self.held.iter().rev().find_map(|held| held.time)
    }

    /// All lines, with line feeds between.
    fn text<'h>(held: impl IntoIterator<Item = &'h Held>) -> Vec<u8> {
        let mut text = Vec::new();
        for (n, held) in held.into_iter().enumerate() {
            if n > 0 {
                text.push(b'\n');
            }
            text.extend_from_slice(&held.text);
        }
        text
    }

    /// Judges the lines together; `time` is that of the newest.
    fn judge(
        &mut self,
        n: usize,
        filter: &Filter,
        memory: &mut Memory,
        ledger: &mut Ledger,
        time: Timestamp,
    ) -> Judged {
        let text = Self::text(&self.held);
        memory.budget = Budget::of_line(text.len());
        self.pending = false;
        // With few ignoreregexes fail2ban asks them before anything else, about all lines that it holds…
        if filter.ignore.len() + 2 < filter.fail.len() && is_ignored(filter, memory, &text) {
            self.pending = true;
            return Judged::Ignored;
        }
        let mut fields = Captured::default();
        let found = filter.find(memory, &text, &mut fields);
        if memory.spent_its_budget() {
            return Judged::Exhausted;
        }
        let Some(found) = found else {
            self.keep_content(filter, memory, &text);
            return Judged::No;
        };
        let regex = found.regex;
        let (lines, kept) = lines_of(filter, memory, regex, found.content);
        let began = self.held.get(lines.start).or(self.held.back()).map_or(0, |held| held.offset);
        let matched = self.take_out(lines, &kept);
        self.pending = !self.held.is_empty();
        // …and always about the lines that matched.
        let ignored = is_ignored(filter, memory, &Self::text(&matched));
        if memory.spent_its_budget() {
            return Judged::Exhausted;
        }
        if ignored {
            return Judged::Ignored;
        }
        if fields.spoiled {
            return Judged::No;
        }
        let Some(sessions) = ledger.sessions.get_mut(n) else { return Judged::No };
        match sessions.merge(&fields, time, began, &mut ledger.user) {
            Meaning::Failure(key) => Judged::Failure { regex, key },
            Meaning::Nothing => Judged::Helps,
        }
    }

    /// Takes in a line that has no date any more, and gives all lines.
    pub(crate) fn with(&mut self, text: &[u8]) -> Vec<u8> {
        self.push(text, 0, false);
        Self::text(&self.held)
    }

    /// Removes the lines of the match that was found last.
    pub(crate) fn settle(&mut self, filter: &Filter, memory: &mut Memory, regex: usize, text: &[u8]) {
        let content = filter.content(memory, text, |_, _, _| {}).unwrap_or(text);
        let (lines, kept) = lines_of(filter, memory, regex, content);
        self.take_out(lines, &kept);
    }

    /// Removes the lines of a match, except those that it skipped.
    fn take_out(&mut self, lines: Range<usize>, kept: &[Range<usize>]) -> Vec<Held> {
        let stays = |n: usize| !lines.contains(&n) || kept.iter().any(|skipped| skipped.contains(&n));
        let (mut gone, mut replay) = (Vec::<Held>::new(), u64::MAX);
        for (n, mut held) in std::mem::take(&mut self.held).into_iter().enumerate() {
            if stays(n) {
                held.replay = held.replay.min(replay);
                self.held.push_back(held);
            } else {
                replay = replay.min(held.replay);
                self.bytes = self.bytes.saturating_sub(held.text.len());
                gone.push(held);
            }
        }
        gone
    }

    /// In fail2ban the content that a prefix found takes the place of all lines, if no failregex matches it.
    fn keep_content(&mut self, filter: &Filter, memory: &mut Memory, text: &[u8]) {
        if filter.prefix.is_none() {
            return;
        }
        let mut named = false;
        let content = filter.content(memory, text, |field, _, _| named |= *field == Field::Content);
        let Some(content) = content.filter(|content| named && !content.is_empty()) else { return };
        let Some(last) = self.held.pop_back() else { return };
        self.held.clear();
        self.bytes = content.len();
        self.held.push_back(Held { text: content.to_vec(), ..last });
    }
}

fn is_ignored(filter: &Filter, memory: &mut Memory, text: &[u8]) -> bool {
    let Memory { ignore, budget, .. } = memory;
    filter.ignore.iter().zip(ignore).any(|(regex, scratch)| regex.is_match(scratch, budget, text))
}

/// Which lines of `text` the regex matched, by number, and which of them it skipped.
fn lines_of(
    filter: &Filter,
    memory: &Memory,
    regex: usize,
    text: &[u8],
) -> (Range<usize>, Vec<Range<usize>>) {
    let (Some(regex), Some(scratch)) = (filter.fail.get(regex), memory.fail.get(regex)) else {
        return (0..0, Vec::new());
    };
    let before = |at: usize| memchr_iter(b'\n', text.get(..at).unwrap_or(text)).count();
    let all = regex.whole(scratch).unwrap_or(0..text.len());
    // A match that begins with a line end begins in the next line; one that ends with it ends before.
    let lines = before(all.start + 1)..before(all.end.saturating_sub(1)) + 1;
    let skipped = regex.found(scratch).filter(|(field, _)| **field == Field::Skipped);
    (lines, skipped.map(|(_, at)| before(at.start)..before(at.end)).collect())
}

#[cfg(test)]
mod tests;
