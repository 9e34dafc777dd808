//! Where strings begin and end: the innermost question of the crate, answered for 64 bytes at a time.
//!
//! A text is looked at in blocks of 64 bytes, each of which gives a word with one bit for each quote. What follows from
//! it, where the strings are, costs a few instructions a string, however long the string is, and no branch that depends
//! on its length. In the same go it is seen whether there is anything unusual: escapes, control characters, bytes that are
//! not ASCII. Nearly always there is not, and then nothing more is done about it.
//!
//! Blocks are looked at a chunk at a time, as the reading needs them: what follows the end of an object is at most one
//! chunk too far, and the memory does not grow with the text.

mod blocks;
mod take;
#[cfg(target_arch = "x86_64")]
mod x86;

use blocks::{BLOCK, Way};

/// How far ahead of the reading is looked, in bytes.
const CHUNK: usize = 4 << 10;

/// How far ahead where the text is longer than what is read of it.
const SHORT_CHUNK: usize = 2 << 10;

/// Stands behind the last place that is known; after every place in a text.
pub(super) const NONE: u32 = u32::MAX;

/// The places of quotes that begin or end strings, in order, those of one chunk at a time.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    /// The places, then [`NONE`] twice, then anything.
    places: Vec<u32>,
    count: usize,
    /// Places of this chunk that were read.
    next: u32,
    /// Places of what is unusual in strings: where escapes begin, and control characters. Then [`NONE`].
    odd: Vec<u32>,
    next_odd: usize,
    odd_at: u32,
    /// Up to here keys are plain: the same, or zero if there may be a key with a dot in it.
    plain_to: u32,
    chunk: usize,
    /// How much of the text was looked at.
    seen: usize,
    /// There was a byte that is not ASCII.
    high: bool,
    /// There may be a key with a dot in it, a colon right behind its closing quote.
    dotted: bool,
    state: State,
    /// How blocks are looked at, once that is known.
    way: Option<Way>,
}

/// What is carried from block to block, beside whether a string is open, which is whether the number of quotes is odd. Bits,
/// as words.
#[derive(Debug, Default, Clone, Copy)]
struct State {
    /// The first byte of the block is escaped.
    escaped: u64,
    /// There was a dot since the last quote.
    dot: u64,
    /// The last byte of the block before is a quote, and there was a dot between it and the one before it.
    dotted: u64,
}

impl Quotes {
    /// Begins a text. `whole`: all of it will be read.
    pub(super) fn begin(&mut self, bytes: &[u8], whole: bool) {
        self.chunk = if whole { CHUNK } else { SHORT_CHUNK };
        (self.count, self.next, self.seen) = (0, 0, 0);
        (self.high, self.dotted) = (false, false);
        self.state = State::default();
        self.odd.clear();
        self.odd.push(NONE);
        self.next_odd = 0;
        self.look(bytes);
    }

    /// Whether there were bytes that are not ASCII, so far.
    pub(super) fn high(&self) -> bool {
        self.high
    }

