//! A TOML file whose values know where they stand.

use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::limits::MAX_PROBLEMS;
use crate::problem::{Place, RuleProblem, RuleProblemKind, cut};

/// One `key = value` of a table, with the place of both.
#[derive(Clone, Debug)]
pub(super) struct Entry<'t> {
    pub(super) key: &'t str,
    pub(super) key_span: Range<usize>,
    pub(super) value: &'t DeValue<'t>,
    pub(super) span: Range<usize>,
}

/// The entries of a table in the order of the file.
pub(super) fn entries<'t>(table: &'t DeTable<'t>) -> Vec<Entry<'t>> {
    let entry = |(key, value): (&'t toml::Spanned<_>, &'t toml::Spanned<DeValue<'t>>)| {
        let name: &'t std::borrow::Cow<'t, str> = key.get_ref();
        Entry { key: name, key_span: key.span(), value: value.get_ref(), span: value.span() }
    };
    let mut entries: Vec<_> = table.iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    entries
}

/// The text of a file, which knows its lines.
#[derive(Debug)]
pub(super) struct Text<'t> {
    pub(super) file: Arc<str>,
    text: &'t str,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl<'t> Text<'t> {
    pub(super) fn new(file: &str, text: &'t str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { file: file.into(), text, lines: std::iter::once(0).chain(starts).collect() }
    }

    /// Reads it as TOML, as far as it is TOML, and says where it is not.
    pub(super) fn parse(&self) -> (DeTable<'t>, Vec<RuleProblem>) {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        let problem = |error: &toml::de::Error| {
            let place = error.span().map_or_else(Place::default, |span| self.place(span.start));
            let rest = error.span().and_then(|span| self.text.get(span.start..)).unwrap_or_default();
            self.problem(place, None, RuleProblemKind::Syntax { message: message(error.message(), rest) })
        };
        (table.into_inner(), errors.iter().take(MAX_PROBLEMS).map(problem).collect())
    }

    pub(super) fn problem(&self, place: Place, key: Option<&str>, kind: RuleProblemKind) -> RuleProblem {
        RuleProblem { file: Arc::clone(&self.file), place, key: key.map(str::to_owned), kind }
    }

    /// The line and column of the character at a byte.
    pub(super) fn place(&self, at: usize) -> Place {
        let line = self.lines.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|index| self.lines.get(index)).copied().unwrap_or(0);
        let before = self.text.get(start..at).map_or(0, |before| before.chars().count());
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place { line: number(line), column: number(before + 1) }
    }

    /// The text of a line, from 1.
    pub(super) fn line(&self, number: u32) -> &'t str {
        let index = usize::try_from(number).unwrap_or(usize::MAX).checked_sub(1);
        let start = index.and_then(|index| self.lines.get(index)).copied().unwrap_or(self.text.len());
        self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default()
    }

    /// The text in a span, cut short.
    pub(super) fn quote(&self, span: Range<usize>) -> String {
        cut(self.text.get(span).unwrap_or_default())
    }

    /// The place of a byte of a string's value, where the file holds that value as it is.
    pub(super) fn place_in_string(&self, span: &Range<usize>, value: &str, byte: usize) -> Option<Place> {
        let raw = self.text.get(span.clone())?;
        let quotes = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quotes| raw.starts_with(quotes))?;
        let mut start = quotes.len();
        if quotes.len() == 3 {
            // The first line break after the quotes is not part of the string.
            let rest = raw.get(start..)?;
            start += ["\r\n", "\n"].into_iter().find(|end| rest.starts_with(end)).map_or(0, str::len);
        }
        raw.get(start..)?.starts_with(value).then(|| self.place(span.start + start + byte))
    }
}

/// What the parser says, except where it guesses wrongly what a value was meant to be; `rest` is the text from there.
fn message(said: &str, rest: &str) -> String {
    match rest.chars().next() {
        None | Some('\n' | '\r') if said.starts_with("string values") => "expected a value".into(),
        _ if said.starts_with("string values must be quoted") => "string values must be quoted".into(),
        Some(c) if c.is_alphabetic() && said.starts_with("invalid float") => {
            "string values must be quoted".into()
        }
        _ => cut(said.trim_end_matches(", expected nothing")),
    }
}
