//! The same events by every road, and the samples that others publish.

use serde_json::{Value, json};
use stockade_core::ledger::Ledger as _;
use stockade_runtime::functions::Role;

use crate::world::{World, answer, data, envelope, failure, kinesis, matches, packed, subscription};

fn sample(name: &str) -> Option<Vec<u8>> {
    let Some(shared) = std::env::var_os("STOCKADE_SHARED") else {
        eprintln!("skipped: STOCKADE_SHARED is not set");
        return None;
    };
    std::fs::read(std::path::Path::new(&shared).join("data/logs/aws").join(name)).ok()
}

#[test]
fn kinesis_and_firehose_carry_the_same_envelope() {
    let events: Vec<Value> = (0..3).map(|n| failure(n, i64::try_from(n).unwrap(), "203.0.113.7")).collect();
    let envelope = packed(&envelope("Auth", "i-1", &events));
    let world = World::new();
    world.clock.forward(100);
    let answered =
        answer(&world.function(Role::FilterAndJail).invoke(&kinesis(std::slice::from_ref(&envelope))));
    assert_eq!(answered, json!({"batchItemFailures": []}));
    assert_eq!(world.heard().len(), 1);
    let world = World::new();
    world.clock.forward(100);
    let firehose = json!({"invocationId": "1", "deliveryStreamArn": "arn:aws:firehose:eu-central-1:1:deliverystream/x",
        "region": "eu-central-1", "records": [
        {"recordId": "a", "approximateArrivalTimestamp": 1, "data": envelope},
        {"recordId": "b", "approximateArrivalTimestamp": 1, "data": "aGVsbG8="}]});
    let answered = answer(&world.function(Role::FilterAndJail).invoke(firehose.to_string().as_bytes()));
    let wanted = json!({"records": [
        {"recordId": "a", "result": "Ok", "data": envelope},
        {"recordId": "b", "result": "ProcessingFailed", "data": "aGVsbG8="}]});
    assert_eq!(answered, wanted);
    assert_eq!(world.heard(), ["+sshd 203.0.113.7 1 v1"]);
}

#[test]
fn a_pattern_of_log_groups_and_syslog_filters() {
    let toml = "[aws.log_groups]\n\"/hosts/*/auth\" = [\"sshd\"]\n";
    let world = World::with(crate::world::JAILS, toml);
    world.clock.forward(100);
    let events: Vec<Value> = (0..3).map(|n| failure(n, i64::try_from(n).unwrap(), "203.0.113.7")).collect();
    world.function(Role::FilterAndJail).invoke(&subscription("/hosts/web/auth", "i-1", &events));
    assert_eq!(world.heard().len(), 1);
    // The shipped log group `Syslog`: three filters read it, each for its jail.
    let world = World::new();
    world.clock.forward(100);
    let date = crate::world::syslog_date(crate::world::NOW);
    let roundcube = |n: u64| {
        let text = format!(
            "{date} web roundcube: IMAP Error: Login failed for eve from 198.51.100.9. AUTHENTICATE PLAIN: A"
        );
        crate::world::event(n, crate::world::NOW * 1000, &text)
    };
    let dovecot = |n: u64| {
        let text = format!(
            "{date} mail dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<eve>, method=PLAIN, rip=198.51.100.8, lip=192.0.2.1"
        );
        crate::world::event(n, crate::world::NOW * 1000, &text)
    };
    let events: Vec<Value> = (0..3).map(roundcube).chain((10..13).map(dovecot)).collect();
    let invoked = world.function(Role::FilterAndJail).invoke(&subscription("Syslog", "i-1", &events));
    let mut heard = world.heard();
    heard.sort();
    assert_eq!(heard, ["+dovecot 198.51.100.8 1 v1", "+roundcube 198.51.100.9 1 v1"], "{:?}", invoked.counts);
}

