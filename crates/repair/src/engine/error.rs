//! What the engine could not do.

use crate::ApiFault;
use crate::event::BadEvent;
use crate::link::BadLink;
use crate::shelf::ShelfError;

/// What the engine could not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// There is no such playbook.
    #[error("there is no playbook `{name}`")]
    NoPlaybook {
        /// The name that was asked for.
        name: String,
    },
    /// The bytes are no event.
    #[error(transparent)]
    BadEvent(#[from] BadEvent),
    /// What is kept cannot be read or written. Nothing is repaired then: without it there are no limits, no last good
    /// states and no record.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// AWS does not answer who we are or which regions there are.
    #[error(transparent)]
    Api(#[from] ApiFault),
    /// There is no repair of this id.
    #[error("there is no repair `{id}`")]
    NoRepair {
        /// The id that was asked for.
        id: String,
    },
    /// Nothing of this repair can be taken back.
    #[error("nothing of the repair `{id}` can be taken back: {why}")]
    NoUndo {
        /// Its id.
        id: String,
        /// Why.
        why: String,
    },
    /// The repair waits for nobody.
    #[error("the repair `{id}` waits for nobody: {why}")]
    NotWaiting {
        /// Its id.
        id: String,
        /// Why.
        why: String,
    },
    /// There is no such kind of thing, or no such thing.
    #[error("there is nothing known of `{what}`")]
    Unknown {
        /// What was asked for.
        what: String,
    },
    /// A link that is not valid.
    #[error(transparent)]
    BadLink(#[from] BadLink),
}

impl EngineError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoPlaybook { .. } => Some("`stockade repair list` shows those there are"),
            Self::Api(fault) => fault.hint(),
            Self::NoRepair { .. } | Self::NotWaiting { .. } => {
                Some("`stockade repair show` shows what waits and what was done last")
            }
            Self::BadLink(_) => Some("`stockade repair approve ID` does the same"),
            _ => None,
        }
    }

    /// Whether the same may work later without anybody mending anything.
    pub fn passes(&self) -> bool {
        match self {
            Self::Shelf(error) => error.passes,
            Self::Api(fault) => fault.blame.passes(),
            _ => false,
        }
    }
}
