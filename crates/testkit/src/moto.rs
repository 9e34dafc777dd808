//! The second emulator, moto, which `dev/emulators` starts beside the first: it has CloudTrail, and keeps accounts apart.
//!
//! Every test has an account of its own there, which it comes into by a role, as AWS has it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "what cannot be set up is a failed test"
)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use aws_sdk_sqs::config::Credentials;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};
use stockade_aws::{Access, Aws, Call};

/// An account in moto.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its twelve digits.
    pub id: String,
    /// Where everything is made.
    pub region: String,
    /// What an administrator of the account works with.
    pub aws: Aws,
    endpoint: String,
    keys: [String; 3],
}

impl Account {
    /// One that no other test has. None, after a line that says so, where no moto runs.
    pub fn new(region: &str) -> Option<Self> {
        Self::of(&unused(), region)
    }

    /// One by its number.
    ///
    /// # Panics
    /// If nobody is let in.
    pub fn of(id: &str, region: &str) -> Option<Self> {
        let Some(endpoint) = std::env::var("STOCKADE_TEST_MOTO").ok().filter(|url| !url.is_empty()) else {
            eprintln!("skipped: no moto: eval \"$(dev/emulators start)\" starts one");
            return None;
        };
        let access = Access { region: Some(region.to_owned()), endpoint: Some(endpoint.clone()) };
        let anybody = Credentials::new("test", "test", None, None, "test");
        let aws = Aws::new(&access).expect("clients").with_credentials(anybody);
        let role = format!("arn:aws:iam::{id}:role/administrator");
        let form = [("RoleArn", role.as_str()), ("RoleSessionName", "test")];
        let call = Call::query("assume a role".into(), "sts", "AssumeRole", "2011-06-15", &form);
        let reply = aws.block_on(aws.call(&call)).unwrap_or_else(|fault| panic!("{role}: {fault}"));
        let answer = String::from_utf8_lossy(&reply.body).into_owned();
        let of = |name: &str| {
            let (_, rest) = answer.split_once(&format!("<{name}>")).expect("a key");
            rest.split('<').next().unwrap_or_default().to_owned()
        };
        let keys = [of("AccessKeyId"), of("SecretAccessKey"), of("SessionToken")];
        let [id_of_key, secret, token] = keys.clone();
        let aws = aws.with_credentials(Credentials::new(id_of_key, secret, Some(token), None, "test"));
        Some(Self { id: id.to_owned(), region: region.to_owned(), aws, endpoint, keys })
    }

    /// Where moto is.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Its administrator's clients by another way, such as a proxy before moto.
    ///
    /// # Panics
    /// If the clients cannot be made.
    pub fn through(&self, endpoint: &str) -> Aws {
        let access = Access { region: Some(self.region.clone()), endpoint: Some(endpoint.to_owned()) };
        let [id, secret, token] = self.keys.clone();
        let keys = Credentials::new(id, secret, Some(token), None, "test");
        Aws::new(&access).expect("clients").with_credentials(keys)
    }

