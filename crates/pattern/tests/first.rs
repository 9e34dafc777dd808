//! The first object of a longer text, and values at paths.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use proptest::prelude::*;
use stockade_pattern::limits::MAX_FIELD_VALUES;
use stockade_pattern::{EventErrorKind, Fields, Part, Pattern, RuleSet, Scratch, Value};

fn set() -> RuleSet {
    let pattern = |text| Pattern::parse(text).unwrap();
    RuleSet::new(&[
        pattern(r#"{"detail": {"a": ["x"], "b": {"c": [1]}}}"#),
        pattern(r#"{"detail": {"i": {"x": ["1"], "y": ["2"]}}}"#),
        pattern(r#"{"source": [{"exists": false}], "detail": {"n": [{"exists": true}]}}"#),
    ])
}

fn first(json: &[u8]) -> Result<(Vec<usize>, usize), EventErrorKind> {
    let mut scratch = Scratch::new();
    let (matches, length) =
        set().matches_first(Part { path: "detail", json }, &mut scratch).map_err(|error| error.kind())?;
    Ok((matches.ids().to_vec(), length))
}

#[test]
fn what_follows_is_not_looked_at() {
    for tail in ["", ",", "]}", " \"", "\u{0}", "\\", "}", "{", "x".repeat(200).as_str()] {
        let with = |object: &str| first(format!("{object}{tail}").as_bytes());
        assert_eq!(with(r#"{"a":"x","b":{"c":1.0}}"#), Ok((vec![0], 23)));
        assert_eq!(with("\n\t {}"), Ok((vec![], 5)));
        assert_eq!(with(r#"{"n":"}\"\\"}"#), Ok((vec![2], 13)));
        // Decided by arrays: the object is read once more, and no further than it goes.
        assert_eq!(with(r#"{"i":[{"x":"1"},{"y":"2"}]}"#), Ok((vec![], 27)));
        assert_eq!(with(r#"{"i":[{"x":"1","y":"2"}]}"#), Ok((vec![1], 25)));
    }
    assert_eq!(first(b"{\"n\":1}\xFF\xFE"), Ok((vec![2], 7)), "nor its encoding");
}

#[test]
fn what_is_no_object_is_an_error() {
    assert_eq!(first(b""), Err(EventErrorKind::NotAnObject));
    assert_eq!(first(b"[{}]"), Err(EventErrorKind::NotAnObject));
    assert_eq!(first(b"\"x\" {}"), Err(EventErrorKind::NotAnObject));
    assert_eq!(first(br#"{"n":1"#), Err(EventErrorKind::End));
    assert_eq!(first(br#"{"n":"1}"#), Err(EventErrorKind::End));
    assert_eq!(first(br#"{"n":[1}]}"#), Err(EventErrorKind::Unexpected));
    assert_eq!(first(b"{\"n\":\"\xFF\"}"), Err(EventErrorKind::Utf8));
    assert_eq!(first(b"{\"n\":\"\x01\"}"), Err(EventErrorKind::Control));
}

#[test]
fn values_of_arrays_duplicates_and_dots() {
    let fields = Fields::new(["a.b", "a", "a.b", "none", "a.b.c"]);
    let event = br#"{"a": [{"b": 1}, [{"b": [true, ["x\u00e9\ud83d!"]]}], "s"], "a.b": null, "a": {"b": {}, "b": -1E2}}"#;
    let values = fields.read(&[Part { path: "", json: event }]).unwrap();
    let expected = [
        Value::Number("1"),
        Value::Bool(true),
        Value::String("xé\u{FFFD}!".into()),
        Value::Null,
        Value::Number("-1E2"),
    ];
    assert_eq!(values.of(0), expected);
    assert_eq!(values.of(2), expected, "the same path again");
    assert_eq!(values.of(1), [Value::String("s".into())]);
    assert!(values.of(3).is_empty() && values.of(4).is_empty() && values.of(99).is_empty());
    let texts: Vec<String> = values.of(0).iter().cloned().map(Value::into_text).collect();
    assert_eq!(texts, ["1", "true", "xé\u{FFFD}!", "null", "-1E2"]);
    assert_eq!(values.first_str(0), Some("xé\u{FFFD}!"));
    assert_eq!(format!("{:>6}|{:<6}", values.of(0)[0], values.of(0)[3]), "     1|null  ");
}

#[test]
fn values_are_bounded() {
    let fields = Fields::new(["a", "b"]);
    let event = format!(
        "{{\"a\":[{}1],\"b\":[{}1]}}",
        "1,".repeat(MAX_FIELD_VALUES),
        "1,".repeat(MAX_FIELD_VALUES - 1)
    );
    let values = fields.read(&[Part { path: "", json: event.as_bytes() }]).unwrap();
    assert_eq!((values.of(0).len(), values.is_cut(0)), (MAX_FIELD_VALUES, true));
    assert_eq!((values.of(1).len(), values.is_cut(1)), (MAX_FIELD_VALUES, false));
    let deep = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    assert!(fields.read(&[Part { path: "", json: deep.as_bytes() }]).unwrap().of(0).is_empty());
}

#[test]
fn malformed_parts_are_errors() {
    let fields = Fields::new(["a"]);
    let read =
        |json| fields.read(&[Part { path: "", json: b"{}" }, Part { path: "x", json }]).unwrap_err().kind();
    assert_eq!(read(b"{\"b\":[}"), EventErrorKind::Unexpected);
    assert_eq!(read(b"[]"), EventErrorKind::NotAnObject);
    assert_eq!(read(b"{} {}"), EventErrorKind::Trailing);
}

proptest! {
    /// The records of a file, each as the matcher sees it alone.
    #[test]
    fn files_split_as_they_were_joined(
        records in proptest::collection::vec(
            r#"\{("[abin]":("[x\]\[{}, é]{0,70}"|"(\\\\|\\"){0,20}"|[12]|\{"c":1(,"d":\[\[\{\}\],""\])?\}|\[\{"x":"1"\},\{"y":"2"\}\]),){0,4}"e":0\}"#, 1..8),
        between in "[ \n]{0,3}",
    ) {
        let set = set();
        let mut scratch = Scratch::new();
        let file = records.join(&format!("{between},{between}")) + "]}";
        let mut rest = file.as_bytes();
        for record in &records {
            let alone = [Part { path: "detail", json: record.as_bytes() }];
            let alone = set.matches_parts(&alone, &mut scratch).unwrap().ids().to_vec();
            let (matches, length) = set.matches_first(Part { path: "detail", json: rest }, &mut scratch).unwrap();
            prop_assert_eq!(matches.ids(), alone);
            prop_assert_eq!(rest[..length].trim_ascii(), record.as_bytes());
            rest = rest[length..].trim_ascii_start();
            rest = rest.strip_prefix(b",").unwrap_or(rest);
        }
        prop_assert_eq!(rest, b"]}");
    }
}
