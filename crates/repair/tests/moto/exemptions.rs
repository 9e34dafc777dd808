//! What is exempt is told and not repaired, for a reason and until a day.

use std::time::Duration;

use serde_json::json;
use stockade_repair::{Exemption, Outcome, Whom};

use crate::world::{World, at, is_verified, notable};

#[test]
fn a_tag_with_a_reason_and_a_day() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    let tag =
        |value: &str| json!({"ResourceId": trail, "TagsList": [{"Key": "stockade:exempt", "Value": value}]});
    world.admin("cloudtrail", "AddTags", tag("retired;until=2026-09-22"));
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let event = world.event("StopLogging", json!({"name": trail}));
    let run = world.follow("P01", &event);
    assert!(
        matches!(&notable(&run).outcome, Outcome::Exempt { reason, .. } if reason == "retired"),
        "{run:#?}"
    );
    assert!(!world.is_logging(&trail));
    assert_eq!(world.kinds(&notable(&run).id), ["notice"], "never silence");
    world.time.pass(Duration::from_secs(2 * 24 * 3600));
    assert!(is_verified(notable(&world.reconcile())), "the day is over");

    world.admin("cloudtrail", "RemoveTags", tag("retired;until=2026-09-22"));
    world.admin("cloudtrail", "AddTags", tag("for ever"));
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let run = world.reconcile();
    assert!(is_verified(notable(&run)), "without a day it is none");
    assert!(notable(&run).notes.iter().any(|note| note.contains("names no end")), "{run:#?}");
}

#[test]
fn a_pipeline_that_takes_an_account_down_is_not_fought_by_the_schedule_either() {
    let Some(mut world) = World::new() else { return };
    let role = format!("arn:aws:iam::{}:role/pipeline", world.place.account);
    let whom = Whom { principal: Some(role.clone()), ..Whom::default() };
    let exemption = Exemption::new(whom, at(3 * 24 * 3600), "the pipeline tears test accounts down").unwrap();
    world.reset(|settings| settings.exemptions = vec![exemption]);
    let trail = world.trail("main");
    world.reconcile();
    world.admin("cloudtrail", "DeleteTrail", json!({"Name": "main"}));
    let mut event = world.event("DeleteTrail", json!({"name": "main"}));
    event["detail"]["userIdentity"] = json!({"type": "AssumedRole",
        "arn": role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/run-7",
        "sessionContext": {"sessionIssuer": {"arn": role}}});
    let run = world.follow("P02", &event);
    assert!(matches!(notable(&run).outcome, Outcome::Exempt { .. }), "{run:#?}");
    // The schedule knows no actor.
    for _ in 0..2 {
        assert!(matches!(notable(&world.reconcile()).outcome, Outcome::Exempt { .. }));
    }
    assert_eq!(world.whole(&trail), None);
    // What somebody else does to the same trail is not the pipeline's: an hour later it is there again, and deleted again.
    world.time.pass(Duration::from_secs(3600));
    let bucket = world.bucket();
    world.admin("cloudtrail", "CreateTrail", json!({"Name": "main", "S3BucketName": bucket}));
    world.admin("cloudtrail", "DeleteTrail", json!({"Name": "main"}));
    let event = world.event("DeleteTrail", json!({"name": "main"}));
    assert!(is_verified(notable(&world.follow("P02", &event))));
    assert!(world.is_logging(&trail));
    // Somebody else's deletion of another trail in the same account is not exempt.
    world.trail("other");
    world.reconcile();
    world.admin("cloudtrail", "DeleteTrail", json!({"Name": "other"}));
    let event = world.event("DeleteTrail", json!({"name": "other"}));
    assert!(is_verified(notable(&world.follow("P02", &event))));
}

#[test]
fn a_thing_that_was_good_again_is_no_longer_left_alone() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let id = notable(&world.reconcile()).id.clone();
    world.engine.undo(&id, "alice").unwrap();
    // Seen too soon, it looks as before; that is not the end.
    world.admin("cloudtrail", "StartLogging", json!({"Name": trail}));
    assert_eq!(world.reconcile().notable().count(), 0);
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    assert!(matches!(notable(&world.reconcile()).outcome, Outcome::Exempt { .. }));
    // Somebody started it an hour later: from then on it is looked after again.
    world.time.pass(Duration::from_secs(3600));
    world.admin("cloudtrail", "StartLogging", json!({"Name": trail}));
    assert_eq!(world.reconcile().notable().count(), 0);
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    assert!(is_verified(notable(&world.reconcile())));
}

#[test]
fn a_hold_before_a_change_lasts_while_the_thing_is_good() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    let subject = world.reconcile().items[0].subject.clone();
    let until = at(3600);
    world.engine.hold("P01", &subject, until, "alice", "moving the bucket").unwrap();
    world.time.pass(Duration::from_secs(600));
    assert_eq!(world.reconcile().notable().count(), 0);
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    assert!(
        matches!(&notable(&world.reconcile()).outcome, Outcome::Exempt { reason, .. } if reason == "moving the bucket")
    );
    world.time.pass(Duration::from_secs(3000));
    assert!(is_verified(notable(&world.reconcile())));
}

#[test]
fn windows_resources_and_accounts() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    let until = at(3600);
    let account = world.place.account.clone();
    for (nth, whom) in [
        Whom { from: Some(at(-60)), ..Whom::default() },
        Whom { resource: Some("*:trail/ma*".into()), ..Whom::default() },
        Whom { account: Some(account), ..Whom::default() },
        Whom { playbook: Some("trail-stopped".into()), ..Whom::default() },
    ]
    .into_iter()
    .enumerate()
    {
        let exemption = Exemption::new(whom, until, &format!("reason {nth}")).unwrap();
        world.reset(|settings| settings.exemptions = vec![exemption]);
        world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
        let run = world.reconcile();
        let reason = format!("reason {nth}");
        assert!(
            matches!(&notable(&run).outcome, Outcome::Exempt { reason: said, .. } if *said == reason),
            "{run:#?}"
        );
    }
    world.time.pass(Duration::from_secs(3600));
    assert!(is_verified(notable(&world.reconcile())));
}
