//! Why a pattern matches an event, or does not.

use std::fmt;
use std::sync::Arc;

use crate::condition::{Condition, Value};
use crate::consistent::decide;
use crate::error::EventError;
use crate::leaves::{Leaf, Leaves};
use crate::limits::MAX_CONSISTENCY_STEPS;
use crate::paths::Paths;
use crate::pattern::Pattern;
use crate::scan::Walker;

/// How many of the values found are kept for each field.
const MAX_SHOWN: usize = 8;
/// How much of a value is kept, in characters.
const MAX_SHOWN_CHARS: usize = 120;

/// Why a pattern matches an event, or does not. Its text, by [`Display`](fmt::Display), is for people.
///
/// ```
/// use stockade_pattern::{Pattern, Verdict};
///
/// let pattern = Pattern::parse(r#"{"source": ["aws.signin"], "detail": {"errorMessage": ["Failed authentication"]}}"#)?;
/// let why = pattern.explain(br#"{"source": "aws.signin", "detail": {"errorMessage": "No password"}}"#)?;
/// assert!(!why.matched);
/// let failed: Vec<_> = why.branches[0].fields.iter().filter(|field| field.verdict != Verdict::Holds).collect();
/// assert_eq!(failed[0].path, "detail.errorMessage");
/// assert_eq!(failed[0].verdict, Verdict::Differs);
/// assert_eq!(failed[0].found, [r#""No password""#]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Whether the pattern matches.
    pub matched: bool,
    /// Every combination of the pattern's `$or`s; one if it has none.
    pub branches: Vec<BranchExplanation>,
}

/// Why one combination holds, or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchExplanation {
    /// Whether it holds.
    pub matched: bool,
    /// Its fields, in the order of their paths.
    pub fields: Vec<FieldExplanation>,
    /// Every field holds by itself, but not all of them in the same elements of the event's arrays.
    pub inconsistent: bool,
    /// The steps were spent before that could be decided; it counts as matched.
    pub undecided: bool,
}

/// What became of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldExplanation {
    /// Its path, names joined with dots.
    pub path: String,
    /// What the pattern asks for: alternatives.
    pub wanted: Vec<String>,
    /// The first values of the event at the path, as JSON, shortened.
    pub found: Vec<String>,
    /// How many values the event has at the path.
    pub values: usize,
    /// How it ended.
    pub verdict: Verdict,
    /// The fields that `compare` names, in the order of the conditions.
    pub compared: Vec<ComparedField>,
    /// If it differs, what came of each `json` condition in the first string that was found; `None` where that holds no
    /// JSON object.
    pub inside: Vec<Option<Explanation>>,
}

/// What the event has where a `compare` looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedField {
    /// Its path, names joined with dots.
    pub path: String,
    /// The first values of the event at the path, as JSON, shortened.
    pub found: Vec<String>,
    /// How many values the event has at the path.
    pub values: usize,
}

/// What became of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// A value fulfils an alternative, or the field is absent as it should be.
    Holds,
    /// The event has no value at the path.
    Missing,
    /// The event has a value at the path, and should not.
    Present,
    /// The event has values at the path, and none fulfils an alternative.
    Differs,
}

impl Pattern {
    /// Explains why it matches an event, or does not. Slow: for people.
    ///
    /// # Errors
    /// The event is not a JSON object.
    pub fn explain(&self, event: &[u8]) -> Result<Explanation, EventError> {
        let mut paths = Paths::new();
        self.add_paths(&mut paths);
        let leaves = Leaves::read(event, &paths, &mut Walker::default())?;
        Ok(self.explain_leaves(&leaves, &paths))
    }

    /// The same of leaves that were read.
    pub(crate) fn explain_leaves(&self, leaves: &Leaves<'_>, paths: &Paths) -> Explanation {
        let branches: Vec<BranchExplanation> = self
            .branches
            .iter()
            .map(|branch| {
                let mut steps = MAX_CONSISTENCY_STEPS;
                let wanted = branch.wanted(paths);
                let decided = decide(&wanted, leaves, paths, &mut steps);
                let fields: Vec<FieldExplanation> = branch
                    .fields
                    .iter()
                    .zip(&wanted)
                    .map(|(field, wanted)| explain_field(&field.path, wanted, leaves, paths))
                    .collect();
                let all_hold = fields.iter().all(|field| field.verdict == Verdict::Holds);
                let matched = decided.unwrap_or(true);
                BranchExplanation {
                    matched,
                    inconsistent: !matched && all_hold,
                    undecided: decided.is_none(),
                    fields,
                }
            })
            .collect();
        Explanation { matched: branches.iter().any(|branch| branch.matched), branches }
    }
}

