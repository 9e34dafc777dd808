//! What can be wrong with a configuration.

use std::fmt;

use thiserror::Error;

use super::limits::{
    MAX_FILE_BYTES, MAX_FILES, MAX_INCLUDE_DEPTH, MAX_INTERPOLATION_DEPTH, MAX_JAILS, MAX_VALUE_BYTES,
};
use super::origin::Origin;
use super::value::{ParamsError, TimeError, WordsError};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Everything works, but probably not as meant.
    Warning,
    /// The filter, action or jail that needs this cannot be used.
    Error,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether what was read can be used in spite of it.
    pub severity: Severity,
    /// The line to look at.
    pub origin: Option<Origin>,
    /// The section it stands in.
    pub section: Option<String>,
    /// The option.
    pub key: Option<String>,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// None of the files that a name stands for exists.
    #[error("no accessible configuration file for {what} `{name}`, tried: `{}`", tried.join("`, `"))]
    NoSuchFile {
        /// `filter`, `action`, …
        what: &'static str,
        /// The name that was asked for.
        name: String,
        /// The paths that were tried.
        tried: Vec<String>,
        /// The name that exists and is spelled most like it.
        nearest: Option<String>,
    },
    /// The file exists, but could not be read.
    #[error("cannot read file: {error}")]
    Unreadable {
        /// What the system said.
        error: String,
    },
    /// See [`MAX_FILE_BYTES`].
    #[error("expected a file of at most {MAX_FILE_BYTES} bytes")]
    FileTooLarge,
    /// Configuration is UTF-8.
    #[error("expected UTF-8, got another byte at offset {offset}")]
    NotUtf8 {
        /// Of the first byte that does not belong.
        offset: usize,
    },
    /// An option before the first section.
    #[error("expected a section header such as `[Definition]` before: `{line}`")]
    NoSectionYet {
        /// The line, cut short.
        line: String,
    },
    /// Neither a section nor an option nor indented deeper than one.
    #[error("expected `option = value`, got: `{line}`")]
    NotAnOption {
        /// The line, cut short.
        line: String,
    },
    /// The same section twice in one file.
    #[error("section `[{section}]` is already in this file, at line {first}")]
    DuplicateSection {
        /// Its name.
        section: String,
        /// Where it stands first.
        first: u32,
    },
    /// The same option twice in one section of one file.
    #[error("option `{option}` is already in this section, at line {first}")]
    DuplicateOption {
        /// Its name.
        option: String,
        /// Where it stands first.
        first: u32,
    },
    /// See [`MAX_INCLUDE_DEPTH`].
    #[error("includes nest deeper than {MAX_INCLUDE_DEPTH} files")]
    IncludeDepth,
    /// See [`MAX_FILES`].
    #[error("more than {MAX_FILES} files are included")]
    TooManyFiles,
    /// See [`MAX_JAILS`].
    #[error("more than {MAX_JAILS} jails, the rest is not read")]
    TooManyJails,
    /// A section that has to be there is not.
    #[error("no section `[{section}]`")]
    NoSection {
        /// Its name.
        section: String,
        /// A section that is spelled nearly so.
        nearest: Option<String>,
    },
    /// A `%` that begins neither `%%` nor `%(name)s`.
    #[error("expected `%%` or `%(name)s`, got: `{found}`")]
    BadPercent {
        /// The text from the `%` on, cut short.
        found: String,
    },
    /// `%(name)s` of an option that does not exist.
    #[error("`%({name})s` is not defined")]
    UnknownReference {
        /// The name as written.
        name: String,
        /// The name in reach that is spelled most like it.
        nearest: Option<String>,
        /// An included file that does not exist.
        missing: Option<String>,
    },
    /// See [`MAX_INTERPOLATION_DEPTH`].
    #[error("`%(…)s` nests deeper than {MAX_INTERPOLATION_DEPTH} levels")]
    InterpolationDepth,
    /// A tag that stands, over any number of steps, for itself.
    #[error("tag `<{tag}>` refers to itself over and over")]
    TagLoop {
        /// Its name.
        tag: String,
    },
    /// See [`MAX_VALUE_BYTES`].
    #[error("value grows over {MAX_VALUE_BYTES} bytes when its references are replaced")]
    ValueTooLong,
    /// See [`MAX_WORK`](super::limits::MAX_WORK).
    #[error("replacing references takes too long here")]
    TooMuchWork,
    /// A filter or action with parameters that cannot be read.
    #[error("cannot read `{text}`: {error}")]
    BadParams {
        /// The definition, cut short.
        text: String,
        /// What is wrong with it.
        error: ParamsError,
    },
    /// Not a whole number.
    #[error("expected a whole number, got: `{value}`")]
    BadInteger {
        /// The value.
        value: String,
    },
    /// A boolean that is neither a word for true nor one for false, which makes it false.
    #[error("expected `true` or `false`, got: `{value}`")]
    BadBool {
        /// The value.
        value: String,
    },
    /// Not a time value.
    #[error("expected a length of time such as `10m` or `1d 12h`, got: `{value}`: {error}")]
    BadTime {
        /// The value.
        value: String,
        /// What is wrong with it.
        error: TimeError,
    },
    /// One of a few words was expected.
    #[error("expected one of {expected}, got: `{value}`")]
    BadChoice {
        /// The words.
        expected: &'static str,
        /// The value.
        value: String,
    },
    /// A `journalmatch` with an open quote.
    #[error("cannot split `{text}` into words: {error}")]
    BadWords {
        /// The line.
        text: String,
        /// What is wrong with it.
        error: WordsError,
    },
    /// An option that nothing reads.
    #[error("unknown option `{key}`, nothing refers to it")]
    UnknownKey {
        /// Its name.
        key: String,
        /// The known one that is spelled most like it.
        nearest: Option<String>,
    },
    /// Two actions of one jail go by the same name.
    #[error("action `{name}` is already in this jail")]
    DuplicateAction {
        /// The name.
        name: String,
    },
    /// A jail without a filter counts nothing by itself.
    #[error("no filter set")]
    NoFilter,
    /// A jail without an action bans nobody.
    #[error("no actions defined")]
    NoActions,
    /// See [`LONG_JAIL_NAME`](super::limits::LONG_JAIL_NAME).
    #[error("jail name of {length} characters is too long for the chain names of iptables")]
    LongJailName {
        /// Characters of the name.
        length: usize,
    },
}

