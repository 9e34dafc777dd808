//! P12: a snapshot that everybody may use is closed; one that a strange account may use waits for a person.

use std::time::Duration;

use serde_json::{Value, json};
use stockade_repair::{Outcome, PassedOver};
use stockade_testkit::fault_proxy::{Answer, Verdict};

use crate::world::{REGION, World, is_verified, notable};

const STRANGE: &str = "444455556666";
const KNOWN: &str = "777788889999";

fn snapshot(world: &mut World) -> String {
    let zone = format!("{REGION}a");
    let volume = world.admin("ec2", "CreateVolume", json!({"AvailabilityZone": zone, "Size": 1}));
    let made = world.admin("ec2", "CreateSnapshot", json!({"VolumeId": volume["volumeId"]}));
    made["snapshotId"].as_str().unwrap().to_owned()
}

/// Shares a snapshot with everybody or an account, and tells of it as EC2 does.
fn share(world: &mut World, snapshot: &str, whom: &str) -> Value {
    let (name, field) = if whom == "all" { ("UserGroup", "group") } else { ("UserId", "userId") };
    world.admin(
        "ec2",
        "ModifySnapshotAttribute",
        json!({"SnapshotId": snapshot, "Attribute": "createVolumePermission", "OperationType": "add", name: [whom]}),
    );
    world.event_of(
        "ec2",
        "ModifySnapshotAttribute",
        json!({"snapshotId": snapshot, "attributeType": "CREATE_VOLUME_PERMISSION",
            "createVolumePermission": {"add": {"items": [{field: whom}]}}}),
    )
}

/// With whom it is shared.
fn shared(world: &mut World, snapshot: &str) -> Vec<String> {
    let asked = json!({"SnapshotId": snapshot, "Attribute": "createVolumePermission"});
    let answer = world.admin("ec2", "DescribeSnapshotAttribute", asked);
    let all = answer["createVolumePermission"].as_array().cloned().unwrap_or_default();
    let mut whom: Vec<String> = all
        .iter()
        .map(|one| one["group"].as_str().or_else(|| one["userId"].as_str()).unwrap().to_owned())
        .collect();
    whom.sort();
    whom
}

/// Tamper, event, repair, verified; again nothing; undo. For the permissions as well.
pub(crate) fn life(world: &mut World) {
    world.reset(|settings| settings.own.accounts = vec![KNOWN.to_owned()]);
    let (leaked, neighbour) = (snapshot(world), snapshot(world));
    share(world, &leaked, KNOWN);
    share(world, &neighbour, KNOWN);
    assert_eq!(world.reconcile().notable().count(), 0);
    let event = share(world, &leaked, "all");
    let run = world.follow("P12", &event);
    let item = notable(&run).clone();
    assert!(is_verified(&item), "{run:#?}");
    assert!(item.notes.iter().any(|note| note.contains("copied already")), "{item:#?}");
    assert_eq!(shared(world, &leaked), [KNOWN], "who may have it keeps it");
    assert_eq!(shared(world, &neighbour), [KNOWN]);

    assert_eq!(world.follow("P12", &event).passed_over, Some(PassedOver::Duplicate));
    let other = world.event_of("ec2", "ModifySnapshotAttribute", json!({"snapshotId": leaked}));
    assert_eq!(world.follow("P12", &other).notable().count(), 0);

    world.engine.undo(&item.id, "alice").unwrap();
    assert_eq!(shared(world, &leaked), [KNOWN, "all"]);
    assert!(matches!(notable(&world.reconcile()).outcome, Outcome::Exempt { .. }));
    assert_eq!(world.kinds(&item.id), ["began", "repair", "undo"]);
}

#[test]
fn its_whole_life() {
    let Some(mut world) = World::new() else { return };
    life(&mut world);
}

#[test]
fn a_strange_account_waits_for_a_person_and_everybody_does_not() {
    let Some(mut world) = World::new() else { return };
    let leaked = snapshot(&mut world);
    share(&mut world, &leaked, "all");
    let event = share(&mut world, &leaked, STRANGE);
    let run = world.follow("P12", &event);
    let items: Vec<_> = run.notable().collect();
    assert_eq!(items.len(), 2, "{run:#?}");
    assert!(is_verified(items[0]), "{run:#?}");
    assert!(matches!(items[1].outcome, Outcome::Waiting { .. }), "{run:#?}");
    assert_eq!(shared(&mut world, &leaked), [STRANGE], "not yet");
    let id = items[1].id.clone();
    let run = world.engine.approve(&id, "alice").unwrap();
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert_eq!(shared(&mut world, &leaked), [""; 0]);
    world.engine.undo(&id, "alice").unwrap();
    assert_eq!(shared(&mut world, &leaked), [STRANGE]);
}

#[test]
fn what_is_public_and_no_event_told_is_found_by_the_schedule() {
    let Some(mut world) = World::new() else { return };
    let leaked = snapshot(&mut world);
    share(&mut world, &leaked, "all");
    let run = world.reconcile();
    assert!(is_verified(notable(&run)), "{run:#?}");
    // moto gives all snapshots, whoever may use them: that the question is for public ones is seen in it.
    let bodies: Vec<String> = world
        .proxy
        .seen()
        .iter()
        .map(|request| String::from_utf8_lossy(&request.body).into_owned())
        .collect();
    let asked = bodies.iter().find(|body| body.contains("Action=DescribeSnapshots&")).unwrap();
    assert!(asked.contains("RestorableBy.1=all") && asked.contains("Owner.1=self"), "{asked}");
}

