//! Events are written by attackers: whatever they hold, reading ends soon, within bounds, and without a panic.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use std::time::{Duration, Instant};

use proptest::prelude::*;
use stockade_core::limits::MAX_EVIDENCE_BYTES;
use stockade_rule::limits::{MAX_EVENT_BYTES, MAX_KEYS};
use stockade_rule::{Event, RuleBook, Scratch};
use support::{RECEIVED, book, keys, read, rule, shipped};

/// Far above what any of these takes, far below what a bound that is missing would take.
const SOON: Duration = Duration::from_secs(20);

fn all_ways(book: &RuleBook, json: &str) {
    let mut scratch = Scratch::new();
    let start = Instant::now();
    for event in [Event::Envelope(json.as_bytes()), Event::Record(json.as_bytes())] {
        let _ = book.read(event, RECEIVED, &mut scratch, &mut |found| {
            let line = found.to_match(&"s".into()).line;
            assert!(line.len() <= MAX_EVIDENCE_BYTES.max(MAX_EVENT_BYTES + 1024));
        });
    }
    let _ = book.read_first(json.as_bytes(), RECEIVED, &mut scratch, &mut |_| {});
    for rule in book.rules().iter().take(5) {
        let _ = rule.explain(Event::Record(json.as_bytes()));
    }
    assert!(start.elapsed() < SOON, "{:?} for {} bytes", start.elapsed(), json.len());
}

#[test]
fn deep_wide_and_doubled() {
    let book = RuleBook::new(shipped());
    let deep = |n: usize| format!(r#"{{"detail": {}{}}}"#, "[".repeat(n), "]".repeat(n));
    let deep_in_key = format!(
        r#"{{"eventSource": "ec2.amazonaws.com", "eventName": "DeleteFlowLogs", "requestParameters": {{"DeleteFlowLogsRequest": {{"FlowLogId": {}"x"{}}}}}}}"#,
        r#"{"content": ["#.repeat(5_000),
        "]}".repeat(5_000)
    );
    let doubled = format!(
        "{{{}\"x\": 1}}",
        r#""eventName": "StopLogging", "detail": {"eventName": "StopLogging"}, "#.repeat(20_000)
    );
    let numbers = format!(
        r#"{{"eventName": {}, "detail": {{"retentionInDays": 1e{}}}}}"#,
        "9".repeat(1_000),
        "9".repeat(1_000)
    );
    let long_key = format!(
        r#"{{"{}": 1, "detail": {{"eventName": "{}"}}}}"#,
        "k".repeat(256 * 1024),
        "v".repeat(256 * 1024)
    );
    for json in [
        &deep(10_000),
        &deep(100_000),
        &deep_in_key,
        &doubled,
        &numbers,
        &long_key,
        r#"{"detail": {"eventName": "\ud800", "sourceIPAddress": "\udfff\ud800"}}"#,
        "{\"eventName\": \"\u{0}\"}",
        "",
        "{",
        "[]",
        "null",
    ] {
        all_ways(&book, json);
    }
}

#[test]
fn lists_that_explode_what_must_lie_together() {
    let book = RuleBook::new(shipped());
    let permission = r#"{"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}, {"cidrIp": "10.0.0.0/8"}]}}"#;
    let open = r#"{"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "ipRanges": {"items": [{"cidrIp": "192.0.2.0/24"}]}}"#;
    let items = [permission, open].repeat(1_000).join(",");
    let group = format!(
        r#"{{"eventSource": "ec2.amazonaws.com", "eventName": "AuthorizeSecurityGroupIngress", "recipientAccountId": "111122223333",
        "requestParameters": {{"groupId": "sg-1", "ipPermissions": {{"items": [{items}]}}}}}}"#
    );
    all_ways(&book, &group);
    let statement = r#"{"Effect": "Allow", "Principal": {"AWS": ["*", "*"]}, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o"}}}"#;
    let statements = vec![statement; 2_000].join(",");
    let policy = serde_json::Value::from(format!(r#"{{"Statement": [{statements}]}}"#));
    let queue = format!(
        r#"{{"eventSource": "sqs.amazonaws.com", "eventName": "SetQueueAttributes", "recipientAccountId": "111122223333",
        "requestParameters": {{"attributes": {{"Policy": {policy}}}}}}}"#
    );
    all_ways(&book, &queue);
}

