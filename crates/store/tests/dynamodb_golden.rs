//! A match in the shared table is the item that Cloud-Fail2Ban writes, and the item that it writes is read as a match.
#![cfg(feature = "dynamodb")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail"
)]

mod emulator;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use stockade_aws::Call;
use stockade_core::{Match, Timestamp};
use stockade_store::dynamodb::{
    Shared, SharedTable, create_shared_if_missing, shared_id, shared_match_from_image,
};

fn golden(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../corpus/cloud-fail2ban").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn its_item_is_read_as_a_match() {
    let item = golden("table-item.json");
    let found = shared_match_from_image(&item).unwrap();
    assert_eq!((found.key.to_string(), found.filter.as_deref()), ("203.0.113.9".to_owned(), Some("sshd")));
    assert_eq!(found.time, Timestamp::from_secs(1_700_000_002));
    assert_eq!(found.id, shared_id("sshd", item["EventID"]["S"].as_str().unwrap()));
}

#[test]
fn our_match_is_written_as_its_item() {
    let Some(url) = emulator::url() else { return };
    let aws = emulator::aws(&url, "eu-central-1");
    let table = emulator::name("F2B");
    create_shared_if_missing(&aws, &table).unwrap();
    let payload = golden("subscription.json");
    let event = &payload["logEvents"][2];
    let id = event["id"].as_str().unwrap();
    let found = Match {
        id: shared_id("sshd", id),
        jail: "sshd".into(),
        key: "203.0.113.9".parse().unwrap(),
        time: Timestamp::from_millis(event["timestamp"].as_i64().unwrap()),
        count: 1,
        user: None,
        stream: payload["logStream"].as_str().unwrap().into(),
        line: event["message"].as_str().unwrap().into(),
    };
    let mut shared = SharedTable::new(&aws, &table, Duration::from_secs(5));
    shared.remember(&[Shared { found: &found, filter: "sshd", event_id: Some(id) }]).unwrap();
    let scan = Call::json("scan".into(), "dynamodb", "DynamoDB_20120810.Scan", &json!({"TableName": table}));
    let reply = aws.block_on(aws.call(&scan)).unwrap();
    let reply: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(reply["Items"], json!([golden("table-item.json")]));
}
