//! A deployed guard, and what is asked of the emulator around it.

use std::collections::BTreeSet;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use stockade_aws::{Aws, Call};
use stockade_repair::playbook::{PolicyOptions, policy};
use stockade_repair::{CATALOGUE, Mode, Playbook};
use stockade_testkit::emulator::{Stack, read_logs, unique, wait};
use xtask::package::Entry;

use crate::support::{PATIENCE, packed};

/// Action, resource, condition.
pub(crate) type Grant = (String, String, String);

/// What the emulator does not know.
const UNKNOWN: [&str; 2] = ["AWS::Config::ConfigRule", "AWS::Events::EventBusPolicy"];

/// The stack of guard.yaml.
pub(crate) struct Guard {
    pub(crate) stack: Stack,
    aws: Aws,
}

/// The function's name in the template. The emulator ends the functions of this name in all accounts when one of them is
/// changed, so each test gives it another.
const FUNCTION: &str = "stockade-events\n";

impl Guard {
    /// With rules, in the template and in the program, for events of `test.…`: nobody but AWS may send those of `aws.…`.
    pub(crate) fn deploy(aws: &Aws, parameters: &[(&str, &str)]) -> Self {
        let template = own_function().replace("\"aws.", "\"test.");
        let package = packed(|entries| {
            for rule in std::fs::read_dir(xtask::root().join("conf/rule.d")).unwrap() {
                let path = rule.unwrap().path();
                let text = std::fs::read_to_string(&path).unwrap().replace("\"aws.", "\"test.");
                let name = format!("stockade/rule.d/{}", path.file_name().unwrap().to_str().unwrap());
                entries.push(Entry { name, executable: false, bytes: text.into() });
            }
        });
        Self { stack: Stack::deploy(aws, &template, package, &quiet(parameters)), aws: aws.clone() }
    }

    /// As it is deployed in AWS.
    pub(crate) fn as_shipped(aws: &Aws, parameters: &[(&str, &str)]) -> Self {
        let stack = Stack::deploy(aws, &own_function(), packed(|_| {}), &quiet(parameters));
        Self { stack, aws: aws.clone() }
    }

    /// For what needs no function that runs.
    pub(crate) fn deploy_without_program(aws: &Aws, parameters: &[(&str, &str)]) -> Self {
        let stack = Stack::deploy(aws, &own_function(), Vec::new(), &quiet(parameters));
        Self { stack, aws: aws.clone() }
    }

    pub(crate) fn put_event(&self, bus: &str, event: &Value) {
        let entry = json!({
            "Source": event["source"], "DetailType": event["detail-type"],
            "Detail": event["detail"].to_string(), "EventBusName": bus,
        });
        let answer = events(&self.aws, "PutEvents", &json!({ "Entries": [entry] }));
        assert_eq!(answer["FailedEntryCount"], 0, "{answer}");
    }

    /// Sends to the queue, as EventBridge and S3 do.
    pub(crate) fn send(&self, body: &str) {
        let queue = aws_sdk_sqs::Client::new(self.aws.config());
        let url = self.stack.output("QueueUrl");
        self.aws.block_on(queue.send_message().queue_url(url).message_body(body).send()).unwrap();
    }

    /// What is published for people, from now on.
    pub(crate) fn notices(&self) -> Notices {
        Notices::subscribe(&self.aws, self.stack.output("Notices"))
    }

    /// What the function wrote to its log.
    pub(crate) fn logs(&self) -> Vec<String> {
        read_logs(&self.aws, &format!("/aws/lambda/{}", self.function()))
    }

    /// The variables that the function is started with.
    pub(crate) fn variables(&self) -> Value {
        let path = format!("/2015-03-31/functions/{}/configuration", self.function());
        let call = Call::rest("look at a function".to_owned(), "lambda", "GET", path);
        let reply = self.aws.block_on(self.aws.call(&call)).unwrap();
        let answer: Value = serde_json::from_slice(&reply.body).unwrap();
        answer["Environment"]["Variables"].clone()
    }

    /// The function's name.
    pub(crate) fn function(&self) -> &str {
        self.stack.output("Function").rsplit(':').next().unwrap()
    }

    /// Everything that was sent has been read and deleted.
    pub(crate) fn queue_empties(&self) {
        wait("the queue to be empty", PATIENCE, || (self.waiting("QueueUrl") == 0).then_some(()));
    }

    /// How many messages nobody could handle.
    pub(crate) fn failed_events(&self) -> u64 {
        self.waiting("FailedEvents")
    }

    fn waiting(&self, output: &str) -> u64 {
        use aws_sdk_sqs::types::QueueAttributeName as Name;
        let queue = aws_sdk_sqs::Client::new(self.aws.config());
        let names = [Name::ApproximateNumberOfMessages, Name::ApproximateNumberOfMessagesNotVisible];
        let asked = queue.get_queue_attributes().queue_url(self.stack.output(output));
        let asked = asked.set_attribute_names(Some(names.to_vec())).send();
        let answer = self.aws.block_on(asked).unwrap().attributes.unwrap();
        names.iter().map(|name| answer[name].parse::<u64>().unwrap()).sum()
    }
}

