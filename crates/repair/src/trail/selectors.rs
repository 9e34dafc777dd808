//! All event selectors of a trail: what it records, and how it records more without recording less.

use serde_json::{Map, Value, json};

use super::selector::Selector;
use crate::json::{list, text, texts};

/// The event selectors of a trail, in the one language or the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Selectors {
    basic: Vec<Value>,
    advanced: Vec<Value>,
}

impl Selectors {
    /// As `GetEventSelectors` and a trail's kept state have them.
    pub(crate) fn read(value: &Value) -> Self {
        let of = |name| list(value, name).to_vec();
        Self { basic: of("EventSelectors"), advanced: of("AdvancedEventSelectors") }
    }

    /// As they are kept, and as `PutEventSelectors` takes them.
    pub(crate) fn fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = Vec::new();
        if !self.basic.is_empty() {
            fields.push(("EventSelectors", json!(self.basic)));
        }
        if !self.advanced.is_empty() {
            fields.push(("AdvancedEventSelectors", json!(self.advanced)));
        }
        fields
    }

    /// The parameters of the call that sets them; a trail without any gets what a new one has.
    pub(crate) fn put(&self, trail: &str) -> Value {
        let mut parameters = Map::from_iter([("TrailName".to_owned(), json!(trail))]);
        if self.advanced.is_empty() {
            parameters.insert("EventSelectors".to_owned(), json!(self.explicit().basic));
        } else {
            parameters.insert("AdvancedEventSelectors".to_owned(), json!(self.advanced));
        }
        Value::Object(parameters)
    }

    /// A trail that says nothing records what a new one does: said.
    fn explicit(&self) -> Self {
        if self.basic.is_empty() && self.advanced.is_empty() {
            let new = json!({"ReadWriteType": "All", "IncludeManagementEvents": true});
            return Self { basic: vec![new], advanced: Vec::new() };
        }
        self.clone()
    }

    /// What they mean.
    fn meaning(&self) -> Vec<Selector> {
        let Self { basic, advanced } = self.explicit();
        let basic = basic.iter().flat_map(Selector::basic);
        basic.chain(advanced.iter().map(Selector::advanced)).collect()
    }

    /// Whether these record all that others record.
    pub(crate) fn cover(&self, others: &Self) -> bool {
        let ours = self.meaning();
        others.meaning().iter().all(|one| one.is_covered_by(&ours))
    }

    /// These as they are, and what `now` records beyond them: nothing that is recorded now is lost.
    pub(crate) fn with_more_of(&self, now: &Self) -> Self {
        if self.cover(now) {
            return self.clone();
        }
        let ours = self.meaning();
        if self.advanced.is_empty() && now.advanced.is_empty() {
            let (base, now) = (self.explicit(), now.explicit());
            let more = now.basic.iter().filter_map(|selector| beyond(selector, &ours));
            let basic: Vec<Value> = base.basic.iter().cloned().chain(more).collect();
            let all = Self { basic, advanced: Vec::new() };
            if all.basic.len() <= MAX_BASIC {
                return all;
            }
        }
        let own: Vec<Value> = if self.advanced.is_empty() {
            ours.iter().map(Selector::to_advanced).collect()
        } else {
            self.advanced.clone()
        };
        let more = now.meaning().into_iter().filter(|one| !one.is_covered_by(&ours));
        let more = more.map(|one| one.to_advanced());
        Self { basic: Vec::new(), advanced: own.into_iter().chain(more).collect() }
    }
}

/// What CloudTrail allows of the older language.
const MAX_BASIC: usize = 5;

/// The part of a selector of the older language that others do not record.
fn beyond(selector: &Value, others: &[Selector]) -> Option<Value> {
    let covered = |selector: &Value| Selector::basic(selector).iter().all(|one| one.is_covered_by(others));
    if covered(selector) {
        return None;
    }
    let mut rest = selector.clone();
    let fields = rest.as_object_mut()?;
    fields.insert("DataResources".to_owned(), json!([]));
    let management = Value::Object(fields.clone());
    if covered(&management) {
        fields.insert("IncludeManagementEvents".to_owned(), json!(false));
        fields.remove("ExcludeManagementEventSources");
    }
    let reads = text(selector, "ReadWriteType").to_owned();
    let left: Vec<Value> = list(selector, "DataResources")
        .iter()
        .filter_map(|resource| {
            let kind = text(resource, "Type");
            let alone = |value: &&str| {
                !covered(&json!({"ReadWriteType": reads, "IncludeManagementEvents": false,
                    "DataResources": [{"Type": kind, "Values": [value]}]}))
            };
            let values: Vec<&str> = texts(resource, "Values").into_iter().filter(alone).collect();
            (!values.is_empty()).then(|| json!({"Type": kind, "Values": values}))
        })
        .collect();
    fields.insert("DataResources".to_owned(), json!(left));
    Some(rest)
}

