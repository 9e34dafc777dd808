//! Where strings end: the innermost question of the crate.

use crate::error::{EventError, EventErrorKind};

#[cfg(target_arch = "aarch64")]
use memchr::arch::aarch64::neon::memchr::Two;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use memchr::arch::all::memchr::Two;
// SSE2 is part of every x86-64: the compiler can put the search where it is needed, without a call. AVX2 would need one,
// and most strings are short.
#[cfg(target_arch = "x86_64")]
use memchr::arch::x86_64::sse2::memchr::Two;

/// A text whose strings are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'e> {
    pub(super) bytes: &'e [u8],
    quotes: Option<Two>,
    /// Control characters occur: as space between values, or where they are not allowed.
    controls: bool,
}

impl<'e> Text<'e> {
    /// Takes a text that is UTF-8.
    pub(super) fn new(bytes: &'e [u8]) -> Result<Self, EventError> {
        let seen = Seen::of(bytes);
        if !seen.ascii
            && let Err(error) = std::str::from_utf8(bytes)
        {
            return Err(EventError::new(EventErrorKind::Utf8, error.valid_up_to()));
        }
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        let quotes = Two::new(b'"', b'\\');
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let quotes = Some(Two::new(b'"', b'\\'));
        Ok(Self { bytes, quotes, controls: seen.controls })
    }

    /// Returns where the closing quote of a string is, and whether there are escapes. `at` is the byte after its opening
    /// quote.
    #[inline(always)]
    pub(super) fn string_end(&self, at: usize) -> Result<(usize, bool), EventError> {
        if !self.controls
            && let Some(rest) = self.bytes.get(at..)
            && let Some(found) = self.find(rest)
            && rest.get(found) == Some(&b'"')
        {
            return Ok((at + found, false));
        }
        self.odd_string_end(at)
    }

    /// The same where there are escapes, or control characters to look for.
    #[cold]
    #[inline(never)]
    fn odd_string_end(&self, start: usize) -> Result<(usize, bool), EventError> {
        let mut at = start;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let Some(found) = self.find(rest) else {
                return Err(EventError::new(EventErrorKind::End, self.bytes.len()));
            };
            at += found;
            if self.bytes.get(at) == Some(&b'"') {
                break;
            }
            at = escape_end(self.bytes, at)?;
        }
        let text = self.bytes.get(start..at).unwrap_or_default();
        if self.controls
            && let Some(control) = text.iter().position(|byte| *byte < 0x20)
        {
            return Err(EventError::new(EventErrorKind::Control, start + control));
        }
        Ok((at, memchr::memchr(b'\\', text).is_some()))
    }

    #[inline(always)]
    fn find(&self, text: &[u8]) -> Option<usize> {
        match &self.quotes {
            Some(quotes) => quotes.find(text),
            None => memchr::memchr2(b'"', b'\\', text),
        }
    }
}

/// What is seen of a text in one pass over all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    ascii: bool,
    controls: bool,
}

impl Seen {
    /// Written so that compilers make vector instructions of it.
    fn of(bytes: &[u8]) -> Self {
        let (mut high, mut low) = ([0u8; 32], [0u8; 32]);
        let (chunks, rest) = bytes.as_chunks::<32>();
        for chunk in chunks {
            for ((byte, high), low) in chunk.iter().zip(&mut high).zip(&mut low) {
                *high |= byte;
                *low |= u8::from(*byte < 0x20);
            }
        }
        let ascii = high.iter().chain(rest).all(|byte| *byte < 0x80);
        Self { ascii, controls: low.iter().any(|low| *low > 0) || rest.iter().any(|byte| *byte < 0x20) }
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
        let end = |text: &str| Text::new(text.as_bytes()).unwrap().string_end(0);
        for length in 0..100 {
            assert_eq!(end(&format!("{}\"rest", "a".repeat(length))), Ok((length, false)));
            let text = format!("{}\\\"\\u00e9{}\"", "a".repeat(length), "b".repeat(length));
            assert_eq!(end(&text), Ok((2 * length + 8, true)));
            assert_eq!(end(&format!("{}\"\n", "é".repeat(length))), Ok((2 * length, false)));
            let control = end(&format!("{}\n\"", "é".repeat(length))).unwrap_err();
            assert_eq!((control.kind(), control.byte()), (EventErrorKind::Control, 2 * length));
            assert_eq!(end(&"a".repeat(length)).unwrap_err().kind(), EventErrorKind::End);
        }
    }

    proptest! {
        #[test]
        fn one_pass_sees_all(bytes in proptest::collection::vec(prop_oneof![9 => 0x20u8..0x80, 1 => any::<u8>()], 0..100)) {
            let seen = Seen { ascii: bytes.is_ascii(), controls: bytes.iter().any(|byte| *byte < 0x20) };
            prop_assert_eq!(Seen::of(&bytes), seen);
        }
    }
}
