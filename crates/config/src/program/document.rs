//! A TOML file whose values know where they stand.

use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::limits::MAX_PROBLEMS;
use crate::origin::Origin;
use crate::problem::{Problem, ProblemKind, cut};

/// One `key = value` of a table, with the place of both.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'t> {
    pub(crate) key: &'t str,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: &'t DeValue<'t>,
    pub(crate) value_span: Range<usize>,
}

/// The entries of a table in the order of the file.
pub(crate) fn entries<'t>(table: &'t DeTable<'t>) -> Vec<Entry<'t>> {
    let entry = |(key, value): (&'t toml::Spanned<_>, &'t toml::Spanned<DeValue<'t>>)| {
        let name: &'t std::borrow::Cow<'t, str> = key.get_ref();
        Entry { key: name, key_span: key.span(), value: value.get_ref(), value_span: value.span() }
    };
    let mut entries: Vec<_> = table.iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    entries
}

/// The text of a file, which knows its lines.
#[derive(Debug)]
pub(crate) struct Text<'t> {
    file: Arc<str>,
    text: &'t str,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl<'t> Text<'t> {
    pub(crate) fn new(file: &str, text: &'t str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { file: file.into(), text, lines: std::iter::once(0).chain(starts).collect() }
    }

    /// Reads it as TOML, as far as it is TOML, and says where it is not; at most [`MAX_PROBLEMS`] places.
    pub(crate) fn parse(&self) -> (DeTable<'t>, Vec<Problem>) {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        let problem = |error: &toml::de::Error| {
            let origin = error
                .span()
                .map_or_else(|| Origin::file(Arc::clone(&self.file)), |span| self.place(span.start));
            let rest = error.span().and_then(|span| self.text.get(span.start..)).unwrap_or_default();
            Problem::error(ProblemKind::Syntax { message: message(error.message(), rest) }, origin)
        };
        (table.into_inner(), errors.iter().take(MAX_PROBLEMS).map(problem).collect())
    }

    /// The line and column of the character at a byte.
    pub(crate) fn place(&self, at: usize) -> Origin {
        let line = self.lines.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|index| self.lines.get(index)).copied().unwrap_or(0);
        let before = self.text.get(start..at).map_or(0, |before| before.chars().count());
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Origin::File { file: Arc::clone(&self.file), line: number(line), column: number(before + 1) }
    }

    /// The text of a line, from 1.
    pub(crate) fn line(&self, number: u32) -> &'t str {
        let index = usize::try_from(number).unwrap_or(usize::MAX).checked_sub(1);
        let start = index.and_then(|index| self.lines.get(index)).copied().unwrap_or(self.text.len());
        self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default()
    }

    /// The text in a span, cut short.
    pub(crate) fn quote(&self, span: Range<usize>) -> String {
        cut(self.text.get(span).unwrap_or_default())
    }
}

/// What the parser says, except where it guesses wrongly what a value was meant to be; `rest` is the text from there.
fn message(said: &str, rest: &str) -> String {
    match rest.chars().next() {
        None | Some('\n' | '\r') if said.starts_with("string values") => "expected a value".into(),
        Some(c) if c.is_alphabetic() && said.starts_with("invalid float") => {
            "string values must be quoted".into()
        }
        _ => cut(said.trim_end_matches(", expected nothing")),
    }
}