#[test]
fn an_event_gives_a_bounded_number_of_keys() {
    let book = book(r#"{"detail": {"a": [{"exists": true}]}}"#, "{ resource = 'detail.a' }");
    let many: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
    let event = format!(r#"{{"a": [{}]}}"#, many.join(","));
    assert_eq!(keys(&book, Event::Record(event.as_bytes())).len(), MAX_KEYS);
}

#[test]
fn a_rule_of_an_attacker_s_making_is_bounded_as_well() {
    let or = r#"{"a": [1]}, {"b": [2]}"#;
    let pattern =
        format!(r#"{{"detail": {{"$or": [{{"$or": [{or}], "c": [{{"wildcard": "*a*b*c*"}}]}}, {or}]}}}}"#);
    let book = book(&pattern, "{ user = ['detail.x', 'detail.x', 'account'] }");
    all_ways(&book, r#"{"detail": {"a": 1, "c": "abcabcabcabc"}, "a": 1}"#);
    let disabled = rule(
        "x",
        "description = 'x'\nenabled = false\nkey = { user = 'account' }\n[[pattern]]\njson = '{\"a\": [1]}'",
    );
    assert!(!RuleBook::new(vec![disabled]).rules()[0].enabled);
}

/// Something that may stand in a record.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let word = prop::sample::select(vec![
        "StopLogging",
        "ConsoleLogin",
        "Failure",
        "Success",
        "No",
        "IAMUser",
        "Root",
        "*",
        "Allow",
        "alice",
        "bob",
        "all",
        "0.0.0.0/0",
        "203.0.113.7",
        "2001:db8::7",
        "AWS Internal",
        "tcp",
        "",
        "aws.signin",
        "cloudtrail.amazonaws.com",
        "arn:aws:iam::aws:policy/AdministratorAccess",
        "CreateAccessKey",
        "AttachUserPolicy",
        "iam.amazonaws.com",
        "AuthorizeSecurityGroupIngress",
        "ec2.amazonaws.com",
        "signin.amazonaws.com",
        "AwsConsoleSignIn",
        "AwsApiCall",
        r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}"#,
        "2026-11-22 10:15:04",
        "PutUserPolicy",
        "DeleteFlowLogs",
        "2026-11-22T10:15:04Z",
        "\u{7}é\\",
    ]);
    let leaf = prop_oneof![
        6 => word.prop_map(serde_json::Value::from),
        1 => any::<i32>().prop_map(serde_json::Value::from),
        1 => any::<bool>().prop_map(serde_json::Value::from),
        1 => Just(serde_json::Value::Null),
        1 => Just(22.into()),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        let name = prop::sample::select(vec![
            "userName",
            "policyArn",
            "policyDocument",
            "name",
            "items",
            "cidrIp",
            "fromPort",
            "toPort",
            "ipProtocol",
            "ConsoleLogin",
            "arn",
            "type",
            "ipPermissions",
            "ipRanges",
            "groupId",
            "MFAUsed",
            "FlowLogId",
            "DeleteFlowLogsRequest",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::hash_map(name.prop_map(str::to_owned), inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A record: fields that rules ask for, with values of all sorts.
fn record() -> impl Strategy<Value = serde_json::Value> {
    let calls = vec![
        ("cloudtrail.amazonaws.com", "StopLogging", "AwsApiCall"),
        ("signin.amazonaws.com", "ConsoleLogin", "AwsConsoleSignIn"),
        ("iam.amazonaws.com", "CreateAccessKey", "AwsApiCall"),
        ("iam.amazonaws.com", "PutUserPolicy", "AwsApiCall"),
        ("iam.amazonaws.com", "AttachUserPolicy", "AwsApiCall"),
        ("ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", "AwsApiCall"),
        ("ec2.amazonaws.com", "DeleteFlowLogs", "AwsApiCall"),
        ("organizations.amazonaws.com", "LeaveOrganization", "AwsApiCall"),
        ("ec2.amazonaws.com", "DescribeInstances", "AwsApiCall"),
    ];
    let name = prop::sample::select(vec![
        "userIdentity",
        "requestParameters",
        "responseElements",
        "additionalEventData",
        "sourceIPAddress",
        "errorCode",
        "userAgent",
    ]);
    let rest = prop::collection::hash_map(name.prop_map(str::to_owned), value(), 0..5);
    (
        prop::sample::select(calls),
        rest,
        prop::sample::select(vec!["2026-11-22T10:15:04Z", "2026-11-22 10:15:04"]),
    )
        .prop_map(|((source, name, kind), rest, time)| {
            let mut record: serde_json::Map<_, _> = rest.into_iter().collect();
            for (key, value) in [
                ("eventSource", source),
                ("eventName", name),
                ("eventType", kind),
                ("eventTime", time),
                ("eventID", "e1"),
                ("recipientAccountId", "111122223333"),
                ("awsRegion", "us-east-1"),
            ] {
                record.insert(key.into(), value.into());
            }
            record.into()
        })
}

/// The event as EventBridge would deliver a record.
fn delivered(record: &serde_json::Value) -> String {
    let source = record["eventSource"].as_str().unwrap().trim_end_matches(".amazonaws.com");
    let kind = match record["eventType"].as_str() {
        Some("AwsConsoleSignIn") => "AWS Console Sign In via CloudTrail",
        _ => "AWS API Call via CloudTrail",
    };
    serde_json::json!({
        "version": "0", "id": "another", "detail-type": kind, "source": format!("aws.{source}"),
        "account": "111122223333", "time": "2026-11-22T10:15:04Z", "region": "us-east-1", "resources": [], "detail": record,
    })
    .to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// A record from a file, alone or with others behind it, and its event from EventBridge give the same findings.
    #[test]
    fn a_record_and_its_event_give_the_same_findings(record in record()) {
        thread_local! { static BOOK: RuleBook = RuleBook::new(shipped().into_iter().filter(|rule| rule.target != stockade_core::Target::Repair).collect()); }
        BOOK.with(|book| {
            let (text, event) = (record.to_string(), delivered(&record));
            let from_file = read(book, Event::Record(text.as_bytes())).unwrap();
            prop_assert_eq!(&from_file, &read(book, Event::Envelope(event.as_bytes())).unwrap());
            let mut first = Vec::new();
            let length = book.read_first(format!("\n{text},{{}}]").as_bytes(), RECEIVED, &mut Scratch::new(), &mut |found| {
                first.push(found.to_match(&"stream".into()));
            });
            prop_assert_eq!(length.unwrap(), text.len() + 1);
            prop_assert_eq!(first, from_file.into_iter().map(|(_, found)| found).collect::<Vec<_>>());
            Ok(())
        })?;
    }

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..400) {
        thread_local! { static BOOK: RuleBook = RuleBook::new(shipped()); }
        BOOK.with(|book| {
            let mut scratch = Scratch::new();
            let event = br#"{"source": "aws.cloudtrail", "detail-type": "AWS API Call via CloudTrail", "detail": {"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging", "requestParameters": {"name": "main"}}}"#;
            let mut torn = event[..cut.min(event.len())].to_vec();
            torn.extend(&bytes);
            for json in [&bytes, &torn] {
                let _ = book.read(Event::Envelope(json), RECEIVED, &mut scratch, &mut |_| {});
                let _ = book.read(Event::Record(json), RECEIVED, &mut scratch, &mut |_| {});
                let _ = book.read_first(json, RECEIVED, &mut scratch, &mut |_| {});
            }
        });
    }
}
