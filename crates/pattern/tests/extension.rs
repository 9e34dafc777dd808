//! `compare` and `json`, alone and in a set.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use stockade_pattern::{Dialect, Pattern, PatternErrorKind, RuleSet, Scratch};

fn matches(pattern: &str, event: &str) -> bool {
    let pattern = Pattern::parse_as(pattern, Dialect::Stockade).unwrap();
    let set = RuleSet::new([&pattern]);
    let mut scratch = Scratch::new();
    let of_set = !set.matches(event.as_bytes(), &mut scratch).unwrap().is_empty();
    assert_eq!(pattern.matches(event.as_bytes()).unwrap(), of_set, "{event}");
    of_set
}

#[test]
fn relations() {
    let compare = |relation: &str, a: &str, b: &str| {
        matches(
            &format!(r#"{{"a":[{{"compare":{{"{relation}":"d.b"}}}}]}}"#),
            &format!(r#"{{"a":{a},"d":{{"b":{b}}}}}"#),
        )
    };
    for (relation, a, b, holds) in [
        ("equals", r#""x""#, r#""x""#, true),
        ("equals", r#""x""#, r#""X""#, false),
        ("equals", "1", "1.0", true),
        ("equals", "1", r#""1""#, false),
        ("equals", "null", "null", true),
        ("equals", r#""x""#, r#"["y", "x"]"#, true),
        ("equals", r#""x""#, "{}", false),
        ("differs", r#""x""#, r#""y""#, true),
        ("differs", r#""x""#, r#""\u0078""#, false),
        ("differs", r#""x""#, r#"["y", "x"]"#, false),
        ("differs", r#"["x", "y"]"#, r#""x""#, true),
        ("differs", r#""x""#, "{}", false),
        ("differs", "1", r#""1""#, true),
        ("equals-ignore-case", r#""Alice""#, r#""aLICE""#, true),
        ("differs-ignore-case", r#""Alice""#, r#""aLICE""#, false),
        ("prefix", r#""arn:aws:iam::1:user/x""#, r#""arn:aws:iam::1:""#, true),
        ("prefix", r#""arn""#, r#""arn:""#, false),
        ("suffix", r#""user/alice""#, r#""alice""#, true),
        ("<", "1", "1.5", true),
        ("<", "2", "1.5", false),
        (">=", "2", "2.0", true),
        (">", r#""2""#, "1", false),
    ] {
        assert_eq!(compare(relation, a, b), holds, "{a} {relation} {b}");
    }
    assert!(!matches(r#"{"a":[{"compare":{"equals":"b"}}]}"#, r#"{"b":1}"#));
    assert!(matches(r#"{"a":[{"compare":{"equals":"b"}}, "z"]}"#, r#"{"a":"z"}"#));
    assert!(matches(r#"{"a":[{"compare":{"equals":"b"}}],"c":["y"]}"#, r#"{"a":"x","b":"x","c":"y"}"#));
    assert!(!matches(r#"{"a":[{"compare":{"equals":"b"}}],"c":["z"]}"#, r#"{"a":"x","b":"x","c":"y"}"#));
}

#[test]
fn within_one_element() {
    let rule = r#"{"i":{"a":[{"compare":{"equals":"i.b"}}]}}"#;
    assert!(!matches(rule, r#"{"i":[{"a":1,"b":2},{"a":2,"b":1}]}"#));
    assert!(matches(rule, r#"{"i":[{"a":1,"b":2},{"a":3,"b":3}]}"#));
    let differs = r#"{"i":{"a":[{"compare":{"differs":"i.b"}}]}}"#;
    assert!(!matches(differs, r#"{"i":[{"a":1,"b":1},{"a":2,"b":2}]}"#));
    assert!(matches(differs, r#"{"i":[{"a":1,"b":1},{"a":2,"b":3}]}"#));
    let also = r#"{"i":{"a":[{"compare":{"equals":"i.b"}}],"c":["x"]}}"#;
    assert!(!matches(also, r#"{"i":[{"a":1,"b":1},{"a":2,"b":3,"c":"x"}]}"#));
    assert!(matches(also, r#"{"i":[{"a":1,"b":1,"c":"x"},{"a":2,"b":3}]}"#));
}

#[test]
fn json_in_strings() {
    let rule = r#"{"doc":[{"json":{"Statement":{"Effect":["Allow"],"Action":["*"]}}}]}"#;
    let event = |inner: &str| format!("{{\"doc\":{}}}", serde_json::Value::String(inner.to_owned()));
    assert!(matches(rule, &event(r#"{"Statement":[{"Effect":"Allow","Action":["s3:*","*"]}]}"#)));
    assert!(!matches(
        rule,
        &event(r#"{"Statement":[{"Effect":"Deny","Action":"*"},{"Effect":"Allow","Action":"s3:*"}]}"#)
    ));
    assert!(matches(
        rule,
        &event("%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22*%22%7D%7D")
    ));
    for other in ["", "text", "[]", "%", "%7B", "%zz", r#"{"Statement":{"Effect":"Allow","Action":"*"}"#] {
        assert!(!matches(rule, &event(other)), "{other}");
    }
    assert!(
        !matches(rule, r#"{"doc":{"Statement":{"Effect":"Allow","Action":"*"}}}"#),
        "an object is no string"
    );
    let nested = r#"{"a":[{"json":{"b":[{"json":{"c":[{"compare":{"equals":"d"}}]}}]}}]}"#;
    let inner = serde_json::json!({"b": r#"{"c":1,"d":1}"#}).to_string();
    assert!(matches(nested, &serde_json::json!({"a": inner}).to_string()));
}

#[test]
fn errors() {
    for (condition, reason) in [
        (r#"{"compare":"b"}"#, r#"compare must be an object, as in {"differs": "detail.other.field"}"#),
        (r#"{"compare":{}}"#, "relation of compare not found"),
        (r#"{"compare":{"equals":1}}"#, "compare takes the path of the other field as a string"),
        (r#"{"json":"x"}"#, "json must be an object: the pattern for what the string holds"),
    ] {
        let error = Pattern::parse_as(&format!("{{\"a\":[{condition}]}}"), Dialect::Stockade).unwrap_err();
        assert_eq!((error.reason(), error.kind()), (reason, PatternErrorKind::Extension));
    }
    let error = Pattern::parse_as(r#"{"a":[{"compare":{"same":"b"}}]}"#, Dialect::Stockade).unwrap_err();
    assert!(
        error.reason().starts_with("unknown relation `same` in compare: one of equals, differs,"),
        "{error}"
    );
    let inner = Pattern::parse_as(r#"{"a":[{"json":{"b":"x"}}]}"#, Dialect::Stockade).unwrap_err();
    assert_eq!(inner.reason(), "\"b\" must be an object or an array");
}

#[test]
fn what_stands_beside_and_inside_is_explained() {
    let pattern = Pattern::parse_as(
        r#"{"d":{"to":[{"compare":{"differs":"d.who"}}],"doc":[{"json":{"Effect":["Allow"],"Action":["*"]}}]}}"#,
        Dialect::Stockade,
    )
    .unwrap();
    let event =
        br#"{"d":{"to":"eve","who":"eve","doc":"%7B%22Effect%22:%22Allow%22,%22Action%22:%22s3:*%22%7D"}}"#;
    let why = pattern.explain(event).unwrap();
    let [doc, to] = &*why.branches[0].fields else { panic!("{why}") };
    assert_eq!((&*to.compared[0].path, &*to.compared[0].found), ("d.who", &[r#""eve""#.to_owned()][..]));
    let inside = doc.inside[0].as_ref().unwrap();
    assert_eq!(inside.branches[0].fields[0].path, "Action");
    assert_eq!(inside.branches[0].fields[0].found, [r#""s3:*""#]);
    assert!(why.to_string().contains(r#"is "eve"; d.who is "eve""#), "{why}");
    let why = pattern.explain(br#"{"d":{"to":"eve","doc":"no object"}}"#).unwrap();
    assert_eq!(why.branches[0].fields[0].inside, [None]);
    assert_eq!(why.branches[0].fields[1].compared[0].values, 0);
}
