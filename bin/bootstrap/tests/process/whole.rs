//! From a payload to an announcement, and to its end.

use serde_json::json;
use stockade_aws::{Call, wire::snapshot};
use stockade_core::Timestamp;
use stockade_testkit::emulator::object;

use crate::site::{Site, failures, kinesis, packed, subscription};

#[test]
fn failures_become_an_announcement_as_cloud_fail2bans_client_reads_it() {
    let Some(site) = Site::new() else { return };
    let function = site.function("cloudwatch_filter_and_jail.run", site.emulator.endpoint(), &[]);
    let payload = subscription(&failures("203.0.113.7", 3));
    let answer = function.answer(&payload);
    assert_eq!((&answer["matches"], &answer["bans"]), (&json!(3), &json!(1)), "{answer}");
    assert_eq!(site.heard(1), ["sshd 203.0.113.7"]);
    // Delivered again: nothing is said twice.
    let answer = function.answer(&payload);
    assert!(answer.get("bans").is_none(), "{answer}");
    assert!(site.heard(1).is_empty());
    // Another process, another region's clock: what the table knows counts.
    let other = site.function("cloudwatch_filter_and_jail", site.emulator.endpoint(), &[]);
    function.answer(&subscription(&failures("203.0.113.8", 2)));
    other.answer(&subscription(&failures("2001:db8::8", 2)));
    other.answer(&subscription(&failures("203.0.113.8", 1)));
    assert_eq!(site.heard(1), ["sshd 203.0.113.8"]);
}

#[test]
fn streams_hear_which_records_failed_and_bad_ones_are_none() {
    let Some(site) = Site::new() else { return };
    let function = site.function("cloudwatch_filter_and_jail", site.emulator.endpoint(), &[]);
    let good = packed(failures("203.0.113.7", 3).to_string().as_bytes());
    let records = ["$$$".to_owned(), good, "aGVsbG8=".to_owned()];
    assert_eq!(function.answer(&kinesis(&records)), json!({"batchItemFailures": []}));
    assert_eq!(site.heard(1), ["sshd 203.0.113.7"]);
}

#[test]
fn two_phases_and_the_snapshot() {
    let Some(site) = Site::new() else { return };
    let place = format!("s3://{}/live", site.bucket());
    let filter = site.function("cloudwatch_filter", site.emulator.endpoint(), &[]);
    let answer = filter.answer(&subscription(&failures("203.0.113.7", 3)));
    assert!(answer["matches"] == 3 && answer.get("bans").is_none(), "{answer}");
    // What the table holds now, as its stream hands it over.
    let tables = json!({"TableName": site.table});
    let mut scan = Call::json("scan".into(), "dynamodb", "DynamoDB_20120810.Scan", &tables);
    scan.headers[0].1 = "application/x-amz-json-1.0".to_owned();
    let items = site.aws.block_on(site.aws.call(&scan)).unwrap();
    let items: serde_json::Value = serde_json::from_slice(&items.body).unwrap();
    let record = |(at, item): (usize, &serde_json::Value)| json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": at.to_string(), "NewImage": item}});
    let records: Vec<_> = items["Items"].as_array().unwrap().iter().enumerate().map(record).collect();
    assert_eq!(records.len(), 3);
    let jail = site.function("dynamodb_jail", site.emulator.endpoint(), &[]);
    let answer = jail.answer(json!({"Records": records}).to_string().as_bytes());
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(site.heard(1), ["sshd 203.0.113.7"]);
    let expire = site.function("expire", site.emulator.endpoint(), &[("STOCKADE_AWS_SNAPSHOT", &place)]);
    let answer = expire.answer(br#"{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}"#);
    assert_eq!(answer, json!({"live_bans": 1}));
    let mut keys = Vec::new();
    let written = object(&site.aws, &place).unwrap();
    snapshot::read(&written[..], Timestamp::default(), &mut |notice| keys.push(notice.key.to_string()))
        .unwrap();
    assert_eq!(keys, ["203.0.113.7"]);
}
