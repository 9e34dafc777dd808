//! P10: the block that was taken from a bucket is set again.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use stockade_aws::Call;
use stockade_repair::{Outcome, PassedOver};
use stockade_testkit::fault_proxy::{Answer, Verdict};

use crate::world::{REGION, World, is_verified, notable};

const FLAGS: [&str; 4] =
    ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];

fn put(world: &mut World, bucket: &str, flags: [bool; 4]) {
    let flags: serde_json::Map<_, _> =
        FLAGS.iter().zip(flags).map(|(name, on)| ((*name).to_owned(), json!(on))).collect();
    world.admin(
        "s3",
        "PutPublicAccessBlock",
        json!({"Bucket": bucket, "PublicAccessBlockConfiguration": flags}),
    );
}

fn delete(world: &mut World, bucket: &str) {
    world.admin("s3", "DeletePublicAccessBlock", json!({"Bucket": bucket}));
}

/// The flags; none where there is no block.
fn block(world: &mut World, bucket: &str) -> Option<[bool; 4]> {
    let answer = world.ask("s3", "GetPublicAccessBlock", json!({"Bucket": bucket})).ok()?;
    Some(FLAGS.map(|name| answer[name] == "true"))
}

fn tag(world: &mut World, bucket: &str, key: &str, value: &str) {
    let body =
        format!("<Tagging><TagSet><Tag><Key>{key}</Key><Value>{value}</Value></Tag></TagSet></Tagging>");
    let mut put =
        Call::rest("tag".into(), "s3", "PUT", format!("/{bucket}")).with_body("application/xml", body.into());
    put.query = vec![("tagging".into(), String::new())];
    world.raw(&put);
}

fn taken(world: &mut World, bucket: &str) -> Value {
    world.event_of(
        "s3",
        "DeleteBucketPublicAccessBlock",
        json!({"bucketName": bucket, "publicAccessBlock": ""}),
    )
}

/// Tamper, event, repair, verified; again nothing; undo. For the permissions as well.
pub(crate) fn life(world: &mut World) {
    let (bucket, neighbour) = (world.bucket(), world.bucket());
    put(world, &bucket, [true, true, true, false]);
    put(world, &neighbour, [true; 4]);
    assert_eq!(world.reconcile().notable().count(), 0);
    delete(world, &bucket);
    let event = taken(world, &bucket);
    let run = world.follow("P10", &event);
    let item = notable(&run).clone();
    assert!(is_verified(&item), "{run:#?}");
    assert_eq!((item.name.as_str(), item.done.len()), (bucket.as_str(), 1));
    assert_eq!(block(world, &bucket), Some([true, true, true, false]), "what it lost, and no more");
    assert_eq!(block(world, &neighbour), Some([true; 4]));

    assert_eq!(world.follow("P10", &event).passed_over, Some(PassedOver::Duplicate));
    let other = taken(world, &bucket);
    assert_eq!(world.follow("P10", &other).notable().count(), 0);

    world.engine.undo(&item.id, "alice").unwrap();
    assert_eq!(block(world, &bucket), None, "there was none");
    assert!(matches!(notable(&world.reconcile()).outcome, Outcome::Exempt { .. }));
    assert_eq!(world.kinds(&item.id), ["began", "repair", "undo"]);
    put(world, &bucket, [true; 4]);

    // One flag: the former flags come back with undo, and what got stronger stays.
    world.time.pass(std::time::Duration::from_secs(3600));
    world.reconcile();
    put(world, &bucket, [true, false, true, true]);
    let run = world.reconcile();
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert_eq!(block(world, &bucket), Some([true; 4]));
    let id = notable(&run).id.clone();
    world.engine.undo(&id, "alice").unwrap();
    assert_eq!(block(world, &bucket), Some([true, false, true, true]));
}

#[test]
fn its_whole_life() {
    let Some(mut world) = World::new() else { return };
    life(&mut world);
}

