//! How a [`Scanner`] feeds the filters that see several lines at once.

use memchr::memchr;
use stockade_core::Timestamp;
use stockade_core::limits::MAX_LINE_BYTES;

use super::LineBuffer;
use crate::filter::Judged;
use crate::finder::{TimeCursor, trim_cr};
use crate::scanner::{Hit, Lines, Scanner};
use crate::set::Claims;

impl Scanner {
    /// Lets the filters of several lines take in the lines of a block up to `to`; those up to `next` they take in
    /// otherwise.
    pub(crate) fn catch_up(
        &mut self,
        filters: Claims,
        block: &Lines<'_>,
        (to, next): (usize, usize),
        now: Timestamp,
        sink: &mut impl FnMut(Hit<'_>),
    ) {
        let mut left = filters;
        while left != 0 {
            let n = left.trailing_zeros() as usize;
            left &= left - 1;
            while let Some(start) = self.buffer(n).filter(|lines| lines.pending).map(|lines| lines.taken)
                && start < to
            {
                let rest = block.bytes.get(start..to).unwrap_or_default();
                let end = memchr(b'\n', rest).unwrap_or(rest.len());
                let line = rest.get(..end).unwrap_or_default();
                let time = TimeCursor::new(block.times).at(block.bytes, start);
                if line.len() <= MAX_LINE_BYTES {
                    let offset = block.offset + start as u64;
                    self.judge_several(n, trim_cr(line), offset, time, now, sink);
                }
                self.buffer(n).into_iter().for_each(|lines| lines.taken = start + end + 1);
            }
            if let Some(lines) = self.buffer(n) {
                lines.absorb(block, to);
                lines.taken = next;
            }
        }
    }

    /// Judges a line together with those before it.
    pub(crate) fn judge_several(
        &mut self,
        n: usize,
        line: &[u8],
        offset: u64,
        known: Option<Timestamp>,
        now: Timestamp,
        sink: &mut impl FnMut(Hit<'_>),
    ) {
        let set = std::sync::Arc::clone(self.set());
        let Some(filter) = set.filters.get(n) else { return };
        let Some((dates, memory, _)) = self.parts(n) else { return };
        let Some(mut lines) = memory.lines.take() else { return };
        lines.push(line, offset, known.is_none());
        let time = lines.cut_dates(dates, now);
        if let Some(time) = known.or(time).or_else(|| self.assume_time(now))
            && let Some((_, memory, ledger)) = self.parts(n)
        {
            ledger.saw(time);
            let count = lines.held.back().map_or(1, |held| held.count);
            let judged = lines.judge(n, filter, memory, ledger, time);
            ledger.count(&judged);
            if let Judged::Failure { regex, key } = judged {
                let user = Some(ledger.user.as_slice()).filter(|user| !user.is_empty());
                sink(Hit { filter: n, regex, key, time, count, user, line, offset });
            }
        }
        if let Some((_, memory, _)) = self.parts(n) {
            memory.lines = Some(lines);
        }
    }

    fn buffer(&mut self, n: usize) -> Option<&mut LineBuffer> {
        self.parts(n)?.1.lines.as_mut()
    }
}
