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
    fn clear(&mut self) {
        self.depth = 0;
        self.outer.clear();
    }

    fn push(&mut self, object: bool) {
        if self.depth.is_multiple_of(64) && self.depth > 0 {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(object);
        self.depth += 1;
    }

    /// Closes a level; returns whether the one around it is an object, if there is one.
    fn pop(&mut self) -> Option<bool> {
        self.bits >>= 1;
        self.depth -= 1;
        if self.depth == 0 {
            return None;
        }
        if self.depth.is_multiple_of(64) {
            self.bits = self.outer.pop().unwrap_or_default();
        }
        Some(self.bits & 1 == 1)
    }
}

/// Returns the byte after the object or array, not empty, of which the first key or element is at `at`. `outside` levels
/// are open around it.
pub(super) fn skip(
    text: &mut Text<'_, '_>,
    mut at: usize,
    mut object: bool,
    nest: &mut Nest,
    outside: usize,
) -> Result<usize, EventError> {
    let bytes = text.bytes;
    nest.clear();
    nest.push(object);
    'members: loop {
        // `at` is at a key or an element.
        let mut byte = bytes.get(at).copied().unwrap_or_default();
        if object {
            (at, byte) = match text.plain_key(at) {
                Some(key) if key.value > b' ' => (key.end + 2, key.value),
                Some(key) => value(bytes, space(bytes, key.end + 2)),
                None => value(bytes, odd_key(text, at)?),
            };
        }
        match byte {
            b'"' => {
                let (end, _) = text.string()?;
                if text.string_follows(end) {
                    at = end + 2;
                    continue;
                }
                at = end + 1;
            }
            b'{' | b'[' => {
                let inner = space(bytes, at + 1);
                if bytes.get(inner) == Some(&closing(byte)) {
                    at = inner + 1;
                } else {
                    if outside + nest.depth >= MAX_EVENT_DEPTH {
                        return Err(EventError::new(EventErrorKind::Depth, at));
                    }
                    object = byte == b'{';
                    nest.push(object);
                    at = inner;
                    continue;
                }
            }
            _ => at = scalar_end(bytes, at)?,
        }
        loop {
            // `at` is behind a value.
            at = space(bytes, at);
            match bytes.get(at) {
                Some(b',') => break,
                Some(b'}') if object => {}
                Some(b']') if !object => {}
                _ => return Err(unexpected(bytes, at)),
            }
            at += 1;
            let Some(outer) = nest.pop() else { break 'members Ok(at) };
            object = outer;
        }
        at = space(bytes, at + 1);
    }
}

/// A place and the byte that is there.
#[inline]
pub(super) fn value(bytes: &[u8], at: usize) -> (usize, u8) {
    (at, bytes.get(at).copied().unwrap_or_default())
}

/// Reads a key of any kind: returns where its value begins.
#[cold]
#[inline(never)]
fn odd_key(text: &mut Text<'_, '_>, at: usize) -> Result<usize, EventError> {
    if text.bytes.get(at) != Some(&b'"') {
        return Err(unexpected(text.bytes, at));
    }
    let (end, _) = text.string()?;
    colon(text.bytes, end)
}

/// What closes what a byte opens.
#[inline(always)]
pub(super) fn closing(open: u8) -> u8 {
    open + 2
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
