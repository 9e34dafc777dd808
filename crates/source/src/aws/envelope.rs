//! The envelope of CloudWatch Logs: base64 of gzip of JSON with the events of one log stream.

use std::borrow::Cow;
use std::io::Read as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use stockade_core::Timestamp;

use super::error::{PayloadError, quote};
use super::limits::{MAX_ENVELOPE_BYTES, MAX_EVENTS, MAX_ID_BYTES, MAX_NAME_BYTES};

/// The events of one log stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Whether it only tests that somebody is there: `CONTROL_MESSAGE`. Such a one means nothing.
    pub control: bool,
    /// The account that owns the log group.
    pub owner: String,
    /// The log group.
    pub group: String,
    /// The log stream: one host, or one process.
    pub stream: String,
    /// The events, in their order. Of two that are the same in every part, the second is left out.
    pub events: Vec<LogEvent>,
    /// Events that could not be read.
    pub bad: Vec<Skipped>,
    /// How many events were there twice.
    pub repeated: u64,
}

/// One log event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogEvent {
    /// Its id, the same however often it is delivered.
    pub id: String,
    /// When it happened, as the agent says that sent it.
    pub time: Timestamp,
    /// What was logged, without the ends of its last line.
    pub message: String,
}

/// An event that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its place in the envelope, from 0.
    pub at: usize,
    /// Why.
    pub error: PayloadError,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw<'a> {
    #[serde(default)]
    message_type: Value,
    #[serde(default)]
    owner: Value,
    #[serde(default)]
    log_group: Value,
    #[serde(default)]
    log_stream: Value,
    #[serde(borrow, default)]
    log_events: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawEvent<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    timestamp: i64,
    #[serde(borrow)]
    message: Cow<'a, str>,
}

/// Some senders leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Envelope {
    /// Opens an envelope from its base64.
    ///
    /// # Errors
    /// Whatever keeps all of it from being read. A single event that cannot be read is in [`Envelope::bad`].
    pub fn decode(base64: &str) -> Result<Self, PayloadError> {
        let packed =
            BASE64.decode(base64.trim()).map_err(|error| PayloadError::NotBase64(error.to_string()))?;
        Self::read(&unpack(&packed)?)
    }

    /// Reads an unpacked envelope.
    ///
    /// # Errors
    /// As for [`Envelope::decode`].
    pub fn read(json: &[u8]) -> Result<Self, PayloadError> {
        let raw: Raw<'_> = serde_json::from_slice(json).map_err(|error| not_json(&error))?;
        let mut envelope = Self {
            control: match raw.message_type.as_str() {
                Some("DATA_MESSAGE") => false,
                Some("CONTROL_MESSAGE") => true,
                _ => {
                    let expected = "`DATA_MESSAGE` or `CONTROL_MESSAGE`";
                    return Err(PayloadError::unexpected("`messageType`", expected, &raw.message_type));
                }
            },
            owner: raw.owner.as_str().unwrap_or_default().to_owned(),
            group: String::new(),
            stream: String::new(),
            events: Vec::new(),
            bad: Vec::new(),
            repeated: 0,
        };
        if envelope.control {
            return Ok(envelope);
        }
        envelope.group = name("`logGroup`", &raw.log_group)?;
        envelope.stream = name("`logStream`", &raw.log_stream)?;
        let events = raw.log_events.map_or("null", RawValue::get);
        envelope.take(events)?;
        Ok(envelope)
    }

    fn take(&mut self, events: &str) -> Result<(), PayloadError> {
        let Ok(events) = serde_json::from_str::<Vec<&RawValue>>(events) else {
            let found = serde_json::from_str(events).unwrap_or(Value::Null);
            return Err(PayloadError::unexpected("`logEvents`", "a list", &found));
        };
        if events.len() > MAX_EVENTS {
            return Err(PayloadError::TooManyEvents);
        }
        self.events.reserve_exact(events.len());
        let mut seen = std::collections::HashSet::with_capacity(events.len());
        for (at, event) in events.into_iter().enumerate() {
            match read_event(at, event.get()) {
                Err(error) => self.bad.push(Skipped { at, error }),
                // The same text, byte for byte: redelivered. One id with two texts is two events.
                Ok(_) if !seen.insert(event.get()) => self.repeated += 1,
                Ok(event) => self.events.push(event),
            }
        }
        Ok(())
    }
}

/// Unpacks gzip, and zlib, which some senders take for it.
fn unpack(packed: &[u8]) -> Result<Vec<u8>, PayloadError> {
    let mut json = Vec::with_capacity(packed.len().saturating_mul(8).min(MAX_ENVELOPE_BYTES));
    // One byte more than allowed, so that too much can be told from just enough.
    let most = MAX_ENVELOPE_BYTES as u64 + 1;
    let done = match packed {
        [0x1f, 0x8b, ..] => MultiGzDecoder::new(packed).take(most).read_to_end(&mut json),
        [0x78, ..] => ZlibDecoder::new(packed).take(most).read_to_end(&mut json),
        _ => return Err(PayloadError::NotGzip("it begins with something else".to_owned())),
    };
    // A bomb may also be torn.
    if json.len() > MAX_ENVELOPE_BYTES {
        return Err(PayloadError::Bomb);
    }
    done.map_err(|error| PayloadError::NotGzip(error.to_string()))?;
    Ok(json)
}

