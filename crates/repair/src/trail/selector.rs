//! One event selector, in the form that both of CloudTrail's languages can be brought into, and when one selects all
//! that another selects.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::json::{list, text, texts};

/// What a trail records: all events that each condition holds for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selector {
    /// Conditions by field.
    fields: BTreeMap<String, Condition>,
}

/// What must hold for one field: values by operator.
type Condition = BTreeMap<String, Vec<String>>;

const EQUALS: &str = "Equals";
const NOT_EQUALS: &str = "NotEquals";
const STARTS: &str = "StartsWith";
const NOT_STARTS: &str = "NotStartsWith";
const ENDS: &str = "EndsWith";
const NOT_ENDS: &str = "NotEndsWith";
const OPERATORS: [&str; 6] = [EQUALS, NOT_EQUALS, STARTS, NOT_STARTS, ENDS, NOT_ENDS];
const READ_ONLY: &str = "readOnly";
const CATEGORY: &str = "eventCategory";
/// A selector is not taken apart further than this; CloudTrail allows 500 values in all selectors of a trail.
const MAX_PARTS: usize = 2000;

impl Selector {
    fn with(mut self, field: &str, operator: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        self.fields.entry(field.to_owned()).or_default().insert(operator.to_owned(), values);
        self
    }

    /// A selector of the newer language.
    pub(super) fn advanced(selector: &Value) -> Self {
        let mut one = Self::default();
        for field in list(selector, "FieldSelectors") {
            for operator in OPERATORS {
                let values = texts(field, operator);
                if !values.is_empty() {
                    one = one.with(text(field, "Field"), operator, &values);
                }
            }
        }
        one
    }

    /// What a selector of the older language means: management events, and one for each of its data resources.
    pub(super) fn basic(selector: &Value) -> Vec<Self> {
        let reads = match text(selector, "ReadWriteType") {
            "ReadOnly" => Self::default().with(READ_ONLY, EQUALS, &["true"]),
            "WriteOnly" => Self::default().with(READ_ONLY, EQUALS, &["false"]),
            _ => Self::default(),
        };
        let mut all = Vec::new();
        // It is on where it is not said.
        if selector.get("IncludeManagementEvents") != Some(&Value::Bool(false)) {
            let management = reads.clone().with(CATEGORY, EQUALS, &["Management"]);
            let excluded = texts(selector, "ExcludeManagementEventSources");
            all.push(if excluded.is_empty() {
                management
            } else {
                management.with("eventSource", NOT_EQUALS, &excluded)
            });
        }
        for resource in list(selector, "DataResources") {
            for value in texts(resource, "Values") {
                let data = reads.clone().with(CATEGORY, EQUALS, &["Data"]);
                let data = data.with("resources.type", EQUALS, &[text(resource, "Type")]);
                // `arn:aws:s3` alone means everything of the type.
                let everything = value.matches(':').count() < 3;
                all.push(if everything { data } else { data.with("resources.ARN", STARTS, &[value]) });
            }
        }
        all
    }

    /// In the newer language.
    pub(super) fn to_advanced(&self) -> Value {
        let field = |(name, condition): (&String, &Condition)| {
            let mut field = Map::from_iter([("Field".to_owned(), json!(name))]);
            field.extend(condition.iter().map(|(operator, values)| (operator.clone(), json!(values))));
            Value::Object(field)
        };
        json!({"FieldSelectors": self.fields.iter().map(field).collect::<Vec<_>>()})
    }

    /// Whether some selectors together record all that this one records. A `no` may be wrong for conditions that
    /// overlap in odd ways; a `yes` never is.
    pub(super) fn is_covered_by(&self, others: &[Self]) -> bool {
        self.parts().iter().all(|part| others.iter().any(|other| part.implies(other)))
    }

    /// The same as several, each with one value at most in its positive conditions, and either reads or writes.
    fn parts(&self) -> Vec<Self> {
        let mut parts = vec![self.clone()];
        if !self.fields.contains_key(READ_ONLY) {
            parts = ["true", "false"].map(|is| self.clone().with(READ_ONLY, EQUALS, &[is])).to_vec();
        }
        for (field, condition) in &self.fields {
            for operator in [EQUALS, STARTS, ENDS] {
                let Some(values) = condition.get(operator).filter(|values| values.len() > 1) else {
                    continue;
                };
                // Two positive operators on one field are left together.
                if condition.len() > 1 || parts.len().saturating_mul(values.len()) > MAX_PARTS {
                    continue;
                }
                parts = parts
                    .into_iter()
                    .flat_map(|part| {
                        values.iter().map(move |value| part.clone().with(field, operator, &[value]))
                    })
                    .collect();
            }
        }
        parts
    }

    /// Whether whatever this records the other records.
    fn implies(&self, other: &Self) -> bool {
        other.fields.iter().all(|(field, theirs)| {
            self.fields.get(field).is_some_and(|ours| ours == theirs || narrower(ours, theirs))
        })
    }
}

