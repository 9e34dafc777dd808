//! What repairs came to, as people hear of it: from a stopped trail in moto to a webhook, by a daemon and by a function.
#![cfg(all(feature = "aws", feature = "notify", feature = "sqlite"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test may fail loudly, and uses a part of what is shared"
)]

#[path = "herald/account.rs"]
mod account;
#[path = "herald/function.rs"]
mod function;
#[path = "../../respond/tests/notices/receiver.rs"]
mod receiver;
mod support;

use std::time::{Duration, Instant};

use account::Account;
use receiver::{Answer, Other, status};
use serde_json::{Value, json};
use support::{Site, wait_for};

#[test]
#[ignore = "not a test: the process that the others start"]
fn daemon_process() {
    support::be_the_daemon();
}

pub(crate) const NO_LOGS: &str = "[sshd]\nenabled = false\n[recidive]\nenabled = false\n";

/// Shows what the daemon said if a test fails.
struct Telling<'a>(&'a Site);

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the daemon said:\n{}", self.0.said());
        }
    }
}

/// Gathers notices, each in full, until there are so many.
pub(crate) fn notices(other: &Other, wanted: usize) -> Vec<Value> {
    let mut notices = Vec::new();
    wait_for("notices", || {
        for body in other.got() {
            let body = body.json();
            notices.extend(body["notices"].as_array().unwrap().iter().cloned());
        }
        (notices.len() >= wanted).then_some(())
    });
    assert_eq!(notices.len(), wanted, "{notices:#?}");
    notices
}

