//! The CloudTrail guard that this grew out of: AWS Config's event, every trail logs again, and its answer.

use serde_json::json;
use stockade_repair::{Answer as GuardAnswer, answer};
use stockade_testkit::fault_proxy::{Answer, Verdict};

use crate::world::World;

fn follow(world: &mut World) -> GuardAnswer {
    world.time.pass(std::time::Duration::from_secs(1));
    let event = world.config_event("cloudtrail-enabled");
    answer(&world.follow("P01", &event))
}

#[test]
fn a_trail_is_stopped_the_event_arrives_the_trail_logs() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let answer = follow(&mut world);
    assert_eq!(answer.status_code, 200, "{answer:?}");
    assert!(
        answer.body.contains("`main`") && answer.body.contains("repaired and verified"),
        "{}",
        answer.body
    );
    assert!(world.is_logging(&trail));
    let shape = serde_json::to_value(&answer).unwrap();
    assert!(shape["statusCode"].is_u64() && shape["body"].is_string(), "{shape}");
    assert_eq!(follow(&mut world).status_code, 200, "nothing to do");
}

#[test]
fn of_two_trails_one_cannot_be_repaired() {
    let Some(mut world) = World::new() else { return };
    let (first, second) = (world.trail("first"), world.trail("second"));
    for trail in [&first, &second] {
        world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    }
    let refused = first.clone();
    world.proxy.rule(move |request| {
        let of_first = String::from_utf8_lossy(&request.body).contains(&refused);
        match request.action() {
            Some("StartLogging") if of_first => Verdict::answer(Answer::json(
                400,
                r#"{"__type":"InsufficientDependencyServiceAccessPermissionException"}"#,
            )),
            _ => Verdict::Pass,
        }
    });
    let answer = follow(&mut world);
    assert_eq!(answer.status_code, 500, "{answer:?}");
    assert!(
        !world.is_logging(&first) && world.is_logging(&second),
        "the one that fails does not stop the other"
    );
    assert!(
        answer.body.contains("Insufficient") && answer.body.contains("repaired and verified"),
        "{}",
        answer.body
    );
}

#[test]
fn no_trail_at_all() {
    let Some(mut world) = World::new() else { return };
    let answer = follow(&mut world);
    assert_eq!((answer.status_code, answer.body.as_str()), (404, "no trail in this account"));
}

#[test]
fn no_trail_any_more_and_its_state_is_known() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    world.reconcile();
    world.admin("cloudtrail", "DeleteTrail", json!({"Name": "main"}));
    let answer = follow(&mut world);
    assert_eq!(answer.status_code, 200, "{answer:?}");
    assert!(world.is_logging(&trail));
}

#[test]
fn no_permission() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let denied = r#"{"__type":"AccessDeniedException","message":"not authorized to perform this"}"#;
    for action in ["DescribeTrails", "GetTrailStatus", "StartLogging"] {
        world.proxy.rule(move |request| match request.action() {
            Some(asked) if asked == action => Verdict::answer(Answer::json(400, denied)),
            _ => Verdict::Pass,
        });
        let answer = follow(&mut world);
        assert_eq!(answer.status_code, 500, "{action}: {answer:?}");
        assert!(answer.body.contains("AccessDenied"), "{action}: {}", answer.body);
        assert!(!world.is_logging(&trail));
    }
    // Without the right to read tags a trail is repaired, and the record says that none could exempt it.
    world.proxy.rule(move |request| match request.action() {
        Some("ListTags") => Verdict::answer(Answer::json(400, denied)),
        _ => Verdict::Pass,
    });
    // Three failed tries are the limit of a thing; the next window has room again.
    world.time.pass(std::time::Duration::from_secs(600));
    assert_eq!(follow(&mut world).status_code, 200);
    assert!(world.is_logging(&trail));
}
