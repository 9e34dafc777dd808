//! What a function is invoked with.

use serde_json::Value;

use super::batch::{self, QueueMessage, TopicMessage};
use super::delivery::Delivered;
use super::error::PayloadError;
use super::limits::MAX_RECORDS;
use super::web::WebRequest;

/// The roads by which records come to a function. Envelopes are still packed: each is opened by itself.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Invocation {
    /// A subscription of CloudWatch Logs: one envelope.
    Subscription(String),
    /// Records of a Kinesis stream.
    Kinesis(Vec<KinesisRecord>),
    /// Records of Firehose, which wants each of them back.
    Firehose(Firehose),
    /// Records of a DynamoDB table's stream.
    Stream(Vec<StreamRecord>),
    /// One event of EventBridge, as it came; [`read_message`](super::read_message) reads it.
    Event(String),
    /// Messages of an SQS queue, which are given back one by one.
    Queue(Vec<QueueMessage>),
    /// Messages of an SNS topic.
    Topic(Vec<TopicMessage>),
    /// A notification of S3: what became of which objects.
    Objects(Vec<Result<Delivered<'static>, PayloadError>>),
    /// A request to the function's URL.
    Web(WebRequest),
    /// The clock: EventBridge's schedule, or anything else that has nothing to read.
    Schedule,
}

/// One record of a Kinesis stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KinesisRecord {
    /// What a partial failure names.
    pub sequence: String,
    /// The envelope; an error where the record has none.
    pub envelope: Result<String, PayloadError>,
}

/// What Firehose hands over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firehose {
    /// The records.
    pub records: Vec<FirehoseRecord>,
}

/// One record of Firehose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirehoseRecord {
    /// By which it wants it back.
    pub id: String,
    /// The envelope, as it came; an error where the record has none.
    pub envelope: Result<String, PayloadError>,
}

/// One change of a DynamoDB table.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamRecord {
    /// What a partial failure names.
    pub sequence: String,
    /// The item as it is now; `None` if it was removed, or if the stream does not show it.
    pub image: Option<serde_json::Map<String, Value>>,
}

impl Invocation {
    /// Tells by which road it came.
    ///
    /// # Errors
    /// If it is not JSON, or nothing in it says what it is, or there are more records than AWS ever sends. A record
    /// that cannot be read is an error of its own.
    pub fn read(payload: &[u8]) -> Result<Self, PayloadError> {
        if let Some(road) = batch::event_road(payload) {
            return road;
        }
        let payload: Value = serde_json::from_slice(payload)
            .map_err(|error| PayloadError::NotJson { what: "the payload", why: error.to_string() })?;
        let Value::Object(mut payload) = payload else {
            return Err(PayloadError::unexpected("the payload", "a table", &payload));
        };
        if let Some(request) = WebRequest::of(&payload) {
            return Ok(Self::Web(request));
        }
        if let Some(logs) = payload.get_mut("awslogs") {
            return match logs.get_mut("data").map(Value::take) {
                Some(Value::String(data)) => Ok(Self::Subscription(data)),
                other => {
                    Err(PayloadError::unexpected("`awslogs.data`", "a text", &other.unwrap_or_default()))
                }
            };
        }
        if let Some(records) = payload.get_mut("records") {
            let records = list("`records`", records.take())?;
            let records = records.into_iter().enumerate().map(firehose).collect::<Result<_, _>>()?;
            return Ok(Self::Firehose(Firehose { records }));
        }
        if let Some(records) = payload.get_mut("Records") {
            return streamed(list("`Records`", records.take())?);
        }
        let scheduled = ["detail-type", "source", "time"].iter().any(|key| payload.contains_key(*key));
        if scheduled || payload.is_empty() {
            return Ok(Self::Schedule);
        }
        Err(PayloadError::Unknown(super::error::quote(&Value::Object(payload))))
    }
}

fn list(at: &str, value: Value) -> Result<Vec<Value>, PayloadError> {
    match value {
        Value::Array(list) if list.len() <= MAX_RECORDS => Ok(list),
        other => Err(PayloadError::unexpected(at, "a list of at most 10000 records", &other)),
    }
}

/// Records of Kinesis or of a table: each says which.
fn streamed(records: Vec<Value>) -> Result<Invocation, PayloadError> {
    let of_table = |record: &Value| record.get("dynamodb").is_some();
    let of_kinesis = |record: &Value| record.get("kinesis").is_some();
    match records.iter().find(|record| of_table(record) || of_kinesis(record)) {
        None if records.is_empty() => Ok(Invocation::Schedule),
        None => Err(PayloadError::unexpected(
            "`Records`",
            "records of Kinesis or DynamoDB, of SQS, SNS or S3",
            &Value::Array(records),
        )),
        Some(first) if of_table(first) => {
            Ok(Invocation::Stream(records.into_iter().filter_map(changed).collect()))
        }
        Some(_) => Ok(Invocation::Kinesis(records.into_iter().enumerate().filter_map(kinesis).collect())),
    }
}

fn kinesis((at, mut record): (usize, Value)) -> Option<KinesisRecord> {
    let inner = record.get_mut("kinesis")?;
    let sequence = text(inner.get_mut("sequenceNumber")).unwrap_or_default();
    let envelope = data(&format!("record {at}: `kinesis.data`"), inner.get_mut("data"));
    Some(KinesisRecord { sequence, envelope })
}

