//! What one message holds, by whatever road and in whatever wrapping it came: events, or notices about objects.
//!
//! | what | how it is known |
//! |---|---|
//! | SNS's envelope, around any of these | `Type` and `Message` |
//! | an event of EventBridge | `detail-type`, `detail` |
//! | a bare CloudTrail record | `eventVersion`, `eventName`, … |
//! | a notification of S3 | `Records` with `s3` |
//! | the same through EventBridge | an event of `aws.s3`, `Object Created`: the event and the object |
//! | CloudTrail's notification | `s3Bucket` and `s3ObjectKey` |
//! | S3's test, CloudTrail's test, removed objects | told as nothing |
//!
//! Nothing says by itself who sent a message: that is for the queue's policy. Whoever may send can name any object that
//! this program may read.

use std::borrow::Cow;

use serde_json::Value;

use super::error::PayloadError;
use super::limits::{MAX_KEY_BYTES, MAX_MESSAGE_BYTES, MAX_RECORDS, MAX_WRAPPINGS};
use super::object::{ObjectRef, decode_key};
use crate::events::Form;
use crate::events::json::{self, Broken, Fields};

/// What CloudTrail sends to a topic when a trail is given one.
const TRAIL_TEST: &str = "CloudTrail validation message.";

/// One thing that a message holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered<'a> {
    /// An event: one JSON object, whose structure has been checked.
    Event {
        /// Its dress.
        form: Form,
        /// Its text.
        text: Cow<'a, str>,
    },
    /// An object was written. What it is, [`ObjectRef::name`] may tell.
    Object(ObjectRef),
    /// It means nothing; with the reason.
    Nothing(&'static str),
}

impl Delivered<'_> {
    /// The same, with a text of its own.
    pub fn into_owned(self) -> Delivered<'static> {
        match self {
            Self::Event { form, text } => Delivered::Event { form, text: Cow::Owned(text.into_owned()) },
            Self::Object(object) => Delivered::Object(object),
            Self::Nothing(why) => Delivered::Nothing(why),
        }
    }
}

/// Reads a message. Of several things in one, each that cannot be read is an error of its own.
pub fn read_message(body: &str) -> Vec<Result<Delivered<'_>, PayloadError>> {
    let mut reader = Reader { found: Vec::new() };
    if body.len() > MAX_MESSAGE_BYTES {
        reader.found.push(Err(PayloadError::MessageTooLong { bytes: body.len() }));
    } else {
        reader.message(body, Some(body), 0);
    }
    reader.found
}

struct Reader<'a> {
    found: Vec<Result<Delivered<'a>, PayloadError>>,
}

/// The fields by which messages are told apart: where their values begin.
#[derive(Default)]
struct Known {
    kind: Option<usize>,
    message: Option<usize>,
    records: Option<usize>,
    test: Option<usize>,
    bucket: Option<usize>,
    keys: Option<usize>,
    source: Option<usize>,
    detail_type: Option<usize>,
    detail: Option<usize>,
    region: Option<usize>,
    record: bool,
    end: usize,
}

impl<'a> Reader<'a> {
    /// `whole` is the same where it lives long enough to be given out.
    fn message(&mut self, body: &str, whole: Option<&'a str>, wrappings: usize) {
        if body.trim() == TRAIL_TEST {
            return self.found.push(Ok(Delivered::Nothing("a test of CloudTrail")));
        }
        let start = json::space(body.as_bytes(), 0);
        if body.as_bytes().get(start) == Some(&b'[') {
            return self.list(body.as_bytes(), start, wrappings, "the list");
        }
        if let Err(error) = self.object(body, whole, start, wrappings) {
            self.found.push(Err(error));
        }
    }

    /// An object that is a message. An error if nothing of it was read.
    fn object(
        &mut self,
        body: &str,
        whole: Option<&'a str>,
        start: usize,
        wrappings: usize,
    ) -> Result<(), PayloadError> {
        let text = body.as_bytes();
        let known = Known::of(text, start).map_err(|broken| not_json("the message", broken))?;
        let rest = json::space(text, known.end);
        if rest < text.len() {
            return Err(not_json("the message", Broken { at: rest, why: json::Why::Unexpected }));
        }
        if let (Some(kind), Some(message)) = (known.kind, known.message) {
            return self.notification(text, kind, message, wrappings);
        }
        if let Some(form) = known.form() {
            self.event(text, &known);
            let text = whole.map_or_else(|| Cow::Owned(body.to_owned()), Cow::Borrowed);
            self.found.push(Ok(Delivered::Event { form, text }));
        } else if let Some(records) = known.records {
            self.list(text, records, wrappings, "`Records`");
        } else if let Some(test) = known.test {
            match json::string(text, test) {
                Some(b"s3:TestEvent") => self.found.push(Ok(Delivered::Nothing("a test of S3"))),
                _ => return Err(unknown(text)),
            }
        } else if let (Some(bucket), Some(keys)) = (known.bucket, known.keys) {
            self.trail(text, bucket, keys)?;
        } else {
            return Err(unknown(text));
        }
        Ok(())
    }

