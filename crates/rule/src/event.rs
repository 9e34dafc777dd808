//! The two forms of an event, and the envelope that EventBridge puts around a CloudTrail record.

use stockade_pattern::{EventError, Fields, Part};

use crate::times;

/// An event, as it came.
#[derive(Clone, Copy, Debug)]
pub enum Event<'e> {
    /// The JSON that EventBridge delivers: an envelope whose `detail` says what happened.
    Envelope(&'e [u8]),
    /// A CloudTrail record as it lies in files: what would be the `detail`. The envelope is made from it.
    Record(&'e [u8]),
}

/// The path of a record in its event.
pub(crate) const DETAIL: &str = "detail";

/// What the envelope of a record is made from.
const HEAD: [&str; 7] = [
    "eventSource",
    "eventType",
    "recipientAccountId",
    "userIdentity.accountId",
    "eventTime",
    "awsRegion",
    "eventID",
];

/// Reads the envelope of a record from it.
#[derive(Debug)]
pub(crate) struct Envelopes {
    head: Fields,
}

impl Envelopes {
    pub(crate) fn new() -> Self {
        Self { head: Fields::new(HEAD) }
    }

    /// Writes the envelope of a record, a JSON object without `detail`, in place of what is in `envelope`.
    pub(crate) fn write(&self, record: &[u8], envelope: &mut Vec<u8>) -> Result<(), EventError> {
        let head = self.head.read(&[Part { path: "", json: record }])?;
        let [source, kind, account, owner, time, region, id] = std::array::from_fn(|at| head.first_str(at));
        let source_name = source.unwrap_or_default();
        envelope.clear();
        envelope.extend_from_slice(b"{\"version\":\"0\"");
        let mut field = |name: &str, value: &str| {
            envelope.extend_from_slice(b",\"");
            envelope.extend_from_slice(name.as_bytes());
            envelope.extend_from_slice(b"\":");
            envelope.extend_from_slice(serde_json::Value::from(value).to_string().as_bytes());
        };
        field("id", id.unwrap_or_default());
        field("detail-type", detail_type(kind.unwrap_or_default(), source_name));
        field("source", &source_of(source_name));
        field("account", account.or(owner).unwrap_or_default());
        field("time", &time_of(time.unwrap_or_default()));
        field("region", region.unwrap_or_default());
        envelope.extend_from_slice(b",\"resources\":[]}");
        Ok(())
    }
}

/// `source` of the envelope: `aws.` and the service as CloudTrail's `eventSource` has it.
fn source_of(event_source: &str) -> String {
    format!("aws.{}", event_source.strip_suffix(".amazonaws.com").unwrap_or(event_source))
}

/// `detail-type` of the envelope, by CloudTrail's `eventType`. Sources that store records without it are known by the
/// service: the sign-in page says nothing but sign-ins.
fn detail_type(event_type: &str, event_source: &str) -> &'static str {
    match event_type {
        "AwsConsoleSignIn" => "AWS Console Sign In via CloudTrail",
        "AwsConsoleAction" => "AWS Console Action via CloudTrail",
        "AwsServiceEvent" => "AWS Service Event via CloudTrail",
        "AwsCloudTrailInsight" => "AWS Insight via CloudTrail",
        "" if event_source == "signin.amazonaws.com" => "AWS Console Sign In via CloudTrail",
        _ => "AWS API Call via CloudTrail",
    }
}

/// `time` of the envelope: `eventTime` as AWS writes it, however it is written.
fn time_of(event_time: &str) -> String {
    times::parse(event_time).and_then(times::text).unwrap_or_else(|| event_time.to_owned())
}

/// An event as one JSON text on one line.
pub(crate) fn whole(parts: &[Part<'_>]) -> String {
    let text = |json: &[u8]| crate::text::minified(&String::from_utf8_lossy(json));
    let [envelope, record] = parts else {
        return parts.first().map(|event| text(event.json)).unwrap_or_default();
    };
    let mut whole = text(envelope.json);
    whole.pop();
    format!("{whole},\"{DETAIL}\":{}}}", text(record.json))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(record: &str) -> String {
        let mut envelope = b"what was there before".to_vec();
        Envelopes::new().write(record.as_bytes(), &mut envelope).unwrap();
        String::from_utf8(envelope).unwrap()
    }

    #[test]
    fn the_envelope_is_eventbridge_s() {
        let record = r#"{"eventVersion": "1.09", "eventSource": "signin.amazonaws.com", "eventType": "AwsConsoleSignIn",
            "recipientAccountId": "111122223333", "eventTime": "2022-11-15 22:58:13", "awsRegion": "us-east-1",
            "eventID": "3fcfb182-98f8-4744-bd45-10a395ab61cb", "userIdentity": {"accountId": "444455556666"}}"#;
        assert_eq!(
            envelope(record),
            r#"{"version":"0","id":"3fcfb182-98f8-4744-bd45-10a395ab61cb","detail-type":"AWS Console Sign In via CloudTrail","source":"aws.signin","account":"111122223333","time":"2022-11-15T22:58:13Z","region":"us-east-1","resources":[]}"#
        );
    }

    #[test]
    fn every_type_of_record_has_its_detail_type() {
        for (event_type, detail_type) in [
            ("AwsApiCall", "AWS API Call via CloudTrail"),
            ("AwsConsoleSignIn", "AWS Console Sign In via CloudTrail"),
            ("AwsConsoleAction", "AWS Console Action via CloudTrail"),
            ("AwsServiceEvent", "AWS Service Event via CloudTrail"),
            ("AwsCloudTrailInsight", "AWS Insight via CloudTrail"),
            ("", "AWS API Call via CloudTrail"),
        ] {
            assert_eq!(super::detail_type(event_type, "iam.amazonaws.com"), detail_type);
        }
        assert_eq!(super::detail_type("", "signin.amazonaws.com"), "AWS Console Sign In via CloudTrail");
    }

    #[test]
    fn a_record_with_next_to_nothing_has_an_envelope_all_the_same() {
        let text = envelope(
            r#"{"userIdentity": {"accountId": "444455556666"}, "eventTime": "a\"b", "eventSource": 7}"#,
        );
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&json["account"], &json["time"]), (&"444455556666".into(), &"a\"b".into()));
    }

    #[test]
    fn parts_make_one_text_of_one_line() {
        let parts = [
            Part { path: "", json: b"{\"a\": 1}" },
            Part { path: "detail", json: b"{\n  \"b\": \" \\\" {\"\n}" },
        ];
        assert_eq!(whole(&parts), r#"{"a":1,"detail":{"b":" \" {"}}"#);
        assert_eq!(whole(&parts[..1]), r#"{"a":1}"#);
    }
}
