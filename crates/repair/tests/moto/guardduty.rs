//! P05: GuardDuty that was switched off watches again.

use std::time::Duration;

use serde_json::{Value, json};
use stockade_repair::{Outcome, PassedOver};
use stockade_testkit::fault_proxy::{Answer, Verdict};

use crate::world::{World, is_verified, notable};

fn features(status: &str) -> Value {
    json!([{"name": "S3_DATA_EVENTS", "status": status}, {"name": "RUNTIME_MONITORING", "status": status,
        "additionalConfiguration": [{"name": "EC2_AGENT_MANAGEMENT", "status": status}]}])
}

/// A detector with everything on; its id.
fn detector(world: &mut World) -> String {
    let made = world.admin(
        "guardduty",
        "CreateDetector",
        json!({"enable": true, "findingPublishingFrequency": "FIFTEEN_MINUTES", "features": features("ENABLED"),
            "tags": {"team": "blue"}}),
    );
    made["detectorId"].as_str().unwrap().to_owned()
}

/// The detector, without what no repair brings back.
fn state(world: &mut World) -> Option<(String, Value)> {
    let all = world.admin("guardduty", "ListDetectors", json!({}));
    let id = all["detectorIds"].as_array()?.first()?.as_str()?.to_owned();
    let mut detector = world.admin("guardduty", "GetDetector", json!({"detectorId": id}));
    for name in ["createdAt", "updatedAt"] {
        detector.as_object_mut().unwrap().remove(name);
    }
    detector["features"].as_array_mut().unwrap().sort_by_key(|feature| feature["name"].to_string());
    Some((id, detector))
}

fn update(world: &mut World, id: &str, mut parameters: Value) -> Value {
    parameters["detectorId"] = json!(id);
    world.admin("guardduty", "UpdateDetector", parameters.clone());
    world.event_of("guardduty", "UpdateDetector", parameters)
}

/// Tamper, event, repair, verified; again nothing; undo; all that it does. For the permissions as well.
pub(crate) fn life(world: &mut World) {
    let id = detector(world);
    let good = state(world).unwrap();
    assert_eq!(world.reconcile().notable().count(), 0);
    let event = update(world, &id, json!({"enable": false, "findingPublishingFrequency": "SIX_HOURS"}));
    let bad = state(world).unwrap();
    let run = world.follow("P05", &event);
    let item = notable(&run).clone();
    assert!(is_verified(&item), "{run:#?}");
    assert_eq!(state(world).unwrap(), good);
    let want = json!({"detectorId": id, "enable": true, "findingPublishingFrequency": "FIFTEEN_MINUTES"});
    assert_eq!(item.done[0].call.parameters, want, "what got weaker and nothing else");

    assert_eq!(world.follow("P05", &event).passed_over, Some(PassedOver::Duplicate));
    let other = world.event_of("guardduty", "UpdateDetector", json!({"detectorId": id, "enable": false}));
    assert_eq!(world.follow("P05", &other).notable().count(), 0);
    world.engine.undo(&item.id, "alice").unwrap();
    assert_eq!(state(world).unwrap(), bad);
    assert!(matches!(notable(&world.reconcile()).outcome, Outcome::Exempt { .. }));
    assert_eq!(world.kinds(&item.id), ["began", "repair", "undo"]);

    // Good again, an hour later; then the detector goes altogether.
    world.time.pass(Duration::from_secs(3600));
    let frequency = "FIFTEEN_MINUTES";
    update(
        world,
        &id,
        json!({"enable": true, "findingPublishingFrequency": frequency, "features": features("ENABLED")}),
    );
    world.reconcile();
    world.admin("guardduty", "DeleteDetector", json!({"detectorId": id}));
    let event = world.event_of("guardduty", "DeleteDetector", json!({"detectorId": id}));
    let run = world.follow("P05", &event);
    assert!(is_verified(notable(&run)), "{run:#?}");
    let (new, detector) = state(world).unwrap();
    assert_eq!((new != id, detector), (true, good.1), "as it was, but for its id");
    let made = notable(&run).id.clone();
    world.engine.undo(&made, "alice").unwrap();
    assert_eq!(state(world), None);
    world.engine.reconcile(&stockade_repair::Scope::default()).unwrap();
    assert_eq!(state(world), None, "as long as the day lasts");

    // A filter that hides findings.
    let id = self::detector(world);
    let filter = json!({"detectorId": id, "name": "quiet", "action": "ARCHIVE", "rank": 1, "description": "x",
        "findingCriteria": {"criterion": {"severity": {"gte": 1}}}});
    world.admin("guardduty", "CreateFilter", filter.clone());
    let asked = json!({"detectorId": id, "filterName": "quiet"});
    let hidden = world.ask("guardduty", "GetFilter", asked.clone()).unwrap();
    let event = world.event_of("guardduty", "CreateFilter", filter);
    let run = world.follow("P05", &event);
    let waiting = notable(&run).clone();
    assert!(matches!(waiting.outcome, Outcome::Waiting { .. }), "{run:#?}");
    let run = world.engine.approve(&waiting.id, "alice").unwrap();
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert!(world.ask("guardduty", "GetFilter", asked.clone()).is_err());
    world.engine.undo(&waiting.id, "alice").unwrap();
    assert_eq!(world.ask("guardduty", "GetFilter", asked).unwrap(), hidden);
}

