//! What the turn is told, by whom.

use std::sync::Arc;

use stockade_core::ports::Settlement;
use stockade_core::{Position, StreamName};
use stockade_source::Notice;

use super::reading::Reading;
use crate::control::Asked;
use crate::ignoring::Found;

/// One thing that happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// A source has read something.
    Reading(Reading),
    /// A source has something to say.
    Notice(Notice),
    /// A stream is being read from here on.
    Opened {
        /// Where reading starts.
        position: Position,
        /// Whether it goes on where it stopped.
        resumed: bool,
        /// Who reads it.
        jails: Vec<Arc<str>>,
    },
    /// A source cannot go on.
    SourceDied {
        /// What it reads.
        source: &'static str,
        /// Why.
        problem: String,
    },
    /// A command asks.
    Asked(Asked),
    /// A responder carried decisions out, or could not.
    Settled(Vec<Settlement>),
    /// A responder has a problem, or none any more.
    Responder {
        /// Its place.
        at: usize,
        /// What is wrong.
        problem: Option<String>,
    },
    /// The queue of bans, or their snapshot, has something new.
    #[cfg(feature = "aws")]
    Arrival(crate::agent::Arrival),
    /// The queue of events has something new.
    #[cfg(feature = "aws")]
    Events(crate::events::queue::Heard),
    /// Somebody else changed what a responder had put in force.
    GroundChanged {
        /// The responder's place.
        at: usize,
        /// What they did.
        what: String,
    },
    /// `ignoreip` was looked up again.
    Ignore {
        /// The jail's place.
        jail: usize,
        /// Whom it ignores now, besides what its configuration names.
        found: Found,
        /// What could not be found.
        warnings: Vec<String>,
    },
    /// Other hosts may have committed something to the store.
    News,
    /// The operating system wants something.
    Signal(Wish),
    /// A stream ended and with it everything there is to read.
    Ended(StreamName),
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Stop,
    Reload,
}

impl From<Asked> for Input {
    fn from(asked: Asked) -> Self {
        Self::Asked(asked)
    }
}
