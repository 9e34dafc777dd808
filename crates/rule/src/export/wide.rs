//! Where EventBridge is asked for more events than a rule matches.

use std::fmt;
use std::sync::Arc;

/// Fields of which EventBridge is asked less than a rule says, so that more events arrive. Stockade asks it all again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wider {
    /// The rule.
    pub rule: Arc<str>,
    /// The paths of the fields, names joined with dots, in the order of the patterns.
    pub paths: Vec<String>,
    pub(super) reason: Reason,
}

/// How many paths are named.
const MAX_SHOWN: usize = 3;

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
    /// A wildcard with more stars than AWS is likely to take.
    Wildcards,
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
        let shown = self.paths.iter().take(MAX_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = match self.paths.len().saturating_sub(MAX_SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let paths = format!("{shown}{more}");
        write!(f, "{}: ", self.rule)?;
        match self.reason {
            Reason::Unknown(name) => {
                write!(f, "EventBridge does not know `{name}`: {paths} may be anything")
            }
            Reason::Absence => {
                write!(
                    f,
                    "EventBridge cannot be asked whether something is absent in a list: {paths} may be there"
                )
            }
            Reason::Number => write!(f, "EventBridge cannot compare the number: {paths} may be anything"),
            Reason::Text if self.paths.iter().all(String::is_empty) => {
                write!(f, "EventBridge has no name for one of the fields: it may be anything")
            }
            Reason::Text => write!(f, "EventBridge does not find the text: {paths} may be anything"),
            Reason::Wildcards => write!(
                f,
                "a wildcard is too complex for EventBridge: of {paths} only what stands before the first star is asked for"
            ),
            Reason::Length => write!(f, "the pattern is too long for EventBridge: {paths} may be anything"),
        }
    }
}
