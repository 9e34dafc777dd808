//! P03: a weakened trail gets back what it lost, and nothing else is touched.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use stockade_repair::{Mode, Outcome, PassedOver};
use stockade_testkit::fault_proxy::{Answer, Verdict};

use crate::world::{REGION, World, is_verified, notable};

fn key(world: &World, nth: u8) -> String {
    format!("arn:aws:kms:{REGION}:{}:key/{nth}1111111-2222-3333-4444-555555555555", world.place.account)
}

fn hardened(world: &mut World, name: &str) -> String {
    let account = world.place.account.clone();
    let more = json!({
        "IsMultiRegionTrail": true, "EnableLogFileValidation": true, "KmsKeyId": key(world, 1),
        "CloudWatchLogsLogGroupArn": format!("arn:aws:logs:{REGION}:{account}:log-group:trails:*"),
        "CloudWatchLogsRoleArn": format!("arn:aws:iam::{account}:role/trails"),
    });
    let trail = world.trail_with(name, &more);
    let selectors = json!([{"ReadWriteType": "All", "IncludeManagementEvents": true}]);
    world.admin("cloudtrail", "PutEventSelectors", json!({"TrailName": trail, "EventSelectors": selectors}));
    trail
}

/// Tamper, event, repair, verified; again nothing; undo. For the permissions as well.
pub(crate) fn life(world: &mut World) {
    let trail = hardened(world, "main");
    let neighbour = hardened(world, "neighbour");
    world.reconcile();
    let (before, beside) = (world.whole(&trail).unwrap(), world.whole(&neighbour).unwrap());
    let weak = json!({"Name": "main", "IsMultiRegionTrail": false, "EnableLogFileValidation": false, "KmsKeyId": "",
        "CloudWatchLogsLogGroupArn": "", "CloudWatchLogsRoleArn": ""});
    world.admin("cloudtrail", "UpdateTrail", weak);
    let selectors = json!([{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": true}]);
    world.admin("cloudtrail", "PutEventSelectors", json!({"TrailName": trail, "EventSelectors": selectors}));
    let weakened = world.whole(&trail).unwrap();
    let event = world.event("UpdateTrail", json!({"name": "main", "isMultiRegionTrail": false}));
    let run = world.follow("P03", &event);
    let item = notable(&run).clone();
    assert!(is_verified(&item), "{run:#?}");
    assert_eq!(world.whole(&trail).unwrap(), before);
    assert_eq!(world.whole(&neighbour).unwrap(), beside);
    let update = &item.done[0].call;
    let mut sent: Vec<&String> = update.parameters.as_object().unwrap().keys().collect();
    sent.sort();
    let want = [
        "CloudWatchLogsLogGroupArn",
        "CloudWatchLogsRoleArn",
        "EnableLogFileValidation",
        "IsMultiRegionTrail",
        "KmsKeyId",
        "Name",
    ];
    assert_eq!(sent, want, "what got weaker and nothing else");

    assert_eq!(world.follow("P03", &event).passed_over, Some(PassedOver::Duplicate));
    let other = world.event("PutEventSelectors", json!({"trailName": trail}));
    assert_eq!(world.follow("P03", &other).notable().count(), 0);

    world.engine.undo(&item.id, "alice").unwrap();
    assert_eq!(world.whole(&trail).unwrap(), weakened, "the former state");
    assert!(matches!(notable(&world.reconcile()).outcome, Outcome::Exempt { .. }));
    assert_eq!(world.kinds(&item.id), ["began", "repair", "undo"]);
}

/// moto cannot take Insights away from a trail, so what it answers is changed.
pub(crate) fn insights(world: &mut World) {
    let trail = world.trail("main");
    let both = json!([{"InsightType": "ApiCallRateInsight"}, {"InsightType": "ApiErrorRateInsight"}]);
    world.admin("cloudtrail", "PutInsightSelectors", json!({"TrailName": trail, "InsightSelectors": both}));
    world.reconcile();
    let put = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    world.proxy.rule(move |request| {
        use std::sync::atomic::Ordering::Relaxed;
        match request.action() {
            Some("PutInsightSelectors") => {
                put.store(true, Relaxed);
                Verdict::Pass
            }
            // AWS's own answer for a trail without any.
            Some("GetInsightSelectors") if !put.load(Relaxed) => {
                Verdict::answer(Answer::json(400, r#"{"__type":"InsightNotEnabledException"}"#))
            }
            _ => Verdict::Pass,
        }
    });
    let event = world.event("PutInsightSelectors", json!({"trailName": trail}));
    let run = world.follow("P03", &event);
    let item = notable(&run).clone();
    assert!(is_verified(&item), "{run:#?}");
    assert_eq!(item.done[0].call.parameters["InsightSelectors"], both);
    let undo = item.done[0].undo.clone().unwrap();
    assert_eq!(undo.parameters["InsightSelectors"], json!([]));
    world.engine.undo(&item.id, "alice").unwrap();
}

#[test]
fn lost_insights_are_given_back() {
    let Some(mut world) = World::new() else { return };
    insights(&mut world);
}

#[test]
fn its_whole_life() {
    let Some(mut world) = World::new() else { return };
    life(&mut world);
}

#[test]
fn a_value_that_is_another_waits_for_a_person_and_a_loss_does_not() {
    let Some(mut world) = World::new() else { return };
    let trail = hardened(&mut world, "main");
    world.reconcile();
    let before = world.whole(&trail).unwrap();
    let strange = world.bucket();
    let both = json!({"Name": "main", "S3BucketName": strange, "EnableLogFileValidation": false});
    world.admin("cloudtrail", "UpdateTrail", both);
    let event = world.event("UpdateTrail", json!({"name": "main", "s3BucketName": strange}));
    let run = world.follow("P03", &event);
    let items: Vec<_> = run.notable().collect();
    assert_eq!(items.len(), 2, "{run:#?}");
    assert!(is_verified(items[0]), "{run:#?}");
    assert!(matches!(items[1].outcome, Outcome::Waiting { .. }));
    let now = world.whole(&trail).unwrap();
    assert_eq!(now["trail"]["LogFileValidationEnabled"], true);
    assert_eq!(now["trail"]["S3BucketName"], strange.as_str(), "not yet");

    // It is not asked again by the schedule.
    let id = items[1].id.clone();
    assert_eq!(notable(&world.reconcile()).id, id);
    let run = world.engine.approve(&id, "alice").unwrap();
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert_eq!(world.whole(&trail).unwrap(), before);
    assert_eq!(world.kinds(&id), ["approval", "approval", "began", "repair"]);
    assert_eq!(world.reconcile().notable().count(), 0);
}

#[test]
fn what_is_stronger_is_no_fault_and_becomes_the_last_good_state() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("plain");
    world.reconcile();
    let stronger = json!({"Name": "plain", "EnableLogFileValidation": true, "IsMultiRegionTrail": true});
    world.admin("cloudtrail", "UpdateTrail", stronger);
    let event = world.event("UpdateTrail", json!({"name": "plain", "enableLogFileValidation": true}));
    assert_eq!(world.follow("P03", &event).notable().count(), 0);
    let before = world.whole(&trail).unwrap();
    world.admin("cloudtrail", "UpdateTrail", json!({"Name": "plain", "EnableLogFileValidation": false}));
    assert!(is_verified(notable(&world.reconcile())));
    assert_eq!(world.whole(&trail).unwrap(), before);
}

#[test]
fn what_was_never_seen_before_the_attack_is_told() {
    let Some(mut world) = World::new() else { return };
    hardened(&mut world, "main");
    world.admin("cloudtrail", "UpdateTrail", json!({"Name": "main", "EnableLogFileValidation": false}));
    let event = world.event("UpdateTrail", json!({"name": "main", "enableLogFileValidation": false}));
    let run = world.follow("P03", &event);
    assert!(
        matches!(&notable(&run).outcome, Outcome::Cannot { why, .. } if why.contains("not known")),
        "{run:#?}"
    );
    // An event is no occasion to believe what is there.
    let place = world.place.clone();
    assert!(world.engine.baselines("trail", &place).unwrap().is_empty());
}

#[test]
fn a_weaker_trail_that_a_person_accepts_is_good() {
    let Some(mut world) = World::new() else { return };
    let trail = hardened(&mut world, "main");
    world.reconcile();
    world.mode(Mode::Notify);
    world.admin("cloudtrail", "UpdateTrail", json!({"Name": "main", "IsMultiRegionTrail": false}));
    assert!(matches!(notable(&world.reconcile()).outcome, Outcome::Told { .. }));
    let place = world.place.clone();
    world.engine.accept("trail", &place, &trail, "alice", "one region is enough").unwrap().unwrap();
    assert_eq!(world.reconcile().notable().count(), 0);
}

/// What one of the attacks changes, as parameters of `UpdateTrail` and selectors.
#[derive(Clone, Debug)]
struct Tamper {
    multi: Option<bool>,
    validation: Option<bool>,
    key: Option<u8>,
    logs: Option<bool>,
    selectors: Option<Value>,
    stop: bool,
}

fn selectors() -> impl Strategy<Value = Value> {
    let reads = prop::sample::select(vec!["All", "ReadOnly", "WriteOnly"]);
    let excluded = prop::sample::subsequence(vec!["kms.amazonaws.com", "rdsdata.amazonaws.com"], 0..=2);
    let data = prop::sample::subsequence(vec!["arn:aws:s3:::a/", "arn:aws:s3:::b/", "arn:aws:s3"], 0..=2);
    (reads, any::<bool>(), excluded, data).prop_map(|(reads, management, excluded, data)| {
        let data =
            if data.is_empty() { json!([]) } else { json!([{"Type": "AWS::S3::Object", "Values": data}]) };
        json!([{"ReadWriteType": reads, "IncludeManagementEvents": management,
            "ExcludeManagementEventSources": excluded, "DataResources": data}])
    })
}

fn tamper() -> impl Strategy<Value = Tamper> {
    let flag = || prop::option::of(any::<bool>());
    (flag(), flag(), prop::option::of(0..3_u8), flag(), prop::option::of(selectors()), any::<bool>())
        .prop_map(|(multi, validation, key, logs, selectors, stop)| Tamper {
            multi,
            validation,
            key,
            logs,
            selectors,
            stop,
        })
}

fn apply(world: &mut World, trail: &str, tamper: &Tamper) {
    let mut update = json!({"Name": trail});
    let account = world.place.account.clone();
    if let Some(multi) = tamper.multi {
        update["IsMultiRegionTrail"] = json!(multi);
    }
    if let Some(validation) = tamper.validation {
        update["EnableLogFileValidation"] = json!(validation);
    }
    if let Some(nth) = tamper.key {
        update["KmsKeyId"] = if nth == 0 { json!("") } else { json!(key(world, nth)) };
    }
    if let Some(logs) = tamper.logs {
        let of = |text: String| if logs { json!(text) } else { json!("") };
        update["CloudWatchLogsLogGroupArn"] =
            of(format!("arn:aws:logs:{REGION}:{account}:log-group:trails:*"));
        update["CloudWatchLogsRoleArn"] = of(format!("arn:aws:iam::{account}:role/trails"));
    }
    world.admin("cloudtrail", "UpdateTrail", update);
    if let Some(selectors) = &tamper.selectors {
        world.admin(
            "cloudtrail",
            "PutEventSelectors",
            json!({"TrailName": trail, "EventSelectors": selectors}),
        );
    }
    let logging = if tamper.stop { "StopLogging" } else { "StartLogging" };
    world.admin("cloudtrail", logging, json!({"Name": trail}));
}

/// How strong a trail is, side by side: nothing of it may be less after a repair than before it.
fn strength(whole: &Value) -> Vec<bool> {
    let trail = &whole["trail"];
    let mut all: Vec<bool> = ["IsMultiRegionTrail", "LogFileValidationEnabled", "IncludeGlobalServiceEvents"]
        .map(|name| trail[name] == true)
        .to_vec();
    all.extend(
        ["KmsKeyId", "CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn"]
            .map(|name| trail[name].as_str().is_some_and(|text| !text.is_empty())),
    );
    all.push(whole["logs"] == true);
    let empty = Vec::new();
    let listed = whole["selectors"]["EventSelectors"].as_array().unwrap_or(&empty);
    let new = [json!({"ReadWriteType": "All", "IncludeManagementEvents": true})];
    let selectors = if listed.is_empty() { &new[..] } else { listed };
    let reads = |one: &Value, read: bool| match one["ReadWriteType"].as_str().unwrap() {
        "ReadOnly" => read,
        "WriteOnly" => !read,
        _ => true,
    };
    for read in [true, false] {
        for source in ["kms.amazonaws.com", "rdsdata.amazonaws.com", "ec2.amazonaws.com"] {
            let excludes = |one: &Value| {
                one["ExcludeManagementEventSources"]
                    .as_array()
                    .is_some_and(|all| all.contains(&json!(source)))
            };
            all.push(
                selectors
                    .iter()
                    .any(|one| one["IncludeManagementEvents"] == true && reads(one, read) && !excludes(one)),
            );
        }
        for object in ["arn:aws:s3:::a/x", "arn:aws:s3:::b/x", "arn:aws:s3:::c/x"] {
            let takes = |one: &Value| {
                let resources = one["DataResources"].as_array().cloned().unwrap_or_default();
                resources
                    .iter()
                    .flat_map(|resource| resource["Values"].as_array().cloned().unwrap_or_default())
                    .any(|value| value == "arn:aws:s3" || object.starts_with(value.as_str().unwrap()))
            };
            all.push(selectors.iter().any(|one| reads(one, read) && takes(one)));
        }
    }
    all
}

/// Over the playbooks of trails: whatever a trail was, and whatever was done to it, after a repair nothing of it is
/// weaker than before the repair, nor than it was when it was good (but what waits for a person), and its neighbour is
/// as it was.
#[test]
fn nothing_is_weaker_after_a_repair_and_neighbours_stay() {
    let Some(mut world) = World::new() else { return };
    // Many repairs of one account are what this is about.
    world.reset(|settings| {
        settings.limits.per_account = usize::MAX;
        settings.limits.least_of_class = usize::MAX;
    });
    let neighbour = hardened(&mut world, "neighbour");
    let (mut nth, world) = (0, std::cell::RefCell::new(world));
    let mut runner = TestRunner::new(Config {
        cases: 24,
        failure_persistence: None,
        max_shrink_iters: 20,
        ..Config::default()
    });
    let cases = (tamper(), tamper());
    let count = std::cell::RefCell::new(&mut nth);
    let result = runner.run(&cases, |(base, attack)| {
        let world = &mut *world.borrow_mut();
        **count.borrow_mut() += 1;
        let name = format!("trail-{}", count.borrow());
        let trail = world.trail(&name);
        apply(world, &trail, &Tamper { stop: false, ..base });
        world.reconcile();
        let good = world.whole(&trail).unwrap();
        let beside = world.whole(&neighbour).unwrap();
        apply(world, &trail, &attack);
        let bad = world.whole(&trail).unwrap();
        let run = world.reconcile();
        let after = world.whole(&trail).unwrap();
        let sides = strength(&good).into_iter().zip(strength(&bad)).zip(strength(&after));
        for (side, ((good, bad), after)) in sides.enumerate() {
            prop_assert!(after || !bad, "side {side} is weaker than before the repair: {run:#?}");
            prop_assert!(after || !good, "side {side} is weaker than when it was good: {run:#?}");
        }
        prop_assert_eq!(world.whole(&neighbour).unwrap(), beside);
        // What is another key is not decided by a program.
        let (was, is) = (&bad["trail"]["KmsKeyId"], &after["trail"]["KmsKeyId"]);
        if was.as_str().is_some_and(|key| !key.is_empty()) {
            prop_assert_eq!(was, is);
        }
        world.admin("cloudtrail", "DeleteTrail", json!({"Name": name}));
        let place = world.place.clone();
        world
            .engine
            .accept("trail", &place, &trail, "test", "over")
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        Ok(())
    });
    result.unwrap();
}