    /// The variables of a process that works in this account.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        let [id, secret, token] = self.keys.clone();
        vec![
            ("AWS_ACCESS_KEY_ID", id),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_SESSION_TOKEN", token),
            ("AWS_REGION", self.region.clone()),
            ("AWS_DEFAULT_REGION", self.region.clone()),
        ]
    }

    /// A call of CloudTrail.
    ///
    /// # Panics
    /// If it fails.
    pub fn cloudtrail(&self, operation: &str, body: &Value) -> Value {
        let target = format!("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.{operation}");
        let call = Call::json(operation.to_owned(), "cloudtrail", &target, body);
        let reply =
            self.aws.block_on(self.aws.call(&call)).unwrap_or_else(|fault| panic!("{operation}: {fault}"));
        serde_json::from_slice(&reply.body).unwrap_or_default()
    }

    /// Makes a bucket that CloudTrail may write to.
    ///
    /// # Panics
    /// If it cannot.
    pub fn bucket(&self) -> String {
        let name = format!("trail-{}-{}", self.id, count());
        let place = format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{}\
             </LocationConstraint></CreateBucketConfiguration>",
            self.region
        );
        let make = Call::rest("make a bucket".into(), "s3", "PUT", format!("/{name}"));
        let make =
            if self.region == "us-east-1" { make } else { make.with_body("application/xml", place.into()) };
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": ["s3:GetBucketAcl", "s3:PutObject"],
            "Resource": [format!("arn:aws:s3:::{name}"), format!("arn:aws:s3:::{name}/*")]}]});
        let mut allow = Call::rest("allow".into(), "s3", "PUT", format!("/{name}"))
            .with_body("application/json", policy.to_string().into());
        allow.query = vec![("policy".into(), String::new())];
        for call in [make, allow] {
            self.aws.block_on(self.aws.call(&call)).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        }
        name
    }

    /// Makes a trail that logs, in a bucket of its own; its ARN.
    ///
    /// # Panics
    /// If it cannot.
    pub fn trail(&self, name: &str) -> String {
        self.trail_in(name, &self.bucket())
    }

    /// The same in a bucket that is there.
    ///
    /// # Panics
    /// If it cannot.
    pub fn trail_in(&self, name: &str, bucket: &str) -> String {
        let made = self.cloudtrail("CreateTrail", &json!({"Name": name, "S3BucketName": bucket}));
        let arn = made.get("TrailARN").and_then(Value::as_str).expect("an ARN").to_owned();
        self.cloudtrail("StartLogging", &json!({ "Name": arn }));
        arn
    }

    /// Whether a trail logs.
    ///
    /// # Panics
    /// If nobody says so.
    pub fn is_logging(&self, trail: &str) -> bool {
        let status = self.cloudtrail("GetTrailStatus", &json!({ "Name": trail }));
        status.get("IsLogging").and_then(Value::as_bool).expect("a status")
    }

    /// What an attacker does; the event that CloudTrail would tell of it, as EventBridge brings it, for moto tells nothing.
    ///
    /// # Panics
    /// If it fails.
    pub fn stop_logging(&self, trail: &str) -> Value {
        self.cloudtrail("StopLogging", &json!({ "Name": trail }));
        self.event("StopLogging", &json!({ "name": trail }))
    }

    /// The event of a call of CloudTrail's, each with an id of its own.
    pub fn event(&self, operation: &str, parameters: &Value) -> Value {
        let (id, time) = (format!("{}-{}", self.id, count()), now());
        json!({
            "version": "0", "id": id, "detail-type": "AWS API Call via CloudTrail", "source": "aws.cloudtrail",
            "account": self.id, "time": time, "region": self.region, "resources": [],
            "detail": {
                "eventVersion": "1.08", "eventID": id, "eventTime": time, "awsRegion": self.region,
                "eventSource": "cloudtrail.amazonaws.com", "eventName": operation, "eventType": "AwsApiCall",
                "recipientAccountId": self.id,
                "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::{}:user/mallory", self.id),
                    "accountId": self.id, "userName": "mallory", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"},
                "sourceIPAddress": "192.0.2.44", "userAgent": "aws-cli/2.0", "requestID": format!("r-{id}"),
                "requestParameters": parameters, "responseElements": null,
            },
        })
    }

    /// That the rule `cloudtrail-enabled` of AWS Config is violated: what the guard that Stockade grew out of was called with.
    pub fn config_event(&self) -> Value {
        let (nth, time) = (count(), now());
        // Two within a second are two.
        let ordering = time.replace('Z', &format!(".{:03}Z", nth % 1000));
        let id = format!("c-{}-{nth}", self.id);
        json!({
            "version": "0", "id": id, "source": "aws.config", "detail-type": "Config Rules Compliance Change",
            "account": self.id, "time": time, "region": self.region, "resources": [],
            "detail": {
                "resourceId": self.id, "awsRegion": self.region, "awsAccountId": self.id,
                "configRuleName": "cloudtrail-enabled", "resourceType": "AWS::::Account", "recordVersion": "1.0",
                "messageType": "ComplianceChangeNotification",
                "newEvaluationResult": {
                    "evaluationResultIdentifier": {
                        "evaluationResultQualifier": {"configRuleName": "cloudtrail-enabled",
                            "resourceType": "AWS::::Account", "resourceId": self.id},
                        "orderingTimestamp": ordering,
                    },
                    "complianceType": "NON_COMPLIANT", "resultRecordedTime": ordering,
                },
            },
        })
    }

    /// Makes a queue; its address.
    ///
    /// # Panics
    /// If it cannot.
    pub fn queue(&self, name: &str) -> String {
        let client = aws_sdk_sqs::Client::new(self.aws.config());
        let request =
            client.create_queue().queue_name(name).attributes(QueueAttributeName::VisibilityTimeout, "60");
        self.aws.block_on(request.send()).expect("a queue").queue_url.expect("its address")
    }

    /// Has EventBridge send to a queue what a rule's pattern chooses.
    ///
    /// # Panics
    /// If it cannot.
    pub fn feed(&self, queue: &str, rule: &str, pattern: &str) {
        let client = aws_sdk_sqs::Client::new(self.aws.config());
        let request =
            client.get_queue_attributes().queue_url(queue).attribute_names(QueueAttributeName::QueueArn);
        let said = self.aws.block_on(request.send()).expect("attributes").attributes.unwrap_or_default();
        let arn = said.get(&QueueAttributeName::QueueArn).expect("an ARN");
        self.events("PutRule", &json!({"Name": rule, "EventPattern": pattern, "State": "ENABLED"}));
        self.events("PutTargets", &json!({"Rule": rule, "Targets": [{"Id": "queue", "Arn": arn}]}));
    }

    /// Puts an event on the bus, as AWS's services do; moto lets anybody speak for them.
    ///
    /// # Panics
    /// If it is refused.
    pub fn put_event(&self, event: &Value) {
        let of = |name: &str| event.get(name).cloned().unwrap_or_default();
        let entry = json!({"Source": of("source"), "DetailType": of("detail-type"), "Detail": of("detail").to_string()});
        let answer = self.events("PutEvents", &json!({ "Entries": [entry] }));
        assert_eq!(answer.get("FailedEntryCount").and_then(Value::as_u64), Some(0), "{answer}");
    }

    fn events(&self, operation: &str, body: &Value) -> Value {
        let call = Call::json(operation.to_owned(), "events", &format!("AWSEvents.{operation}"), body);
        let reply =
            self.aws.block_on(self.aws.call(&call)).unwrap_or_else(|fault| panic!("{operation}: {fault}"));
        serde_json::from_slice(&reply.body).unwrap_or_default()
    }

    /// Puts a message into a queue.
    ///
    /// # Panics
    /// If it cannot.
    pub fn send(&self, queue: &str, body: &str) {
        let client = aws_sdk_sqs::Client::new(self.aws.config());
        self.aws.block_on(client.send_message().queue_url(queue).message_body(body).send()).expect("sent");
    }

    /// How many messages are in a queue, whether somebody has taken them or not.
    ///
    /// # Panics
    /// If nobody says so.
    pub fn depth(&self, queue: &str) -> u64 {
        use QueueAttributeName::{ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible};
        let client = aws_sdk_sqs::Client::new(self.aws.config());
        let request = client.get_queue_attributes().queue_url(queue).attribute_names(QueueAttributeName::All);
        let said = self.aws.block_on(request.send()).expect("attributes").attributes.unwrap_or_default();
        let of = |name| said.get(&name).and_then(|number| number.parse::<u64>().ok()).expect("a number");
        of(ApproximateNumberOfMessages) + of(ApproximateNumberOfMessagesNotVisible)
    }
}

/// As CloudTrail writes it: whole seconds, in UTC.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Twelve digits that no other test has.
fn unused() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    let mixed =
        now.wrapping_mul(1_000_003) + u128::from(count()) * 7_919 + u128::from(std::process::id()) * 104_729;
    format!("{:012}", 100_000_000_000 + mixed % 899_999_999_999)
}

fn count() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}
