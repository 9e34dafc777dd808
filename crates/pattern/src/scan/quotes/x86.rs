//! The same by AVX2, where the processor has it: the one place of the crate with `unsafe`.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_set1_epi8,
};

use super::Quotes;
use super::blocks::{BLOCK, Block, Unusual};

/// Looks at a chunk; `false` if this processor has no AVX2.
#[inline]
pub(super) fn take(quotes: &mut Quotes, chunk: &[u8]) -> bool {
    if !has_avx2() {
        return false;
    }
    // SAFETY: the processor has what the function was compiled for.
    unsafe { take_avx2(quotes, chunk) };
    true
}

#[inline]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("popcnt")
}

#[target_feature(enable = "avx2,bmi1,popcnt")]
fn take_avx2(quotes: &mut Quotes, chunk: &[u8]) {
    quotes.take(chunk, |bytes| block(bytes), |bytes| unusual(bytes));
}

#[target_feature(enable = "avx2")]
#[inline]
fn block(bytes: &[u8; BLOCK]) -> Block {
    let quote = _mm256_set1_epi8(b'"'.cast_signed());
    let backslash = _mm256_set1_epi8(b'\\'.cast_signed());
    let space = _mm256_set1_epi8(b' '.cast_signed());
    let half = |bytes| {
        let odd = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, backslash), _mm256_cmpgt_epi8(space, bytes));
        // Compared as signed: bytes that are not ASCII are below the space as control characters are.
        (_mm256_cmpeq_epi8(bytes, quote), odd)
    };
    let (low, high) = halves(bytes);
    let (low, high) = (half(low), half(high));
    Block { quotes: mask(low.0, high.0), unusual: mask(low.1, high.1) }
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

#[cfg(test)]
pub(super) fn all(bytes: &[u8; BLOCK]) -> Option<(Block, Unusual)> {
    // SAFETY: as above.
    has_avx2().then(|| unsafe { (block(bytes), unusual(bytes)) })
}
