//! `stockade rules export`: what it writes is what CloudFormation, Terraform and EventBridge take.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

mod common;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::stockade;
use serde_json::{Value, json};
use stockade_pattern::Pattern;
use stockade_rule::{Rule, TestEvent};

const QUEUE: &str = "arn:aws:sqs:eu-central-1:111122223333:stockade";
const FUNCTION: &str = "arn:aws:lambda:eu-central-1:111122223333:function:stockade";

/// What is written, from the rules that come along.
fn export(args: &[&str]) -> String {
    let output = stockade().args(["rules", "export"]).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A program of an environment of `dev/venv`; `None` where it cannot be made, as without a network.
fn tool(environment: &str, program: &str) -> Option<PathBuf> {
    let output = Command::new(root().join("dev/venv")).arg(environment).output().unwrap();
    if !output.status.success() {
        eprintln!("skipped: dev/venv {environment}: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    Some(Path::new(String::from_utf8(output.stdout).unwrap().trim()).join("bin").join(program))
}

fn with_input(command: &mut Command, input: &[u8]) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn the_template_is_cloudformations() {
    let Some(lint) = tool("cfn-lint", "cfn-lint") else { return };
    let folder = tempfile::tempdir().unwrap();
    for (name, args) in [
        ("parameter", &[][..]),
        (
            "arns",
            &[
                "--target",
                QUEUE,
                "--target",
                FUNCTION,
                "--queue-policy",
                "--dead-letter",
                QUEUE,
                "--bus",
                "own",
            ],
        ),
        ("few", &["root-use", "--prefix", "prod."]),
    ] {
        let text = export(&[&["--format", "cloudformation"], args].concat());
        assert!(text.len() <= 51_200, "{name}: {} bytes", text.len());
        let file = folder.path().join(format!("{name}.yaml"));
        std::fs::write(&file, &text).unwrap();
        let output = Command::new(&lint).arg(&file).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
    let own = export(&[
        "--format",
        "cloudformation",
        "--target",
        "!GetAtt Queue.Arn",
        "--queue-policy",
        "root-use",
    ]);
    assert!(own.contains("Arn: !GetAtt Queue.Arn") && own.contains("Queues: [!Ref Queue]"), "{own}");
    assert!(own.contains("State: ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"), "{own}");
}

#[test]
fn terraform_reads_the_same_patterns() {
    let Some(python) = tool("hcl2", "python") else { return };
    let calls: Value = serde_json::from_str(&export(&["--format", "json"])).unwrap();
    let wanted: Vec<Value> = calls["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|calls| {
            let rule = &calls["PutRule"];
            let pattern: Value = serde_json::from_str(rule["EventPattern"].as_str().unwrap()).unwrap();
            json!({"name": rule["Name"], "state": rule["State"], "pattern": pattern})
        })
        .collect();
    assert!(wanted.len() > 5);
    let resource = "aws_sqs_queue.events.arn";
    for (args, kinds) in [
        (&[][..], &["aws_cloudwatch_event_rule", "aws_cloudwatch_event_target", "aws_sqs_queue_policy"][..]),
        (&["--target", resource], &["aws_cloudwatch_event_rule", "aws_cloudwatch_event_target"]),
        (
            &[
                "--target",
                resource,
                "--target",
                FUNCTION,
                "--queue-policy",
                "--dead-letter",
                "aws_sqs_queue.dead.arn",
            ],
            &[
                "aws_cloudwatch_event_rule",
                "aws_cloudwatch_event_target",
                "aws_lambda_permission",
                "aws_sqs_queue_policy",
            ],
        ),
    ] {
        let text = export(&[&["--format", "terraform"], args].concat());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules_export/hcl.py");
        let output = with_input(Command::new(&python).arg(script), text.as_bytes());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let read: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(read["rules"], Value::from(wanted.clone()));
        assert_eq!(read["kinds"], json!(kinds));
        let variables =
            if args.is_empty() { &["dead_letter_arn", "queue_arn", "write_queue_policy"][..] } else { &[] };
        assert_eq!(read["variables"], json!(variables));
    }
}

#[test]
fn the_same_rules_give_the_same_text() {
    for format in ["cloudformation", "terraform", "json"] {
        assert_eq!(export(&["--format", format]), export(&["--format", format]), "{format}");
    }
}

/// An event as PutEvents takes it, and as it is delivered, with a number by which it is known again.
fn sent(event: &TestEvent, number: usize) -> Option<(Value, Value)> {
    let mut whole: Value = serde_json::from_str(event.json()).unwrap();
    if let TestEvent::Record(_) = event {
        let service = whole["eventSource"].as_str()?.split('.').next()?.to_owned();
        let kind = if whole["eventName"] == "ConsoleLogin" { "AWS Console Sign In" } else { "AWS API Call" };
        whole = json!({"source": format!("aws.{service}"), "detail-type": format!("{kind} via CloudTrail"), "detail": whole});
    }
    whole["source"] = json!(whole["source"].as_str()?.replace("aws.", "test."));
    whole["detail"]["stockadeTest"] = json!(number);
    let entry = json!({
        "Source": whole["source"],
        "DetailType": whole["detail-type"],
        "Detail": whole["detail"].to_string(),
    });
    let delivered =
        json!({"source": whole["source"], "detail-type": whole["detail-type"], "detail": whole["detail"]});
    Some((entry, delivered))
}

/// The shipped rules' own tests, sent through an emulator: what should arrive does, and nothing else.
#[test]
fn eventbridge_delivers_what_the_rules_want() {
    let of = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let (Some(url), Some(python)) = (of("STOCKADE_TEST_MINISTACK"), of("STOCKADE_TEST_PYTHON")) else {
        eprintln!("skipped: STOCKADE_TEST_MINISTACK is not set (dev/test starts the emulator)");
        return;
    };
    let prefix = format!("stockade-test-{}-", std::process::id());
    let mut calls: Value =
        serde_json::from_str(&export(&["--format", "json", "--target", QUEUE, "--prefix", &prefix])).unwrap();
    // Nobody but AWS may send events of `aws.…`; the emulator keeps to that. It delivers by no rule whose state is another
    // than ENABLED.
    for calls in calls["rules"].as_array_mut().unwrap() {
        let pattern = &mut calls["PutRule"]["EventPattern"];
        *pattern = json!(pattern.as_str().unwrap().replace("\"aws.", "\"test."));
        calls["PutRule"]["State"] = json!("ENABLED");
    }
    let exported: Vec<Pattern> = calls["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|calls| Pattern::parse(calls["PutRule"]["EventPattern"].as_str().unwrap()).unwrap())
        .collect();
    let mut entries = Vec::new();
    let (mut wanted, mut matching) = (BTreeSet::new(), 0);
    for (path, text) in stockade_config::SHIPPED_RULES.0 {
        let rule = Rule::parse(path, &String::from_utf8_lossy(text.as_ref())).unwrap();
        for test in &rule.tests {
            let Some((entry, delivered)) = sent(&test.event, entries.len()) else { continue };
            let delivered = delivered.to_string();
            let arrives = exported.iter().any(|pattern| pattern.matches(delivered.as_bytes()).unwrap());
            assert!(arrives || !test.matches, "{path}: {:?}", test.name);
            matching += usize::from(test.matches);
            if arrives {
                wanted.insert(entries.len());
            }
            entries.push(entry);
        }
    }
    assert!(matching > 50, "{matching}");
    let rules = calls["rules"].to_string().replace(QUEUE, "ARN");
    let rules: Value = serde_json::from_str(&rules).unwrap();
    let asked = json!({"queue": format!("{prefix}queue"), "calls": rules, "events": entries});
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules_export/deliver.py");
    let output = with_input(Command::new(python).arg(script).arg(url), asked.to_string().as_bytes());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let arrived: BTreeSet<usize> =
        serde_json::from_slice::<Vec<usize>>(&output.stdout).unwrap().into_iter().collect();
    let told = |numbers: Vec<&usize>| {
        numbers.iter().map(|at| entries[**at].to_string()).collect::<Vec<_>>().join("\n")
    };
    let (lost, more) = (wanted.difference(&arrived).collect(), arrived.difference(&wanted).collect());
    assert_eq!(arrived, wanted, "lost:\n{}\nmore:\n{}", told(lost), told(more));
}
