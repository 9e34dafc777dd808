//! A record that grows, and those who are told of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use stockade_core::Timestamp;
use stockade_core::ports::Report;

use super::{Fresh, News};
use crate::{
    Api, ApiAnswer, ApiCall, ApiFault, Blame, Engine, LinkKey, MemoryShelf, Settings, Shelf as _, Time,
    record,
};

#[derive(Clone)]
struct Hand(Arc<Mutex<Timestamp>>);

impl Time for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, _: Duration) {}
}

struct Nobody;

impl Api for Nobody {
    fn call(&mut self, call: &ApiCall) -> Result<ApiAnswer, ApiFault> {
        Err(ApiFault::local(Blame::Other, call.name()))
    }
}

struct World {
    shelf: MemoryShelf,
    time: Hand,
    engine: Engine,
}

impl World {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let shelf = MemoryShelf::default();
        let time = Hand(Arc::new(Mutex::new(Timestamp::from_secs(1_795_341_600))));
        let (kept, clock) = (Box::new(shelf.clone()), Box::new(time.clone()));
        let engine = Engine::new(Box::new(Nobody), kept, clock, "eu-central-1", settings);
        Self { shelf, time, engine }
    }

    fn pass(&self, secs: u64) {
        let mut now = self.time.0.lock().unwrap();
        *now = now.plus(Duration::from_secs(secs));
    }

    fn write(&mut self, kind: &str, id: &str, body: Value) {
        record::append(&mut self.shelf, self.time.now(), kind, id, body).unwrap();
    }

    fn repair(&mut self, id: &str) {
        self.write("repair", id, repaired());
    }

    fn fresh(&mut self, reader: &str, by: &str) -> Fresh {
        self.engine.news(reader, by).unwrap()
    }

    fn news(&mut self, reader: &str) -> News {
        match self.fresh(reader, "me") {
            Fresh::News(news) => *news,
            other => panic!("{other:?}"),
        }
    }

    /// What a reader is told when all is taken.
    fn told(&mut self, reader: &str) -> Vec<Report> {
        let mut all = Vec::new();
        while let Fresh::News(news) = self.fresh(reader, "me") {
            self.engine.told(&news, &vec![true; news.reports.len()]).unwrap();
            all.extend(news.reports);
        }
        all
    }

    fn ids(&mut self, reader: &str) -> Vec<String> {
        self.told(reader).into_iter().map(|report| report.repair).collect()
    }
}

fn repaired() -> Value {
    json!({
        "playbook": "P01", "says": "the trail `main` does not log", "outcome": "verified", "latency_ms": 5250,
        "event_identity": "x", "subject": {"place": {"account": "111122223333", "region": "eu-central-1"},
            "class": "trail", "id": "arn:aws:cloudtrail:eu-central-1:111122223333:trail/main"},
        "actor": {"arn": "arn:aws:iam::111122223333:user/mallory", "kind": "IAMUser", "source": "203.0.113.7"},
        "calls": [{"says": "start logging of the trail `main`", "request_id": "r-1", "at": 0,
            "call": {"service": "cloudtrail", "operation": "StartLogging", "parameters": {}}, "undo": {"operation": "StopLogging"}}],
    })
}

#[test]
fn a_repair_is_told_with_what_happened_what_was_done_and_how_to_undo_it() {
    let mut world = World::new();
    let event = json!({"source": "aws.cloudtrail", "detail": {"eventName": "StopLogging",
        "eventSource": "cloudtrail.amazonaws.com"}});
    world.write("began", "p01-a", json!({"playbook": "P01", "event": event}));
    world.repair("p01-a");
    let told = world.told("hook");
    let [report] = told.as_slice() else { panic!("{told:#?}") };
    assert_eq!(
        (report.outcome, report.repair.as_str(), &*report.topic),
        ("repaired", "p01-a", "repair/trail-stopped")
    );
    assert_eq!(&*report.description, "CloudTrail logging stopped");
    assert_eq!(report.done[0], "start logging of the trail `main` (cloudtrail:StartLogging, request r-1)");
    assert_eq!(report.done[1], "looked again and found it good, 5.2 s after the event");
    assert_eq!(report.undo, ["stockade repair undo p01-a"]);
    assert_eq!(report.key.to_string(), "arn:aws:cloudtrail:eu-central-1:111122223333:trail/main");
    let event: Value = serde_json::from_str(&report.event).unwrap();
    assert_eq!(
        event,
        json!({"name": "StopLogging", "source": "cloudtrail.amazonaws.com", "account": "111122223333",
            "region": "eu-central-1", "actor": "arn:aws:iam::111122223333:user/mallory", "address": "203.0.113.7"})
    );
    assert!(report.mark.starts_with("2 ") && report.mark.len() == 66, "{}", report.mark);
}

