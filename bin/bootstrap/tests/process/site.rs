//! A table, a topic and a listener of a test's own, and the program before them.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use serde_json::{Value, json};
use stockade_aws::{Aws, Call};
use stockade_store::dynamodb::create_if_missing;
use stockade_testkit::emulator::{Emulator, Listener, unique};
use stockade_testkit::runtime_api::{Answer, RuntimeApi};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const REGION: &str = "eu-central-1";

pub(crate) struct Site {
    pub(crate) emulator: Emulator,
    pub(crate) aws: Aws,
    pub(crate) table: String,
    pub(crate) topic: String,
    pub(crate) listener: Listener,
}

impl Site {
    /// None, after a line that says so, where no emulator runs.
    pub(crate) fn new() -> Option<Self> {
        let emulator = Emulator::ministack()?;
        let aws = emulator.aws(REGION);
        let table = unique("Stockade");
        create_if_missing(&aws, &table).unwrap();
        let topics = aws_sdk_sns::Client::new(aws.config());
        let made = aws.block_on(topics.create_topic().name(unique("F2B")).send()).unwrap();
        let topic = made.topic_arn.unwrap();
        let listener = Listener::subscribe(&aws, &topic, &["sshd"], true);
        Some(Self { emulator, aws, table, topic, listener })
    }

    /// The program in a role, which speaks to `endpoint`.
    pub(crate) fn function(&self, handler: &str, endpoint: &str, env: &[(&str, &str)]) -> Running {
        let api = RuntimeApi::start().unwrap();
        let mut command = command(&api, handler);
        command.env("AWS_ENDPOINT_URL", endpoint);
        command.env("STOCKADE_AWS_TABLE", &self.table).env("STOCKADE_AWS_TOPIC", &self.topic);
        for (name, value) in env {
            command.env(name, value);
        }
        Running { child: command.spawn().unwrap(), api }
    }

    /// A bucket of the test's own.
    pub(crate) fn bucket(&self) -> String {
        let bucket = unique("stockade");
        let place = format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{REGION}\
             </LocationConstraint></CreateBucketConfiguration>"
        );
        let make = Call::rest("make a bucket".into(), "s3", "PUT", format!("/{bucket}"));
        self.aws.block_on(self.aws.call(&make.with_body("application/xml", place.into_bytes()))).unwrap();
        bucket
    }

    /// What the hosts heard: `sshd 203.0.113.7`, in the order of arrival.
    pub(crate) fn heard(&self, wanted: usize) -> Vec<String> {
        let heard = self.listener.listen(Duration::from_secs(8), |heard| heard.len() >= wanted);
        let said = heard.iter().flat_map(|heard| &heard.bans);
        said.flat_map(|(jail, keys)| keys.iter().map(move |key| format!("{jail} {key}"))).collect()
    }
}

/// The program with Lambda's variables and nothing else.
pub(crate) fn command(api: &RuntimeApi, handler: &str) -> Command {
    api.command(Path::new(env!("CARGO_BIN_EXE_bootstrap")), handler)
}

/// A process; it ends with the value.
pub(crate) struct Running {
    child: Child,
    pub(crate) api: RuntimeApi,
}

impl Running {
    /// What it answers.
    pub(crate) fn invoke(&self, payload: &[u8]) -> Answer {
        self.api.invoke(payload, PATIENCE).unwrap()
    }

    /// The same, which must be an answer and no error.
    pub(crate) fn answer(&self, payload: &[u8]) -> Value {
        match self.invoke(payload) {
            Answer::Response(body) => serde_json::from_slice(&body).unwrap(),
            Answer::Error(body) => panic!("{}", String::from_utf8_lossy(&body)),
        }
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn packed(bytes: &[u8]) -> String {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    base64::engine::general_purpose::STANDARD.encode(gzip.finish().unwrap())
}

/// Failed logins, a second apart, the last of them now.
pub(crate) fn failures(address: &str, count: usize) -> Value {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().cast_signed();
    let event = |n: usize| {
        let at = now - i64::try_from(count - n).unwrap();
        let date = jiff::Timestamp::from_second(at).unwrap().strftime("%b %e %H:%M:%S").to_string();
        let message = format!("{date} web sshd[{n}]: Failed password for root from {address} port 4 ssh2");
        let id = format!("{at}{n:08}{}", address.replace(['.', ':'], ""));
        json!({"id": id, "timestamp": at * 1000, "message": message})
    };
    json!({"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "Auth", "logStream": "i-1",
        "subscriptionFilters": [], "logEvents": (0..count).map(event).collect::<Vec<_>>()})
}

pub(crate) fn subscription(envelope: &Value) -> Vec<u8> {
    json!({"awslogs": {"data": packed(envelope.to_string().as_bytes())}}).to_string().into_bytes()
}

pub(crate) fn kinesis(envelopes: &[String]) -> Vec<u8> {
    let record = |(at, data): (usize, &String)| json!({"kinesis": {"sequenceNumber": format!("seq{at}"), "data": data}});
    json!({"Records": envelopes.iter().enumerate().map(record).collect::<Vec<_>>()}).to_string().into_bytes()
}
