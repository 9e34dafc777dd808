//! All problems of a configuration, so that all of them can be mended in one go.

use std::fmt;

use crate::limits::MAX_PROBLEMS;
use crate::origin::Origin;
use crate::problem::{Problem, Severity};

/// All that is wrong with a configuration, in the order in which it was met, each thing once.
///
/// What several jails take over from `[DEFAULT]` is one thing: it is told for the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
    dropped: usize,
    failed: bool,
}

impl Problems {
    /// The problems.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// Whether nothing at all is wrong.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// How many more there were than are kept: those above [`MAX_PROBLEMS`].
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.failed
    }

    pub(crate) fn push(&mut self, problem: Problem) {
        self.failed |= problem.severity == Severity::Error;
        // Not looked for among those that are kept: it would take long where there are very many.
        if self.is_full() {
            self.dropped += 1;
            return;
        }
        let same = |other: &Problem| {
            (&other.origin, &other.key, &other.kind) == (&problem.origin, &problem.key, &problem.kind)
                && (problem.origin != Origin::Default || other.section == problem.section)
        };
        if !self.list.iter().any(same) {
            self.list.push(problem);
        }
    }

    /// Whether more problems are only counted.
    pub(crate) fn is_full(&self) -> bool {
        self.list.len() >= MAX_PROBLEMS
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.failed |= other.failed;
        self.dropped += other.dropped;
        for problem in other.list {
            self.push(problem);
        }
    }

    /// Puts those of one file together, in the order of its lines.
    pub(crate) fn sort(&mut self) {
        self.list.sort_by(|one, other| one.origin.position().cmp(&other.origin.position()));
    }

    /// Counts problems that another reader had and did not keep, one of them perhaps an error.
    pub(crate) fn count_dropped(&mut self, dropped: usize, failed: bool) {
        self.failed |= failed && dropped > 0;
        self.dropped += dropped;
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One problem a line, an indented `hint: …` below those that have one.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            let severity = match problem.severity {
                Severity::Warning => "warning",
                Severity::Error => "error",
            };
            write!(f, "{newline}{severity}: {problem}")?;
            if let Some(hint) = problem.hint() {
                write!(f, "\n  hint: {hint}")?;
            }
        }
        if self.dropped > 0 {
            write!(f, "\nand {} more", self.dropped)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
