//! P04: what Stockade itself consists of is put back.

mod install;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use stockade_aws::Call;
use stockade_repair::playbook::Thing;
use stockade_repair::{Outcome, PassedOver, Run};
use stockade_testkit::fault_proxy::{Answer, Verdict};

use crate::world::{REGION, World, is_verified, notable};

use install::{FUNCTION, RULE, TAMPERS, install, whole};

/// Each thing that can be done to it: event, repair, verified; again nothing; undo. For the permissions as well.
pub(crate) fn life(world: &mut World) {
    let installation = install(world);
    world.reconcile();
    for (what, tamper) in TAMPERS {
        if what == "management events no longer all" {
            let now = world.admin("events", "DescribeRule", json!({"Name": RULE}));
            world.admin(
                "events",
                "PutRule",
                json!({"Name": RULE, "EventPattern": now["EventPattern"],
                "Description": now["Description"], "State": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}),
            );
            world.reconcile();
        }
        if what == "less reserved" {
            world.admin(
                "lambda",
                "PutFunctionConcurrency",
                json!({"FunctionName": FUNCTION, "ReservedConcurrentExecutions": 7}),
            );
            accept_function(world);
        }
        let before = whole(world, &installation);
        let event = tamper(world, &installation);
        let after = whole(world, &installation);
        assert_ne!(before, after, "{what}");
        let run = world.follow("P04", &event);
        let item = notable(&run).clone();
        assert!(is_verified(&item), "{what}: {run:#?}");
        assert_eq!(whole(world, &installation), before, "{what}");
        assert_eq!(world.follow("P04", &event).passed_over, Some(PassedOver::Duplicate), "{what}");
        assert_eq!(world.reconcile().notable().count(), 0, "{what}");
        world.engine.undo(&item.id, "alice").unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(whole(world, &installation), after, "{what}: the former state");
        assert!(matches!(notable(&world.reconcile()).outcome, Outcome::Exempt { .. }), "{what}");
        world.time.pass(std::time::Duration::from_secs(24 * 3600 + 1));
        assert!(is_verified(notable(&world.reconcile())), "{what}: when the hold is over");
        assert_eq!(whole(world, &installation), before, "{what}");
    }
}

fn accept_function(world: &mut World) {
    let place = world.place.clone();
    let arn = format!("arn:aws:lambda:{REGION}:{}:function:{FUNCTION}", place.account);
    world.engine.accept("function", &place, &arn, "alice", "a limit").unwrap().unwrap();
}

#[test]
fn its_whole_life() {
    let Some(mut world) = World::new() else { return };
    life(&mut world);
}

#[test]
fn a_failing_call_halfway_is_gone_on_with() {
    let Some(mut world) = World::new() else { return };
    let installation = install(&mut world);
    world.reconcile();
    let before = whole(&mut world, &installation);
    let event = TAMPERS[2].1(&mut world, &installation);
    // A good answer that lists what it did not do.
    world.proxy.rule(|request| match request.action() {
        Some("PutTargets") => Verdict::answer(Answer::json(
            200,
            r#"{"FailedEntryCount":1,"FailedEntries":[{"TargetId":"queue","ErrorCode":"ConcurrentModificationException"}]}"#,
        )),
        _ => Verdict::Pass,
    });
    let run = world.follow("P04", &event);
    let failed = notable(&run).clone();
    assert!(matches!(failed.outcome, Outcome::Failed { done: 1, of: 2, .. }), "{failed:#?}");
    world.proxy.rule(|_| Verdict::Pass);
    let run = world.reconcile();
    let item = notable(&run);
    assert!(is_verified(item) && item.id == failed.id, "{run:#?}");
    assert_eq!(item.done.len(), 1, "the rule is there already");
    assert_eq!(whole(&mut world, &installation), before);
}

#[test]
fn no_tag_exempts_the_watchman() {
    let Some(mut world) = World::new() else { return };
    install(&mut world);
    world.reconcile();
    let arn = world.admin("events", "DescribeRule", json!({"Name": RULE}))["Arn"].clone();
    let tag = json!({"Key": "stockade:exempt", "Value": "quiet;until=2026-09-30"});
    world.admin("events", "TagResource", json!({"ResourceARN": arn, "Tags": [tag]}));
    world.admin("events", "DisableRule", json!({"Name": RULE}));
    let run = world.reconcile();
    assert!(is_verified(notable(&run)), "{run:#?}");
}

