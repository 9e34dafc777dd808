//! The role `events`: what EventBridge, SQS, SNS and S3 hand over.

use serde_json::{Value, json};
use stockade_core::{Timestamp, Verdict};
use stockade_runtime::functions::{Function, FunctionError, Invoked, Role};

use super::world::{NOW, World, matches};

const DOOR: &str = r#"
description = "Who knocks too often"
target = "ban"
key = { address = "detail.sourceIPAddress" }
[jail]
maxretry = 3
findtime = "10m"
bantime = "1h"
[[pattern]]
json = '{"source": ["aws.door"], "detail": {"eventName": ["Knock"]}}'
"#;
pub(crate) const EACH: &str = r#"
description = "Who knocks"
target = "notify"
key = { principal = "detail.userIdentity.arn" }
[[pattern]]
json = '{"source": ["aws.door"], "detail": {"eventName": ["Knock"]}}'
"#;
pub(crate) const SOME: &str = r#"
description = "Who knocks a few times"
target = "notify"
key = { user = "detail.userIdentity.userName" }
[jail]
maxretry = 3
findtime = "10m"
[[pattern]]
json = '{"source": ["aws.door"], "detail": {"eventName": ["Knock"]}}'
"#;
const EVE: &str = "arn:aws:iam::123456789012:user/eve";

fn world() -> World {
    World::new().rule("door", DOOR).rule("each", EACH).rule("some", SOME)
}

pub(crate) fn record(id: u32, secs: i64) -> Value {
    let time = jiff::Timestamp::from_second(NOW + secs).unwrap().to_string();
    json!({
        "eventVersion": "1.08", "eventID": format!("event-{id}"), "eventTime": time,
        "eventSource": "door.amazonaws.com", "eventName": "Knock", "awsRegion": "eu-central-1",
        "sourceIPAddress": "203.0.113.7", "recipientAccountId": "123456789012",
        "userIdentity": {"type": "IAMUser", "arn": EVE, "userName": "eve"},
    })
}

pub(crate) fn event(id: u32, secs: i64) -> Value {
    let record = record(id, secs);
    json!({
        "version": "0", "id": format!("envelope-{id}-{secs}"), "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.door", "account": "123456789012", "time": record["eventTime"], "region": "eu-central-1",
        "resources": [], "detail": record,
    })
}

pub(crate) fn message(id: &str, body: &str) -> Value {
    json!({
        "messageId": id, "receiptHandle": "r", "body": body, "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:stockade-events", "awsRegion": "eu-central-1",
    })
}

pub(crate) fn sqs(messages: &[Value]) -> Value {
    json!({ "Records": messages })
}

pub(crate) fn invoke(function: &mut Function, payload: &Value) -> Invoked {
    function.invoke(payload.to_string().as_bytes())
}

fn answer(invoked: &Invoked) -> Value {
    serde_json::from_slice(invoked.answer.as_ref().unwrap()).unwrap()
}

fn given_back(ids: &[&str]) -> Value {
    let items: Vec<Value> = ids.iter().map(|id| json!({ "itemIdentifier": id })).collect();
    json!({ "batchItemFailures": items })
}

/// Of whom was told, by jail.
pub(crate) fn told(world: &World, jail: &str) -> Vec<Timestamp> {
    let told = world.listener.told.lock().unwrap();
    told.iter().filter(|one| &*one.decision.jail == jail).map(|one| one.decision.at).collect()
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(NOW + secs)
}

