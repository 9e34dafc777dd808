//! A host's queue: made or used, subscribed to the topic of bans, read, and taken down.
//!
//! It is Cloud-Fail2Ban's queue: the same name, policy and subscription, so that a host that moves finds its own and
//! can move back. What it had not: a dead-letter queue beside it (the name with [`DEAD_SUFFIX`]), where a message goes
//! that nobody can use, with the reason as an attribute; and a subscription that follows the jails.
//!
//! Everything here blocks; a [`Poll`] can be stopped from another thread.

mod leave;
mod make;
mod messages;
mod poll;
mod subscription;

use std::time::Duration;

use aws_sdk_sqs::Client;
use stockade_aws::{Aws, Fault, FaultKind, wire};

pub use leave::{Dead, Left};
pub use make::Made;
pub use messages::{REASON_ATTRIBUTE, Received};
pub use poll::Poll;

/// What the name of the dead-letter queue ends with.
pub const DEAD_SUFFIX: &str = "-dead";
/// How long the longest poll of SQS lasts.
pub const LONG_POLL: Duration = Duration::from_secs(20);
/// How many messages SQS hands out, or takes back, in one request.
pub const BATCH: usize = 10;
/// How long the names of queues may be, in bytes, without [`DEAD_SUFFIX`].
pub const MAX_NAME_BYTES: usize = 80 - DEAD_SUFFIX.len();

/// What the queue should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSpec {
    /// Its name: letters, digits, `-` and `_`, at most [`MAX_NAME_BYTES`].
    pub name: String,
    /// The topic of bans: its ARN, or its name in the same account and region.
    pub topic: String,
    /// The jails whose bans it is sent.
    pub jails: Vec<String>,
    /// How long a message waits for a host that is off, 1 minute to 14 days.
    pub retention: Duration,
    /// How long a message that was handed out is hidden, unless it is extended; up to 12 hours.
    pub visibility: Duration,
    /// After being handed out so many times in vain a message goes to the dead-letter queue; 1 to 1000.
    pub max_receives: u32,
}

impl QueueSpec {
    /// The name of the dead-letter queue.
    pub fn dead_name(&self) -> String {
        format!("{}{DEAD_SUFFIX}", self.name)
    }

    /// What a subscription chooses by; `None` where there are more jails than it can name.
    fn filter_policy(&self) -> Option<String> {
        wire::filter_policy(self.jails.iter().map(String::as_str), true)
    }

    fn check(&self) -> Result<(), Fault> {
        let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
        if self.name.is_empty() || self.name.len() > MAX_NAME_BYTES || !self.name.bytes().all(plain) {
            let message = format!(
                "a queue cannot be called `{}`: at most {MAX_NAME_BYTES} letters, digits, `-` and `_`",
                self.name
            );
            return Err(Fault::local(FaultKind::Other, message).hint("set `queue` in the table `[agent]`"));
        }
        Ok(())
    }
}

/// A queue that is there.
#[derive(Clone, Debug)]
pub struct Queue {
    aws: Aws,
    client: Client,
    url: String,
    arn: String,
    dead_url: String,
    /// The ARN of the topic.
    topic: String,
    /// Whether messages come without SNS's envelope.
    raw: bool,
    /// Whether messages of other jails come as well.
    unfiltered: bool,
    visibility: Duration,
}

impl Queue {
    /// The queue's ARN.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Whom a reader of its messages believes.
    pub fn origins(&self) -> wire::Origins {
        wire::Origins { raw: self.raw, ..wire::Origins::of([self.topic.clone()]) }
    }

    /// Whether messages of other jails come as well, because there are too many jails for a filter.
    pub fn is_unfiltered(&self) -> bool {
        self.unfiltered
    }

    /// How long a message that was handed out is hidden.
    pub fn visibility(&self) -> Duration {
        self.visibility
    }
}

/// The ARN of the topic: as it was given, or of that name beside a queue.
fn topic_arn(topic: &str, queue_arn: &str) -> Result<String, Fault> {
    if topic.starts_with("arn:") {
        return Ok(topic.to_owned());
    }
    let parts: Vec<&str> = queue_arn.splitn(6, ':').collect();
    match parts.get(1..5) {
        Some([partition, _, region, account]) => {
            Ok(format!("arn:{partition}:sns:{region}:{account}:{topic}"))
        }
        _ => {
            let message = format!("cannot find the topic `{topic}`: the queue's ARN is odd: `{queue_arn}`");
            Err(Fault::local(FaultKind::Other, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_found_beside_the_queue() {
        let queue = "arn:aws-cn:sqs:cn-north-1:111122223333:F2B-Client-x";
        assert_eq!(topic_arn("F2B", queue).unwrap(), "arn:aws-cn:sns:cn-north-1:111122223333:F2B");
        let arn = "arn:aws:sns:eu-west-1:444455556666:Bans";
        assert_eq!(topic_arn(arn, queue).unwrap(), arn);
        assert!(topic_arn("F2B", "queue").is_err());
    }

    #[test]
    fn odd_names_are_refused_before_anything_is_made() {
        let spec = |name: &str| QueueSpec {
            name: name.to_owned(),
            topic: "F2B".to_owned(),
            jails: vec!["sshd".to_owned()],
            retention: Duration::from_secs(3600),
            visibility: Duration::from_secs(60),
            max_receives: 20,
        };
        assert!(spec(&wire::queue_name("web01")).check().is_ok());
        for name in ["", "a b", "ü", "a.fifo", &"x".repeat(76)] {
            assert!(spec(name).check().is_err(), "{name}");
        }
        assert_eq!(spec("q").filter_policy().as_deref(), Some(r#"{"jail": ["sshd", "unban:sshd"]}"#));
    }
}