#[test]
fn its_whole_life() {
    let Some(mut world) = World::new() else { return };
    life(&mut world);
}

/// moto forgets the features that a call does not name; AWS keeps them. So all of them are taken away here.
#[test]
fn features_come_back_and_the_schedule_finds_it() {
    let Some(mut world) = World::new() else { return };
    let id = detector(&mut world);
    let good = state(&mut world).unwrap();
    world.reconcile();
    update(&mut world, &id, json!({"features": features("DISABLED")}));
    let run = world.reconcile();
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert_eq!(notable(&run).done[0].call.parameters.as_object().unwrap().len(), 2, "{run:#?}");
    assert_eq!(state(&mut world).unwrap(), good);
}

#[test]
fn what_was_never_seen_is_enabled_if_an_event_says_that_it_was_and_else_told() {
    let Some(mut world) = World::new() else { return };
    let id = detector(&mut world);
    let event = update(&mut world, &id, json!({"enable": false}));
    let run = world.follow("P05", &event);
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert_eq!(state(&mut world).unwrap().1["status"], "ENABLED");
    world.admin("guardduty", "DeleteDetector", json!({"detectorId": id}));
    let event = world.event_of("guardduty", "DeleteDetector", json!({"detectorId": id}));
    let run = world.follow("P05", &event);
    assert!(
        matches!(&notable(&run).outcome, Outcome::Cannot { why, .. } if why.contains("not known")),
        "{run:#?}"
    );
    // A region without it is no news to the schedule, nor one where it was suspended before us.
    assert_eq!(world.reconcile().notable().count(), 0);
    let id = detector(&mut world);
    update(&mut world, &id, json!({"enable": false}));
    assert_eq!(world.reconcile().notable().count(), 0);
}

#[test]
fn a_call_that_fails_is_on_record_and_made_again() {
    let Some(mut world) = World::new() else { return };
    let id = detector(&mut world);
    world.reconcile();
    let event = update(&mut world, &id, json!({"enable": false}));
    world.proxy.rule(|request| match (request.method.as_str(), request.path.starts_with("/detector/")) {
        ("POST", true) => Verdict::answer(Answer::json(500, r#"{"__type":"InternalServerErrorException"}"#)),
        _ => Verdict::Pass,
    });
    let run = world.follow("P05", &event);
    let failed = notable(&run).clone();
    assert!(matches!(&failed.outcome, Outcome::Failed { done: 0, of: 1, .. }), "{failed:#?}");
    assert!(run.retry());
    world.proxy.rule(|_| Verdict::Pass);
    assert!(is_verified(notable(&world.follow("P05", &event))));
    assert_eq!(world.kinds(&failed.id), ["began", "repair", "began", "repair"]);
}

#[test]
fn a_detector_with_a_reason_and_a_day_is_told_and_left() {
    let Some(mut world) = World::new() else { return };
    let tags = json!({"stockade:exempt": "too dear/until=2026-09-22"});
    let made = world.admin("guardduty", "CreateDetector", json!({"enable": true, "tags": tags}));
    let id = made["detectorId"].as_str().unwrap().to_owned();
    world.reconcile();
    let event = update(&mut world, &id, json!({"enable": false}));
    let run = world.follow("P05", &event);
    assert!(
        matches!(&notable(&run).outcome, Outcome::Exempt { reason, .. } if reason == "too dear"),
        "{run:#?}"
    );
    assert!(world.writes().is_empty());
    world.time.pass(Duration::from_secs(2 * 24 * 3600));
    assert!(is_verified(notable(&world.reconcile())));
}

/// Whatever an event says: one region has one detector, and that is looked at.
#[test]
fn an_event_is_a_hint_whatever_its_shape() {
    let Some(mut world) = World::new() else { return };
    let id = detector(&mut world);
    world.reconcile();
    for (operation, value) in [
        ("UpdateDetector", json!({"detectorId": "somebody-elses"})),
        ("DeleteDetector", json!({"detectorId": [id, {"a": null}]})),
        ("UpdateDetector", json!("detectorId")),
        ("CreateFilter", json!({"name": ["../x", 1], "action": "ARCHIVE"})),
        ("CreateFilter", json!({"name": "x/../../y", "filterName": {"a": []}})),
        ("UpdateFilter", json!([[]])),
        ("UpdateFilter", json!({"filterName": "not-there"})),
    ] {
        update(&mut world, &id, json!({"enable": false}));
        let event = world.event_of("guardduty", operation, value.clone());
        let run = world.follow("P05", &event);
        assert_eq!(run.notable().count(), 1, "{operation} {value}: {run:#?}");
        assert!(is_verified(notable(&run)), "{operation} {value}: {run:#?}");
        world.time.pass(Duration::from_secs(601));
    }
    world.writes();
    for operation in ["CreateIPSet", "DisassociateMembers", "DisassociateFromAdministratorAccount"] {
        let event = world.event_of("guardduty", operation, json!({"detectorId": id}));
        let run = world.follow("P05", &event);
        assert!(matches!(notable(&run).outcome, Outcome::Told { .. }), "{run:#?}");
        assert!(notable(&run).says.contains(operation), "{run:#?}");
    }
    assert!(world.writes().is_empty());
}
