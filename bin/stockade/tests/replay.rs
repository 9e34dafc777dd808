//! `stockade replay`, through the real binary.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;

use common::{fixture, run, run_with_input, shown, stockade};
use flate2::Compression;
use flate2::write::GzEncoder;
use insta::assert_snapshot;
use serde_json::Value;

#[test]
fn a_table_for_people() {
    assert_snapshot!(run(&["replay", "events/events.jsonl"]));
}

#[test]
fn every_decision_by_itself() {
    assert_snapshot!(run(&["replay", "events/events.jsonl", "--decisions"]));
}

#[test]
fn one_json_object_for_programs() {
    assert_snapshot!(run(&["replay", "events/events.jsonl", "--rule", "cloudtrail-stopped", "--json"]));
}

#[test]
fn standard_input_is_read() {
    let events = fs::read(fixture("events/events.jsonl")).unwrap();
    let from_file = run(&["replay", "events/events.jsonl"]);
    assert_eq!(run_with_input(&["replay", "-"], &events), from_file);
}

#[test]
fn what_is_broken_is_told_and_the_rest_is_replayed() {
    assert_snapshot!(run(&["replay", "events/broken.jsonl", "nowhere.jsonl"]));
}

#[test]
fn what_is_asked_for_wrongly_is_told() {
    assert_snapshot!(run(&["replay", "events/events.jsonl", "--rule", "cloudtrail-stoped"]));
    assert_snapshot!(run(&["replay", "events/events.jsonl", "--severity", "grave"]));
    assert_snapshot!(run(&["replay", "nowhere"]));
}