#[test]
fn one_event_is_told_and_three_are_a_ban() {
    let world = world();
    let mut function = world.function(Role::Events);
    for (id, secs) in [(1, -30), (2, -20), (3, -10)] {
        let invoked = invoke(&mut function, &event(id, secs));
        assert_eq!(invoked.counts.events, 1, "{:?}", invoked.counts);
        answer(&invoked);
    }
    assert_eq!(world.heard(), ["+door 203.0.113.7 1 v1"]);
    assert_eq!(told(&world, "each"), [at(-30), at(-20), at(-10)]);
    assert_eq!(told(&world, "some"), [at(-10)]);
    let notices = world.listener.told.lock().unwrap();
    assert!(notices.iter().all(|one| one.decision.verdict == Verdict::Notify && !one.matches.is_empty()));
    assert!(notices[0].matches[0].line.contains("\"rule\":\"each\""), "{}", notices[0].matches[0].line);
    drop(notices);
    // Nothing ends but the ban, and no notice is announced as one.
    world.clock.forward(4_000);
    let mut expire = world.function(Role::Expire);
    assert!(expire.invoke(b"{}").answer.is_ok());
    assert_eq!(world.heard(), ["+door 203.0.113.7 1 v1", "-door 203.0.113.7 v2"]);
    assert_eq!(told(&world, "each").len() + told(&world, "some").len(), 4);
}

#[test]
fn an_event_counts_once_by_whatever_road_and_however_often() {
    let world = world();
    let mut function = world.function(Role::Events);
    let direct = event(1, -30);
    let topic = json!({"Records": [{
        "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "arn:aws:sns:x:123456789012:t:1",
        "Sns": {"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:eu-central-1:123456789012:t",
            "Message": event(1, -30).to_string()},
    }]});
    let bare = sqs(&[message("a", &record(1, -30).to_string()), message("b", &event(1, -30).to_string())]);
    for payload in [&direct, &direct, &topic, &bare] {
        answer(&invoke(&mut function, payload));
    }
    // Another function, which remembers nothing itself.
    answer(&invoke(&mut world.function(Role::Events), &direct));
    assert_eq!(told(&world, "each"), [at(-30)]);
    assert_eq!((told(&world, "some").len(), world.heard().len()), (0, 0));
    for (jail, key) in [("each", EVE), ("door", "203.0.113.7"), ("some", "eve")] {
        assert_eq!(matches(&world.ledger, jail, key), 1, "{jail}");
    }
}

#[test]
fn what_is_said_to_be_yet_to_come_happened_when_it_came() {
    const YEARS: i64 = 50 * 365 * 24 * 3600;
    let world = world();
    let mut function = world.function(Role::Events);
    for id in 1..=3 {
        answer(&invoke(&mut function, &event(id, YEARS + i64::from(id))));
    }
    assert_eq!(world.heard(), ["+door 203.0.113.7 1 v1"]);
    assert_eq!(told(&world, "each"), [at(0); 3]);
    // A day later one event is one event.
    world.clock.forward(86_400);
    assert!(world.function(Role::Expire).invoke(b"{}").answer.is_ok());
    answer(&invoke(&mut function, &event(4, 86_400 - 10)));
    assert_eq!(world.heard(), ["+door 203.0.113.7 1 v1", "-door 203.0.113.7 v2"]);
}

#[test]
fn of_a_batch_only_what_failed_comes_again() {
    let world = world();
    let mut function = world.function(Role::Events);
    let batch = sqs(&[
        message("good", &event(1, -30).to_string()),
        message("nonsense", "nonsense"),
        message(
            "object",
            &json!({"Records": [{
                "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": "trail"}, "object": {"key": "AWSLogs/x.json.gz"}},
            }]})
            .to_string(),
        ),
        message(
            "test",
            &json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "trail"}).to_string(),
        ),
        message("other", &event(2, -20).to_string()),
    ]);
    let invoked = invoke(&mut function, &batch);
    // This function has no AWS to read objects from.
    assert_eq!(answer(&invoked), given_back(&["nonsense", "object"]));
    assert_eq!((invoked.counts.bad_payloads, invoked.counts.failed), (2, 2));
    assert_eq!(told(&world, "each"), [at(-30), at(-20)]);
    // What is invoked without a queue fails as a whole.
    let object = json!({"Records": [{
        "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "trail"}, "object": {"key": "AWSLogs/x.json.gz"}},
    }]});
    assert_eq!(invoke(&mut function, &object).answer, Err(FunctionError::Again { records: 1 }));
}

