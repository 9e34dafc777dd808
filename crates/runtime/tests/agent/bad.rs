//! Messages that nobody can use.

use super::cloud::{Cloud, ban};
use super::support::{Site, wait_for};
use super::{DRY, SSHD, Telling};

#[test]
fn bad_messages_go_to_the_dead_letters_with_the_reason_and_good_parts_are_used() {
    let Some(cloud) = Cloud::new("bad") else { return };
    let site = Site::new(SSHD, &cloud.settings("web", DRY));
    let _telling = Telling(&site);
    let _daemon = site.start(None);
    let queue = cloud.queue_name("web");
    let jail = [("jail", "sshd")];
    let envelope = |topic: &str, message: &str| {
        serde_json::json!({"Type": "Notification", "MessageId": "1", "TopicArn": topic,
            "Message": message, "Timestamp": "2026-01-19T10:07:07.287Z"})
        .to_string()
    };
    cloud.publish_raw(&cloud.topic, "not JSON", &jail);
    cloud.publish_raw(&cloud.topic, "[1, 2]", &jail);
    cloud.publish_raw(&cloud.topic, "{\"sshd\": [\"203.0.113.1\", \"no address\", 7]}", &jail);
    cloud.publish_raw(&cloud.topic, "{\"sshd\": [\"203.0.113.2\"], \"other\": [\"203.0.113.3\"]}", &jail);
    cloud.publish_raw(&cloud.topic, "{\"sshd\": [\"203.0.113.4\"]}", &[jail[0], ("version", "newest")]);
    cloud.send(&queue, "neither");
    let somebody = "arn:aws:sns:us-east-1:000000000000:Somebody";
    cloud.send(&queue, &envelope(somebody, "{\"sshd\": [\"203.0.113.77\"]}"));
    cloud.send(&queue, "{\"sshd\": [\"203.0.113.5\"]}");
    let many = format!("{{\"sshd\": [{}]}}", vec!["\"203.0.113.6\""; 40_000].join(","));
    cloud.send(&queue, &envelope(&cloud.topic, &many));

    let dead = cloud.dead("web", 9);
    cloud.wait_empty(&queue);
    let reason = |body: &str| {
        let found = dead.iter().find(|one| one.body.contains(body));
        found.map(|one| one.reason.clone()).unwrap_or_else(|| panic!("{body}: {dead:#?}"))
    };
    assert!(reason("not JSON").contains("not JSON"));
    assert!(reason("neither").contains("not JSON"));
    assert!(reason("[1, 2]").contains("not a list of addresses"));
    assert!(reason("no address").contains("`no address`") && reason("no address").contains("`7`"));
    assert!(reason("other").contains("no such jail here: `other`"));
    assert!(reason("newest").contains("`version`"));
    assert!(reason("Somebody").starts_with("foreign topic"));
    assert!(reason("203.0.113.5").contains("which topic"));
    assert!(reason("203.0.113.6").contains("more than"));

    let banned: Vec<String> = site.bans().iter().map(|ban| ban.key.to_string()).collect();
    for (address, is) in [(1, true), (2, true), (4, true), (3, false), (5, false), (6, false), (77, false)] {
        assert_eq!(banned.contains(&format!("203.0.113.{address}")), is, "{address}");
    }
    // The agent goes on.
    cloud.publish(&[ban("sshd", "203.0.113.99", 1)]);
    site.wait_banned("203.0.113.99");
}

#[test]
fn guards_stand_before_what_comes_from_outside() {
    let Some(cloud) = Cloud::new("guards") else { return };
    let guards = format!("{DRY}[guards]\nprotect = [\"198.51.100.0/24\"]\nmin_prefix_v4 = 20\n");
    let jail = format!("{SSHD}ignoreip = 203.0.113.200\n");
    let site = Site::new(&jail, &cloud.settings("web", &guards));
    let _telling = Telling(&site);
    let _daemon = site.start(None);
    let refused = ["127.0.0.1", "198.51.100.7", "203.0.0.0/16", "203.0.113.200"];
    let mut all: Vec<_> = refused.iter().map(|key| ban("sshd", key, 1)).collect();
    all.push(ban("sshd", "203.0.113.9", 1));
    cloud.publish(&all);
    site.wait_banned("203.0.113.9");
    cloud.wait_empty(&cloud.queue_name("web"));
    assert_eq!(site.bans().len(), 1);
    assert_eq!(site.status().refused, 4);
    // The same stand before the snapshot.
    cloud.write_snapshot(super::now(), &all);
    wait_for("the snapshot", || (site.lines_said(&["snapshot of live bans", "new="]) > 0).then_some(()));
    assert_eq!(site.bans().len(), 1);
}

#[test]
fn more_bans_than_are_plausible_wait_in_the_queue_but_a_snapshot_does_not() {
    let Some(cloud) = Cloud::new("cap") else { return };
    let site = Site::new(SSHD, &cloud.settings("web", &format!("{DRY}[guards]\nmax_bans_per_minute = 5\n")));
    let _telling = Telling(&site);
    let daemon = site.start(None);
    let bans: Vec<_> = (1..=10).map(|n| ban("sshd", &format!("203.0.113.{n}"), 1)).collect();
    cloud.publish(&bans);
    wait_for("five", || (site.bans().len() == 5).then_some(()));
    wait_for("the alarm", || (site.lines_said(&["bans are stopped", "wait in the queue"]) > 0).then_some(()));
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert_eq!(site.bans().len(), 5);
    let (waiting, taken) = cloud.depth(&cloud.queue_name("web"));
    assert_eq!(waiting + taken, 1, "the message is still there");
    let many: Vec<_> = (0..500).map(|n| ban("sshd", &format!("198.51.{}.{}", n / 250, n % 250), 1)).collect();
    cloud.write_snapshot(super::now(), &many);
    wait_for("the snapshot", || (site.bans().len() == 505).then_some(()));
    drop(daemon);
}
