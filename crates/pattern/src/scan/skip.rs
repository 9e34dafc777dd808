//! A value that nobody asks for: checked and passed over.

use super::bytes::{Text, number_end, space, unexpected};
use crate::error::{EventError, EventErrorKind};
use crate::limits::MAX_EVENT_DEPTH;

/// What is open around a place: one bit a level.
#[derive(Debug, Default)]
pub(super) struct Nest {
    bits: u64,
    depth: usize,
    /// Whole words of the levels further out.
    outer: Vec<u64>,
}

impl Nest {
    fn push(&mut self, object: bool) {
        if self.depth.is_multiple_of(64) && self.depth > 0 {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(object);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.bits >>= 1;
        self.depth -= 1;
        if self.depth.is_multiple_of(64) && self.depth > 0 {
            self.bits = self.outer.pop().unwrap_or_default();
        }
    }

    fn in_object(&self) -> bool {
        self.bits & 1 == 1
    }
}

/// Returns the byte after the value that begins at `at`. `outside` levels are open around it.
pub(super) fn skip(
    text: &mut Text<'_, '_>,
    mut at: usize,
    nest: &mut Nest,
    outside: usize,
) -> Result<usize, EventError> {
    let bytes = text.bytes;
    nest.depth = 0;
    nest.outer.clear();
    // `at` is where a value begins.
    loop {
        at = match bytes.get(at) {
            Some(b'"') => text.string()?.0 + 1,
            Some(open @ (b'{' | b'[')) => {
                let object = *open == b'{';
                let inner = space(bytes, at + 1);
                if bytes.get(inner) == Some(if object { &b'}' } else { &b']' }) {
                    inner + 1
                } else {
                    if outside + nest.depth >= MAX_EVENT_DEPTH {
                        return Err(EventError::new(EventErrorKind::Depth, at));
                    }
                    nest.push(object);
                    if !object {
                        at = inner;
                        continue;
                    }
                    match pairs(text, inner) {
                        Ok(key) => {
                            at = key_end(text, key)?;
                            continue;
                        }
                        Err(end) => end,
                    }
                }
            }
            _ => scalar_end(bytes, at)?,
        };
        loop {
            if nest.depth == 0 {
                return Ok(at);
            }
            at = space(bytes, at);
            match (bytes.get(at), nest.in_object()) {
                (Some(b','), true) => match pairs(text, space(bytes, at + 1)) {
                    Ok(key) => {
                        at = key_end(text, key)?;
                        break;
                    }
                    Err(end) => at = end,
                },
                (Some(b','), false) => {
                    at = space(bytes, at + 1);
                    break;
                }
                (Some(b'}'), true) | (Some(b']'), false) => {
                    nest.pop();
                    at += 1;
                }
                _ => return Err(unexpected(bytes, at)),
            }
        }
    }
}

/// Passes over pairs of keys and strings. Returns the key at which another value comes, or as the error the byte after the
/// last pair's value where no key follows at once.
#[inline]
fn pairs(text: &mut Text<'_, '_>, mut key: usize) -> Result<usize, usize> {
    while let Some(pair) = text.pair(key) {
        if !pair.next_key {
            return Err(pair.value_end + 1);
        }
        key = pair.value_end + 2;
    }
    Ok(key)
}

/// Returns where the value of the key at `at` begins.
#[inline]
fn key_end(text: &mut Text<'_, '_>, at: usize) -> Result<usize, EventError> {
    if text.bytes.get(at) != Some(&b'"') {
        return Err(unexpected(text.bytes, at));
    }
    colon(text.bytes, text.string()?.0)
}

/// Returns where the value begins of the key whose closing quote is at `quote`.
#[inline]
pub(super) fn colon(bytes: &[u8], quote: usize) -> Result<usize, EventError> {
    let at = space(bytes, quote + 1);
    if bytes.get(at) != Some(&b':') {
        return Err(unexpected(bytes, at));
    }
    Ok(space(bytes, at + 1))
}

/// Returns the byte after a number or literal.
#[inline]
pub(super) fn scalar_end(bytes: &[u8], at: usize) -> Result<usize, EventError> {
    let word: &[u8] = match bytes.get(at) {
        Some(b't') => b"true",
        Some(b'f') => b"false",
        Some(b'n') => b"null",
        Some(b'-' | b'0'..=b'9') => return number_end(bytes, at),
        _ => return Err(unexpected(bytes, at)),
    };
    if bytes.get(at..at + word.len()) == Some(word) {
        Ok(at + word.len())
    } else {
        Err(unexpected(bytes, at))
    }
}
