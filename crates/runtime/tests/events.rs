//! The daemon's queue of events, against an emulator of AWS.

#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

#[path = "events/cloud.rs"]
mod cloud;
mod support;

use std::time::{Duration, Instant};

use cloud::{Cloud, event, record, salt};
use stockade_core::Verdict;
use support::{Site, wait_for};

/// Four knocks ban an address; each is told of its user.
const DOOR: &str = r#"
description = "Who knocks too often"
target = "ban"
key = { address = "detail.sourceIPAddress" }
[jail]
maxretry = 4
findtime = "10m"
[[pattern]]
json = '{"source": ["aws.door", {"prefix": "test."}], "detail": {"eventName": ["Knock"]}}'
"#;
const EACH: &str = r#"
description = "Who knocks"
target = "notify"
key = { principal = "detail.userIdentity.arn" }
[[pattern]]
json = '{"source": ["aws.door", {"prefix": "test."}], "detail": {"eventName": ["Knock"]}}'
"#;
const NO_LOGS: &str = "[sshd]\nenabled = false\n[recidive]\nenabled = false\n";
const EVE: &str = "arn:aws:iam::123456789012:user/eve";

#[test]
#[ignore = "not a test: the process that the others start"]
fn daemon_process() {
    support::be_the_daemon();
}

fn site(cloud: &Cloud) -> Site {
    let site = Site::new(NO_LOGS, &cloud.settings(""));
    std::fs::create_dir(site.path("etc/rule.d")).unwrap();
    std::fs::write(site.path("etc/rule.d/door.toml"), DOOR).unwrap();
    std::fs::write(site.path("etc/rule.d/each.toml"), EACH).unwrap();
    site
}

/// Shows what the daemon said if a test fails.
struct Telling<'a>(&'a Site);

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the daemon said:\n{}", self.0.said());
        }
    }
}

fn wait_empty(cloud: &Cloud) {
    wait_for("the queue to be empty", || (cloud.depth() == (0, 0)).then_some(()));
}

