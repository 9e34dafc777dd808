//! P01: a trail that was stopped logs again.

use std::time::Duration;

use serde_json::json;
use stockade_repair::{Mode, Outcome, PassedOver};
use stockade_testkit::fault_proxy::{Answer, Verdict};

use crate::world::{World, is_verified, notable};

/// Tamper, event, repair, verified; again nothing; undo. For the permissions as well.
pub(crate) fn life(world: &mut World) {
    let trail = world.trail("main");
    world.reconcile();
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let event = world.event("StopLogging", json!({"name": "main"}));
    world.time.pass(Duration::from_secs(4));
    let run = world.follow("P01", &event);

    let item = notable(&run).clone();
    assert_eq!(
        item.outcome,
        Outcome::Repaired { verified: true, latency_ms: 5000 },
        "4 s, and 1 s until it was seen"
    );
    assert!(world.is_logging(&trail));
    assert_eq!(item.done.len(), 1);
    assert!(!item.done[0].request_id.is_empty());
    assert!(!run.retry() && !run.failed());
    assert_eq!(item.actor.as_ref().unwrap().access_key, "AKIAIOSFODNN7EXAMPLE");

    // The same event again, and another one of the same.
    let again = world.follow("P01", &event);
    assert_eq!(again.passed_over, Some(PassedOver::Duplicate));
    let other = world.event("StopLogging", json!({"name": trail}));
    assert_eq!(world.follow("P01", &other).notable().count(), 0);
    assert!(world.is_logging(&trail));

    // Taken back, and left so by the schedule.
    let undone = world.engine.undo(&item.id, "alice").unwrap();
    assert_eq!(undone.items[0].outcome, Outcome::Undone);
    assert!(!world.is_logging(&trail));
    let held = world.reconcile();
    assert!(
        matches!(&notable(&held).outcome, Outcome::Exempt { reason, .. } if reason.contains("alice")),
        "{held:#?}"
    );
    assert!(!world.is_logging(&trail));
    assert!(world.engine.undo(&item.id, "alice").is_err(), "once");
    assert_eq!(world.kinds(&item.id), ["began", "repair", "undo"]);

    // The day after it is looked after again.
    world.time.pass(Duration::from_secs(24 * 3600 + 1));
    assert!(is_verified(notable(&world.reconcile())));
    assert!(world.is_logging(&trail));
}

#[test]
fn its_whole_life() {
    let Some(mut world) = World::new() else { return };
    life(&mut world);
}

#[test]
fn evidence_is_whole() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let event = world.event("StopLogging", json!({"name": trail}));
    let run = world.follow("trail-stopped", &event);
    let id = notable(&run).id.clone();
    let entries = world.engine.show(&id).unwrap();
    let (began, repair) = (&entries[0].body, &entries[1].body);
    assert_eq!(began["event"], event);
    assert_eq!(began["event_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(began["actor"]["source"], "192.0.2.44");
    assert_eq!(began["before"]["IsLogging"], false);
    assert_eq!(began["plan"]["changes"][0]["operation"], "StartLogging");
    assert_eq!(repair["event_sha256"], began["event_sha256"]);
    assert_eq!(repair["after"]["IsLogging"], true);
    assert_eq!(repair["outcome"], "verified");
    assert_eq!(repair["calls"][0]["request_id"].as_str().unwrap(), notable(&run).done[0].request_id);
    assert_eq!(repair["undo"][0]["operation"], "StopLogging");
    assert!(repair["latency_ms"].is_i64());
    // What the export holds is what verifies, and its end is the run's head.
    let mut lines = Vec::new();
    world
        .engine
        .export(|line| -> Result<(), stockade_repair::ShelfError> {
            lines.push(line.to_owned());
            Ok(())
        })
        .unwrap();
    let verified = stockade_repair::verify_lines(lines.iter().map(String::as_str)).unwrap();
    assert_eq!(verified.head, run.head);
}

#[test]
fn a_stop_that_no_event_told_is_found_by_the_schedule() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    world.reconcile();
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let run = world.reconcile();
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert!(world.is_logging(&trail));
    assert_eq!(notable(&run).actor, None);
    assert_eq!(world.reconcile().notable().count(), 0);
}

#[test]
fn the_event_of_our_own_call_is_recorded_and_triggers_nothing() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let event = world.event("StopLogging", json!({"name": trail}));
    let run = world.follow("P01", &event);
    let item = notable(&run);
    let mut ours = world.event("StartLogging", json!({"name": trail}));
    ours["detail"]["requestID"] = json!(item.done[0].request_id);
    world.calls();
    let run = world.follow("P01", &ours);
    assert_eq!(run.passed_over, Some(PassedOver::Own { repair: Some(item.id.clone()) }));
    assert_eq!(world.calls(), [""; 0]);
    // By the role that only we assume, and not by what a client says of itself.
    let role = format!("arn:aws:iam::{}:role/stockade-guard", world.place.account);
    world.reset(|settings| settings.own.roles = vec![role.clone()]);
    let session = |world: &mut World, role: &str| {
        let mut event = world.event("StopLogging", json!({"name": trail}));
        event["detail"]["userIdentity"] = json!({"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": role}},
            "arn": role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/stockade-p01-0123456789ab"});
        event["detail"]["userAgent"] = json!("stockade/0.1.0 action/p01-0123456789ab");
        event
    };
    let ours = session(&mut world, &role);
    let repair = Some("p01-0123456789ab".to_owned());
    assert_eq!(world.follow("P01", &ours).passed_over, Some(PassedOver::Own { repair }));
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let forged = session(&mut world, &role.replace("stockade-guard", "mallory"));
    let run = world.follow("P01", &forged);
    assert!(is_verified(notable(&run)), "{run:#?}");
    let began = &world.engine.show(&notable(&run).id).unwrap()[0];
    assert_eq!(began.body["claims_to_be_us"], true);
}

