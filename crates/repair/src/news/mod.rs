//! What people hear of the record: each line that matters as a [`Report`], once for each who tells.
//!
//! Nobody hands news to those who tell: they read the record, and keep beside it up to where they told it. So whoever dies
//! between a repair and its notice has lost nothing, and what a person did on another machine, or a function in AWS, is told
//! as well as our own.

mod line;
mod reader;
#[cfg(test)]
mod tests;

use stockade_core::Timestamp;
use stockade_core::ports::Report;

pub(crate) use line::{Told, broken, cut_off, report};
pub(crate) use reader::{Reader, key};

/// Some lines of the record that a reader is to be told, until it says what came of that ([`crate::Engine::told`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// What is to be told, oldest first.
    pub reports: Vec<Report>,
    pub(crate) reader: String,
    pub(crate) by: String,
    pub(crate) lines: Vec<Line>,
}

impl News {
    /// The number of the last line that was read for them.
    pub fn last(&self) -> Option<u64> {
        self.lines.last().map(|line| line.seq)
    }
}

/// A line of the record that was read for its news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) seq: u64,
    pub(crate) hash: String,
    /// Which report tells of it; none where nobody needs to hear of it.
    pub(crate) report: Option<usize>,
}

/// Whether there are news for a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fresh {
    /// There are.
    News(Box<News>),
    /// There are none after this line.
    Nothing {
        /// Its number.
        upto: u64,
    },
    /// Somebody else tells them to the same reader now, or died while doing so.
    Busy {
        /// When it may be tried at the latest.
        until: Timestamp,
    },
}
