//! Making the queue, or using the one that is there.

use std::collections::HashMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName as Name;
use stockade_aws::{Aws, Fault, FaultKind, wire};

use super::{LONG_POLL, Queue, QueueSpec, subscription, topic_arn};

/// How long refused messages are kept: as long as SQS can.
const DEAD_RETENTION: &str = "1209600";

/// What making the queue changed in the world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// In words for people; empty if all was there as it should be.
    pub changes: Vec<String>,
}

impl Queue {
    /// Makes the queue, its dead-letter queue and its subscription, or sets right what is there. To be called at every
    /// start: where nothing differs, nothing is changed.
    ///
    /// # Errors
    /// If the name cannot be one, or AWS refuses or does not answer.
    pub fn make(aws: &Aws, spec: &QueueSpec) -> Result<(Self, Made), Fault> {
        spec.check()?;
        aws.block_on(make(aws, spec))
    }
}

/// How long a message is hidden at least, whatever somebody else's queue says: who is at work extends it in time.
const LEAST_VISIBILITY: std::time::Duration = std::time::Duration::from_secs(60);

impl Queue {
    /// Uses a queue that somebody else made, by its name, its ARN or its URL; changes nothing of it. Returns the ARN of
    /// its dead-letter queue, where it has one. A queue that is used so buries nothing.
    ///
    /// # Errors
    /// If there is no such queue, or AWS refuses or does not answer.
    pub fn open(aws: &Aws, place: &str) -> Result<(Self, Option<String>), Fault> {
        let region = region_of(place);
        let aws = region.map_or_else(|| aws.clone(), |region| aws.in_region(region));
        aws.block_on(open(&aws, place))
    }
}

/// The region that an ARN or a URL of AWS's own names.
fn region_of(place: &str) -> Option<&str> {
    let region = match place.strip_prefix("arn:") {
        Some(rest) => rest.split(':').nth(2),
        None => place.split_once("://sqs.").and_then(|(_, rest)| rest.split('.').next()),
    };
    region.filter(|region| stockade_aws::is_region_name(region))
}

async fn open(aws: &Aws, place: &str) -> Result<(Queue, Option<String>), Fault> {
    let client = Client::new(aws.config());
    let tried = format!("find the queue `{place}`");
    let url = if place.contains("://") {
        place.to_owned()
    } else {
        let mut parts = place.rsplit(':');
        let name = parts.next().unwrap_or(place);
        let owner = parts.next().map(str::to_owned);
        let request = client.get_queue_url().queue_name(name).set_queue_owner_aws_account_id(owner);
        let answer = request.send().await.map_err(|error| Fault::of(&tried, &error))?;
        answer.queue_url.ok_or_else(|| odd(&tried, "the answer has no URL"))?
    };
    let attributes = attributes_of(&client, place, &url).await?;
    let arn = attributes.get(&Name::QueueArn).cloned().ok_or_else(|| odd(&tried, "the answer has no ARN"))?;
    let redrive = attributes.get(&Name::RedrivePolicy);
    let redrive = redrive.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    let dead = redrive.and_then(|policy| policy.get("deadLetterTargetArn")?.as_str().map(str::to_owned));
    let visibility = attributes.get(&Name::VisibilityTimeout).and_then(|seconds| seconds.parse().ok());
    let queue = Queue {
        aws: aws.clone(),
        client,
        url,
        arn,
        dead_url: String::new(),
        topic: String::new(),
        raw: true,
        unfiltered: true,
        visibility: visibility.map_or(LEAST_VISIBILITY, std::time::Duration::from_secs).max(LEAST_VISIBILITY),
    };
    Ok((queue, dead))
}

async fn make(aws: &Aws, spec: &QueueSpec) -> Result<(Queue, Made), Fault> {
    let client = Client::new(aws.config());
    let mut made = Made::default();
    let dead_name = spec.dead_name();
    let dead_wanted = HashMap::from([(Name::MessageRetentionPeriod, DEAD_RETENTION.to_owned())]);
    let (dead_url, dead_arn) = ensure(&client, &dead_name, &dead_wanted, &mut made).await?;
    let redrive = serde_json::json!({
        "deadLetterTargetArn": dead_arn,
        "maxReceiveCount": spec.max_receives,
    });
    let mut wanted = HashMap::from([
        (Name::MessageRetentionPeriod, spec.retention.as_secs().to_string()),
        (Name::VisibilityTimeout, spec.visibility.as_secs().to_string()),
        (Name::ReceiveMessageWaitTimeSeconds, LONG_POLL.as_secs().to_string()),
        (Name::RedrivePolicy, redrive.to_string()),
    ]);
    let (url, arn) = ensure(&client, &spec.name, &wanted, &mut made).await?;
    let topic = topic_arn(&spec.topic, &arn)?;
    // The ARN is known only now.
    wanted = HashMap::from([(Name::Policy, wire::queue_policy(&arn, std::slice::from_ref(&topic)))]);
    correct(&client, &spec.name, &url, &wanted, &mut made).await?;
    let filter = spec.filter_policy();
    let raw = subscription::ensure(aws, &topic, &arn, filter.as_deref(), &mut made).await?;
    let queue = Queue {
        aws: aws.clone(),
        client,
        url,
        arn,
        dead_url,
        topic,
        raw,
        unfiltered: filter.is_none(),
        visibility: spec.visibility,
    };
    Ok((queue, made))
}

