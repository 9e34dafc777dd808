//! Loops are bounded, recorded and escalated.

use std::time::Duration;

use serde_json::json;
use stockade_repair::{Limit, Outcome, Run};

use crate::world::{World, is_verified, notable};

fn stop(world: &mut World, trail: &str) -> Run {
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let event = world.event("StopLogging", json!({"name": trail}));
    world.follow("P01", &event)
}

#[test]
fn whoever_undoes_each_repair_is_escalated() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    let mut repairs = Vec::new();
    for _ in 0..3 {
        let run = stop(&mut world, &trail);
        assert!(is_verified(notable(&run)), "{run:#?}");
        repairs.push(notable(&run).id.clone());
        world.time.pass(Duration::from_secs(60));
    }
    let run = stop(&mut world, &trail);
    let item = notable(&run).clone();
    let mallory = format!("arn:aws:iam::{}:user/mallory", world.place.account);
    match &item.outcome {
        Outcome::Escalated { actors, repairs: undone, .. } => {
            assert_eq!((actors, undone), (&vec![mallory], &repairs));
        }
        other => panic!("{other:?}"),
    }
    assert!(item.sentence().contains("contain the actor"), "{}", item.sentence());
    assert!(!world.is_logging(&trail));
    assert_eq!(world.kinds(&item.id), ["escalation"]);
    // The schedule neither repairs nor says it again.
    let head = world.reconcile().head;
    assert_eq!(world.reconcile().head, head);
    assert!(!world.is_logging(&trail));
    // When the window has moved on it is repaired again.
    world.time.pass(Duration::from_secs(600));
    assert!(is_verified(notable(&world.reconcile())));
}

#[test]
fn twenty_repairs_in_an_account_pause_it() {
    let Some(mut world) = World::new() else { return };
    world.reset(|settings| settings.limits.least_of_class = 100);
    let trails: Vec<String> = (0..21).map(|nth| world.trail(&format!("trail-{nth:02}"))).collect();
    for trail in &trails {
        world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    }
    let run = world.reconcile();
    let repaired = run.items.iter().filter(|item| is_verified(item)).count();
    let limited: Vec<_> = run
        .items
        .iter()
        .filter(|item| matches!(item.outcome, Outcome::Limited { limit: Limit::Account, .. }))
        .collect();
    assert_eq!((repaired, limited.len()), (20, 1), "{run:#?}");
    assert!(limited[0].sentence().contains("NOT repaired"));
    world.time.pass(Duration::from_secs(1800));
    assert!(matches!(notable(&world.reconcile()).outcome, Outcome::Limited { .. }), "it pauses for an hour");
    world.time.pass(Duration::from_secs(1801));
    assert!(is_verified(notable(&world.reconcile())));
}

#[test]
fn more_than_a_share_of_a_class_pauses_the_class() {
    let Some(mut world) = World::new() else { return };
    let trails: Vec<String> = (0..7).map(|nth| world.trail(&format!("trail-{nth}"))).collect();
    for trail in &trails {
        world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    }
    let run = world.reconcile();
    let limited =
        run.items.iter().filter(|item| matches!(item.outcome, Outcome::Limited { limit: Limit::Class, .. }));
    assert_eq!(
        (run.items.iter().filter(|item| is_verified(item)).count(), limited.count()),
        (5, 2),
        "{run:#?}"
    );
}

