//! A daemon that tells people and programs of its bans, against a server on loopback.
#![cfg(feature = "notify")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    dead_code,
    reason = "a test may fail loudly, and uses a part of what is shared"
)]

#[cfg(feature = "aws")]
#[path = "events/cloud.rs"]
mod cloud;
#[path = "../../respond/tests/notices/receiver.rs"]
mod receiver;
mod support;

use std::fs;
use std::time::{Duration, Instant};

use receiver::{Answer, Other, status};
use serde_json::Value;
use stockade_core::Outcome;
use support::{Site, failures, wait_for};

#[test]
#[ignore = "not a test: the process that the others start"]
fn daemon_process() {
    support::be_the_daemon();
}

const JAILS: &str = "[sshd]\nenabled = true\nlogpath = {at}/auth.log\nbackend = files\nmaxretry = 2\nbantime = 1h\n\
                     action = dry\n         told\n[recidive]\nenabled = false\n";

fn program(told: &str) -> String {
    format!("host = \"web01\"\n[responders.dry]\nkind = \"dry-run\"\n[responders.told]\n{told}\n")
}

fn attack(site: &Site, address: &str) {
    use std::io::Write as _;
    let mut log = fs::OpenOptions::new().append(true).open(site.log()).unwrap();
    log.write_all(failures(address, 2).as_bytes()).unwrap();
}

/// What came of the ban of a key at the responder `told`.
fn outcome(site: &Site, key: &str) -> Option<Outcome> {
    let why = site.why(key);
    let told = why.decisions[0].outcomes.iter().find(|(name, _)| &**name == "told").unwrap();
    told.1.clone()
}

/// Gathers bodies until there are so many.
fn bodies(other: &Other, wanted: usize) -> Vec<Value> {
    let mut bodies = Vec::new();
    wait_for("messages", || {
        bodies.extend(other.got().iter().map(receiver::Got::json));
        (bodies.len() >= wanted).then_some(())
    });
    bodies
}

#[test]
fn bans_go_to_slack_together_also_over_a_kill() {
    let other = Other::new(vec![status(200)]);
    let told = format!("kind = \"slack\"\nurl = \"{}\"\ngroup = \"6s\"", other.url("/s3cret"));
    let site = Site::new(JAILS, &program(&told));
    let daemon = site.start(None);
    attack(&site, "203.0.113.1");
    let first = bodies(&other, 1);
    assert_eq!(first[0]["text"], "[low] 203.0.113.1 was banned in jail sshd");
    let begun = Instant::now();
    for last in 2..5 {
        attack(&site, &format!("203.0.113.{last}"));
        site.wait_banned(&format!("203.0.113.{last}"));
    }
    wait_for("the first to be done", || (outcome(&site, "203.0.113.1") == Some(Outcome::Done)).then_some(()));
    // They wait, and nothing is known of them: not a failure.
    assert_eq!(outcome(&site, "203.0.113.4"), None);
    daemon.kill();
    let daemon = site.start(None);
    let then = bodies(&other, 1);
    assert_eq!(then[0]["text"], "[low] 3 bans in jail sshd");
    let text = then[0].to_string();
    assert!(
        text.contains("203.0.113.2") && text.contains("203.0.113.4") && text.contains("told by `web01`"),
        "{text}"
    );
    assert!(begun.elapsed() > Duration::from_secs(1), "they waited");
    for last in 1..5 {
        let key = format!("203.0.113.{last}");
        wait_for("it to be done", || (outcome(&site, &key) == Some(Outcome::Done)).then_some(()));
    }
    site.stop(daemon, false);
    assert!(other.got().is_empty(), "nothing was told twice");
    assert!(!site.said().contains("s3cret"), "{}", site.said());
}