/// Whether a value that the one condition lets pass passes the other.
fn narrower(ours: &Condition, theirs: &Condition) -> bool {
    let of = |operator: &str| ours.get(operator).map_or(&[][..], Vec::as_slice);
    let any = |values: &[String], holds: &dyn Fn(&str) -> bool| values.iter().any(|value| holds(value));
    let all = |values: &[String], holds: &dyn Fn(&str) -> bool| {
        !values.is_empty() && values.iter().all(|value| holds(value))
    };
    theirs.iter().all(|(operator, values)| match operator.as_str() {
        EQUALS => all(of(EQUALS), &|our| values.iter().any(|value| value == our)),
        STARTS => {
            let begins = |our: &str| values.iter().any(|value| our.starts_with(value.as_str()));
            all(of(EQUALS), &begins) || all(of(STARTS), &begins)
        }
        ENDS => {
            let ends = |our: &str| values.iter().any(|value| our.ends_with(value.as_str()));
            all(of(EQUALS), &ends) || all(of(ENDS), &ends)
        }
        NOT_EQUALS => values.iter().all(|value| {
            any(of(NOT_EQUALS), &|our| our == value)
                || all(of(EQUALS), &|our| our != value)
                || all(of(STARTS), &|our| !value.starts_with(our))
                || all(of(ENDS), &|our| !value.ends_with(our))
        }),
        NOT_STARTS => values.iter().all(|value| {
            any(of(NOT_STARTS), &|our| value.starts_with(our))
                || all(of(EQUALS), &|our| !our.starts_with(value.as_str()))
                || all(of(STARTS), &|our| !our.starts_with(value.as_str()) && !value.starts_with(our))
        }),
        NOT_ENDS => values.iter().all(|value| {
            any(of(NOT_ENDS), &|our| value.ends_with(our))
                || all(of(EQUALS), &|our| !our.ends_with(value.as_str()))
                || all(of(ENDS), &|our| !our.ends_with(value.as_str()) && !value.ends_with(our))
        }),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advanced(fields: &Value) -> Selector {
        Selector::advanced(&json!({"Name": "n", "FieldSelectors": fields}))
    }

    fn management() -> Selector {
        advanced(&json!([{"Field": "eventCategory", "Equals": ["Management"]}]))
    }

    #[test]
    fn both_languages_mean_the_same() {
        let basic = Selector::basic(&json!({"ReadWriteType": "All", "IncludeManagementEvents": true}));
        assert_eq!(basic, [management()]);
        let data = Selector::basic(&json!({"ReadWriteType": "WriteOnly", "IncludeManagementEvents": false,
            "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3", "arn:aws:s3:::b/"]}]}));
        let all = advanced(
            &json!([{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "readOnly", "Equals": ["false"]},
            {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}]),
        );
        assert_eq!(data[0], all);
        assert!(data[1].is_covered_by(&[all]) && !data[0].is_covered_by(&[data[1].clone()]));
    }

    #[test]
    fn reads_and_writes_apart_are_all() {
        let half = |is: &str| management().with(READ_ONLY, EQUALS, &[is]);
        assert!(management().is_covered_by(&[half("true"), half("false")]));
        assert!(!management().is_covered_by(&[half("true")]));
        assert!(half("true").is_covered_by(&[management()]));
    }

    #[test]
    fn what_is_left_out_is_not_covered() {
        let but = |sources: &[&str]| management().with("eventSource", NOT_EQUALS, sources);
        let kms = "kms.amazonaws.com";
        let rds = "rdsdata.amazonaws.com";
        assert!(!management().is_covered_by(&[but(&[kms])]));
        assert!(but(&[kms, rds]).is_covered_by(&[but(&[kms])]));
        assert!(!but(&[kms]).is_covered_by(&[but(&[kms, rds])]));
    }

    #[test]
    fn several_values_may_be_covered_by_several() {
        let arn = |values: &[&str]| {
            advanced(&json!([{"Field": "eventCategory", "Equals": ["Data"]}])).with(
                "resources.ARN",
                STARTS,
                values,
            )
        };
        let (a, b) = ("arn:aws:s3:::a/", "arn:aws:s3:::b/");
        assert!(arn(&[a, b]).is_covered_by(&[arn(&[a]), arn(&[b])]));
        assert!(!arn(&[a, b]).is_covered_by(&[arn(&[a])]));
        assert!(arn(&["arn:aws:s3:::a/deep/"]).is_covered_by(&[arn(&[a])]));
        assert!(!arn(&[a]).is_covered_by(&[arn(&["arn:aws:s3:::a/deep/"])]));
        let ends = arn(&[a]).with("resources.ARN", NOT_ENDS, &["/x"]);
        assert!(ends.is_covered_by(&[arn(&[a])]), "an exception is narrower");
        assert!(!arn(&[a]).is_covered_by(&[ends]));
    }
}
