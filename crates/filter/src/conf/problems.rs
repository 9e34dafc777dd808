//! All problems of one read, each with its place, so that all of them can be mended in one go.

use std::fmt;

use super::limits::MAX_PROBLEMS;
use super::problem::{Problem, Severity};

/// All problems of one read, in the order in which they were met. Each is kept once, up to [`MAX_PROBLEMS`].
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

    /// How many more there were than are kept.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.failed
    }

    pub(crate) fn push(&mut self, problem: Problem) {
        self.failed |= problem.severity == Severity::Error;
        if self.list.contains(&problem) {
            return;
        }
        if self.list.len() < MAX_PROBLEMS {
            self.list.push(problem);
        } else {
            self.dropped += 1;
        }
    }

    pub(crate) fn append(&mut self, other: &Self) {
        for problem in &other.list {
            self.push(problem.clone());
        }
        self.dropped += other.dropped;
        self.failed |= other.failed;
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        let mut problems = Self::default();
        problems.push(problem);
        problems
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{problem}")?;
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

/// What a read gave: the result, unless an error prevents it, and all that was noticed on the way.
#[derive(Clone, Debug)]
pub struct Read<T> {
    /// The result; `None` only if one of the problems is an error.
    pub value: Option<T>,
    /// Errors and warnings.
    pub problems: Problems,
}

impl<T> Read<T> {
    /// The result with the warnings, or the problems that prevent it.
    ///
    /// # Errors
    /// All problems, if one of them is an error.
    pub fn into_result(self) -> Result<(T, Problems), Problems> {
        match self.value {
            Some(value) if !self.problems.has_errors() => Ok((value, self.problems)),
            _ => Err(self.problems),
        }
    }
}
