//! What comes of a trial.

use std::fmt;
use std::time::Duration;

use stockade_core::{Key, Timestamp};

use super::fields::Fields;

/// A line, taken apart at its date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineParts {
    /// What stands before the date.
    pub before: Vec<u8>,
    /// The date.
    pub date: Vec<u8>,
    /// What stands behind it.
    pub after: Vec<u8>,
}

impl LineParts {
    /// The line without its date: what a regex sees.
    pub fn text(&self) -> Vec<u8> {
        [self.before.as_slice(), &self.after].concat()
    }

    /// All of it.
    pub fn whole(&self) -> Vec<u8> {
        [self.before.as_slice(), &self.date, &self.after].concat()
    }
}

/// What came of one line.
#[derive(Clone, Debug, Default)]
pub struct TrialResult {
    /// The date that was found.
    pub date: Option<TrialDate>,
    /// When it happened: its date, or that of a line shortly before; `None` where nobody knows.
    pub time: Option<Timestamp>,
    /// The line without its date.
    pub text: Vec<u8>,
    /// What the prefregex captured, if there is one and it matches.
    pub prefix: Option<Fields>,
    /// What the failregexes saw: the text, or what the prefregex left of it; `None` if that does not match, or if the line was
    /// ignored before.
    pub content: Option<Vec<u8>>,
    /// Every failregex that matched, in the order of the filter, those that an ignoreregex excused among them.
    pub hits: Vec<RegexHit>,
    /// Every ignoreregex that matched, once for each time that it did.
    pub ignored_by: Vec<usize>,
    /// Whom the line speaks against. A line that only helps others of its connection is among them, see [`Failure::helps`].
    pub failures: Vec<Failure>,
    /// Where a regex sees several lines: those before this one that are done with now, the oldest first.
    pub done: Vec<LineParts>,
}

impl TrialResult {
    /// Whether the line counts as ignored: an ignoreregex matched, or it only helps.
    pub fn is_ignored(&self) -> bool {
        !self.ignored_by.is_empty() || self.failures.iter().any(Failure::helps)
    }

    /// Whether the line speaks against somebody.
    pub fn is_match(&self) -> bool {
        !self.is_ignored() && !self.failures.is_empty()
    }
}

/// A date in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialDate {
    /// The text that was cut out; empty where the pattern allows that there is no date.
    pub text: Vec<u8>,
    /// The time it means; `None` for a date that does not exist.
    pub time: Option<Timestamp>,
    /// Its place among [`Trial::templates`](super::Trial::templates).
    pub template: usize,
    /// How many bytes stand before it.
    pub at: usize,
}

/// A failregex that matched.
#[derive(Clone, Debug)]
pub struct RegexHit {
    /// Its place in the filter.
    pub regex: usize,
    /// How long this search took.
    pub elapsed: Duration,
    /// What its groups captured, those of the prefregex among them.
    pub fields: Fields,
    /// Whether an ignoreregex excused it.
    pub excused: bool,
}

/// Somebody a line speaks against.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The failregex that says so.
    pub regex: usize,
    /// Whom.
    pub id: Id,
    /// When it happened, where that is known.
    pub time: Option<Timestamp>,
    /// All that is known: what the line and those before it on the same connection said.
    pub fields: Fields,
}

impl Failure {
    /// Whether the line only helps the other lines of its connection.
    pub fn helps(&self) -> bool {
        self.fields.says("nofail")
    }

    /// The user that was tried.
    pub fn user(&self) -> Option<&[u8]> {
        self.fields.text("user").filter(|user| !user.is_empty())
    }
}

/// Whom a line speaks against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Id {
    /// An address, a network, or a name.
    Key(Key),
    /// Several texts that are one id together.
    Tuple(Vec<Option<Vec<u8>>>),
    /// Nobody knows yet: a later line of the connection may say it.
    Pending,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::Tuple(parts) => {
                let part = |part: &Option<Vec<u8>>| {
                    part.as_ref().map_or_else(String::new, |part| String::from_utf8_lossy(part).into_owned())
                };
                f.write_str(&parts.iter().map(part).collect::<Vec<_>>().join(", "))
            }
            Self::Pending => f.write_str("-"),
        }
    }
}

/// What a regex did in all lines so far.
#[derive(Clone, Copy, Debug)]
pub struct RegexStats<'t> {
    /// As it stands in the file.
    pub text: &'t str,
    /// How many lines it was tried on.
    pub searches: u64,
    /// How many of them it matched.
    pub matches: u64,
    /// How long all that took.
    pub elapsed: Duration,
    /// On how many lines it was given up, as it took more steps than it may: nobody knows whether it matches them.
    pub given_up: u64,
}