/// moto lists also what is not public; AWS does not, so what was bad has to be asked for by its id.
#[test]
fn what_was_closed_by_others_is_over_and_told_anew_the_next_time() {
    let Some(mut world) = World::new() else { return };
    world.mode(stockade_repair::Mode::Notify);
    world.proxy.rule(|request| match request.action() {
        Some("DescribeSnapshots") if String::from_utf8_lossy(&request.body).contains("RestorableBy") => {
            Verdict::answer(Answer::xml(
                200,
                "<DescribeSnapshotsResponse><snapshotSet/></DescribeSnapshotsResponse>",
            ))
        }
        _ => Verdict::Pass,
    });
    let leaked = snapshot(&mut world);
    let event = share(&mut world, &leaked, "all");
    assert!(!notable(&world.follow("P12", &event)).repeated);
    assert!(notable(&world.reconcile()).repeated, "still");
    let call = json!({"SnapshotId": leaked, "Attribute": "createVolumePermission", "OperationType": "remove",
        "UserGroup": ["all"]});
    world.admin("ec2", "ModifySnapshotAttribute", call);
    assert_eq!(world.reconcile().notable().count(), 0);
    share(&mut world, &leaked, "all");
    assert_eq!(
        world.reconcile().notable().count(),
        0,
        "it is forgotten, and found by its event or the public list"
    );
    world.proxy.rule(|_| Verdict::Pass);
    assert!(!notable(&world.reconcile()).repeated, "news");
}

#[test]
fn a_call_that_fails_is_on_record_and_made_again() {
    let Some(mut world) = World::new() else { return };
    let leaked = snapshot(&mut world);
    world.proxy.rule(|request| match request.action() {
        Some("ModifySnapshotAttribute") => Verdict::answer(Answer::xml(
            503,
            "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>x</Message></Error></Errors></Response>",
        )),
        _ => Verdict::Pass,
    });
    let event = share(&mut world, &leaked, "all");
    let run = world.follow("P12", &event);
    let failed = notable(&run).clone();
    assert!(matches!(&failed.outcome, Outcome::Failed { done: 0, of: 1, .. }), "{failed:#?}");
    assert!(run.retry());
    world.proxy.rule(|_| Verdict::Pass);
    assert!(is_verified(notable(&world.follow("P12", &event))));
    assert_eq!(world.kinds(&failed.id), ["began", "repair", "began", "repair"]);
}

#[test]
fn a_snapshot_with_a_reason_and_a_day_is_told_and_left() {
    let Some(mut world) = World::new() else { return };
    let published = snapshot(&mut world);
    let tag = json!([{"Key": "stockade:exempt", "Value": "published;until=2026-09-22"}]);
    world.admin("ec2", "CreateTags", json!({"ResourceId": [published], "Tag": tag}));
    let event = share(&mut world, &published, "all");
    let run = world.follow("P12", &event);
    assert!(
        matches!(&notable(&run).outcome, Outcome::Exempt { reason, .. } if reason == "published"),
        "{run:#?}"
    );
    assert!(world.writes().is_empty());
    world.time.pass(Duration::from_secs(2 * 24 * 3600));
    assert!(is_verified(notable(&world.reconcile())));
}

/// Whatever an event says, the look goes to snapshots of ours.
#[test]
fn an_event_is_a_hint_whatever_its_shape() {
    let Some(mut world) = World::new() else { return };
    let leaked = snapshot(&mut world);
    let arn = format!("arn:aws:ec2:{REGION}:{}:snapshot/{leaked}", world.place.account);
    let all = vec![
        ("requestParameters", json!({"snapshotId": leaked})),
        ("requestParameters", json!({"snapshotId": [leaked, 1, null, "snap-0123456789abcdef0"]})),
        ("requestParameters", json!({"snapshotId": {"snapshotId": leaked}})),
        ("requestParameters", json!([])),
        ("requestParameters", json!("snapshotId")),
        ("resourceId", json!("AWS::::Account")),
        ("findings", json!([{"Resources": [{"Id": arn}]}])),
        (
            "requestParameters",
            json!({"snapshotId": (0..500).map(|n| format!("snap-{n:08x}")).collect::<Vec<_>>()}),
        ),
    ];
    for (name, value) in all {
        let mut event = share(&mut world, &leaked, "all");
        event["detail"]["requestParameters"].take();
        event["detail"][name] = value.clone();
        let run = world.follow("P12", &event);
        assert_eq!(run.notable().count(), 1, "{name} {value}: {run:#?}");
        assert!(is_verified(notable(&run)), "{name} {value}: {run:#?}");
        world.time.pass(Duration::from_secs(601));
    }
    world.writes();
    for name in ["snap-0123456789abcdef0", "snap-*", "../x", "", &"x".repeat(70_000)] {
        let event = world.event_of("ec2", "ModifySnapshotAttribute", json!({"snapshotId": name}));
        let run = world.follow("P12", &event);
        assert_eq!((run.notable().count(), run.failed()), (0, false), "{name}: {run:#?}");
    }
    // A snapshot of somebody else's that answers all the same.
    let body = "<DescribeSnapshotsResponse><snapshotSet><item><snapshotId>snap-0123456789abcdef0</snapshotId>\
                <ownerId>444455556666</ownerId></item></snapshotSet></DescribeSnapshotsResponse>";
    world.proxy.rule(move |request| match request.action() {
        Some("DescribeSnapshots") => Verdict::answer(Answer::xml(200, body)),
        _ => Verdict::Pass,
    });
    let event =
        world.event_of("ec2", "ModifySnapshotAttribute", json!({"snapshotId": "snap-0123456789abcdef0"}));
    assert_eq!(world.follow("P12", &event).notable().count(), 0);
    assert!(world.writes().is_empty());
}