fn explain_field(
    path: &[u8],
    wanted: &(crate::paths::FieldId, Arc<[Condition]>),
    leaves: &Leaves<'_>,
    paths: &Paths,
) -> FieldExplanation {
    let (field, conditions) = wanted;
    let own = leaves.of(*field);
    let mut steps = MAX_CONSISTENCY_STEPS;
    let holds = decide(std::slice::from_ref(wanted), leaves, paths, &mut steps).unwrap_or(true);
    let absent_in_arrays =
        conditions.contains(&Condition::Absent) && own.iter().all(|leaf| leaf.context != 0);
    let verdict = if holds || absent_in_arrays {
        Verdict::Holds
    } else if own.is_empty() {
        Verdict::Missing
    } else if conditions.iter().all(|condition| *condition == Condition::Absent) {
        Verdict::Present
    } else {
        Verdict::Differs
    };
    let compared = conditions.iter().filter_map(|condition| match condition {
        Condition::Compare(compare) => {
            let others = paths.find(&compare.other).map_or(&[][..], |other| leaves.of(other));
            let path = String::from_utf8_lossy(&compare.other).into_owned();
            Some(ComparedField { path, found: first_of(others), values: others.len() })
        }
        _ => None,
    });
    let text = own.iter().find_map(|leaf| match &leaf.value {
        Value::String(text) if verdict == Verdict::Differs => Some(text),
        _ => None,
    });
    let inside = conditions.iter().filter_map(|condition| match condition {
        Condition::Json(pattern) => text.map(|text| crate::inner::explain(pattern, text)),
        _ => None,
    });
    FieldExplanation {
        path: String::from_utf8_lossy(path).into_owned(),
        wanted: conditions.iter().map(ToString::to_string).collect(),
        found: first_of(own),
        values: own.len(),
        verdict,
        compared: compared.collect(),
        inside: inside.collect(),
    }
}

fn first_of(leaves: &[Leaf<'_>]) -> Vec<String> {
    leaves.iter().take(MAX_SHOWN).map(|leaf| shown(&leaf.value)).collect()
}

fn shown(value: &Value<'_>) -> String {
    let text = value.to_string();
    if text.chars().count() <= MAX_SHOWN_CHARS {
        return text;
    }
    text.chars().take(MAX_SHOWN_CHARS).chain(['…']).collect()
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", if self.matched { "match" } else { "no match" })?;
        for (at, branch) in self.branches.iter().enumerate() {
            if self.branches.len() > 1 {
                let verdict = if branch.matched { "holds" } else { "does not hold" };
                writeln!(f, "combination {} of {} {verdict}", at + 1, self.branches.len())?;
            }
            for field in &branch.fields {
                writeln!(f, "  {field}")?;
            }
            if branch.inconsistent {
                writeln!(f, "  every field holds by itself, but not all in the same elements of arrays")?;
            }
            if branch.undecided {
                writeln!(f, "  the arrays are too large to decide: counted as a match")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for FieldExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = self.wanted.join(" or ");
        let found = listed(&self.found, self.values);
        let path = &self.path;
        match self.verdict {
            Verdict::Holds if found.is_empty() => write!(f, "ok      {path}: absent, as wanted"),
            Verdict::Holds => write!(f, "ok      {path}: {found}"),
            Verdict::Missing => write!(f, "MISSING {path}: wanted {wanted}, the event has no such value"),
            Verdict::Present => write!(f, "PRESENT {path}: must be absent, is {found}"),
            Verdict::Differs => {
                write!(f, "DIFFERS {path}: wanted {wanted}, is {found}")?;
                for other in &self.compared {
                    match other.values {
                        0 => write!(f, "; {} is absent", other.path)?,
                        values => write!(f, "; {} is {}", other.path, listed(&other.found, values))?,
                    }
                }
                Ok(())
            }
        }
    }
}

fn listed(found: &[String], values: usize) -> String {
    let mut text = found.join(", ");
    if values > found.len() {
        text += &format!(" and {} more", values - found.len());
    }
    text
}
