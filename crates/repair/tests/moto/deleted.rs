//! P02: a deleted trail comes back as it was.

use serde_json::{Value, json};
use stockade_aws::Call;
use stockade_repair::{Outcome, PassedOver};
use stockade_testkit::fault_proxy::{Answer, Verdict};

use crate::world::{REGION, World, is_verified, notable};

/// A trail with everything that a trail can have.
fn hardened(world: &mut World, name: &str) -> String {
    let account = world.place.account.clone();
    world.raw(&Call::query("topic".into(), "sns", "CreateTopic", "2010-03-31", &[("Name", "trails")]));
    let trail = world.trail_with(
        name,
        &json!({
            "S3KeyPrefix": "audit", "SnsTopicName": "trails", "IncludeGlobalServiceEvents": true,
            "IsMultiRegionTrail": true, "EnableLogFileValidation": true,
            "KmsKeyId": format!("arn:aws:kms:{REGION}:{account}:key/11111111-2222-3333-4444-555555555555"),
            "CloudWatchLogsLogGroupArn": format!("arn:aws:logs:{REGION}:{account}:log-group:trails:*"),
            "CloudWatchLogsRoleArn": format!("arn:aws:iam::{account}:role/trails"),
            "TagsList": [{"Key": "team", "Value": "security"}, {"Key": "cost", "Value": "7"}],
        }),
    );
    let selectors = json!([{"ReadWriteType": "All", "IncludeManagementEvents": true,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::secrets/"]}]}]);
    world.admin("cloudtrail", "PutEventSelectors", json!({"TrailName": trail, "EventSelectors": selectors}));
    let insights = json!([{"InsightType": "ApiCallRateInsight"}, {"InsightType": "ApiErrorRateInsight"}]);
    world.admin(
        "cloudtrail",
        "PutInsightSelectors",
        json!({"TrailName": trail, "InsightSelectors": insights}),
    );
    trail
}

/// Tamper, event, repair, verified; again nothing; undo. For the permissions as well.
pub(crate) fn life(world: &mut World) {
    let trail = hardened(world, "main");
    world.reconcile();
    let before = world.whole(&trail).unwrap();
    // As attackers do: stop, then delete. What was stopped a moment before it was deleted logged when it was good.
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    world.admin("cloudtrail", "DeleteTrail", json!({"Name": "main"}));
    let event = world.event("DeleteTrail", json!({"name": "main"}));
    world.calls();
    let run = world.follow("P02", &event);
    let item = notable(&run).clone();
    assert!(is_verified(&item), "{run:#?}");
    assert_eq!(world.whole(&trail).unwrap(), before, "as it was, and logging");
    let calls: Vec<String> = item.done.iter().map(|done| done.call.operation.clone()).collect();
    assert_eq!(calls, ["CreateTrail", "PutEventSelectors", "PutInsightSelectors", "StartLogging"]);

    assert_eq!(world.follow("P02", &event).passed_over, Some(PassedOver::Duplicate));
    let other = world.event("DeleteTrail", json!({"name": trail}));
    assert_eq!(world.follow("P02", &other).notable().count(), 0);

    let undone = world.engine.undo(&item.id, "alice").unwrap();
    assert_eq!(undone.items[0].outcome, Outcome::Undone);
    assert_eq!(world.whole(&trail), None);
    assert!(matches!(notable(&world.reconcile()).outcome, Outcome::Exempt { .. }), "left as it is");
    assert_eq!(world.whole(&trail), None);
    assert_eq!(world.kinds(&item.id), ["began", "repair", "undo"]);
}

#[test]
fn its_whole_life() {
    let Some(mut world) = World::new() else { return };
    life(&mut world);
}

#[test]
fn the_schedule_misses_it() {
    let Some(mut world) = World::new() else { return };
    let trail = hardened(&mut world, "main");
    world.reconcile();
    let before = world.whole(&trail).unwrap();
    world.admin("cloudtrail", "DeleteTrail", json!({"Name": "main"}));
    assert!(is_verified(notable(&world.reconcile())));
    assert_eq!(world.whole(&trail).unwrap(), before);
}

/// Each call in turn fails once, halfway through; the next look finishes what is missing, and nothing is done twice.
pub(crate) fn halfway(world: &mut World, fails: &'static str, nth: usize) {
    let trail = hardened(world, "main");
    world.reconcile();
    let before = world.whole(&trail).unwrap();
    world.admin("cloudtrail", "DeleteTrail", json!({"Name": "main"}));
    world.proxy.rule(move |request| match request.action() {
        Some(action) if action == fails => {
            Verdict::answer(Answer::json(400, r#"{"__type":"AccessDeniedException","message":"no"}"#))
        }
        _ => Verdict::Pass,
    });
    let event = world.event("DeleteTrail", json!({"name": "main"}));
    let run = world.follow("P02", &event);
    let failed = notable(&run).clone();
    assert!(matches!(failed.outcome, Outcome::Failed { done, of: 4, .. } if done == nth), "{failed:#?}");
    assert_eq!(world.kinds(&failed.id), ["began", "repair"]);
    assert!(!run.retry() && run.failed(), "a missing right does not come by itself");

    world.proxy.rule(|_| Verdict::Pass);
    let run = world.reconcile();
    if fails == "StartLogging" {
        // All that is missing is another playbook's doing as well, and that comes first.
        assert_eq!(notable(&run).playbook, "P01");
        assert_eq!(world.kinds(&failed.id), ["began", "repair", "good"]);
    } else {
        let mended: Vec<_> = run.notable().filter(|item| item.playbook == "P02").collect();
        assert!(mended.len() == 1 && is_verified(mended[0]), "{run:#?}");
        assert_eq!(mended[0].id, failed.id);
        // The trail that is there does not log, which the other playbook mended first.
        let alone = world.only.is_some();
        let started = usize::from(fails != "CreateTrail" && !alone);
        assert_eq!(mended[0].done.len(), 4 - nth - started, "only what was missing");
    }
    assert_eq!(world.whole(&trail).unwrap(), before);
    assert_eq!(world.reconcile().notable().count(), 0);

    world.engine.undo(&failed.id, "alice").unwrap();
    assert_eq!(world.whole(&trail), None, "all of both tries is taken back");
}

/// What came back halfway was weakened before it was whole: it is given back what it lost, and all of it taken back.
pub(crate) fn half_weakened(world: &mut World) {
    let trail = hardened(world, "main");
    world.reconcile();
    let before = world.whole(&trail).unwrap();
    world.admin("cloudtrail", "DeleteTrail", json!({"Name": "main"}));
    world.proxy.rule(|request| match request.action() {
        Some("StartLogging") => Verdict::answer(Answer::json(400, r#"{"__type":"AccessDeniedException"}"#)),
        _ => Verdict::Pass,
    });
    let event = world.event("DeleteTrail", json!({"name": "main"}));
    let failed = notable(&world.follow("P02", &event)).clone();
    world.proxy.rule(|_| Verdict::Pass);
    let weak = json!({"Name": "main", "EnableLogFileValidation": false, "KmsKeyId": ""});
    world.admin("cloudtrail", "UpdateTrail", weak);
    let other = world.event("DeleteTrail", json!({"name": trail}));
    let run = world.follow("P02", &other);
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert_eq!(world.whole(&trail).unwrap(), before);
    world.engine.undo(&failed.id, "alice").unwrap();
    assert_eq!(world.whole(&trail), None);
}

#[test]
fn what_came_back_halfway_and_was_weakened_comes_back_whole() {
    let Some(mut world) = World::new() else { return };
    half_weakened(&mut world);
}

#[test]
fn making_it_fails_first() {
    let Some(mut world) = World::new() else { return };
    halfway(&mut world, "CreateTrail", 0);
}

#[test]
fn its_selectors_fail_first() {
    let Some(mut world) = World::new() else { return };
    halfway(&mut world, "PutEventSelectors", 1);
}

#[test]
fn its_insights_fail_first() {
    let Some(mut world) = World::new() else { return };
    halfway(&mut world, "PutInsightSelectors", 2);
}

#[test]
fn its_start_fails_first() {
    let Some(mut world) = World::new() else { return };
    halfway(&mut world, "StartLogging", 3);
}

#[test]
fn an_answer_that_was_lost_is_not_a_second_trail() {
    let Some(mut world) = World::new() else { return };
    let trail = hardened(&mut world, "main");
    world.reconcile();
    let before = world.whole(&trail).unwrap();
    world.admin("cloudtrail", "DeleteTrail", json!({"Name": "main"}));
    // The first try is done and its answer lost. moto makes a second trail of the name; AWS refuses it, as here.
    let mut tries = 0;
    world.proxy.rule(move |request| match request.action() {
        Some("CreateTrail") => {
            tries += 1;
            if tries == 1 {
                return Verdict::Swallow;
            }
            Verdict::answer(Answer::json(
                400,
                r#"{"__type":"TrailAlreadyExistsException","message":"there"}"#,
            ))
        }
        _ => Verdict::Pass,
    });
    let event = world.event("DeleteTrail", json!({"name": "main"}));
    let run = world.follow("P02", &event);
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert!(notable(&run).done[0].already);
    assert_eq!(world.whole(&trail).unwrap(), before);
}

#[test]
fn a_plain_trail_comes_back_plain() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("plain");
    world.reconcile();
    let before = world.whole(&trail).unwrap();
    world.admin("cloudtrail", "DeleteTrail", json!({"Name": "plain"}));
    let event = world.event("DeleteTrail", json!({"name": "plain"}));
    let run = world.follow("P02", &event);
    let calls: Vec<String> = notable(&run).done.iter().map(|done| done.call.operation.clone()).collect();
    assert_eq!(calls, ["CreateTrail", "StartLogging"]);
    assert_eq!(world.whole(&trail).unwrap(), before);
}

#[test]
fn a_trail_that_records_less_than_a_new_one_comes_back_so_and_does_not_log_if_it_did_not() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("reads");
    let selectors =
        json!([{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": true, "DataResources": []}]);
    world.admin("cloudtrail", "PutEventSelectors", json!({"TrailName": trail, "EventSelectors": selectors}));
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    world.mode(stockade_repair::Mode::Notify);
    world.reconcile();
    world.mode(stockade_repair::Mode::Act);
    let before = world.whole(&trail).unwrap();
    world.admin("cloudtrail", "DeleteTrail", json!({"Name": "reads"}));
    let event = world.event("DeleteTrail", json!({"name": "reads"}));
    assert!(is_verified(notable(&world.follow("P02", &event))));
    assert_eq!(world.whole(&trail).unwrap(), before);
}

#[test]
fn without_a_last_good_state_it_says_what_is_missing() {
    let Some(mut world) = World::new() else { return };
    world.trail("other");
    let event = world.event("DeleteTrail", json!({"name": "unknown"}));
    let run = world.follow("P02", &event);
    let item = notable(&run);
    assert!(
        matches!(&item.outcome, Outcome::Cannot { why, hint: Some(_) } if why.contains("not known")),
        "{item:#?}"
    );
    assert!(world.writes().is_empty());
}

#[test]
fn its_bucket_is_looked_at_first() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    world.reconcile();
    let bucket = world.whole(&trail).unwrap()["trail"]["S3BucketName"].as_str().unwrap().to_owned();
    world.admin("cloudtrail", "DeleteTrail", json!({"Name": "main"}));
    world.bucket_policy(&bucket, &["s3:GetBucketAcl"]);
    let why = |run: &stockade_repair::Run| match &notable(run).outcome {
        Outcome::Cannot { why, .. } => why.clone(),
        other => panic!("{other:?}"),
    };
    assert!(why(&world.reconcile()).contains("does not let CloudTrail write"));
    world.raw(&Call::rest("remove".into(), "s3", "DELETE", format!("/{bucket}")));
    assert!(why(&world.reconcile()).contains("is gone"));
    assert!(world.writes().is_empty());
    assert_eq!(world.whole(&trail), None);
}

#[test]
fn a_bucket_that_nobody_may_ask_is_left_to_cloudtrail() {
    let Some(mut world) = World::new() else { return };
    world.trail("main");
    world.reconcile();
    world.admin("cloudtrail", "DeleteTrail", json!({"Name": "main"}));
    world.proxy.rule(|request| {
        if request.path.starts_with("/logs-") {
            Verdict::answer(Answer::xml(403, "<Error><Code>AccessDenied</Code></Error>"))
        } else {
            Verdict::Pass
        }
    });
    let run = world.reconcile();
    let item = notable(&run);
    assert!(is_verified(item) && item.notes[0].contains("not known"), "{item:#?}");
}

#[test]
fn a_deletion_that_a_person_accepts_is_no_longer_missed() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    world.trail("other");
    world.reconcile();
    world.admin("cloudtrail", "DeleteTrail", json!({"Name": "main"}));
    let place = world.place.clone();
    let accepted =
        world.engine.accept("trail", &place, &trail, "alice", "moved to the other account").unwrap();
    assert_eq!(accepted, None);
    assert_eq!(world.reconcile().notable().count(), 0);
    assert_eq!(world.whole(&trail), None);
    let known: Value = serde_json::to_value(world.engine.baselines("trail", &place).unwrap()).unwrap();
    assert_eq!(known.as_array().unwrap().len(), 1);
}