    /// SNS's envelope.
    fn notification(
        &mut self,
        text: &[u8],
        kind: usize,
        message: usize,
        wrappings: usize,
    ) -> Result<(), PayloadError> {
        if json::string(text, kind) != Some(b"Notification") {
            return Err(PayloadError::unexpected("`Type`", "`Notification`", &value(text, kind)));
        }
        if wrappings == MAX_WRAPPINGS {
            return Err(PayloadError::unexpected("`Message`", "a message in fewer envelopes", &Value::Null));
        }
        let message = unquoted(text, message, "`Message`")?;
        self.message(&message, None, wrappings + 1);
        Ok(())
    }

    /// A list of records or messages.
    fn list(&mut self, text: &[u8], at: usize, wrappings: usize, name: &'static str) {
        if text.get(at) != Some(&b'[') {
            return self.found.push(Err(PayloadError::unexpected(name, "a list", &value(text, at))));
        }
        for (nth, item) in json::items(text, at).enumerate() {
            let read = match item {
                _ if nth == MAX_RECORDS => {
                    self.found.push(Err(PayloadError::unexpected(
                        name,
                        "at most 10000 records",
                        &Value::Null,
                    )));
                    return;
                }
                Err(broken) => Err(not_json("the message", broken)),
                Ok(item) => self.record(item, wrappings, nth),
            };
            if let Err(error) = read {
                self.found.push(Err(error));
            }
        }
    }

    fn record(&mut self, record: &[u8], wrappings: usize, nth: usize) -> Result<(), PayloadError> {
        let at = |name: &str| format!("record {nth}: {name}");
        if let Some(object) = s3_record(record, nth)? {
            self.found.push(Ok(object));
            return Ok(());
        }
        let Ok(text) = std::str::from_utf8(record) else { return Err(unknown(record)) };
        if record.first() != Some(&b'{') || wrappings == MAX_WRAPPINGS {
            return Err(PayloadError::unexpected(at("it"), "an event or a notification", &value(record, 0)));
        }
        self.object(text, None, 0, wrappings + 1)
    }

    /// The object that an event of S3 is about, if it is one.
    fn event(&mut self, text: &[u8], known: &Known) {
        let is = |at: Option<usize>, wanted: &[u8]| at.and_then(|at| json::string(text, at)) == Some(wanted);
        if !is(known.source, b"aws.s3") || !is(known.detail_type, b"Object Created") {
            return;
        }
        let object = || {
            let detail: Value = serde_json::from_slice(part(text, known.detail.unwrap_or(text.len())))
                .map_err(|error| PayloadError::NotJson { what: "`detail`", why: error.to_string() })?;
            // Through EventBridge the key comes as it is.
            let key = text_of(&detail, "/object/key", "`detail.object.key`")?;
            let bucket = text_of(&detail, "/bucket/name", "`detail.bucket.name`")?;
            let mut object = ObjectRef::checked(&bucket, key)?;
            object.version = detail.pointer("/object/version-id").and_then(Value::as_str).and_then(named);
            object.bytes = detail.pointer("/object/size").and_then(Value::as_u64);
            let place = known.region.and_then(|at| json::string(text, at));
            object.region = place.and_then(|place| region(std::str::from_utf8(place).ok()?));
            Ok(Delivered::Object(object))
        };
        self.found.push(object());
    }

    /// CloudTrail's own notification.
    fn trail(&mut self, text: &[u8], bucket: usize, keys: usize) -> Result<(), PayloadError> {
        let bucket = unquoted(text, bucket, "`s3Bucket`")?;
        if text.get(keys) != Some(&b'[') {
            return Err(PayloadError::unexpected("`s3ObjectKey`", "a list", &value(text, keys)));
        }
        for key in json::items(text, keys).take(MAX_RECORDS) {
            let object = key
                .map_err(|broken| not_json("the message", broken))
                .and_then(|key| unquoted(key, 0, "`s3ObjectKey`"))
                .and_then(|key| ObjectRef::checked(&bucket, key));
            self.found.push(object.map(Delivered::Object));
        }
        Ok(())
    }
}

