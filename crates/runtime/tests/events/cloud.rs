//! The emulator: a queue with its dead letters, a bucket and an event bus's rule of its own for each test.

use std::io::Write as _;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use stockade_aws::{Access, Aws, Call};

/// Where the emulator is told to be.
const EMULATOR: &str = "STOCKADE_TEST_MINISTACK";
const REGION: &str = "us-east-1";

/// What a test has in the emulator.
pub(crate) struct Cloud {
    pub(crate) aws: Aws,
    endpoint: String,
    pub(crate) name: String,
    pub(crate) queue: String,
    dead: String,
}

/// A CloudTrail record of somebody who knocks.
pub(crate) fn record(id: &str, address: &str) -> Value {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({
        "eventVersion": "1.08", "eventID": id, "eventTime": now, "eventSource": "door.amazonaws.com",
        "eventName": "Knock", "awsRegion": REGION, "sourceIPAddress": address,
        "recipientAccountId": "123456789012",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/eve", "userName": "eve"},
    })
}

/// The same as EventBridge delivers it.
pub(crate) fn event(record: &Value) -> Value {
    json!({
        "version": "0", "id": format!("envelope-{}", record["eventID"].as_str().unwrap()),
        "detail-type": "AWS API Call via CloudTrail", "source": "aws.door", "account": "123456789012",
        "time": record["eventTime"], "region": REGION, "resources": [], "detail": record,
    })
}

impl Cloud {
    /// `None`, with one line that says so, where there is no emulator. A message that was taken in vain `receives` times
    /// goes to the dead letters.
    pub(crate) fn new(test: &str, receives: u32) -> Option<Self> {
        let Some(endpoint) = std::env::var(EMULATOR).ok().filter(|url| !url.is_empty()) else {
            eprintln!("skipped: no emulator of AWS: {EMULATOR} is not set");
            return None;
        };
        static KEYS: std::sync::Once = std::sync::Once::new();
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
        let name = format!("events-{test}-{:x}", salt());
        let mut cloud = Self { aws, endpoint, name: name.clone(), queue: String::new(), dead: String::new() };
        cloud.dead = cloud.make_queue(&format!("{name}-dead"), None);
        let redrive = json!({"deadLetterTargetArn": cloud.arn(&cloud.dead), "maxReceiveCount": receives});
        cloud.queue = cloud.make_queue(&name, Some(redrive.to_string()));
        cloud.call(&Call::rest("make a bucket".into(), "s3", "PUT", format!("/{name}")));
        Some(cloud)
    }

    /// The settings of a daemon that reads the queue.
    pub(crate) fn settings(&self, more: &str) -> String {
        let Self { endpoint, name, .. } = self;
        format!(
            "[events]\nqueue = \"{name}\"\n[aws]\nregion = \"{REGION}\"\nendpoint = \"{endpoint}\"\n\
             [responders.dry]\nkind = \"dry-run\"\n{more}\n"
        )
    }

    fn make_queue(&self, name: &str, redrive: Option<String>) -> String {
        use aws_sdk_sqs::types::QueueAttributeName as Name;
        let client = aws_sdk_sqs::Client::new(self.aws.config());
        let request = client.create_queue().queue_name(name);
        let request = match redrive {
            Some(policy) => request.attributes(Name::RedrivePolicy, policy),
            None => request,
        };
        self.aws.block_on(request.send()).unwrap().queue_url.unwrap()
    }

    pub(crate) fn arn(&self, url: &str) -> String {
        use aws_sdk_sqs::types::QueueAttributeName as Name;
        let client = aws_sdk_sqs::Client::new(self.aws.config());
        let request = client.get_queue_attributes().queue_url(url).attribute_names(Name::QueueArn);
        let attributes = self.aws.block_on(request.send()).unwrap().attributes.unwrap();
        attributes.get(&Name::QueueArn).unwrap().clone()
    }

    /// Puts a message into the queue.
    pub(crate) fn send(&self, body: &str) {
        let client = aws_sdk_sqs::Client::new(self.aws.config());
        self.aws.block_on(client.send_message().queue_url(&self.queue).message_body(body).send()).unwrap();
    }

