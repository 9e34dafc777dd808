//! SNS filter policies, where they differ from event patterns.

use stockade_pattern::sns::{Attribute, FilterPolicy, Scope, set_attributes_message, subscribe_message};

fn reason(policy: &str, scope: Scope) -> String {
    FilterPolicy::parse(policy, scope).map_or_else(|error| error.reason().to_owned(), |_| "valid".into())
}

/// A flat policy with so many values for each key.
fn policy(counts: &[usize]) -> String {
    let fields: Vec<String> = counts
        .iter()
        .enumerate()
        .map(|(key, count)| {
            format!(
                "\"k{key}\":[{}]",
                (0..*count).map(|value| value.to_string()).collect::<Vec<_>>().join(",")
            )
        })
        .collect();
    format!("{{{}}}", fields.join(","))
}

#[test]
fn limits() {
    assert_eq!(reason(&policy(&[1, 1, 1, 1, 1]), Scope::MessageAttributes), "valid");
    assert_eq!(
        reason(&policy(&[1, 1, 1, 1, 1, 1]), Scope::MessageAttributes),
        "Filter policy can not have more than 5 keys"
    );
    assert_eq!(reason(&policy(&[10, 15]), Scope::MessageAttributes), "valid");
    assert_eq!(reason(&policy(&[8, 19]), Scope::MessageAttributes), "Filter policy is too complex");
    // Depth counts: 3 values at depth 2, 5 at depth 3 and so on.
    assert_eq!(reason(r#"{"a": {"b": [1,2,3], "c": {"d": [1,2,3,4,5]}}}"#, Scope::MessageBody), "valid");
    assert_eq!(
        reason(r#"{"a": {"b": [1,2,3], "c": {"d": [1,2,3,4,5,6,7,8,9]}}}"#, Scope::MessageBody),
        "Filter policy is too complex"
    );
    let or = |last: usize| {
        let values = |count: usize| (0..count).map(|value| value.to_string()).collect::<Vec<_>>().join(",");
        format!(
            r#"{{"s": [1,2,3], "$or": [{{"a": [{}]}}, {{"b": [{}], "c": [{}]}}, {{"b": [{}], "d": [{}]}}]}}"#,
            values(6),
            values(4),
            values(4),
            values(4),
            values(last)
        )
    };
    assert_eq!(reason(&or(7), Scope::MessageAttributes), "valid", "18 + 48 + 84 = 150");
    assert_eq!(reason(&or(8), Scope::MessageAttributes), "Filter policy is too complex");
}

#[test]
fn what_sns_does_not_know() {
    let nested = r#"{"a": {"b": ["x"]}}"#;
    assert_eq!(
        reason(nested, Scope::MessageAttributes),
        "Filter policy scope MessageAttributes does not support nested filter policy"
    );
    assert_eq!(reason(nested, Scope::MessageBody), "valid");
    assert_eq!(reason(r#"{"a": [{"anything-but": {"prefix": "x"}}]}"#, Scope::MessageBody), "valid");
    for form in ["suffix", "wildcard", "equals-ignore-case"] {
        let policy = format!(r#"{{"a": [{{"anything-but": {{"{form}": "x"}}}}]}}"#);
        assert_eq!(reason(&policy, Scope::MessageBody), format!("Unsupported anything-but pattern: {form}"));
    }
    let error = FilterPolicy::parse(r#"{"a": "x"}"#, Scope::MessageBody).unwrap_err();
    assert_eq!(
        subscribe_message(&error),
        r#"Invalid parameter: Attributes Reason: FilterPolicy: "a" must be an object or an array"#
    );
    assert_eq!(
        set_attributes_message(&error),
        r#"Invalid parameter: FilterPolicy: "a" must be an object or an array"#
    );
}

#[test]
fn attributes_have_types() {
    let matches = |policy: &str, attributes: &[(&'static str, Attribute<'static>)]| {
        FilterPolicy::parse(policy, Scope::MessageAttributes)
            .unwrap()
            .matches_attributes(attributes.iter().copied())
    };
    let array = Attribute::StringArray(r#"["soccer", 7, true, null]"#);
    assert!(matches(r#"{"a": ["soccer"]}"#, &[("a", array)]));
    assert!(matches(r#"{"a": [{"numeric": ["=", 7]}]}"#, &[("a", array)]));
    assert!(matches(r#"{"a": [null]}"#, &[("a", array)]));
    assert!(matches(r#"{"a": [{"anything-but": "soccer"}]}"#, &[("a", array)]));
    assert!(!matches(
        r#"{"a": [{"anything-but": "soccer"}]}"#,
        &[("a", Attribute::StringArray(r#"["soccer"]"#))]
    ));
    assert!(!matches(r#"{"a": ["soccer"]}"#, &[("a", Attribute::StringArray("[\"soccer\""))]));
    assert!(!matches(r#"{"a": [99]}"#, &[("a", Attribute::String("99"))]));
    assert!(matches(r#"{"a": [99]}"#, &[("a", Attribute::Number("99.0"))]));
    assert!(!matches(r#"{"a": [{"exists": true}]}"#, &[("a", Attribute::Number("many"))]));
    assert!(matches(
        r#"{"a": [{"exists": false}]}"#,
        &[("a", Attribute::Binary), ("b", Attribute::String("x"))]
    ));
    assert!(!matches(r#"{"a": [null, {"anything-but": "x"}]}"#, &[]));
    assert!(matches(r#"{"a.b": ["x"]}"#, &[("a.b", Attribute::String("x"))]));
}

#[test]
fn bodies_are_objects_or_nothing() {
    let policy = FilterPolicy::parse(r#"{"a": {"x": ["1"], "y": ["2"]}}"#, Scope::MessageBody).unwrap();
    assert!(policy.matches_body(br#"{"a": [{"x": "1", "y": "2"}]}"#));
    assert!(!policy.matches_body(br#"{"a": [{"x": "1"}, {"y": "2"}]}"#));
    assert!(!policy.matches_body(br#"[[{"x": "1"}], [{"y": "2"}]]"#));
    for body in ["", "x", "1", "[]", r#"[{"a": {"x": "1", "y": "2"}}]"#, r#"{"a": {"x": "1", "y": "2"}"#] {
        assert!(!policy.matches_body(body.as_bytes()), "{body}");
    }
}

#[test]
fn both_scopes_are_explained() {
    let flat =
        FilterPolicy::parse(r#"{"price": [{"numeric": [">", 10]}]}"#, Scope::MessageAttributes).unwrap();
    let why = flat.explain_attributes([("price", Attribute::String("12"))]);
    assert!(!why.matched && why.branches[0].fields[0].found == [r#""12""#]);
    assert!(flat.explain_attributes([("price", Attribute::Number("12"))]).matched);
    let nested = FilterPolicy::parse(r#"{"a": {"b": ["x"]}}"#, Scope::MessageBody).unwrap();
    assert!(nested.explain_body(br#"{"a": [{"b": "x"}]}"#).unwrap().matched);
    assert!(nested.explain_body(b"text").is_err());
}
