//! How many calls a look costs: each thing is asked what only it can answer, once, and lists are asked for the rest.

use std::collections::BTreeMap;

use serde_json::json;
use stockade_testkit::fault_proxy::{Answer, Verdict};

use crate::world::{REGION, World};

const TRAILS: usize = 21;

/// The calls of the engine since the last time, with their regions: those of the playbooks of trails and of our own parts,
/// whatever other playbooks ask.
fn calls(world: &World) -> Vec<(String, String)> {
    let ours =
        |call: &str| ["cloudtrail:", "events:", "sqs:"].iter().any(|service| call.starts_with(service));
    let tape = std::mem::take(&mut *world.tape.lock().unwrap());
    let calls = tape.into_iter().map(|heard| (heard.call.place.region.clone(), heard.call.name()));
    calls.filter(|(_, call)| ours(call)).collect()
}

/// The same, counted.
fn counted(world: &World) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for (_, call) in calls(world) {
        *counted.entry(call).or_default() += 1;
    }
    counted
}

#[test]
fn four_playbooks_ask_a_trail_three_things_and_its_tags_with_others() {
    let Some(mut world) = World::new() else { return };
    for nth in 0..TRAILS {
        world.trail_with(
            &format!("trail-{nth:02}"),
            &json!({"TagsList": [{"Key": "nth", "Value": nth.to_string()}]}),
        );
    }
    let wanted = [
        ("cloudtrail:DescribeTrails", 1),
        ("cloudtrail:GetEventSelectors", TRAILS),
        ("cloudtrail:GetInsightSelectors", TRAILS),
        ("cloudtrail:GetTrailStatus", TRAILS),
        ("cloudtrail:ListTags", 2),
        ("events:ListRules", 1),
        ("sqs:ListQueues", 1),
    ];
    let wanted: BTreeMap<String, usize> = wanted.map(|(call, count)| (call.to_owned(), count)).into();
    for look in ["first", "steady"] {
        assert_eq!(world.reconcile().notable().count(), 0);
        assert_eq!(counted(&world), wanted, "{look}");
    }
    let known = world.engine.baselines("trail", &world.place.clone()).unwrap();
    for base in &known {
        let nth: usize = base.thing.tags["nth"].parse().unwrap();
        assert_eq!(base.thing.name, format!("trail-{nth:02}"), "each has its own tags");
    }
    assert_eq!(known.len(), TRAILS);
}

#[test]
fn where_nothing_of_ours_is_nobody_asks_for_it() {
    let Some(mut world) = World::new() else { return };
    world.trail("main");
    world.reset(|settings| settings.regions = vec![REGION.to_owned(), "eu-west-1".to_owned()]);
    assert_eq!(world.reconcile().notable().count(), 0);
    let all = calls(&world);
    let mut there: Vec<&str> =
        all.iter().filter(|(region, _)| region == "eu-west-1").map(|(_, call)| call.as_str()).collect();
    there.dedup();
    // Once without shadow trails, and, as there is none, once with them.
    assert_eq!(there, ["cloudtrail:DescribeTrails"], "{all:#?}");
    assert!(all.iter().any(|(_, call)| call == "sqs:ListQueues"), "at home they are asked for");
}

#[test]
fn a_trail_whose_tags_cannot_be_read_does_not_hide_those_of_others() {
    let Some(mut world) = World::new() else { return };
    let trails: Vec<String> = ["one", "two", "three"].map(|name| world.trail(name)).into();
    let refused = trails[1].clone();
    world.proxy.rule(move |request| match request.action() {
        Some("ListTags") if String::from_utf8_lossy(&request.body).contains(&refused) => {
            Verdict::answer(Answer::json(400, r#"{"__type":"AccessDeniedException"}"#))
        }
        _ => Verdict::Pass,
    });
    let run = world.reconcile();
    // Two playbooks look at trails, and each says what it could not see.
    let mut troubled: Vec<&String> = run.troubles.iter().map(|trouble| &trouble.what).collect();
    troubled.dedup();
    assert_eq!(troubled, [&trails[1]], "{run:#?}");
    let known = world.engine.baselines("trail", &world.place.clone()).unwrap();
    let mut known: Vec<&String> = known.iter().map(|base| &base.thing.name).collect();
    known.sort();
    assert_eq!(known, ["one", "three"]);
}
