//! What a source tells besides lines.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use stockade_core::{Position, StreamName};

use crate::SourceError;
use crate::error::shown;

/// Something that happened to a stream or to a source. None of them ends the source.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice {
    /// A stream is being read from here on. Storing the position makes a restart go on here even if no line ever
    /// came, so that nothing is lost where reading began at the end of a file.
    Opened {
        /// Where reading starts.
        position: Position,
        /// The patterns, or journal matches, that led to it, ascending; more may come later.
        wanted_by: Vec<usize>,
        /// Whether a stored position was found again.
        resumed: bool,
    },
    /// A stream went on to its successor file. The old one has been read to its end.
    Rotated {
        /// Which.
        stream: StreamName,
        /// The old incarnation.
        from: String,
    },
    /// A file was cut and starts anew.
    Truncated {
        /// Which.
        stream: StreamName,
        /// The old incarnation.
        from: String,
        /// The copy in which the unread rest of it is being read; `None` if there is none.
        copy: Option<PathBuf>,
    },
    /// The incarnation of a stored position is nowhere to be found: what was written to it since is lost.
    PositionLost {
        /// What was stored.
        position: Position,
    },
    /// Nothing is at this path, or matches this pattern. It is waited for.
    Missing {
        /// The path or pattern.
        pattern: String,
    },
    /// Something is wrong with a file; it is tried again.
    Failed {
        /// The stream, or the path if it is none yet.
        stream: StreamName,
        /// What.
        error: SourceError,
    },
    /// A line was longer than [`stockade_core::limits::MAX_LINE_BYTES`] and was passed over.
    LongLine {
        /// The stream.
        stream: StreamName,
        /// The incarnation.
        generation: String,
        /// Where it starts.
        offset: u64,
        /// How long it is, its end included.
        bytes: u64,
    },
    /// The last line of a file that is finished never ended. It is withheld: half an address is somebody else's.
    TornLine {
        /// The stream.
        stream: StreamName,
        /// The incarnation.
        generation: String,
        /// Where it starts.
        offset: u64,
    },
    /// A file is gone, or no pattern leads to it any more; the stream is forgotten until it comes back.
    Closed {
        /// Which.
        stream: StreamName,
    },
    /// The kernel does not announce changes, so files are looked at on the tick.
    Polling {
        /// Why.
        error: SourceError,
        /// How often.
        tick: Duration,
    },
    /// The journal's reader died and is started again.
    ReaderDied {
        /// How it ended and what it complained of.
        reason: String,
        /// After how long it is tried again.
        retry_in: Duration,
    },
    /// The journal's reader said something, mostly that a part of the journal may not be seen.
    ReaderSays {
        /// What.
        text: String,
    },
    /// A stream has ended: standard input was closed.
    Ended {
        /// Which.
        stream: StreamName,
    },
}

impl Notice {
    /// What to do about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Failed { error, .. } => error.hint(),
            Self::Polling { .. } => Some("raise fs.inotify.max_user_watches and max_user_instances".into()),
            Self::ReaderSays { .. } => Some("run as root or as a member of the group systemd-journal".into()),
            _ => None,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { position, resumed, .. } => {
                let how = if *resumed { "goes on" } else { "is read" };
                write!(f, "stream {how} from byte {}: `{}`", position.offset, position.stream)
            }
            Self::Rotated { stream, .. } => write!(f, "log file was rotated: `{stream}`"),
            Self::Truncated { stream, copy: Some(copy), .. } => {
                write!(f, "log file was cut: `{stream}`: its rest is read from `{}`", shown(copy))
            }
            Self::Truncated { stream, copy: None, .. } => write!(f, "log file was cut: `{stream}`"),
            Self::PositionLost { position } => write!(
                f,
                "file of a stored position not found: `{}`: lines after byte {} of it are lost",
                position.stream, position.offset
            ),
            Self::Missing { pattern } => write!(f, "no such log file yet: `{pattern}`"),
            Self::Failed { error, .. } => error.fmt(f),
            Self::LongLine { stream, offset, bytes, .. } => {
                write!(f, "line of {bytes} bytes passed over: `{stream}`: at byte {offset}")
            }
            Self::TornLine { stream, offset, .. } => {
                write!(f, "last line of a finished file never ended, withheld: `{stream}`: at byte {offset}")
            }
            Self::Closed { stream } => write!(f, "log file is gone: `{stream}`"),
            Self::Polling { error, tick } => {
                write!(f, "changes are not announced, looking every {} ms: {error}", tick.as_millis())
            }
            Self::ReaderDied { reason, retry_in } => {
                write!(f, "journal reader ended, starting again in {} s: {reason}", retry_in.as_secs())
            }
            Self::ReaderSays { text } => write!(f, "journal reader says: {text}"),
            Self::Ended { stream } => write!(f, "stream has ended: `{stream}`"),
        }
    }
}
