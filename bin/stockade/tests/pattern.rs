//! `stockade pattern test`, through the real binary.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use common::{run, run_with_input};
use insta::assert_snapshot;

const FAILED_LOGIN: &str = "events/failed-login.pattern.json";
const LOGIN: &str = "events/login.json";
const OR: &str = "events/or.pattern.json";

fn test(args: &[&str]) -> String {
    run(&[&["pattern", "test"], args].concat())
}

#[test]
fn each_field_is_told_with_what_was_wanted_and_found() {
    assert_snapshot!(test(&[FAILED_LOGIN, LOGIN]));
    assert_snapshot!(test(&[r#"{"detail": {"sourceIPAddress": [{"cidr": "203.0.113.0/24"}]}}"#, LOGIN]));
    assert_snapshot!(test(&["--color", "always", FAILED_LOGIN, LOGIN]));
}

#[test]
fn the_nearest_combination_comes_first() {
    let event = r#"{"source": "aws.iam", "detail": {"eventName": "AttachUserPolicy",
                    "requestParameters": {"userName": "x", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}}}"#;
    assert_snapshot!(test(&[OR, event]));
    assert!(test(&["-v", OR, event]).contains("groupName"), "all are shown");
    let event = r#"{"source": "aws.iam", "detail": {"eventName": "CreateAccessKey", "requestParameters": {"userName": "x"}}}"#;
    assert_snapshot!(test(&[OR, event]));
}

#[test]
fn what_was_compared_and_what_lies_inside_is_shown() {
    let pattern = r#"{"to": [{"compare": {"differs": "who.name"}}], "document": [{"json": {"Effect": ["Allow"], "Action": ["*"]}}]}"#;
    let event = r#"{"to": "eve", "who": {"name": "eve"}, "document": "{\"Effect\": \"Allow\", \"Action\": \"s3:*\"}"}"#;
    assert_snapshot!(test(&[pattern, event]));
    assert!(test(&[pattern, r#"{"to": "eve", "document": "plain"}"#]).contains("it is no JSON object"));
}

#[test]
fn arrays_are_the_reason_where_they_are() {
    let text = test(&[r#"{"i": {"a": [1], "b": [2]}}"#, r#"{"i": [{"a": 1}, {"b": 2}]}"#]);
    assert!(text.starts_with("exit: 1\n") && text.contains("not all of them in the same elements"), "{text}");
}

#[test]
fn an_invalid_pattern_is_told_with_awss_reason_and_the_place() {
    for (name, pattern) in [
        ("scalar", "{\n  \"source\": \"aws.signin\"\n}"),
        ("syntax", r#"{"source": ["aws.signin",]}"#),
        ("operator", r#"{"detail": {"eventName": [{"Prefix": "Stop"}]}}"#),
        ("extension", r#"{"a": [{"compare": {"similar": "b"}}]}"#),
    ] {
        assert_snapshot!(format!("invalid-{name}"), test(&[pattern, LOGIN]));
    }
    let far = format!(r#"{{"source": ["{}", ["x"]]}}"#, "a".repeat(400));
    assert_snapshot!("invalid-far", test(&[&far, LOGIN]));
    assert_snapshot!("invalid-json", test(&["--json", r#"{"source": []}"#, LOGIN]));
}

#[test]
fn lints_are_told_and_change_nothing() {
    let many = "x".repeat(2_100);
    let twice = format!(
        r#"{{"a": ["{many}"], "a": [{{"compare": {{"equals": "b"}}}}], "c": [{{"wildcard": "*a*b*c*d*e*f*"}}]}}"#
    );
    let text = test(&[&twice, r#"{"a": 1, "b": 1, "c": "abcdef"}"#]);
    assert!(text.starts_with("exit: 0\n"), "{text}");
    for lint in ["`a` stands twice", "2,1", "7 stars", "`compare` or `json`"] {
        assert!(text.contains(lint), "{lint}: {text}");
    }
}

#[test]
fn as_aws_does_it() {
    assert_snapshot!("aws-match", test(&["--aws", r#"{"account": ["111122223333"]}"#, LOGIN]));
    assert_snapshot!("aws-extension", test(&["--aws", r#"{"a": [{"compare": {"equals": "b"}}]}"#, LOGIN]));
    assert_snapshot!("aws-event", test(&["--aws", r#"{"source": ["x"]}"#, r#"{"source": "x", "id": "1"}"#]));
    assert!(test(&["--aws", r#"{"source": ["x"]}"#, "[]"]).contains("ValidationException"));
}

#[test]
fn filter_policies_of_sns() {
    let price = r#"{"price": [{"numeric": [">=", 100]}]}"#;
    assert!(test(&["--sns", "attributes", price, r#"{"price": 120}"#]).starts_with("exit: 0\n"));
    assert_snapshot!("sns-attributes", test(&["--sns", "attributes", price, r#"{"price": "120"}"#]));
    assert_snapshot!("sns-nested", test(&["--sns", "attributes", r#"{"a": {"b": ["x"]}}"#, "{}"]));
    assert!(
        test(&["--sns", "body", r#"{"a": {"b": ["x"]}}"#, r#"{"a": {"b": "x"}}"#]).starts_with("exit: 0\n")
    );
    assert!(test(&["--sns", "attributes", price, "[]"]).starts_with("exit: 2\n"));
}

#[test]
fn many_events_have_a_verdict_each_and_a_summary() {
    assert_snapshot!(test(&[OR, "events/day.jsonl"]));
    assert_snapshot!(test(&["--json", OR, "events/day.jsonl"]));
    let input = std::fs::read(common::fixture("events/day.jsonl")).unwrap();
    let from_input = run_with_input(&["pattern", "test", OR, "-"], &input);
    assert_eq!(from_input, test(&[OR, "events/day.jsonl"]));
}

#[test]
fn lines_keep_their_numbers_and_the_code_says_what_came_of_all() {
    let lines = |input: &str| run_with_input(&["pattern", "test", r#"{"a": [1]}"#, "-"], input.as_bytes());
    for (input, code, shown) in [
        ("\n\n{\"a\": 2}\n\n\n{\"a\": 1}\n", 0, &["     3  no match", "     6  match"][..]),
        ("{\"a\": 2}\n{\"a\": 3}", 1, &["2 events: 0 matched, 2 did not"]),
        ("{bad\n{\"a\": 1}\n", 3, &["     1  invalid", "     2  match"]),
        ("{bad\n{worse\n", 2, &["2 events: 0 matched, 0 did not, 2 not valid"]),
        // One event, laid out.
        ("\n{\n\"a\": 1\n}\n\n", 0, &["match\n  ok       a  1"]),
        ("{\"a\": 1}\n\n", 0, &["match\n  ok       a  1"]),
        ("{\n\"a\": 1\n]\n", 2, &["--> standard input:3:1"]),
        ("", 2, &["not a JSON object"]),
    ] {
        let text = lines(input);
        assert!(text.starts_with(&format!("exit: {code}\n")), "{input:?}: {text}");
        for shown in shown {
            assert!(text.contains(shown), "{input:?}: {shown}: {text}");
        }
    }
}

#[test]
fn one_json_object_for_programs() {
    assert_snapshot!(test(&["--json", FAILED_LOGIN, LOGIN]));
}

#[test]
fn what_is_no_event_is_told_with_a_hint() {
    for (args, hint) in [
        (&[FAILED_LOGIN, r#"{"eventVersion": "1", "eventName": "x"}"#][..], "{detail: .}"),
        (&[FAILED_LOGIN, r#"{"Records": [{"eventVersion": "1"}]}"#], ".Records[]"),
        (&[FAILED_LOGIN, r#"[{"source": "x"}]"#], ".[]"),
        (&[FAILED_LOGIN, "no/such.json"], "JSON text, which begins with"),
        (&["no/such.json", LOGIN], "JSON text, which begins with"),
        (&["-", "-"], "cannot both"),
    ] {
        let text = test(args);
        assert!(text.contains(hint) && !text.starts_with("exit: 0"), "{text}");
    }
    // Bytes that are no text, and more than is read.
    let text = run_with_input(&["pattern", "test", "-", LOGIN], b"{\"a\": [\"\xff\"]}");
    assert!(text.starts_with("exit: 2\n") && text.contains("not UTF-8 at byte 8"), "{text}");
    let huge = vec![b'x'; (1 << 20) + 1];
    let text = run_with_input(&["pattern", "test", "-", LOGIN], &huge);
    assert!(text.starts_with("exit: 2\n") && text.contains("longer than"), "{text}");
}
