//! The account of moto, in which each test has a region of its own.

use serde_json::{Value, json};
use stockade_aws::{Access, Aws, Call};
use stockade_repair::{Api as _, ApiCall, AwsApi, Place};

/// Where the emulator is told to be.
const MOTO: &str = "STOCKADE_TEST_MOTO";
const ID: &str = "123456789012";

pub(crate) struct Account {
    pub(crate) aws: Aws,
    endpoint: String,
    pub(crate) region: &'static str,
    api: AwsApi,
    queue: String,
}

impl Account {
    /// `None`, with one line that says so, where there is no emulator.
    pub(crate) fn new(region: &'static str) -> Option<Self> {
        let Some(endpoint) = std::env::var(MOTO).ok().filter(|url| !url.is_empty()) else {
            eprintln!("skipped: no moto: {MOTO} is not set");
            return None;
        };
        let aws =
            Aws::new(&Access { region: Some(region.to_owned()), endpoint: Some(endpoint.clone()) }).unwrap();
        let api = AwsApi::new(aws.clone(), Vec::new());
        let queue = format!("herald-{region}-{}", std::process::id());
        let client = aws_sdk_sqs::Client::new(aws.config());
        aws.block_on(client.create_queue().queue_name(&queue).send()).unwrap();
        Some(Self { aws, endpoint, region, api, queue })
    }

    /// The settings of a daemon or function that looks after this region; `more` stands in `[repair]`.
    pub(crate) fn settings(&self, more: &str, mode: &str, responders: &str) -> String {
        let Self { endpoint, region, queue, .. } = self;
        format!(
            "[aws]\nregion = \"{region}\"\nendpoint = \"{endpoint}\"\n[events]\nqueue = \"{queue}\"\n\
             [responders.dry]\nkind = \"dry-run\"\n{responders}\n\
             [repair]\nregions = [\"{region}\"]\n{more}\n[repair.playbooks]\ntrail-stopped = \"{mode}\"\n"
        )
    }

    fn call(&mut self, operation: &str, parameters: Value) -> Value {
        let call = ApiCall::new(&Place::new(ID, self.region), "cloudtrail", operation, parameters);
        self.api.call(&call).unwrap_or_else(|fault| panic!("{operation}: {fault}")).body
    }

    /// A trail that logs; its ARN.
    pub(crate) fn trail(&mut self, name: &str) -> String {
        let bucket = format!("logs-{}-{}", self.region, std::process::id());
        let place = format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{}\
             </LocationConstraint></CreateBucketConfiguration>",
            self.region
        );
        let make = Call::rest("make".into(), "s3", "PUT", format!("/{bucket}"))
            .with_body("application/xml", place.into_bytes());
        self.aws.block_on(self.aws.call(&make)).unwrap();
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": ["s3:GetBucketAcl", "s3:PutObject"],
            "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")]}]});
        let mut put = Call::rest("put".into(), "s3", "PUT", format!("/{bucket}"))
            .with_body("application/json", policy.to_string().into_bytes());
        put.query = vec![("policy".into(), String::new())];
        self.aws.block_on(self.aws.call(&put)).unwrap();
        let made = self.call("CreateTrail", json!({"Name": name, "S3BucketName": bucket}));
        let arn = made["TrailARN"].as_str().unwrap().to_owned();
        self.call("StartLogging", json!({"Name": arn}));
        arn
    }

    /// What an attacker does.
    pub(crate) fn stop(&mut self, trail: &str) {
        self.call("StopLogging", json!({"Name": trail}));
    }

    pub(crate) fn is_logging(&mut self, trail: &str) -> bool {
        self.call("GetTrailStatus", json!({"Name": trail}))["IsLogging"] == true
    }

    /// The event that tells of it.
    pub(crate) fn stopped(&self, trail: &str, actor: &str) -> Value {
        let region = self.region;
        let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let nanos = jiff::Timestamp::now().as_nanosecond();
        let id = format!("{region}-{nanos}");
        json!({
            "version": "0", "id": id, "detail-type": "AWS API Call via CloudTrail", "source": "aws.cloudtrail",
            "account": ID, "time": time, "region": region, "resources": [],
            "detail": {
                "eventVersion": "1.08", "eventID": id, "eventTime": time, "awsRegion": region,
                "eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging",
                "userIdentity": {"type": "IAMUser", "arn": actor, "accountId": ID, "userName": "mallory"},
                "sourceIPAddress": "192.0.2.44", "userAgent": "aws-cli/2.0", "requestID": format!("r-{id}"),
                "requestParameters": {"name": trail}, "responseElements": null,
            },
        })
    }

    /// Puts an event into the queue.
    pub(crate) fn send(&self, event: &Value) {
        let client = aws_sdk_sqs::Client::new(self.aws.config());
        let url = self.aws.block_on(client.get_queue_url().queue_name(&self.queue).send()).unwrap();
        let url = url.queue_url.unwrap();
        let send = client.send_message().queue_url(url).message_body(event.to_string());
        self.aws.block_on(send.send()).unwrap();
    }
}
