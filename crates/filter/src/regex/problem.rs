//! What can be wrong with a regex.

use thiserror::Error;

/// Why a regex cannot be used. Places are characters of the regex as it stands in the file, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum Problem {
    /// Not a regex of Python's dialect.
    #[error("not a regex: at character {at}, {expected}")]
    Syntax {
        /// Where.
        at: usize,
        /// What was expected there.
        expected: String,
    },
    /// A construct of Python's dialect that is not run here.
    #[error("at character {at}, {construct} is not supported")]
    Unsupported {
        /// Where.
        at: usize,
        /// The construct.
        construct: &'static str,
    },
    /// Larger than one of the bounds.
    #[error("the regex is too large: {what} exceeds {limit}")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
}

impl Problem {
    /// The problem with its place counted in another text.
    pub(crate) fn placed(mut self, place: impl Fn(usize) -> usize) -> Self {
        if let Self::Syntax { at, .. } | Self::Unsupported { at, .. } = &mut self {
            *at = place(*at);
        }
        self
    }
}
