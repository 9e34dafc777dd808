//! The role `events`: a queue's batch, an object of S3, EventBridge's own invocation, to a ban and to notices.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use stockade_aws::Call;
use stockade_testkit::emulator::Listener;
use stockade_testkit::runtime_api::RuntimeApi;

use crate::site::{PATIENCE, Site, command};

const DOOR: &str = r#"
description = "Who knocks too often"
target = "ban"
key = { address = "detail.sourceIPAddress" }
[jail]
maxretry = 4
[[pattern]]
json = '{"source": ["aws.door"], "detail": {"eventName": ["Knock"]}}'
"#;
const EACH: &str = r#"
description = "Who knocks"
key = { principal = "detail.userIdentity.arn" }
[[pattern]]
json = '{"source": ["aws.door"], "detail": {"eventName": ["Knock"]}}'
"#;

fn record(id: &str) -> Value {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({
        "eventVersion": "1.08", "eventID": id, "eventTime": now, "eventSource": "door.amazonaws.com",
        "eventName": "Knock", "awsRegion": "eu-central-1", "sourceIPAddress": "203.0.113.7",
        "recipientAccountId": "123456789012",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/eve", "userName": "eve"},
    })
}

fn event(id: &str) -> Value {
    let record = record(id);
    json!({
        "version": "0", "id": format!("e-{id}"), "detail-type": "AWS API Call via CloudTrail", "source": "aws.door",
        "account": "123456789012", "time": record["eventTime"], "region": "eu-central-1", "resources": [],
        "detail": record,
    })
}

fn message(id: &str, body: &Value) -> Value {
    let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    json!({
        "messageId": id, "receiptHandle": "r", "body": body, "attributes": {"ApproximateReceiveCount": "1"},
        "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:stockade-events",
    })
}

fn notification(bucket: &str, key: &str) -> Value {
    json!({"Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-central-1",
        "eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": {"key": key}},
    }]})
}

#[test]
fn events_by_every_road_count_once_and_only_what_failed_comes_again() {
    let Some(site) = Site::new() else { return };
    let bans = Listener::subscribe(&site.aws, &site.topic, &["door"], true);
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("rule.d")).unwrap();
    fs::write(folder.path().join("rule.d/door.toml"), DOOR).unwrap();
    fs::write(folder.path().join("rule.d/each.toml"), EACH).unwrap();
    let bucket = site.bucket();
    let records = json!({"Records": [record("1"), record("2"), record("3")]}).to_string();
    let put = Call::rest("put".into(), "s3", "PUT", format!("/{bucket}/AWSLogs/a b.json"));
    site.aws.block_on(site.aws.call(&put.with_body("application/json", records.into_bytes()))).unwrap();

    let api = RuntimeApi::start().unwrap();
    let mut child = command(&api, "events")
        .env("STOCKADE_CONFIG", folder.path())
        .env("AWS_ENDPOINT_URL", site.emulator.endpoint())
        .env("STOCKADE_AWS_TABLE", &site.table)
        .env("STOCKADE_AWS_TOPIC", &site.topic)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let answer = |payload: &Value| match api.invoke(payload.to_string().as_bytes(), PATIENCE).unwrap() {
        stockade_testkit::runtime_api::Answer::Response(body) => {
            serde_json::from_slice::<Value>(&body).unwrap()
        }
        stockade_testkit::runtime_api::Answer::Error(body) => panic!("{}", String::from_utf8_lossy(&body)),
    };
    // Directly, as a rule of EventBridge does it.
    let first = answer(&event("1"));
    assert_eq!((&first["events"], &first["notices"]), (&json!(1), &json!(1)), "{first}");
    // A queue: the same event in a file beside others, one that nobody can read, an object that is not there, and a
    // heartbeat.
    let heartbeat = json!({"version": "0", "id": "h", "detail-type": "Scheduled Event", "source": "aws.events",
        "account": "123456789012", "time": "2026-11-22T10:00:00Z", "region": "eu-central-1", "resources": [], "detail": {}});
    let batch = json!({"Records": [
        message("nonsense", &json!("nonsense")),
        message("file", &notification(&bucket, "AWSLogs/a+b.json")),
        message("gone", &notification(&bucket, "AWSLogs/none.json")),
        message("beat", &heartbeat),
    ]});
    let wanted = json!({"batchItemFailures": [{"itemIdentifier": "nonsense"}, {"itemIdentifier": "gone"}]});
    assert_eq!(answer(&batch), wanted);
    assert!(bans.listen(Duration::from_secs(2), |heard| !heard.is_empty()).is_empty(), "three of four");
    // The fourth, and all of them once more.
    assert_eq!(answer(&event("4"))["bans"], 1);
    assert_eq!(answer(&batch), wanted);
    assert!(answer(&event("4")).get("notices").is_none());
    let heard = bans.listen(PATIENCE, |heard| !heard.is_empty());
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].bans, [("door".to_owned(), vec!["203.0.113.7".to_owned()])]);
    child.kill().unwrap();
    let out = child.wait_with_output().unwrap();
    let out = String::from_utf8_lossy(&out.stdout).into_owned();
    let told = out.lines().filter(|line| line.starts_with("{\"stockade\":\"notify\",\"jail\":\"each\""));
    assert_eq!(told.count(), 4, "{out}");
}