fn firehose((at, mut record): (usize, Value)) -> Result<FirehoseRecord, PayloadError> {
    let Some(id) = text(record.get_mut("recordId")) else {
        let found = record.get("recordId").cloned().unwrap_or_default();
        return Err(PayloadError::unexpected(format!("record {at}: `recordId`"), "a text", &found));
    };
    let envelope = data(&format!("record {at}: `data`"), record.get_mut("data"));
    Ok(FirehoseRecord { id, envelope })
}

fn changed(mut record: Value) -> Option<StreamRecord> {
    let removed = record.get("eventName").and_then(Value::as_str) == Some("REMOVE");
    let inner = record.get_mut("dynamodb")?;
    let sequence = text(inner.get_mut("SequenceNumber")).unwrap_or_default();
    let image = match inner.get_mut("NewImage").map(Value::take) {
        Some(Value::Object(image)) if !removed => Some(image),
        _ => None,
    };
    Some(StreamRecord { sequence, image })
}

fn text(value: Option<&mut Value>) -> Option<String> {
    match value.map(Value::take) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn data(at: &str, value: Option<&mut Value>) -> Result<String, PayloadError> {
    match value.map(Value::take) {
        Some(Value::String(data)) => Ok(data),
        other => Err(PayloadError::unexpected(at, "a text", &other.unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Invocation, PayloadError> {
        Invocation::read(json.as_bytes())
    }

    #[test]
    fn every_road_is_known_by_its_shape() {
        assert_eq!(read(r#"{"awslogs":{"data":"x"}}"#), Ok(Invocation::Subscription("x".into())));
        assert_eq!(read(r#"{"source":"aws.events","detail":{}}"#), Ok(Invocation::Schedule));
        assert_eq!(read("{}"), Ok(Invocation::Schedule));
        let kinesis =
            read(r#"{"Records":[{"kinesis":{"sequenceNumber":"7","data":"x"}},{"kinesis":{"data":1}}]}"#);
        let Ok(Invocation::Kinesis(records)) = kinesis else { panic!("{kinesis:?}") };
        assert_eq!(records[0], KinesisRecord { sequence: "7".into(), envelope: Ok("x".into()) });
        assert_eq!(records[1].envelope.as_ref().unwrap_err().name(), "unexpected");
        let stream = read(
            r#"{"Records":[{"eventName":"INSERT","dynamodb":{"SequenceNumber":"1","NewImage":{"a":{"S":"b"}}}},
                           {"eventName":"REMOVE","dynamodb":{"SequenceNumber":"2","OldImage":{}}}]}"#,
        );
        let Ok(Invocation::Stream(records)) = stream else { panic!("{stream:?}") };
        assert!(records[0].image.is_some() && records[1].image.is_none());
        let firehose =
            read(r#"{"invocationId":"1","records":[{"recordId":"r","data":"x"},{"recordId":"s"}]}"#);
        let Ok(Invocation::Firehose(Firehose { records })) = firehose else { panic!("{firehose:?}") };
        assert_eq!(records[0], FirehoseRecord { id: "r".into(), envelope: Ok("x".into()) });
        assert!(records[1].envelope.is_err());
    }

    #[test]
    fn a_request_of_the_web_is_one_whatever_the_stranger_sends() {
        let inner = r#"{\"Records\":[{\"eventSource\":\"aws:sqs\"}],\"detail-type\":\"x\",\"source\":\"y\",\"detail\":{}}"#;
        let web = read(&format!(
            r#"{{"version":"2.0","routeKey":"$default","rawPath":"/","rawQueryString":"answer=v1.a&x=%3C","headers":{{"awslogs":"x"}},
                "queryStringParameters":{{"Records":"x"}},"requestContext":{{"accountId":"anonymous","domainName":"x.lambda-url.eu-central-1.on.aws",
                "http":{{"method":"POST","path":"/","protocol":"HTTP/1.1","sourceIp":"192.0.2.7","userAgent":"x"}}}},
                "body":"{inner}","isBase64Encoded":false}}"#
        ));
        let wanted = WebRequest {
            method: "POST".into(),
            path: "/".into(),
            query: "answer=v1.a&x=%3C".into(),
            from: "192.0.2.7".into(),
        };
        assert_eq!(web, Ok(Invocation::Web(wanted)));
    }

    #[test]
    fn what_is_none_of_them_is_an_error_that_says_so() {
        for (json, wanted) in [
            ("", "the payload is not JSON"),
            ("[]", "the payload: expected a table, found a list of 0"),
            (r#"{"awslogs":{}}"#, "`awslogs.data`: expected a text, found nothing"),
            (r#"{"Records":[{"s3":{}}]}"#, "`Records`: expected records of Kinesis or DynamoDB"),
            (r#"{"hello":1}"#, "nothing in the payload says what it is: a table with hello"),
            (r#"{"records":[{"data":"x"}]}"#, "record 0: `recordId`: expected a text, found nothing"),
        ] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.starts_with(wanted), "{error}");
        }
    }
}
