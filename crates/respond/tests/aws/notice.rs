//! Notices to a topic of their own.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stockade_core::ports::{Notice, Responder as _};
use stockade_core::{Decision, Match, MatchId, Outcome, Reason, Verdict};
use stockade_respond::aws::{Sns, SnsNotice};
use stockade_respond::notice::{About, Book, Limits, Severity, Teller};

use crate::emulator::{Queue, at, aws, name, url};

fn notice(rule: &str, key: &str, nth: u64) -> Notice {
    let id = MatchId::derive(rule, key, "", nth, 0);
    let line = json!({"rule": rule, "name": "StopLogging", "actor": "arn:aws:iam::111122223333:user/Zoë"});
    let found = Match {
        id,
        jail: rule.into(),
        key: key.parse().unwrap(),
        time: at(0),
        count: 1,
        user: None,
        stream: "queue".into(),
        line: line.to_string().into(),
    };
    let decision = Decision {
        jail: rule.into(),
        key: key.parse().unwrap(),
        verdict: Verdict::Notify,
        at: at(0),
        reason: Reason::Match { id },
        nth: 0,
    };
    Notice { decision, matches: vec![found] }
}

fn book() -> Arc<Book> {
    let about = |severity| About { description: "Überwachung × aus".into(), severity, playbook: None };
    let rules = [("trail-stopped", Severity::Critical), ("root-use", Severity::Low)];
    let rules = rules.map(|(name, severity)| (Arc::from(name), about(severity)));
    Arc::new(Book { rules: rules.into(), host: "web01".into() })
}

#[test]
fn a_notice_reaches_those_who_want_such_a_severity() {
    let Some(url) = url() else { return };
    let aws = aws(&url);
    let topic = name("alerts");
    let arn = aws.block_on(Sns::new(&aws, &topic).topic_arn()).unwrap();
    let bad = Queue::with_policy(&aws, &arn, r#"{"severity":["high","critical"]}"#);
    let sums = Queue::with_policy(&aws, &arn, r#"{"type":["summary"]}"#);
    let limits = Limits { group: Duration::ZERO, messages: 2, per: Duration::from_secs(3600), waits: true };
    let mut teller = Teller::new(SnsNotice::new(&aws, &arn), limits, book());
    teller.prepare(&[]).unwrap();
    let mut notices = vec![notice("trail-stopped", "trail/main", 0)];
    notices.extend((0..5).map(|nth| notice("root-use", "111122223333", nth)));
    assert_eq!(teller.tell(&notices, at(1)).unwrap(), vec![Outcome::Done; 6]);

    let read = |queue: &Queue| -> Vec<Value> {
        queue.bodies().iter().map(|body| serde_json::from_str(body).unwrap()).collect()
    };
    let got = read(&bad);
    assert_eq!(got.len(), 1);
    assert_eq!(got[0]["Subject"], "[Stockade] [critical] ?berwachung x aus: trail/main");
    let text = got[0]["Message"].as_str().unwrap();
    assert!(text.starts_with("[critical] Überwachung × aus: trail/main\n\nWhat happened\n"), "{text}");
    assert!(text.contains("user/Zoë\n") && text.contains("told by web01"), "{text}");
    assert_eq!(got[0]["MessageAttributes"]["rule"]["Value"], "trail-stopped");
    let got = read(&sums);
    assert_eq!(got.len(), 1);
    assert!(got[0]["Message"].as_str().unwrap().contains("  5 × root-use (notify, low): 111122223333\n"));
    assert_eq!(got[0]["MessageAttributes"]["severity"]["Value"], "low");
}

#[test]
fn a_topic_that_is_not_there_fails_and_says_so() {
    let Some(url) = url() else { return };
    let aws = aws(&url);
    let arn = format!("arn:aws:sns:eu-central-1:000000000000:{}", name("gone"));
    let mut teller = Teller::new(SnsNotice::new(&aws, &arn), Limits::default(), book());
    let outcomes = teller.tell(&[notice("root-use", "111122223333", 0)], at(0)).unwrap();
    assert!(matches!(&outcomes[0], Outcome::Failed { error } if error.contains(&arn)), "{outcomes:?}");
}