fn why(run: &Run) -> String {
    match &notable(run).outcome {
        Outcome::Cannot { why, .. } => why.clone(),
        other => panic!("{other:?}: {run:#?}"),
    }
}

#[test]
fn a_role_is_told_and_never_written() {
    let Some(mut world) = World::new() else { return };
    install(&mut world);
    world.reconcile();
    world.admin("iam", "DeleteRolePolicy", json!({"RoleName": FUNCTION, "PolicyName": "repairs"}));
    let event =
        world.event_of("iam", "DeleteRolePolicy", json!({"roleName": FUNCTION, "policyName": "repairs"}));
    let run = world.follow("P04", &event);
    assert!(why(&run).contains("administrator"), "{run:#?}");
    assert!(notable(&run).says.contains("`repairs` is gone"), "{run:#?}");
    world.admin(
        "iam",
        "AttachRolePolicy",
        json!({"RoleName": FUNCTION, "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    );
    let run = world.reconcile();
    assert!(run.notable().any(|item| item.says.contains("AdministratorAccess")), "{run:#?}");
    assert!(world.writes().is_empty());
}

#[test]
fn other_code_is_told_and_its_secrets_are_in_no_record() {
    let Some(mut world) = World::new() else { return };
    install(&mut world);
    world.reconcile();
    let other = json!({"Environment": {"Variables": {"STOCKADE_SECRET": "mallory's"}}, "Handler": "nothing"});
    world.raw(
        &Call::rest(
            "change".into(),
            "lambda",
            "PUT",
            format!("/2015-03-31/functions/{FUNCTION}/configuration"),
        )
        .with_body("application/json", other.to_string().into_bytes()),
    );
    let event =
        world.event_of("lambda", "UpdateFunctionConfiguration20150331v2", json!({"functionName": FUNCTION}));
    let run = world.follow("P04", &event);
    assert!(why(&run).contains("not Stockade's to keep"));
    assert!(notable(&run).says.contains("Environment") && notable(&run).says.contains("Handler"), "{run:#?}");
    let mut all = String::new();
    world
        .engine
        .export(|line| -> Result<(), stockade_repair::ShelfError> {
            all.push_str(line);
            Ok(())
        })
        .unwrap();
    let place = world.place.clone();
    all.push_str(&format!("{:?}", world.engine.baselines("function", &place).unwrap()));
    assert!(!all.contains("not for a record") && !all.contains("mallory's"));
    accept_function(&mut world);
    assert_eq!(world.reconcile().notable().count(), 0);
}

#[test]
fn a_pattern_that_is_another_waits_for_a_person_unless_it_is_stated() {
    let Some(mut world) = World::new() else { return };
    let installation = install(&mut world);
    world.reconcile();
    let before = whole(&mut world, &installation);
    let blind = json!({"source": ["nothing"]});
    let tamper = |world: &mut World| {
        world.admin(
            "events",
            "PutRule",
            json!({"Name": RULE, "EventPattern": blind.to_string(), "State": "ENABLED",
            "Description": "who stops a trail"}),
        );
    };
    tamper(&mut world);
    let run = world.reconcile();
    let id = notable(&run).id.clone();
    assert!(matches!(notable(&run).outcome, Outcome::Waiting { .. }), "{run:#?}");
    assert!(is_verified(notable(&world.engine.approve(&id, "alice").unwrap())));
    assert_eq!(whole(&mut world, &installation), before);

    // Stated: what `stockade rules export` would make.
    let place = world.place.clone();
    let stated: Vec<Thing> =
        world.engine.baselines("rule", &place).unwrap().into_iter().map(|base| base.thing).collect();
    world.shelf = stockade_repair::MemoryShelf::default();
    world.reset(|settings| {
        settings.manifest = stated.into_iter().map(|thing| ("rule".to_owned(), thing)).collect();
    });
    tamper(&mut world);
    assert!(is_verified(notable(&world.reconcile())), "no question");
    assert_eq!(whole(&mut world, &installation), before);
}

#[test]
fn a_purge_is_told_and_what_is_unknown_too() {
    let Some(mut world) = World::new() else { return };
    let installation = install(&mut world);
    world.reconcile();
    let event = world.event_of("sqs", "PurgeQueue", json!({"queueUrl": installation.queue}));
    let run = world.follow("P04", &event);
    assert!(notable(&run).says.contains("messages were deleted"), "{run:#?}");
    let event = world.event_of("events", "DeleteRule", json!({"name": "stockade-unknown"}));
    let run = world.follow("P04", &event);
    assert!(notable(&run).says.contains("`stockade-unknown`"), "{run:#?}");
    assert!(why(&run).contains("not known"));
    assert!(world.writes().is_empty());
}

#[test]
fn what_cannot_be_read_is_not_gone() {
    let Some(mut world) = World::new() else { return };
    install(&mut world);
    world.reconcile();
    for refused in ["ListTargetsByRule", "GetQueueAttributes", "ListQueues", "ListRules", "GetRolePolicy"] {
        world.proxy.rule(move |request| match request.action() {
            Some(action) if action == refused => {
                Verdict::answer(Answer::json(400, r#"{"__type":"AccessDeniedException"}"#))
            }
            _ => Verdict::Pass,
        });
        let run = world.reconcile();
        assert_eq!(run.notable().count(), 0, "{refused}: {run:#?}");
        assert!(!run.troubles.is_empty(), "{refused}");
    }
    assert!(world.writes().is_empty());
}

/// Whatever of it was touched, together and in any order, comes back as it was, and what is not ours stays as it is,
/// though it was touched in the same way.
#[test]
fn whatever_was_touched_comes_back_and_neighbours_stay() {
    let Some(mut world) = World::new() else { return };
    let installation = install(&mut world);
    let pattern = json!({"source": ["theirs"]}).to_string();
    world.admin("events", "PutRule", json!({"Name": "theirs", "EventPattern": pattern, "State": "ENABLED"}));
    let theirs = world.admin(
        "sqs",
        "CreateQueue",
        json!({"QueueName": "theirs", "Attributes": {"DelaySeconds": "0"}}),
    );
    world.reconcile();
    world.admin("events", "DisableRule", json!({"Name": "theirs"}));
    let attributes = json!({"DelaySeconds": "900", "MessageRetentionPeriod": "60"});
    world.admin(
        "sqs",
        "SetQueueAttributes",
        json!({"QueueUrl": theirs["QueueUrl"], "Attributes": attributes}),
    );
    let neighbours = |world: &mut World| {
        let queue = json!({"QueueUrl": theirs["QueueUrl"], "AttributeNames": ["DelaySeconds", "MessageRetentionPeriod"]});
        [
            world.admin("events", "DescribeRule", json!({"Name": "theirs"})),
            world.admin("sqs", "GetQueueAttributes", queue),
        ]
    };
    let (before, beside) = (whole(&mut world, &installation), neighbours(&mut world));
    // Those that can be done in any order.
    let free = [0_usize, 1, 2, 4, 5, 6];
    let world = std::cell::RefCell::new(world);
    let config = Config { cases: 10, failure_persistence: None, max_shrink_iters: 10, ..Config::default() };
    let orders =
        Just(free.to_vec()).prop_shuffle().prop_flat_map(|all| prop::sample::subsequence(all, 1..=4));
    let result = TestRunner::new(config).run(&orders, |chosen| {
        let world = &mut *world.borrow_mut();
        let mut gone = false;
        for nth in &chosen {
            // Nobody can touch a rule that is gone.
            if !gone || !matches!(nth, 0 | 1) {
                TAMPERS[*nth].1(world, &installation);
            }
            gone |= *nth == 2;
        }
        let run = world.reconcile();
        prop_assert!(run.notable().count() > 0 && run.notable().all(is_verified), "{run:#?}");
        prop_assert_eq!(whole(world, &installation), before.clone());
        prop_assert_eq!(neighbours(world), beside.clone());
        world.time.pass(std::time::Duration::from_secs(600));
        Ok(())
    });
    result.unwrap();
}
