//! One thing that is wrong with a rule, where, and what may be done about it.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// A place in a rule's file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line, from 1; 0 if the whole file is meant.
    pub line: u32,
    /// The character within the line, from 1; 0 if the whole line is meant.
    pub column: u32,
}

/// One thing that is wrong with a rule, and where. Its text is `FILE:LINE:COLUMN: KEY: MESSAGE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleProblem {
    /// The file's name as it was given.
    pub file: Arc<str>,
    /// Where in it.
    pub place: Place,
    /// The key with its table: `jail.maxretry`, `pattern[1].json` (patterns and tests are counted from 1).
    pub key: Option<String>,
    /// What is wrong.
    pub kind: RuleProblemKind,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RuleProblemKind {
    /// The file is not TOML.
    #[error("not valid TOML: {message}")]
    Syntax {
        /// What is wrong with it.
        message: String,
    },
    /// A key that means nothing where it stands.
    #[error("unknown key `{name}`")]
    UnknownKey {
        /// The key.
        name: String,
        /// The known key that is spelled most like it.
        nearest: Option<String>,
        /// The known keys of the table.
        known: &'static [&'static str],
    },
    /// A key that has to be there is not.
    #[error("expected {expected}, got nothing")]
    Missing {
        /// What could be.
        expected: String,
    },
    /// A value that cannot be what it should.
    #[error("expected {expected}, got: {found}")]
    BadValue {
        /// What could be.
        expected: String,
        /// What is, cut short, in backticks.
        found: String,
        /// What is wrong with it or what to write instead, if more can be said.
        hint: Option<String>,
    },
    /// Two keys of which only one can hold.
    #[error("`{one}` and `{other}` exclude each other")]
    Both {
        /// The one.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// An event pattern that cannot be used, with EventBridge's own reason.
    #[error("event pattern is not valid: {reason}")]
    Pattern {
        /// The reason.
        reason: String,
        /// The place in the pattern's own JSON text, where that is not a place of the file.
        within: Option<Place>,
    },
    /// The event of a test is not a JSON object.
    #[error("{error}")]
    TestEvent {
        /// What is wrong with it.
        error: stockade_pattern::EventError,
    },
    /// More than there may be.
    #[error("more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
}

impl RuleProblem {
    /// What the author may try, if anything can be said.
    pub fn hint(&self) -> Option<String> {
        match &self.kind {
            RuleProblemKind::UnknownKey { nearest: Some(name), .. } => {
                Some(format!("did you mean `{name}`?"))
            }
            RuleProblemKind::UnknownKey { known, .. } if !known.is_empty() => {
                Some(format!("known keys: `{}`", known.join("`, `")))
            }
            RuleProblemKind::BadValue { hint, .. } => hint.clone(),
            RuleProblemKind::Pattern { within: Some(Place { line, column }), .. } => {
                Some(format!("in the pattern as JSON: line {line}, column {column}"))
            }
            _ => None,
        }
    }
}

impl RuleProblemKind {
    pub(crate) fn bad_value(expected: impl Into<String>, found: &str) -> Self {
        Self::BadValue { expected: expected.into(), found: format!("`{}`", cut(found)), hint: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { line, column: 0 } => write!(f, "{line}"),
            Self { line, column } => write!(f, "{line}:{column}"),
        }
    }
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.place.line > 0 {
            write!(f, ":{}", self.place)?;
        }
        f.write_str(": ")?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        write!(f, "{}", self.kind)
    }
}

impl std::error::Error for RuleProblem {}

/// Cuts a text down to what fits into one line of a message.
pub(crate) fn cut(text: &str) -> String {
    const KEEP: usize = 60;
    let mut cut: String =
        text.trim().chars().take(KEEP).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().chars().nth(KEEP).is_some() {
        cut.push('…');
    }
    cut
}
