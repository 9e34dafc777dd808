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
#[cfg(target_arch = "x86_64")]
mod x86;

use blocks::{BLOCK, Block, Unusual};

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
        blocks::fastest(self, chunk);
        self.seen += chunk.len();
        for place in self.places.iter_mut().skip(self.count).take(2) {
            *place = NONE;
        }
        self.odd.push(NONE);
        self.odd_at = self.odd.first().copied().unwrap_or(NONE);
        self.plain_to = if self.dotted { 0 } else { self.odd_at };
    }

    /// Takes what is seen of the blocks of a chunk.
    #[inline(always)]
    fn take(
        &mut self,
        chunk: &[u8],
        block: impl Fn(&[u8; BLOCK]) -> Block,
        unusual: impl Fn(&[u8; BLOCK]) -> Unusual,
        put: impl Fn(u64, u32, &mut [u32; BLOCK]),
    ) {
        let (whole, rest) = chunk.as_chunks::<BLOCK>();
        let start = u32::try_from(self.seen).unwrap_or(NONE);
        self.take_blocks(whole, start, &block, &unusual, &put);
        if !rest.is_empty() {
            let start = start.wrapping_add(u32::try_from(chunk.len() - rest.len()).unwrap_or(NONE));
            // The last bytes again with some before them, which then do not count.
            let before = u32::try_from(BLOCK - rest.len()).unwrap_or(0);
            let block = |bytes: &_| block(bytes).without(before);
            let unusual = |bytes: &_| unusual(bytes).without(before);
            if let Some(last) = chunk.last_chunk() {
                self.take_blocks(std::slice::from_ref(last), start, &block, &unusual, &put);
            } else {
                let mut last = [b' '; BLOCK];
                for (to, from) in last.iter_mut().rev().zip(rest.iter().rev()) {
                    *to = *from;
                }
                self.take_blocks(&[last], start, &block, &unusual, &put);
            }
        }
        // What follows the last byte is not known.
        self.dotted |= self.state.dotted != 0;
    }

    #[inline(always)]
    fn take_blocks(
        &mut self,
        blocks: &[[u8; BLOCK]],
        mut start: u32,
        block: &impl Fn(&[u8; BLOCK]) -> Block,
        unusual: &impl Fn(&[u8; BLOCK]) -> Unusual,
        put: &impl Fn(u64, u32, &mut [u32; BLOCK]),
    ) {
        let mut state = self.state;
        let mut count = self.count;
        let mut dotted_keys = 0;
        for bytes in blocks {
            let Block { mut quotes, unusual: odd, dots, colons } = block(bytes);
            if (odd | state.escaped) != 0 {
                let inside = count & 1 == 1;
                (quotes, state.escaped) = self.unusual(start, quotes, unusual(bytes), inside, state.escaped);
            }
            let places = self.places.get_mut(count..count + BLOCK);
            let Some(places) = places.and_then(<[u32]>::first_chunk_mut::<BLOCK>) else { return };
            put(quotes, start, places);
            count += quotes.count_ones() as usize;
            // Adding a dot to what is between quotes runs over to the next quote, over the end of the block if need be.
            let (sum, over) = (!quotes).overflowing_add(dots);
            let (sum, carried_over) = sum.overflowing_add(state.dot);
            state.dot = u64::from(over | carried_over);
            let dotted = sum & quotes;
            dotted_keys |= (dotted << 1 | state.dotted) & colons;
            state.dotted = dotted >> 63;
            start = start.wrapping_add(64);
        }
        self.count = count;
        self.state = state;
        self.dotted |= dotted_keys != 0;
    }

    /// Returns the quotes of a block that are not escaped, and whether the next block begins escaped. Notes what is unusual.
    #[cold]
    #[inline(never)]
    fn unusual(
        &mut self,
        start: u32,
        quotes: u64,
        unusual: Unusual,
        inside: bool,
        mut carry: u64,
    ) -> (u64, u64) {
        self.high |= unusual.high != 0;
        let escaped = escaped(unusual.backslashes, &mut carry);
        let quotes = quotes & !escaped;
        let mut odd = unusual.backslashes & !escaped;
        if unusual.controls != 0 {
            odd |= unusual.controls & (prefix_xor(quotes) ^ if inside { u64::MAX } else { 0 });
        }
        while odd != 0 {
            self.odd.push(start.wrapping_add(odd.trailing_zeros()));
            odd &= odd - 1;
        }
        (quotes, carry)
    }
}