/// Nothing comes for so long.
fn silent(other: &Other, span: Duration) {
    let until = Instant::now() + span;
    while Instant::now() < until {
        let got = other.got();
        assert!(got.is_empty(), "{}", got[0].json());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn hook(other: &Other) -> String {
    format!("[responders.hook]\nkind = \"webhook\"\nurl = \"{}\"\ngroup = 0\n", other.url("/"))
}

#[test]
fn a_daemon_tells_what_its_repairs_came_to_once() {
    let Some(mut account) = Account::new("eu-west-1") else { return };
    let trail = account.trail("main");
    let other = Other::new(vec![status(200)]);
    let settings = account.settings("every = \"1s\"", "act", &hook(&other));
    let site = Site::new(NO_LOGS, &settings);
    let _telling = Telling(&site);
    let daemon = site.start(None);
    account.stop(&trail);
    account.send(&account.stopped(&trail, "arn:aws:iam::123456789012:user/mallory"));
    wait_for("logging", || account.is_logging(&trail).then_some(()));
    // Event and schedule both may have seen it; one of them repaired.
    let told = notices(&other, 1).remove(0);
    assert_eq!((&told["outcome"], &told["verdict"]), (&"repaired".into(), &"repair".into()), "{told:#}");
    assert_eq!((&told["key"], &told["playbook"]), (&Value::from(trail.as_str()), &"P01".into()));
    let id = told["repair"].as_str().unwrap();
    assert_eq!(told["undo"], json!([format!("stockade repair undo {id}")]));
    assert_eq!(told["more"], format!("stockade repair show {id}"));
    let done = told["done"].to_string();
    assert!(done.contains("cloudtrail:StartLogging, request ") && done.contains("found it good"), "{done}");
    assert!(told["record"].as_str().unwrap().split(' ').nth(1).unwrap().len() == 64);
    silent(&other, Duration::from_secs(5));
    // Nobody told of the second; and what is undone by a person is told as well, by whom.
    account.stop(&trail);
    let second = notices(&other, 1).remove(0);
    assert_eq!(second["outcome"], "repaired");
    assert_ne!(second["id"], told["id"]);
    let mut engine = site_engine(&site, stockade_runtime::repair::Need::All);
    engine.undo(second["repair"].as_str().unwrap(), "carla").unwrap();
    let undone = wait_outcome(&other, "undone");
    assert!(undone["came_to"].as_str().unwrap().contains("carla"), "{undone:#}");
    site.stop(daemon, false);
}

/// Waits for a notice of this outcome; those before it are passed over.
fn wait_outcome(other: &Other, outcome: &str) -> Value {
    wait_for(outcome, || {
        let bodies = other.got().into_iter().map(|body| body.json());
        let mut all = bodies.flat_map(|body| body["notices"].as_array().unwrap().clone());
        all.find(|notice| notice["outcome"] == outcome)
    })
}

/// An engine over the shelf of a site.
fn site_engine(site: &Site, need: stockade_runtime::repair::Need) -> stockade_repair::Engine {
    let paths = stockade_config::Paths { directory: Some(site.path("etc")), ..Default::default() };
    let config = stockade_config::load(&paths, &|_| None).unwrap_or_else(|problems| panic!("{problems}"));
    stockade_runtime::repair::open(&config.program, need).unwrap().engine
}

#[test]
fn a_kill_between_repair_and_notice_loses_nothing() {
    let Some(mut account) = Account::new("eu-west-2") else { return };
    let trail = account.trail("main");
    let other = Other::new(vec![status(200)]);
    let settings = account.settings("every = \"1s\"", "act", &hook(&other));
    let site = Site::new(NO_LOGS, &settings);
    let _telling = Telling(&site);
    let daemon = site.start(None);
    let mut engine = wait_for("the shelf", || {
        site.path("state/repairs.db")
            .exists()
            .then(|| site_engine(&site, stockade_runtime::repair::Need::Kept))
    });
    account.stop(&trail);
    wait_for("the repair on record", || {
        let newest = engine.newest_entries(1).unwrap();
        newest.iter().any(|entry| entry.kind == "repair").then_some(())
    });
    daemon.kill();
    let before = other.got().len();
    let daemon = site.start(None);
    if before == 0 {
        let told = notices(&other, 1).remove(0);
        assert_eq!(told["outcome"], "repaired");
    }
    silent(&other, Duration::from_secs(5));
    site.stop(daemon, false);
    assert_eq!(before, 0, "the kill came too late to show anything");
}

#[test]
fn a_road_that_fails_is_told_later_and_a_slow_one_twice_at_most() {
    let Some(mut account) = Account::new("eu-west-3") else { return };
    let trail = account.trail("main");
    let slow = Answer { after: Duration::from_secs(4), ..status(200) };
    let other = Other::new(vec![status(500), status(503), slow, status(200)]);
    let settings = account.settings("every = \"1s\"", "act", &hook(&other));
    let site = Site::new(NO_LOGS, &settings);
    let _telling = Telling(&site);
    let daemon = site.start(None);
    account.stop(&trail);
    let got = notices(&other, 3);
    assert!(got.iter().all(|one| one["id"] == got[0]["id"] && one["outcome"] == "repaired"), "{got:#?}");
    // It was taken, and nobody knows: the next life tells it again, with the same id.
    daemon.kill();
    let daemon = site.start(None);
    let again = notices(&other, 1).remove(0);
    assert_eq!(again["id"], got[0]["id"]);
    silent(&other, Duration::from_secs(5));
    site.stop(daemon, false);
}

#[test]
fn what_stays_unrepaired_is_told_once() {
    let Some(mut account) = Account::new("eu-south-1") else { return };
    let trail = account.trail("main");
    let other = Other::new(vec![status(200)]);
    let settings = account.settings("every = \"1s\"", "plan", &hook(&other));
    let site = Site::new(NO_LOGS, &settings);
    let _telling = Telling(&site);
    let daemon = site.start(None);
    account.stop(&trail);
    let told = notices(&other, 1).remove(0);
    assert_eq!(told["outcome"], "planned");
    assert!(told["done"][0].as_str().unwrap().starts_with("would: "), "{told:#}");
    assert_eq!(told["undo"], json!([]));
    // Five looks later.
    silent(&other, Duration::from_secs(6));
    // A new road hears of the last hour, the old one of nothing again.
    site.stop(daemon, false);
    let second = Other::new(vec![status(200)]);
    let more = format!("[responders.late]\nkind = \"webhook\"\nurl = \"{}\"\n", second.url("/"));
    let path = site.path("etc/stockade.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + &more).unwrap();
    let daemon = site.start(None);
    assert_eq!(notices(&second, 1)[0]["outcome"], "planned");
    silent(&other, Duration::from_secs(3));
    site.stop(daemon, false);
}