#[test]
fn what_was_never_seen_with_its_block_is_told_and_left() {
    let Some(mut world) = World::new() else { return };
    let bucket = world.bucket();
    let event = taken(&mut world, &bucket);
    let run = world.follow("P10", &event);
    assert!(
        matches!(&notable(&run).outcome, Outcome::Cannot { why, .. } if why.contains("not known")),
        "{run:#?}"
    );
    assert_eq!(block(&mut world, &bucket), None);
    // With all flags on there is nothing to know.
    put(&mut world, &bucket, [true; 4]);
    let event = taken(&mut world, &bucket);
    assert_eq!(world.follow("P10", &event).notable().count(), 0);
}

#[test]
fn a_website_with_a_reason_and_a_day_is_told_and_left() {
    let Some(mut world) = World::new() else { return };
    let bucket = world.bucket();
    put(&mut world, &bucket, [true; 4]);
    world.reconcile();
    tag(&mut world, &bucket, "stockade:exempt", "website/until=2026-09-22");
    delete(&mut world, &bucket);
    let event = taken(&mut world, &bucket);
    let run = world.follow("P10", &event);
    assert!(
        matches!(&notable(&run).outcome, Outcome::Exempt { reason, .. } if reason == "website"),
        "{run:#?}"
    );
    assert!(world.writes().is_empty());
    world.time.pass(std::time::Duration::from_secs(2 * 24 * 3600));
    assert!(is_verified(notable(&world.reconcile())));
}

#[test]
fn a_call_that_fails_is_on_record_and_made_again() {
    let Some(mut world) = World::new() else { return };
    let bucket = world.bucket();
    put(&mut world, &bucket, [true; 4]);
    world.reconcile();
    delete(&mut world, &bucket);
    world.proxy.rule(|request| match request.method.as_str() {
        "PUT" => {
            Verdict::answer(Answer::xml(503, "<Error><Code>SlowDown</Code><Message>x</Message></Error>"))
        }
        _ => Verdict::Pass,
    });
    let event = taken(&mut world, &bucket);
    let run = world.follow("P10", &event);
    let failed = notable(&run).clone();
    assert!(matches!(&failed.outcome, Outcome::Failed { done: 0, of: 1, .. }), "{failed:#?}");
    assert!(run.retry());
    world.proxy.rule(|_| Verdict::Pass);
    let run = world.follow("P10", &event);
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert_eq!(world.kinds(&failed.id), ["began", "repair", "began", "repair"]);
}

/// One bucket that may not be read keeps no other from being repaired.
#[test]
fn a_bucket_that_cannot_be_read_is_named_and_the_others_go_on() {
    let Some(mut world) = World::new() else { return };
    let (secret, bucket) = (world.bucket(), world.bucket());
    put(&mut world, &secret, [true; 4]);
    put(&mut world, &bucket, [true; 4]);
    world.reconcile();
    delete(&mut world, &bucket);
    let path = format!("/{secret}?");
    world.proxy.rule(move |request| {
        if request.path.starts_with(&path) {
            return Verdict::answer(Answer::xml(
                403,
                "<Error><Code>AccessDenied</Code><Message>x</Message></Error>",
            ));
        }
        Verdict::Pass
    });
    let run = world.reconcile();
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert!(run.troubles.iter().any(|trouble| trouble.what.ends_with(&secret)), "{run:#?}");
}

