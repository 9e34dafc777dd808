//! The roads by which events come to a function: EventBridge, and the batches of SQS, SNS and S3.
//!
//! They are told apart by a walk over the bytes and not by a parser: an event may be nested deeper than those allow, and
//! its numbers must stay as they are written.

use stockade_core::Timestamp;

use super::delivery::{read_message, unquoted};
use super::error::PayloadError;
use super::invocation::Invocation;
use super::limits::MAX_RECORDS;
use crate::events::json::{self, Fields};

/// A message of an SQS queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueMessage {
    /// SQS's id of it: what a partial failure names. Empty where the record has none.
    pub id: String,
    /// How many times it was handed out, this time included.
    pub receives: u32,
    /// When the queue got it.
    pub sent: Option<Timestamp>,
    /// The queue's ARN.
    pub queue: String,
    /// What it says, for [`read_message`]; an error where the record has none.
    pub body: Result<String, PayloadError>,
}

/// A message of an SNS topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicMessage {
    /// SNS's id of it.
    pub id: String,
    /// The topic's ARN.
    pub topic: String,
    /// What it says, for [`read_message`]; an error where the record has none.
    pub body: Result<String, PayloadError>,
}

/// What a schedule of EventBridge is called.
const SCHEDULED: &[u8] = b"Scheduled Event";

/// The road of a payload, if it is one of those of events.
pub(super) fn event_road(payload: &[u8]) -> Option<Result<Invocation, PayloadError>> {
    let start = json::space(payload, 0);
    let (mut kind, mut source, mut detail, mut records) = (None, None, false, None);
    let mut fields = Fields::of(payload, start);
    // What is no JSON is told by whoever parses it.
    while let Some(field) = fields.next().ok()? {
        match field.key {
            b"detail-type" => kind = json::string(payload, field.value),
            b"source" => source = json::string(payload, field.value),
            b"detail" => detail = true,
            b"Records" => records = Some(field.value),
            _ => {}
        }
    }
    if json::space(payload, fields.end()) < payload.len() {
        return None;
    }
    if let (Some(kind), Some(source), true) = (kind, source, detail) {
        let of_clock = matches!(source, b"aws.events" | b"aws.scheduler") && kind == SCHEDULED;
        return (!of_clock).then(|| Ok(Invocation::Event(utf8(payload)?.to_owned())));
    }
    let records = records?;
    let first = json::items(payload, records).next()?.ok()?;
    let road: fn(&[u8], usize) -> Result<Invocation, PayloadError> = match sender(first)? {
        b"aws:sqs" => |payload, records| Ok(Invocation::Queue(each(payload, records, queue_message)?)),
        b"aws:sns" => |payload, records| Ok(Invocation::Topic(each(payload, records, topic_message)?)),
        b"aws:s3" => |payload, _| {
            let found = read_message(utf8(payload)?).into_iter();
            Ok(Invocation::Objects(found.map(|one| one.map(super::Delivered::into_owned)).collect()))
        },
        _ => return None,
    };
    Some(road(payload, records))
}

/// Who sent a record.
fn sender(record: &[u8]) -> Option<&[u8]> {
    let mut fields = Fields::of(record, 0);
    while let Some(field) = fields.next().ok()? {
        if matches!(field.key, b"eventSource" | b"EventSource") {
            return json::string(record, field.value);
        }
    }
    None
}

fn each<T>(payload: &[u8], records: usize, read: fn(&[u8], usize) -> T) -> Result<Vec<T>, PayloadError> {
    let mut all = Vec::new();
    for (nth, record) in json::items(payload, records).enumerate() {
        if nth == MAX_RECORDS {
            let found = serde_json::Value::Null;
            return Err(PayloadError::unexpected("`Records`", "a list of at most 10000 records", &found));
        }
        // The whole payload has been walked over: it breaks nowhere.
        all.push(read(record.unwrap_or_default(), nth));
    }
    Ok(all)
}

fn queue_message(record: &[u8], nth: usize) -> QueueMessage {
    let mut message = QueueMessage {
        id: String::new(),
        receives: 1,
        sent: None,
        queue: String::new(),
        body: missing(nth, "body"),
    };
    let mut fields = Fields::of(record, 0);
    while let Ok(Some(field)) = fields.next() {
        match field.key {
            b"messageId" => message.id = text(record, field.value),
            b"eventSourceARN" => message.queue = text(record, field.value),
            b"body" => message.body = unquoted(record, field.value, &format!("record {nth}: `body`")),
            b"attributes" => {
                let mut attributes = Fields::of(record, field.value);
                while let Ok(Some(attribute)) = attributes.next() {
                    let value = text(record, attribute.value);
                    match attribute.key {
                        b"ApproximateReceiveCount" => message.receives = value.parse().unwrap_or(1),
                        b"SentTimestamp" => message.sent = value.parse().ok().map(Timestamp::from_millis),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    message
}

fn topic_message(record: &[u8], nth: usize) -> TopicMessage {
    let mut message =
        TopicMessage { id: String::new(), topic: String::new(), body: missing(nth, "Sns.Message") };
    let mut fields = Fields::of(record, 0);
    while let Ok(Some(field)) = fields.next() {
        if field.key != b"Sns" {
            continue;
        }
        let mut inner = Fields::of(record, field.value);
        while let Ok(Some(field)) = inner.next() {
            match field.key {
                b"MessageId" => message.id = text(record, field.value),
                b"TopicArn" => message.topic = text(record, field.value),
                b"Message" => {
                    message.body = unquoted(record, field.value, &format!("record {nth}: `Sns.Message`"));
                }
                _ => {}
            }
        }
    }
    message
}

fn text(record: &[u8], at: usize) -> String {
    unquoted(record, at, "").unwrap_or_default()
}

fn missing(nth: usize, name: &str) -> Result<String, PayloadError> {
    Err(PayloadError::unexpected(format!("record {nth}: `{name}`"), "a text", &serde_json::Value::Null))
}

fn utf8(payload: &[u8]) -> Result<&str, PayloadError> {
    std::str::from_utf8(payload)
        .map_err(|error| PayloadError::NotJson { what: "the payload", why: error.to_string() })
}
