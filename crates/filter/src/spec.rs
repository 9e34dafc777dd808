//! What a filter is made of, before it is compiled, and what can be wrong with it.

use std::fmt;
use std::sync::Arc;

use crate::conf::{FilterDef, Line};

/// How a host name in a log line is taken: `usedns`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UseDns {
    /// `<HOST>` takes addresses only.
    #[default]
    No,
    /// `<HOST>` takes names too; the match carries the name, for the caller to resolve.
    Yes,
    /// The text itself is the key.
    Raw,
}

impl UseDns {
    /// Reads a value of `usedns`; what is none is `no`, as in fail2ban.
    pub fn parse(text: &str) -> Self {
        match text.trim().to_ascii_lowercase().as_str() {
            "yes" | "warn" => Self::Yes,
            "raw" => Self::Raw,
            _ => Self::No,
        }
    }
}

/// One regex of a filter with the place where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The regex as it stands in the file, after interpolation, with its tags.
    pub text: String,
    /// The file and line, for messages; empty where there is none.
    pub origin: String,
}

impl From<&str> for Source {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), origin: String::new() }
    }
}

/// A filter as it was read: fail2ban's options, resolved.
#[derive(Clone, Debug, Default)]
pub struct FilterSpec {
    /// Its name with its parameters, for people: `sshd[mode=aggressive]`.
    pub name: Arc<str>,
    /// `prefregex`: what every line of the filter begins with.
    pub prefregex: Option<Source>,
    /// `failregex`: the first that matches wins.
    pub failregex: Vec<Source>,
    /// `ignoreregex`: what speaks against a match.
    pub ignoreregex: Vec<Source>,
    /// `datepattern`.
    pub datepattern: Option<String>,
    /// `maxlines`: how many lines a regex sees at once.
    pub maxlines: usize,
    /// `usedns`.
    pub usedns: UseDns,
}

impl FilterSpec {
    /// What the files say, made ready to compile. `usedns` of the files goes before `usedns` given here; of its values
    /// only `yes`, `warn` and `raw` let a host name stand for an address.
    pub fn from_def(def: &FilterDef, usedns: UseDns) -> Self {
        let source = |line: &Line| Source { text: line.text.clone(), origin: line.origin.to_string() };
        let prefregex = def.prefregex.as_ref();
        Self {
            name: def.name.as_str().into(),
            prefregex: prefregex
                .map(|p| Source { text: p.text().to_owned(), origin: p.origin().to_string() }),
            failregex: def.failregex.iter().map(source).collect(),
            ignoreregex: def.ignoreregex.iter().map(source).collect(),
            datepattern: def.datepattern.as_ref().map(|pattern| pattern.text().to_owned()),
            maxlines: def
                .maxlines
                .as_ref()
                .map_or(1, |(lines, _)| usize::try_from(*lines).unwrap_or(usize::MAX)),
            usedns: def.usedns.as_ref().map_or(usedns, |value| UseDns::parse(value.text())),
        }
    }
}

/// What is wrong with a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// The filter.
    pub filter: Arc<str>,
    /// The option: `failregex`, `prefregex`, …
    pub option: &'static str,
    /// File and line, where known.
    pub origin: String,
    /// The regex or value, cut to a readable length.
    pub text: String,
    /// What was expected or is not supported.
    pub problem: String,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.origin.is_empty() {
            write!(f, "{}: ", self.origin)?;
        }
        write!(f, "cannot use {} of filter `{}`: {}: `{}`", self.option, self.filter, self.problem, self.text)
    }
}

impl std::error::Error for FilterError {}
