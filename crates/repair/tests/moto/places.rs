//! Accounts and regions: home regions, shadows, organisation trails, and one that fails beside others that go on.

use serde_json::{Value, json};
use stockade_repair::{Outcome, PassedOver, Scope};
use stockade_testkit::fault_proxy::{Answer, Verdict};

use crate::world::{REGION, World, is_verified, notable};

const OTHER: &str = "us-west-2";

#[test]
fn a_trail_is_started_in_its_home_and_nowhere_else() {
    let Some(mut world) = World::new() else { return };
    world.reset(|settings| settings.regions = vec![OTHER.to_owned(), REGION.to_owned()]);
    let trail = world.trail_with("main", &json!({"IsMultiRegionTrail": true}));
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let event = world.config_event("multi-region-cloudtrail-enabled");
    let run = world.follow("P01", &event);
    let item = notable(&run);
    assert!(is_verified(item), "{run:#?}");
    assert_eq!(item.done[0].call.place.region, REGION);
    assert_eq!(item.done.len(), 1, "not for its shadow");
}

#[test]
fn a_region_that_fails_is_reported_and_the_others_go_on() {
    let Some(mut world) = World::new() else { return };
    world.reset(|settings| settings.regions = vec![OTHER.to_owned(), REGION.to_owned()]);
    let trail = world.trail("main");
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    world.proxy.rule(|request| {
        let there = request.header("authorization").is_some_and(|text| text.contains(OTHER));
        if there && request.action() == Some("DescribeTrails") {
            return Verdict::answer(Answer::json(
                403,
                r#"{"__type":"UnrecognizedClientException","message":"region is off"}"#,
            ));
        }
        Verdict::Pass
    });
    let run = world.reconcile();
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert!(run.troubles.iter().all(|trouble| trouble.place.region == OTHER), "{run:#?}");
    assert!(!run.troubles.is_empty() && run.failed());
    assert!(world.is_logging(&trail));
    let report = world.engine.check(&Scope::default()).unwrap();
    assert_eq!(report.exit_code(), 2);
    assert!(report.table().contains("UNKNOWN"), "{}", report.table());
}

