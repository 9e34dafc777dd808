//! What an object is, by its fields.

use super::json::{Broken, Fields, string};
use super::limits::MAX_LOOKED_AT_FIELDS;

/// The dress in which an event comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In EventBridge's envelope: `source`, `detail-type`, `detail`.
    Envelope,
    /// A CloudTrail record without one: what the `detail` of the envelope would be.
    Record,
}

/// What CloudTrail delivers besides its records, which is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoEvent {
    /// A digest file: the hashes of an hour's log files.
    Digest,
    /// An Insights event: how many calls are unusual.
    Insight,
    /// An aggregated event: a summary of five minutes of data events.
    Aggregated,
}

/// What an object at the top or in a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An event.
    Event(Form),
    /// `{"Records": […]}`: where the `[` is.
    Wrapper(usize),
    /// Something that CloudTrail delivers, and no event.
    Known(NoEvent),
    /// Something else.
    Other,
}

/// The way in which nearly every CloudTrail record begins.
const USUAL: &[u8] = br#"{"eventVersion""#;

/// Tells what the object is that the text begins with. Reads no further than to the field that decides.
pub(crate) fn shape(text: &[u8]) -> Result<Shape, Broken> {
    if text.starts_with(USUAL) {
        return Ok(Shape::Event(Form::Record));
    }
    let mut fields = Fields::of(text, 0);
    for _ in 0..MAX_LOOKED_AT_FIELDS {
        let Some(field) = fields.next()? else { break };
        let opens_with = text.get(field.value).copied();
        match field.key {
            b"Records" if opens_with == Some(b'[') => return Ok(Shape::Wrapper(field.value)),
            b"detail-type" => return Ok(Shape::Event(Form::Envelope)),
            b"detail" if opens_with == Some(b'{') => return Ok(Shape::Event(Form::Envelope)),
            b"eventVersion" | b"eventID" | b"eventName" | b"eventSource" | b"eventTime" | b"userIdentity"
            | b"eventCategory" => return Ok(Shape::Event(Form::Record)),
            b"digestStartTime" | b"digestS3Object" | b"digestPublicKeyFingerprint" => {
                return Ok(Shape::Known(NoEvent::Digest));
            }
            _ => {}
        }
    }
    Ok(Shape::Other)
}

/// Whether a record is one of those that are no events. Reads all of its fields.
pub(crate) fn no_event(text: &[u8]) -> Option<NoEvent> {
    let mut fields = Fields::of(text, 0);
    for _ in 0..MAX_LOOKED_AT_FIELDS {
        let field = fields.next().ok()??;
        if matches!(field.key, b"eventCategory" | b"eventType") {
            match string(text, field.value) {
                Some(b"Insight" | b"AwsCloudTrailInsight") => return Some(NoEvent::Insight),
                Some(b"Aggregated" | b"AwsAggregatedEvent") => return Some(NoEvent::Aggregated),
                _ => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Shape {
        shape(text.as_bytes()).unwrap()
    }

    #[test]
    fn an_event_is_known_by_its_fields() {
        for text in [
            r#"{"eventVersion":"1.08","userIdentity":{}}"#,
            r#"{ "userIdentity": {"type":"Root"}, "eventVersion": "1.08" }"#,
            r#"{"awsRegion":"eu-west-1","eventID":"1"}"#,
        ] {
            assert_eq!(of(text), Shape::Event(Form::Record), "{text}");
        }
        for text in [
            r#"{"version":"0","id":"1","detail-type":"x","source":"y","detail":{}}"#,
            r#"{"detail":{"eventVersion":"1.08"},"source":"y"}"#,
        ] {
            assert_eq!(of(text), Shape::Event(Form::Envelope), "{text}");
        }
        assert_eq!(of(r#"{"a":[{"eventVersion":1}], "Records" : [{}]}"#), Shape::Wrapper(39));
        assert_eq!(of(r#"{"Records":"none","detail":"none"}"#), Shape::Other);
        assert_eq!(of("{}"), Shape::Other);
        assert_eq!(
            of(r#"{"awsAccountId":"111122223333","digestStartTime":"2026-11-01T00:00:00Z","logFiles":[]}"#),
            Shape::Known(NoEvent::Digest)
        );
        assert!(shape(br#"{"a":"#).is_err());
        let many: String = (0..MAX_LOOKED_AT_FIELDS).map(|n| format!("\"{n}\":0,")).collect();
        assert_eq!(of(&format!("{{{many}\"eventID\":1}}")), Shape::Other);
    }

    #[test]
    fn insights_and_summaries_are_no_events() {
        // The fields as AWS documents them, shortened.
        let insight = br#"{"eventVersion":"1.08","eventTime":"2026-01-01T00:00:00Z","awsRegion":"us-east-1","eventID":"e",
            "eventType":"AwsCloudTrailInsight","recipientAccountId":"111122223333","insightDetails":{},"eventCategory":"Insight"}"#;
        assert_eq!(no_event(insight), Some(NoEvent::Insight));
        let summary =
            br#"{"eventVersion":"1.0","accountId":"111122223333","eventId":"e","eventCategory":"Aggregated",
            "eventType":"AwsAggregatedEvent","summary":{}}"#;
        assert_eq!(no_event(summary), Some(NoEvent::Aggregated));
        assert_eq!(
            no_event(br#"{"eventType":"AwsApiCall","eventCategory":"Management","x":"Insight"}"#),
            None
        );
        assert_eq!(no_event(b"{"), None);
    }
}
