//! A pattern that was read.

use std::sync::Arc;

use crate::condition::Condition;
use crate::consistent::{Wanted, decide};
use crate::error::{EventError, PatternError};
use crate::leaves::Leaves;
use crate::limits::MAX_CONSISTENCY_STEPS;
use crate::paths::Paths;
use crate::scan::Walker;

/// An event pattern that was read and found valid.
///
/// A pattern is kept as EventBridge keeps it: as the list of combinations that its `$or`s multiply to, one if it has none.
///
/// ```
/// use stockade_pattern::Pattern;
///
/// let pattern = Pattern::parse(r#"{"source": ["aws.signin"], "detail": {"errorMessage": [{"exists": true}]}}"#)?;
/// assert!(pattern.matches(br#"{"source": "aws.signin", "detail": {"errorMessage": "Failed authentication"}}"#)?);
/// assert!(!pattern.matches(br#"{"source": "aws.signin", "detail": {}}"#)?);
///
/// let error = Pattern::parse(r#"{"source": "aws.signin"}"#).unwrap_err();
/// assert_eq!(error.reason(), r#""source" must be an object or an array"#);
/// assert_eq!(error.position().column, 12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    pub(crate) branches: Vec<Branch>,
    pub(crate) lints: Vec<Lint>,
}

/// One combination: every field must hold, some alternative of each. Sorted by path; no path twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Branch {
    pub(crate) fields: Vec<Field>,
}

/// The alternatives for one path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Field {
    /// Names joined with dots.
    pub(crate) path: Arc<[u8]>,
    pub(crate) conditions: Arc<[Condition]>,
}

/// Something about a valid pattern that its author may not have meant, or that AWS would reject.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lint {
    /// The path is named twice at the same place: the last one counts.
    Overridden {
        /// The path, joined with dots.
        path: String,
    },
    /// More characters than AWS takes by default ([`AWS_PATTERN_CHARS`](crate::limits::AWS_PATTERN_CHARS)).
    TooLongForAws {
        /// How many it has.
        chars: usize,
    },
    /// A wildcard with so many stars that AWS is likely to find it too complex.
    WildcardTooComplexForAws {
        /// How many stars it has.
        stars: usize,
    },
    /// It uses what only Stockade understands (`compare`, `json`).
    NotEventBridge,
}

/// Which language a pattern is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Dialect {
    /// EventBridge's, and nothing else.
    #[default]
    EventBridge,
    /// EventBridge's with the conditions `compare` and `json` (see [`extension`](crate::extension)).
    Stockade,
}

impl Pattern {
    /// Reads a pattern in EventBridge's language.
    ///
    /// # Errors
    /// Whatever AWS rejects, with AWS's reason, and what is beyond a limit of this crate.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        crate::parse::parse(text, Dialect::EventBridge)
    }

    /// Reads a pattern in the dialect named.
    ///
    /// # Errors
    /// As [`Pattern::parse`].
    pub fn parse_as(text: &str, dialect: Dialect) -> Result<Self, PatternError> {
        crate::parse::parse(text, dialect)
    }

    /// Returns what is noteworthy about it.
    pub fn lints(&self) -> &[Lint] {
        &self.lints
    }

    /// Returns into how many combinations its `$or`s multiply; 1 if there are none.
    pub fn combinations(&self) -> usize {
        self.branches.len()
    }

    /// Returns the paths that it names, joined with dots, each once, in order.
    pub fn paths(&self) -> Vec<String> {
        let fields = self.branches.iter().flat_map(|branch| &branch.fields);
        let mut paths: Vec<String> =
            fields.map(|field| String::from_utf8_lossy(&field.path).into_owned()).collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }
}

impl Pattern {
    /// Whether it matches an event. For many patterns, or one pattern and many events, a [`RuleSet`](crate::RuleSet) is
    /// faster by far.
    ///
    /// An event for which array consistency cannot be decided within
    /// [`MAX_CONSISTENCY_STEPS`] counts as matched.
    ///
    /// # Errors
    /// The event is not a JSON object.
    pub fn matches(&self, event: &[u8]) -> Result<bool, EventError> {
        let mut paths = Paths::new();
        self.add_paths(&mut paths);
        let leaves = Leaves::read(event, &paths, &mut Walker::default())?;
        let mut steps = MAX_CONSISTENCY_STEPS;
        Ok(self.decide(&leaves, &paths, &mut steps).unwrap_or(true))
    }

    /// Adds what it asks for to a tree.
    pub(crate) fn add_paths(&self, paths: &mut Paths) {
        for field in self.branches.iter().flat_map(|branch| &branch.fields) {
            paths.add(&field.path);
            for condition in &*field.conditions {
                if let Condition::Compare(compare) = condition {
                    paths.add(&compare.other);
                }
            }
        }
    }

    /// Whether it matches leaves. `None`: the steps are spent.
    pub(crate) fn decide(&self, leaves: &Leaves<'_>, paths: &Paths, steps: &mut u32) -> Option<bool> {
        let mut open = false;
        for branch in &self.branches {
            match decide(&branch.wanted(paths), leaves, paths, steps) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => open = true,
            }
        }
        (!open).then_some(false)
    }
}

impl Branch {
    /// Its fields as numbers of a tree that they were added to.
    pub(crate) fn wanted(&self, paths: &Paths) -> Vec<Wanted> {
        let fields = self.fields.iter();
        fields.filter_map(|field| Some((paths.find(&field.path)?, Arc::clone(&field.conditions)))).collect()
    }
}
