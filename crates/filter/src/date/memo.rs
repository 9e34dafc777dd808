//! The last answer, and the lines it also answers.
//!
//! Consecutive lines mostly begin with the same second. The answer of a search at the start of a line depends on the
//! bytes the search looked at and, where the year or the day is inferred, on the reference time; both are kept with
//! it, so the memo is exact: it answers only what the search would have answered too.

use std::ops::Range;

use stockade_core::Timestamp;

use super::reader::FoundDate;

/// Bytes an answer may depend on to be remembered.
pub(super) const MEMO_BYTES: usize = 64;

/// The last answer.
#[derive(Clone, Debug)]
pub(super) struct Memo {
    bytes: [u8; MEMO_BYTES],
    /// How many of the bytes count; 0 if nothing is remembered.
    len: usize,
    /// The line must not go on after them.
    whole: bool,
    /// The reference times, in milliseconds.
    valid: Range<i64>,
    time: Option<Timestamp>,
    cut: Range<usize>,
    template: usize,
}

impl Memo {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; MEMO_BYTES], len: 0, whole: false, valid: 0..0, time: None, cut: 0..0, template: 0 }
    }

    /// The answer for a text (a line, or what follows a fixed place in it), if it is the remembered one.
    #[inline]
    pub(super) fn recall(&self, text: &[u8], now: i64) -> Option<FoundDate> {
        let known = self.bytes.get(..self.len)?;
        let same = text.get(..self.len)? == known && (!self.whole || text.len() == self.len);
        (same && self.valid.contains(&now)).then(|| self.answer())
    }

    /// Remembers an answer that depends on the first `seen` bytes of the text, or on all of it.
    #[inline]
    pub(super) fn store(
        &mut self,
        text: &[u8],
        seen: usize,
        whole: bool,
        valid: Range<i64>,
        answer: &FoundDate,
    ) {
        let seen = if whole { text.len() } else { seen };
        if seen > MEMO_BYTES {
            self.len = 0;
            self.valid = 0..0;
            return;
        }
        // Copying all of them at once is faster than copying the right number.
        if let Some(chunk) = text.first_chunk() {
            self.bytes = *chunk;
        } else {
            self.bytes.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
        }
        self.len = seen;
        self.whole = whole;
        self.valid = valid;
        self.time = answer.time;
        self.cut = answer.cut.clone();
        self.template = answer.template;
    }

    fn answer(&self) -> FoundDate {
        FoundDate { time: self.time, cut: self.cut.clone(), template: self.template }
    }
}
