//! Taking the queue down.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName as Name;
use stockade_aws::{Aws, Fault};

use super::make::{attributes_of, url_of};
use super::{Queue, QueueSpec, subscription, topic_arn};

/// What taking the queue down removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Whether there was a subscription.
    pub subscription: bool,
    /// Whether there was a queue.
    pub queue: bool,
    /// What became of the dead-letter queue.
    pub dead: Dead,
}

/// What became of a dead-letter queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dead {
    /// There was none.
    None,
    /// It was empty and is gone.
    Gone,
    /// It holds about so many messages and is left for somebody to look at.
    Kept {
        /// How many.
        messages: u64,
    },
}

impl Queue {
    /// Removes the subscription, then the queue, then the dead-letter queue if nothing is in it. What is not there is
    /// passed over.
    ///
    /// # Errors
    /// If AWS refuses or does not answer; what was removed by then stays so.
    pub fn leave(aws: &Aws, spec: &QueueSpec) -> Result<Left, Fault> {
        spec.check()?;
        aws.block_on(leave(aws, spec))
    }
}

async fn leave(aws: &Aws, spec: &QueueSpec) -> Result<Left, Fault> {
    let client = Client::new(aws.config());
    let mut left = Left { subscription: false, queue: false, dead: Dead::None };
    if let Some(url) = url_of(&client, &spec.name).await? {
        let attributes = attributes_of(&client, &spec.name, &url).await?;
        if let Some(arn) = attributes.get(&Name::QueueArn) {
            left.subscription = subscription::end(aws, &topic_arn(&spec.topic, arn)?, arn).await?;
        }
        delete(&client, &spec.name, &url).await?;
        left.queue = true;
    }
    let name = spec.dead_name();
    if let Some(url) = url_of(&client, &name).await? {
        let attributes = attributes_of(&client, &name, &url).await?;
        let count = |name: Name| attributes.get(&name).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        let messages = count(Name::ApproximateNumberOfMessages)
            + count(Name::ApproximateNumberOfMessagesNotVisible)
            + count(Name::ApproximateNumberOfMessagesDelayed);
        left.dead = if messages > 0 {
            Dead::Kept { messages }
        } else {
            delete(&client, &name, &url).await?;
            Dead::Gone
        };
    }
    Ok(left)
}

async fn delete(client: &Client, name: &str, url: &str) -> Result<(), Fault> {
    let deleted = client.delete_queue().queue_url(url).send().await;
    deleted.map_err(|error| Fault::of(&format!("delete the queue `{name}`"), &error))?;
    Ok(())
}