#[test]
fn two_functions_on_one_event_repair_once() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let event = world.event("StopLogging", json!({"name": trail})).to_string();
    let mut engines: Vec<_> = (0..4).map(|_| world.another()).collect();
    let gate = std::sync::Barrier::new(engines.len());
    let runs: Vec<Run> = std::thread::scope(|scope| {
        let (gate, event) = (&gate, event.as_bytes());
        let threads: Vec<_> = engines
            .iter_mut()
            .map(|engine| {
                scope.spawn(move || {
                    gate.wait();
                    engine.event("P01", event).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let repaired = runs.iter().flat_map(|run| &run.items).filter(|item| is_verified(item)).count();
    assert_eq!(repaired, 1, "{runs:#?}");
    for run in &runs {
        let quiet = run
            .items
            .iter()
            .all(|item| is_verified(item) || matches!(item.outcome, Outcome::Good | Outcome::Busy));
        assert!(quiet, "{run:#?}");
    }
    assert!(world.is_logging(&trail));
    world.engine.verify_record().unwrap().unwrap();
}

/// Panics when the repair's call was made: a process that is killed at the worst moment.
struct Killed(stockade_repair::AwsApi);

impl stockade_repair::Api for Killed {
    fn call(
        &mut self,
        call: &stockade_repair::ApiCall,
    ) -> Result<stockade_repair::ApiAnswer, stockade_repair::ApiFault> {
        let answer = self.0.call(call);
        assert_ne!(call.operation, "PutEventSelectors", "killed");
        answer
    }
}

#[test]
fn whoever_is_killed_halfway_is_followed_by_the_next() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    let selectors = json!([{"ReadWriteType": "All", "IncludeManagementEvents": true,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::secrets/"]}]}]);
    world.admin("cloudtrail", "PutEventSelectors", json!({"TrailName": trail, "EventSelectors": selectors}));
    world.reconcile();
    let before = world.whole(&trail).unwrap();
    world.admin("cloudtrail", "DeleteTrail", json!({"Name": "main"}));
    let event = world.event("DeleteTrail", json!({"name": "main"}));
    let mut dying = world.with_api(|api| Box::new(Killed(api)));
    let bytes = event.to_string();
    let killed =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| dying.event("P02", bytes.as_bytes())));
    assert!(killed.is_err());

    // It still holds the trail; the message comes again until it does not.
    let run = world.follow("P02", &event);
    assert!(run.retry() && matches!(run.items[0].outcome, Outcome::Busy | Outcome::Good), "{run:#?}");
    world.time.pass(Duration::from_secs(180));
    let run = world.follow("P02", &event);
    let item = notable(&run);
    assert!(is_verified(item), "{run:#?}");
    assert_eq!(world.whole(&trail).unwrap(), before);
    let id = item.id.clone();
    assert_eq!(world.kinds(&id), ["began", "began", "repair"], "what was begun is in the record");
}

#[test]
fn a_flood_of_failed_calls_does_not_fill_the_record() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    world.reconcile();
    let failed = |world: &mut World| {
        let mut event = world.event("StopLogging", json!({"name": trail}));
        event["detail"]["errorCode"] = json!("AccessDenied");
        let run = world.follow("P01", &event);
        assert!(matches!(run.passed_over, Some(stockade_repair::PassedOver::FailedCall { .. })), "{run:#?}");
    };
    for _ in 0..1200 {
        failed(&mut world);
    }
    let kinds = |world: &mut World, kind: &str| {
        let all = world.engine.entries_after(0, 10_000).unwrap();
        all.iter().filter(|entry| entry.kind == kind).count()
    };
    assert_eq!((kinds(&mut world, "attempt"), kinds(&mut world, "limit")), (1000, 1));
    // What it is to hide is repaired and recorded all the same.
    assert!(is_verified(notable(&stop(&mut world, &trail))));
    world.time.pass(Duration::from_secs(3600));
    failed(&mut world);
    assert_eq!(kinds(&mut world, "attempt"), 1001);
    world.engine.verify_record().unwrap().unwrap();
}

#[test]
fn what_happened_long_ago_is_forgotten_but_for_the_record() {
    use stockade_repair::Shelf as _;

    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    world.reconcile();
    assert!(is_verified(notable(&stop(&mut world, &trail))));
    let of = |world: &mut World, prefix: &str| world.shelf.list(prefix, "", 100).unwrap().len();
    for prefix in ["seen/", "request/", "case/"] {
        assert_eq!(of(&mut world, prefix), 1, "{prefix}");
    }
    let lines = of(&mut world, "record/");
    for _ in 0..3 {
        world.time.pass(Duration::from_secs(8 * 24 * 3600));
        world.reconcile();
    }
    for prefix in ["seen/", "request/", "case/"] {
        assert_eq!(of(&mut world, prefix), 0, "{prefix}");
    }
    assert_eq!(of(&mut world, "record/"), lines);
    assert!(is_verified(notable(&stop(&mut world, &trail))), "and begins anew");
}

#[test]
fn what_a_newer_version_wrote_is_left_alone() {
    use stockade_repair::Shelf as _;

    let Some(mut world) = World::new() else { return };
    world.reconcile();
    let stored = world.shelf.get("installation").unwrap().unwrap();
    let mut value: serde_json::Value = serde_json::from_slice(&stored.value).unwrap();
    assert_eq!(value["format"], 1);
    value["format"] = json!(2);
    let bytes = serde_json::to_vec(&value).unwrap();
    world.shelf.put_if_version("installation", Some(&bytes), stored.version).unwrap();
    let error = world.engine.reconcile(&stockade_repair::Scope::default()).unwrap_err();
    assert!(error.to_string().contains("newer Stockade"), "{error}");
    let event = world.event("StopLogging", json!({"name": "main"})).to_string();
    assert!(world.engine.event("P01", event.as_bytes()).is_err());
    assert_eq!(world.shelf.get("installation").unwrap().unwrap().value, bytes);
}