/// Whether a trail records what a new one records, no more and no less.
pub(crate) fn is_default(selectors: &Selectors) -> bool {
    let new = Selectors::default();
    selectors.cover(&new) && new.cover(selectors)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn basic(selectors: &Value) -> Selectors {
        Selectors::read(&json!({"EventSelectors": selectors}))
    }

    #[test]
    fn attacks_record_less() {
        let good = basic(&json!([{"ReadWriteType": "All", "IncludeManagementEvents": true,
            "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::logs/"]}]}]));
        for weak in [
            basic(&json!([{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": true}])),
            basic(&json!([{"ReadWriteType": "All", "IncludeManagementEvents": false}])),
            basic(&json!([{"ReadWriteType": "All", "IncludeManagementEvents": true}])),
            basic(
                &json!([{"ReadWriteType": "All", "IncludeManagementEvents": true, "ExcludeManagementEventSources": ["kms.amazonaws.com"],
                "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]}]),
            ),
            Selectors::read(&json!({"AdvancedEventSelectors": [{"Name": "x", "FieldSelectors": [
                {"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}]}]})),
        ] {
            assert!(!weak.cover(&good), "{weak:?}");
            let restored = good.with_more_of(&weak);
            assert!(restored.cover(&good) && restored.cover(&weak), "{restored:?}");
        }
        assert!(is_default(&Selectors::default()));
        assert!(is_default(&basic(
            &json!([{"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [],
            "ExcludeManagementEventSources": []}])
        )));
        assert!(!is_default(&good));
    }

    #[test]
    fn what_nothing_was_added_to_comes_back_as_it_was() {
        let good = basic(&json!([{"ReadWriteType": "All", "IncludeManagementEvents": true}]));
        let weak = basic(&json!([{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": true}]));
        assert_eq!(good.with_more_of(&weak), good);
    }

    fn any_basic() -> impl Strategy<Value = Value> {
        let reads = prop::sample::select(vec!["All", "ReadOnly", "WriteOnly"]);
        let excluded = prop::sample::subsequence(vec!["kms.amazonaws.com", "rdsdata.amazonaws.com"], 0..=2);
        let kind = prop::sample::select(vec!["AWS::S3::Object", "AWS::Lambda::Function"]);
        let values = prop::sample::subsequence(
            vec!["arn:aws:s3", "arn:aws:s3:::a/", "arn:aws:s3:::a/b/", "arn:aws:s3:::c/"],
            1..=3,
        );
        let data = prop::collection::vec((kind, values), 0..3);
        (reads, any::<bool>(), excluded, data).prop_map(|(reads, management, excluded, data)| {
            let data: Vec<Value> =
                data.into_iter().map(|(kind, values)| json!({"Type": kind, "Values": values})).collect();
            json!({"ReadWriteType": reads, "IncludeManagementEvents": management,
                "ExcludeManagementEventSources": excluded, "DataResources": data})
        })
    }

    fn any_advanced() -> impl Strategy<Value = Value> {
        let category = prop::sample::select(vec!["Management", "Data"]);
        let read_only = prop::sample::select(vec!["", "true", "false"]);
        let operator =
            prop::sample::select(vec!["Equals", "NotEquals", "StartsWith", "NotStartsWith", "EndsWith"]);
        let values = prop::sample::subsequence(vec!["a", "ab", "b", "ba"], 0..=3);
        (category, read_only, operator, values).prop_map(|(category, read_only, operator, values)| {
            let mut fields = vec![json!({"Field": "eventCategory", "Equals": [category]})];
            if !read_only.is_empty() {
                fields.push(json!({"Field": "readOnly", "Equals": [read_only]}));
            }
            if !values.is_empty() {
                fields.push(json!({"Field": "resources.ARN", operator: values}));
            }
            json!({"Name": "n", "FieldSelectors": fields})
        })
    }

    fn any_selectors() -> impl Strategy<Value = Selectors> {
        prop_oneof![
            prop::collection::vec(any_basic(), 0..3).prop_map(|basic| Selectors { basic, advanced: vec![] }),
            prop::collection::vec(any_advanced(), 1..4)
                .prop_map(|advanced| Selectors { basic: vec![], advanced }),
        ]
    }

    /// An event as a simple reader of selectors sees it.
    fn records(
        selectors: &Selectors,
        category: &str,
        read_only: bool,
        source: &str,
        kind: &str,
        arn: &str,
    ) -> bool {
        let basic = |one: &Value| {
            let reads = match one["ReadWriteType"].as_str().unwrap() {
                "ReadOnly" => read_only,
                "WriteOnly" => !read_only,
                _ => true,
            };
            reads
                && match category {
                    "Management" => {
                        one["IncludeManagementEvents"] == true
                            && !texts(one, "ExcludeManagementEventSources").contains(&source)
                    }
                    _ => list(one, "DataResources").iter().any(|resource| {
                        text(resource, "Type") == kind
                            && texts(resource, "Values")
                                .iter()
                                .any(|value| *value == "arn:aws:s3" || arn.starts_with(value))
                    }),
                }
        };
        let advanced = |one: &Value| {
            list(one, "FieldSelectors").iter().all(|field| {
                let is = match text(field, "Field") {
                    "eventCategory" => category,
                    "readOnly" if read_only => "true",
                    "readOnly" => "false",
                    "eventSource" => source,
                    "resources.type" => kind,
                    _ => arn,
                };
                let any = |operator, holds: &dyn Fn(&str) -> bool| {
                    let values = texts(field, operator);
                    values.is_empty() || values.iter().any(|value| holds(value))
                };
                let none = |operator, holds: &dyn Fn(&str) -> bool| {
                    !texts(field, operator).iter().any(|value| holds(value))
                };
                any("Equals", &|value| is == value)
                    && any("StartsWith", &|value| is.starts_with(value))
                    && any("EndsWith", &|value| is.ends_with(value))
                    && none("NotEquals", &|value| is == value)
                    && none("NotStartsWith", &|value| is.starts_with(value))
                    && none("NotEndsWith", &|value| is.ends_with(value))
            })
        };
        if selectors.basic.is_empty() && selectors.advanced.is_empty() {
            return category == "Management";
        }
        selectors.basic.iter().any(basic) || selectors.advanced.iter().any(advanced)
    }

    const CATEGORIES: [&str; 2] = ["Management", "Data"];
    const SOURCES: [&str; 3] = ["kms.amazonaws.com", "rdsdata.amazonaws.com", "ec2.amazonaws.com"];
    const KINDS: [&str; 2] = ["AWS::S3::Object", "AWS::Lambda::Function"];
    const ARNS: [&str; 9] =
        ["arn:aws:s3:::a/x", "arn:aws:s3:::a/b/x", "arn:aws:s3:::c/x", "a", "ab", "b", "ba", "abb", "z"];

    fn all_events() -> impl Iterator<Item = (&'static str, bool, &'static str, &'static str, &'static str)> {
        CATEGORIES.into_iter().flat_map(|category| {
            [true, false].into_iter().flat_map(move |read_only| {
                SOURCES.into_iter().flat_map(move |source| {
                    KINDS.into_iter().flat_map(move |kind| {
                        ARNS.into_iter().map(move |arn| (category, read_only, source, kind, arn))
                    })
                })
            })
        })
    }

    proptest! {
        /// Whatever was recorded, before the attack or after it, is recorded after the repair.
        #[test]
        fn nothing_is_recorded_less_after_a_repair(base in any_selectors(), now in any_selectors()) {
            let restored = base.with_more_of(&now);
            prop_assert!(restored.cover(&base));
            for (category, read_only, source, kind, arn) in all_events() {
                let of = |selectors| records(selectors, category, read_only, source, kind, arn);
                if of(&base) || of(&now) {
                    prop_assert!(of(&restored), "{} {} {} {} {}", category, read_only, source, kind, arn);
                }
            }
        }

        /// A `yes` is never wrong.
        #[test]
        fn covering_is_what_it_says(one in any_selectors(), other in any_selectors()) {
            if one.cover(&other) {
                for (category, read_only, source, kind, arn) in all_events() {
                    let of = |selectors| records(selectors, category, read_only, source, kind, arn);
                    prop_assert!(!of(&other) || of(&one), "{} {} {} {} {}", category, read_only, source, kind, arn);
                }
            }
        }

        /// Everything covers itself.
        #[test]
        fn nothing_is_weaker_than_itself(one in any_selectors()) {
            prop_assert!(one.cover(&one));
        }
    }
}
