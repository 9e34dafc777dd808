//! What an event tells a playbook: where to look, who did it, and whether it was we.
//!
//! An event is never believed. It says where to look; the check decides. So every reader here is total: what is
//! missing is empty, and what is forged leads to a look at a thing of our own accounts and nothing else.

mod odd_json;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stockade_core::Timestamp;

use crate::json::{at, sha256, text};

/// An event in EventBridge's envelope.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    value: Value,
    sha256: String,
}

/// Why some bytes are no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadEvent {
    /// It is longer than events can be.
    #[error("the event is longer than {} bytes: {length}", Event::MAX_BYTES)]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// It is no JSON object.
    #[error("the event is no JSON object: {why}")]
    NotJson {
        /// What the reader says.
        why: String,
    },
}

/// Who did what an event tells of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The ARN of the user or of the session.
    pub arn: String,
    /// `IAMUser`, `AssumedRole`, `Root`, `AWSService`, …
    pub kind: String,
    /// The role behind a session.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// The access key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub access_key: String,
    /// Whether the session was opened with a second factor, in CloudTrail's words: `true`, `false` or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mfa: String,
    /// An address, or the name of an AWS service.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// What the client called itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user_agent: String,
}

impl Event {
    /// A longer event is refused. EventBridge allows 256 KiB, CloudTrail's larger option 1 MiB.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Reads an event. A bare CloudTrail record, as it lies in files, gets its envelope.
    ///
    /// # Errors
    /// If it is too long or no JSON object.
    pub fn read(bytes: &[u8]) -> Result<Self, BadEvent> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(BadEvent::TooLong { length: bytes.len() });
        }
        let value = odd_json::read(bytes).map_err(|error| BadEvent::NotJson { why: error.to_string() })?;
        if !value.is_object() {
            return Err(BadEvent::NotJson { why: "something else".to_owned() });
        }
        let sha256 = sha256(bytes);
        let bare = value.get("detail").is_none() && value.get("eventName").is_some();
        Ok(Self { value: if bare { wrapped(&value) } else { value }, sha256 })
    }

    /// The event as it came, in its envelope.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// SHA-256 of the bytes that came, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// By which the same event is known again: CloudTrail's `eventID`, a finding's id with its last change, a Config
    /// rule with its resource and time, else the envelope's id, else the hash of it all. What is not from AWS itself
    /// may say in its detail whatever it likes, also what an event said that is yet to come.
    pub fn identity(&self) -> String {
        let of_aws = self.source().starts_with("aws.") && !self.source().starts_with("aws.partner/");
        let detail = |pointer| if of_aws { at(&self.value, pointer) } else { "" };
        let cloudtrail = detail("/detail/eventID");
        let finding = (detail("/detail/id"), detail("/detail/updatedAt"));
        let rule = (
            detail("/detail/configRuleName"),
            detail("/detail/resourceId"),
            detail("/detail/newEvaluationResult/resultRecordedTime"),
        );
        if !cloudtrail.is_empty() {
            cloudtrail.to_owned()
        } else if !finding.0.is_empty() && !finding.1.is_empty() {
            format!("{}@{}", finding.0, finding.1)
        } else if !rule.0.is_empty() && !rule.2.is_empty() {
            format!("{}/{}@{}", rule.0, rule.1, rule.2)
        } else if !text(&self.value, "id").is_empty() {
            text(&self.value, "id").to_owned()
        } else {
            self.sha256.clone()
        }
    }

    /// The account in which it happened.
    pub fn account(&self) -> &str {
        first(&self.value, &["/account", "/detail/recipientAccountId", "/detail/awsAccountId"])
    }

    /// The region in which it happened.
    pub fn region(&self) -> &str {
        first(&self.value, &["/detail/awsRegion", "/region"])
    }

    /// When it happened, if it says so.
    pub fn time(&self) -> Option<Timestamp> {
        let time: jiff::Timestamp = first(&self.value, &["/detail/eventTime", "/time"]).parse().ok()?;
        Some(Timestamp::from_millis(time.as_millisecond()))
    }

    /// `aws.cloudtrail`, `aws.config`, …
    pub fn source(&self) -> &str {
        text(&self.value, "source")
    }

    /// The API call that CloudTrail tells of, without the version in its name: `AddPermission20150331v2` is
    /// `AddPermission`. Empty for other events.
    pub fn operation(&self) -> &str {
        let name = at(&self.value, "/detail/eventName");
        let versioned = name.char_indices().rev().find(|(_, c)| !c.is_ascii_digit() && *c != 'v');
        let Some(end) = versioned.map(|(at, c)| at + c.len_utf8()) else { return name };
        // `20150331` or `20150331v2`; fewer digits belong to the name.
        if name.len() - end >= 8 { name.get(..end).unwrap_or(name) } else { name }
    }

    /// The service whose API was called: `cloudtrail.amazonaws.com`.
    pub fn service(&self) -> &str {
        at(&self.value, "/detail/eventSource")
    }

    /// The parameters of the API call; `null` where there are none.
    pub fn parameters(&self) -> &Value {
        self.value.pointer("/detail/requestParameters").unwrap_or(&Value::Null)
    }

    /// The service's own number of the API call.
    pub fn request_id(&self) -> &str {
        at(&self.value, "/detail/requestID")
    }

    /// Why the API call failed; empty where it worked. Nothing is repaired for a call that failed.
    pub fn error_code(&self) -> &str {
        at(&self.value, "/detail/errorCode")
    }

    /// Who did it; `None` where the event does not say.
    pub fn actor(&self) -> Option<Actor> {
        let identity = self.value.pointer("/detail/userIdentity").filter(|identity| identity.is_object())?;
        let of = |pointer| at(identity, pointer).to_owned();
        let record = |pointer| at(&self.value, pointer).to_owned();
        Some(Actor {
            arn: of("/arn"),
            kind: of("/type"),
            role: of("/sessionContext/sessionIssuer/arn"),
            access_key: of("/accessKeyId"),
            mfa: of("/sessionContext/attributes/mfaAuthenticated"),
            source: record("/detail/sourceIPAddress"),
            user_agent: record("/detail/userAgent"),
        })
    }
}

