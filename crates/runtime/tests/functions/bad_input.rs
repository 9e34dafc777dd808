//! What nobody should send, each counted and none in the way of its neighbours.

use serde_json::{Value, json};
use stockade_core::Timestamp;
use stockade_runtime::functions::{FunctionError, Role};

use crate::world::{
    NOW, World, answer, data, envelope, event, failure, kinesis, matches, packed, packed_bytes,
};
use crate::world::{subscription, syslog_date};

fn good() -> String {
    packed(&envelope("Auth", "i-1", &[1, 2, 3].map(|n| failure(n, i64::try_from(n).unwrap(), "203.0.113.7"))))
}

fn bomb() -> String {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let member = engine.decode(packed_bytes(&vec![b' '; 1 << 20])).unwrap();
    engine.encode(member.repeat(65))
}

#[test]
fn each_is_counted_and_its_neighbours_are_judged() {
    let bad = [
        "$$$".to_owned(),
        "aGVsbG8=".to_owned(),
        bomb(),
        packed_bytes(b"{\"messageType\":"),
        packed(&json!({"messageType": "DATA_MESSAGE", "logGroup": 7})),
        packed(&json!({"messageType": "SOMETHING"})),
        String::new(),
    ];
    let world = World::new();
    world.clock.forward(100);
    let mut function = world.function(Role::FilterAndJail);
    let mut records = bad.to_vec();
    records.insert(3, good());
    let invoked = function.invoke(&kinesis(&records));
    assert_eq!(
        answer(&invoked),
        json!({"batchItemFailures": []}),
        "nobody can read them the next time either"
    );
    assert_eq!(invoked.counts.bad_payloads, bad.len() as u64);
    assert_eq!(world.heard(), ["+sshd 203.0.113.7 1 v1"]);
    for one in &bad {
        let invoked = function.invoke(&data(one));
        assert_eq!(answer(&invoked), json!({"bad_payloads": 1, "records": 1}));
    }
}

#[test]
fn an_unknown_log_group_is_counted_and_no_error() {
    let world = World::new();
    let events = [failure(1, 0, "203.0.113.7")];
    let invoked = world.function(Role::FilterAndJail).invoke(&subscription("Other", "i-1", &events));
    assert_eq!(answer(&invoked), json!({"unknown_log_groups": 1, "records": 1}));
    let metrics: Value = serde_json::from_str(&invoked.metrics).unwrap();
    assert_eq!(metrics["UnknownLogGroups"], 1);
}

#[test]
fn a_control_message_does_nothing() {
    let world = World::new();
    let control = json!({"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logStream": "",
        "subscriptionFilters": [], "logEvents": [{"id": "", "timestamp": 1, "message": "CWL CONTROL MESSAGE: Checking health of destination"}]});
    let invoked = world.function(Role::FilterAndJail).invoke(&data(&packed(&control)));
    assert_eq!(answer(&invoked), json!({"records": 1}));
}

#[test]
fn an_event_twice_is_one_and_one_id_with_two_texts_counts_once() {
    let world = World::new();
    world.clock.forward(100);
    let one = failure(1, 1, "203.0.113.7");
    let other = failure(1, 2, "203.0.113.7");
    let invoked = world.function(Role::FilterAndJail).invoke(&subscription(
        "Auth",
        "i-1",
        &[one.clone(), one.clone(), other, failure(2, 3, "203.0.113.7"), one],
    ));
    assert_eq!((invoked.counts.repeated, invoked.counts.matches), (2, 2));
    assert!(world.heard().is_empty());
    assert_eq!(matches(&world.ledger, "sshd", "203.0.113.7"), 2);
}

#[test]
fn a_line_of_256_kb_is_handled() {
    let world = World::new();
    world.clock.forward(100);
    let long = |bytes: usize| {
        let user = "a".repeat(bytes);
        let text = format!(
            "{} web01 sshd[1]: Failed password for invalid user {user} from 203.0.113.9 port 1 ssh2",
            syslog_date(NOW)
        );
        event(50, NOW * 1000, &text)
    };
    let events = [
        failure(1, 1, "203.0.113.7"),
        long(256 << 10),
        failure(2, 2, "203.0.113.7"),
        failure(3, 3, "203.0.113.7"),
    ];
    let invoked = world.function(Role::FilterAndJail).invoke(&subscription("Auth", "i-1", &events));
    assert_eq!(
        (invoked.counts.overlong, invoked.counts.lines),
        (1, 4),
        "it is passed over as the daemon does"
    );
    assert_eq!(world.heard(), ["+sshd 203.0.113.7 1 v1"]);
    // A line that is long and can be judged: its evidence is cut.
    let invoked = world.function(Role::FilterAndJail).invoke(&subscription("Auth", "i-1", &[long(60 << 10)]));
    assert_eq!((invoked.counts.overlong, invoked.counts.matches), (0, 1));
    // Many lines in one event are judged one by one.
    let line = failure(9, 1, "203.0.113.8")["message"].as_str().unwrap().to_owned();
    let many = event(60, (NOW + 1) * 1000, &[line.as_str(); 2_500].join("\n"));
    let invoked = world.function(Role::FilterAndJail).invoke(&subscription("Auth", "i-1", &[many]));
    assert_eq!((invoked.counts.lines, invoked.counts.matches), (2_500, 2_500));
}

#[test]
fn wrong_clocks_are_bounded() {
    let world = World::new();
    let mut function = world.function(Role::FilterAndJail);
    let text = "web01 sshd[1]: Failed password for root from 203.0.113.7 port 1 ssh2";
    for (n, millis) in [i64::MAX, i64::MIN, NOW * 1000 + 90_000_000, -1].into_iter().enumerate() {
        let invoked = function.invoke(&subscription("Auth", "i-1", &[event(n as u64, millis, text)]));
        assert_eq!((invoked.counts.wrong_clocks, invoked.counts.matches), (1, 1), "{millis}");
    }
    let ban = world.ban("sshd", "203.0.113.7").unwrap();
    assert_eq!(ban.record.since, Timestamp::from_secs(NOW));
    // A line's own date is believed as far as it is near the event's time.
    let world = World::new();
    let mut function = world.function(Role::FilterAndJail);
    world.clock.forward(100);
    for (n, date) in [(1, NOW + 30), (2, NOW - 40_000), (3, NOW + 40_000)] {
        let message = format!("{} {text}", syslog_date(date));
        function.invoke(&subscription("Auth", "i-1", &[event(n, (NOW + 60) * 1000, &message)]));
    }
    assert_eq!(world.ban("sshd", "203.0.113.7").unwrap().record.since, Timestamp::from_secs(NOW + 60));
}

#[test]
fn what_is_no_payload_at_all_is_an_error_with_a_name() {
    let world = World::new();
    let mut function = world.function(Role::FilterAndJail);
    for payload in [&b"not json"[..], b"[]", br#"{"Records":[{"s3":{}}]}"#, br#"{"awslogs":{}}"#] {
        let invoked = function.invoke(payload);
        assert!(matches!(invoked.answer, Err(FunctionError::Payload(_))), "{:?}", invoked.answer);
        assert_eq!(invoked.counts.bad_payloads, 1);
    }
    let wrong = world.function(Role::Expire).invoke(&subscription("Auth", "i-1", &[])).answer;
    assert!(matches!(wrong, Err(FunctionError::WrongRole { .. })), "{wrong:?}");
    assert_eq!(answer(&function.invoke(b"{}")), json!({}), "somebody keeps it warm");
}
