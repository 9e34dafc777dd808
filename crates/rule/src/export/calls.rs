//! The calls of AWS's API that make the rules.

use serde_json::{Map, Value, json};

use super::reference::{Arn, Reference, ReferenceError};
use super::{Export, Exported, MAX_TARGETS};

/// The calls for one EventBridge rule, each the arguments as AWS's API and its command line take them (`--cli-input-json`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calls {
    /// `events:PutRule`.
    pub put_rule: Value,
    /// `events:PutTargets`; `None` if no target was given.
    pub put_targets: Option<Value>,
}

pub(super) fn all(export: &Export) -> Result<Vec<Calls>, ReferenceError> {
    let options = &export.options;
    let arns: Vec<&str> = options.targets.iter().map(Reference::api).collect::<Result<_, _>>()?;
    let dead_letter = options.dead_letter.as_ref().map(Reference::api).transpose()?;
    let mut calls = Vec::new();
    for rule in &export.rules {
        for group in 0..export.groups() {
            let name = export.name_of(rule, group);
            let arns = arns.chunks(MAX_TARGETS).nth(group);
            let put_targets = arns.map(|arns| {
                let targets = arns.iter().enumerate().map(|(at, arn)| {
                    let mut target = json!({ "Id": format!("stockade-{}", at + 1), "Arn": arn });
                    if let (Some(queue), Some(target)) = (dead_letter, target.as_object_mut()) {
                        target.insert("DeadLetterConfig".to_owned(), json!({ "Arn": queue }));
                    }
                    target
                });
                with_bus(export, json!({ "Rule": name, "Targets": targets.collect::<Vec<_>>() }))
            });
            calls.push(Calls { put_rule: put_rule(export, rule, &name), put_targets });
        }
    }
    Ok(calls)
}

/// `sqs:SetQueueAttributes` for the queues whose policies are to be written.
pub(super) fn queues(export: &Export) -> Vec<Value> {
    let options = &export.options;
    let queues = options.targets.iter().chain(&options.dead_letter).filter(|_| options.queue_policy);
    let arns = queues.filter_map(|queue| Some((queue.to_string(), queue.arn()?)));
    let call = |(queue, arn): (String, Arn<'_>)| {
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": "events.amazonaws.com" },
                "Action": "sqs:SendMessage",
                "Resource": queue,
                "Condition": { "ArnLike": { "aws:SourceArn": arn.rules(options.bus.as_deref(), &options.prefix) } },
            }],
        });
        Some(json!({ "QueueUrl": arn.queue_url()?, "Attributes": { "Policy": policy.to_string() } }))
    };
    arns.filter_map(call).collect()
}

fn put_rule(export: &Export, rule: &Exported, name: &str) -> Value {
    with_bus(
        export,
        json!({
            "Name": name,
            "Description": export.description(rule),
            "State": rule.state(),
            "EventPattern": rule.pattern(),
        }),
    )
}

fn with_bus(export: &Export, mut call: Value) -> Value {
    if let (Some(bus), Some(call)) = (&export.options.bus, call.as_object_mut()) {
        call.insert("EventBusName".to_owned(), Value::String(bus.clone()));
    }
    call
}

impl Calls {
    /// Returns them as one object, by the name of the call.
    pub fn into_json(self) -> Value {
        let mut calls = Map::new();
        calls.insert("PutRule".to_owned(), self.put_rule);
        if let Some(put_targets) = self.put_targets {
            calls.insert("PutTargets".to_owned(), put_targets);
        }
        Value::Object(calls)
    }
}
