//! Several at once on one shelf: each thing is repaired once and recorded once, whatever the shelf.

use std::collections::BTreeMap;
use std::sync::Barrier;

use serde_json::{Value, json};
use stockade_repair::{
    Api, ApiAnswer, ApiCall, ApiFault, AwsApi, Engine, FolderShelf, Outcome, Run, Scope, Shelf, SqliteShelf,
};

use crate::world::{World, is_verified};

/// How many work at once, each with an engine and a handle of its own.
const AT_ONCE: usize = 4;
const ROUNDS: usize = 12;

#[test]
fn in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    rounds(&|| Box::new(FolderShelf::open(folder.path()).unwrap()));
}

#[test]
fn in_one_file_of_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    rounds(&|| Box::new(SqliteShelf::open(&folder.path().join("repairs.db")).unwrap()));
}

#[test]
fn in_dynamodb() {
    let Some(table) = crate::table::Table::new() else { return };
    rounds(&|| Box::new(table.shelf()));
}

/// One of those who are there at once: two have the same event, one another event of the same, one the schedule.
fn work(engine: &mut Engine, nth: usize, playbook: &str, events: &[Vec<u8>; 2]) -> Run {
    let scope = Scope { playbooks: vec![playbook.to_owned()], ..Scope::default() };
    match nth {
        0 | 1 => engine.event(playbook, &events[0]).unwrap(),
        2 => engine.event(playbook, &events[1]).unwrap(),
        _ => engine.reconcile(&scope).unwrap(),
    }
}

fn rounds(open: &dyn Fn() -> Box<dyn Shelf>) {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    let (mut first, _) = world.on(open());
    first.reconcile(&Scope::default()).unwrap();
    let before = world.whole(&trail).unwrap();
    let mut repairs = 0;
    for round in 0..ROUNDS {
        let (playbook, operation, changes) = if round % 3 == 2 {
            ("P02", "DeleteTrail", &["CreateTrail", "StartLogging"][..])
        } else {
            ("P01", "StopLogging", &["StartLogging"][..])
        };
        // moto deletes no trail by its ARN.
        world.admin("cloudtrail", operation, json!({"Name": "main"}));
        let mut event = || world.event(operation, json!({"name": trail})).to_string().into_bytes();
        let events = [event(), event()];
        let mut engines: Vec<_> = (0..AT_ONCE).map(|_| world.on(open())).collect();
        let gate = Barrier::new(AT_ONCE);
        let runs: Vec<Run> = std::thread::scope(|scope| {
            let threads: Vec<_> = engines
                .iter_mut()
                .enumerate()
                .map(|(nth, (engine, _))| {
                    let (gate, events) = (&gate, &events);
                    scope.spawn(move || {
                        gate.wait();
                        work(engine, nth, playbook, events)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let verified = runs.iter().flat_map(|run| &run.items).filter(|item| is_verified(item)).count();
        assert_eq!(verified, 1, "round {round}: {runs:#?}");
        // Whoever was told to come again does, and finds everything good.
        for (nth, (engine, _)) in engines.iter_mut().enumerate() {
            let run = work(engine, nth, playbook, &events);
            assert!(!run.retry() && run.items.iter().all(|item| item.outcome == Outcome::Good), "{run:#?}");
        }
        assert_eq!(world.whole(&trail).unwrap(), before);
        let made: Vec<String> = engines
            .iter()
            .flat_map(|(_, tape)| tape.lock().unwrap().clone())
            .map(|heard| heard.call.operation)
            .filter(|operation| {
                !["Describe", "Get", "List", "Head", "Assume"].iter().any(|read| operation.starts_with(read))
            })
            .collect();
        assert_eq!(made, changes, "round {round}");
        repairs += 1;
        recorded(&mut first, repairs);
        // The limits are no part of this.
        world.time.pass(std::time::Duration::from_secs(3600));
    }
}

/// The record is whole, and each repair in it began once and ended once.
fn recorded(engine: &mut Engine, repairs: usize) {
    engine.verify_record().unwrap().unwrap();
    let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in engine.entries_after(0, 100_000).unwrap() {
        let outcome = entry.body.get("outcome").and_then(Value::as_str).unwrap_or_default();
        if ["began", "repair", "good"].contains(&entry.kind.as_str()) {
            lines.entry(entry.id).or_default().push(format!("{} {outcome}", entry.kind));
        }
    }
    assert!(lines.values().all(|lines| lines == &["began ", "repair verified"]), "{lines:#?}");
    assert_eq!(lines.len(), repairs);
}

/// Lets something else happen once, when a call was answered: what others do at the worst moment.
struct Meanwhile {
    api: AwsApi,
    /// Happens after the first `after` that comes when `seen` came before.
    after: &'static str,
    seen: Option<&'static str>,
    other: Option<Box<dyn FnOnce() + Send>>,
}

impl Api for Meanwhile {
    fn call(&mut self, call: &ApiCall) -> Result<ApiAnswer, ApiFault> {
        let answer = self.api.call(call);
        self.seen.take_if(|seen| *seen == call.operation);
        if call.operation == self.after
            && self.seen.is_none()
            && let Some(other) = self.other.take()
        {
            other();
        }
        answer
    }
}

/// One engine follows an event; while it does, another follows a second event of the same stop.
fn overtaken(after: &'static str, seen: Option<&'static str>, outcomes: [Outcome; 2]) {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    world.reconcile();
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let mut event = || world.event("StopLogging", json!({"name": trail})).to_string();
    let (one, two) = (event(), event());
    let mut other = world.another();
    let (tell, told) = std::sync::mpsc::channel();
    let follow = move || tell.send(other.event("P01", two.as_bytes()).unwrap()).unwrap();
    let mut engine =
        world.with_api(|api| Box::new(Meanwhile { api, after, seen, other: Some(Box::new(follow)) }));
    let runs = [engine.event("P01", one.as_bytes()).unwrap(), told.recv().unwrap()];
    for (run, outcome) in runs.iter().zip(&outcomes) {
        let found = &run.items[0].outcome;
        assert_eq!(std::mem::discriminant(found), std::mem::discriminant(outcome), "{runs:#?}");
        assert_eq!(run.retry(), *outcome == Outcome::Busy);
    }
    assert!(world.is_logging(&trail));
    recorded(&mut world.engine, 1);
    // Whoever was told to come again has nothing to do.
    let run = engine.event("P01", one.as_bytes()).unwrap();
    assert!(!run.retry(), "{run:#?}");
    recorded(&mut world.engine, 1);
}

const REPAIRED: Outcome = Outcome::Repaired { verified: true, latency_ms: 0 };

#[test]
fn what_was_seen_before_another_repaired_it_is_old() {
    overtaken("GetTrailStatus", None, [Outcome::Busy, REPAIRED]);
}

#[test]
fn a_repair_that_is_still_to_be_verified_is_not_ended_by_another() {
    overtaken("StartLogging", None, [REPAIRED, Outcome::Busy]);
    overtaken("GetTrailStatus", Some("StartLogging"), [REPAIRED, Outcome::Busy]);
}
