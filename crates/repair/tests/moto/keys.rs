//! P17: a key that is to be deleted, or was disabled, works again.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use stockade_repair::{Mode, Outcome, PassedOver};
use stockade_testkit::fault_proxy::{Answer, Verdict};

use crate::world::{World, is_verified, notable};

/// A key that works; its id.
fn key(world: &mut World) -> String {
    let made = world.admin("kms", "CreateKey", json!({"Description": "a test"}));
    made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
}

fn state(world: &mut World, key: &str) -> String {
    let all = world.admin("kms", "DescribeKey", json!({"KeyId": key}));
    all["KeyMetadata"]["KeyState"].as_str().unwrap().to_owned()
}

fn schedule(world: &mut World, key: &str) -> Value {
    world.admin("kms", "ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}));
    world.event_of("kms", "ScheduleKeyDeletion", json!({"keyId": key, "pendingWindowInDays": 7}))
}

fn disable(world: &mut World, key: &str) -> Value {
    world.admin("kms", "DisableKey", json!({"KeyId": key}));
    world.event_of("kms", "DisableKey", json!({"keyId": key}))
}

/// Tamper, event, repair, verified; again nothing; undo. For the permissions as well.
pub(crate) fn life(world: &mut World) {
    let (doomed, neighbour) = (key(world), key(world));
    disable(world, &neighbour);
    assert_eq!(world.reconcile().notable().count(), 0);
    let event = schedule(world, &doomed);
    let run = world.follow("P17", &event);
    let item = notable(&run).clone();
    assert!(is_verified(&item), "{run:#?}");
    assert!(item.says.contains("is to be deleted at 20"), "{}", item.says);
    let made: Vec<&str> = item.done.iter().map(|done| done.call.operation.as_str()).collect();
    assert_eq!(made, ["CancelKeyDeletion", "EnableKey"], "one after the other");
    assert_eq!(state(world, &doomed), "Enabled");
    assert_eq!(state(world, &neighbour), "Disabled", "as it was");

    assert_eq!(world.follow("P17", &event).passed_over, Some(PassedOver::Duplicate));
    let other = world.event_of("kms", "DisableKey", json!({"keyId": doomed}));
    assert_eq!(world.follow("P17", &other).notable().count(), 0);

    world.writes();
    world.engine.undo(&item.id, "alice").unwrap();
    assert_eq!(state(world, &doomed), "PendingDeletion");
    let undone = world.writes();
    assert_eq!(
        undone[1].call.parameters["PendingWindowInDays"], 7,
        "the time that the event named: {undone:#?}"
    );
    assert!(matches!(notable(&world.reconcile()).outcome, Outcome::Exempt { .. }));
    assert_eq!(world.kinds(&item.id), ["began", "repair", "undo"]);
}

#[test]
fn its_whole_life() {
    let Some(mut world) = World::new() else { return };
    life(&mut world);
}

#[test]
fn a_key_that_was_disabled_comes_back_disabled() {
    let Some(mut world) = World::new() else { return };
    let key = key(&mut world);
    disable(&mut world, &key);
    world.reconcile();
    let event = schedule(&mut world, &key);
    let run = world.follow("P17", &event);
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert_eq!(notable(&run).done.len(), 1);
    assert_eq!(state(&mut world, &key), "Disabled");
    assert_eq!(world.reconcile().notable().count(), 0);
}

#[test]
fn what_no_event_told_is_found_by_the_schedule() {
    let Some(mut world) = World::new() else { return };
    let (one, two) = (key(&mut world), key(&mut world));
    world.reconcile();
    disable(&mut world, &one);
    schedule(&mut world, &two);
    let run = world.reconcile();
    assert_eq!(run.notable().filter(|item| is_verified(item)).count(), 2, "{run:#?}");
    assert_eq!((state(&mut world, &one), state(&mut world, &two)), ("Enabled".into(), "Enabled".into()));
}

#[test]
fn what_is_not_known_of_a_key_is_not_guessed() {
    let Some(mut world) = World::new() else { return };
    let (old, retired, new) = (key(&mut world), key(&mut world), key(&mut world));
    schedule(&mut world, &old);
    disable(&mut world, &retired);
    // Both were so before us: one is told, once, the other is how it is.
    let run = world.reconcile();
    assert!(matches!(notable(&run).outcome, Outcome::Told { .. }), "{run:#?}");
    assert!(notable(&world.reconcile()).repeated);
    let retired = disable(&mut world, &retired);
    assert_eq!(world.follow("P17", &retired).notable().count(), 0);
    // A key that is younger than our last look: its deletion is called off, a disabled one waits for a person.
    world.admin("kms", "CancelKeyDeletion", json!({"KeyId": old}));
    let young = key(&mut world);
    let event = schedule(&mut world, &young);
    assert!(is_verified(notable(&world.follow("P17", &event))));
    assert_eq!(state(&mut world, &young), "Enabled");
    let young = key(&mut world);
    let event = disable(&mut world, &young);
    let run = world.follow("P17", &event);
    assert!(matches!(notable(&run).outcome, Outcome::Waiting { .. }), "{run:#?}");
    let id = notable(&run).id.clone();
    assert!(is_verified(notable(&world.engine.approve(&id, "alice").unwrap())));
    assert_eq!((state(&mut world, &young), state(&mut world, &new)), ("Enabled".into(), "Enabled".into()));
}

#[test]
fn a_call_that_fails_halfway_is_on_record_and_the_rest_is_done_the_next_time() {
    let Some(mut world) = World::new() else { return };
    // Nothing is known of it: then half of a repair could be taken for how it was.
    let key = key(&mut world);
    let event = schedule(&mut world, &key);
    world.proxy.rule(|request| match request.action() {
        Some("EnableKey") => Verdict::answer(Answer::json(500, r#"{"__type":"KMSInternalException"}"#)),
        _ => Verdict::Pass,
    });
    let run = world.follow("P17", &event);
    let failed = notable(&run).clone();
    assert!(matches!(&failed.outcome, Outcome::Failed { done: 1, of: 2, .. }), "{failed:#?}");
    assert_eq!((run.retry(), state(&mut world, &key)), (true, "Disabled".to_owned()));
    assert!(matches!(notable(&world.reconcile()).outcome, Outcome::Failed { done: 0, of: 1, .. }));
    world.proxy.rule(|_| Verdict::Pass);
    world.time.pass(Duration::from_secs(600));
    let run = world.reconcile();
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert_eq!(notable(&run).id, failed.id);
    assert_eq!(state(&mut world, &key), "Enabled");
    assert_eq!(world.kinds(&failed.id), ["began", "repair", "began", "repair", "began", "repair"]);
}

#[test]
fn a_key_with_a_reason_and_a_day_is_told_and_one_that_a_person_accepts_is_good() {
    let Some(mut world) = World::new() else { return };
    let (tagged, accepted) = (key(&mut world), key(&mut world));
    world.reconcile();
    let tag = json!([{"TagKey": "stockade:exempt", "TagValue": "retired/until=2026-09-22"}]);
    world.admin("kms", "TagResource", json!({"KeyId": tagged, "Tags": tag}));
    let event = schedule(&mut world, &tagged);
    let run = world.follow("P17", &event);
    assert!(
        matches!(&notable(&run).outcome, Outcome::Exempt { reason, .. } if reason == "retired"),
        "{run:#?}"
    );
    assert_eq!(state(&mut world, &tagged), "PendingDeletion");
    world.mode(Mode::Notify);
    disable(&mut world, &accepted);
    assert_eq!(world.reconcile().notable().count(), 2);
    let place = world.place.clone();
    world.engine.accept("key", &place, &accepted, "alice", "retired").unwrap().unwrap();
    assert_eq!(notable(&world.reconcile()).name, tagged);
    world.mode(Mode::Act);
    world.time.pass(Duration::from_secs(2 * 24 * 3600));
    assert!(is_verified(notable(&world.reconcile())), "the day is over");
}

/// Whatever an event says, the look goes to keys of ours.
#[test]
fn an_event_is_a_hint_whatever_its_shape() {
    let Some(mut world) = World::new() else { return };
    let ours = key(&mut world);
    world.reconcile();
    let arn = format!("arn:aws:kms:eu-central-1:{}:key/{ours}", world.place.account);
    let all = vec![
        ("requestParameters", json!({"keyId": ours, "pendingWindowInDays": "7"})),
        ("requestParameters", json!({"keyId": arn, "pendingWindowInDays": 7_000_000})),
        ("requestParameters", json!({"keyId": [ours, 1, null], "pendingWindowInDays": [7]})),
        ("requestParameters", json!({"keyId": {"keyId": ours}})),
        ("requestParameters", json!([[]])),
        ("requestParameters", json!("keyId")),
        ("resourceId", json!(ours)),
        ("findings", json!([{"Resources": {"Id": arn}}])),
    ];
    for (name, value) in all {
        let mut event = schedule(&mut world, &ours);
        event["detail"][name] = value.clone();
        if name != "requestParameters" {
            event["detail"]["requestParameters"].take();
        }
        let run = world.follow("P17", &event);
        assert_eq!(run.notable().count(), 1, "{name} {value}: {run:#?}");
        assert!(is_verified(notable(&run)), "{name} {value}: {run:#?}");
        let undo = notable(&run).done[0].undo.clone().unwrap();
        assert_eq!(undo.parameters.get("PendingWindowInDays"), None, "{undo:?}");
        world.time.pass(Duration::from_secs(601));
    }
    world.writes();
    let foreign = "arn:aws:kms:eu-central-1:999999999999:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    for name in [foreign, "alias/aws/s3", "../x", "*", "", &"x".repeat(70_000)] {
        let event = world.event_of("kms", "ScheduleKeyDeletion", json!({"keyId": name}));
        let run = world.follow("P17", &event);
        assert_eq!((run.notable().count(), run.failed()), (0, false), "{name}: {run:#?}");
    }
    assert!(world.writes().is_empty());
}

/// Lists come in pages, and a key that may not be read keeps no other from being repaired.
#[test]
fn all_pages_are_read_and_what_cannot_be_read_is_named() {
    let Some(mut world) = World::new() else { return };
    let (secret, doomed) = (key(&mut world), key(&mut world));
    world.reconcile();
    schedule(&mut world, &doomed);
    let hidden = secret.clone();
    world.proxy.rule(move |request| {
        let body = String::from_utf8_lossy(&request.body);
        match request.action() {
            Some("ListKeys") if !body.contains("page2") => {
                Verdict::answer(Answer::json(200, r#"{"Keys":[],"NextMarker":"page2","Truncated":true}"#))
            }
            Some("DescribeKey") if body.contains(&hidden) => {
                Verdict::answer(Answer::json(400, r#"{"__type":"AccessDeniedException"}"#))
            }
            _ => Verdict::Pass,
        }
    });
    let run = world.reconcile();
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert!(run.troubles.iter().any(|trouble| trouble.what.ends_with(&secret)), "{run:#?}");
}

/// Whatever a key was and whatever was done to it: after a repair it is what it was, and its neighbour is as it was.
#[test]
fn nothing_is_weaker_and_neighbours_stay() {
    let Some(mut world) = World::new() else { return };
    world.only = Some("P17".to_owned());
    world.reset(|settings| settings.limits.per_account = usize::MAX);
    let neighbour = key(&mut world);
    disable(&mut world, &neighbour);
    let world = std::cell::RefCell::new(world);
    let config = Config { cases: 12, failure_persistence: None, max_shrink_iters: 20, ..Config::default() };
    let ran =
        TestRunner::new(config).run(&(any::<bool>(), 0..3u8, any::<bool>()), |(was_on, attack, told)| {
            let world = &mut *world.borrow_mut();
            let key = key(world);
            if !was_on {
                disable(world, &key);
            }
            world.reconcile();
            let event = match attack {
                0 => disable(world, &key),
                1 => schedule(world, &key),
                _ => world.event_of("kms", "DisableKey", json!({"keyId": key})),
            };
            if told {
                world.follow("P17", &event);
            } else {
                world.reconcile();
            }
            prop_assert_eq!(state(world, &key), if was_on { "Enabled" } else { "Disabled" });
            prop_assert_eq!(state(world, &neighbour), "Disabled");
            world.time.pass(Duration::from_secs(601));
            Ok::<(), TestCaseError>(())
        });
    ran.unwrap();
}
