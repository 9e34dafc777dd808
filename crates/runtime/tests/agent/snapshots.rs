//! What a host learns that was off.

use std::time::Duration;

use stockade_aws::wire::Notice;
use stockade_core::Timestamp;

use super::cloud::{Cloud, now};
use super::door::Door;
use super::net::{ATTACKER, ATTACKER6, INNOCENT, Net};
use super::support::{Site, wait_for};
use super::{DRY, SSHD, Telling};

#[test]
fn a_host_that_was_off_is_protected_at_once() {
    let Some(cloud) = Cloud::new("off") else { return };
    let Some(net) = Net::new() else { return };
    let _door = Door::new(Some(&net.victim), cloud.address().port(), cloud.address());
    let yesterday = now().minus(Duration::from_secs(86_400));
    let old = |key: &str, until: Timestamp| {
        let ban = Notice::ban("sshd".into(), key.parse().unwrap(), yesterday, until);
        Notice { version: Some(1), ..ban }
    };
    let tomorrow = now().plus(Duration::from_secs(86_400));
    let bans = [old(ATTACKER, tomorrow), old(ATTACKER6, Timestamp::MAX), old("192.0.2.9", yesterday)];
    cloud.write_snapshot(now(), &bans);
    let site = Site::new(SSHD, &cloud.settings("web", ""));
    let _telling = Telling(&site);
    let daemon = site.start(Some(&net.victim));
    wait_for("the drop", || net.attacker_is_dropped(ATTACKER).then_some(()));
    assert!(net.attacker_is_dropped(ATTACKER6) && net.innocent_connects(INNOCENT));
    let bans = site.bans();
    assert_eq!(bans.len(), 2, "{bans:#?}");
    assert_eq!((bans[0].until, bans[0].since), (Some(tomorrow), yesterday));
    assert_eq!(bans[1].until, None);
    site.stop(daemon, true);
}

#[test]
fn a_changed_snapshot_heals_what_was_missed_and_leaves_what_is_local() {
    let Some(cloud) = Cloud::new("heal") else { return };
    let site = Site::new(SSHD, &cloud.settings("web", DRY));
    let _telling = Telling(&site);
    let hour_ago = now().minus(Duration::from_secs(3600));
    let old = |key: &str| {
        let until = now().plus(Duration::from_secs(3600));
        Notice { version: Some(1), ..Notice::ban("sshd".into(), key.parse().unwrap(), hour_ago, until) }
    };
    // Before there is a snapshot the agent runs, and says so once.
    let daemon = site.start(None);
    wait_for("the word on it", || (site.lines_said(&["going on without the snapshot"]) == 1).then_some(()));
    cloud.publish(&[old("203.0.113.1"), old("203.0.113.2")]);
    // A Cloud-Fail2Ban sender's ban is in no snapshot.
    cloud.publish_raw(&cloud.topic, "{\"sshd\": [\"203.0.113.3\"]}", &[("jail", "sshd")]);
    site.ban("203.0.113.4");
    wait_for("four bans", || (site.bans().len() == 4).then_some(()));
    let keys =
        || site.bans().iter().map(|ban| ban.key.to_string()).collect::<std::collections::BTreeSet<_>>();
    // .1 ended by hand meanwhile, of .5 the message was lost.
    cloud.write_snapshot(now(), &[old("203.0.113.2"), old("203.0.113.5")]);
    let expected = ["203.0.113.2", "203.0.113.3", "203.0.113.4", "203.0.113.5"].map(str::to_owned);
    wait_for("the healing", || (keys() == std::collections::BTreeSet::from(expected.clone())).then_some(()));
    // One that was put together wrongly ends nothing.
    let mut torn = Vec::new();
    let writer = stockade_aws::wire::snapshot::Writer::new(&mut torn, now()).unwrap();
    drop(writer);
    cloud.write_object(torn);
    wait_for("the complaint", || (site.lines_said(&["cannot be read to its end"]) > 0).then_some(()));
    assert_eq!(keys().len(), 4);
    assert_eq!(site.lines_said(&["going on without the snapshot"]), 1);
    drop(daemon);
}
