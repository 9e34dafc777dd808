//! P04: what Stockade itself consists of is put back.

use serde_json::{Value, json};
use stockade_aws::Call;
use stockade_repair::playbook::Thing;
use stockade_repair::{Outcome, PassedOver, Run};
use stockade_testkit::fault_proxy::{Answer, Verdict};

use crate::world::{REGION, World, is_verified, notable};

const RULE: &str = "stockade-trail-stopped";
const QUEUE: &str = "stockade-events";
const FUNCTION: &str = "stockade-guard";

/// A rule that feeds a queue that feeds a function, with its role, as the template makes them.
struct Installation {
    queue: String,
    feed: String,
}

fn install(world: &mut World) -> Installation {
    world.reset(|settings| {
        settings.own.functions = vec![FUNCTION.to_owned()];
        settings.own.watched_roles = vec![FUNCTION.to_owned()];
        // Several repairs of one account in one test.
        settings.limits.per_account = 1000;
        settings.limits.per_subject = 100;
        settings.limits.least_of_class = 100;
    });
    let account = world.place.account.clone();
    let arn = format!("arn:aws:sqs:{REGION}:{account}:{QUEUE}");
    let rule = format!("arn:aws:events:{REGION}:{account}:rule/{RULE}");
    let dead = format!("{arn}-dead");
    world.admin("sqs", "CreateQueue", json!({"QueueName": format!("{QUEUE}-dead")}));
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage", "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": rule}}}]});
    let redrive = json!({"deadLetterTargetArn": dead, "maxReceiveCount": "5"});
    let attributes = json!({"Policy": policy.to_string(), "RedrivePolicy": redrive.to_string(),
        "MessageRetentionPeriod": "1209600", "VisibilityTimeout": "180"});
    let made = world.admin(
        "sqs",
        "CreateQueue",
        json!({"QueueName": QUEUE, "Attributes": attributes, "tags": {"part": "guard"}}),
    );
    let queue = made["QueueUrl"].as_str().unwrap().to_owned();
    let pattern = json!({"source": ["aws.cloudtrail"], "detail": {"eventName": ["StopLogging"]}});
    world.admin(
        "events",
        "PutRule",
        json!({"Name": RULE, "EventPattern": pattern.to_string(), "State": "ENABLED",
        "Description": "who stops a trail", "Tags": [{"Key": "part", "Value": "guard"}]}),
    );
    world.admin("events", "PutTargets", json!({"Rule": RULE, "Targets": [{"Id": "queue", "Arn": arn}]}));
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    world.admin(
        "iam",
        "CreateRole",
        json!({"RoleName": FUNCTION, "AssumeRolePolicyDocument": trust.to_string()}),
    );
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "cloudtrail:StartLogging", "Resource": "*"}]});
    world.admin(
        "iam",
        "PutRolePolicy",
        json!({"RoleName": FUNCTION, "PolicyName": "repairs", "PolicyDocument": policy.to_string()}),
    );
    let function = json!({"FunctionName": FUNCTION, "Runtime": "provided.al2023", "Handler": "events",
        "Role": format!("arn:aws:iam::{account}:role/{FUNCTION}"), "Timeout": 60,
        "Code": {"ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="},
        "Environment": {"Variables": {"STOCKADE_SECRET": "not for a record"}}});
    world.raw(
        &Call::rest("make".into(), "lambda", "POST", "/2015-03-31/functions".into())
            .with_body("application/json", function.to_string().into_bytes()),
    );
    let feed = json!({"FunctionName": FUNCTION, "EventSourceArn": arn, "Enabled": true});
    world.raw(
        &Call::rest("feed".into(), "lambda", "POST", "/2015-03-31/event-source-mappings".into())
            .with_body("application/json", feed.to_string().into_bytes()),
    );
    let feeds = world.admin("lambda", "ListEventSourceMappings", json!({"FunctionName": FUNCTION}));
    let feed = feeds["EventSourceMappings"][0]["UUID"].as_str().unwrap().to_owned();
    Installation { queue, feed }
}

