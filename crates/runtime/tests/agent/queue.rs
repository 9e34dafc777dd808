//! The queue itself: made, changed, left.

use serde_json::{Value, json};
use stockade_config::{Config, Paths};
use stockade_runtime::agent::{self, Dead, Left};
use stockade_runtime::control::{Request, Response};

use super::cloud::{Cloud, ban};
use super::support::{Site, wait_for};
use super::{DRY, SSHD, Telling, wait_banned_late};

#[test]
fn the_queue_is_cloud_fail2bans_and_follows_the_jails() {
    let Some(cloud) = Cloud::new("queue") else { return };
    let site = Site::new(SSHD, &cloud.settings("web", DRY));
    let _telling = Telling(&site);
    let daemon = site.start(None);
    let name = cloud.queue_name("web");
    let made = cloud.attributes(&name);
    let arn = made["QueueArn"].clone();
    let expected =
        include_str!("golden/queue.json").replace("{queue}", &arn).replace("{topic}", &cloud.topic);
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let dead = cloud.attributes(&format!("{name}-dead"));
    let redrive: Value = serde_json::from_str(&made["RedrivePolicy"]).unwrap();
    assert_eq!(redrive["deadLetterTargetArn"], *dead["QueueArn"]);
    assert_eq!(redrive["maxReceiveCount"].to_string().trim_matches('"'), "20");
    assert_eq!(dead["MessageRetentionPeriod"], "1209600");
    assert_eq!(made["MessageRetentionPeriod"], expected["MessageRetentionPeriod"]);
    assert_eq!(serde_json::from_str::<Value>(&made["Policy"]).unwrap(), expected["Policy"]);
    let policy = || serde_json::from_str::<Value>(&cloud.subscription(&arn)["FilterPolicy"]).unwrap();
    assert_eq!(policy(), json!({"jail": ["sshd", "unban:sshd", "recidive", "unban:recidive"]}));

    // Other jails: after a reload the subscription is another, and it is the only one.
    let more = "[postfix]\nenabled = true\nbackend = files\nlogpath = /dev/null\n";
    let jails = std::fs::read_to_string(site.path("etc/jail.local")).unwrap() + more;
    std::fs::write(site.path("etc/jail.local"), jails).unwrap();
    assert!(matches!(site.ask(&Request::Reload), Response::Done { .. }));
    let has_postfix = |policy: Value| policy["jail"].as_array().unwrap().contains(&"unban:postfix".into());
    wait_for("the new filter", || has_postfix(policy()).then_some(()));
    cloud.publish(&[ban("postfix", "203.0.113.1", 1)]);
    wait_banned_late(&site, "203.0.113.1");
    assert_eq!(cloud.subscriptions(&arn), 1);

    // A second start changes nothing.
    site.stop(daemon, false);
    let said = site.lines_said(&["made the queue"]) + site.lines_said(&["subscribed"]);
    let daemon = site.start(None);
    assert_eq!(site.lines_said(&["made the queue"]) + site.lines_said(&["subscribed"]), said);
    assert_eq!(said, 3, "{}", site.said());
    drop(daemon);
}

#[test]
fn leaving_removes_all_but_letters_that_nobody_has_read() {
    let Some(cloud) = Cloud::new("leave") else { return };
    let site = Site::new(SSHD, &cloud.settings("web", DRY));
    let _telling = Telling(&site);
    let config = || -> Config {
        let paths = Paths { directory: Some(site.path("etc")), ..Paths::default() };
        stockade_config::load(&paths, &|_| None).unwrap()
    };
    let name = cloud.queue_name("web");
    let none = Left { subscription: false, queue: false, dead: Dead::None };
    assert_eq!(agent::leave(&config()).unwrap(), (name.clone(), none));
    let daemon = site.start(None);
    let arn = cloud.attributes(&name)["QueueArn"].clone();
    cloud.publish_raw(&cloud.topic, "nonsense", &[("jail", "sshd")]);
    let dead = format!("{name}-dead");
    wait_for("a dead letter", || (cloud.depth(&dead).0 == 1).then_some(()));
    site.stop(daemon, false);
    let (_, left) = agent::leave(&config()).unwrap();
    assert_eq!(left, Left { subscription: true, queue: true, dead: Dead::Kept { messages: 1 } });
    assert_eq!((cloud.queue_url(&name), cloud.subscriptions(&arn)), (None, 0));
    cloud.delete_queue(&dead);
    // With nothing in it, it goes too.
    let other = Site::new(SSHD, &cloud.settings("other", DRY));
    let daemon = other.start(None);
    other.stop(daemon, false);
    let paths = Paths { directory: Some(other.path("etc")), ..Paths::default() };
    let (name, left) = agent::leave(&stockade_config::load(&paths, &|_| None).unwrap()).unwrap();
    assert_eq!(left, Left { subscription: true, queue: true, dead: Dead::Gone });
    assert_eq!(cloud.queue_url(&format!("{name}-dead")), None);
}

#[test]
fn an_agent_that_runs_once_takes_all_there_is_and_ends() {
    let Some(cloud) = Cloud::new("cron") else { return };
    let site = Site::new(SSHD, &cloud.settings("web", DRY));
    let _telling = Telling(&site);
    std::fs::write(site.path("once"), "").unwrap();
    assert!(site.spawn(None).wait().success(), "{}", site.said());
    let bans: Vec<_> = (0..50).map(|n| ban("sshd", &format!("203.0.113.{n}"), 1)).collect();
    bans.iter().for_each(|ban| cloud.publish(std::slice::from_ref(ban)));
    cloud.write_snapshot(super::now(), &[ban("sshd", "198.51.100.1", 1)]);
    assert!(site.spawn(None).wait().success(), "{}", site.said());
    assert_eq!(cloud.depth(&cloud.queue_name("web")), (0, 0));
    std::fs::remove_file(site.path("once")).unwrap();
    let _daemon = site.start(None);
    assert_eq!(site.bans().len(), 51);
}