impl Problem {
    pub(crate) fn error(kind: ProblemKind, origin: Option<Origin>) -> Self {
        Self { severity: Severity::Error, origin, section: None, key: None, kind }
    }

    pub(crate) fn warning(kind: ProblemKind, origin: Option<Origin>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(kind, origin) }
    }

    pub(crate) fn within(mut self, section: &str, key: Option<&str>) -> Self {
        self.section = Some(section.to_owned());
        self.key = key.map(str::to_owned);
        self
    }

    /// What the operator may try, if anything can be said.
    pub fn hint(&self) -> Option<String> {
        self.kind.hint()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        if let Some(section) = &self.section {
            write!(f, "[{section}] ")?;
        }
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        write!(f, "{}", self.kind)
    }
}

impl std::error::Error for Problem {}

impl ProblemKind {
    /// See [`Problem::hint`].
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoSuchFile { name, .. } if name.ends_with(' ') => "leave no blank before `[`".into(),
            Self::NoSuchFile { nearest, .. }
            | Self::UnknownKey { nearest, .. }
            | Self::UnknownReference { nearest, missing: None, .. } => {
                return nearest.as_ref().map(|name| format!("did you mean `{name}`?"));
            }
            Self::UnknownReference { missing: Some(file), .. } => {
                format!("the included file `{file}` does not exist")
            }
            Self::NoSection { nearest, .. } => {
                return nearest.as_ref().map(|name| format!("is `[{name}]` meant to be it?"));
            }
            Self::NotAnOption { .. } => "indent a line that continues the value above it".into(),
            Self::NoSectionYet { line } if line.starts_with('\u{feff}') => {
                "save the file without a byte order mark".into()
            }
            Self::BadPercent { .. } => "write `%%` for a `%` that is meant literally".into(),
            Self::DuplicateOption { .. } | Self::DuplicateSection { .. } => {
                "keep one of them, or put the other into a `.local` file".into()
            }
            Self::DuplicateAction { .. } => "tell them apart with `actname`".into(),
            _ => return None,
        };
        Some(text)
    }
}

/// A problem in the making: what and where, but not yet for which option.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: Box<ProblemKind>,
    pub(crate) origin: Origin,
}

impl Fault {
    pub(crate) fn new(kind: ProblemKind, origin: &Origin) -> Self {
        Self { kind: Box::new(kind), origin: origin.clone() }
    }

    pub(crate) fn into_problem(self, section: &str, key: &str) -> Problem {
        Problem::error(*self.kind, Some(self.origin)).within(section, Some(key))
    }
}

/// Cuts a text from the configuration down to what fits into a message: the beginning of its first line.
pub(crate) fn cut(text: &str) -> String {
    const KEEP: usize = 60;
    let end = text.char_indices().enumerate().find(|(count, (_, c))| *count == KEEP || *c == '\n');
    match end {
        Some((_, (end, _))) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text.to_owned(),
    }
}
