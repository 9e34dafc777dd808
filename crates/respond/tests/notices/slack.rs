use std::time::Duration;

use stockade_core::Outcome;
use stockade_core::ports::{Plan, Responder as _};
use stockade_respond::notice::{Limits, Slack};

use crate::make::{after, at, ban, book, notice, unlimited};
use crate::receiver::{Answer, Other, status};

#[test]
fn slack_gets_blocks_that_mention_nobody() {
    let other = Other::new(vec![Answer { body: "ok", ..status(200) }]);
    let url = other.url("/services/T0/B0/s3cret");
    let mut slack = Slack::teller(&url, Duration::from_secs(5), unlimited(), book()).unwrap();
    let hostile = notice("trail/<!channel>", "`<@U1>` & co", 0);
    assert_eq!(slack.tell(&[hostile], at(0)).unwrap(), [Outcome::Done]);
    let got = other.got();
    assert_eq!(
        (got[0].path.as_str(), got[0].header("x-stockade-signature")),
        ("/services/T0/B0/s3cret", None)
    );
    let body = got[0].json();
    assert_eq!(body["text"], "[high] Who stops a trail: trail/&lt;!channel&gt;");
    assert_eq!(body["blocks"][0]["text"]["type"], "plain_text");
    let happened = body["blocks"][1]["text"]["text"].as_str().unwrap();
    assert!(happened.contains("actor: `'&lt;@U1&gt;' &amp; co`"), "{happened}");
    let shown = format!("{slack:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn slack_that_wants_no_more_is_asked_later() {
    let other = Other::new(vec![
        Answer { header: Some(("retry-after", "7".to_owned())), ..status(429) },
        Answer { body: "no_service", ..status(404) },
    ]);
    let mut slack =
        Slack::teller(&other.url("/s3cret"), Duration::from_secs(5), unlimited(), book()).unwrap();
    let notices = [notice("trail/main", "mallory", 0)];
    assert_eq!(slack.tell(&notices, at(0)).unwrap(), [Outcome::Later { until: at(7) }]);
    let outcomes = slack.tell(&notices, at(7)).unwrap();
    let Outcome::Failed { error } = &outcomes[0] else { panic!("{outcomes:?}") };
    assert!(error.contains("answered 404: no_service") && !error.contains("s3cret"), "{error}");
}

#[test]
fn bans_of_one_jail_are_told_together() {
    let other = Other::new(vec![status(200)]);
    let mut slack =
        Slack::teller(&other.url("/"), Duration::from_secs(5), Limits::default(), book()).unwrap();
    let plan = |keys: &[&str]| Plan {
        add: keys.iter().map(|key| ban("sshd", key, 600)).collect(),
        remove: vec![("sshd".into(), "192.0.2.9".parse().unwrap())],
    };
    let outcomes = slack.apply_with(&plan(&["203.0.113.7"]), &[after(5)], at(0)).unwrap();
    assert_eq!(
        outcomes,
        [Outcome::Done, Outcome::Done],
        "ends of bans are not told unless somebody wants it"
    );
    let later = slack.apply(&plan(&["203.0.113.8", "203.0.113.9"]), at(10)).unwrap();
    let wait = Outcome::Later { until: at(60) };
    assert_eq!(later, [wait.clone(), wait, Outcome::Done]);
    slack.apply(&plan(&["203.0.113.8", "203.0.113.9"]), at(60)).unwrap();
    let texts: Vec<_> =
        other.got().iter().map(|got| got.json()["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts, ["[low] 203.0.113.7 was banned in jail sshd", "[low] 2 bans in jail sshd"]);
}