    /// How many messages wait, and how many somebody has taken.
    pub(crate) fn depth(&self) -> (u64, u64) {
        self.depth_of(&self.queue)
    }

    /// What the dead letters are.
    pub(crate) fn dead_letters(&self) -> u64 {
        self.depth_of(&self.dead).0
    }

    fn depth_of(&self, url: &str) -> (u64, u64) {
        use aws_sdk_sqs::types::QueueAttributeName as Name;
        let client = aws_sdk_sqs::Client::new(self.aws.config());
        let request = client.get_queue_attributes().queue_url(url).attribute_names(Name::All);
        let attributes = self.aws.block_on(request.send()).unwrap().attributes.unwrap();
        let number = |name: Name| attributes.get(&name).unwrap().parse().unwrap();
        (number(Name::ApproximateNumberOfMessages), number(Name::ApproximateNumberOfMessagesNotVisible))
    }

    /// Tests share the emulator's bus, on which nobody may speak for AWS.
    fn source(&self) -> String {
        format!("test.{}", self.name)
    }

    /// An EventBridge rule whose target is the queue.
    pub(crate) fn feed_by_event_bridge(&self) {
        let pattern = json!({ "source": [self.source()] }).to_string();
        self.events("PutRule", &json!({"Name": self.name, "EventPattern": pattern, "State": "ENABLED"}));
        let targets = json!([{"Id": "queue", "Arn": self.arn(&self.queue)}]);
        self.events("PutTargets", &json!({"Rule": self.name, "Targets": targets}));
    }

    /// Puts events on the bus.
    pub(crate) fn put_events(&self, records: &[Value]) {
        let entry = |record: &Value| {
            json!({
                "Source": self.source(), "DetailType": "AWS API Call via CloudTrail", "Detail": record.to_string(),
            })
        };
        let entries: Vec<Value> = records.iter().map(entry).collect();
        let answer = self.events("PutEvents", &json!({ "Entries": entries }));
        assert_eq!(answer["FailedEntryCount"], 0, "{answer}");
    }

    fn events(&self, action: &str, body: &Value) -> Value {
        let call = Call::json(action.to_owned(), "events", &format!("AWSEvents.{action}"), body);
        serde_json::from_slice(&self.call(&call)).unwrap_or_default()
    }

    /// Has S3 tell the queue of new objects.
    pub(crate) fn notify_queue(&self) {
        let arn = self.arn(&self.queue);
        let body = format!(
            "<NotificationConfiguration><QueueConfiguration><Queue>{arn}</Queue><Event>s3:ObjectCreated:*</Event>\
             </QueueConfiguration></NotificationConfiguration>"
        );
        let mut call = Call::rest("notify".into(), "s3", "PUT", format!("/{}", self.name));
        call.query.push(("notification".to_owned(), String::new()));
        call.body = body.into_bytes();
        self.call(&call);
    }

    /// Writes a CloudTrail file as AWS does.
    pub(crate) fn put_file(&self, key: &str, records: &[Value]) {
        let text = json!({ "Records": records }).to_string();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(text.as_bytes()).unwrap();
        self.put_object(key, packed.finish().unwrap());
    }

    pub(crate) fn put_object(&self, key: &str, body: Vec<u8>) {
        let mut call = Call::rest("write".into(), "s3", "PUT", format!("/{}/{key}", self.name));
        call.body = body;
        self.call(&call);
    }

    /// What S3 would say of an object.
    pub(crate) fn notification(&self, key: &str) -> String {
        json!({"Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": REGION, "eventName": "ObjectCreated:Put",
            "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": self.name}, "object": {"key": key, "size": 100}},
        }]})
        .to_string()
    }

    fn call(&self, call: &Call) -> Vec<u8> {
        self.aws.block_on(self.aws.call(call)).unwrap_or_else(|fault| panic!("{}: {fault}", call.tried)).body
    }
}

/// A number that no other run of this test has.
pub(crate) fn salt() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_nanos()
}
