//! What waits for a person, and what they may say.

use std::time::Duration;

use serde_json::json;
use stockade_repair::{LinkKey, Mode, Outcome};

use crate::world::{World, is_verified, notable};

fn waiting(world: &mut World) -> (String, String, String, String) {
    let trail = world.trail("main");
    world.mode(Mode::Approve);
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let event = world.event("StopLogging", json!({"name": trail}));
    let run = world.follow("P01", &event);
    let item = notable(&run);
    let Outcome::Waiting { approve, refuse, .. } = &item.outcome else { panic!("{run:#?}") };
    assert!(world.writes().is_empty());
    (trail, item.id.clone(), approve.clone(), refuse.clone())
}

#[test]
fn approved_it_is_repaired_once() {
    let Some(mut world) = World::new() else { return };
    let (trail, id, approve, _) = waiting(&mut world);
    assert!(approve.is_empty(), "no key, no link");
    assert_eq!(world.engine.approvals().unwrap()[0].id, id);
    let run = world.engine.approve(&id, "alice").unwrap();
    let item = notable(&run);
    assert!(is_verified(item) && item.id == id, "{run:#?}");
    assert!(world.is_logging(&trail));
    assert!(world.engine.approve(&id, "bob").unwrap_err().to_string().contains("already"));
    assert!(world.engine.approvals().unwrap().is_empty());
    assert_eq!(world.kinds(&id), ["approval", "approval", "began", "repair"]);
}

#[test]
fn refused_it_is_left_as_it_is() {
    let Some(mut world) = World::new() else { return };
    let (trail, id, ..) = waiting(&mut world);
    let run = world.engine.refuse(&id, "alice").unwrap();
    assert!(matches!(notable(&run).outcome, Outcome::Dropped { .. }));
    assert!(
        matches!(&notable(&world.reconcile()).outcome, Outcome::Exempt { reason, .. } if reason.contains("refused"))
    );
    assert!(world.engine.approve(&id, "bob").is_err());
    assert!(!world.is_logging(&trail));
}

#[test]
fn nobody_decides_in_time_and_it_is_asked_again() {
    let Some(mut world) = World::new() else { return };
    let (_, id, ..) = waiting(&mut world);
    assert_eq!(notable(&world.reconcile()).id, id, "it waits still");
    world.time.pass(Duration::from_secs(24 * 3600));
    assert!(world.engine.approve(&id, "alice").unwrap_err().to_string().contains("over"));
    let run = world.reconcile();
    assert!(matches!(notable(&run).outcome, Outcome::Waiting { .. }));
    assert_ne!(notable(&run).id, id);
    assert_eq!(world.kinds(&id), ["approval", "approval"]);
}

#[test]
fn a_signed_link_does_it_once() {
    let Some(mut world) = World::new() else { return };
    let key = LinkKey::new(&[42; 32]).unwrap();
    world.reset(|settings| settings.link_key = Some(key));
    let (trail, id, approve, refuse) = waiting(&mut world);
    assert!(world.engine.follow_link(&approve.replace(&id, "p01-000000000000")).is_err());
    assert!(world.engine.follow_link(&refuse.replace("refuse", "approve")).is_err());
    assert!(is_verified(notable(&world.engine.follow_link(&approve).unwrap())));
    assert!(world.is_logging(&trail));
    assert!(world.engine.follow_link(&approve).is_err() && world.engine.follow_link(&refuse).is_err());
    // What a person may follow stands in no record.
    let mut all = String::new();
    world
        .engine
        .export(|line| -> Result<(), stockade_repair::ShelfError> {
            all.push_str(line);
            Ok(())
        })
        .unwrap();
    assert!(!all.contains(&approve) && !all.contains("v1.approve"));
}

#[test]
fn what_is_good_by_then_or_another_is_not_repaired() {
    let Some(mut world) = World::new() else { return };
    let (trail, id, ..) = waiting(&mut world);
    world.admin("cloudtrail", "StartLogging", json!({"Name": trail}));
    let run = world.engine.approve(&id, "alice").unwrap();
    assert!(matches!(&notable(&run).outcome, Outcome::Dropped { why } if why.contains("good")), "{run:#?}");

    // A plan for one weakness is not an approval of another.
    world.reconcile();
    world.admin("cloudtrail", "UpdateTrail", json!({"Name": "main", "EnableLogFileValidation": true}));
    world.reconcile();
    world.admin("cloudtrail", "UpdateTrail", json!({"Name": "main", "EnableLogFileValidation": false}));
    let id = notable(&world.reconcile()).id.clone();
    let selectors = json!([{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": true}]);
    world.admin("cloudtrail", "PutEventSelectors", json!({"TrailName": trail, "EventSelectors": selectors}));
    world.writes();
    let run = world.engine.approve(&id, "alice").unwrap();
    assert!(
        matches!(&notable(&run).outcome, Outcome::Dropped { why } if why.contains("asked again")),
        "{run:#?}"
    );
    assert!(world.writes().is_empty());
    assert!(matches!(notable(&world.reconcile()).outcome, Outcome::Waiting { .. }));
}