    /// Returns the place of the quote that ends the string whose opening quote is next, if nothing about it is unusual.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Option<u32> {
        let end = *self.places.get(self.next as usize + 1)?;
        if end >= self.odd_at {
            return None;
        }
        self.next += 2;
        Some(end)
    }

    /// The same for a key whose opening quote is at a place; it is not passed yet. It holds no dot if a colon is right behind
    /// it.
    #[inline(always)]
    pub(super) fn plain_key(&self, at: usize) -> Option<u32> {
        let next = self.next as usize;
        let [start, end] = *self.places.get(next..next + 2)?.first_chunk::<2>()?;
        (start as usize == at && end < self.plain_to).then_some(end)
    }

    /// Passes a string.
    #[inline(always)]
    pub(super) fn pass(&mut self) {
        self.next += 2;
    }

    /// The same for any string, and where the unusual in it is; `None` if the text ends first.
    #[cold]
    #[inline(never)]
    pub(super) fn any_string(&mut self, bytes: &[u8]) -> Option<(u32, &[u32])> {
        while self.next as usize + 2 > self.count {
            if self.seen >= bytes.len() {
                return None;
            }
            self.look(bytes);
        }
        let end = self.places.get(self.next as usize + 1).copied().unwrap_or(NONE);
        self.next += 2;
        let rest = self.odd.get(self.next_odd..).unwrap_or_default();
        let within = rest.iter().position(|at| *at >= end).unwrap_or(rest.len());
        let odd = rest.get(..within).unwrap_or_default();
        self.next_odd += within;
        self.odd_at = rest.get(within).copied().unwrap_or(NONE);
        self.plain_to = if self.dotted { 0 } else { self.odd_at };
        Some((end, odd))
    }

    /// Looks at the next chunk.
    fn look(&mut self, bytes: &[u8]) {
        let rest = bytes.get(self.seen..).unwrap_or_default();
        let chunk = rest.get(..self.chunk).unwrap_or(rest);
        let kept = (self.next as usize).min(self.count)..self.count;
        self.count = kept.len();
        let needed = self.count + chunk.len().next_multiple_of(BLOCK) + BLOCK;
        // Those read are left out. They are two for each string: the number stays odd if it was.
        self.places.copy_within(kept, 0);
        if self.places.len() < needed {
            self.places.resize(needed, NONE);
        }
        self.next = 0;
        self.odd.pop();
        self.odd.drain(..self.next_odd.min(self.odd.len()));
        self.next_odd = 0;
        self.way.get_or_insert_with(Way::fastest).take(self, chunk);
        self.seen += chunk.len();
        for place in self.places.iter_mut().skip(self.count).take(2) {
            *place = NONE;
        }
        self.odd.push(NONE);
        self.odd_at = self.odd.first().copied().unwrap_or(NONE);
        self.plain_to = if self.dotted { 0 } else { self.odd_at };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Strings and what is odd in them, byte by byte.
    fn plainly(bytes: &[u8]) -> (Vec<u32>, Vec<u32>, bool) {
        let (mut quotes, mut odd) = (Vec::new(), Vec::new());
        let (mut inside, mut escaped) = (false, false);
        for (at, byte) in (0u32..).zip(bytes) {
            if std::mem::take(&mut escaped) {
                if *byte < 0x20 && inside {
                    odd.push(at);
                }
                continue;
            }
            match byte {
                b'"' => {
                    inside = !inside;
                    quotes.push(at);
                }
                b'\\' => {
                    escaped = true;
                    odd.push(at);
                }
                0..0x20 if inside => odd.push(at),
                _ => {}
            }
        }
        (quotes, odd, bytes.is_ascii())
    }

    fn read(quotes: &mut Quotes, bytes: &[u8], whole: bool) -> (Vec<u32>, Vec<u32>, bool) {
        let (mut places, mut odd) = (Vec::new(), Vec::new());
        // A second time with what the first left behind.
        for _ in 0..2 {
            places.clear();
            odd.clear();
            quotes.begin(bytes, whole);
            loop {
                let (start, next_odd) = (quotes.places.get(quotes.next as usize).copied(), quotes.odd_at);
                if let Some(end) = quotes.string() {
                    assert!(end < next_odd);
                    places.extend(start);
                    places.push(end);
                    continue;
                }
                let Some((end, found)) = quotes.any_string(bytes) else { break };
                odd.extend_from_slice(found);
                let start = quotes.places[quotes.next as usize - 2];
                places.extend([start, end]);
            }
        }
        (places, odd, !quotes.high())
    }

    proptest! {
        #[test]
        fn as_byte_by_byte(
            mut bytes in proptest::collection::vec(prop_oneof![
                20 => Just(b'x'), 4 => Just(b'"'), 3 => Just(b'\\'), 1 => Just(b'\n'), 1 => any::<u8>()
            ], 0..1_500),
            whole in any::<bool>(),
        ) {
            bytes.extend_from_slice(b"\"\"");
            let (mut places, mut odd, ascii) = plainly(&bytes);
            places.truncate(places.len() & !1);
            let last = places.last().copied().unwrap_or(0);
            odd.retain(|at| *at < last);
            for way in Way::all() {
                let mut quotes = Quotes { way: Some(way), ..Quotes::default() };
                prop_assert_eq!(read(&mut quotes, &bytes, whole), (places.clone(), odd.clone(), ascii), "{:?}", way);
            }
        }

        #[test]
        fn dots_in_keys_are_told(
            values in proptest::collection::vec("[x\\\\.]{0,9}|x{0,70}", 1..9),
            keys in proptest::collection::vec("[x\\\\]{0,5}|x{50,70}|[x.]{2}|x{0,70}\\.x{0,70}", 1..9),
            whole in any::<bool>(),
        ) {
            let quoted = |text: &str| serde_json::to_string(text).unwrap();
            let pairs: Vec<String> = keys.iter().zip(&values).map(|(key, value)| format!("{}:{},1.5", quoted(key), quoted(value))).collect();
            let text = pairs.join(",");
            let dotted = keys.iter().zip(&values).any(|(key, _)| key.contains('.'));
            for way in Way::all() {
                let mut quotes = Quotes { way: Some(way), ..Quotes::default() };
                read(&mut quotes, text.as_bytes(), whole);
                prop_assert!(quotes.dotted || !dotted);
                // Nor are they told where there are none, except where a chunk ends.
                let known = text.len() < SHORT_CHUNK && !matches!(way, Way::Portable);
                prop_assert!(!known || quotes.dotted == dotted);
            }
        }
    }
}
