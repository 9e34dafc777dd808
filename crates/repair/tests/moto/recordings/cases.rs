//! What a recording of an exempt actor's work must not hide.

use std::time::Duration;

use serde_json::{Value, json};
use stockade_repair::{Exemption, Outcome, PassedOver, Whom};

use super::{assert_read_only, names, planned, planning};
use crate::world::{World, at, notable};

fn pipeline(account: &str) -> Value {
    json!({"type": "AssumedRole", "arn": format!("arn:aws:sts::{account}:assumed-role/pipeline/run-7"),
        "sessionContext": {"sessionIssuer": {"arn": format!("arn:aws:iam::{account}:role/pipeline")}}})
}

/// A world with an exempt pipeline.
fn with_pipeline() -> Option<World> {
    let mut world = planning(|_| ())?;
    let role = format!("arn:aws:iam::{}:role/pipeline", world.place.account);
    let whom = Whom { principal: Some(role), ..Whom::default() };
    let exemption = Exemption::new(whom, at(24 * 3600), "teardown").unwrap();
    world.reset(|settings| settings.exemptions = vec![exemption]);
    Some(world)
}

fn by_pipeline(world: &mut World, operation: &str, parameters: Value) -> Value {
    let mut event = world.event(operation, parameters);
    event["detail"]["userIdentity"] = pipeline(&world.place.account);
    event
}

fn exempt(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Exempt { .. })
}

#[test]
fn an_exempt_event_that_names_nothing_excuses_nothing() {
    let Some(mut world) = with_pipeline() else { return };
    world.trail("main");
    world.reconcile();
    // Somebody stopped it, and no event of that came yet.
    world.admin("cloudtrail", "StopLogging", json!({"Name": "main"}));
    for parameters in
        [Value::Null, json!([]), json!({}), json!({"name": ""}), json!({"name": 5}), json!("main")]
    {
        let event = by_pipeline(&mut world, "StopLogging", parameters);
        let run = world.follow("P01", &event);
        assert_eq!(notable(&run).outcome, Outcome::Planned, "{run:#?}");
        assert_eq!(notable(&run).actor, None, "the event does not say that he did this");
    }
    assert_eq!(notable(&world.reconcile()).outcome, Outcome::Planned);
    assert_read_only(&mut world);
}

#[test]
fn an_exempt_event_of_a_place_without_trails_does_not_excuse_who_deleted_them() {
    let Some(mut world) = with_pipeline() else { return };
    world.trail("main");
    world.reconcile();
    world.admin("cloudtrail", "DeleteTrail", json!({"Name": "main"}));
    let event = by_pipeline(&mut world, "StopLogging", json!({"name": "ci-gone"}));
    let run = world.follow("P01", &event);
    assert_eq!(names(&run, |outcome| *outcome == Outcome::Planned), ["P02 main"], "{run:#?}");
    assert_eq!(notable(&world.reconcile()).outcome, Outcome::Planned);
    assert_read_only(&mut world);
}

#[test]
fn whoever_came_last_counts_in_whatever_order_the_events_come() {
    // The pipeline stopped the trail and started it; an attacker stopped it half a minute later.
    for attacker_first in [false, true] {
        let Some(mut world) = with_pipeline() else { return };
        world.trail("ci-trail");
        world.reconcile();
        let exempt_event = by_pipeline(&mut world, "StopLogging", json!({"name": "ci-trail"}));
        world.time.pass(Duration::from_secs(30));
        let attack = world.event("StopLogging", json!({"name": "ci-trail"}));
        world.admin("cloudtrail", "StopLogging", json!({"Name": "ci-trail"}));
        world.time.pass(Duration::from_secs(10));
        let mut order = [(&exempt_event, true), (&attack, false)];
        if attacker_first {
            order.reverse();
        }
        for (event, is_exempt) in order {
            let run = world.follow("P01", event);
            assert_eq!(exempt(&notable(&run).outcome), is_exempt, "{run:#?}");
        }
        assert_eq!(notable(&world.reconcile()).outcome, Outcome::Planned, "attacker first: {attacker_first}");
    }
}

#[test]
fn what_an_exempt_actor_did_last_stays_his_though_an_older_event_comes_late() {
    let Some(mut world) = with_pipeline() else { return };
    world.trail("ci-trail");
    world.reconcile();
    let attack = world.event("StopLogging", json!({"name": "ci-trail"}));
    world.time.pass(Duration::from_secs(30));
    let exempt_event = by_pipeline(&mut world, "StopLogging", json!({"name": "ci-trail"}));
    world.admin("cloudtrail", "StopLogging", json!({"Name": "ci-trail"}));
    assert!(exempt(&notable(&world.follow("P01", &exempt_event)).outcome));
    assert_eq!(
        notable(&world.follow("P01", &attack)).outcome,
        Outcome::Planned,
        "what he did is told as what it is"
    );
    assert!(exempt(&notable(&world.reconcile()).outcome), "and the schedule leaves the pipeline's last word");
}

#[test]
fn trails_of_an_organisation_and_of_others_are_theirs() {
    let Some(mut world) = with_pipeline() else { return };
    world.trail("main");
    world.reconcile();
    let arn = "arn:aws:cloudtrail:eu-central-1:999988887777:trail/organisation";
    for (operation, playbook) in [("StopLogging", "P01"), ("DeleteTrail", "P02")] {
        let event = world.event(operation, json!({"name": arn}));
        let run = world.follow(playbook, &event);
        assert!(planned(&run).is_empty(), "{run:#?}");
        assert!(
            run.items.iter().all(|item| matches!(item.outcome, Outcome::NotOurs | Outcome::Good)),
            "{run:#?}"
        );
    }
    assert_read_only(&mut world);
}

/// For the engine: EventBridge's `exists: false`, which the rules use, takes a key that is there for an error.
#[test]
fn an_empty_error_is_none() {
    let Some(mut world) = planning(|_| ()) else { return };
    world.trail("main");
    world.reconcile();
    world.admin("cloudtrail", "StopLogging", json!({"Name": "main"}));
    for code in [json!(""), Value::Null] {
        let mut event = world.event("StopLogging", json!({"name": "main"}));
        event["detail"]["errorCode"] = code;
        assert_eq!(notable(&world.follow("P01", &event)).outcome, Outcome::Planned);
    }
    let mut event = world.event("StopLogging", json!({"name": "main"}));
    event["detail"]["errorCode"] = json!("AccessDenied");
    let code = "AccessDenied".to_owned();
    assert_eq!(world.follow("P01", &event).passed_over, Some(PassedOver::FailedCall { code }));
}
