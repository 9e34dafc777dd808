//! Messages as notices.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::{Map, Value};
use stockade_core::{Key, Timestamp};

use super::column::Field;
use super::error::cut;
use super::notice::is_sendable;
use super::{MAX_BODY_BYTES, MAX_JAIL_BYTES, MAX_KEYS, Notice, Told, UNBAN_PREFIX, WireError};

/// Whom a reader believes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    /// The ARNs of its topics.
    pub topics: BTreeSet<String>,
    /// Whether a message without an envelope is read too (raw delivery): then the queue's policy is all that says who
    /// may send.
    pub raw: bool,
}

impl Origins {
    /// These topics and no other, with envelopes.
    pub fn of(topics: impl IntoIterator<Item = String>) -> Self {
        Self { topics: topics.into_iter().collect(), raw: false }
    }
}

/// What one message of a queue says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// The topic it comes from; `None` without an envelope.
    pub topic: Option<String>,
    /// SNS's id of the message: the same in a redelivery, and in the queues of all hosts.
    pub message_id: Option<String>,
    /// When SNS took it.
    pub sent: Option<Timestamp>,
    /// What is said, in the order of the message.
    pub notices: Vec<Notice>,
    /// What is wrong with parts of it, at most [`Delivery::MAX_BAD`]; all else is in `notices`. An attribute that
    /// cannot be read says nothing.
    pub bad: Vec<WireError>,
}

impl Delivery {
    /// More errors of one message help nobody.
    pub const MAX_BAD: usize = 20;
}

/// Reads the body of a message that a queue delivered. `attributes` are those that SQS gives beside a body without an
/// envelope; an envelope has its own.
///
/// A message may hold several jails, as Cloud-Fail2Ban's clients read it; its attributes then belong to nobody.
///
/// # Errors
/// If nothing of it can be used, or it comes from elsewhere.
pub fn read(body: &str, attributes: &[(String, String)], origins: &Origins) -> Result<Delivery, WireError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(WireError::TooLong { bytes: body.len(), limit: MAX_BODY_BYTES });
    }
    let outer = object("body", body)?;
    let Some(Value::String(kind)) = outer.get("Type") else {
        if !origins.raw {
            return Err(WireError::NoTopic);
        }
        let attributes = attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        return said(&outer, attributes, Delivery::default());
    };
    if kind != "Notification" {
        return Err(WireError::NotNotification { kind: cut(kind) });
    }
    let text = |name: &str| outer.get(name).and_then(Value::as_str);
    let topic = text("TopicArn").ok_or(WireError::NoTopic)?;
    if !origins.topics.contains(topic) {
        return Err(WireError::ForeignTopic { topic: cut(topic) });
    }
    let message = object("message", text("Message").ok_or(WireError::NotBans)?)?;
    let delivery = Delivery {
        topic: Some(topic.to_owned()),
        message_id: text("MessageId").map(cut),
        sent: text("Timestamp").and_then(time),
        ..Delivery::default()
    };
    let attributes = outer.get("MessageAttributes").and_then(Value::as_object);
    let attributes = attributes.into_iter().flatten();
    let attributes = attributes.filter_map(|(name, one)| Some((name.as_str(), one.get("Value")?.as_str()?)));
    said(&message, attributes, delivery)
}

fn object(what: &'static str, text: &str) -> Result<Map<String, Value>, WireError> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(WireError::NotBans),
        Err(error) => Err(WireError::NotJson { what, error: error.to_string() }),
    }
}

/// `2026-01-19T10:07:07.287Z`.
fn time(text: &str) -> Option<Timestamp> {
    let time = DateTime::from_str(text, Format::DateTimeWithOffset).ok()?;
    time.to_millis().ok().map(Timestamp::from_millis)
}

/// Adds what the message says to the delivery.
fn said<'a>(
    message: &Map<String, Value>,
    attributes: impl Iterator<Item = (&'a str, &'a str)>,
    mut delivery: Delivery,
) -> Result<Delivery, WireError> {
    let lists = message.iter().map(|(name, list)| Some((name, list.as_array()?)));
    let lists: Vec<(&String, &Vec<Value>)> = lists.collect::<Option<_>>().ok_or(WireError::NotBans)?;
    if lists.iter().map(|(_, list)| list.len()).sum::<usize>() > MAX_KEYS {
        return Err(WireError::TooMany { limit: MAX_KEYS });
    }
    let mut bad = Vec::new();
    for (name, list) in &lists {
        let (jail, told) = match name.strip_prefix(UNBAN_PREFIX) {
            Some(jail) => (jail, Told::Unban),
            None => (name.as_str(), Told::Ban { until: None }),
        };
        match jail_name(jail) {
            Ok(jail) => {
                let blank = blank(&jail, told, delivery.sent);
                for value in *list {
                    // A place that holds no address keeps its place: attributes go by it.
                    let notice = key(value).map(|key| Notice { key, ..blank.clone() });
                    if notice.is_none() {
                        bad.push(WireError::NotAnAddress { jail: jail.to_string(), text: shown(value) });
                    }
                    delivery.notices.push(notice.unwrap_or_else(|| blank.clone()));
                }
            }
            Err(error) => bad.push(error),
        }
    }
    if lists.len() == 1 {
        for (name, value) in attributes {
            let Some(field) = Field::ALL.into_iter().find(|field| field.name() == name) else { continue };
            bad.extend(field.read(value, &mut delivery.notices).err());
        }
    }
    delivery.notices.retain(|notice| matches!(notice.key, Key::Addr(_) | Key::Net(_)));
    bad.truncate(Delivery::MAX_BAD);
    delivery.bad = bad;
    Ok(delivery)
}

/// A notice about nobody yet.
fn blank(jail: &Arc<str>, told: Told, sent: Option<Timestamp>) -> Notice {
    Notice {
        jail: Arc::clone(jail),
        key: Key::name(""),
        told,
        at: sent,
        version: None,
        nth: None,
        failures: None,
        reason: None,
        id: None,
    }
}

fn jail_name(name: &str) -> Result<Arc<str>, WireError> {
    let bad = |why| Err(WireError::BadJail { jail: cut(name), why });
    match name {
        "" => bad("it is empty"),
        name if name.len() > MAX_JAIL_BYTES => bad("it is too long"),
        name if !name.chars().all(is_sendable) => bad("it holds control characters"),
        name => Ok(name.into()),
    }
}

fn key(value: &Value) -> Option<Key> {
    Key::parse_addr_or_net(value.as_str()?)
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => cut(text),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => cut(&other.to_string()),
    }
}