impl Known {
    fn of(text: &[u8], start: usize) -> Result<Self, Broken> {
        let mut known = Self::default();
        if text.get(start) != Some(&b'{') {
            let why = if start < text.len() { json::Why::Unexpected } else { json::Why::End };
            return Err(Broken { at: start, why });
        }
        let mut fields = Fields::of(text, start);
        while let Some(field) = fields.next()? {
            let at = Some(field.value);
            match field.key {
                b"Type" => known.kind = at,
                b"Message" => known.message = at,
                b"Records" => known.records = at,
                b"Event" => known.test = at,
                b"s3Bucket" => known.bucket = at,
                b"s3ObjectKey" => known.keys = at,
                b"source" => known.source = at,
                b"detail-type" => known.detail_type = at,
                b"region" => known.region = at,
                b"detail" if text.get(field.value) == Some(&b'{') => known.detail = at,
                b"eventVersion" | b"eventName" | b"eventSource" | b"eventID" | b"userIdentity" => {
                    known.record = true;
                }
                _ => {}
            }
        }
        known.end = fields.end();
        Ok(known)
    }

    fn form(&self) -> Option<Form> {
        if self.detail.is_some() || self.detail_type.is_some() {
            Some(Form::Envelope)
        } else {
            self.record.then_some(Form::Record)
        }
    }
}

/// A record of an S3 notification; `None` if it is none.
fn s3_record(record: &[u8], nth: usize) -> Result<Option<Delivered<'static>>, PayloadError> {
    let mut fields = Fields::of(record, 0);
    let mut s3 = false;
    while let Ok(Some(field)) = fields.next() {
        s3 |= field.key == b"s3" && record.get(field.value) == Some(&b'{');
    }
    if !s3 {
        return Ok(None);
    }
    let record: Value = serde_json::from_slice(record)
        .map_err(|error| PayloadError::NotJson { what: "a record", why: error.to_string() })?;
    let at = |name: &str| format!("record {nth}: `{name}`");
    let name = record.get("eventName").and_then(Value::as_str).unwrap_or_default();
    if !name.trim_start_matches("s3:").starts_with("ObjectCreated:") {
        return match name {
            "" => Err(PayloadError::unexpected(at("eventName"), "a text", &Value::Null)),
            _ => Ok(Some(Delivered::Nothing("an object that was not written"))),
        };
    }
    let key = decode_key(&text_of(&record, "/s3/object/key", &at("s3.object.key"))?)?;
    let mut object = ObjectRef::checked(&text_of(&record, "/s3/bucket/name", &at("s3.bucket.name"))?, key)?;
    object.version = record.pointer("/s3/object/versionId").and_then(Value::as_str).and_then(named);
    object.bytes = record.pointer("/s3/object/size").and_then(Value::as_u64);
    object.region = record.get("awsRegion").and_then(Value::as_str).and_then(region);
    Ok(Some(Delivered::Object(object)))
}

/// The value that begins at `at`.
fn part(text: &[u8], at: usize) -> &[u8] {
    let end = json::value_end(text, at).unwrap_or(at);
    text.get(at..end).unwrap_or_default()
}

/// The same as a value, for an error.
fn value(text: &[u8], at: usize) -> Value {
    serde_json::from_slice(part(text, at)).unwrap_or_default()
}

/// The string that begins at `at`.
pub(super) fn unquoted(text: &[u8], at: usize, name: &str) -> Result<String, PayloadError> {
    serde_json::from_slice(part(text, at))
        .map_err(|_| PayloadError::unexpected(name, "a text", &value(text, at)))
}

fn text_of(value: &Value, pointer: &str, name: &str) -> Result<String, PayloadError> {
    let found = value.pointer(pointer);
    match found.and_then(Value::as_str) {
        Some(text) => Ok(text.to_owned()),
        None => Err(PayloadError::unexpected(name, "a text", found.unwrap_or(&Value::Null))),
    }
}

fn named(text: &str) -> Option<String> {
    (!text.is_empty() && text.len() <= MAX_KEY_BYTES).then(|| text.to_owned())
}

fn region(text: &str) -> Option<String> {
    stockade_aws::is_region_name(text).then(|| text.to_owned())
}

fn unknown(text: &[u8]) -> PayloadError {
    PayloadError::Unknown(super::error::quote(&value(text, json::space(text, 0))))
}

fn not_json(what: &'static str, broken: Broken) -> PayloadError {
    PayloadError::NotJson { what, why: format!("{} at byte {}", broken.why.text(), broken.at) }
}
