//! A value that nobody asks for: checked and passed over.

use super::bytes::{Place, Text, number_end, space, unexpected};
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
                    match members(text, inner)? {
                        Ok(value) => {
                            at = value;
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
                (Some(b','), true) => match members(text, space(bytes, at + 1))? {
                    Ok(value) => {
                        at = value;
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

/// Passes over pairs of keys and strings. Returns where a value of another kind begins, or as the error the byte after the
/// last pair where no key follows at once.
#[inline(always)]
fn members(text: &mut Text<'_, '_>, key: usize) -> Result<Result<usize, usize>, EventError> {
    match text.pairs(key, |_, _, _| {}) {
        Place::Key(key) => Ok(Ok(key_end(text, key)?)),
        Place::End(end) => Ok(Err(end)),
    }
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
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first() {
        Some(b'-' | b'0'..=b'9') => number_end(bytes, at),
        Some(b't') if rest.starts_with(b"true") => Ok(at + 4),
        Some(b'n') if rest.starts_with(b"null") => Ok(at + 4),
        Some(b'f') if rest.starts_with(b"false") => Ok(at + 5),
        _ => Err(unexpected(bytes, at)),
    }
}