#[test]
fn what_could_not_be_told_is_told_when_it_comes_again_and_then_not_any_more() {
    let world = world();
    let mut function = world.function(Role::Events);
    *world.listener.deaf.lock().unwrap() = 1;
    let first = sqs(&[message("1", &event(1, -30).to_string())]);
    assert_eq!(answer(&invoke(&mut function, &first)), given_back(&["1"]));
    assert_eq!(answer(&invoke(&mut function, &first)), given_back(&[]));
    assert_eq!(answer(&invoke(&mut function, &first)), given_back(&[]));
    assert_eq!(told(&world, "each"), [at(-30)]);
    // The same where a jail counts.
    answer(&invoke(&mut function, &event(2, -20)));
    *world.listener.deaf.lock().unwrap() = 2;
    let third = sqs(&[message("3", &event(3, -10).to_string())]);
    assert_eq!(answer(&invoke(&mut function, &third)), given_back(&["3"]));
    assert_eq!((told(&world, "each").len(), told(&world, "some").len()), (2, 0));
    assert_eq!(answer(&invoke(&mut function, &third)), given_back(&[]));
    assert_eq!(answer(&invoke(&mut function, &third)), given_back(&[]));
    assert_eq!((told(&world, "each").len(), told(&world, "some")), (3, vec![at(-10)]));
}

#[test]
fn a_function_that_dies_before_it_tells_leaves_it_to_the_next_delivery_or_to_expire() {
    let world = world();
    let mut function = world.function(Role::Events);
    for (id, secs) in [(1, -30), (2, -20)] {
        answer(&invoke(&mut function, &event(id, secs)));
    }
    *world.listener.dead.lock().unwrap() = true;
    let dying = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        function.invoke(event(3, -10).to_string().as_bytes())
    }));
    assert!(dying.is_err());
    *world.listener.dead.lock().unwrap() = false;
    answer(&invoke(&mut world.function(Role::Events), &event(3, -10)));
    assert_eq!((told(&world, "each").len(), told(&world, "some")), (3, vec![at(-10)]));

    // Nobody delivers it again: `expire` tells what the ledger says was not told.
    let world = World::new().rule("some", SOME);
    let mut function = world.function(Role::Events);
    *world.listener.deaf.lock().unwrap() = 1;
    let batch: Vec<Value> = (1..4).map(|n| message("m", &event(n, i64::from(n) - 30).to_string())).collect();
    answer(&invoke(&mut function, &sqs(&batch)));
    assert!(told(&world, "some").is_empty());
    assert!(world.function(Role::Expire).invoke(b"{}").answer.is_ok());
    assert_eq!(told(&world, "some"), [at(-27)]);
    assert!(world.function(Role::Expire).invoke(b"{}").answer.is_ok());
    assert_eq!((told(&world, "some").len(), world.heard().len()), (1, 0));
}

#[test]
fn two_functions_at_once_tell_once() {
    let world = World::new().rule("some", SOME);
    let (mut one, mut two) = (world.function(Role::Events), world.function(Role::Events));
    answer(&invoke(&mut one, &event(1, -30)));
    answer(&invoke(&mut two, &event(2, -20)));
    answer(&invoke(&mut one, &event(3, -10)));
    answer(&invoke(&mut two, &event(4, -5)));
    assert_eq!(told(&world, "some"), [at(-10)]);
    answer(&invoke(&mut two, &event(5, -4)));
    answer(&invoke(&mut one, &event(6, -3)));
    assert_eq!(told(&world, "some"), [at(-10), at(-3)]);
}

#[test]
fn a_role_reads_what_is_its_own() {
    let world = world();
    for role in [Role::FilterAndJail, Role::Filter, Role::Jail] {
        let answer = invoke(&mut world.function(role), &event(1, 0)).answer;
        assert!(matches!(answer, Err(FunctionError::WrongRole { .. })), "{answer:?}");
    }
    let mut function = world.function(Role::Events);
    let logs = json!({"awslogs": {"data": ""}});
    assert!(matches!(invoke(&mut function, &logs).answer, Err(FunctionError::WrongRole { .. })));
    // The clock keeps it warm.
    let clock =
        json!({"detail-type": "Scheduled Event", "source": "aws.events", "time": "2026-01-01T00:00:00Z"});
    assert!(invoke(&mut function, &clock).answer.is_ok());
}