/// A queue that hears a topic.
pub(crate) struct Notices {
    aws: Aws,
    url: String,
}

impl Notices {
    fn subscribe(aws: &Aws, topic: &str) -> Self {
        use aws_sdk_sqs::types::QueueAttributeName::QueueArn;
        let queue = aws_sdk_sqs::Client::new(aws.config());
        let topics = aws_sdk_sns::Client::new(aws.config());
        let url = aws.block_on(async {
            let url =
                queue.create_queue().queue_name(unique("notices")).send().await.unwrap().queue_url.unwrap();
            let asked =
                queue.get_queue_attributes().queue_url(&url).attribute_names(QueueArn).send().await.unwrap();
            let arn = asked.attributes.unwrap()[&QueueArn].clone();
            topics.subscribe().topic_arn(topic).protocol("sqs").endpoint(arn).send().await.unwrap();
            url
        });
        Self { aws: aws.clone(), url }
    }

    /// What has come, after a second at most.
    pub(crate) fn receive(&self) -> Vec<String> {
        let queue = aws_sdk_sqs::Client::new(self.aws.config());
        let asked = queue.receive_message().queue_url(&self.url).wait_time_seconds(1).send();
        let messages = self.aws.block_on(asked).unwrap().messages.unwrap_or_default();
        messages.into_iter().filter_map(|message| message.body).collect()
    }
}

/// A template of deploy/aws/ without what the emulator does not know, with the one state of rules that it does, and with no
/// clock that ticks meanwhile.
pub(crate) fn template(name: &str) -> String {
    let text = std::fs::read_to_string(xtask::root().join("deploy/aws").join(name)).unwrap();
    let mut kept = String::new();
    for block in text.split_inclusive("\n\n") {
        let unknown = UNKNOWN.iter().any(|kind| block.contains(&format!("\n    Type: {kind}\n")));
        // The last resource stands before the outputs, and some have a comment before them.
        assert!(!unknown || !block.contains("Outputs:"), "{block}");
        if !unknown {
            kept.push_str(block);
        }
    }
    kept.replace("rate(1 minute)", "rate(1 day)")
        .replace("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", "ENABLED")
}

/// The guard's template with a function of a name of its own.
fn own_function() -> String {
    let (template, own) = (template("guard.yaml"), format!("{}\n", unique("stockade-events")));
    let named =
        |before: &str, text: &str| text.replace(&format!("{before}{FUNCTION}"), &format!("{before}{own}"));
    named("FunctionName: ", &named("/aws/lambda/", &template))
}

fn quiet<'p>(parameters: &[(&'p str, &'p str)]) -> Vec<(&'p str, &'p str)> {
    let mut all = vec![("ExpireEvery", "rate(1 day)"), ("ReconcileEvery", "rate(1 day)")];
    all.extend(parameters);
    all
}

/// An event of a call, as it comes from EventBridge.
pub(crate) fn call_event(source: &str, call: &str, request: &Value) -> Value {
    let service = source.split('.').nth(1).unwrap();
    json!({
        "version": "0", "id": unique("event"), "source": source, "detail-type": "AWS API Call via CloudTrail",
        "account": "111122223333", "time": now(), "region": "eu-central-1", "resources": [],
        "detail": {
            "eventVersion": "1.11", "eventTime": now(), "eventID": unique("call"), "eventType": "AwsApiCall",
            "eventSource": format!("{service}.amazonaws.com"), "eventName": call, "awsRegion": "eu-central-1",
            "sourceIPAddress": "203.0.113.7", "recipientAccountId": "111122223333",
            "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory"},
            "requestParameters": request, "responseElements": null,
        },
    })
}

