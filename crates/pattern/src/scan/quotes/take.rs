//! What is made of the blocks of a chunk: the places of quotes, and what is unusual.

use super::blocks::{BLOCK, Block, Unusual};
use super::{NONE, Quotes};

impl Quotes {
    /// Takes what is seen of the blocks of a chunk.
    #[inline(always)]
    pub(super) fn take(
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
pub(super) fn put(mut bits: u64, start: u32, places: &mut [u32; BLOCK]) {
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

    proptest! {
        #[test]
        fn escapes_as_byte_by_byte(backslashes in any::<u64>(), more in any::<u64>(), carry: bool) {
            let backslashes = backslashes | more;
            let (mut expected, mut before) = (0u64, carry);
            for at in 0..64 {
                expected |= u64::from(before) << at;
                before = !before && backslashes >> at & 1 == 1;
            }
            let mut carry = u64::from(carry);
            prop_assert_eq!(escaped(backslashes, &mut carry), expected);
            prop_assert_eq!(carry, u64::from(before));
        }

        #[test]
        fn parity_as_bit_by_bit(bits in any::<u64>()) {
            let expected = (0..64).fold(0, |all, at| all | u64::from((bits << (63 - at)).count_ones() & 1) << at);
            prop_assert_eq!(prefix_xor(bits), expected);
        }
    }
}
