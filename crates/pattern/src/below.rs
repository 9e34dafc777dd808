//! A pattern as far as it speaks of one part of an event.

use std::sync::Arc;

use crate::condition::Condition;
use crate::pattern::{Branch, Field, Pattern};

impl Pattern {
    /// Returns what it asks of the fields below `path`, and leaves the others out: every event that it matches is matched by
    /// that pattern as well, looked at with nothing but the object at `path`.
    ///
    /// Many records of a CloudTrail file are so told apart from those few that are worth putting into the envelope in which
    /// EventBridge would deliver them:
    ///
    /// ```
    /// use stockade_pattern::{Part, Pattern, RuleSet, Scratch};
    ///
    /// let pattern = Pattern::parse(r#"{"source": ["aws.iam"], "detail": {"eventName": ["CreateUser"]}}"#)?;
    /// let set = RuleSet::new([&pattern.below("detail")]);
    /// let mut scratch = Scratch::new();
    /// let (candidates, _) =
    ///     set.matches_first(Part { path: "detail", json: br#"{"eventName": "CreateUser"}"# }, &mut scratch)?;
    /// assert_eq!(candidates.ids(), [0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn below(&self, path: &str) -> Self {
        let prefix = format!("{path}.").into_bytes();
        let kept = |branch: &Branch| {
            let fields = branch.fields.iter().filter(|field| field.path.starts_with(&prefix));
            Branch { fields: fields.map(|field| alone(field, &prefix)).collect() }
        };
        Self { branches: self.branches.iter().map(kept).collect(), lints: Vec::new() }
    }
}

/// The field; of a comparison with a field elsewhere there remains that it is there.
fn alone(field: &Field, prefix: &[u8]) -> Field {
    let outside = |condition: &Condition| matches!(condition, Condition::Compare(compare) if !compare.other.starts_with(prefix));
    if !field.conditions.iter().any(outside) {
        return field.clone();
    }
    let conditions = field
        .conditions
        .iter()
        .map(|condition| if outside(condition) { Condition::Exists } else { condition.clone() });
    Field { path: Arc::clone(&field.path), conditions: conditions.collect() }
}

#[cfg(test)]
mod tests {
    use crate::{Dialect, Part, Pattern, RuleSet, Scratch};

    /// Whether what is left of a pattern below `detail` matches an object there.
    fn matches(pattern: &str, detail: &str) -> bool {
        let pattern = Pattern::parse_as(pattern, Dialect::Stockade).unwrap().below("detail");
        let set = RuleSet::new([&pattern]);
        let mut scratch = Scratch::new();
        let part = Part { path: "detail", json: detail.as_bytes() };
        !set.matches_parts(&[part], &mut scratch).unwrap().is_empty()
    }

    #[test]
    fn only_what_lies_below_is_asked_for() {
        let pattern = r#"{"source": ["aws.x"], "detailed": {"a": [2]}, "detail": {"a": [1], "b": [{"exists": false}]}}"#;
        assert!(matches(pattern, r#"{"a": 1}"#));
        assert!(!matches(pattern, r#"{"a": 2}"#));
        assert!(!matches(pattern, r#"{"a": 1, "b": 1}"#));
    }

    #[test]
    fn a_pattern_that_asks_for_nothing_there_matches_whatever_is_there() {
        assert!(matches(r#"{"source": ["aws.x"]}"#, "{}"));
        assert!(matches(r#"{"$or": [{"source": ["aws.x"]}, {"detail": {"a": [1]}}]}"#, "{}"));
    }

    #[test]
    fn a_comparison_with_something_elsewhere_may_hold() {
        let pattern = r#"{"detail": {"a": [{"compare": {"equals": "account"}}], "b": [{"compare": {"differs": "detail.a"}}]}}"#;
        assert!(matches(pattern, r#"{"a": "1", "b": "2"}"#));
        assert!(!matches(pattern, r#"{"a": "1", "b": "1"}"#), "the other comparison stays");
        assert!(!matches(pattern, r#"{"b": "1"}"#));
    }
}
