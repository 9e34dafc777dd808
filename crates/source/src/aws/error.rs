//! What can be wrong with what AWS hands over.

use super::limits::{MAX_ENVELOPE_BYTES, MAX_EVENTS, MAX_MESSAGE_BYTES, MAX_QUOTE};

/// Why a payload, a record or an event cannot be read. Each variant is its own metric, so that an alarm can tell a
/// sender's mistake from an attack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// It is not base64.
    #[error("the envelope is not base64: {0}")]
    NotBase64(String),
    /// It is neither gzip nor zlib, or breaks off.
    #[error("the envelope is not gzip: {0}")]
    NotGzip(String),
    /// It is larger than anything that CloudWatch Logs sends.
    #[error("the envelope unpacks to more than {MAX_ENVELOPE_BYTES} bytes")]
    Bomb,
    /// It holds more events than are read.
    #[error("the envelope holds more than {MAX_EVENTS} events")]
    TooManyEvents,
    /// A message is longer than any that AWS sends.
    #[error("the message is longer than {MAX_MESSAGE_BYTES} bytes: {bytes}")]
    MessageTooLong {
        /// Its length.
        bytes: usize,
    },
    /// It is not JSON.
    #[error("{what} is not JSON: {why}")]
    NotJson {
        /// What was read: ``the envelope``, ``the payload``.
        what: &'static str,
        /// What the reader said, with line and column.
        why: String,
    },
    /// It is JSON and something else is expected.
    #[error("{at}: expected {expected}, found {found}")]
    Unexpected {
        /// Where: ``event 3: `timestamp` ``.
        at: String,
        /// What should be there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// An invocation of a kind that no role knows.
    #[error("nothing in the payload says what it is: {0}")]
    Unknown(String),
}

impl PayloadError {
    /// A short name for metrics and dead letters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotBase64(_) => "not-base64",
            Self::NotGzip(_) => "not-gzip",
            Self::Bomb => "bomb",
            Self::TooManyEvents => "too-many-events",
            Self::MessageTooLong { .. } => "message-too-long",
            Self::NotJson { .. } => "not-json",
            Self::Unexpected { .. } => "unexpected",
            Self::Unknown(_) => "unknown",
        }
    }

    pub(super) fn unexpected(
        at: impl Into<String>,
        expected: &'static str,
        found: &serde_json::Value,
    ) -> Self {
        Self::Unexpected { at: at.into(), expected, found: quote(found) }
    }
}

/// The beginning of a value, on one line.
pub(super) fn quote(value: &serde_json::Value) -> String {
    if value.is_null() {
        return "nothing".to_owned();
    }
    // A string of 6 MB is not written out to be cut.
    let text = match value {
        serde_json::Value::String(text) => format!("{:?}", text.chars().take(MAX_QUOTE).collect::<String>()),
        serde_json::Value::Array(list) => format!("a list of {}", list.len()),
        serde_json::Value::Object(table) => {
            let names: Vec<&str> = table.keys().take(6).map(String::as_str).collect();
            format!("a table with {}", if names.is_empty() { "nothing".to_owned() } else { names.join(", ") })
        }
        other => other.to_string(),
    };
    text.chars().take(2 * MAX_QUOTE).collect()
}