/// All of it, as it is.
fn whole(world: &mut World, installation: &Installation) -> Value {
    let rules = world.admin("events", "ListRules", json!({"NamePrefix": "stockade-"}))["Rules"].clone();
    let targets = if rules.as_array().is_some_and(|rules| rules.is_empty()) {
        Value::Null
    } else {
        world.admin("events", "ListTargetsByRule", json!({"Rule": RULE}))["Targets"].clone()
    };
    let urls = world.admin("sqs", "ListQueues", json!({"QueueNamePrefix": QUEUE}));
    let mut attributes = Value::Null;
    if urls["QueueUrls"]
        .as_array()
        .is_some_and(|urls| urls.iter().any(|url| *url == installation.queue.as_str()))
    {
        attributes = world.admin(
            "sqs",
            "GetQueueAttributes",
            json!({"QueueUrl": installation.queue, "AttributeNames": ["All"]}),
        );
        for changes in ["CreatedTimestamp", "LastModifiedTimestamp"] {
            attributes["Attributes"].as_object_mut().unwrap().remove(changes);
        }
    }
    let concurrency = world.admin("lambda", "GetFunctionConcurrency", json!({"FunctionName": FUNCTION}));
    let feeds = world.admin("lambda", "ListEventSourceMappings", json!({"FunctionName": FUNCTION}));
    json!({"rules": rules, "targets": targets, "queue": attributes, "concurrency": concurrency["ReservedConcurrentExecutions"],
        "reads": feeds["EventSourceMappings"][0]["State"]})
}

/// One thing that somebody does, with the event that tells of it.
type Tamper = fn(&mut World, &Installation) -> Value;

const TAMPERS: [(&str, Tamper); 9] = [
    ("rule disabled", |world, _| {
        world.admin("events", "DisableRule", json!({"Name": RULE}));
        world.event_of("events", "DisableRule", json!({"name": RULE}))
    }),
    ("target removed", |world, _| {
        world.admin("events", "RemoveTargets", json!({"Rule": RULE, "Ids": ["queue"]}));
        world.event_of("events", "RemoveTargets", json!({"rule": RULE, "ids": ["queue"]}))
    }),
    ("rule deleted", |world, _| {
        world.admin("events", "RemoveTargets", json!({"Rule": RULE, "Ids": ["queue"]}));
        world.admin("events", "DeleteRule", json!({"Name": RULE}));
        world.event_of("events", "DeleteRule", json!({"name": RULE}))
    }),
    ("queue deleted", |world, installation| {
        world.admin("sqs", "DeleteQueue", json!({"QueueUrl": installation.queue}));
        world.event_of("sqs", "DeleteQueue", json!({"queueUrl": installation.queue}))
    }),
    ("queue shut", |world, installation| {
        let attributes = json!({"Policy": "", "MessageRetentionPeriod": "60"});
        world.admin(
            "sqs",
            "SetQueueAttributes",
            json!({"QueueUrl": installation.queue, "Attributes": attributes}),
        );
        world.event_of("sqs", "SetQueueAttributes", json!({"queueUrl": installation.queue}))
    }),
    ("function throttled", |world, _| {
        world.admin(
            "lambda",
            "PutFunctionConcurrency",
            json!({"FunctionName": FUNCTION, "ReservedConcurrentExecutions": 0}),
        );
        world.event_of("lambda", "PutFunctionConcurrency20171031", json!({"functionName": FUNCTION}))
    }),
    ("reading switched off", |world, installation| {
        world.admin(
            "lambda",
            "UpdateEventSourceMapping",
            json!({"UUID": installation.feed, "Enabled": false}),
        );
        world.event_of("lambda", "UpdateEventSourceMapping20150331", json!({"uUID": installation.feed}))
    }),
    ("management events no longer all", |world, _| {
        let now = world.admin("events", "DescribeRule", json!({"Name": RULE}));
        world.admin(
            "events",
            "PutRule",
            json!({"Name": RULE, "EventPattern": now["EventPattern"], "State": "ENABLED",
            "Description": now["Description"]}),
        );
        world.event_of("events", "PutRule", json!({"name": RULE}))
    }),
    ("less reserved", |world, _| {
        world.admin(
            "lambda",
            "PutFunctionConcurrency",
            json!({"FunctionName": FUNCTION, "ReservedConcurrentExecutions": 1}),
        );
        world.event_of(
            "lambda",
            "PutFunctionConcurrency20171031",
            json!({"functionName": format!("arn:aws:lambda:{REGION}:111122223333:function:{FUNCTION}")}),
        )
    }),
];

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
        settings.manifest = stated.into_iter().map(|thing| ("rule".to_owned(), thing)).collect()
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
