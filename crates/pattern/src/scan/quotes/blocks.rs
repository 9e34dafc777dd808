//! What is seen of 64 bytes, by eight at a time; and which way is the fastest here.

use super::Quotes;
use super::take::put;
#[cfg(target_arch = "x86_64")]
use super::x86::{Avx2, Avx512};
use crate::swar::{HIGH, below, bits, equal};

/// Bytes in a block: one bit of a word for each.
pub(super) const BLOCK: usize = 64;

/// What is asked of every block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) quotes: u64,
    /// Backslashes, control characters, bytes that are not ASCII.
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

/// A way to look at blocks that this processor has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    /// Eight bytes at a time.
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Way {
    pub(super) fn fastest() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(way) = Avx512::detect().map(Self::Avx512).or_else(|| Avx2::detect().map(Self::Avx2)) {
            return way;
        }
        Self::Portable
    }

    #[cfg(test)]
    pub(super) fn all() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "there is one way"))]
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        all.extend(Avx2::detect().map(Self::Avx2).into_iter().chain(Avx512::detect().map(Self::Avx512)));
        all
    }

    /// Looks at the blocks of a chunk.
    #[inline]
    pub(super) fn take(self, quotes: &mut Quotes, chunk: &[u8]) {
        match self {
            Self::Portable => {
                quotes.dotted = true; // to look for dots here costs more than to look into every key
                quotes.take(chunk, block, unusual, put);
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(way) => way.take(quotes, chunk),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(way) => way.take(quotes, chunk),
        }
    }

    /// What is seen of a block that begins at 7, and where its quotes are put.
    #[cfg(test)]
    fn look(self, bytes: &[u8; BLOCK]) -> (Block, Unusual, Vec<u32>) {
        let mut places = [0; BLOCK];
        let (block, unusual) = match self {
            Self::Portable => {
                put(block(bytes).quotes, 7, &mut places);
                (block(bytes), unusual(bytes))
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(way) => way.look(bytes, 7, &mut places),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(way) => way.look(bytes, 7, &mut places),
        };
        (block, unusual, places[..block.quotes.count_ones() as usize].to_vec())
    }
}

fn block(bytes: &[u8; BLOCK]) -> Block {
    let (mut quotes, mut unusual) = (0, 0);
    for word in words(bytes) {
        quotes = quotes >> 8 | bits(equal(word, b'"')) << 56;
        unusual = unusual >> 8 | bits(equal(word, b'\\') | below(word, b' ') | word & HIGH) << 56;
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

fn words(bytes: &[u8; BLOCK]) -> impl Iterator<Item = u64> + '_ {
    bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
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
            for way in Way::all() {
                let (found, details, put) = way.look(bytes);
                prop_assert_eq!(&put, &places);
                prop_assert_eq!(found.quotes, block.quotes);
                prop_assert_eq!(found.unusual, block.unusual);
                prop_assert_eq!(details, unusual);
                prop_assert!(found.colons == 0 || (found.dots, found.colons) == (block.dots, block.colons));
            }
        }
    }
}
