//! The same by AVX2 or AVX-512, where the processor has them: the one place of the crate with `unsafe`.
//!
//! It is needed for three things: to call what was compiled for a processor that has them, which a value of [`Avx2`] or
//! [`Avx512`] proves; to load from and store to arrays of the right length; and to hint at memory. Everything that is
//! decided by what is seen is decided elsewhere, and property tests hold all ways equal.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, __m512i, _MM_HINT_T0, _mm_prefetch, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_loadu_si256,
    _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm512_add_epi32, _mm512_castsi512_si128,
    _mm512_cmpeq_epi8_mask, _mm512_cmplt_epi8_mask, _mm512_cvtepu8_epi32, _mm512_extracti32x4_epi32,
    _mm512_loadu_si512, _mm512_maskz_compress_epi8, _mm512_movepi8_mask, _mm512_set1_epi8, _mm512_set1_epi32,
    _mm512_storeu_si512,
};

use super::Quotes;
use super::blocks::{BLOCK, Block, Unusual};
use super::take::put;

/// The processor has AVX2, or what is made of it could not be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2(());

/// The same of what Intel has since Ice Lake, and AMD since Zen 4.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx512(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("popcnt");
        has.then_some(Self(()))
    }

    #[inline]
    pub(super) fn take(self, quotes: &mut Quotes, chunk: &[u8]) {
        prefetch(chunk);
        // SAFETY: the processor has what the function was compiled for: otherwise there were no `self`.
        unsafe { take_avx2(quotes, chunk) }
    }

    #[cfg(test)]
    pub(super) fn look(self, bytes: &[u8; BLOCK], start: u32, places: &mut [u32; BLOCK]) -> (Block, Unusual) {
        // SAFETY: as above.
        let (block, unusual) = unsafe { (block(bytes), unusual(bytes)) };
        put(block.quotes, start, places);
        (block, unusual)
    }
}

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vbmi2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("popcnt");
        has.then_some(Self(()))
    }

    #[inline]
    pub(super) fn take(self, quotes: &mut Quotes, chunk: &[u8]) {
        prefetch(chunk);
        // SAFETY: the processor has what the function was compiled for: otherwise there were no `self`.
        unsafe { take_avx512(quotes, chunk) }
    }

    #[cfg(test)]
    pub(super) fn look(self, bytes: &[u8; BLOCK], start: u32, places: &mut [u32; BLOCK]) -> (Block, Unusual) {
        // SAFETY: as above.
        unsafe {
            let block = block_512(bytes);
            put_512(block.quotes, start, places);
            (block, unusual_512(bytes))
        }
    }
}

/// Asks for as much memory behind a chunk as the chunk is long: where events lie one behind the other it is the next one,
/// and comes from memory while this one is read.
#[inline]
fn prefetch(chunk: &[u8]) {
    let behind = chunk.as_ptr().wrapping_add(chunk.len());
    for at in (0..chunk.len()).step_by(BLOCK) {
        // SAFETY: a hint that reads nothing and may name any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(behind.wrapping_add(at).cast()) };
    }
}

#[target_feature(enable = "avx512bw,avx512vbmi2,bmi1,popcnt")]
fn take_avx512(quotes: &mut Quotes, chunk: &[u8]) {
    quotes.take(
        chunk,
        |bytes| block_512(bytes),
        |bytes| unusual_512(bytes),
        |bits, start, to| put_512(bits, start, to),
    );
}

#[target_feature(enable = "avx512bw")]
#[inline]
fn block_512(bytes: &[u8; BLOCK]) -> Block {
    let bytes = load_512(bytes);
    let equal = |byte: u8| _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte.cast_signed()));
    // Compared as signed: bytes that are not ASCII are below the space as control characters are.
    let low = _mm512_cmplt_epi8_mask(bytes, _mm512_set1_epi8(b' '.cast_signed()));
    Block { quotes: equal(b'"'), unusual: equal(b'\\') | low, dots: equal(b'.'), colons: equal(b':') }
}

#[target_feature(enable = "avx512bw")]
#[inline]
fn unusual_512(bytes: &[u8; BLOCK]) -> Unusual {
    let bytes = load_512(bytes);
    let high = _mm512_movepi8_mask(bytes);
    Unusual {
        backslashes: _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(b'\\'.cast_signed())),
        controls: _mm512_cmplt_epi8_mask(bytes, _mm512_set1_epi8(b' '.cast_signed())) & !high,
        high,
    }
}

