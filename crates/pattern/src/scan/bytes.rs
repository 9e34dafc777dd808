//! Where strings end: the innermost loop of the crate, many bytes at a time.

use crate::error::{EventError, EventErrorKind};

/// How many bytes are looked at together.
const WIDTH: usize = 32;

/// Returns where the closing quote of a string is, and whether there were escapes. `at` is the byte after its opening quote.
#[inline]
pub(super) fn string_end(bytes: &[u8], mut at: usize) -> Result<(usize, bool), EventError> {
    let mut escaped = false;
    loop {
        if let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<WIDTH>) {
            let mask = special(chunk);
            if mask == 0 {
                at += WIDTH;
                continue;
            }
            at += mask.trailing_zeros() as usize;
        } else {
            let rest = bytes.get(at..).unwrap_or_default();
            match rest.iter().position(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\') {
                Some(found) => at += found,
                None => return Err(EventError::new(EventErrorKind::End, bytes.len())),
            }
        }
        match bytes.get(at) {
            Some(b'"') => return Ok((at, escaped)),
            Some(b'\\') => {
                escaped = true;
                at = escape_end(bytes, at)?;
            }
            _ => return Err(EventError::new(EventErrorKind::Control, at)),
        }
    }
}

/// Returns the byte after an escape.
#[cold]
fn escape_end(bytes: &[u8], at: usize) -> Result<usize, EventError> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match bytes.get(at + 2..at + 6) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(at + 6),
            _ => Err(EventError::new(EventErrorKind::Escape, at)),
        },
        Some(_) => Err(EventError::new(EventErrorKind::Escape, at)),
        None => Err(EventError::new(EventErrorKind::End, bytes.len())),
    }
}

/// One bit for each byte that is a quote, a backslash or a control character.
///
/// Written so that compilers turn the loop into a few vector instructions, which every 64-bit machine has; the multiplication
/// gathers one bit of each of eight bytes. No `unsafe`, no detection.
#[inline(always)]
fn special(chunk: &[u8; WIDTH]) -> u32 {
    let mut flags = [0u8; WIDTH];
    for (flag, byte) in flags.iter_mut().zip(chunk) {
        *flag = u8::from(*byte == b'"') | u8::from(*byte == b'\\') | u8::from(*byte < 0x20);
    }
    let mut mask = 0u64;
    for (at, flags) in flags.as_chunks::<8>().0.iter().enumerate() {
        let bits = u64::from_le_bytes(*flags).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        mask |= bits << (8 * at);
    }
    #[expect(clippy::cast_possible_truncation, reason = "32 bytes, 32 bits")]
    let mask = mask as u32;
    mask
}

/// Returns the first byte from `at` on that is no space.
#[inline]
pub(super) fn space(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(byte) if *byte > b' ' => at,
        _ => long_space(bytes, at),
    }
}

#[cold]
fn long_space(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).unwrap_or(rest.len())
}

/// Returns the byte after a number.
pub(super) fn number_end(bytes: &[u8], start: usize) -> Result<usize, EventError> {
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let wrong = |at: usize| {
        let kind = if at < bytes.len() { EventErrorKind::Number } else { EventErrorKind::End };
        Err(EventError::new(kind, at))
    };
    let first = start + usize::from(bytes.get(start) == Some(&b'-'));
    let mut at = digits(first);
    if at == first || at > first + 1 && bytes.get(first) == Some(&b'0') {
        return wrong(first);
    }
    if bytes.get(at) == Some(&b'.') {
        let end = digits(at + 1);
        if end == at + 1 {
            return wrong(end);
        }
        at = end;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let first = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let end = digits(first);
        if end == first {
            return wrong(end);
        }
        at = end;
    }
    Ok(at)
}

/// An error for the byte that stands where it should not, or for its absence.
#[cold]
pub(super) fn unexpected(bytes: &[u8], at: usize) -> EventError {
    if at < bytes.len() {
        EventError::new(EventErrorKind::Unexpected, at)
    } else {
        EventError::new(EventErrorKind::End, bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends_of_strings() {
        for length in 0..100 {
            let text = format!("{}\"rest", "a".repeat(length));
            assert_eq!(string_end(text.as_bytes(), 0), Ok((length, false)));
            let text = format!("{}\\\"\\u00e9{}\"", "a".repeat(length), "b".repeat(length));
            assert_eq!(string_end(text.as_bytes(), 0), Ok((2 * length + 8, true)));
            let text = format!("{}\n\"", "é".repeat(length));
            assert_eq!(string_end(text.as_bytes(), 0).unwrap_err().kind(), EventErrorKind::Control);
        }
    }

    proptest! {
        #[test]
        fn special_bytes_are_seen_by_all(chunk in any::<[u8; WIDTH]>()) {
            let mut plain = 0u32;
            for (at, byte) in chunk.iter().enumerate() {
                plain |= u32::from(*byte < 0x20 || *byte == b'"' || *byte == b'\\') << at;
            }
            prop_assert_eq!(special(&chunk), plain);
        }
    }
}
