//! Eight bytes at a time in a word, where there are no vector instructions or the text is too short for them.

/// The highest bit of every byte.
pub(crate) const HIGH: u64 = repeated(0x80);
const LOW: u64 = repeated(0x7F);

/// A byte, eight times.
pub(crate) const fn repeated(byte: u8) -> u64 {
    byte as u64 * 0x0101_0101_0101_0101
}

/// The highest bit of each byte that is this one.
#[inline(always)]
pub(crate) fn equal(word: u64, byte: u8) -> u64 {
    let differs = word ^ repeated(byte);
    // No byte carries into the next.
    !(((differs & LOW) + LOW) | differs | LOW)
}

/// The highest bit of each byte that is below this one, which is at most 0x80.
#[inline(always)]
pub(crate) fn below(word: u64, byte: u8) -> u64 {
    !(((word & LOW) + repeated(0x80 - byte)) | word) & HIGH
}

/// The highest bits of the bytes, the first one lowest.
#[inline(always)]
pub(crate) fn bits(high: u64) -> u64 {
    (high >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn byte_by_byte(bytes in any::<[u8; 8]>(), byte in 0u8..=0x80) {
            let mask = |is: &dyn Fn(u8) -> bool| bytes.iter().rev().fold(0, |mask, byte| mask << 1 | u64::from(is(*byte)));
            let word = u64::from_le_bytes(bytes);
            prop_assert_eq!(bits(equal(word, byte)), mask(&|other| other == byte));
            prop_assert_eq!(bits(equal(word, bytes[3])), mask(&|other| other == bytes[3]));
            prop_assert_eq!(bits(below(word, byte)), mask(&|other| other < byte));
            prop_assert_eq!(bits(word & HIGH), mask(&|other| other >= 0x80));
        }
    }
}
