//! What the record of a match says, as far as people want to know it first.

use serde::Serialize;
use serde_json::Value;

use super::clean;

/// A longer record is not read: an event has at most 256 KiB.
const MAX_RECORD_BYTES: usize = 300 << 10;
/// How long one fact may be, in characters.
const MAX_FACT: usize = 300;

/// What a record says. All of it was written by others; it is bounded and in one line each, and nothing more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Facts {
    /// The event's name: `StopLogging`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The service: `cloudtrail.amazonaws.com`, `aws.guardduty`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Who acted, mostly an ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Who was tried, where that is somebody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The service of AWS that acted in the actor's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoked_by: Option<String>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// In which account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// In which region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Why the call failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// With which program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Which pattern of the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The record itself, where it is a line of a log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

impl Facts {
    /// What a record says: the digest of an event, a whole event in EventBridge's envelope, or a line of a log. With it,
    /// the rule that a digest names.
    pub(super) fn of(record: &str) -> (Self, Option<String>) {
        let json = Some(record).filter(|record| record.len() <= MAX_RECORD_BYTES && record.starts_with('{'));
        let Some(event) = json.and_then(|record| serde_json::from_str::<Value>(record).ok()) else {
            let line = clean::line(record, MAX_FACT);
            return (Self { line: Some(line).filter(|line| !line.is_empty()), ..Self::default() }, None);
        };
        // By the names in a digest, then by those in an event.
        let first = |paths: &[&str]| paths.iter().find_map(|path| text(event.pointer(path)?));
        let facts = Self {
            name: first(&["/name", "/detail/eventName", "/detail/type", "/detail-type"]),
            source: first(&["/detail/eventSource", "/source"]),
            actor: first(&["/actor", "/detail/userIdentity/arn", "/detail/userIdentity/principalId"]),
            user: first(&["/user"]),
            invoked_by: first(&["/invoked_by", "/detail/userIdentity/invokedBy"]),
            address: first(&["/address", "/detail/sourceIPAddress"]),
            account: first(&["/account"]),
            region: first(&["/region"]),
            error: first(&["/error", "/detail/errorCode"]),
            agent: first(&["/agent", "/detail/userAgent"]),
            pattern: first(&["/pattern"]),
            line: None,
        };
        (facts, first(&["/rule"]))
    }

    /// Who is behind it, to put together what one actor does.
    pub(super) fn who(&self) -> Option<&str> {
        self.actor.as_deref().or(self.user.as_deref())
    }
}

fn text(value: &Value) -> Option<String> {
    let shown = match value {
        Value::String(text) => clean::line(text, MAX_FACT),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!shown.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_an_event_and_a_line_are_told_apart() {
        let digest = r#"{"rule":"trail-stopped","name":"StopLogging","source":"aws.cloudtrail","account":"111122223333",
            "region":"eu-central-1","actor":"arn:aws:iam::111122223333:user/mallory","address":"203.0.113.7"}"#;
        let (facts, rule) = Facts::of(digest);
        assert_eq!(rule.as_deref(), Some("trail-stopped"));
        assert_eq!(facts.name.as_deref(), Some("StopLogging"));
        assert_eq!((facts.address.as_deref(), facts.line), (Some("203.0.113.7"), None));
        let event = r#"{"version":"0","source":"aws.cloudtrail","account":"111122223333","region":"eu-central-1",
            "detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"StopLogging","sourceIPAddress":"203.0.113.7",
            "eventSource":"cloudtrail.amazonaws.com","userIdentity":{"arn":"arn:aws:iam::111122223333:user/mallory"}}}"#;
        let (facts, rule) = Facts::of(event);
        assert_eq!((facts.name.as_deref(), rule), (Some("StopLogging"), None));
        assert_eq!(facts.who(), Some("arn:aws:iam::111122223333:user/mallory"));
        assert_eq!(facts.source.as_deref(), Some("cloudtrail.amazonaws.com"));
        let (facts, _) = Facts::of("Failed password for root\u{1b}[2J from 203.0.113.7");
        assert_eq!(facts.line.as_deref(), Some("Failed password for root�[2J from 203.0.113.7"));
        for odd in ["", "{", "{}", "[]", "{\"name\":[{}]}", "{\"name\":\"\\n\"}"] {
            let (facts, _) = Facts::of(odd);
            assert_eq!(facts.name, None, "{odd}");
        }
    }
}
