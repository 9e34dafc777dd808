//! Verdicts for programs.

use serde::Serialize;
use stockade_pattern::{Explanation, FieldExplanation, Lint};

use super::lint_text;
use crate::output::explanation::{nearest, verdict_name};

/// What came of one event.
#[derive(Debug, Serialize)]
pub(super) struct One {
    matched: bool,
    /// The combinations of `$or`, the nearest first; one if there is no `$or`.
    combinations: Vec<Combination>,
    lints: Vec<String>,
}

/// What came of one combination.
#[derive(Debug, Serialize)]
pub(crate) struct Combination {
    /// Its place in the pattern, from 1.
    number: usize,
    matched: bool,
    /// Every field holds, but not in the same elements of arrays.
    inconsistent: bool,
    /// Too large to decide: it counts as a match.
    undecided: bool,
    fields: Vec<Field>,
}

#[derive(Debug, Serialize)]
struct Field {
    path: String,
    /// `holds`, `missing`, `present` or `differs`.
    verdict: &'static str,
    /// Alternatives, as they stand in a pattern.
    wanted: Vec<String>,
    /// The first values, as JSON.
    found: Vec<String>,
    /// How many values there are.
    values: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    compared: Vec<Compared>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inside: Vec<Option<Vec<Combination>>>,
}

#[derive(Debug, Serialize)]
struct Compared {
    path: String,
    found: Vec<String>,
    values: usize,
}

impl One {
    pub(super) fn of(explanation: &Explanation, lints: &[Lint]) -> Self {
        Self {
            matched: explanation.matched,
            combinations: combinations(explanation),
            lints: lints.iter().map(lint_text).collect(),
        }
    }
}

/// The combinations of an explanation, the nearest first.
pub(crate) fn combinations(explanation: &Explanation) -> Vec<Combination> {
    let told = nearest(explanation).into_iter().map(|(place, branch)| Combination {
        number: place + 1,
        matched: branch.matched,
        inconsistent: branch.inconsistent,
        undecided: branch.undecided,
        fields: branch.fields.iter().map(Field::of).collect(),
    });
    told.collect()
}

impl Field {
    fn of(field: &FieldExplanation) -> Self {
        let compared = field.compared.iter().map(|other| Compared {
            path: other.path.clone(),
            found: other.found.clone(),
            values: other.values,
        });
        Self {
            path: field.path.clone(),
            verdict: verdict_name(field.verdict),
            wanted: field.wanted.clone(),
            found: field.found.clone(),
            values: field.values,
            compared: compared.collect(),
            inside: field.inside.iter().map(|inside| inside.as_ref().map(combinations)).collect(),
        }
    }
}
