use stockade_core::Verdict;

use super::*;

const NOW: i64 = 1_795_341_600;

const FAILED: &str = r#"
description = "Failed sign-ins, by address"
target = "ban"
key = { address = "detail.sourceIPAddress" }
[jail]
maxretry = 3
findtime = "5m"
bantime = "1h"
[[pattern]]
json = '{"source": ["aws.signin"], "detail": {"eventName": ["ConsoleLogin"], "responseElements": {"ConsoleLogin": ["Failure"]}}}'
"#;

const STOPPED: &str = r#"
description = "A trail was stopped"
target = "repair"
playbook = "P01"
key = { resource = "detail.requestParameters.name" }
[[pattern]]
json = '{"detail": {"eventSource": ["cloudtrail.amazonaws.com"], "eventName": ["StopLogging"]}}'
"#;

fn replay() -> EventReplay {
    let rules = [("failed.toml", FAILED), ("stopped.toml", STOPPED)].map(|(file, text)| {
        let rule = Rule::parse(file, text).unwrap();
        let jail = rule.to_jail();
        (Arc::new(rule), jail)
    });
    EventReplay::new(rules.into(), TimeRange::all(Timestamp::from_secs(NOW)))
}

fn login(id: u32, minute: u32, address: &str) -> String {
    format!(
        r#"{{"eventID": "{id}", "eventTime": "2026-11-22T10:{minute:02}:00Z", "eventSource": "signin.amazonaws.com",
            "eventName": "ConsoleLogin", "eventType": "AwsConsoleSignIn", "sourceIPAddress": "{address}",
            "responseElements": {{"ConsoleLogin": "Failure"}}}}"#
    )
}

fn stop(id: u32, error: &str) -> String {
    format!(
        r#"{{"eventID": "{id}", "eventTime": "2026-11-22T10:30:00Z", "eventSource": "cloudtrail.amazonaws.com",
            "eventName": "StopLogging", "eventType": "AwsApiCall", {error} "requestParameters": {{"name": "main"}}}}"#
    )
}

fn report(records: &[String]) -> EventReport {
    let mut replay = replay();
    replay.begin("x.json");
    for record in records {
        replay.take(Event::Record(record.as_bytes())).unwrap();
    }
    replay.finish()
}

#[test]
fn the_threshold_is_that_of_the_jail_and_the_time_that_of_the_events() {
    let near = [login(1, 0, "192.0.2.1"), login(2, 2, "192.0.2.1"), login(3, 4, "192.0.2.1")];
    let found = report(&near);
    let decided = &found.decisions[0];
    assert_eq!((found.decisions.len(), decided.decision.key.to_string()), (1, "192.0.2.1".to_owned()));
    assert!(matches!(decided.decision.verdict, Verdict::Ban { .. }));
    assert!(decided.event.contains("ConsoleLogin"), "{}", decided.event);
    let far = [login(1, 0, "192.0.2.1"), login(2, 2, "192.0.2.1"), login(3, 9, "192.0.2.1")];
    assert_eq!(report(&far).summary.decisions, 0, "not within five minutes");
    let others = [login(1, 0, "192.0.2.1"), login(2, 2, "192.0.2.2"), login(3, 4, "192.0.2.3")];
    assert_eq!(report(&others).summary.decisions, 0, "three addresses");
}

#[test]
fn the_order_of_files_does_not_matter() {
    // The files of two regions, each in its own order.
    let mut records: Vec<String> =
        (0..30).map(|at| login(at, at % 10, &format!("192.0.2.{}", at % 3))).collect();
    let forward = report(&records);
    records.reverse();
    let backward = report(&records);
    let told =
        |report: &EventReport| report.decisions.iter().map(|one| one.decision.clone()).collect::<Vec<_>>();
    let sorted = |report: &EventReport| {
        let mut told = told(report);
        told.sort_by(|a, b| (a.at, &a.key).cmp(&(b.at, &b.key)));
        told
    };
    assert!(!forward.decisions.is_empty());
    assert_eq!(sorted(&forward), sorted(&backward));
}

#[test]
fn an_event_counts_once_however_often_it_is_delivered() {
    let twice = [login(1, 0, "192.0.2.1"), login(1, 0, "192.0.2.1"), login(2, 1, "192.0.2.1")];
    let found = report(&twice);
    assert_eq!((found.summary.decisions, found.summary.duplicates, found.rules[0].matches), (0, 1, 2));
    // The same event in its envelope, as EventBridge delivered it.
    let mut replay = replay();
    let record = login(1, 0, "192.0.2.1");
    replay.take(Event::Record(record.as_bytes())).unwrap();
    let event = format!(
        r#"{{"version": "0", "id": "e", "source": "aws.signin", "detail-type": "AWS Console Sign In via CloudTrail",
            "account": "111122223333", "time": "2026-11-22T10:00:00Z", "region": "us-east-1", "resources": [],
            "detail": {record}}}"#
    );
    replay.take(Event::Envelope(event.as_bytes())).unwrap();
    assert_eq!(replay.finish().summary.duplicates, 1);
}

#[test]
fn a_failed_call_leads_to_nothing() {
    let found = report(&[stop(1, r#""errorCode": "AccessDenied","#)]);
    assert_eq!(found.rules[1].matches, 0);
    let found = report(&[stop(1, "")]);
    assert_eq!(found.decisions[0].decision.verdict, Verdict::Repair);
    assert_eq!(found.rows[0].key.to_string(), "main");
}

#[test]
fn what_lies_outside_of_the_time_does_not_count() {
    let mut replay = replay();
    replay.account.range.since = Timestamp::from_secs(NOW + 3_600);
    replay.take(Event::Record(stop(1, "").as_bytes())).unwrap();
    let found = replay.finish();
    assert_eq!((found.summary.out_of_range, found.summary.decisions), (1, 0));
}

#[test]
fn what_is_no_event_is_counted_and_the_others_go_on() {
    let mut replay = replay();
    assert!(replay.take(Event::Record(b"[1]")).is_err());
    assert!(replay.take_first(b"nothing").is_err());
    let text = format!("{},{}", stop(1, ""), stop(2, ""));
    let length = replay.take_first(text.as_bytes()).unwrap();
    assert_eq!(text.as_bytes()[length], b',');
    replay.take_first(&text.as_bytes()[length + 1..]).unwrap();
    let found = replay.finish();
    assert_eq!((found.summary.broken, found.summary.events, found.summary.decisions), (2, 2, 2));
}
