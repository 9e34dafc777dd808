//! An account in moto with one trail, seen past the program.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use stockade_aws::{Access, Aws, Call};
use stockade_repair::{Api as _, ApiCall, AwsApi, Member, Place};
use stockade_testkit::fault_proxy::{FaultProxy, Verdict};

pub(crate) const REGION: &str = "eu-central-1";
/// So long each call takes more, so that a kill finds one on its way.
const SLOW: Duration = Duration::from_millis(25);

pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) trail: String,
    /// Between the program and moto.
    pub(crate) proxy: FaultProxy,
    admin: Mutex<AwsApi>,
    aws: Aws,
    /// What was asked through the proxy.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Account {
    /// A new one; none, after a line that says so, where no moto runs.
    pub(crate) fn new() -> Option<Self> {
        let Some(url) = std::env::var("STOCKADE_TEST_MOTO").ok().filter(|url| !url.is_empty()) else {
            eprintln!("skipped: no moto: eval \"$(dev/emulators start)\" starts one");
            return None;
        };
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as u64;
        let mixed = now.wrapping_mul(1_000_003) + COUNT.fetch_add(7919, Ordering::Relaxed);
        let id = format!("{:012}", 100_000_000_000 + mixed % 899_999_999_999);
        let aws = Aws::new(&Access { region: Some(REGION.to_owned()), endpoint: Some(url.clone()) }).unwrap();
        let role = format!("arn:aws:iam::{id}:role/stockade-guard");
        let member = Member { account: id.clone(), role, external_id: None };
        let proxy = FaultProxy::before(&url);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&seen);
        proxy.rule(move |request| {
            heard.lock().unwrap().push(request.action().unwrap_or_default().to_owned());
            std::thread::sleep(SLOW);
            Verdict::Pass
        });
        let all = Self {
            trail: format!("arn:aws:cloudtrail:{REGION}:{id}:trail/main"),
            id,
            proxy,
            admin: Mutex::new(AwsApi::new(aws.clone(), vec![member])),
            aws,
            seen,
        };
        all.make();
        Some(all)
    }

    fn make(&self) {
        let bucket = format!("logs-{}", self.id);
        self.bucket(&bucket);
        let name = json!({"Name": "main", "S3BucketName": bucket, "EnableLogFileValidation": true});
        self.call("cloudtrail", "CreateTrail", name);
        let selectors = json!([{"ReadWriteType": "All", "IncludeManagementEvents": true,
            "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::secrets/"]}]}]);
        self.call(
            "cloudtrail",
            "PutEventSelectors",
            json!({"TrailName": self.trail, "EventSelectors": selectors}),
        );
        self.call("cloudtrail", "StartLogging", json!({"Name": self.trail}));
    }

    /// A bucket that CloudTrail may write to.
    fn bucket(&self, name: &str) {
        let role = format!("arn:aws:iam::{}:role/admin", self.id);
        let assume = ApiCall::new(
            &Place::new("", REGION),
            "sts",
            "AssumeRole",
            json!({"RoleArn": role, "RoleSessionName": "admin"}),
        );
        let answer = self.admin.lock().unwrap().call(&assume).unwrap().body;
        let of = |name: &str| answer["Credentials"][name].as_str().unwrap().to_owned();
        let (key, secret, token) = (of("AccessKeyId"), of("SecretAccessKey"), of("SessionToken"));
        let credentials = aws_credential_types::Credentials::new(key, secret, Some(token), None, "test");
        let aws = self.aws.with_credentials(credentials);
        let make = Call::rest("make".into(), "s3", "PUT", format!("/{name}")).with_body(
            "application/xml",
            format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>\
                 {REGION}</LocationConstraint></CreateBucketConfiguration>"
            )
            .into_bytes(),
        );
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": ["s3:GetBucketAcl", "s3:PutObject"],
            "Resource": [format!("arn:aws:s3:::{name}"), format!("arn:aws:s3:::{name}/*")]}]});
        let mut put = Call::rest("put".into(), "s3", "PUT", format!("/{name}"))
            .with_body("application/json", policy.to_string().into_bytes());
        put.query = vec![("policy".into(), String::new())];
        for call in [make, put] {
            aws.block_on(aws.call(&call)).unwrap();
        }
    }

    /// What somebody else does.
    pub(crate) fn call(&self, service: &str, operation: &str, parameters: Value) -> Value {
        let call = ApiCall::new(&Place::new(&self.id, REGION), service, operation, parameters);
        let answer = self.admin.lock().unwrap().call(&call);
        answer.unwrap_or_else(|fault| panic!("{}: {fault}", call.name())).body
    }

    /// All of the trail; null where there is none.
    pub(crate) fn whole(&self) -> Value {
        let all = self.call("cloudtrail", "DescribeTrails", json!({"includeShadowTrails": false}));
        let Some(trail) = all["trailList"].as_array().and_then(|all| all.first().cloned()) else {
            return Value::Null;
        };
        let selectors = self.call("cloudtrail", "GetEventSelectors", json!({"TrailName": self.trail}));
        let logs =
            self.call("cloudtrail", "GetTrailStatus", json!({"Name": self.trail}))["IsLogging"].clone();
        json!([trail, selectors["EventSelectors"], logs])
    }

    /// The changes that the program made since the last time.
    pub(crate) fn writes(&self) -> Vec<String> {
        // Also what a shelf in DynamoDB is asked.
        let reads = ["Describe", "Get", "List", "Head", "Assume", "Query", "PutItem", "DeleteItem"];
        let mut all = std::mem::take(&mut *self.seen.lock().unwrap());
        all.retain(|action| !action.is_empty() && !reads.iter().any(|read| action.starts_with(read)));
        all
    }

    /// Waits until nothing is on its way any more.
    pub(crate) fn calm(&self) {
        let seen = || self.seen.lock().unwrap().len();
        let mut before = usize::MAX;
        while before != seen() {
            before = seen();
            std::thread::sleep(SLOW * 8);
        }
    }

    pub(crate) fn event(&self, operation: &str, nth: usize) -> Value {
        let id = format!("{}-{operation}-{nth}", self.id);
        json!({
            "version": "0", "id": id, "detail-type": "AWS API Call via CloudTrail", "source": "aws.cloudtrail",
            "account": self.id, "time": "2026-09-21T14:13:20Z", "region": REGION, "resources": [],
            "detail": {
                "eventVersion": "1.08", "eventID": id, "eventTime": "2026-09-21T14:13:20Z", "awsRegion": REGION,
                "eventSource": "cloudtrail.amazonaws.com", "eventName": operation,
                "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::{}:user/mallory", self.id)},
                "sourceIPAddress": "192.0.2.44", "userAgent": "aws-cli/2.0", "requestID": format!("r-{id}"),
                "requestParameters": {"name": self.trail}, "responseElements": null,
            },
        })
    }
}