/// The URL and ARN of a queue that has these attributes.
async fn ensure(
    client: &Client,
    name: &str,
    wanted: &HashMap<Name, String>,
    made: &mut Made,
) -> Result<(String, String), Fault> {
    let url = match url_of(client, name).await? {
        Some(url) => {
            correct(client, name, &url, wanted, made).await?;
            url
        }
        None => {
            let tried = format!("make the queue `{name}`");
            let request = client.create_queue().queue_name(name).set_attributes(Some(wanted.clone()));
            let created = request.send().await.map_err(|error| Fault::of(&tried, &error))?;
            made.changes.push(format!("made the queue `{name}`"));
            created.queue_url.ok_or_else(|| odd(&tried, "the answer has no URL"))?
        }
    };
    let attributes = attributes_of(client, name, &url).await?;
    let arn = attributes.get(&Name::QueueArn).cloned();
    let arn = arn.ok_or_else(|| odd(&format!("ask for the queue `{name}`"), "the answer has no ARN"))?;
    Ok((url, arn))
}

/// Sets the attributes that differ.
async fn correct(
    client: &Client,
    name: &str,
    url: &str,
    wanted: &HashMap<Name, String>,
    made: &mut Made,
) -> Result<(), Fault> {
    let known = attributes_of(client, name, url).await?;
    let differs = |(name, value): &(&Name, &String)| known.get(name).is_none_or(|it| !same(it, value));
    let different: HashMap<Name, String> =
        wanted.iter().filter(differs).map(|(name, value)| (name.clone(), value.clone())).collect();
    if different.is_empty() {
        return Ok(());
    }
    let mut names: Vec<&str> = different.keys().map(Name::as_str).collect();
    names.sort_unstable();
    let names = names.join(", ");
    let tried = format!("set {names} of the queue `{name}`");
    let request = client.set_queue_attributes().queue_url(url).set_attributes(Some(different));
    request.send().await.map_err(|error| Fault::of(&tried, &error))?;
    made.changes.push(tried);
    Ok(())
}

/// Policies are JSON: equal if they say the same, however they are written. Numbers in them may be quoted.
pub(super) fn same(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str(text).map(plain).ok();
    one == other || read(one).is_some_and(|one: serde_json::Value| Some(one) == read(other))
}

fn plain(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, plain(value))).collect(),
        Value::Array(list) => list.into_iter().map(plain).collect(),
        other => other,
    }
}

/// The URL of a queue; `None` if it is not there.
pub(super) async fn url_of(client: &Client, name: &str) -> Result<Option<String>, Fault> {
    match client.get_queue_url().queue_name(name).send().await {
        Ok(found) => Ok(found.queue_url),
        Err(error) => {
            let fault = Fault::of(&format!("look for the queue `{name}`"), &error);
            if fault.kind == FaultKind::Missing { Ok(None) } else { Err(fault) }
        }
    }
}

pub(super) async fn attributes_of(
    client: &Client,
    name: &str,
    url: &str,
) -> Result<HashMap<Name, String>, Fault> {
    let request = client.get_queue_attributes().queue_url(url).attribute_names(Name::All);
    let answer = request.send().await;
    let answer = answer.map_err(|error| Fault::of(&format!("ask for the queue `{name}`"), &error))?;
    Ok(answer.attributes.unwrap_or_default())
}

pub(super) fn odd(tried: &str, why: &str) -> Fault {
    Fault::local(FaultKind::Other, format!("cannot {tried}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn policies_are_compared_by_what_they_say() {
        assert!(same(r#"{"a": 1, "b": ["x"]}"#, r#"{"b":["x"],"a":"1"}"#));
        assert!(!same(r#"{"a": 1}"#, r#"{"a": 2}"#));
        assert!(same("3600", "3600") && !same("3600", "60") && !same("", "60"));
    }
}
