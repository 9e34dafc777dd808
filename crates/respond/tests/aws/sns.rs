//! What is announced arrives at those who want it, as Cloud-Fail2Ban's client reads it.

use serde_json::Value;
use stockade_aws::wire::Told;
use stockade_core::ports::{Plan, Responder as _};
use stockade_core::{Key, Outcome, Reason};
use stockade_respond::aws::Sns;

use crate::emulator::{Queue, after, at, aws, ban, name, url};

#[test]
fn bans_and_unbans_reach_whoever_subscribes_to_them() {
    let Some(url) = url() else { return };
    let aws = aws(&url);
    let mut sns = Sns::new(&aws, &name("F2B"));
    let arn = aws.block_on(sns.topic_arn()).unwrap();
    let old = Queue::subscribed(&aws, &arn, &["sshd"], false);
    let ours = Queue::subscribed(&aws, &arn, &["sshd", "nginx"], true);
    sns.prepare(&[]).unwrap();
    assert_eq!(sns.current(at(0)), Ok(None));

    let plan = Plan {
        add: vec![
            ban("sshd", "198.51.100.7", 600),
            ban("nginx", "2001:db8::/64", 60),
            ban("sshd", "203.0.113.9", 3600),
            ban("dovecot", "192.0.2.1", 60),
        ],
        remove: vec![("sshd".into(), "192.0.2.9".parse().unwrap())],
    };
    let lifted = stockade_core::ports::Evidence { since: at(5), reason: Some(Reason::Expired), ..after(0) };
    let evidence = [after(5), after(6), after(7), after(8), lifted];
    assert_eq!(sns.apply_with(&plan, &evidence, at(1)).unwrap(), vec![Outcome::Done; 5]);

    // As its client reads it: the body's `Message`, and nothing else.
    let bodies = old.bodies();
    let messages: Vec<String> = bodies
        .iter()
        .map(|body| serde_json::from_str::<Value>(body).unwrap()["Message"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(messages, [r#"{"sshd": ["198.51.100.7", "203.0.113.9"]}"#]);

    let notices = ours.notices();
    let said: Vec<_> = notices.iter().map(|one| (&*one.jail, one.key.to_string(), one.told)).collect();
    let until = |secs| Told::Ban { until: Some(at(secs)) };
    let expected = [
        ("nginx", "2001:db8::/64".to_owned(), until(60)),
        ("sshd", "192.0.2.9".to_owned(), Told::Unban),
        ("sshd", "198.51.100.7".to_owned(), until(600)),
        ("sshd", "203.0.113.9".to_owned(), until(3600)),
    ];
    assert_eq!(said, expected);
    assert_eq!((notices[1].at, notices[1].reason.as_deref()), (Some(at(5)), Some("expired")));
    assert_eq!((notices[3].at, notices[3].failures, notices[3].nth), (Some(at(0)), Some(7), Some(1)));
    assert_eq!(notices[3].reason.as_deref(), Some("7 matches within 600s"));
}

#[test]
fn a_topic_is_found_by_its_name_or_its_arn_and_made_once() {
    let Some(url) = url() else { return };
    let aws = aws(&url);
    let topic = name("F2B");
    let arn = aws.block_on(Sns::new(&aws, &topic).topic_arn()).unwrap();
    assert!(arn.starts_with("arn:aws:sns:eu-central-1:") && arn.ends_with(&topic), "{arn}");
    let queue = Queue::subscribed(&aws, &arn, &["sshd"], false);
    for topic in [&topic, &arn] {
        let plan = Plan { add: vec![ban("sshd", "192.0.2.1", 60)], remove: vec![] };
        assert_eq!(Sns::new(&aws, topic).apply(&plan, at(0)).unwrap(), [Outcome::Done]);
    }
    assert_eq!(queue.notices().len(), 2);
    let elsewhere = arn.replace("eu-central-1", "eu-west-1");
    let plan = Plan { add: vec![ban("sshd", "192.0.2.1", 60)], remove: vec![] };
    let error = Sns::new(&aws, &elsewhere).apply(&plan, at(0)).unwrap_err();
    assert!(error.message.contains("eu-west-1") && error.message.contains("NotFound"), "{error}");
    assert!(error.hint.is_some());
}

#[test]
fn many_bans_arrive_in_few_messages() {
    let Some(url) = url() else { return };
    let aws = aws(&url);
    let mut sns = Sns::new(&aws, &name("F2B"));
    let arn = aws.block_on(sns.topic_arn()).unwrap();
    let queue = Queue::subscribed(&aws, &arn, &["sshd"], false);
    let add: Vec<_> = (0..12_000_u32)
        .map(|nth| stockade_core::ports::Standing {
            key: Key::addr(std::net::Ipv4Addr::from(0xC633_6400 + nth).into()),
            ..ban("sshd", "192.0.2.1", i64::from(nth))
        })
        .collect();
    let outcomes = sns.apply(&Plan { add: add.clone(), remove: vec![] }, at(0)).unwrap();
    assert!(outcomes.len() == add.len() && outcomes.iter().all(|outcome| *outcome == Outcome::Done));
    let deliveries = queue.deliveries();
    assert!(deliveries.len() <= 4, "{} messages", deliveries.len());
    let mut keys: Vec<Key> =
        deliveries.iter().flat_map(|delivery| delivery.notices.iter().map(|one| one.key.clone())).collect();
    keys.sort();
    assert_eq!(keys, add.iter().map(|ban| ban.key.clone()).collect::<Vec<_>>());
}

#[test]
fn flushing_lifts_what_was_announced_and_what_was_restored() {
    let Some(url) = url() else { return };
    let aws = aws(&url);
    let mut sns = Sns::new(&aws, &name("F2B"));
    let arn = aws.block_on(sns.topic_arn()).unwrap();
    let queue = Queue::subscribed(&aws, &arn, &["sshd"], true);
    sns.restore(&[(ban("sshd", "192.0.2.1", 60), after(5))], at(0)).unwrap();
    assert_eq!(queue.notices(), [], "nobody is told what was in force");
    let plan = Plan { add: vec![ban("sshd", "192.0.2.2", 60), ban("sshd", "192.0.2.3", 60)], remove: vec![] };
    sns.apply(&plan, at(0)).unwrap();
    sns.apply(&Plan { add: vec![], remove: vec![("sshd".into(), "192.0.2.3".parse().unwrap())] }, at(1))
        .unwrap();
    queue.notices();
    sns.flush().unwrap();
    let lifted = queue.notices();
    let keys: Vec<String> = lifted.iter().map(|notice| notice.key.to_string()).collect();
    assert_eq!(keys, ["192.0.2.1", "192.0.2.2"]);
    assert!(lifted.iter().all(|notice| notice.told == Told::Unban));
    sns.flush().unwrap();
    assert_eq!(queue.notices(), []);
}
