//! `stockade rules`, through the real binary.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use common::{run, shown, stockade};
use insta::assert_snapshot;
use serde_json::Value;

const DOOR: &str = r#"
description = "Somebody stops a trail"
severity = "critical"
target = "ban"
playbook = "P01"
key = { address = "detail.sourceIPAddress" }
[jail]
maxretry = 3
findtime = "10m"
bantime = "2h"
[[pattern]]
name = "the call"
json = '''{"source": ["aws.cloudtrail"], "detail": {"eventName": ["StopLogging"]}}'''
[[test]]
name = "a stop"
event = '''{"source": "aws.cloudtrail", "detail": {"eventName": "StopLogging", "sourceIPAddress": "203.0.113.7"}}'''
matches = true
keys = ["203.0.113.7"]
"#;

/// A directory with these rules.
fn site(rules: &[(&str, &str)], toml: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("rule.d")).unwrap();
    for (name, text) in rules {
        std::fs::write(dir.path().join("rule.d").join(format!("{name}.toml")), text).unwrap();
    }
    std::fs::write(dir.path().join("stockade.toml"), toml).unwrap();
    dir
}

/// What came of `stockade rules …` in a directory, which is called `DIR`.
fn rules(dir: &tempfile::TempDir, args: &[&str]) -> String {
    let output = stockade().arg("rules").args(args).arg("-c").arg(dir.path()).output().unwrap();
    shown(&output).replace(dir.path().to_str().unwrap(), "DIR")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text.split_once("stdout\n").unwrap().1).unwrap()
}

