//! What dies, and what is lost: nothing.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::cloud::{Cloud, ban, now};
use super::door::Door;
use super::support::{PATIENCE, Site, wait_for};
use super::{DRY, SSHD, Telling, wait_banned_late};

#[test]
fn no_ban_is_lost_however_often_the_agent_is_killed() {
    let Some(cloud) = Cloud::new("kill") else { return };
    // What is taken and not deleted comes again after the visibility timeout: a short one, for a short test.
    let site = Site::new(SSHD, &cloud.settings("web", DRY));
    let _telling = Telling(&site);
    let daemon = site.start(None);
    daemon.kill();
    let queue = cloud.queue_name("web");
    let mut wanted = BTreeSet::new();
    for message in 0..40 {
        let keys: Vec<String> = (0..25).map(|n| format!("203.{message}.113.{n}")).collect();
        let bans: Vec<_> = keys.iter().map(|key| ban("sshd", key, 1)).collect();
        cloud.publish(&bans);
        wanted.extend(keys);
    }
    let mut delay = 40;
    for _ in 0..6 {
        let daemon = site.spawn(None);
        std::thread::sleep(Duration::from_millis(delay));
        daemon.kill();
        delay = delay * 2 % 1_500 + 37;
    }
    let daemon = site.start(None);
    let began = std::time::Instant::now();
    loop {
        let banned: BTreeSet<String> = site.bans().iter().map(|ban| ban.key.to_string()).collect();
        if banned == wanted && cloud.depth(&queue) == (0, 0) {
            break;
        }
        assert!(began.elapsed() < PATIENCE * 4, "{} of {}", banned.len(), wanted.len());
        std::thread::sleep(Duration::from_millis(100));
    }
    for key in wanted.iter().step_by(97) {
        assert_eq!(site.why(key).decisions.len(), 1, "{key} was decided once");
    }
    drop(daemon);
}

#[test]
fn a_responder_that_fails_keeps_the_message_in_the_queue() {
    let Some(cloud) = Cloud::new("fails") else { return };
    let responder = "[responders.script]\nkind = \"command\"\nargv = [\"{at}/script\"]\n";
    let site = Site::new(SSHD, &cloud.settings("web", responder));
    let _telling = Telling(&site);
    let script = site.path("script");
    let at = site.path("broken").display().to_string();
    std::fs::write(&script, format!("#!/bin/sh\ntest ! -e {at} && echo $STOCKADE_KEY >>{at}-not\n")).unwrap();
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(&at, "").unwrap();
    let daemon = site.start(None);
    let queue = cloud.queue_name("web");
    cloud.publish(&[ban("sshd", "203.0.113.1", 1)]);
    wait_for("the failure", || (site.lines_said(&["could not be carried out"]) > 0).then_some(()));
    std::thread::sleep(Duration::from_secs(2));
    let (waiting, taken) = cloud.depth(&queue);
    assert_eq!(waiting + taken, 1, "{}", site.said());
    std::fs::remove_file(&at).unwrap();
    let done = || std::fs::read_to_string(format!("{at}-not")).unwrap_or_default();
    wait_for("the ban", || done().contains("203.0.113.1").then_some(()));
    cloud.wait_empty(&queue);
    assert_eq!(done().lines().count(), 1, "it was done once");
    drop(daemon);
}

#[test]
fn while_the_queue_is_gone_bans_stay_and_afterwards_new_ones_come() {
    let Some(cloud) = Cloud::new("gone") else { return };
    let door = Door::new(None, 0, cloud.address());
    let site = Site::new(SSHD, &cloud.behind(door.port).settings("web", DRY));
    let _telling = Telling(&site);
    let daemon = site.start(None);
    cloud.publish(&[ban("sshd", "203.0.113.1", 1)]);
    site.wait_banned("203.0.113.1");
    door.shut();
    let problem = || {
        let sources = site.status().sources;
        let queue = sources.into_iter().find(|source| source.stream.starts_with("F2B-Client-"));
        queue.and_then(|queue| queue.problem)
    };
    wait_for("the problem in the status", problem);
    cloud.publish(&[ban("sshd", "203.0.113.2", 1)]);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(site.bans().len(), 1);
    door.reopen();
    wait_banned_late(&site, "203.0.113.2");
    wait_for("the status", || problem().is_none().then_some(()));
    drop(daemon);
}

#[test]
fn an_agent_that_starts_while_aws_is_gone_goes_on_with_what_it_knows() {
    let Some(cloud) = Cloud::new("dark") else { return };
    let door = Door::new(None, 0, cloud.address());
    let site = Site::new(SSHD, &cloud.behind(door.port).settings("web", DRY));
    let _telling = Telling(&site);
    let daemon = site.start(None);
    cloud.publish(&[ban("sshd", "203.0.113.1", 1)]);
    site.wait_banned("203.0.113.1");
    site.stop(daemon, false);
    door.shut();
    let daemon = site.start(None);
    assert_eq!(site.bans().len(), 1);
    door.reopen();
    cloud.publish(&[ban("sshd", "203.0.113.2", 1)]);
    wait_banned_late(&site, "203.0.113.2");
    drop(daemon);
}

#[test]
fn a_queue_that_somebody_deletes_is_made_anew_and_the_snapshot_tells_what_was_missed() {
    let Some(cloud) = Cloud::new("deleted") else { return };
    let site = Site::new(SSHD, &cloud.settings("web", DRY));
    let _telling = Telling(&site);
    let daemon = site.start(None);
    cloud.delete_queue(&cloud.queue_name("web"));
    cloud.write_snapshot(now(), &[ban("sshd", "203.0.113.1", 1)]);
    site.wait_banned("203.0.113.1");
    wait_for("a new queue", || cloud.queue_url(&cloud.queue_name("web")));
    cloud.publish(&[ban("sshd", "203.0.113.2", 1)]);
    wait_for("the ban", || site.bans().iter().any(|ban| ban.key.to_string() == "203.0.113.2").then_some(()));
    drop(daemon);
}

#[test]
fn a_message_stays_hidden_while_its_ban_takes_long() {
    let Some(cloud) = Cloud::new("slow") else { return };
    let responder = "[responders.script]\nkind = \"command\"\nargv = [\"{at}/script\"]\ntimeout = \"2m\"\n";
    let site = Site::new(SSHD, &cloud.settings("web", responder));
    let _telling = Telling(&site);
    let script = site.path("script");
    let done = site.path("done");
    // Longer than a message is hidden at first.
    let text = format!("#!/bin/sh\nsleep 40\necho $STOCKADE_KEY >>{}\n", done.display());
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    let daemon = site.start(None);
    cloud.publish(&[ban("sshd", "203.0.113.1", 1)]);
    site.wait_banned("203.0.113.1");
    let began = std::time::Instant::now();
    while !done.exists() {
        assert_eq!(cloud.depth(&cloud.queue_name("web")), (0, 1), "after {:?}", began.elapsed());
        std::thread::sleep(Duration::from_millis(500));
    }
    cloud.wait_empty(&cloud.queue_name("web"));
    assert_eq!(std::fs::read_to_string(done).unwrap().lines().count(), 1);
    assert_eq!(site.status().lines, 1, "it came once");
    drop(daemon);
}