/// Writes the places of the bits of a word: the numbers of a block's bytes, those without a bit left out.
#[target_feature(enable = "avx512bw,avx512vbmi2,popcnt")]
#[inline]
fn put_512(bits: u64, start: u32, places: &mut [u32; BLOCK]) {
    let places = places.as_chunks_mut::<16>().0;
    let [first, rest @ ..] = places else { return };
    let numbers = _mm512_maskz_compress_epi8(bits, load_512(&NUMBERS));
    let start = _mm512_set1_epi32(start.cast_signed());
    store_512(first, _mm512_add_epi32(start, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(numbers))));
    if bits.count_ones() > 16 {
        let [second, third, fourth] = rest else { return };
        let quarters = [
            (second, _mm512_extracti32x4_epi32::<1>(numbers)),
            (third, _mm512_extracti32x4_epi32::<2>(numbers)),
            (fourth, _mm512_extracti32x4_epi32::<3>(numbers)),
        ];
        for (places, numbers) in quarters {
            store_512(places, _mm512_add_epi32(start, _mm512_cvtepu8_epi32(numbers)));
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "64 numbers, when it is compiled"
)]
const NUMBERS: [u8; BLOCK] = {
    let mut numbers = [0; BLOCK];
    let mut at = 0;
    while at < BLOCK {
        numbers[at] = at as u8;
        at += 1;
    }
    numbers
};

#[target_feature(enable = "avx512bw")]
#[inline]
fn load_512(bytes: &[u8; BLOCK]) -> __m512i {
    // SAFETY: reads the 64 bytes of the array; needs no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx512bw")]
#[inline]
fn store_512(places: &mut [u32; 16], words: __m512i) {
    // SAFETY: writes the 64 bytes of the array; needs no alignment.
    unsafe { _mm512_storeu_si512(places.as_mut_ptr().cast(), words) }
}

#[target_feature(enable = "avx2,bmi1,popcnt")]
fn take_avx2(quotes: &mut Quotes, chunk: &[u8]) {
    quotes.take(chunk, |bytes| block(bytes), |bytes| unusual(bytes), put);
}

#[target_feature(enable = "avx2")]
#[inline]
fn block(bytes: &[u8; BLOCK]) -> Block {
    let (low, high) = halves(bytes);
    let equal = |byte: u8| {
        let byte = _mm256_set1_epi8(byte.cast_signed());
        (_mm256_cmpeq_epi8(low, byte), _mm256_cmpeq_epi8(high, byte))
    };
    // Compared as signed: bytes that are not ASCII are below the space as control characters are.
    let space = _mm256_set1_epi8(b' '.cast_signed());
    let (quotes, backslashes, dots, colons) = (equal(b'"'), equal(b'\\'), equal(b'.'), equal(b':'));
    Block {
        quotes: mask(quotes.0, quotes.1),
        unusual: mask(
            _mm256_or_si256(backslashes.0, _mm256_cmpgt_epi8(space, low)),
            _mm256_or_si256(backslashes.1, _mm256_cmpgt_epi8(space, high)),
        ),
        dots: mask(dots.0, dots.1),
        colons: mask(colons.0, colons.1),
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn unusual(bytes: &[u8; BLOCK]) -> Unusual {
    let (low, high) = halves(bytes);
    let backslash = _mm256_set1_epi8(b'\\'.cast_signed());
    let space = _mm256_set1_epi8(b' '.cast_signed());
    let not_ascii = mask(low, high);
    Unusual {
        backslashes: mask(_mm256_cmpeq_epi8(low, backslash), _mm256_cmpeq_epi8(high, backslash)),
        controls: mask(_mm256_cmpgt_epi8(space, low), _mm256_cmpgt_epi8(space, high)) & !not_ascii,
        high: not_ascii,
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn halves(bytes: &[u8; BLOCK]) -> (__m256i, __m256i) {
    let start = bytes.as_ptr();
    // SAFETY: both read 32 bytes inside the array; these loads need no alignment.
    unsafe { (_mm256_loadu_si256(start.cast()), _mm256_loadu_si256(start.add(32).cast())) }
}

/// The highest bit of each byte.
#[target_feature(enable = "avx2")]
#[inline]
fn mask(low: __m256i, high: __m256i) -> u64 {
    let half = |bytes| u64::from(_mm256_movemask_epi8(bytes).cast_unsigned());
    half(low) | half(high) << 32
}
