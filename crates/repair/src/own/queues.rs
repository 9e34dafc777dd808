//! Our queues of SQS.

use serde_json::{Map, Value, json};

use super::same;
use crate::json::text;
use crate::playbook::{Change, Kind, Look, Tags, Thing, Weakness};
use crate::{ApiFault, Blame};

/// The kind `queue`.
#[derive(Debug)]
pub(crate) struct Queues;

/// Queues as a kind.
pub(crate) static QUEUES: Queues = Queues;

/// Attributes that can be set, and are kept.
const ATTRIBUTES: [&str; 13] = [
    "DelaySeconds",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "Policy",
    "ReceiveMessageWaitTimeSeconds",
    "VisibilityTimeout",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
    "FifoQueue",
    "ContentBasedDeduplication",
];

impl Kind for Queues {
    fn name(&self) -> &'static str {
        "queue"
    }

    fn read(&self, look: &mut Look<'_>) -> Result<Vec<Thing>, ApiFault> {
        // A page size makes SQS give pages at all.
        let prefix = json!({"QueueNamePrefix": look.own().prefix, "MaxResults": 1000});
        let urls = look.pages("sqs", "ListQueues", &prefix, "QueueUrls", "NextToken")?;
        let mut things = Vec::with_capacity(urls.len());
        for url in urls.iter().filter_map(Value::as_str) {
            let attributes =
                look.ask("sqs", "GetQueueAttributes", json!({"QueueUrl": url, "AttributeNames": ["All"]}));
            let tagged = look.ask("sqs", "ListQueueTags", json!({"QueueUrl": url}));
            match attributes.and_then(|attributes| Ok((attributes, tagged?))) {
                Ok((attributes, tagged)) => things.push(thing(url, &attributes, &tagged)),
                // The list lags behind: a queue that was just deleted may be in it still.
                Err(fault) if fault.blame == Blame::Missing => {}
                Err(fault) => look.trouble(&arn(look, url), fault),
            }
        }
        Ok(things)
    }

    fn weaker(&self, base: &Value, now: &Value) -> Vec<Weakness> {
        let of = |queue: &Value, name: &str| {
            text(queue.get("Attributes").unwrap_or(&Value::Null), name).to_owned()
        };
        let mut all = Vec::new();
        for (name, lost, changed) in [
            ("Policy", "nobody may send to it", "its policy is another"),
            ("RedrivePolicy", "what fails is lost", "what fails goes elsewhere"),
            (
                "KmsMasterKeyId",
                "its messages are no longer encrypted with a key of their own",
                "its key is another",
            ),
        ] {
            let (was, is) = (of(base, name), of(now, name));
            if same(&was, &is) {
                continue;
            }
            // A policy or key where there was none can shut us out.
            all.push(if is.is_empty() {
                Weakness::lost(name, lost)
            } else {
                Weakness::changed(name, changed)
            });
        }
        let number = |queue, name| of(queue, name).parse::<u64>().ok();
        for (name, says) in [
            ("MessageRetentionPeriod", "messages are kept for a shorter time"),
            ("MaximumMessageSize", "long messages are refused"),
        ] {
            if number(now, name) < number(base, name) {
                all.push(Weakness::lost(name, says));
            }
        }
        if number(now, "DelaySeconds") > number(base, "DelaySeconds") {
            all.push(Weakness::lost("DelaySeconds", "messages are held back"));
        }
        if number(now, "VisibilityTimeout") != number(base, "VisibilityTimeout") {
            all.push(Weakness::changed("VisibilityTimeout", "messages come again after another time"));
        }
        if of(base, "SqsManagedSseEnabled") == "true" && of(now, "SqsManagedSseEnabled") == "false" {
            // With a key of its own it is not less.
            if of(now, "KmsMasterKeyId").is_empty() {
                all.push(Weakness::lost("SqsManagedSseEnabled", "its messages are no longer encrypted"));
            }
        }
        all
    }
}

/// The ARN of a queue whose attributes cannot be read, so that it is known again.
fn arn(look: &Look<'_>, url: &str) -> String {
    let place = look.place();
    let (partition, region, account) = (place.partition(), &place.region, &place.account);
    format!("arn:{partition}:sqs:{region}:{account}:{}", name_of(url))
}

/// The name at the end of a queue's address.
fn name_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

fn thing(url: &str, answer: &Value, tagged: &Value) -> Thing {
    let all = answer.get("Attributes").unwrap_or(&Value::Null);
    let mut attributes = Map::new();
    for name in ATTRIBUTES {
        let value = text(all, name);
        if !value.is_empty() {
            attributes.insert(name.to_owned(), json!(value));
        }
    }
    let tags: Tags = tagged
        .get("Tags")
        .and_then(Value::as_object)
        .map(|tags| {
            tags.iter()
                .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect()
        })
        .unwrap_or_default();
    let state = json!({"QueueUrl": url, "QueueName": name_of(url), "Attributes": attributes});
    Thing { id: text(all, "QueueArn").to_owned(), name: name_of(url).to_owned(), state, tags }
}

impl Queues {
    /// The call that makes a queue that is gone as it was. Its messages are lost.
    pub(crate) fn restore(base: &Thing) -> Vec<Change> {
        let mut parameters = json!({"QueueName": base.name, "Attributes": base.state.get("Attributes")});
        if let Some(fields) = parameters.as_object_mut().filter(|_| !base.tags.is_empty()) {
            fields.insert("tags".to_owned(), json!(base.tags));
        }
        let says = format!("make the queue `{}` again", base.name);
        let undo = json!({"QueueUrl": {"$answer": "/QueueUrl"}});
        vec![Change::new(says, "sqs", "CreateQueue", parameters).undo("DeleteQueue", undo)]
    }

    /// The call that mends these weaknesses, and sends nothing else.
    pub(crate) fn strengthen(base: &Value, now: &Value, weak: &[Weakness]) -> Vec<Change> {
        let of = |queue: &Value| {
            let all = queue.get("Attributes");
            let value = |name: &str| all.and_then(|all| all.get(name)).cloned().unwrap_or_else(|| json!(""));
            weak.iter().map(|one| (one.field.clone(), value(&one.field))).collect::<Map<_, _>>()
        };
        let put = |queue| json!({"QueueUrl": text(now, "QueueUrl"), "Attributes": of(queue)});
        let fields: Vec<&str> = weak.iter().map(|one| one.field.as_str()).collect();
        let says = format!("give the queue `{}` back {}", text(base, "QueueName"), fields.join(", "));
        let change = Change::new(says, "sqs", "SetQueueAttributes", put(base));
        vec![change.before(json!(of(now))).undo("SetQueueAttributes", put(now))]
    }
}
