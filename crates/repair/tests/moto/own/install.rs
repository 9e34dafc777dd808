//! An installation of Stockade, and what somebody does to it.

use serde_json::{Value, json};
use stockade_aws::Call;

use crate::world::{REGION, World};

pub(super) const RULE: &str = "stockade-trail-stopped";
pub(super) const QUEUE: &str = "stockade-events";
pub(super) const FUNCTION: &str = "stockade-guard";

/// A rule that feeds a queue that feeds a function, with its role, as the template makes them.
pub(super) struct Installation {
    pub(super) queue: String,
    pub(super) feed: String,
}

pub(super) fn install(world: &mut World) -> Installation {
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
pub(super) fn whole(world: &mut World, installation: &Installation) -> Value {
    let rules = world.admin("events", "ListRules", json!({"NamePrefix": "stockade-"}))["Rules"].clone();
    let targets = if rules.as_array().is_some_and(Vec::is_empty) {
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
pub(super) type Tamper = fn(&mut World, &Installation) -> Value;

pub(super) const TAMPERS: [(&str, Tamper); 9] = [
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