#[test]
fn a_thing_that_cannot_be_read_is_reported_and_the_others_go_on() {
    let Some(mut world) = World::new() else { return };
    let (first, second) = (world.trail("first"), world.trail("second"));
    world.reconcile();
    for name in ["first", "second"] {
        world.admin("cloudtrail", "UpdateTrail", json!({"Name": name, "EnableLogFileValidation": true}));
        world.reconcile();
        world.admin("cloudtrail", "UpdateTrail", json!({"Name": name, "EnableLogFileValidation": false}));
    }
    let refused = first.clone();
    world.proxy.rule(move |request| {
        let of_first = String::from_utf8_lossy(&request.body).contains(&refused);
        match request.action() {
            Some("GetEventSelectors") if of_first => {
                Verdict::answer(Answer::json(400, r#"{"__type":"AccessDeniedException"}"#))
            }
            _ => Verdict::Pass,
        }
    });
    let run = world.reconcile();
    let items: Vec<_> = run.notable().filter(|item| item.subject.id == second).collect();
    assert!(items.is_empty() || is_verified(items[0]), "{run:#?}");
    assert!(run.troubles.iter().any(|trouble| trouble.what == first), "{run:#?}");
}

#[test]
fn an_organisations_trail_belongs_to_its_owner() {
    let Some(mut world) = World::new() else { return };
    // moto has no organisation trails: what a member sees is put into its answer.
    let foreign = format!("arn:aws:cloudtrail:{REGION}:999988887777:trail/org");
    let named = foreign.clone();
    world.proxy.rule(move |request| {
        let foreign = foreign.clone();
        let shadows = String::from_utf8_lossy(&request.body).contains("true");
        match request.action() {
            Some("DescribeTrails") if shadows => Verdict::Change {
                body: request.body.clone(),
                answer: Box::new(move |mut answer| {
                    let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
                    let trail = json!({"Name": "org", "TrailARN": foreign, "HomeRegion": REGION, "IsOrganizationTrail": true,
                        "S3BucketName": "theirs", "IsMultiRegionTrail": true});
                    body["trailList"].as_array_mut().unwrap().push(trail);
                    answer.body = body.to_string().into_bytes();
                    answer
                }),
            },
            _ => Verdict::Pass,
        }
    });
    let event = world.config_event("cloudtrail-enabled");
    let run = world.follow("P01", &event);
    let item = notable(&run);
    assert_eq!((&item.outcome, item.subject.id.as_str()), (&Outcome::NotOurs, named.as_str()));
    assert!(item.says.contains("999988887777"));
    assert_eq!(stockade_repair::answer(&run).status_code, 200, "it is not without a trail");
    assert!(
        !world.calls().iter().any(|call| call == "cloudtrail:GetTrailStatus"),
        "nothing is asked about it"
    );
}

#[test]
fn what_happens_elsewhere_is_nobodys() {
    let Some(mut world) = World::new() else { return };
    let mut event = world.event("StopLogging", json!({"name": "main"}));
    event["account"] = json!("999988887777");
    let run = world.follow("P01", &event);
    assert_eq!(run.passed_over, Some(PassedOver::Elsewhere { place: "999988887777".to_owned() }));
    // A name that leads to another place leads nowhere: nothing is signed for a host that an event names.
    for name in [
        "arn:aws:cloudtrail:us-east-1:111122223333:trail/x",
        "arn:aws:cloudtrail:evil.example/:111122223333:trail/x",
        "arn:aws:cloudtrail:x@evil.example:111122223333:trail/x",
    ] {
        let event = world.event("StopLogging", json!({"name": name}));
        let run = world.follow("P01", &event);
        assert!(matches!(run.passed_over, Some(PassedOver::Elsewhere { .. })), "{name}: {run:#?}");
    }
    assert_eq!(world.calls(), [""; 0]);
}

#[test]
fn without_a_list_the_regions_of_the_account_are_asked_for() {
    let Some(mut world) = World::new() else { return };
    world.reset(|settings| settings.regions = Vec::new());
    let made = world.admin_in(OTHER, "cloudtrail", "DescribeTrails", json!({}));
    assert_eq!(made["trailList"], json!([]));
    let bucket = world.bucket();
    let there = json!({"Name": "far", "S3BucketName": bucket});
    let trail =
        world.admin_in(OTHER, "cloudtrail", "CreateTrail", there)["TrailARN"].as_str().unwrap().to_owned();
    let scope = Scope { playbooks: vec!["trail-stopped".to_owned()], ..Scope::default() };
    let report = world.engine.check(&scope).unwrap();
    assert_eq!(report.exit_code(), 1, "{}", report.table());
    let row = &report.rows[0];
    assert_eq!((row.subject.id.as_str(), row.subject.place.region.as_str()), (trail.as_str(), OTHER));
    assert!(row.plan.is_some());
    assert!(world.writes().is_empty(), "a check changes nothing");
    let calls = world.engine.check(&Scope { regions: vec![REGION.to_owned()], ..scope }).unwrap();
    assert!(calls.rows.is_empty() && calls.exit_code() == 0);
}

#[test]
fn other_accounts_are_reached_by_their_role_and_external_id() {
    let Some(mut world) = World::new() else { return };
    let trail = world.trail("main");
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    world.proxy.seen();
    let run = world.reconcile();
    let id = notable(&run).id.clone();
    let asked: Vec<String> = world
        .proxy
        .seen()
        .iter()
        .filter(|request| request.action() == Some("AssumeRole"))
        .map(|request| String::from_utf8_lossy(&request.body).into_owned())
        .collect();
    assert_eq!(asked.len(), 2, "one session to look, one for the repair: {asked:?}");
    assert!(asked.iter().all(|body| body.contains("ExternalId=the-id")), "{asked:?}");
    assert!(asked[0].contains("RoleSessionName=stockade-check"), "{asked:?}");
    assert!(asked[1].contains(&format!("RoleSessionName=stockade-{id}")), "{asked:?}");
}