#[test]
fn rules_are_listed_with_what_is_changed() {
    let toml = "[rules]\ndisabled = [\"root-use\"]\n[rules.door]\nmaxretry = 7\n";
    let dir = site(&[("door", DOOR), ("cloudtrail-stopped", DOOR)], toml);
    let text = rules(&dir, &["list"]);
    let row =
        |name: &str| text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap().to_owned();
    assert!(row("door").contains("critical  ban") && row("door").contains("7 in 10m, for 2h"), "{text}");
    assert!(row("door").ends_with("DIR/rule.d/door.toml"), "{text}");
    assert!(row("cloudtrail-stopped").ends_with("DIR/rule.d/cloudtrail-stopped.toml"), "{text}");
    assert!(row("root-use").contains("  off ") && row("root-use").contains("(built in)"), "{text}");
    let all = json(&rules(&dir, &["list", "--json"]));
    let door = all["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "door").unwrap();
    assert_eq!((&door["maxretry"], &door["bantime_seconds"]), (&Value::from(7), &Value::from(7_200)));
}

#[test]
fn all_shipped_rules_are_right_and_tested() {
    let text = run(&["rules", "check"]);
    assert!(text.starts_with("exit: 0\n") && !text.contains("warning"), "{text}");
    let text = run(&["rules", "test"]);
    assert!(text.starts_with("exit: 0\n") && text.contains("all pass"), "{text}");
}

#[test]
fn every_error_is_told_with_its_line() {
    let wrong = "severity = \"grave\"\nkey = { adress = \"detail.x\" }\n[[pattern]]\njson = '{\"source\": \"aws.s3\"}'\n";
    let dir = site(&[("door", DOOR), ("wrong", wrong)], "");
    assert_snapshot!(rules(&dir, &["check"]));
    let all = json(&rules(&dir, &["check", "--json"]));
    assert_eq!((&all["ok"], &all["broken"][0]), (&Value::from(false), &Value::from("wrong")));
    // The others can be used.
    let text = rules(&dir, &["list"]);
    assert!(text.starts_with("exit: 3\n") && text.contains("\ndoor "), "{text}");
    assert!(rules(&dir, &["test"]).starts_with("exit: 2\n"));
    assert!(rules(&dir, &["test", "door"]).starts_with("exit: 0\n"));
}

#[test]
fn files_are_checked_wherever_they_lie() {
    let untested = DOOR.split("[[test]]").next().unwrap();
    let everything = "description = \"all\"\nfailed_calls = true\nkey = { user = \"account\" }\n[[pattern]]\n\
                      json = '{\"detail\": {\"requestParameters\": {\"a\": [{\"exists\": false}]}}}'\n";
    let dir = site(&[("untested", untested), ("everything", everything), ("door", DOOR)], "");
    let path = |name: &str| dir.path().join(format!("rule.d/{name}.toml")).display().to_string();
    let (untested, everything, door) = (path("untested"), path("everything"), path("door"));
    let text = rules(&dir, &["check", &door]);
    assert!(text.starts_with("exit: 0\n") && text.contains("right: 1 rule\n"), "{text}");
    let text = rules(&dir, &["check", &untested, &everything]);
    assert!(text.starts_with("exit: 0\n") && text.contains("2 rules, 3 warnings"), "{text}");
    assert!(text.contains("has no tests") && text.contains("EventBridge can be asked nothing"), "{text}");
    let text = rules(&dir, &["check", "no/such.toml"]);
    assert!(text.starts_with("exit: 2\n") && text.contains("no/such.toml"), "{text}");
}

#[test]
fn a_test_that_fails_says_which_field_it_was() {
    let failing = DOOR.replace("[\"StopLogging\"]", "[\"DeleteTrail\"]");
    let keyless = DOOR.replace("\"203.0.113.7\"}}'''", "\"AWS Internal\"}}'''");
    let dir = site(&[("door", &failing), ("keyless", &keyless), ("good", DOOR)], "");
    assert_snapshot!(rules(&dir, &["test", "door", "keyless", "good", "-v"]));
    let all = json(&rules(&dir, &["test", "door", "good", "--json"]));
    assert_eq!((&all["passed"], &all["failed"]), (&Value::from(1), &Value::from(1)));
    assert_eq!(all["rules"][0]["failures"][0]["test"], "a stop");
}

#[test]
fn events_show_which_rules_they_fire() {
    let dir = site(&[("door", DOOR)], "");
    let events = dir.path().join("events.jsonl");
    let record = r#"{"eventVersion":"1.09","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","eventTime":"2026-11-22T10:00:00Z","awsRegion":"eu-central-1","eventID":"1","recipientAccountId":"111122223333","eventType":"AwsApiCall","sourceIPAddress":"203.0.113.8","userIdentity":{"type":"IAMUser","userName":"eve\u001b[2J"},"requestParameters":{"name":"main"}}"#;
    let lines = [
        r#"{"source": "aws.cloudtrail", "time": "2026-11-22T09:00:00Z", "detail": {"eventName": "StopLogging", "sourceIPAddress": "203.0.113.7"}}"#,
        r#"{"source": "aws.s3", "detail": {}}"#,
        record,
    ];
    std::fs::write(&events, lines.join("\n")).unwrap();
    let events = events.display().to_string();
    assert_snapshot!(rules(&dir, &["test", "door", "--events", &events]));
    let all = json(&rules(&dir, &["test", "--events", &events, "--json"]));
    assert_eq!((&all["events"], &all["fired"]), (&Value::from(3), &Value::from(2)));
    // The rule that comes along finds it too.
    assert!(all["found"].as_array().unwrap().iter().any(|found| found["rule"] == "cloudtrail-stopped"));
    std::fs::write(dir.path().join("torn.jsonl"), format!("{record}\n{{\"a\": \n{record}\n")).unwrap();
    let torn = dir.path().join("torn.jsonl").display().to_string();
    let text = rules(&dir, &["test", "door", "--events", &torn]);
    assert!(text.starts_with("exit: 3\n") && text.contains("could not be read"), "{text}");
    assert!(rules(&dir, &["test", "--events", "no/such"]).starts_with("exit: 2\n"));
}

#[test]
fn a_rule_is_shown_as_it_stands_in_its_file() {
    let dir = site(&[("door", DOOR)], "");
    let text = rules(&dir, &["show", "door"]);
    assert_eq!(text, format!("exit: 0\n----- stdout\n{DOOR}"));
    assert!(rules(&dir, &["show", "root-use"]).contains("description = "), "built in");
    let text = rules(&dir, &["show", "root-us"]);
    assert!(text.starts_with("exit: 2\n") && text.contains("did you mean `root-use`?"), "{text}");
    assert!(rules(&dir, &["show", "../stockade"]).starts_with("exit: 2\n"));
}

#[test]
fn what_cannot_be_exported_is_told() {
    for (args, said) in [
        (&["--format", "json", "--target", "queue"][..], "an ARN"),
        (&["--format", "terraform", "--target", "!GetAtt Queue.Arn"], "aws_sqs_queue.events.arn"),
        (&["--format", "cloudformation", "--target", "aws_sqs_queue.events.arn"], "!GetAtt Queue.Arn"),
        (&["--format", "cloudformation", "--queue-policy"], "--target"),
        (&["--format", "yaml"], "cloudformation"),
        (&["--format", "json", "no-such-rule"], "no such rule"),
        (&["--format", "json", "--prefix", "a b"], "letters"),
        (&["--format", "json", "--pattern-chars", "5000"], "4096"),
    ] {
        let text = run(&[&["rules", "export"], args].concat());
        assert!(text.starts_with("exit: 2\n") && text.contains(said), "{args:?}: {text}");
    }
    let dir = site(&[("door", DOOR)], "");
    let text = rules(
        &dir,
        &["export", "--format", "json", "--target", "arn:aws:sqs:eu-central-1:111122223333:q", "door"],
    );
    assert_snapshot!(text);
}
