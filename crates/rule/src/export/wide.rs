//! Where EventBridge is asked for more events than a rule matches.

use std::fmt;
use std::sync::Arc;

use crate::Place;

/// A field of which EventBridge is asked less than the rule says, so that more events arrive. Stockade asks it all again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wider {
    /// The rule.
    pub rule: Arc<str>,
    /// The pattern's name, if it has one.
    pub pattern: Option<Box<str>>,
    /// Where the pattern begins in the rule's file.
    pub place: Place,
    /// The field's path, names joined with dots.
    pub path: String,
    pub(super) reason: Reason,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// A condition that only Stockade knows.
    Unknown(&'static str),
    /// The absence of something inside a list.
    Absence,
    /// A number that EventBridge does not compare.
    Number,
    /// A text that EventBridge does not find.
    Text,
    /// Wildcards with more stars than AWS is likely to take.
    Wildcards(usize),
    /// The pattern would be too long.
    Length,
}

impl Reason {
    /// For a condition of this name that EventBridge cannot say.
    pub(super) fn of(name: &'static str) -> Self {
        match name {
            "compare" | "json" => Self::Unknown(name),
            "value" | "numeric" => Self::Number,
            _ => Self::Text,
        }
    }
}

impl fmt::Display for Wider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, path, .. } = self;
        match self.reason {
            Reason::Unknown(name) => {
                write!(f, "{rule}: EventBridge does not know `{name}`: any value of {path} is let through")
            }
            Reason::Absence => write!(
                f,
                "{rule}: EventBridge decides by the order of names whether {path} is absent in a list: it is not asked for"
            ),
            Reason::Number => {
                write!(f, "{rule}: EventBridge cannot compare the number at {path}: any value is let through")
            }
            Reason::Text if path.is_empty() => {
                write!(f, "{rule}: EventBridge has no name for one of the fields: it is not asked for")
            }
            Reason::Text => {
                write!(f, "{rule}: EventBridge does not find the text at {path}: any value is let through")
            }
            Reason::Wildcards(stars) => write!(
                f,
                "{rule}: wildcards with {stars} stars at {path} are too complex for EventBridge: only what stands before \
                 the first star is asked for"
            ),
            Reason::Length => {
                write!(
                    f,
                    "{rule}: the pattern is too long for EventBridge: any value of {path} is let through"
                )
            }
        }
    }
}
