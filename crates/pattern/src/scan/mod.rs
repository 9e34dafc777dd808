//! Goes through an event once: reads what lies on the paths that somebody asks for, checks and skips everything else.
//!
//! **All of the event is checked**: what no rule names is skipped by bytes, but its structure, strings, escapes, numbers and
//! encoding are still those of JSON, or the event is an error. Checking costs what skipping costs, because both are
//! dominated by finding where strings end.

mod bytes;
mod skip;
mod walk;

pub(crate) use walk::{Raw, Sink, Walker};

/// Whether a text is a number as JSON writes them.
pub(crate) fn is_number(text: &[u8]) -> bool {
    bytes::number_end(text, 0).is_ok_and(|end| end == text.len())
}

/// Returns where the brackets of the first object are closed; the length of the text if they are not.
pub(crate) fn object_end(text: &[u8]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => {
                while let Some(byte) = text.get(at).filter(|byte| **byte != b'"') {
                    at += 1 + usize::from(*byte == b'\\');
                }
                at += 1;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return at,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}
