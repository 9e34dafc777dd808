//! What a text is made of: strings, numbers, space.

use super::quotes::Quotes;
use crate::error::{EventError, EventErrorKind};

/// A text that is read from its beginning on, every string once and in order.
#[derive(Debug)]
pub(super) struct Text<'e, 'q> {
    pub(super) bytes: &'e [u8],
    quotes: &'q mut Quotes,
}

impl<'e, 'q> Text<'e, 'q> {
    /// Begins to read a text. `whole`: it ends with its object.
    pub(super) fn new(bytes: &'e [u8], whole: bool, quotes: &'q mut Quotes) -> Self {
        quotes.begin(bytes, whole);
        Self { bytes, quotes }
    }

    /// Reads the next string: returns where its closing quote is, and whether there are escapes. Its opening quote is where
    /// the reading stands.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<(usize, bool), EventError> {
        match self.quotes.string() {
            Some(end) => Ok((end as usize, false)),
            None => self.odd_string(),
        }
    }

    /// Reads the key at a place if it is plain: no escapes, no dots, a colon right behind it.
    #[inline(always)]
    pub(super) fn plain_key(&mut self, at: usize) -> Option<PlainKey> {
        const COLON: u64 = u16::from_le_bytes(*b"\":") as u64;
        let end = self.quotes.plain_key(at)? as usize;
        // One look at what is on both sides of the closing quote.
        let around = self.bytes.get(end.wrapping_sub(4)..end + 4)?;
        let around = u64::from_le_bytes(*around.first_chunk()?);
        if around >> 32 & 0xFFFF != COLON {
            return None;
        }
        self.quotes.pass();
        let [_, _, first, second, _, _, value, _] = around.to_le_bytes();
        Some(PlainKey { end, last_two: u16::from_le_bytes([first, second]), value })
    }

    /// Whether a comma and a quote follow the closing quote of a string.
    #[inline(always)]
    pub(super) fn string_follows(&self, end: usize) -> bool {
        let four = self.bytes.get(end..end + 4).and_then(<[u8]>::first_chunk::<4>);
        four.is_some_and(|four| u32::from_le_bytes(*four) & 0xFF_FFFF == u32::from_le_bytes(*b"\",\"\0"))
    }

    #[cold]
    #[inline(never)]
    fn odd_string(&mut self) -> Result<(usize, bool), EventError> {
        let Some((end, odd)) = self.quotes.any_string(self.bytes) else {
            return Err(EventError::new(EventErrorKind::End, self.bytes.len()));
        };
        for at in odd {
            let at = *at as usize;
            match self.bytes.get(at) {
                Some(b'\\') => check_escape(self.bytes, at)?,
                _ => return Err(EventError::new(EventErrorKind::Control, at)),
            }
        }
        Ok((end as usize, !odd.is_empty()))
    }

    /// Checks the encoding of what was read, up to `end`.
    pub(super) fn check_encoding(&self, end: usize) -> Result<(), EventError> {
        if self.quotes.high()
            && let Err(error) = std::str::from_utf8(self.bytes.get(..end).unwrap_or(self.bytes))
        {
            return Err(EventError::new(EventErrorKind::Utf8, error.valid_up_to()));
        }
        Ok(())
    }
}

/// A key without escapes and dots.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlainKey {
    /// Where its closing quote is. The value, or space, begins two bytes further.
    pub(super) end: usize,
    /// The last two bytes before that.
    pub(super) last_two: u16,
    /// The byte that is two bytes further.
    pub(super) value: u8,
}

fn check_escape(bytes: &[u8], at: usize) -> Result<(), EventError> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
        Some(b'u')
            if bytes.get(at + 2..at + 6).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) =>
        {
            Ok(())
        }
        _ => Err(EventError::new(EventErrorKind::Escape, at)),
    }
}

/// Returns the first byte from `at` on that is no space.
#[inline(always)]
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

    #[test]
    fn ends_of_strings() {
        let mut quotes = Quotes::default();
        let mut end = |text: &str| Text::new(text.as_bytes(), true, &mut quotes).string();
        for length in (0..200).chain([4_000, 5_000, 20_000]) {
            assert_eq!(end(&format!("\"{}\"rest", "a".repeat(length))), Ok((length + 1, false)));
            let text = format!("\"{}\\\"\\u00e9{}\"", "a".repeat(length), "b".repeat(length));
            assert_eq!(end(&text), Ok((2 * length + 9, true)));
            assert_eq!(end(&format!("\"{}\"\n", "é".repeat(length))), Ok((2 * length + 1, false)));
            let control = end(&format!("\"{}\n\"", "é".repeat(length))).unwrap_err();
            assert_eq!((control.kind(), control.byte()), (EventErrorKind::Control, 2 * length + 1));
            let escape = end(&format!("\"{}\\x\"", "é".repeat(length))).unwrap_err();
            assert_eq!((escape.kind(), escape.byte()), (EventErrorKind::Escape, 2 * length + 1));
            assert_eq!(end(&format!("\"{}", "a".repeat(length))).unwrap_err().kind(), EventErrorKind::End);
        }
    }
}
