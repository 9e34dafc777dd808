//! Goes through an event once: reads what lies on the paths that somebody asks for, checks and skips everything else.
//!
//! **All of the event is checked**: what no rule names is skipped by bytes, but its structure, strings, escapes, numbers and
//! encoding are still those of JSON, or the event is an error. Checking costs what skipping costs, because both are
//! dominated by finding where strings end.

mod bytes;
mod quotes;
mod skip;
mod walk;

pub(crate) use walk::{Quoted, Raw, Sink, Walker};

/// Whether a text is a number as JSON writes them.
pub(crate) fn is_number(text: &[u8]) -> bool {
    bytes::number_end(text, 0).is_ok_and(|end| end == text.len())
}