#[test]
fn each_who_tells_is_told_once_and_what_was_not_taken_comes_again() {
    let mut world = World::new();
    assert_eq!(world.fresh("hook", "me"), Fresh::Nothing { upto: 0 });
    for id in ["a", "b", "c"] {
        world.repair(id);
    }
    let news = world.news("hook");
    assert_eq!(news.reports.len(), 3);
    world.engine.told(&news, &[true, false, true]).unwrap();
    assert_eq!(world.ids("chat"), ["a", "b", "c"], "another road");
    world.repair("d");
    let again = world.news("hook");
    assert_eq!(again.reports.iter().map(|one| one.repair.as_str()).collect::<Vec<_>>(), ["b", "d"]);
    assert_eq!(again.reports[0].id, news.reports[1].id, "known by its id");
    world.engine.told(&again, &[true, true]).unwrap();
    assert!(world.ids("hook").is_empty() && world.ids("chat") == ["d"]);
    assert!(!world.engine.has_news(4).unwrap() && world.engine.has_news(3).unwrap());
}

#[test]
fn of_two_that_tell_by_one_road_one_does_and_whoever_dies_loses_it() {
    let mut world = World::new();
    world.repair("a");
    let Fresh::News(_) = world.fresh("hook", "one") else { panic!("there is news") };
    let Fresh::Busy { until } = world.fresh("hook", "two") else { panic!("one tells") };
    assert_eq!(until.since(world.time.now()), Duration::from_secs(120));
    let Fresh::News(_) = world.fresh("hook", "one") else { panic!("its next life goes on at once") };
    world.pass(121);
    let Fresh::News(news) = world.fresh("hook", "two") else { panic!("one died") };
    world.engine.told(&news, &[true]).unwrap();
    assert_eq!(world.fresh("hook", "one"), Fresh::Nothing { upto: 1 });
}

#[test]
fn what_says_nothing_new_is_passed_over() {
    let mut world = World::new();
    for kind in ["began", "own", "hold"] {
        world.write(kind, "a", json!({"playbook": "P01"}));
    }
    let mut again = repaired();
    again["repeated"] = true.into();
    world.write("repair", "a", again);
    assert!(world.told("hook").is_empty());
    assert_eq!(world.fresh("hook", "me"), Fresh::Nothing { upto: 4 });
    // Whoever repaired died before it was noted that it is over.
    world.repair("b");
    world.write("good", "b", json!({"playbook": "P01"}));
    assert_eq!(world.ids("hook"), ["b"]);
    let mut not_yet = repaired();
    not_yet["outcome"] = "unverified".into();
    world.write("repair", "c", not_yet);
    world.write("good", "c", json!({"playbook": "P01"}));
    let outcomes: Vec<&str> = world.told("hook").iter().map(|one| one.outcome).collect();
    assert_eq!(outcomes, ["unverified", "good"]);
}

#[test]
fn whoever_is_new_hears_of_the_last_hour_and_nobody_of_what_is_a_day_old() {
    let mut world = World::new();
    world.repair("old");
    world.pass(3601);
    world.repair("new");
    assert_eq!(world.ids("late"), ["new"]);
    world.repair("kept");
    world.pass(24 * 3600 + 1);
    world.repair("today");
    assert_eq!(world.ids("late"), ["today"]);
}