#[test]
fn only_what_is_severe_or_in_time() {
    let rules = |args: &[&str]| -> Vec<String> {
        let output =
            stockade().args(["replay", "events/events.jsonl", "--json"]).args(args).output().unwrap();
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        let decisions = value["decisions"].as_array().unwrap();
        decisions.iter().map(|one| one["rule"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(rules(&["--severity", "critical"]), ["cloudtrail-stopped"]);
    assert_eq!(rules(&["--since", "2026-11-22 10:06"]), ["access-key-for-another"]);
}

/// The same events as CloudTrail delivers them: in a folder, gzip, twice, with a digest beside them.
#[test]
fn a_folder_of_cloudtrail_files_leads_to_the_same_decisions() {
    let events = fs::read_to_string(fixture("events/events.jsonl")).unwrap();
    let records: Vec<Value> = events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|event| event.get("detail").cloned().unwrap_or(event))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let day = folder.path().join("AWSLogs/111122223333/CloudTrail/eu-central-1/2026/11/22");
    fs::create_dir_all(&day).unwrap();
    for (at, part) in records.chunks(3).enumerate() {
        // Two trails write every event.
        for trail in ["aaaa", "bbbb"] {
            let name = format!("111122223333_CloudTrail_eu-central-1_20261122T10{at:02}Z_{trail}.json.gz");
            packed(&day.join(name), &serde_json::json!({"Records": part}));
        }
    }
    let digests = folder.path().join("AWSLogs/111122223333/CloudTrail-Digest/eu-central-1/2026/11/22");
    fs::create_dir_all(&digests).unwrap();
    let name = "111122223333_CloudTrail-Digest_eu-central-1_main_eu-central-1_20261122T110000Z.json.gz";
    packed(&digests.join(name), &serde_json::json!({"awsAccountId": "111122223333", "logFiles": []}));

    let decisions = |from: &str| -> Vec<Value> {
        let output = stockade().args(["replay", from, "--json"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut decisions = value["decisions"].as_array().unwrap().clone();
        for decision in &mut decisions {
            decision.as_object_mut().unwrap().remove("from");
        }
        decisions
    };
    let from_folder = decisions(folder.path().to_str().unwrap());
    assert_eq!(from_folder.len(), 4);
    assert_eq!(from_folder, decisions("events/events.jsonl"));
}

fn packed(path: &Path, value: &Value) {
    let mut packed = GzEncoder::new(fs::File::create(path).unwrap(), Compression::fast());
    packed.write_all(value.to_string().as_bytes()).unwrap();
    packed.finish().unwrap();
}

#[cfg(not(feature = "aws"))]
#[test]
fn a_bucket_needs_the_build_with_aws() {
    assert_snapshot!(run(&["replay", "s3://bucket/prefix"]));
}
/// A pipeline takes an environment down under an exemption, and others look like it.
#[test]
fn an_attacker_among_an_exempt_pipeline_s_teardown_is_told_from_it() {
    let record = |id: &str, call: &str, name: &str, arn: &str, role: &str| {
        serde_json::json!({"eventVersion": "1.11", "eventID": id, "eventTime": "2026-11-22T10:15:04Z",
            "eventSource": "cloudtrail.amazonaws.com", "eventName": call, "awsRegion": "eu-central-1",
            "recipientAccountId": "111122223333", "eventType": "AwsApiCall", "sourceIPAddress": "192.0.2.44",
            "userAgent": "stockade/0.1.0", "requestParameters": {"name": name},
            "userIdentity": {"type": "AssumedRole", "arn": arn, "sessionContext": {"sessionIssuer": {"arn": role}}}})
    };
    let session = |account: &str, role: &str, name: &str| {
        let issuer = format!("arn:aws:iam::{account}:role/{role}");
        (format!("arn:aws:sts::{account}:assumed-role/{role}/{name}"), issuer)
    };
    let (pipeline, pipeline_role) = session("111122223333", "pipeline", "run-7");
    let (evil, evil_role) = session("111122223333", "pipeline-evil", "run-7");
    let (other, other_role) = session("444455556666", "pipeline", "run-7");
    let (named, named_role) = session("111122223333", "evil", "pipeline");
    let (ours, our_role) = session("111122223333", "stockade-guard", "stockade-p01-0123456789ab");
    let mut failed = record("g", "StopLogging", "refused", &evil, &evil_role);
    failed["errorCode"] = "AccessDenied".into();
    let records = [
        record("a", "DeleteTrail", "ci-audit", &pipeline, &pipeline_role),
        record("b", "StopLogging", "main", &evil, &evil_role),
        record("a", "DeleteTrail", "ci-audit", &pipeline, &pipeline_role),
        record("c", "StopLogging", "ci-build", &pipeline, &pipeline_role),
        record("d", "DeleteTrail", "other", &other, &other_role),
        record("e", "StopLogging", "named", &named, &named_role),
        record("f", "StopLogging", "ours", &ours, &our_role),
        failed,
        // Two at one thing: who is not exempt is shown.
        record("h", "StopLogging", "both", &pipeline, &pipeline_role),
        record("i", "StopLogging", "both", &evil, &evil_role),
    ];
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    fs::write(folder.path().join("teardown.jsonl"), lines.join("\n")).unwrap();
    let settings = "[repair]\nmode = \"act\"\nown_roles = [\"arn:aws:iam::111122223333:role/stockade-guard\"]\n\
        [[repair.exempt]]\nprincipal = \"arn:aws:iam::111122223333:role/pipeline\"\nuntil = 2026-12-31\n\
        reason = \"torn down every night\"\n";
    fs::write(folder.path().join("stockade.toml"), settings).unwrap();
    let replay = |options: &[&str]| {
        let mut command = stockade();
        command.env("STOCKADE_CONFIG", folder.path()).current_dir(folder.path());
        command.args(["replay", "teardown.jsonl"]).args(options).output().unwrap()
    };
    let output = replay(&["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    let decisions = value["decisions"].as_array().unwrap();
    let of = |decision: &str| -> Vec<&str> {
        let chosen = decisions.iter().filter(|one| one["decision"] == decision);
        let mut keys: Vec<&str> = chosen.map(|one| one["key"].as_str().unwrap()).collect();
        keys.sort_unstable();
        keys
    };
    assert_eq!(of("repair"), ["both", "main", "named", "other"]);
    assert_eq!(of("notify"), ["both", "ci-audit", "ci-build"]);
    let exempt = |one: &&Value| one["exempt"] == "torn down every night";
    assert_eq!(decisions.iter().filter(exempt).count(), 3);
    assert!(decisions.iter().filter(exempt).all(|one| one["decision"] == "notify"));
    assert_snapshot!(shown(&replay(&[])));
}
