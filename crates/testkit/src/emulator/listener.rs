//! A host as the topic sees it: a queue with a filtered subscription.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;
use stockade_aws::{Aws, wire};

use super::unique;

/// A queue that hears what is announced for some jails, made as Cloud-Fail2Ban's client makes it.
#[derive(Debug)]
pub struct Listener {
    queue: aws_sdk_sqs::Client,
    aws: Aws,
    url: String,
    topic: String,
}

/// One announcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The value of the attribute `jail`.
    pub jail: String,
    /// The names of the message's object with their addresses.
    pub bans: Vec<(String, Vec<String>)>,
    /// The same as our agents read it, with what its attributes add.
    pub notices: Vec<wire::Notice>,
}

impl Listener {
    /// Subscribes a new queue to `topic` for these jails, and with `unbans` for the ends of their bans.
    ///
    /// # Panics
    /// If it cannot.
    pub fn subscribe(aws: &Aws, topic: &str, jails: &[&str], unbans: bool) -> Self {
        let queue = aws_sdk_sqs::Client::new(aws.config());
        let topics = aws_sdk_sns::Client::new(aws.config());
        let name = unique("F2B-Client");
        let (url, arn) = aws.block_on(async {
            let made = queue.create_queue().queue_name(name).send().await.expect("a queue");
            let url = made.queue_url.expect("its address");
            let wanted = QueueAttributeName::QueueArn;
            let attributes =
                queue.get_queue_attributes().queue_url(&url).attribute_names(wanted.clone()).send().await;
            let arn = attributes.expect("attributes").attributes.and_then(|mut all| all.remove(&wanted));
            (url, arn.expect("an ARN"))
        });
        let policy = wire::queue_policy(&arn, &[topic.to_owned()]);
        let filter = wire::filter_policy(jails.iter().copied(), unbans).expect("a policy within the limits");
        aws.block_on(async {
            let allow =
                queue.set_queue_attributes().queue_url(&url).attributes(QueueAttributeName::Policy, policy);
            allow.send().await.expect("a policy");
            let subscribe = topics.subscribe().topic_arn(topic).protocol("sqs").endpoint(arn);
            subscribe.attributes("FilterPolicy", filter).send().await.expect("a subscription");
        });
        Self { queue, aws: aws.clone(), url, topic: topic.to_owned() }
    }

    /// What is announced until `enough` says so, or within `patience`.
    ///
    /// # Panics
    /// If the queue cannot be read or holds what is no announcement.
    pub fn listen(&self, patience: Duration, enough: impl Fn(&[Heard]) -> bool) -> Vec<Heard> {
        let until = Instant::now() + patience;
        let mut heard = Vec::new();
        while !enough(&heard) && Instant::now() < until {
            for body in self.receive() {
                heard.push(self.read(&body));
            }
        }
        heard
    }

    fn receive(&self) -> Vec<String> {
        let receive = self.queue.receive_message().queue_url(&self.url).max_number_of_messages(10);
        let answer = self.aws.block_on(receive.wait_time_seconds(1).send()).expect("messages");
        let messages = answer.messages.unwrap_or_default();
        for message in &messages {
            let handle = message.receipt_handle.clone().unwrap_or_default();
            let delete = self.queue.delete_message().queue_url(&self.url).receipt_handle(handle);
            self.aws.block_on(delete.send()).expect("deleted");
        }
        messages.into_iter().filter_map(|message| message.body).collect()
    }

    /// What SNS delivers, read as Cloud-Fail2Ban's client reads it, from nothing but the text of the message, and as
    /// our agents do.
    fn read(&self, body: &str) -> Heard {
        let envelope: Value = serde_json::from_str(body).expect("SNS's envelope");
        let text = envelope.get("Message").and_then(Value::as_str).expect("a message");
        let message: Value = serde_json::from_str(text).expect("JSON in the message");
        let jail = envelope.pointer("/MessageAttributes/jail/Value").and_then(Value::as_str);
        let bans = message.as_object().expect("an object").iter().map(|(jail, addresses)| {
            let addresses = addresses.as_array().expect("a list").iter();
            (jail.clone(), addresses.map(|address| address.as_str().expect("a text").to_owned()).collect())
        });
        let delivery = wire::read(body, &[], &wire::Origins::of([self.topic.clone()])).expect("a delivery");
        assert!(delivery.bad.is_empty(), "{:?}", delivery.bad);
        Heard { jail: jail.unwrap_or_default().to_owned(), bans: bans.collect(), notices: delivery.notices }
    }
}

/// All addresses that were announced for a jail, sorted, each once.
pub fn addresses(heard: &[Heard], jail: &str) -> Vec<String> {
    let bans = heard.iter().flat_map(|heard| &heard.bans).filter(|(name, _)| name == jail);
    let mut addresses: Vec<String> = bans.flat_map(|(_, addresses)| addresses.clone()).collect();
    addresses.sort();
    addresses.dedup();
    addresses
}
