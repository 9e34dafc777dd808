//! What can be wrong with a `datepattern` or a `logtimezone`.

use thiserror::Error;

/// Why a `datepattern` cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DatePatternError {
    /// `%` with something after it that is no token.
    #[error("unknown token `{token}` in datepattern `{pattern}`")]
    UnknownToken {
        /// The `%` and what follows it.
        token: String,
        /// The line of the datepattern.
        pattern: String,
    },
    /// A regex construct that no linear-time engine can run.
    #[error("datepattern `{pattern}` uses a {construct}, which cannot be matched in linear time")]
    NotLinear {
        /// The construct: `lookahead`, `atomic group`, …
        construct: &'static str,
        /// The line of the datepattern.
        pattern: String,
    },
    /// Not a regex.
    #[error("datepattern `{pattern}` is not a regex: {reason}")]
    Syntax {
        /// What the parser says.
        reason: String,
        /// The line of the datepattern.
        pattern: String,
    },
    /// Larger than one of the bounds.
    #[error("datepattern is too large: {what} exceeds {limit}")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
}

impl DatePatternError {
    /// What the person who wrote the pattern may do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::UnknownToken { .. } => Some(
                "tokens are those of strptime, %k %l %f, and %ExY %Exy %Exm %Exd %ExH %Exk %Exl %ExM %ExS %ExZ %Exz; \
                 write %% for a percent sign (doubled once more in a .conf file)",
            ),
            Self::NotLinear { construct, .. } if construct.contains("look") => Some(
                "match what surrounds the date, and put the date into a group: of `\\[(%Y-%m-%d)\\]` only the group is cut",
            ),
            Self::NotLinear { construct, .. } if construct.contains("backreference") => {
                Some("a group that is referred to may have a few texts only, as in `(?P<sep>[-/])%m(?P=sep)`")
            }
            _ => None,
        }
    }
}

/// Why a zone cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ZoneError {
    /// Neither an offset, nor an abbreviation, nor a name of the zone database, nor a POSIX rule.
    #[error("unknown time zone `{text}`")]
    Unknown {
        /// The text that was read.
        text: String,
    },
}

impl ZoneError {
    /// What the person who wrote the zone may do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unknown { text } if text.contains(['+', '-']) => {
                Some("write the offset as `UTC+0200`: sign, two digits, two digits")
            }
            Self::Unknown { .. } => {
                Some("write `Europe/Berlin`, `UTC+0200` or an abbreviation such as `PST`")
            }
        }
    }
}
