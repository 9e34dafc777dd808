//! The same by AVX2 or AVX-512, where the processor has them: the one place of the crate with `unsafe`.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, __m512i, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_loadu_si256, _mm256_movemask_epi8,
    _mm256_or_si256, _mm256_set1_epi8, _mm512_add_epi32, _mm512_castsi512_si128, _mm512_cmpeq_epi8_mask,
    _mm512_cmplt_epi8_mask, _mm512_cvtepu8_epi32, _mm512_extracti32x4_epi32, _mm512_loadu_si512,
    _mm512_maskz_compress_epi8, _mm512_movepi8_mask, _mm512_set1_epi8, _mm512_set1_epi32,
    _mm512_storeu_si512,
};

use super::blocks::{BLOCK, Block, Unusual};
use super::{Quotes, put};

/// Looks at a chunk; `false` if this processor has nothing special.
#[inline]
pub(super) fn take(quotes: &mut Quotes, chunk: &[u8]) -> bool {
    let behind = chunk.as_ptr().wrapping_add(chunk.len());
    for at in (0..chunk.len()).step_by(64) {
        // SAFETY: a hint that reads nothing: any address will do.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(
                behind.wrapping_add(at).cast(),
            )
        };
    }
    if has_avx512() {
        // SAFETY: the processor has what the function was compiled for.
        unsafe { take_avx512(quotes, chunk) };
        return true;
    }
    if has_avx2() {
        // SAFETY: as above.
        unsafe { take_avx2(quotes, chunk) };
        return true;
    }
    false
}

#[inline]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("popcnt")
}

/// Whether there is what Intel has since Ice Lake and AMD since Zen 4.
#[inline]
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("popcnt")
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

/// Writes the places of the bits of a word. The numbers of the bytes in a block, those without a bit left out.
#[target_feature(enable = "avx512bw,avx512vbmi2,popcnt")]
#[inline]
fn put_512(bits: u64, start: u32, places: &mut [u32; BLOCK]) {
    const NUMBERS: [u8; BLOCK] = {
        let mut numbers = [0; BLOCK];
        let mut at = 0;
        while at < BLOCK {
            numbers[at] = at as u8;
            at += 1;
        }
        numbers
    };
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

#[cfg(test)]
pub(super) fn all(bytes: &[u8; BLOCK]) -> Vec<(Block, Unusual, Vec<u32>)> {
    let mut places = [0; BLOCK];
    let mut all = Vec::new();
    if has_avx2() {
        // SAFETY: the processor has what the functions were compiled for.
        let (block, unusual) = unsafe { (block(bytes), unusual(bytes)) };
        put(block.quotes, 7, &mut places);
        all.push((block, unusual, places[..block.quotes.count_ones() as usize].to_vec()));
    }
    if has_avx512() {
        // SAFETY: as above.
        let (block, unusual) = unsafe { (block_512(bytes), unusual_512(bytes)) };
        // SAFETY: as above.
        unsafe { put_512(block.quotes, 7, &mut places) };
        all.push((block, unusual, places[..block.quotes.count_ones() as usize].to_vec()));
    }
    all
}
