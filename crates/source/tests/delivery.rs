//! What functions and queues are handed, in the shapes that AWS documents.
#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use proptest::prelude::*;
use serde_json::{Value, json};
use stockade_source::aws::{Delivered, Invocation, ObjectRef, read_message};
use stockade_source::events::{FileKind, Form};

const KEY: &str = "AWSLogs/111122223333/CloudTrail/us-east-2/2026/11/01/111122223333_CloudTrail_us-east-2_20261101T0210Z_Mu0KsOhtH1ar15ZZ.json.gz";

/// What is held, each on a line.
fn held(body: &str) -> Vec<String> {
    let shown = |one: &Result<Delivered<'_>, _>| match one {
        Ok(Delivered::Event { form, text }) => format!("{form:?} {text}"),
        Ok(Delivered::Object(object)) => {
            let ObjectRef { version, region, bytes, .. } = object;
            format!("{object} {version:?} {region:?} {bytes:?}")
        }
        Ok(Delivered::Nothing(why)) => format!("nothing: {why}"),
        Err(error) => format!("error: {error}"),
    };
    read_message(body).iter().map(shown).collect()
}

fn event() -> Value {
    json!({"version": "0", "id": "6a7e8feb", "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam",
        "account": "111122223333", "time": "2026-11-01T00:00:00Z", "region": "us-east-1", "resources": [],
        "detail": {"eventVersion": "1.08", "eventName": "CreateUser"}})
}

fn s3_record(name: &str, key: &str) -> Value {
    json!({"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-west-2", "eventTime": "2026-11-01T00:00:00.000Z",
        "eventName": name, "userIdentity": {"principalId": "A1"}, "requestParameters": {"sourceIPAddress": "192.0.2.1"},
        "responseElements": {"x-amz-request-id": "r", "x-amz-id-2": "i"},
        "s3": {"s3SchemaVersion": "1.0", "configurationId": "c",
            "bucket": {"name": "trail-logs", "ownerIdentity": {"principalId": "A"}, "arn": "arn:aws:s3:::trail-logs"},
            "object": {"key": key, "size": 1024, "eTag": "e", "versionId": "v1", "sequencer": "0055AED6DCD90281E5"}}})
}

fn sns(message: &str) -> String {
    json!({"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-west-2:111122223333:t",
        "Subject": "Amazon S3 Notification", "Message": message, "Timestamp": "2026-11-01T00:00:00.000Z",
        "SignatureVersion": "1", "Signature": "s", "SigningCertURL": "u", "UnsubscribeURL": "u"})
    .to_string()
}

/// `body` raw, in one envelope of SNS and in two.
fn wrapped(body: &str) -> [String; 3] {
    [body.to_owned(), sns(body), sns(&sns(body))]
}

