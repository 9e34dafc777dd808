//! The subscription of a queue to the topic of bans.

use aws_sdk_sns::Client;
use stockade_aws::{Aws, Fault};

use super::make::{Made, odd, same};

/// Subscribes the queue, or sets right the subscription that is there. Whether it delivers without an envelope.
pub(super) async fn ensure(
    aws: &Aws,
    topic: &str,
    queue: &str,
    filter: Option<&str>,
    made: &mut Made,
) -> Result<bool, Fault> {
    let client = client(aws, topic);
    if let Some(arn) = find(&client, topic, queue).await? {
        let tried = "ask for the subscription of the queue";
        let answer = client.get_subscription_attributes().subscription_arn(&arn).send().await;
        let known = answer.map_err(|error| Fault::of(tried, &error))?.attributes.unwrap_or_default();
        let policy = known.get("FilterPolicy").map_or("", String::as_str);
        // An empty policy lets everything through, as none does.
        let wanted = filter.unwrap_or("{}");
        if !(same(policy, wanted) || policy.is_empty() && filter.is_none()) {
            set(&client, &arn, "FilterPolicy", wanted).await?;
            made.changes.push(format!("the subscription filters by {wanted}"));
        }
        if known.get("FilterPolicyScope").is_some_and(|scope| scope == "MessageBody") && filter.is_some() {
            set(&client, &arn, "FilterPolicyScope", "MessageAttributes").await?;
            made.changes.push("the subscription filters by attributes".to_owned());
        }
        return Ok(known.get("RawMessageDelivery").is_some_and(|raw| raw == "true"));
    }
    let tried = format!("subscribe to the topic `{topic}`");
    let mut request = client.subscribe().topic_arn(topic).protocol("sqs").endpoint(queue);
    if let Some(filter) = filter {
        request = request.attributes("FilterPolicy", filter);
    }
    let subscribed = request.return_subscription_arn(true).send().await;
    let subscribed = subscribed.map_err(|error| {
        Fault::of(&tried, &error)
            .hint("the topic is `topic` in the table `[aws]`, and is made with the functions")
    })?;
    subscribed.subscription_arn.ok_or_else(|| odd(&tried, "the answer has no ARN"))?;
    made.changes.push(format!("subscribed to the topic `{topic}`"));
    Ok(false)
}

/// Ends the subscription, if there is one.
pub(super) async fn end(aws: &Aws, topic: &str, queue: &str) -> Result<bool, Fault> {
    let client = client(aws, topic);
    let Some(arn) = find(&client, topic, queue).await? else { return Ok(false) };
    let ended = client.unsubscribe().subscription_arn(arn).send().await;
    ended.map_err(|error| Fault::of("end the subscription of the queue", &error))?;
    Ok(true)
}

async fn set(client: &Client, arn: &str, name: &str, value: &str) -> Result<(), Fault> {
    let request = client.set_subscription_attributes().subscription_arn(arn);
    let set = request.attribute_name(name).attribute_value(value).send().await;
    set.map_err(|error| Fault::of(&format!("set {name} of the subscription"), &error))?;
    Ok(())
}

/// The ARN of the queue's subscription.
async fn find(client: &Client, topic: &str, queue: &str) -> Result<Option<String>, Fault> {
    /// More than SNS allows for one topic in a page each.
    const MAX_PAGES: usize = 200_000;
    let tried = format!("look for a subscription to the topic `{topic}`");
    let mut next = None;
    for _ in 0..MAX_PAGES {
        let request = client.list_subscriptions_by_topic().topic_arn(topic).set_next_token(next);
        let page = request.send().await.map_err(|error| {
            Fault::of(&tried, &error)
                .hint("the topic is `topic` in the table `[aws]`, and is made with the functions")
        })?;
        let mine = page.subscriptions().iter().find(|one| one.endpoint() == Some(queue));
        // One that waits to be confirmed has no ARN yet.
        if let Some(arn) = mine.and_then(|one| one.subscription_arn()).filter(|arn| arn.starts_with("arn:")) {
            return Ok(Some(arn.to_owned()));
        }
        match page.next_token {
            Some(token) if !token.is_empty() => next = Some(token),
            _ => break,
        }
    }
    Ok(None)
}

/// The topic may be in another region.
fn client(aws: &Aws, topic: &str) -> Client {
    match topic.split(':').nth(3).filter(|region| !region.is_empty() && *region != aws.region()) {
        Some(region) => Client::new(aws.in_region(region).config()),
        None => Client::new(aws.config()),
    }
}