fn not_json(error: &serde_json::Error) -> PayloadError {
    PayloadError::NotJson { what: "the envelope", why: error.to_string() }
}

fn name(at: &str, value: &Value) -> Result<String, PayloadError> {
    match value.as_str() {
        Some(name) if !name.is_empty() && name.len() <= MAX_NAME_BYTES => Ok(name.to_owned()),
        _ => Err(PayloadError::unexpected(at, "a name of at most 512 bytes", value)),
    }
}

fn read_event(at: usize, json: &str) -> Result<LogEvent, PayloadError> {
    let raw: RawEvent<'_> = serde_json::from_str(json).map_err(|error| {
        let found =
            serde_json::from_str::<Value>(json).map_or_else(|why| why.to_string(), |value| quote(&value));
        let at = format!("event {at}: {error}");
        PayloadError::Unexpected { at, expected: "`id`, `timestamp` and `message`", found }
    })?;
    if raw.id.is_empty() || raw.id.len() > MAX_ID_BYTES {
        let found = format!("{} bytes", raw.id.len());
        let at = format!("event {at}: `id`");
        return Err(PayloadError::Unexpected { at, expected: "1 to 256 bytes", found });
    }
    Ok(LogEvent {
        id: raw.id.into_owned(),
        time: Timestamp::from_millis(raw.timestamp),
        message: raw.message.trim_end_matches(['\n', '\r']).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn packed(json: &str) -> String {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(json.as_bytes()).unwrap();
        BASE64.encode(gzip.finish().unwrap())
    }

    fn envelope(events: &str) -> Result<Envelope, PayloadError> {
        Envelope::decode(&packed(&format!(
            r#"{{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"Auth","logStream":"i-1","logEvents":{events}}}"#
        )))
    }

    #[test]
    fn events_come_in_their_order_and_the_same_one_twice_counts_once() {
        let one = r#"{"id":"1","timestamp":5,"message":"a\u00e9\n"}"#;
        let found = envelope(&format!(r#"[{one},{{"id":"1","timestamp":5,"message":"b"}},{one}]"#)).unwrap();
        let texts: Vec<_> = found.events.iter().map(|event| event.message.as_str()).collect();
        assert_eq!(texts, ["aé", "b"], "one id with another text is another event");
        assert_eq!((found.repeated, found.bad.len(), found.group.as_str()), (1, 0, "Auth"));
    }

    #[test]
    fn a_bad_event_leaves_its_neighbours() {
        let found = envelope(
            r#"[{"id":"1","timestamp":1,"message":"a"},7,{"id":2,"timestamp":1,"message":"x"},
                {"id":"","timestamp":1,"message":"x"},{"id":"3","timestamp":"now","message":"x"},{"id":"4","timestamp":1},
                {"id":"5","timestamp":99999999999999999999,"message":"x"},{"id":"6","timestamp":-1,"message":""}]"#,
        )
        .unwrap();
        assert_eq!(found.events.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["1", "6"]);
        assert_eq!(found.bad.iter().map(|bad| bad.at).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        assert!(found.bad[0].error.to_string().starts_with("event 1: "), "{}", found.bad[0].error);
    }

    #[test]
    fn what_is_no_envelope_says_what_it_is() {
        let name = |base64: &str| Envelope::decode(base64).unwrap_err().name();
        assert_eq!(name("$$$"), "not-base64");
        assert_eq!(name(&BASE64.encode("hello")), "not-gzip");
        let torn = BASE64.decode(packed(r#"{"messageType":"DATA_MESSAGE"}"#)).unwrap();
        assert_eq!(name(&BASE64.encode(&torn[..torn.len() / 2])), "not-gzip");
        assert_eq!(name(&packed("{")), "not-json");
        assert_eq!(name(&packed(&"[".repeat(10_000))), "not-json");
        assert_eq!(name(&packed("[]")), "unexpected");
        assert_eq!(name(&packed(r#"{"messageType":"DATA"}"#)), "unexpected");
        assert_eq!(name(&packed(r#"{"messageType":"DATA_MESSAGE"}"#)), "unexpected");
        assert_eq!(envelope("{}").unwrap_err().name(), "unexpected");
    }

    #[test]
    fn a_bomb_is_refused() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&vec![b' '; 1 << 20]).unwrap();
        // A file of gzip may have many members.
        let bomb = BASE64.encode(gzip.finish().unwrap().repeat(1 + (MAX_ENVELOPE_BYTES >> 20)));
        assert!(bomb.len() < 200_000, "{}", bomb.len());
        assert_eq!(Envelope::decode(&bomb), Err(PayloadError::Bomb));
    }

    #[test]
    fn zlib_is_read_as_well_and_a_control_message_means_nothing() {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(br#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"id":"","timestamp":1}]}"#)
            .unwrap();
        let found = Envelope::decode(&BASE64.encode(zlib.finish().unwrap())).unwrap();
        assert!(found.control && found.events.is_empty() && found.bad.is_empty());
    }
}