/// A failed login to the console.
pub(crate) fn sign_in_failed(address: &str, n: usize) -> Value {
    let mut event = call_event("test.signin", "ConsoleLogin", &Value::Null);
    event["detail-type"] = json!("AWS Console Sign In via CloudTrail");
    let detail = &mut event["detail"];
    detail["eventType"] = json!("AwsConsoleSignIn");
    detail["eventID"] = json!(unique(&format!("login-{n}")));
    detail["sourceIPAddress"] = json!(address);
    detail["errorMessage"] = json!("Failed authentication");
    detail["responseElements"] = json!({ "ConsoleLogin": "Failure" });
    event
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub(crate) fn gzip(text: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

/// Makes a bucket, or writes an object into it.
pub(crate) fn put_object(aws: &Aws, bucket: &str, object: Option<(&str, Vec<u8>)>) {
    let call = match object {
        Some((key, body)) => Call::rest("put".to_owned(), "s3", "PUT", format!("/{bucket}/{key}"))
            .with_body("application/json", body),
        None => {
            let region = aws.region();
            let body = format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                 <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
            );
            Call::rest("make".to_owned(), "s3", "PUT", format!("/{bucket}"))
                .with_body("application/xml", body.into())
        }
    };
    aws.block_on(aws.call(&call)).unwrap();
}

/// Has a bucket tell a queue of new objects, as the book says.
pub(crate) fn notify(aws: &Aws, bucket: &str, queue: &str) {
    let body = format!(
        "<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><QueueConfiguration>\
         <Queue>{queue}</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>"
    );
    let mut call = Call::rest("notify".to_owned(), "s3", "PUT", format!("/{bucket}"));
    call.query.push(("notification".to_owned(), String::new()));
    aws.block_on(aws.call(&call.with_body("application/xml", body.into()))).unwrap();
}

fn events(aws: &Aws, action: &str, body: &Value) -> Value {
    let call = Call::json(action.to_owned(), "events", &format!("AWSEvents.{action}"), body);
    serde_json::from_slice(&aws.block_on(aws.call(&call)).unwrap().body).unwrap()
}

/// A call of CloudTrail.
pub(crate) fn cloudtrail(aws: &Aws, action: &str, body: &Value) -> Value {
    let target = format!("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.{action}");
    let call = Call::json(action.to_owned(), "cloudtrail", &target, body);
    serde_json::from_slice(&aws.block_on(aws.call(&call)).unwrap().body).unwrap_or_default()
}

pub(crate) fn rule_names(aws: &Aws) -> BTreeSet<String> {
    let answer = events(aws, "ListRules", &json!({}));
    let rules = answer["Rules"].as_array().unwrap().iter();
    rules.map(|rule| rule["Name"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn targets(aws: &Aws, rule: &str) -> Value {
    events(aws, "ListTargetsByRule", &json!({ "Rule": rule }))["Targets"].clone()
}

/// What a stack made: names and types.
pub(crate) fn resources(aws: &Aws, stack: &str) -> Vec<(String, String)> {
    let form = [("StackName", stack)];
    let xml = query(aws, "cloudformation", "2010-05-15", "DescribeStackResources", &form).unwrap();
    xml.split("<member>")
        .filter_map(|part| Some((text(part, "LogicalResourceId")?, text(part, "ResourceType")?)))
        .collect()
}

/// What a role may do for repairs.
pub(crate) fn role_grants(aws: &Aws, role: &str) -> BTreeSet<Grant> {
    match policy_of(aws, role, "repairs") {
        Value::Null => BTreeSet::new(),
        policy => grants(&policy),
    }
}

/// One of a role's own policies; `Null` where it has none of this name.
pub(crate) fn policy_of(aws: &Aws, role: &str, policy: &str) -> Value {
    let form = [("RoleName", role), ("PolicyName", policy)];
    let Some(xml) = query(aws, "iam", "2010-05-08", "GetRolePolicy", &form) else { return Value::Null };
    let document = text(&xml, "PolicyDocument").unwrap();
    let document = percent_decode_str(&document).decode_utf8().unwrap().into_owned();
    serde_json::from_str(&document).unwrap()
}

/// What it should, in these modes of the catalogue's playbooks.
pub(crate) fn wanted_grants(modes: &[Mode], account: &str) -> BTreeSet<Grant> {
    let chosen: Vec<(&dyn Playbook, Mode)> = CATALOGUE.iter().copied().zip(modes.iter().copied()).collect();
    grants(&policy(&chosen, &PolicyOptions { account: account.to_owned(), ..PolicyOptions::default() }))
}

fn grants(policy: &Value) -> BTreeSet<Grant> {
    let texts = |value: &Value| match value {
        Value::Array(all) => all.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
        one => vec![one.as_str().unwrap().to_owned()],
    };
    let mut grants = BTreeSet::new();
    for statement in policy["Statement"].as_array().unwrap() {
        let condition = statement.get("Condition").map(ToString::to_string).unwrap_or_default();
        for action in texts(&statement["Action"]) {
            for resource in texts(&statement["Resource"]) {
                grants.insert((action.clone(), resource, condition.clone()));
            }
        }
    }
    grants
}

fn query(
    aws: &Aws,
    service: &'static str,
    version: &'static str,
    action: &'static str,
    form: &[(&str, &str)],
) -> Option<String> {
    let call = Call::query(action.to_owned(), service, action, version, form);
    let reply = aws.block_on(aws.call(&call)).ok()?;
    Some(String::from_utf8(reply.body).unwrap())
}

fn text(xml: &str, element: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{element}>"))?;
    let (text, _) = rest.split_once(&format!("</{element}>"))?;
    Some(text.replace("&quot;", "\"").replace("&amp;", "&"))
}