/// Looks again and again until it is so, also over the time for which a message is hidden.
fn wait_long(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(150), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// How many notices were given of eve.
fn notices(site: &Site) -> usize {
    let why = site.why(EVE);
    assert!(why.decisions.iter().all(|one| one.decision.verdict == Verdict::Notify));
    why.decisions.len()
}

#[test]
fn from_event_bridge_to_a_ban_and_the_messages_are_gone() {
    let Some(cloud) = Cloud::new("bridge", 5) else { return };
    cloud.feed_by_event_bridge();
    let site = site(&cloud);
    let _telling = Telling(&site);
    let daemon = site.start(None);
    let knock = |n: u32| record(&format!("bridge-{n}-{}", salt()), "203.0.113.7");
    let knocks: Vec<_> = (0..4).map(knock).collect();
    cloud.put_events(&knocks[..3]);
    wait_for("three events", || (site.status().matches >= 6).then_some(()));
    wait_empty(&cloud);
    assert_eq!(site.bans().len(), 0);
    cloud.put_events(&knocks[3..]);
    site.wait_banned("203.0.113.7");
    wait_empty(&cloud);
    assert_eq!(notices(&site), 4);
    let why = site.why("203.0.113.7");
    assert_eq!(why.matches.len(), 4);
    assert!(why.matches[0].line.contains("\"rule\":\"door\""), "{}", why.matches[0].line);
    site.stop(daemon, false);
}

#[test]
fn a_file_and_event_bridge_are_two_roads_of_one_event() {
    let Some(cloud) = Cloud::new("file", 5) else { return };
    cloud.notify_queue();
    let site = site(&cloud);
    let _telling = Telling(&site);
    let daemon = site.start(None);
    let salt = salt();
    let knocks: Vec<_> = (0..4).map(|n| record(&format!("file-{n}-{salt}"), "203.0.113.8")).collect();
    knocks[..3].iter().for_each(|knock| cloud.send(&event(knock).to_string()));
    wait_for("three events", || (site.status().matches >= 6).then_some(()));
    // The same three in a file, with a key that S3 writes otherwise than it is; then the fourth.
    let key = "AWSLogs/123456789012/CloudTrail/us-east-1/2026/01/02/123456789012_CloudTrail_us-east-1_20260102T0305Z_a b+c.json.gz";
    cloud.put_file(key, &knocks[..3]);
    wait_for("the file", || (site.status().lines >= 6).then_some(()));
    wait_empty(&cloud);
    assert_eq!((site.bans().len(), notices(&site)), (0, 3), "counted once");
    cloud.put_file("AWSLogs/123456789012/CloudTrail/x.json.gz", &knocks);
    site.wait_banned("203.0.113.8");
    wait_empty(&cloud);
    assert_eq!(notices(&site), 4);
    // After a restart nothing is new.
    site.stop(daemon, false);
    let daemon = site.start(None);
    knocks.iter().for_each(|knock| cloud.send(&event(knock).to_string()));
    // A poll of the daemon before may have taken some of them: those come again when they are no longer hidden.
    wait_long("four events", || site.status().lines >= 4 && cloud.depth() == (0, 0));
    assert_eq!(notices(&site), 4);
    site.stop(daemon, false);
}

#[test]
fn what_cannot_be_read_is_told_and_keeps_nothing_up() {
    let Some(cloud) = Cloud::new("poison", 1) else { return };
    let site = site(&cloud);
    let _telling = Telling(&site);
    let daemon = site.start(None);
    cloud.send("nonsense");
    cloud.send(&cloud.notification("there/is/none.json.gz"));
    cloud.put_object("torn.json.gz", vec![0x1f, 0x8b, 8, 0, 0, 0]);
    cloud.send(&cloud.notification("torn.json.gz"));
    // No file of events: left out, and done with.
    cloud.put_object("CloudTrail-Digest/x.json.gz", b"{}".to_vec());
    cloud.send(&cloud.notification("AWSLogs/123456789012/CloudTrail-Digest/us-east-1/x.json.gz"));
    let salt = salt();
    (0..4)
        .for_each(|n| cloud.send(&event(&record(&format!("poison-{n}-{salt}"), "203.0.113.9")).to_string()));
    site.wait_banned("203.0.113.9");
    assert!(site.lines_said(&["not read to its end", "not JSON"]) > 0);
    assert!(site.status().warnings.iter().any(|warning| warning.contains("not read to its end")));
    wait_long("the dead letters", || cloud.dead_letters() >= 3);
    wait_empty(&cloud);
    assert_eq!(cloud.dead_letters(), 3);
    site.stop(daemon, false);
}

#[test]
fn a_kill_at_any_moment_loses_no_event_and_counts_none_twice() {
    let Some(cloud) = Cloud::new("kill", 20) else { return };
    let site = site(&cloud);
    let _telling = Telling(&site);
    let salt = salt();
    let knock = |n: u32| record(&format!("kill-{n}-{salt}"), &format!("203.0.113.{}", n % 5));
    let file: Vec<_> = (0..200).map(knock).collect();
    cloud.put_file("a.json.gz", &file);
    let mut daemon = site.start(None);
    cloud.send(&cloud.notification("a.json.gz"));
    for n in 200..260 {
        cloud.send(&event(&knock(n)).to_string());
        if n % 20 == 0 {
            daemon.kill();
            daemon = site.start(None);
        }
    }
    // What was in the hands of one that was killed comes again after a minute.
    wait_long("the queue to be empty", || cloud.depth() == (0, 0));
    let why = wait_for("all of it", || {
        let request = stockade_runtime::control::Request::Why { key: EVE.parse().unwrap(), limit: 1_000 };
        match site.ask(&request) {
            stockade_runtime::control::Response::Why(why) if why.decisions.len() >= 260 => Some(why),
            _ => None,
        }
    });
    assert_eq!((why.decisions.len(), why.matches.len()), (260, 260));
    site.stop(daemon, false);
}