#[test]
fn whoever_shares_the_role_of_our_machine_is_not_us() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    // The credentials of the machine, taken through another program on it.
    let role = world.share_the_role();
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let mut event = world.event("StopLogging", json!({"name": trail}));
    event["detail"]["userIdentity"] = json!({"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": role}},
        "arn": role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/i-0123456789abcdef0"});
    let run = world.follow("P01", &event);
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert_eq!(world.engine.show(&notable(&run).id).unwrap()[0].body["claims_to_be_us"], true);
}

#[test]
fn a_call_that_failed_leads_to_nothing() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    let mut event = world.event("StopLogging", json!({"name": trail}));
    event["detail"]["errorCode"] = json!("AccessDenied");
    let run = world.follow("P01", &event);
    assert_eq!(run.passed_over, Some(PassedOver::FailedCall { code: "AccessDenied".to_owned() }));
    assert_eq!(world.calls(), [""; 0]);
}

#[test]
fn a_failing_call_leaves_a_record_and_is_tried_again() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    world.proxy.rule(|request| match request.action() {
        Some("StartLogging") => Verdict::answer(Answer::json(500, r#"{"__type":"InternalFailure"}"#)),
        _ => Verdict::Pass,
    });
    let event = world.event("StopLogging", json!({"name": trail}));
    let run = world.follow("P01", &event);
    let failed = notable(&run).clone();
    assert!(matches!(&failed.outcome, Outcome::Failed { done: 0, of: 1, .. }), "{failed:#?}");
    assert!(run.retry(), "the message comes again");
    assert_eq!(world.kinds(&failed.id), ["began", "repair"]);
    world.proxy.rule(|_| Verdict::Pass);
    let run = world.follow("P01", &event);
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert_eq!(notable(&run).id, failed.id, "the same repair goes on");
    assert_eq!(world.kinds(&failed.id), ["began", "repair", "began", "repair"]);
}

#[test]
fn a_repair_that_does_not_show_is_not_called_verified() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    // The call says yes and does nothing.
    world.proxy.rule(|request| match request.action() {
        Some("StartLogging") => Verdict::answer(Answer::json(200, "{}")),
        _ => Verdict::Pass,
    });
    let event = world.event("StopLogging", json!({"name": trail}));
    let run = world.follow("P01", &event);
    assert!(matches!(notable(&run).outcome, Outcome::Repaired { verified: false, .. }));
    let waits: Vec<u64> = world.time.slept.lock().unwrap().iter().map(std::time::Duration::as_secs).collect();
    assert_eq!(waits, [1, 2, 4, 8]);
    assert!(run.failed() && !run.retry());
}

#[test]
fn one_that_cannot_deliver_is_told() {
    let Some(mut world) = World::new() else { return };
    world.trail("main");
    world.proxy.rule(|request| match request.action() {
        Some("GetTrailStatus") => Verdict::Change {
            body: request.body.clone(),
            answer: Box::new(|mut answer| {
                let mut body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
                body["LatestDeliveryError"] = json!("NoSuchBucket");
                answer.body = body.to_string().into_bytes();
                answer
            }),
        },
        _ => Verdict::Pass,
    });
    let run = world.reconcile();
    let item = notable(&run);
    assert!(matches!(item.outcome, Outcome::Told { .. }) && item.says.contains("NoSuchBucket"), "{item:#?}");
    let id = item.id.clone();
    let head = run.head.clone();
    let again = world.reconcile();
    assert_eq!((&notable(&again).id, &again.head), (&id, &head), "said once");
    assert_eq!((run.news().count(), again.news().count()), (1, 0));
}

#[test]
fn each_mode_does_what_it_says() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    world.mode(Mode::Off);
    let event = world.event("StopLogging", json!({"name": trail}));
    assert_eq!(world.follow("P01", &event).passed_over, Some(PassedOver::Off));
    assert!(world.reconcile().items.is_empty());
    assert_eq!(world.calls(), [""; 0], "it does not look");
    world.mode(Mode::Notify);
    assert!(matches!(notable(&world.reconcile()).outcome, Outcome::Told { .. }));
    world.mode(Mode::Plan);
    let run = world.reconcile();
    assert_eq!(notable(&run).outcome, Outcome::Planned);
    assert_eq!(notable(&run).plan.as_ref().unwrap().changes[0].operation, "StartLogging");
    assert!(world.writes().is_empty());
    assert!(!world.is_logging(&trail));
    world.mode(Mode::Act);
    assert!(is_verified(notable(&world.reconcile())));
}

#[test]
fn the_first_seven_days_are_a_trial_and_end_with_a_report() {
    let Some(mut world) = World::new() else { return };
    world.reset(|settings| settings.modes = stockade_repair::Modes::default());
    let trail = world.trail("main");
    world.reconcile();
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    assert_eq!(notable(&world.reconcile()).outcome, Outcome::Planned);
    assert_eq!(notable(&world.reconcile()).outcome, Outcome::Planned);
    world.time.pass(Duration::from_secs(7 * 24 * 3600));
    let run = world.reconcile();
    assert!(is_verified(notable(&run)));
    let report = run.trial.unwrap();
    assert_eq!(report.count, 1, "{report:#?}");
    assert_eq!(report.planned[0].would, ["start logging of the trail `main`"]);
    assert_eq!(world.reconcile().trial, None, "once");
}
