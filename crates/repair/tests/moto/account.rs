//! P09: the block that was taken from all buckets of the account is set again.

use std::time::Duration;

use serde_json::{Value, json};
use stockade_repair::{Exemption, Outcome, PassedOver, Whom};
use stockade_testkit::fault_proxy::{Answer, Verdict};

use crate::world::{World, at, is_verified, notable};

const FLAGS: [&str; 4] =
    ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];

fn put(world: &mut World, flags: [bool; 4]) {
    let flags: serde_json::Map<_, _> =
        FLAGS.iter().zip(flags).map(|(name, on)| ((*name).to_owned(), json!(on))).collect();
    world.admin("s3control", "PutPublicAccessBlock", json!({"PublicAccessBlockConfiguration": flags}));
}

fn delete(world: &mut World) -> Value {
    world.admin("s3control", "DeletePublicAccessBlock", json!({}));
    let account = world.place.account.clone();
    world.event_of("s3", "DeleteAccountPublicAccessBlock", json!({"accountId": account}))
}

/// The flags; none where there is no block.
fn block(world: &mut World) -> Option<[bool; 4]> {
    let answer = world.ask("s3control", "GetPublicAccessBlock", json!({})).ok()?;
    Some(FLAGS.map(|name| answer[name] == "true"))
}

/// Tamper, event, repair, verified; again nothing; undo. For the permissions as well.
pub(crate) fn life(world: &mut World) {
    put(world, [true; 4]);
    assert_eq!(world.reconcile().notable().count(), 0);
    let event = delete(world);
    let run = world.follow("P09", &event);
    let item = notable(&run).clone();
    assert!(is_verified(&item), "{run:#?}");
    assert_eq!(block(world), Some([true; 4]));

    assert_eq!(world.follow("P09", &event).passed_over, Some(PassedOver::Duplicate));
    let other = world.event_of("s3", "PutAccountPublicAccessBlock", json!({}));
    assert_eq!(world.follow("P09", &other).notable().count(), 0);

    world.engine.undo(&item.id, "alice").unwrap();
    assert_eq!(block(world), None, "there was none");
    assert!(matches!(notable(&world.reconcile()).outcome, Outcome::Exempt { .. }));
    assert_eq!(world.kinds(&item.id), ["began", "repair", "undo"]);

    // The schedule finds one flag that is off; the former flags come back with undo.
    world.time.pass(Duration::from_secs(3600));
    put(world, [true; 4]);
    world.reconcile();
    put(world, [false, true, true, true]);
    let run = world.reconcile();
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert_eq!(block(world), Some([true; 4]));
    let id = notable(&run).id.clone();
    world.engine.undo(&id, "alice").unwrap();
    assert_eq!(block(world), Some([false, true, true, true]));
}

#[test]
fn its_whole_life() {
    let Some(mut world) = World::new() else { return };
    life(&mut world);
}

#[test]
fn an_account_with_something_public_before_waits_for_a_person() {
    let Some(mut world) = World::new() else { return };
    put(&mut world, [true, true, false, false]);
    world.reconcile();
    let event = delete(&mut world);
    let run = world.follow("P09", &event);
    assert!(matches!(notable(&run).outcome, Outcome::Waiting { .. }), "{run:#?}");
    let id = notable(&run).id.clone();
    assert_eq!(block(&mut world), None);
    assert!(is_verified(notable(&world.engine.approve(&id, "alice").unwrap())));
    assert_eq!(block(&mut world), Some([true, true, false, false]), "as it was, and not more");
}

#[test]
fn an_account_of_which_nothing_is_known_waits_for_a_person() {
    let Some(mut world) = World::new() else { return };
    put(&mut world, [true; 4]);
    let event = delete(&mut world);
    let run = world.follow("P09", &event);
    assert!(matches!(notable(&run).outcome, Outcome::Waiting { .. }), "{run:#?}");
    let id = notable(&run).id.clone();
    assert!(is_verified(notable(&world.engine.approve(&id, "alice").unwrap())));
    assert_eq!(block(&mut world), Some([true; 4]));
}

#[test]
fn a_call_that_fails_is_on_record_and_made_again() {
    let Some(mut world) = World::new() else { return };
    put(&mut world, [true; 4]);
    world.reconcile();
    let event = delete(&mut world);
    world.proxy.rule(|request| match request.method.as_str() {
        "PUT" => {
            Verdict::answer(Answer::xml(503, "<Error><Code>SlowDown</Code><Message>x</Message></Error>"))
        }
        _ => Verdict::Pass,
    });
    let run = world.follow("P09", &event);
    let failed = notable(&run).clone();
    assert!(matches!(&failed.outcome, Outcome::Failed { done: 0, of: 1, .. }), "{failed:#?}");
    assert!(run.retry());
    world.proxy.rule(|_| Verdict::Pass);
    assert!(is_verified(notable(&world.follow("P09", &event))));
    assert_eq!(world.kinds(&failed.id), ["began", "repair", "began", "repair"]);
}

#[test]
fn an_exempt_account_is_told_and_left() {
    let Some(mut world) = World::new() else { return };
    put(&mut world, [true; 4]);
    world.reconcile();
    let whom = Whom { playbook: Some("P09".into()), ..Whom::default() };
    let exemption = Exemption::new(whom, at(3600), "websites").unwrap();
    world.reset(|settings| settings.exemptions = vec![exemption]);
    let event = delete(&mut world);
    let run = world.follow("P09", &event);
    assert!(
        matches!(&notable(&run).outcome, Outcome::Exempt { reason, .. } if reason == "websites"),
        "{run:#?}"
    );
    assert!(world.writes().is_empty());
    world.time.pass(Duration::from_secs(3600));
    assert!(is_verified(notable(&world.reconcile())));
}

/// Whatever account an event names in its parameters: ours is looked at, and no other.
#[test]
fn an_event_is_a_hint_whatever_its_shape() {
    let Some(mut world) = World::new() else { return };
    put(&mut world, [true; 4]);
    world.reconcile();
    for value in
        [json!({"accountId": "999999999999"}), json!({"accountId": [1, {}]}), json!("x"), json!([[]])]
    {
        delete(&mut world);
        let mut event = world.event_of("s3", "PutAccountPublicAccessBlock", value.clone());
        event["detail"]["awsRegion"] = json!("ap-southeast-2");
        let run = world.follow("P09", &event);
        assert_eq!(run.notable().count(), 1, "{value}: {run:#?}");
        assert!(is_verified(notable(&run)), "{value}: {run:#?}");
        world.time.pass(Duration::from_secs(601));
    }
    let seen = world.proxy.seen();
    let about_it: Vec<_> = seen.iter().filter(|request| request.path.contains("publicAccessBlock")).collect();
    assert!(about_it.iter().all(|one| one.header("x-amz-account-id") == Some(&world.place.account)));
}