impl Actor {
    /// The name of the session, for one of a role.
    pub fn session(&self) -> &str {
        if self.arn.contains(":assumed-role/") { self.arn.rsplit('/').next().unwrap_or_default() } else { "" }
    }

    /// For people: whoever it is, in one word or two.
    pub fn name(&self) -> &str {
        [&self.arn, &self.kind, &self.source]
            .into_iter()
            .find(|name| !name.is_empty())
            .map_or("nobody known", |name| name)
    }
}

fn first<'v>(value: &'v Value, pointers: &[&str]) -> &'v str {
    pointers.iter().map(|pointer| at(value, pointer)).find(|text| !text.is_empty()).unwrap_or_default()
}

/// A record in the envelope in which EventBridge would have sent it.
fn wrapped(record: &Value) -> Value {
    let service = text(record, "eventSource");
    let source = format!("aws.{}", service.strip_suffix(".amazonaws.com").unwrap_or(service));
    let kind = match text(record, "eventType") {
        "AwsConsoleSignIn" => "AWS Console Sign In via CloudTrail",
        "AwsServiceEvent" => "AWS Service Event via CloudTrail",
        _ => "AWS API Call via CloudTrail",
    };
    json!({
        "version": "0", "id": text(record, "eventID"), "detail-type": kind, "source": source,
        "account": text(record, "recipientAccountId"), "time": text(record, "eventTime"),
        "region": text(record, "awsRegion"), "resources": [], "detail": record,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(detail: &Value) -> Event {
        let all = json!({"account": "111122223333", "region": "eu-west-1", "id": "e", "detail": detail});
        Event::read(all.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn versions_of_operations_are_cut_off_and_nothing_else() {
        for (name, want) in [
            ("AddPermission20150331v2", "AddPermission"),
            ("DeleteFunction20150331", "DeleteFunction"),
            ("StopLogging", "StopLogging"),
            ("PutObject2", "PutObject2"),
            ("", ""),
            ("20150331", "20150331"),
        ] {
            assert_eq!(event(&json!({"eventName": name})).operation(), want);
        }
    }

    #[test]
    fn a_bare_record_is_an_event() {
        let record = json!({"eventName": "StopLogging", "eventSource": "cloudtrail.amazonaws.com", "awsRegion": "eu-west-1",
            "recipientAccountId": "111122223333", "eventID": "x", "eventTime": "2026-01-02T03:04:05Z"});
        let event = Event::read(record.to_string().as_bytes()).unwrap();
        assert_eq!(
            (event.account(), event.region(), event.source()),
            ("111122223333", "eu-west-1", "aws.cloudtrail")
        );
        assert_eq!(event.identity(), "x");
        assert_eq!(event.time(), Some(Timestamp::from_secs(1_767_323_045)));
    }

    #[test]
    fn only_aws_says_in_the_detail_which_event_it_is() {
        let of = |source: &str| {
            let all = json!({"id": "envelope", "source": source, "detail": {"eventID": "1", "id": "2", "updatedAt": "3"}});
            Event::read(all.to_string().as_bytes()).unwrap().identity()
        };
        assert_eq!(of("aws.cloudtrail"), "1");
        for source in ["shop", "", "aws.partner/example.com/1/2"] {
            assert_eq!(of(source), "envelope", "{source}");
        }
    }

    #[test]
    fn half_an_emoji_in_a_user_agent_hides_nothing() {
        // A user agent is cut at a kilobyte, and whoever calls chooses where that is.
        let event = r#"{"account": "111122223333", "detail": {"eventName": "StopLogging",
            "userAgent": "x\ud83d", "requestParameters": {"name": "main", "n": -1e400}}}"#;
        let event = Event::read(event.as_bytes()).unwrap();
        assert_eq!((event.operation(), event.account()), ("StopLogging", "111122223333"));
        assert_eq!(at(event.value(), "/detail/userAgent"), "x\u{fffd}");
        assert_eq!(text(event.parameters(), "name"), "main");
    }

    #[test]
    fn what_is_no_event_says_why() {
        assert!(matches!(Event::read(b"[1]"), Err(BadEvent::NotJson { .. })));
        assert!(matches!(Event::read(b"{"), Err(BadEvent::NotJson { .. })));
        assert!(matches!(Event::read(&vec![b' '; Event::MAX_BYTES + 1]), Err(BadEvent::TooLong { .. })));
        assert!(Event::read("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn actors_are_known_by_role_and_session() {
        let event = event(&json!({"userIdentity": {"type": "AssumedRole",
            "arn": "arn:aws:sts::111122223333:assumed-role/pipeline/run-7",
            "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/pipeline"},
            "attributes": {"mfaAuthenticated": "false"}}}, "sourceIPAddress": "192.0.2.1"}));
        let actor = event.actor().unwrap();
        assert_eq!(
            (actor.session(), actor.role.as_str()),
            ("run-7", "arn:aws:iam::111122223333:role/pipeline")
        );
        assert_eq!(actor.mfa, "false");
    }
}
