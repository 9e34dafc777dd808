//! The emulator that the test script starts, and what the tests make in it.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use stockade_aws::wire::{self, Delivery, Notice, Origins};
use stockade_aws::{Access, Aws, Call};
use stockade_core::Timestamp;
use stockade_core::ports::{Evidence, Standing};

pub(crate) const REGION: &str = "eu-central-1";

/// The emulator's address; without one the test says so and has nothing to do.
pub(crate) fn url() -> Option<String> {
    let url = std::env::var("STOCKADE_TEST_MINISTACK").ok().filter(|url| !url.is_empty());
    if url.is_none() {
        eprintln!("skipped: STOCKADE_TEST_MINISTACK is not set (dev/test starts the emulator)");
    }
    url
}

/// AWS at an address.
pub(crate) fn aws(url: &str) -> Aws {
    static CREDENTIALS: Once = Once::new();
    CREDENTIALS.call_once(|| {
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            if std::env::var_os(name).is_none() {
                // SAFETY: once, before the first client is made; until then no thread of this test reads the
                // environment but by `std`, which locks it.
                unsafe { std::env::set_var(name, "test") };
            }
        }
    });
    Aws::new(&Access { region: Some(REGION.to_owned()), endpoint: Some(url.to_owned()) }).unwrap()
}

/// A name that no other test has.
pub(crate) fn name(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    format!("{what}-{}-{now}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A queue of a host.
pub(crate) struct Queue {
    aws: Aws,
    url: String,
    topic: String,
}

impl Queue {
    /// Makes a queue and subscribes it to the topic with a filter policy, as Cloud-Fail2Ban's client does.
    pub(crate) fn subscribed(aws: &Aws, topic: &str, jails: &[&str], unbans: bool) -> Self {
        Self::with_policy(aws, topic, &wire::filter_policy(jails.iter().copied(), unbans).unwrap())
    }

    /// The same with a filter policy that is given.
    pub(crate) fn with_policy(aws: &Aws, topic: &str, policy: &str) -> Self {
        let host = name("host");
        let made = ask(aws, "CreateQueue", &json!({"QueueName": wire::queue_name(&host)}));
        let url = made["QueueUrl"].as_str().unwrap().to_owned();
        let names = ["QueueArn"];
        let known = ask(aws, "GetQueueAttributes", &json!({"QueueUrl": url, "AttributeNames": names}));
        let arn = known["Attributes"]["QueueArn"].as_str().unwrap().to_owned();
        let attributes = json!({
            "Policy": wire::queue_policy(&arn, &[topic.to_owned()]), "MessageRetentionPeriod": "3600",
        });
        ask(aws, "SetQueueAttributes", &json!({"QueueUrl": url, "Attributes": attributes}));
        let subscribe = Call::query(
            "subscribe".into(),
            "sns",
            "Subscribe",
            "2010-03-31",
            &[
                ("TopicArn", topic),
                ("Protocol", "sqs"),
                ("Endpoint", &arn),
                ("Attributes.entry.1.key", "FilterPolicy"),
                ("Attributes.entry.1.value", policy),
            ],
        );
        aws.block_on(aws.call(&subscribe)).unwrap();
        Self { aws: aws.clone(), url, topic: topic.to_owned() }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The bodies of all messages, which are then gone. Each is waited for a second.
    pub(crate) fn bodies(&self) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            let more = json!({"QueueUrl": self.url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1});
            let answer = ask(&self.aws, "ReceiveMessage", &more);
            let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                return bodies;
            }
            for message in messages {
                let handle = &message["ReceiptHandle"];
                ask(&self.aws, "DeleteMessage", &json!({"QueueUrl": self.url, "ReceiptHandle": handle}));
                bodies.push(message["Body"].as_str().unwrap().to_owned());
            }
        }
    }

    /// The same, read.
    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        let origins = Origins::of([self.topic.clone()]);
        self.bodies().iter().map(|body| wire::read(body, &[], &origins).unwrap()).collect()
    }

    /// All that is said, in order.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        let mut notices: Vec<Notice> =
            self.deliveries().into_iter().flat_map(|delivery| delivery.notices).collect();
        notices.sort_by(|a, b| (&a.jail, &a.key).cmp(&(&b.jail, &b.key)));
        notices
    }
}

fn ask(aws: &Aws, action: &str, body: &Value) -> Value {
    let call = Call::json(action.to_owned(), "sqs", &format!("AmazonSQS.{action}"), body);
    let reply = aws.block_on(aws.call(&call)).unwrap();
    serde_json::from_slice(&reply.body).unwrap_or_default()
}

pub(crate) fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + secs)
}

pub(crate) fn ban(jail: &str, key: &str, until: i64) -> Standing {
    Standing { jail: jail.into(), key: key.parse().unwrap(), until: at(until) }
}

/// What is known of a ban after so many matches.
pub(crate) fn after(failures: u32) -> Evidence {
    let findtime = std::time::Duration::from_secs(600);
    let reason = Some(stockade_core::Reason::Threshold { matches: failures, findtime });
    Evidence { since: at(0), nth: 1, failures, reason, ..Evidence::default() }
}
