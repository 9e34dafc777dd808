//! What Cloud-Fail2Ban's parts say to each other, and what we say in their place: the files in `corpus/cloud-fail2ban`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::io::Write as _;
use std::path::PathBuf;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use stockade_aws::wire::{self, Notice, Origins, Told, snapshot};
use stockade_core::Timestamp;

const TOPIC: &str = "arn:aws:sns:eu-central-1:111122223333:F2B";

fn file(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../corpus/cloud-fail2ban").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn golden(name: &str) -> Value {
    serde_json::from_str(&file(name)).unwrap()
}

fn ban(key: &str, until: i64) -> Notice {
    let since = Timestamp::from_secs(1_700_000_000);
    Notice::ban("sshd".into(), key.parse().unwrap(), since, Timestamp::from_secs(until))
}

/// A message as `sns:Publish` takes it.
fn published(message: &wire::Message) -> Value {
    let attributes = message.attributes.iter().map(|attribute| {
        let value = json!({"DataType": "String", "StringValue": attribute.value});
        (attribute.name.to_owned(), value)
    });
    json!({"Message": message.body, "MessageAttributes": Value::Object(attributes.collect())})
}

/// What a ban says without the further attributes.
fn bare(key: &str) -> Notice {
    Notice { told: Told::Ban { until: None }, at: None, id: None, ..ban(key, 0) }
}

#[test]
fn a_ban_without_more_is_written_byte_for_byte() {
    let packed = wire::pack(&[bare("198.51.100.7"), bare("203.0.113.9")]);
    assert_eq!(packed.messages.iter().map(published).collect::<Vec<_>>(), [golden("message.json")]);
}

#[test]
fn our_ban_has_the_same_body_and_further_attributes() {
    let told = |notice: Notice, version, nth| {
        let more = Notice { version: Some(version), nth: Some(nth), failures: Some(3), id: None, ..notice };
        more.because("3 matches within 3600s")
    };
    let bans =
        [told(ban("198.51.100.7", 1_700_000_600), 1, 1), told(ban("203.0.113.9", 1_700_003_600), 2, 2)];
    let packed = wire::pack(&bans);
    assert_eq!(packed.messages.iter().map(published).collect::<Vec<_>>(), [golden("stockade-ban.json")]);
    assert_eq!(golden("stockade-ban.json")["Message"], golden("message.json")["Message"]);
}

#[test]
fn an_unban_goes_by_another_name() {
    let at = Timestamp::from_secs(1_700_000_600);
    let unban = Notice::unban("sshd".into(), "198.51.100.7".parse().unwrap(), at).because("expired");
    let packed = wire::pack(&[Notice { id: None, ..unban }]);
    assert_eq!(packed.messages.iter().map(published).collect::<Vec<_>>(), [golden("stockade-unban.json")]);
}

#[test]
fn what_a_cloud_fail2ban_sender_says_is_read() {
    let delivery = wire::read(&file("envelope.json"), &[], &Origins::of([TOPIC.to_owned()])).unwrap();
    let sent = Some(Timestamp::from_millis(1_700_000_005_287));
    assert_eq!(delivery.sent, sent);
    assert_eq!(delivery.message_id.as_deref(), Some("0d3bd8bb-4f9b-5d2e-8d6b-8a0f2b0a6c11"));
    assert_eq!(delivery.bad, []);
    let expected = ["198.51.100.7", "203.0.113.9"].map(|key| Notice { at: sent, ..bare(key) });
    assert_eq!(delivery.notices, expected);
}

#[test]
fn a_host_finds_its_queue_and_its_policies() {
    let (queue, filter) = (golden("queue.json"), golden("subscription-filter.json"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(wire::queue_name(&text(&queue["Host"])), text(&queue["QueueName"]));
    let policy = wire::queue_policy(&text(&filter["Endpoint"]), &[text(&filter["TopicArn"])]);
    assert_eq!(parsed(&policy), parsed(&text(&queue["Attributes"]["Policy"])));
    let jails: Vec<&str> = filter["Jails"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let policy = wire::filter_policy(jails.iter().copied(), false).unwrap();
    assert_eq!(policy, text(&filter["Attributes"]["FilterPolicy"]));
    assert_eq!(
        wire::filter_policy(["sshd", "a\"b"], true).unwrap(),
        r#"{"jail": ["sshd", "unban:sshd", "a\"b", "unban:a\"b"]}"#
    );
    let many: Vec<String> = (0..76).map(|n| format!("jail{n}")).collect();
    assert!(wire::filter_policy(many.iter().take(75).map(String::as_str), true).is_some());
    assert_eq!(wire::filter_policy(many.iter().map(String::as_str), true), None);
}

#[test]
fn snapshots_of_the_first_version_are_read() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(file("stockade-snapshot.jsonl").as_bytes()).unwrap();
    let mut bans = Vec::new();
    let now = Timestamp::from_secs(1_700_000_300);
    let header = snapshot::read(&*packed.finish().unwrap(), now, &mut |ban| bans.push(ban)).unwrap();
    assert_eq!(header.made, Timestamp::from_millis(1_700_000_000_123));
    let first = ban("198.51.100.7", 1_700_000_600);
    let first = Notice { version: Some(3), nth: Some(2), failures: Some(5), ..first }
        .because("5 matches within 600s");
    let forever = Told::Ban { until: Some(Timestamp::MAX) };
    let network = Notice { jail: "by-hand".into(), told: forever, ..bare("2001:db8::/48") };
    assert_eq!(bans, [first, network], "the one in the middle is over");
}
