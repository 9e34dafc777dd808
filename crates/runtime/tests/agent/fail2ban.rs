//! A host that keeps its fail2ban.

use stockade_aws::wire::Notice;

use super::cloud::{Cloud, ban, now};
use super::server::Server;
use super::support::{Site, wait_for};
use super::{SSHD, Telling};

#[test]
fn bans_go_into_the_jails_of_a_fail2ban_that_is_there_and_its_own_stay() {
    let Some(cloud) = Cloud::new("fail2ban") else { return };
    let Some(server) = Server::start() else { return };
    let banned = || {
        let mut all: Vec<String> =
            server.say(&["get", "a", "banip"]).1.split_whitespace().map(str::to_owned).collect();
        all.sort();
        all
    };
    assert!(server.say(&["set", "a", "banip", "198.51.100.7"]).0);
    let argv: Vec<String> = server.argv().iter().map(|word| format!("\"{word}\"")).collect();
    let responder = format!(
        "reconcile_every = \"1s\"\n[responders.f2b]\nkind = \"fail2ban-client\"\nargv = [{}]\n",
        argv.join(", ")
    );
    let settings = cloud.settings("web", &responder);
    let site = Site::new(SSHD, &settings);
    let _telling = Telling(&site);
    // The jails are those that fail2ban runs, `a`, and not those of our configuration.
    let daemon = site.start(None);
    let arn = cloud.attributes(&cloud.queue_name("web"))["QueueArn"].clone();
    assert!(cloud.subscription(&arn)["FilterPolicy"].contains("unban:a"));
    cloud.publish_raw(&cloud.topic, "{\"a\": [\"203.0.113.1\", \"203.0.113.2\"]}", &[("jail", "a")]);
    cloud.publish(&[ban("a", "2001:db8::/64", 1)]);
    let three = ["198.51.100.7", "2001:db8::/64", "203.0.113.1", "203.0.113.2"];
    wait_for("the bans", || (banned() == three).then_some(()));
    cloud.wait_empty(&cloud.queue_name("web"));
    // As long as the jail of fail2ban says: a day.
    let until = site.bans().iter().find(|ban| ban.key.to_string() == "203.0.113.1").unwrap().until.unwrap();
    assert!(until.since(now()).as_secs() > 80_000);
    cloud.publish(&[Notice {
        version: Some(2),
        ..Notice::unban("a".into(), "2001:db8::/64".parse().unwrap(), now())
    }]);
    wait_for("the unban", || (banned().len() == 3).then_some(()));
    // What somebody lifts in fail2ban is put back.
    assert!(server.say(&["set", "a", "unbanip", "203.0.113.2"]).0);
    wait_for("the reconcile", || (banned().len() == 3).then_some(()));
    site.stop(daemon, true);
    assert_eq!(banned(), ["198.51.100.7"]);
}
