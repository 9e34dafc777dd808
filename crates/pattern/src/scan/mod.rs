//! Goes through an event once: reads what lies on the paths that somebody asks for, checks and skips everything else.
//!
//! **All of the event is checked**: what no rule names is skipped by bytes, but its structure, strings, escapes, numbers and
//! encoding are still those of JSON, or the event is an error. Checking costs what skipping costs, because both are
//! dominated by finding where strings end.

mod bytes;
mod skip;
mod walk;

pub(crate) use walk::{Raw, Sink, Walker};
