//! The AWS emulator that `dev/emulators` starts, and what tests do there: deploy a template, write logs, listen.
//!
//! Every name is made unique, so that tests run at once against one emulator and again against the same.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "what cannot be set up is a failed test"
)]

mod listener;
mod stack;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use stockade_aws::{Access, Aws, Call};

pub use listener::{Heard, Listener, addresses};
pub use stack::Stack;

/// One of the emulators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emulator {
    endpoint: String,
}

/// An event of a log: its time in milliseconds and its line.
pub type LogEvent = (i64, String);

/// What `PutLogEvents` takes at once.
const MOST_EVENTS: usize = 10_000;

impl Emulator {
    /// MiniStack, which runs functions. None, after a line that says so, where it does not run.
    pub fn ministack() -> Option<Self> {
        let endpoint = std::env::var("STOCKADE_TEST_MINISTACK").ok().filter(|url| !url.is_empty());
        if endpoint.is_none() {
            eprintln!("skipped: no AWS emulator: eval \"$(dev/emulators start)\" starts one");
        }
        endpoint.map(|endpoint| Self { endpoint })
    }

    /// Its address.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// It, in a region.
    ///
    /// # Panics
    /// If the clients cannot be made.
    pub fn aws(&self, region: &str) -> Aws {
        let access = Access { region: Some(region.to_owned()), endpoint: Some(self.endpoint.clone()) };
        Aws::new(&access).expect("clients")
    }

    /// It, in a region of an account that no other test has: for what has fixed names.
    ///
    /// # Panics
    /// If the clients cannot be made.
    pub fn own_account(&self, region: &str) -> Aws {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // The emulator takes an access key of twelve digits for the account.
        let account =
            format!("{:06}{:05}{}", now.as_secs() % 1_000_000, std::process::id() % 100_000, count % 10);
        let credentials = aws_sdk_sqs::config::Credentials::new(account, "test", None, None, "test");
        self.aws(region).with_credentials(credentials)
    }
}

/// `name` with an ending that no other test has.
pub fn unique(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{name}-{:x}-{:x}-{count:x}", now.as_millis(), std::process::id())
}

/// Asks until there is an answer.
///
/// # Panics
/// If there is none within `patience`.
pub fn wait<T>(what: &str, patience: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + patience;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "not within {patience:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Makes a log group with one stream, `host`.
///
/// # Panics
/// If it cannot.
pub fn make_log_group(aws: &Aws, group: &str) {
    logs(aws, "CreateLogGroup", &json!({ "logGroupName": group }));
    logs(aws, "CreateLogStream", &json!({ "logGroupName": group, "logStreamName": "host" }));
}

/// Writes to the log group, in requests of the allowed length.
///
/// # Panics
/// If it is refused.
pub fn put_logs(aws: &Aws, group: &str, events: &[LogEvent]) {
    for events in events.chunks(MOST_EVENTS) {
        let events: Vec<Value> = events
            .iter()
            .map(|(timestamp, message)| json!({ "timestamp": timestamp, "message": message }))
            .collect();
        let body = json!({ "logGroupName": group, "logStreamName": "host", "logEvents": events });
        logs(aws, "PutLogEvents", &body);
    }
}

/// Every line that a log group holds, such as a function's own.
///
/// # Panics
/// If it cannot be read.
pub fn read_logs(aws: &Aws, group: &str) -> Vec<String> {
    let answer = logs(aws, "FilterLogEvents", &json!({ "logGroupName": group }));
    let events = answer.get("events").and_then(Value::as_array).cloned().unwrap_or_default();
    events.iter().filter_map(|event| event.get("message")?.as_str().map(str::to_owned)).collect()
}

fn logs(aws: &Aws, action: &str, body: &Value) -> Value {
    let call = Call::json(action.to_owned(), "logs", &format!("Logs_20140328.{action}"), body);
    let reply = aws.block_on(aws.call(&call)).unwrap_or_else(|fault| panic!("{action}: {fault}"));
    serde_json::from_slice(&reply.body).unwrap_or_default()
}

/// Invokes a function and waits for its answer, as the schedule and the services do without waiting.
///
/// # Panics
/// If it cannot be invoked or fails.
pub fn invoke(aws: &Aws, function: &str, payload: &Value) -> Value {
    let path = format!("/2015-03-31/functions/{function}/invocations");
    let call = Call::rest(format!("invoke `{function}`"), "lambda", "POST", path)
        .with_body("application/json", payload.to_string().into_bytes());
    let reply = aws.block_on(aws.call(&call)).unwrap_or_else(|fault| panic!("{function}: {fault}"));
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    assert!(answer.get("errorMessage").is_none(), "{function}: {answer}");
    answer
}

/// The object's bytes, where it is.
pub fn object(aws: &Aws, url: &str) -> Option<Vec<u8>> {
    let path = url.strip_prefix("s3:/")?.to_owned();
    let call = Call::rest(format!("read `{url}`"), "s3", "GET", path);
    aws.block_on(aws.call(&call)).ok().map(|reply| reply.body)
}
