//! Cutting bytes into runs of whole lines, without looking at every line.

use memchr::{memchr, memrchr};

/// What the first bytes of a buffer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// So many bytes are whole lines, each with its `\n`, none longer than the limit.
    Lines(usize),
    /// So many bytes are the end of one line that is too long, `\n` included.
    LongEnd(usize),
    /// So many bytes, all there are, belong to a line that is too long and has not ended.
    LongOpen(usize),
    /// There is no line end, and what is there may yet become a line.
    Torn,
}

/// Cuts a stream of bytes into lines and passes over those that are longer than `limit`, `\n` not counted.
///
/// Invariant: the caller drops the bytes that a cut names and calls again with the rest, more bytes appended; after
/// [`Cut::Torn`] it must append at least one byte, and a buffer of `limit + 1` bytes is always enough.
#[derive(Clone, Debug)]
pub(crate) struct Cutter {
    limit: usize,
    inside_long: bool,
}

impl Cutter {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, inside_long: false }
    }

    /// A cutter that starts in the middle of a line, which it will report as too long.
    pub(crate) fn inside_long(limit: usize) -> Self {
        Self { limit, inside_long: true }
    }

    /// What the first bytes of `bytes` are; `None` if it is empty.
    ///
    /// A line that is too long is one without a line end in the `limit + 1` bytes from its start. So it is enough to
    /// hop from the last line end of one such stretch to the last line end of the next: sixteen short backward
    /// searches in a megabyte, however many lines it holds.
    pub(crate) fn cut(&mut self, bytes: &[u8]) -> Option<Cut> {
        if bytes.is_empty() {
            return None;
        }
        if self.inside_long {
            return Some(self.leave_long(bytes, 0));
        }
        let mut whole = 0;
        while let Some(rest) = bytes.get(whole..) {
            let stretch = rest.get(..=self.limit).unwrap_or(rest);
            match memrchr(b'\n', stretch) {
                Some(end) => whole += end + 1,
                None if whole > 0 => break,
                None if rest.len() > self.limit => return Some(self.leave_long(bytes, self.limit)),
                None => return Some(Cut::Torn),
            }
        }
        Some(Cut::Lines(whole))
    }

    /// Passes over a long line in `bytes`, of which the first `known` are known to hold no line end.
    fn leave_long(&mut self, bytes: &[u8], known: usize) -> Cut {
        match memchr(b'\n', bytes.get(known..).unwrap_or_default()) {
            Some(end) => {
                self.inside_long = false;
                Cut::LongEnd(known + end + 1)
            }
            None => {
                self.inside_long = true;
                Cut::LongOpen(bytes.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Lines and long lines as (offset, bytes), the plain way.
    fn naive(text: &[u8], limit: usize) -> (Vec<u8>, Vec<(usize, usize)>) {
        let (mut good, mut long, mut at) = (Vec::new(), Vec::new(), 0);
        for line in text.split_inclusive(|b| *b == b'\n').filter(|l| l.ends_with(b"\n")) {
            if line.len() > limit + 1 {
                long.push((at, line.len()));
            } else {
                good.extend_from_slice(line);
            }
            at += line.len();
        }
        (good, long)
    }

    /// The same through a cutter that is fed in pieces.
    fn cut_up(text: &[u8], limit: usize, pieces: &[usize]) -> (Vec<u8>, Vec<(usize, usize)>) {
        let mut cutter = Cutter::new(limit);
        let (mut good, mut long) = (Vec::new(), Vec::new());
        let (mut start, mut filled, mut open_from) = (0, 0, None);
        let mut pieces = pieces.iter().cycle();
        while filled < text.len() {
            filled = (filled + pieces.next().unwrap()).min(text.len());
            while let Some(cut) = cutter.cut(&text[start..filled]) {
                match cut {
                    Cut::Lines(n) => {
                        good.extend_from_slice(&text[start..start + n]);
                        start += n;
                    }
                    Cut::LongEnd(n) => {
                        let from = open_from.take().unwrap_or(start);
                        start += n;
                        long.push((from, start - from));
                    }
                    Cut::LongOpen(n) => {
                        open_from.get_or_insert(start);
                        start += n;
                    }
                    Cut::Torn => {
                        assert!(filled - start <= limit, "a torn line fits into limit + 1 bytes");
                        break;
                    }
                }
            }
        }
        (good, long)
    }

    proptest! {
        #[test]
        fn equals_the_plain_way_however_the_bytes_arrive(
            lines in prop::collection::vec(0usize..40, 0..60),
            tail in 0usize..40,
            limit in 1usize..20,
            pieces in prop::collection::vec(1usize..64, 1..10),
        ) {
            let mut text = Vec::new();
            for (i, len) in lines.iter().enumerate() {
                text.extend((0..*len).map(|j| b"abcdefghijklmnopqrstuvwxyz"[(i * 7 + j) % 26]));
                text.push(b'\n');
            }
            text.extend(std::iter::repeat_n(b'z', tail));
            prop_assert_eq!(cut_up(&text, limit, &pieces), naive(&text, limit));
        }
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_whole_and_one_more_byte_is_too_long() {
        assert_eq!(Cutter::new(3).cut(b"abc\nd"), Some(Cut::Lines(4)));
        assert_eq!(Cutter::new(3).cut(b"abcd\ne"), Some(Cut::LongEnd(5)));
        assert_eq!(Cutter::new(3).cut(b"abc"), Some(Cut::Torn));
        assert_eq!(Cutter::new(3).cut(b"abcd"), Some(Cut::LongOpen(4)));
    }

    #[test]
    fn a_long_line_between_good_ones_is_cut_out() {
        let mut cutter = Cutter::new(3);
        assert_eq!(cutter.cut(b"a\nb\nlonger\nc\n"), Some(Cut::Lines(4)));
        assert_eq!(cutter.cut(b"longer\nc\n"), Some(Cut::LongEnd(7)));
        assert_eq!(cutter.cut(b"c\n"), Some(Cut::Lines(2)));
        assert_eq!(cutter.cut(b""), None);
    }
}
