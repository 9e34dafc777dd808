//! What a reader of events gives out, and what it counts.

use std::fmt;

use memchr::memchr_iter;

#[cfg(doc)]
use super::EventReader;
use super::problem::EventProblem;
use super::shape::Form;

/// What was found.
#[derive(Debug)]
pub enum Found<'a> {
    /// An event.
    Event(Event<'a>),
    /// Something that could not be read, and was passed over.
    Problem(EventProblem),
}

/// One event.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    /// Its dress.
    pub form: Form,
    /// Its bytes, from its `{` on. From [`EventReader::next_event`] to its `}`; from [`EventReader::peek`] the text goes on
    /// behind that, with what follows in the file.
    pub text: &'a [u8],
    /// Where in the unpacked text of the file it begins, in bytes.
    pub byte: u64,
    /// How many line ends stand before `before`.
    pub(super) lines: u64,
    pub(super) before: &'a [u8],
}

/// What has been read of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events that were given out.
    pub events: u64,
    /// Digest files.
    pub digests: u64,
    /// Insights events.
    pub insights: u64,
    /// Aggregated events.
    pub aggregated: u64,
    /// Values that were passed over: broken, too long, or no events.
    pub problems: u64,
    /// gzip members that the file is made of; CloudTrail writes one. Forged records may stand in a second.
    pub members: u64,
    /// Bytes of text that have been gone over.
    pub bytes: u64,
}

impl Event<'_> {
    /// The line of the file's text, from 1, in which it begins.
    pub fn line(&self) -> u64 {
        1 + self.lines + memchr_iter(b'\n', self.before).count() as u64
    }
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("form", &self.form).field("byte", &self.byte).finish_non_exhaustive()
    }
}