#[test]
fn a_webhook_that_fails_gets_every_ban_in_the_end() {
    let other =
        Other::new(vec![status(500), Answer { after: Duration::from_secs(2), ..status(200) }, status(200)]);
    let told = format!("kind = \"webhook\"\nurl = \"{}\"\ntimeout = \"1s\"", other.url("/"));
    let site = Site::new(JAILS, &program(&told));
    let daemon = site.start(None);
    attack(&site, "203.0.113.1");
    wait_for("a failure", || {
        matches!(outcome_of(&site, "203.0.113.1"), Some(Outcome::Failed { .. })).then_some(())
    });
    wait_for("the end", || (outcome_of(&site, "203.0.113.1") == Some(Outcome::Done)).then_some(()));
    let bodies = bodies(&other, 3);
    let ids: Vec<&Value> = bodies.iter().map(|body| &body["decisions"][0]["id"]).collect();
    assert_eq!((ids[0], ids[1]), (ids[1], ids[2]), "whoever got it twice knows it by its id");
    assert_eq!(bodies[2]["decisions"][0]["key"], "203.0.113.1");
    assert_eq!(bodies[2]["host"], "web01");
    site.stop(daemon, false);
}

/// The same while the ban may not be there yet.
fn outcome_of(site: &Site, key: &str) -> Option<Outcome> {
    let why = site.why(key);
    why.decisions.first()?.outcomes.iter().find(|(name, _)| &**name == "told")?.1.clone()
}

#[test]
fn a_secret_that_is_not_there_yet_loses_nothing() {
    let other = Other::new(vec![status(200)]);
    let told = format!("kind = \"webhook\"\nurl = \"{}\"\nsecret = \"file:{{at}}/secret\"", other.url("/"));
    let site = Site::new(JAILS, &program(&told));
    let daemon = site.start(None);
    assert!(site.said().contains("cannot find `secret`"), "{}", site.said());
    attack(&site, "203.0.113.1");
    wait_for("a failure", || {
        matches!(outcome_of(&site, "203.0.113.1"), Some(Outcome::Failed { .. })).then_some(())
    });
    assert!(other.got().is_empty(), "nothing goes out unsigned");
    fs::write(site.path("secret"), "0123456789abcdef\n").unwrap();
    wait_for("the end", || (outcome_of(&site, "203.0.113.1") == Some(Outcome::Done)).then_some(()));
    let got = other.got();
    assert!(got[0].header("x-stockade-signature").is_some());
    site.stop(daemon, false);
}

#[cfg(feature = "aws")]
#[test]
fn an_event_is_told_in_the_words_of_its_rule_and_more_of_it_together() {
    const RULE: &str = r#"
description = "Who knocks"
severity = "critical"
target = "notify"
key = { address = "detail.sourceIPAddress" }
[[pattern]]
json = '{"source": ["aws.door"], "detail": {"eventName": ["Knock"]}}'
"#;
    let Some(cloud) = cloud::Cloud::new("told", 5) else { return };
    let other = Other::new(vec![status(200)]);
    let told = format!("[responders.told]\nkind = \"webhook\"\nurl = \"{}\"\ngroup = \"5s\"", other.url("/"));
    let site = Site::new("[sshd]\nenabled = false\n[recidive]\nenabled = false\n", &cloud.settings(&told));
    fs::create_dir(site.path("etc/rule.d")).unwrap();
    fs::write(site.path("etc/rule.d/knock.toml"), RULE).unwrap();
    let daemon = site.start(None);
    let knock = |nth: u32, address: &str| {
        let record = cloud::record(&format!("told-{nth}-{}", cloud::salt()), address);
        cloud.send(&cloud::event(&record).to_string());
    };
    knock(1, "203.0.113.1");
    let first = bodies(&other, 1).remove(0);
    assert_eq!(first["title"], "Who knocks: 203.0.113.1");
    assert_eq!((&first["severity"], &first["type"]), (&"critical".into(), &"notice".into()));
    let notice = &first["notices"][0];
    assert_eq!((&notice["rule"], &notice["event"]["name"]), (&"knock".into(), &"Knock".into()));
    assert_eq!(notice["event"]["actor"], "arn:aws:iam::123456789012:user/eve");
    // Other addresses, the same actor.
    knock(2, "203.0.113.2");
    knock(3, "203.0.113.3");
    let then = bodies(&other, 1).remove(0);
    assert_eq!((&then["type"], &then["count"]), (&"group".into(), &2.into()), "{then}");
    assert_eq!(then["keys"], serde_json::json!(["203.0.113.2", "203.0.113.3"]));
    wait_for("it to be done", || (outcome(&site, "203.0.113.3") == Some(Outcome::Done)).then_some(()));
    site.stop(daemon, false);
    assert!(other.got().is_empty());
}