/// Whatever an event says, the look goes to buckets of ours, and says whose they must be.
#[test]
fn an_event_is_a_hint_whatever_its_shape() {
    let Some(mut world) = World::new() else { return };
    let bucket = world.bucket();
    put(&mut world, &bucket, [true; 4]);
    world.reconcile();
    let arn = format!("arn:aws:s3:::{bucket}");
    let all = vec![
        ("requestParameters", json!({"bucketName": bucket})),
        ("requestParameters", json!({"bucketName": [bucket, null, 7]})),
        ("requestParameters", json!({"bucketName": {"bucketName": bucket}})),
        ("requestParameters", json!([])),
        ("requestParameters", json!("bucketName")),
        ("resource", json!({"s3BucketDetails": [{"name": bucket, "arn": arn}]})),
        ("resourceId", json!(bucket)),
        ("findings", json!([{"Resources": [{"Type": "AwsS3Bucket", "Id": arn}]}])),
    ];
    for (name, value) in all {
        delete(&mut world, &bucket);
        let mut event = world.event_of("s3", "PutBucketPublicAccessBlock", Value::Null);
        event["detail"][name] = value.clone();
        let run = world.follow("P10", &event);
        assert_eq!(run.notable().count(), 1, "{name} {value}: {run:#?}");
        assert!(is_verified(notable(&run)), "{name} {value}: {run:#?}");
        world.time.pass(std::time::Duration::from_secs(601));
    }
    world.writes();
    for name in ["somebody-elses", "../x", "*", "", &"x".repeat(70_000)] {
        let event = taken(&mut world, name);
        let run = world.follow("P10", &event);
        assert_eq!((run.notable().count(), run.failed()), (0, false), "{name}: {run:#?}");
    }
    assert!(world.writes().is_empty());
    let seen = world.proxy.seen();
    let about_buckets: Vec<_> =
        seen.iter().filter(|request| request.path.ends_with("?publicAccessBlock=")).collect();
    let owned = |request: &&stockade_testkit::fault_proxy::Request| {
        request.header("x-amz-expected-bucket-owner") == Some(&world.place.account)
    };
    assert!(!about_buckets.is_empty() && about_buckets.iter().all(owned));
    assert!(
        about_buckets.iter().all(|one| one.method != "PUT" || one.header("x-amz-checksum-sha256").is_some())
    );
}

/// Buckets elsewhere are looked at where they are, and a long list has pages.
#[test]
fn lists_come_in_pages() {
    let Some(mut world) = World::new() else { return };
    let bucket = world.bucket();
    put(&mut world, &bucket, [true; 4]);
    world.reconcile();
    delete(&mut world, &bucket);
    world.proxy.rule(|request| {
        if request.path.starts_with("/?") && !request.path.contains("continuation-token") {
            assert!(request.path.contains(&format!("bucket-region={REGION}")), "{}", request.path);
            let page = "<ListAllMyBucketsResult><Buckets/><ContinuationToken>more/1</ContinuationToken></ListAllMyBucketsResult>";
            return Verdict::answer(Answer::xml(200, page));
        }
        Verdict::Pass
    });
    let run = world.reconcile();
    assert!(is_verified(notable(&run)), "{run:#?}");
}

/// Whatever the flags were and whatever is done to them: after a repair each is on that was on before the repair or when it
/// was last good, and no other.
#[test]
fn nothing_is_weaker_and_neighbours_stay() {
    let Some(mut world) = World::new() else { return };
    // The others would look as well, each time.
    world.only = Some("P10".to_owned());
    world.reset(|settings| {
        settings.limits.per_account = usize::MAX;
        settings.limits.per_subject = usize::MAX;
    });
    let (bucket, neighbour) = (world.bucket(), world.bucket());
    put(&mut world, &neighbour, [true, false, true, false]);
    let world = std::cell::RefCell::new(world);
    let config = Config { cases: 12, failure_persistence: None, max_shrink_iters: 20, ..Config::default() };
    let flags = || prop::option::of(prop::array::uniform4(any::<bool>()));
    let ran = TestRunner::new(config).run(&(flags(), flags()), |(good, bad)| {
        let world = &mut *world.borrow_mut();
        let set = |world: &mut World, flags: Option<[bool; 4]>| match flags {
            Some(flags) => put(world, &bucket, flags),
            None => delete(world, &bucket),
        };
        set(world, good);
        let place = world.place.clone();
        let id = format!("arn:aws:s3:::{bucket}");
        // The first time there is nothing to accept.
        let _ = world.engine.accept("bucket-block", &place, &id, "test", "the last good state");
        world.reconcile();
        set(world, bad);
        world.reconcile();
        let (good, bad) = (good.unwrap_or_default(), bad.unwrap_or_default());
        let after = block(world, &bucket).unwrap_or_default();
        for nth in 0..4 {
            prop_assert_eq!(after[nth], good[nth] || bad[nth], "{:?} {:?} {:?}", good, bad, after);
        }
        prop_assert_eq!(block(world, &neighbour), Some([true, false, true, false]));
        Ok::<(), TestCaseError>(())
    });
    ran.unwrap();
}