#[test]
fn events_and_records() {
    let event = event().to_string();
    let record = r#"{"eventVersion":"1.08","eventName":"CreateUser","n":1.50,"n":2}"#;
    for body in wrapped(&event) {
        assert_eq!(held(&body), [format!("Envelope {event}")]);
    }
    for body in wrapped(record) {
        assert_eq!(
            held(&body),
            [format!("Record {record}")],
            "as it is written, whatever a parser would make of it"
        );
    }
    let file = format!(r#"{{"Records":[{record},{event},7,{record}]}}"#);
    let found = held(&file);
    assert_eq!((found.len(), found[0].as_str()), (4, &*format!("Record {record}")));
    assert_eq!(found[2], "error: record 2: it: expected an event or a notification, found 7");
    assert_eq!(held(&format!("[{event},{record}]")).len(), 2);
}

#[test]
fn notifications_of_s3_by_every_road() {
    let body = json!({"Records": [s3_record("ObjectCreated:Put", KEY), s3_record("ObjectCreated:CompleteMultipartUpload", "red+flower%2B%C3%A9.json")]});
    for body in wrapped(&body.to_string()) {
        let end = "Some(\"v1\") Some(\"us-west-2\") Some(1024)";
        assert_eq!(
            held(&body),
            [format!("s3://trail-logs/{KEY} {end}"), format!("s3://trail-logs/red flower+é.json {end}")]
        );
    }
    let created = json!({"version": "0", "id": "17793124", "detail-type": "Object Created", "source": "aws.s3",
        "account": "111122223333", "time": "2026-11-01T00:00:00Z", "region": "ca-central-1",
        "resources": ["arn:aws:s3:::trail-logs"],
        "detail": {"version": "0", "bucket": {"name": "trail-logs"},
            "object": {"key": "a+b%20c.json", "size": 5, "etag": "b1946ac9", "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e", "sequencer": "617f08299329d189"},
            "request-id": "N4N7GDK58NMKJ12R", "requester": "123456789012", "source-ip-address": "192.0.2.1", "reason": "PutObject"}});
    let found = held(&created.to_string());
    let wanted = "s3://trail-logs/a+b%20c.json Some(\"IYV3p45BT0ac8hjHg1houSdS1a.Mro8e\") Some(\"ca-central-1\") Some(5)";
    assert_eq!(
        found,
        [wanted.to_owned(), format!("Envelope {created}")],
        "the key is not encoded, and a rule may look at the event"
    );
    let trail = json!({"s3Bucket": "trail-logs", "s3ObjectKey": [KEY, "b.json.gz"]}).to_string();
    for body in wrapped(&trail) {
        assert_eq!(held(&body)[0], format!("s3://trail-logs/{KEY} None None None"));
    }
    let [Ok(Delivered::Object(object)), _] = &read_message(&trail)[..] else { panic!() };
    assert_eq!(object.name().kind, FileKind::Log);
}

#[test]
fn tests_and_removals_mean_nothing() {
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-01T00:00:00.000Z", "Bucket": "b", "RequestId": "r", "HostId": "h"});
    for body in wrapped(&test.to_string()).iter().chain(&wrapped("CloudTrail validation message.")) {
        assert!(held(body)[0].starts_with("nothing: a test of "), "{:?}", held(body));
    }
    let body = json!({"Records": [s3_record("ObjectRemoved:Delete", "a"), s3_record("s3:ObjectCreated:Put", "b"), s3_record("ObjectRestore:Completed", "c")]});
    let found = held(&body.to_string());
    assert!(
        found[0].starts_with("nothing") && found[1].starts_with("s3://") && found[2].starts_with("nothing"),
        "{found:?}"
    );
}

#[test]
fn a_bad_record_leaves_its_neighbours() {
    let mut no_key = s3_record("ObjectCreated:Put", "x");
    no_key["s3"]["object"]["key"] = json!(7);
    let mut bucket = s3_record("ObjectCreated:Put", "x");
    bucket["s3"]["bucket"]["name"] = json!("evil.example/x?");
    let mut region = s3_record("ObjectCreated:Put", "x");
    region["awsRegion"] = json!("evil.example#");
    let body = json!({"Records": [no_key, s3_record("ObjectCreated:Put", "a%ffb"), bucket, {"hello": 1}, null, region]});
    let found = held(&body.to_string());
    for (nth, wanted) in [
        "error: record 0: `s3.object.key`: expected a text, found 7",
        "error: the object's key: expected UTF-8, as a form writes it, found \"a%ffb\"",
        "error: the bucket's name: expected 3 to 63 small letters, digits, `.` and `-`, found \"evil.example/x?\"",
        "error: nothing in the payload says what it is: a table with hello",
        "error: record 4: it: expected an event or a notification, found nothing",
        "s3://trail-logs/x Some(\"v1\") None Some(1024)",
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(found[nth], wanted);
    }
    let trail = json!({"s3Bucket": "trail-logs", "s3ObjectKey": ["a", 7, "b"]});
    assert_eq!(held(&trail.to_string()).iter().filter(|one| one.starts_with("error")).count(), 1);
}

#[test]
fn what_is_no_message_says_so() {
    for (body, wanted) in [
        ("", "error: the message is not JSON: the text ends within it at byte 0"),
        ("hello", "error: the message is not JSON: unexpected byte at byte 0"),
        (r#"{"a":1} x"#, "error: the message is not JSON: unexpected byte at byte 8"),
        (r#"{"a":1"#, "error: the message is not JSON: the text ends within it at byte 6"),
        ("{}", "error: nothing in the payload says what it is: a table with nothing"),
        (
            r#"{"Type":"SubscriptionConfirmation","Message":"x"}"#,
            "error: `Type`: expected `Notification`, found \"SubscriptionConfirmation\"",
        ),
        (
            r#"{"Type":"Notification","Message":{}}"#,
            "error: `Message`: expected a text, found a table with nothing",
        ),
        (r#"{"Records":7}"#, "error: `Records`: expected a list, found 7"),
        (
            r#"{"s3Bucket":"trail-logs","s3ObjectKey":"a"}"#,
            "error: `s3ObjectKey`: expected a list, found \"a\"",
        ),
    ] {
        assert_eq!(held(body), [wanted], "{body}");
    }
    let mut deep = event().to_string();
    for _ in 0..5 {
        deep = sns(&deep);
    }
    assert!(held(&deep)[0].starts_with("error: `Message`: expected a message in fewer envelopes"));
    assert!(held(&"x".repeat(7 << 20))[0].starts_with("error: the message is longer than"));
    assert_eq!(
        held(&format!("[{}]", "[],".repeat(20_000)))[10_000],
        "error: the list: expected at most 10000 records, found nothing"
    );
}

#[test]
fn an_event_may_be_nested_deep() {
    let deep = format!(
        r#"{{"detail-type":"x","source":"y","detail":{{"a":{}1{}}}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert_eq!(held(&deep), [format!("Envelope {deep}")]);
    assert_eq!(Invocation::read(deep.as_bytes()), Ok(Invocation::Event(deep.clone())));
    assert_eq!(held(&sns(&deep)), [format!("Envelope {deep}")]);
}

#[test]
fn invocations_by_the_roads_of_events() {
    let text = event().to_string();
    assert_eq!(Invocation::read(text.as_bytes()), Ok(Invocation::Event(text.clone())));
    for source in ["aws.events", "aws.scheduler"] {
        let schedule = json!({"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": source, "time": "2026-11-01T00:00:00Z", "resources": [], "detail": {}});
        assert_eq!(Invocation::read(schedule.to_string().as_bytes()), Ok(Invocation::Schedule));
    }
    let message = |id: &str, body: Value| {
        json!({"messageId": id, "receiptHandle": "h", "body": body,
            "attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1545082649183", "SenderId": "A", "ApproximateFirstReceiveTimestamp": "1545082649185"},
            "messageAttributes": {}, "md5OfBody": "e", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-2:111122223333:q", "awsRegion": "us-east-2"})
    };
    let batch = json!({"Records": [message("1", json!(text)), message("2", json!(7)), {"messageId": "3", "eventSource": "aws:sqs"}]});
    let Ok(Invocation::Queue(messages)) = Invocation::read(batch.to_string().as_bytes()) else { panic!() };
    let first = &messages[0];
    assert_eq!((first.id.as_str(), first.receives, first.body.as_deref()), ("1", 3, Ok(text.as_str())));
    assert_eq!(first.sent.unwrap().as_millis(), 1_545_082_649_183);
    assert_eq!(first.queue, "arn:aws:sqs:us-east-2:111122223333:q");
    assert_eq!(
        messages[1].body.as_ref().unwrap_err().to_string(),
        "record 1: `body`: expected a text, found 7"
    );
    assert_eq!((messages[2].id.as_str(), messages[2].receives), ("3", 1));
    assert!(messages[2].body.is_err());

    let topic = json!({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "arn:aws:sns:us-east-1:111122223333:t:1",
        "Sns": {"Type": "Notification", "MessageId": "95df01b4", "TopicArn": "arn:aws:sns:us-east-1:111122223333:t", "Subject": null, "Message": text, "MessageAttributes": {}}}]});
    let Ok(Invocation::Topic(messages)) = Invocation::read(topic.to_string().as_bytes()) else { panic!() };
    assert_eq!((messages[0].id.as_str(), messages[0].body.as_deref()), ("95df01b4", Ok(text.as_str())));

    let objects =
        json!({"Records": [s3_record("ObjectCreated:Put", KEY), s3_record("ObjectRemoved:Delete", KEY)]});
    let Ok(Invocation::Objects(found)) = Invocation::read(objects.to_string().as_bytes()) else { panic!() };
    assert!(matches!(&found[..], [Ok(Delivered::Object(_)), Ok(Delivered::Nothing(_))]), "{found:?}");
    for broken in [
        &b"{\"Records\":[{\"eventSource\":\"aws:sqs\",\"body\":\"\xff\"}"[..],
        b"{\"detail-type\":\"a\",\"source\":\"b\",\"detail\":{}",
    ] {
        assert_eq!(Invocation::read(broken).unwrap_err().name(), "not-json");
    }
}

#[test]
fn the_record_kind_is_read_from_the_fields() {
    let [Ok(Delivered::Event { form, .. })] = &read_message(r#" {"eventID":"1"} "#)[..] else { panic!() };
    assert_eq!(*form, Form::Record);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(body in any::<String>(), sharp in "[\\[\\]{}\",:a0\\\\ ]{0,40}") {
        for body in [body, sharp] {
            prop_assert!(!read_message(&body).is_empty() || body.trim_start().starts_with('['));
            let _ = Invocation::read(body.as_bytes());
            // In an envelope it is the same, and errors are.
            prop_assert_eq!(held(&sns(&body)), held(&body));
        }
    }
}
