//! What is wrong with a file of events, or with one of them.

use std::sync::Arc;

use super::limits::MAX_EVENT_BYTES;
use crate::SourceError;

/// Where in a file's text something begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, or the object as `s3://bucket/key`; control characters are escaped.
    pub file: Arc<str>,
    /// The line of the unpacked text, from 1.
    pub line: u64,
    /// The byte of the unpacked text, from 0.
    pub byte: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`: line {}, byte {}", self.file, self.line, self.byte)
    }
}

/// What is wrong with a file of events, or with one of them. Each has been passed over, and reading goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventProblem {
    /// An event cannot be read.
    #[error("cannot read event: {place}: {why}")]
    Broken {
        /// Where it begins.
        place: Place,
        /// What is wrong with it.
        why: String,
    },
    /// An event is longer than [`MAX_EVENT_BYTES`].
    #[error("event is longer than the limit of {MAX_EVENT_BYTES} bytes: {place}: {bytes} bytes")]
    TooLong {
        /// Where it begins.
        place: Place,
        /// Its length.
        bytes: u64,
    },
    /// A value that is neither an event nor a CloudTrail record.
    #[error("not an event: {place}: {found}")]
    NotAnEvent {
        /// Where it begins.
        place: Place,
        /// What it is.
        found: String,
    },
    /// The text ends before a list of events does. All events that are there were given out.
    #[error("the text ends within a list of events: {place}")]
    Torn {
        /// Its end.
        place: Place,
    },
    /// More problems of one file than are told one by one.
    #[error("{count} more problems in `{file}`")]
    More {
        /// The file.
        file: Arc<str>,
        /// How many.
        count: u64,
    },
    /// The file itself cannot be read, or not to its end. Everything before was given out.
    #[error(transparent)]
    File(#[from] SourceError),
}

impl EventProblem {
    /// What to do about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotAnEvent { .. } => Some(
                "read are events in EventBridge's envelope, CloudTrail records, and lists and `Records` of them".into(),
            ),
            Self::File(error) => error.hint(),
            _ => None,
        }
    }
}
