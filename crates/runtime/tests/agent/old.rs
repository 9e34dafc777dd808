//! The other end is a Cloud-Fail2Ban.

use std::process::Command;
use std::time::Duration;

use super::cloud::{Cloud, ban, now};
use super::support::{Site, wait_for};
use super::{DRY, SSHD, Telling, wait_banned_late};

#[test]
fn a_cloud_fail2ban_sender_is_understood_and_its_bans_last_as_long_as_the_jail_says() {
    let Some(cloud) = Cloud::new("sender") else { return };
    let site = Site::new(SSHD, &cloud.settings("web", DRY));
    let _telling = Telling(&site);
    let daemon = site.start(None);
    // Exactly its message: json.dumps of the list, and one attribute.
    let before = now();
    cloud.publish_raw(&cloud.topic, "{\"sshd\": [\"198.51.100.7\", \"198.51.100.8\"]}", &[("jail", "sshd")]);
    site.wait_banned("198.51.100.8");
    for one in site.bans() {
        let until = one.until.unwrap();
        let (least, most) = (before.plus(Duration::from_secs(599)), now().plus(Duration::from_secs(601)));
        assert!(least <= until && until <= most, "{until:?}");
    }
    cloud.wait_empty(&cloud.queue_name("web"));
    assert_eq!(site.why("198.51.100.7").decisions.len(), 1);
    drop(daemon);
}

#[test]
fn raw_delivery_is_read_too() {
    let Some(cloud) = Cloud::new("raw") else { return };
    let site = Site::new(SSHD, &cloud.settings("web", DRY));
    let _telling = Telling(&site);
    let daemon = site.start(None);
    site.stop(daemon, false);
    let arn = cloud.attributes(&cloud.queue_name("web"))["QueueArn"].clone();
    cloud.deliver_raw(&arn);
    let daemon = site.start(None);
    let mut versioned = ban("sshd", "203.0.113.1", 9);
    versioned.reason = Some("five matches".into());
    cloud.publish(&[versioned]);
    wait_banned_late(&site, "203.0.113.1");
    let bans = site.bans();
    assert_eq!(bans[0].reason, "received: five matches");
    drop(daemon);
}

#[test]
fn a_cloud_fail2ban_client_understands_our_messages() {
    let Some(cloud) = Cloud::new("client") else { return };
    let python = std::env::var("STOCKADE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has_boto = Command::new(&python).args(["-c", "import boto3"]).output();
    if !has_boto.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no Python with boto3; STOCKADE_TEST_PYTHON may name one");
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agent/old_client.py");
    let mut client = Command::new(&python)
        .arg(script)
        .args([&cloud.endpoint(), &cloud.topic, &format!("{}-old", cloud.name), "sshd", "2"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let queue = cloud.queue_name("old");
    wait_for("its queue", || cloud.queue_url(&queue));
    let arn = cloud.attributes(&queue)["QueueArn"].clone();
    let filters =
        || cloud.subscription(&arn).get("FilterPolicy").is_some_and(|policy| policy.contains("sshd"));
    wait_for("its subscription", || (cloud.subscriptions(&arn) == 1 && filters()).then_some(()));
    let unban = stockade_aws::wire::Notice::unban("sshd".into(), "203.0.113.1".parse().unwrap(), now());
    cloud.publish(&[unban, ban("dovecot", "203.0.113.3", 1)]);
    cloud.publish(&[ban("sshd", "203.0.113.1", 1), ban("sshd", "203.0.113.2", 1)]);
    wait_for("its end", || client.try_wait().unwrap());
    let output = client.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "set sshd banip 203.0.113.1\nset sshd banip 203.0.113.2\n"
    );
    // The host moves: the agent uses the queue that is there.
    let site = Site::new(SSHD, &cloud.settings("old", DRY));
    let _telling = Telling(&site);
    let daemon = site.start(None);
    assert_eq!(site.lines_said(&["made the queue"]), 1, "only that for dead letters: {}", site.said());
    cloud.publish(&[ban("sshd", "203.0.113.9", 1)]);
    wait_banned_late(&site, "203.0.113.9");
    assert_eq!(cloud.subscriptions(&arn), 1);
    drop(daemon);
}