/// Writes the places of the bits of a word, eight at a time: that is faster than asking before each.
#[inline(always)]
fn put(mut bits: u64, start: u32, places: &mut [u32; BLOCK]) {
    for eight in places.as_chunks_mut::<8>().0 {
        for place in eight {
            *place = start.wrapping_add(bits.trailing_zeros());
            bits &= bits.wrapping_sub(1);
        }
        if bits == 0 {
            return;
        }
    }
}

/// The bytes that a backslash before them escapes. `carry`: the first byte is, and the same for the next block.
fn escaped(backslashes: u64, carry: &mut u64) -> u64 {
    // As simdjson does it: in a row of backslashes every second one escapes what follows it. Adding a row's beginning to
    // it runs over its end; of rows that begin at odd places the result is the other way round.
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let backslashes = backslashes & !*carry;
    let follows = backslashes << 1 | *carry;
    let odd_starts = backslashes & !EVEN & !follows;
    let (sums, over) = odd_starts.overflowing_add(backslashes);
    *carry = u64::from(over);
    (EVEN ^ (sums << 1)) & follows
}

/// For each bit, whether the number of bits up to it is odd.
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
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

    fn read(bytes: &[u8], whole: bool) -> (Vec<u32>, Vec<u32>, bool) {
        read_with(&mut Quotes::default(), bytes, whole)
    }

    fn read_with(quotes: &mut Quotes, bytes: &[u8], whole: bool) -> (Vec<u32>, Vec<u32>, bool) {
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
            prop_assert_eq!(read(&bytes, whole), (places, odd, ascii));
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
            let mut quotes = Quotes::default();
            read_with(&mut quotes, text.as_bytes(), whole);
            let dotted = keys.iter().zip(&values).any(|(key, _)| key.contains('.'));
            prop_assert!(quotes.dotted || !dotted);
            // Nor are they told where there are none, except where a chunk ends.
            let known = text.len() < SHORT_CHUNK && blocks::all(&[0; BLOCK]).len() > 1;
            prop_assert!(!known || quotes.dotted == dotted);
        }

        #[test]
        fn blocks_agree(bytes in proptest::collection::vec(prop_oneof![3 => Just(b'"'), 2 => Just(b'\\'), 1 => Just(b'.'), 1 => Just(b':'), 5 => any::<u8>()], 64)) {
            let bytes = bytes.as_array().unwrap();
            let mask = |is: fn(u8) -> bool| bytes.iter().rev().fold(0, |mask, byte| mask << 1 | u64::from(is(*byte)));
            let block = Block {
                quotes: mask(|byte| byte == b'"'),
                unusual: mask(|byte| byte == b'\\' || !(0x20..0x80).contains(&byte)),
                dots: mask(|byte| byte == b'.'),
                colons: mask(|byte| byte == b':'),
            };
            let unusual = Unusual {
                backslashes: mask(|byte| byte == b'\\'),
                controls: mask(|byte| byte < 0x20),
                high: mask(|byte| byte >= 0x80),
            };
            let places: Vec<u32> = (0..64).filter(|at| block.quotes >> at & 1 == 1).map(|at| at + 7).collect();
            for (found, details, put) in blocks::all(bytes) {
                prop_assert_eq!(&put, &places);
                prop_assert_eq!(found.quotes, block.quotes);
                prop_assert_eq!(found.unusual != 0, block.unusual != 0);
                prop_assert_eq!(details, unusual);
                prop_assert!(found.colons == 0 || (found.dots, found.colons) == (block.dots, block.colons));
            }
        }
    }
}