#[test]
fn two_phases_ban_as_one_does() {
    let world = World::new();
    world.clock.forward(100);
    let events: Vec<Value> = (0..3).map(|n| failure(n, i64::try_from(n).unwrap(), "203.0.113.7")).collect();
    let invoked = world.function(Role::Filter).invoke(&subscription("Auth", "i-1", &events));
    assert_eq!((invoked.counts.matches, invoked.counts.bans), (3, 0));
    assert_eq!(matches(&world.ledger, "sshd", "203.0.113.7"), 3);
    // The table's stream, as DynamoDB hands it over: what the other phase wrote, and what it does not look at.
    let past = world.ledger.clone().recall(&[stockade_core::ledger::Question {
        jail: "sshd".into(),
        key: "203.0.113.7".parse().unwrap(),
        since: stockade_core::Timestamp::MIN,
        limit: 9,
    }]);
    let mut records: Vec<Value> = past.unwrap()[0]
        .matches
        .iter()
        .rev()
        .enumerate()
        .map(|(at, past)| {
            let time = past.time.as_millis().cast_unsigned() ^ (1 << 63);
            json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": format!("s{at}"), "NewImage": {
            "pk": {"S": "jail#sshd#203.0.113.7"}, "sk": {"S": format!("at#{time:016x}#{:032x}", past.id.0)},
            "ttl": {"N": "1795428000"}, "stream": {"S": "i-1"}, "line": {"S": "…"}}}})
        })
        .collect();
    records.insert(
        1,
        json!({"eventName": "MODIFY", "dynamodb": {"SequenceNumber": "ban", "NewImage": {
        "pk": {"S": "jail#sshd#203.0.113.7"}, "sk": {"S": "ban#eu-central-1"}}}}),
    );
    records.insert(
        2,
        json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": "bad", "NewImage": {
        "pk": {"S": "jail#sshd#203.0.113.7"}, "sk": {"S": "at#zz"}}}}),
    );
    records.push(json!({"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "gone"}}));
    let payload = json!({"Records": records}).to_string();
    let mut jail = world.function(Role::Jail);
    let invoked = jail.invoke(payload.as_bytes());
    assert_eq!(answer(&invoked), json!({"batchItemFailures": []}));
    assert_eq!((invoked.counts.matches, invoked.counts.bad_payloads), (3, 1));
    assert_eq!(world.heard(), ["+sshd 203.0.113.7 1 v1"]);
    jail.invoke(payload.as_bytes());
    assert_eq!(world.heard().len(), 1);
}

#[test]
fn items_of_cloud_fail2bans_table_are_matches_too() {
    let world = World::new();
    world.clock.forward(100);
    let item = |n: u32| {
        json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": n.to_string(), "NewImage": {
            "Host": {"S": "203.0.113.7"}, "MatchID": {"S": format!("0000000{n}-0000-5000-8000-000000000000")},
            "Filter": {"S": "cloud_f2b.filters.auth.sshd.Sshd"}, "Timestamp": {"N": (crate::world::NOW + i64::from(n)).to_string()},
            "TTL": {"N": "1795428000"}, "Source": {"S": "i-1"}, "EventID": {"S": "1"}}}})
    };
    let payload = json!({"Records": [item(1), item(2), item(3)]}).to_string();
    let invoked = world.function(Role::Jail).invoke(payload.as_bytes());
    assert_eq!(answer(&invoked), json!({"batchItemFailures": []}));
    assert_eq!(world.heard(), ["+sshd 203.0.113.7 1 v1"]);
}

#[test]
fn published_samples_are_read() {
    for (name, counts) in [
        ("rust-runtime__cloudwatch_logs-event.json", (0, 1)),
        ("powertools__cloudWatchLogEvent.json", (0, 1)),
        ("powertools__cloudWatchLogEventWithPolicyLevel.json", (0, 1)),
        ("powertools__kinesisFirehosePutEvent.json", (2, 0)),
    ] {
        let Some(payload) = sample(name) else { return };
        let invoked = World::new().function(Role::FilterAndJail).invoke(&payload);
        let _ = answer(&invoked);
        assert_eq!((invoked.counts.bad_payloads, invoked.counts.unknown_groups), counts, "{name}");
    }
    let Some(payload) = sample("powertools__kinesisStreamCloudWatchLogsEvent.json") else { return };
    let invoked = World::new().function(Role::FilterAndJail).invoke(&payload);
    assert_eq!(answer(&invoked), json!({"batchItemFailures": []}));
    assert_eq!(invoked.counts.bad_payloads, 0);
    let Some(payload) = sample("rust-runtime__dynamodb-event.json") else { return };
    let invoked = World::new().function(Role::Jail).invoke(&payload);
    assert_eq!((answer(&invoked), invoked.counts.matches), (json!({"batchItemFailures": []}), 0));
    // The decoded payload of Cloud-Fail2Ban, with its duplicated event id.
    let Some(decoded) = sample("cloud-fail2ban__subscription_payload.json") else { return };
    let payload = data(&packed(&serde_json::from_slice(&decoded).unwrap()));
    let world = World::new();
    world.clock.set(1_540_663_000_000);
    let invoked = world.function(Role::FilterAndJail).invoke(&payload);
    assert_eq!((invoked.counts.events, invoked.counts.bad_events), (5, 0));
    assert!(invoked.counts.matches >= 2, "{:?}", invoked.counts);
    assert_eq!(matches(&world.ledger, "sshd", "148.240.49.191"), 1);
}
