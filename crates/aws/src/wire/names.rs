//! What a host's queue is called, who may send to it, and what it is sent.

use std::fmt::Write as _;

use serde_json::{Value, json};
use uuid::Uuid;

use super::UNBAN_PREFIX;

/// What the names of queues begin with.
pub const QUEUE_PREFIX: &str = "F2B-Client-";

/// How many values SNS allows in one filter policy.
pub const MAX_FILTER_VALUES: usize = 150;

/// The namespace in which Cloud-Fail2Ban names hosts.
const HOSTS: Uuid = Uuid::from_u128(0xfde6e282_3b5f_4044_9167_d96002397a27);

/// The name of the queue of a host, as Cloud-Fail2Ban's client makes it: a host that moves finds its queue.
pub fn queue_name(host: &str) -> String {
    format!("{QUEUE_PREFIX}{}", Uuid::new_v5(&HOSTS, host.as_bytes()))
}

/// The policy that lets these topics, and nobody else, send to the queue.
pub fn queue_policy(queue_arn: &str, topic_arns: &[String]) -> String {
    let sources = match topic_arns {
        [one] => Value::from(one.as_str()),
        several => Value::from(several),
    };
    json!({
        "Version": "2012-10-17",
        "Id": format!("{queue_arn}/SQSDefaultPolicy"),
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": "SQS:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": sources}},
        }],
    })
    .to_string()
}

/// The filter policy of a subscription: bans of these jails, and with `unbans` their ends.
///
/// `None` if that is more than SNS allows ([`MAX_FILTER_VALUES`]): then subscribe without one and pass over what is not
/// wanted.
pub fn filter_policy<'a>(jails: impl IntoIterator<Item = &'a str>, unbans: bool) -> Option<String> {
    let mut policy = String::from("{\"jail\": [");
    let mut values = 0;
    for jail in jails {
        for prefix in ["", UNBAN_PREFIX].into_iter().take(1 + usize::from(unbans)) {
            let comma = if values == 0 { "" } else { ", " };
            values += 1;
            // Writing to a string does not fail.
            let _ = write!(policy, "{comma}{}", Value::from(format!("{prefix}{jail}")));
        }
    }
    policy.push_str("]}");
    (values <= MAX_FILTER_VALUES).then_some(policy)
}