#[test]
fn a_record_that_was_tampered_with_is_told() {
    let outcomes = |told: &[Report]| told.iter().map(|one| one.outcome).collect::<Vec<_>>();
    let mut world = World::new();
    for id in ["a", "b", "c", "d"] {
        world.repair(id);
    }
    let put = |world: &mut World, seq: u64, value: Option<&[u8]>| {
        let key = format!("record/{seq:012}");
        let version = world.shelf.get(&key).unwrap().unwrap().version;
        world.shelf.put_if_version(&key, value, version).unwrap().unwrap();
    };
    put(&mut world, 2, Some(b"{\"hash\":\"0\"}"));
    put(&mut world, 3, None);
    let told = world.told("hook");
    assert_eq!(outcomes(&told), ["repaired", "record-broken", "record-broken", "repaired"], "{told:#?}");
    assert!(told[1].came_to.contains("line 2") && told[2].came_to.contains("line 3 is gone"), "{told:#?}");
    assert!(world.told("hook").is_empty(), "once");

    // Its end is cut off, and it goes on from there.
    put(&mut world, 4, None);
    let head = world.shelf.get("record-head").unwrap().unwrap();
    let cut = br#"{"seq":2,"hash":"0000"}"#;
    world.shelf.put_if_version("record-head", Some(cut), head.version).unwrap().unwrap();
    let told = world.told("hook");
    assert_eq!(outcomes(&told), ["record-broken"], "{told:#?}");
    assert!(told[0].came_to.contains("ended with line 4"), "{told:#?}");
}

#[test]
fn a_line_that_was_written_just_before_a_crash_is_told_and_is_no_fault() {
    let mut world = World::new();
    world.repair("a");
    let head = world.shelf.get("record-head").unwrap().unwrap();
    world.repair("b");
    let now = world.shelf.get("record-head").unwrap().unwrap();
    world.shelf.put_if_version("record-head", Some(&head.value), now.version).unwrap().unwrap();
    assert_eq!(world.ids("hook"), ["a", "b"]);
    assert!(world.told("hook").is_empty());
}

#[test]
fn what_waits_says_how_to_answer_by_links_or_by_commands() {
    let link = Settings {
        link_key: Some(LinkKey::new(&[7; 32]).unwrap()),
        link_url: "https://guard.example.com/".into(),
        ..Settings::default()
    };
    for (settings, begins) in [
        (Settings::default(), "stockade repair approve p02-a"),
        (
            Settings { link_url: "https://guard.example.com/".into(), ..Settings::default() },
            "stockade repair",
        ),
        (link, "https://guard.example.com/?answer=v1.approve.p02-a."),
    ] {
        let mut world = World::with(settings);
        let until = world.time.now().plus(Duration::from_secs(60));
        let place = crate::Place::new("111122223333", "eu-central-1");
        let subject = crate::playbook::Subject::new(&place, "trail", "t");
        let verdict = crate::playbook::Verdict::Bad("gone".into());
        let approval = crate::Approval {
            id: "p02-a".into(),
            playbook: "P02".into(),
            finding: crate::playbook::Finding::new(subject, "t", verdict, Value::Null),
            plan: crate::playbook::Plan::default(),
            why: "the mode is `approve`".into(),
            actor: None,
            event_at: None,
            since: world.time.now(),
            until,
            state: crate::ApprovalState::Waiting,
        };
        crate::state::put_new(&mut world.shelf, &crate::state::approval("p02-a"), &approval).unwrap();
        world.write("approval", "p02-a", json!({"playbook": "P02", "says": "gone"}));
        let told = world.told("hook");
        assert_eq!(told[0].outcome, "waiting");
        assert!(told[0].answers[0].1.starts_with(begins), "{told:#?}");
        assert_eq!(told[0].answers.iter().map(|(word, _)| *word).collect::<Vec<_>>(), ["approve", "refuse"]);
        // Told when it is too late, it asks for nothing.
        world.pass(60);
        assert!(world.told("late")[0].answers.is_empty());
    }
}
