//! The emulator: a topic of its own for each test, and what stands in a host's queues.

use std::collections::BTreeMap;
use std::sync::Once;
use std::time::{Duration, Instant};

use stockade_aws::wire::{self, Notice, snapshot};
use stockade_aws::{Access, Aws, Call};
use stockade_core::Timestamp;

/// Where the emulator is told to be.
const EMULATOR: &str = "STOCKADE_TEST_MINISTACK";
const REGION: &str = "us-east-1";

/// An account in the emulator, in which this test has a topic and a bucket.
pub(crate) struct Cloud {
    pub(crate) aws: Aws,
    endpoint: String,
    pub(crate) name: String,
    pub(crate) topic: String,
}

/// What a queue held.
#[derive(Debug)]
pub(crate) struct Dead {
    pub(crate) body: String,
    pub(crate) reason: String,
}

impl Cloud {
    /// `None`, with one line that says so, where there is no emulator.
    pub(crate) fn new(test: &str) -> Option<Self> {
        let Some(endpoint) = std::env::var(EMULATOR).ok().filter(|url| !url.is_empty()) else {
            eprintln!("skipped: no emulator of AWS: {EMULATOR} is not set");
            return None;
        };
        static KEYS: Once = Once::new();
        KEYS.call_once(|| {
            for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
                if std::env::var_os(name).is_none() {
                    // SAFETY: the tests of this binary read the environment only after this, in `Once`.
                    unsafe { std::env::set_var(name, "test") };
                }
            }
        });
        let access = Access { region: Some(REGION.to_owned()), endpoint: Some(endpoint.clone()) };
        let aws = Aws::new(&access).unwrap();
        let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let name = format!("{test}-{}-{}", std::process::id(), nanos % 1_000_000_000);
        let client = aws_sdk_sns::Client::new(aws.config());
        let topic = aws.block_on(client.create_topic().name(&name).send()).unwrap().topic_arn.unwrap();
        let call = Call::rest("make a bucket".into(), "s3", "PUT", format!("/{name}"));
        aws.block_on(aws.call(&call)).unwrap();
        Some(Self { aws, endpoint, name, topic })
    }

    /// The settings of an agent of the host `host`.
    pub(crate) fn settings(&self, host: &str, more: &str) -> String {
        let Self { endpoint, name, .. } = self;
        format!(
            "store = \"{{at}}/state/other.db\"\nhost = \"{name}-{host}\"\n{more}\n\
             [aws]\nregion = \"{REGION}\"\nendpoint = \"{endpoint}\"\ntopic = \"{name}\"\n\
             snapshot = \"s3://{name}/live.gz\"\n\
             [agent]\nstore = \"{{at}}/state/agent.db\"\nsnapshot_every = \"1s\"\n"
        )
    }

    /// Where the emulator is.
    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.endpoint.trim_start_matches("http://").trim_end_matches('/').parse().unwrap()
    }

    /// The same seen from behind a door.
    pub(crate) fn behind(&self, port: u16) -> Self {
        let (aws, name, topic) = (self.aws.clone(), self.name.clone(), self.topic.clone());
        Self { aws, endpoint: format!("http://127.0.0.1:{port}"), name, topic }
    }

    /// Publishes as the responder does.
    pub(crate) fn publish(&self, notices: &[Notice]) {
        let packed = wire::pack(notices);
        assert!(packed.refused.is_empty());
        for message in packed.messages {
            let attributes: Vec<(&str, &str)> =
                message.attributes.iter().map(|one| (one.name, one.value.as_str())).collect();
            self.publish_raw(&self.topic, &message.body, &attributes);
        }
    }

    /// Publishes anything.
    pub(crate) fn publish_raw(&self, topic: &str, body: &str, attributes: &[(&str, &str)]) {
        use aws_sdk_sns::types::MessageAttributeValue as Value;
        let client = aws_sdk_sns::Client::new(self.aws.config());
        let mut request = client.publish().topic_arn(topic).message(body);
        for (name, value) in attributes {
            let value = Value::builder().data_type("String").string_value(*value).build().unwrap();
            request = request.message_attributes(*name, value);
        }
        self.aws.block_on(request.send()).unwrap();
    }

    /// The name of a host's queue.
    pub(crate) fn queue_name(&self, host: &str) -> String {
        wire::queue_name(&format!("{}-{host}", self.name))
    }

    pub(crate) fn queue_url(&self, name: &str) -> Option<String> {
        let client = aws_sdk_sqs::Client::new(self.aws.config());
        self.aws.block_on(client.get_queue_url().queue_name(name).send()).ok()?.queue_url
    }

    /// Puts a message into a queue, as nobody should be able to but the topic.
    pub(crate) fn send(&self, queue: &str, body: &str) {
        let client = aws_sdk_sqs::Client::new(self.aws.config());
        let url = self.queue_url(queue).unwrap();
        self.aws.block_on(client.send_message().queue_url(url).message_body(body).send()).unwrap();
    }

    /// How many messages a queue holds: those that wait, and those that somebody has taken.
    pub(crate) fn depth(&self, queue: &str) -> (u64, u64) {
        use aws_sdk_sqs::types::QueueAttributeName as Name;
        let client = aws_sdk_sqs::Client::new(self.aws.config());
        let url = self.queue_url(queue).unwrap();
        let request = client.get_queue_attributes().queue_url(url).attribute_names(Name::All);
        let attributes = self.aws.block_on(request.send()).unwrap().attributes.unwrap();
        let number = |name: Name| attributes.get(&name).unwrap().parse().unwrap();
        (number(Name::ApproximateNumberOfMessages), number(Name::ApproximateNumberOfMessagesNotVisible))
    }

    pub(crate) fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    pub(crate) fn attributes(&self, queue: &str) -> BTreeMap<String, String> {
        let client = aws_sdk_sqs::Client::new(self.aws.config());
        let request = client.get_queue_attributes().queue_url(self.queue_url(queue).unwrap());
        let request = request.attribute_names(aws_sdk_sqs::types::QueueAttributeName::All);
        let attributes = self.aws.block_on(request.send()).unwrap().attributes.unwrap();
        attributes.into_iter().map(|(name, value)| (name.as_str().to_owned(), value)).collect()
    }

    fn subscriptions_of(&self, queue_arn: &str) -> Vec<String> {
        let client = aws_sdk_sns::Client::new(self.aws.config());
        let request = client.list_subscriptions_by_topic().topic_arn(&self.topic);
        let all = self.aws.block_on(request.send()).unwrap().subscriptions.unwrap_or_default();
        let mine = all.into_iter().filter(|one| one.endpoint() == Some(queue_arn));
        mine.filter_map(|one| one.subscription_arn).collect()
    }

    /// How many subscriptions a queue has.
    pub(crate) fn subscriptions(&self, queue_arn: &str) -> usize {
        self.subscriptions_of(queue_arn).len()
    }

    /// The attributes of the subscription of a queue.
    pub(crate) fn subscription(&self, queue_arn: &str) -> BTreeMap<String, String> {
        let client = aws_sdk_sns::Client::new(self.aws.config());
        let arn = self.subscriptions_of(queue_arn).pop().unwrap();
        let answer = self.aws.block_on(client.get_subscription_attributes().subscription_arn(arn).send());
        answer.unwrap().attributes.unwrap().into_iter().collect()
    }

    /// Takes SNS's envelope away.
    pub(crate) fn deliver_raw(&self, queue_arn: &str) {
        let client = aws_sdk_sns::Client::new(self.aws.config());
        let arn = self.subscriptions_of(queue_arn).pop().unwrap();
        let request = client.set_subscription_attributes().subscription_arn(arn);
        let request = request.attribute_name("RawMessageDelivery").attribute_value("true");
        self.aws.block_on(request.send()).unwrap();
    }

    pub(crate) fn delete_queue(&self, name: &str) {
        let client = aws_sdk_sqs::Client::new(self.aws.config());
        let url = self.queue_url(name).unwrap();
        self.aws.block_on(client.delete_queue().queue_url(url).send()).unwrap();
    }

    /// Waits until a queue holds nothing any more.
    pub(crate) fn wait_empty(&self, queue: &str) {
        super::support::wait_for("an empty queue", || (self.depth(queue) == (0, 0)).then_some(()));
    }

    /// Takes so many messages from a dead-letter queue.
    pub(crate) fn dead(&self, host: &str, count: usize) -> Vec<Dead> {
        let client = aws_sdk_sqs::Client::new(self.aws.config());
        let url = self.queue_url(&format!("{}-dead", self.queue_name(host))).unwrap();
        let mut dead = Vec::new();
        let began = Instant::now();
        while dead.len() < count {
            assert!(began.elapsed() < super::support::PATIENCE, "dead letters: {dead:#?}");
            let request = client.receive_message().queue_url(&url).max_number_of_messages(10);
            let request = request.wait_time_seconds(1).message_attribute_names("All");
            for message in self.aws.block_on(request.send()).unwrap().messages.unwrap_or_default() {
                let reason = message.message_attributes.as_ref().and_then(|all| all.get("reason"));
                let reason = reason.and_then(|reason| reason.string_value.clone()).unwrap_or_default();
                dead.push(Dead { body: message.body.unwrap_or_default(), reason });
            }
        }
        dead
    }

    /// Writes the snapshot of live bans.
    pub(crate) fn write_snapshot(&self, made: Timestamp, bans: &[Notice]) {
        let mut writer = snapshot::Writer::new(Vec::new(), made).unwrap();
        for ban in bans {
            assert!(writer.push(ban).unwrap());
        }
        let (bytes, _) = writer.finish().unwrap();
        self.write_object(bytes);
    }

    pub(crate) fn write_object(&self, bytes: Vec<u8>) {
        let call = Call::rest("write".into(), "s3", "PUT", format!("/{}/live.gz", self.name));
        self.aws.block_on(self.aws.call(&call.with_body(snapshot::CONTENT_TYPE, bytes))).unwrap();
    }
}

/// Now, as the machine says.
pub(crate) fn now() -> Timestamp {
    use stockade_core::ports::Clock;
    stockade_runtime::daemon::SystemClock.now()
}

/// A ban of an hour that began just now.
pub(crate) fn ban(jail: &str, key: &str, version: u64) -> Notice {
    let since = now();
    let mut notice =
        Notice::ban(jail.into(), key.parse().unwrap(), since, since.plus(Duration::from_secs(3600)));
    notice.version = Some(version);
    notice
}
