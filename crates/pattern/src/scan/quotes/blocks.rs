//! What is seen of 64 bytes, by eight at a time; and which way is the fastest here.

use super::{Quotes, put};
use crate::swar::{HIGH, below, bits, equal};

/// Bytes in a block: one bit of a word for each.
pub(super) const BLOCK: usize = 64;

/// What is asked of every block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) quotes: u64,
    /// Not zero if there is a backslash, a control character or a byte that is not ASCII.
    pub(super) unusual: u64,
    pub(super) dots: u64,
    pub(super) colons: u64,
}

impl Block {
    /// Without its first bytes.
    #[inline(always)]
    pub(super) fn without(self, bytes: u32) -> Self {
        Self {
            quotes: self.quotes >> bytes,
            unusual: self.unusual >> bytes,
            dots: self.dots >> bytes,
            colons: self.colons >> bytes,
        }
    }
}

/// What is asked of a block in which something is unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unusual {
    pub(super) backslashes: u64,
    pub(super) controls: u64,
    pub(super) high: u64,
}

impl Unusual {
    /// Without its first bytes.
    #[inline(always)]
    pub(super) fn without(self, bytes: u32) -> Self {
        Self {
            backslashes: self.backslashes >> bytes,
            controls: self.controls >> bytes,
            high: self.high >> bytes,
        }
    }
}

/// Looks at a chunk in the fastest way that this processor has.
#[inline]
pub(super) fn fastest(quotes: &mut Quotes, chunk: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    if super::x86::take(quotes, chunk) {
        return;
    }
    quotes.dotted = true; // to look for dots here costs more than to look into every key
    quotes.take(chunk, block, unusual, put);
}

fn block(bytes: &[u8; BLOCK]) -> Block {
    let (mut quotes, mut unusual) = (0, 0);
    for word in words(bytes) {
        quotes = quotes >> 8 | bits(equal(word, b'"')) << 56;
        unusual |= equal(word, b'\\') | below(word, b' ') | word & HIGH;
    }
    Block { quotes, unusual, dots: 0, colons: 0 }
}

fn unusual(bytes: &[u8; BLOCK]) -> Unusual {
    let mut unusual = Unusual { backslashes: 0, controls: 0, high: 0 };
    for word in words(bytes) {
        unusual.backslashes = unusual.backslashes >> 8 | bits(equal(word, b'\\')) << 56;
        unusual.controls = unusual.controls >> 8 | bits(below(word, b' ')) << 56;
        unusual.high = unusual.high >> 8 | bits(word & HIGH) << 56;
    }
    unusual
}

/// All ways that this processor has: what they see, and where they put the quotes of a block that begins at 7.
#[cfg(test)]
pub(super) fn all(bytes: &[u8; BLOCK]) -> Vec<(Block, Unusual, Vec<u32>)> {
    let mut places = [0; BLOCK];
    let seen = block(bytes);
    put(seen.quotes, 7, &mut places);
    #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "there is one way"))]
    let mut all = vec![(seen, unusual(bytes), places[..seen.quotes.count_ones() as usize].to_vec())];
    #[cfg(target_arch = "x86_64")]
    all.extend(super::x86::all(bytes));
    all
}

fn words(bytes: &[u8; BLOCK]) -> impl Iterator<Item = u64> + '_ {
    bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word))
}
