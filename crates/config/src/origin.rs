//! Where a value was set.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use stockade_filter::conf;

/// Where a value was set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Nowhere: it is what Stockade does by itself.
    #[default]
    Default,
    /// In a file.
    File {
        /// Its path; one of the files built into the program begins with `(built in)`.
        file: Arc<str>,
        /// The line, from 1; 0 if the whole file is meant.
        line: u32,
        /// The character within the line, from 1; 0 if the whole line is meant.
        column: u32,
    },
    /// In an environment variable of this name.
    Env(&'static str),
}

impl Origin {
    /// A whole file.
    pub fn file(file: impl Into<Arc<str>>) -> Self {
        Self::File { file: file.into(), line: 0, column: 0 }
    }

    /// File, line and column, to sort by.
    pub(crate) fn position(&self) -> (&str, u32, u32) {
        match self {
            Self::File { file, line, column } => (file, *line, *column),
            Self::Default | Self::Env(_) => ("", 0, 0),
        }
    }
}

impl From<&conf::Origin> for Origin {
    fn from(origin: &conf::Origin) -> Self {
        match (origin.file(), origin.line()) {
            ("built in", 0) => Self::Default,
            (file, line) => Self::File { file: file.into(), line, column: 0 },
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line: 0, .. } => f.write_str(file),
            Self::File { file, line, column: 0 } => write!(f, "{file}:{line}"),
            Self::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::Env(name) => write!(f, "environment variable `{name}`"),
        }
    }
}

/// As its `Display` has it.
impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A value that is in effect, and where it was set: a line of `config dump --origin`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The file's section: the jail's name, the table of `stockade.toml`; empty for its top level.
    pub section: String,
    /// The option.
    pub key: String,
    /// Its value as text, with all references replaced. Several lines are separated by `\n`.
    pub value: String,
    /// Where it was set.
    pub origin: Origin,
}
