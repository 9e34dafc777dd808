//! Files of rules: what they say, and what is said about wrong ones.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::time::Duration;

use stockade_core::{BanTime, Target};
use stockade_rule::{KeyKind, Place, Rule, Severity, TestEvent};

const WHOLE: &str = r#"
description = "Who fails to sign in, by address"
severity = "high"
target = "ban"
playbook = "P21"
failed_calls = true
enabled = false
key = { address = "detail.sourceIPAddress" }

[jail]
name = "console"
maxretry = 5
findtime = "5m"
bantime = "1h"

[[pattern]]
name = "as text"
json = '''
{
    "source": ["aws.signin"],
    "detail": { "eventName": ["ConsoleLogin"] }
}
'''

[[pattern]]
event = { source = ["aws.x"], detail = { size = [{ numeric = [">", 1.5] }], "a.b" = [true] } }
key = { user = ["detail.userIdentity.userName", "account"] }

[[test]]
name = "one"
event = '{"source": "aws.signin", "detail": {"eventName": "ConsoleLogin", "sourceIPAddress": "203.0.113.7"}}'
matches = true
keys = ["203.0.113.7"]

[[test]]
record = '{"eventSource": "signin.amazonaws.com"}'
matches = false
"#;

#[test]
fn every_key_of_a_rule_is_read() {
    let rule = Rule::parse("conf/rule.d/console-failures.toml", WHOLE).unwrap();
    assert_eq!((&*rule.name, &**rule.jail_name()), ("console-failures", "console"));
    assert_eq!(&*rule.description, "Who fails to sign in, by address");
    assert_eq!((rule.severity, rule.target), (Severity::High, Target::Ban));
    assert_eq!((rule.playbook.as_deref(), rule.failed_calls, rule.enabled), (Some("P21"), true, false));
    let jail = rule.to_jail();
    assert_eq!((jail.threshold.maxretry.get(), jail.threshold.findtime), (5, Duration::from_secs(300)));
    assert_eq!((jail.bantime, jail.target), (BanTime::For(Duration::from_secs(3600)), Target::Ban));

    let [text, table] = &rule.patterns[..] else { panic!("two patterns") };
    assert_eq!(text.name.as_deref(), Some("as text"));
    assert_eq!(text.json, r#"{"source":["aws.signin"],"detail":{"eventName":["ConsoleLogin"]}}"#);
    assert_eq!(text.key.kind, KeyKind::Address);
    assert_eq!(table.json, r#"{"source":["aws.x"],"detail":{"size":[{"numeric":[">",1.5]}],"a.b":[true]}}"#);
    assert_eq!((table.key.kind, table.key.paths.len()), (KeyKind::User, 2));

    assert_eq!(rule.tests[0].keys.as_deref(), Some(&["203.0.113.7".to_owned()][..]));
    assert!(matches!(&rule.tests[1].event, TestEvent::Record(json) if json.contains("signin")));
    assert_eq!(rule.place_of("jail.maxretry"), Some(Place { line: 12, column: 1 }));
    assert_eq!(rule.place_of("jail.nothing"), None);
}

#[test]
fn what_a_rule_leaves_out() {
    let rule = Rule::parse("a.toml", &minimal(r#"{"detail": {"eventName": ["StopLogging"]}}"#)).unwrap();
    assert_eq!((rule.target, rule.severity, rule.enabled), (Target::Notify, Severity::Medium, true));
    let jail = rule.to_jail();
    assert_eq!((&*jail.name, jail.threshold.maxretry.get()), ("a", 1), "one match is enough");
}

#[test]
fn calls_that_failed_do_not_match_unless_the_rule_says_so() {
    let json = |pattern: &str| Rule::parse("a.toml", &minimal(pattern)).unwrap().patterns[0].json.clone();
    assert_eq!(
        json(r#"{"detail": {"eventName": ["A"]}}"#),
        r#"{"detail":{"errorCode":[{"exists":false}],"eventName":["A"]}}"#
    );
    let own = r#"{"detail":{"errorCode":["AccessDenied"]}}"#;
    assert_eq!(json(own), own, "it speaks of errors itself");
    let finding =
        r#"{"source":["aws.guardduty"],"detail-type":["GuardDuty Finding"],"detail":{"type":["A"]}}"#;
    assert_eq!(json(finding), finding, "no call");
    assert_eq!(
        json(r#"{"source": ["aws.iam"]}"#),
        r#"{"detail":{"errorCode":[{"exists":false}]},"source":["aws.iam"]}"#
    );
    // A text that only looks like the key is not taken for it.
    assert_eq!(
        json(r#"{"source": ["\"detail\":{"], "detail": {"x": {"detail": {"y": [1]}}}}"#),
        r#"{"source":["\"detail\":{"],"detail":{"errorCode":[{"exists":false}],"x":{"detail":{"y":[1]}}}}"#
    );

    let branches = minimal(r#"{"detail": {"$or": [{"errorCode": ["Denied"]}, {"eventName": ["A"]}]}}"#);
    let rule = Rule::parse("a.toml", &branches).unwrap();
    let matches = |event: &str| rule.patterns[0].pattern.matches(event.as_bytes()).unwrap();
    assert!(matches(r#"{"detail": {"errorCode": "Denied"}}"#), "this combination speaks of it");
    assert!(!matches(r#"{"detail": {"errorCode": "Other", "eventName": "A"}}"#));
    assert!(matches(r#"{"detail": {"eventName": "A"}}"#));
}

fn minimal(pattern: &str) -> String {
    format!("description = 'x'\nkey = {{ resource = 'account' }}\n[[pattern]]\njson = '''{pattern}'''\n")
}

/// All problems of a file, each with its hint.
fn problems(text: &str) -> Vec<String> {
    let problems = Rule::parse("rule.d/x.toml", text).unwrap_err();
    let line = |problem: &stockade_rule::RuleProblem| match problem.hint() {
        Some(hint) => format!("{problem} ({hint})"),
        None => problem.to_string(),
    };
    problems.iter().map(line).collect()
}

#[test]
fn all_problems_of_a_file_are_told_at_once() {
    let text = r#"description = "x"
severty = "high"
severity = "terrible"
target = "drop"
playbook = ""
enabled = "yes"
key = { adress = "detail.sourceIPAddress" }
[jail]
maxretry = 0
findtime = "soon"
maxtry = 5
[[pattern]]
json = '''
{
  "detail": { "eventName": "ConsoleLogin" }
}'''
[[pattern]]
event = { source = "aws.x" }
[[pattern]]
name = "nothing"
key = { user = "a b" }
[[test]]
event = '{"a": }'
[[test]]
record = '[]'
matches = 1
"#;
    let expected = [
        "rule.d/x.toml:2:1: unknown key `severty` (did you mean `severity`?)",
        "rule.d/x.toml:3:12: severity: expected one of `info`, `low`, `medium`, `high`, `critical`, got: `\"terrible\"`",
        "rule.d/x.toml:4:10: target: expected one of `ban`, `notify`, `repair`, got: `\"drop\"`",
        "rule.d/x.toml:5:12: playbook: expected a name such as `P01`, got: `\"\"`",
        "rule.d/x.toml:6:11: enabled: expected `true` or `false`, got: `\"yes\"`",
        "rule.d/x.toml:7:9: key: unknown key `adress` (did you mean `address`?)",
        "rule.d/x.toml:9:12: jail.maxretry: expected a whole number, at least 1, got: `0`",
        "rule.d/x.toml:10:12: jail.findtime: expected a length of time such as `10m`, got: `\"soon\"`",
        "rule.d/x.toml:11:1: jail: unknown key `maxtry` (did you mean `maxretry`?)",
        "rule.d/x.toml:15:28: pattern[1].json: event pattern is not valid: \"eventName\" must be an object or an array",
        "rule.d/x.toml:18:9: pattern[2].event: event pattern is not valid: \"source\" must be an object or an array \
         (in the pattern as JSON: line 1, column 11)",
        "rule.d/x.toml:19:1: pattern[3]: expected an event pattern: `json` or `event`, got nothing",
        "rule.d/x.toml:21:16: pattern[3].key.user: expected a path such as `\"detail.sourceIPAddress\"`, or a list of \
         them, got: `\"a b\"`",
        "rule.d/x.toml:22:1: test[1]: expected `matches = true` or `matches = false`, got nothing",
        "rule.d/x.toml:23:16: test[1].event: event is not valid: unexpected byte at byte 6",
        "rule.d/x.toml:25:11: test[2].record: event is not valid: not a JSON object at byte 0",
        "rule.d/x.toml:26:11: test[2].matches: expected `true` or `false`, got: `1`",
    ];
    assert_eq!(problems(text), expected);
}

#[test]
fn what_is_missing_is_told() {
    assert_eq!(
        problems(""),
        [
            "rule.d/x.toml: description: expected a sentence that says what is found, got nothing",
            "rule.d/x.toml: pattern: expected at least one `[[pattern]]`, got nothing",
        ]
    );
    assert_eq!(
        problems("description = 'x'\n[pattern]\njson = '{\"a\": [1]}'"),
        ["rule.d/x.toml:2:2: pattern: expected `[[pattern]]`, one table for each, got: `[pattern]` (write \
          `[[pattern]]` with two brackets)"]
    );
    assert_eq!(
        problems("description = 'x'\n[[pattern]]\njson = '{\"a\": [1]}'"),
        ["rule.d/x.toml:2:1: pattern[1]: expected a `key`, here or for the whole rule, got nothing"]
    );
}

#[test]
fn broken_toml_is_told_where_it_breaks_and_nothing_else_about_that() {
    let problems = problems("description = 'x'\nseverity = high\nkey = { address = 'a' }\n");
    assert_eq!(problems, ["rule.d/x.toml:2:12: not valid TOML: string values must be quoted"]);
}

#[test]
fn a_file_of_another_name_is_no_rule() {
    for file in ["rule.d/.toml", "rule.d/a b.toml", "rule.d/ü.toml"] {
        let problems = Rule::parse(file, &minimal(r#"{"a": [1]}"#)).unwrap_err();
        assert!(problems[0].to_string().contains("expected a file name of at most 64"), "{}", problems[0]);
    }
}

#[test]
fn hostile_files_end_in_problems() {
    let deep = format!(
        "description = 'x'\nkey = {{ user = 'a' }}\n[[pattern]]\njson = '{}'",
        "{\"a\":".repeat(50_000)
    );
    assert!(problems(&deep)[0].contains("event pattern is not valid"));
    let many: String = (0..5_000).map(|n| format!("k{n} = 1\n")).collect();
    assert_eq!(problems(&many).len(), stockade_rule::limits::MAX_PROBLEMS);
    let long = "#".repeat(stockade_rule::limits::MAX_RULE_BYTES + 1);
    assert_eq!(problems(&long), ["rule.d/x.toml: more than 1048576 bytes"]);
    let nested = format!("a = {}", "[".repeat(100_000));
    assert!(problems(&nested)[0].contains("not valid TOML"));
    let patterns: String = "[[pattern]]\n".repeat(101);
    assert!(problems(&patterns).iter().any(|problem| problem.ends_with("more than 100 patterns")));
}
