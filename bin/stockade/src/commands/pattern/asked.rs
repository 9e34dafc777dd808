//! What is asked: an event pattern, or the filter policy of a subscription.

use stockade_pattern::aws::{TEST_EVENT_ERROR, missing_in_test_event};
use stockade_pattern::sns::{FilterPolicy, Scope};
use stockade_pattern::{Dialect, EventError, Explanation, Lint, Pattern, PatternError};

use super::attributes::Attributes;
use crate::cli::{PatternTestArgs, SnsScope};

/// A pattern and how it is asked.
#[derive(Debug)]
pub(super) enum Asked {
    /// As Stockade's rules do it.
    Pattern(Pattern),
    /// As AWS's `TestEventPattern` does it.
    Aws(Pattern),
    /// The body of a message.
    Body(FilterPolicy),
    /// The attributes of a message.
    Attributes(FilterPolicy),
}

/// Why an event cannot be asked about.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is no JSON object.
    Event(EventError),
    /// The same, as AWS says it.
    Aws(EventError),
    /// AWS's test event misses these.
    Missing(Vec<&'static str>),
    /// These are no message attributes.
    Attributes(String),
}

impl Asked {
    pub(super) fn read(text: &str, args: &PatternTestArgs) -> Result<Self, PatternError> {
        Ok(match args.sns {
            Some(SnsScope::Body) => Self::Body(FilterPolicy::parse(text, Scope::MessageBody)?),
            Some(SnsScope::Attributes) => {
                Self::Attributes(FilterPolicy::parse(text, Scope::MessageAttributes)?)
            }
            None if args.aws => Self::Aws(Pattern::parse(text)?),
            None => Self::Pattern(Pattern::parse_as(text, Dialect::Stockade)?),
        })
    }

    pub(super) fn lints(&self) -> &[Lint] {
        match self {
            Self::Pattern(pattern) | Self::Aws(pattern) => pattern.lints(),
            Self::Body(policy) | Self::Attributes(policy) => policy.lints(),
        }
    }

    pub(super) fn explain(&self, event: &[u8]) -> Result<Explanation, Refusal> {
        match self {
            Self::Pattern(pattern) => pattern.explain(event).map_err(Refusal::Event),
            Self::Aws(pattern) => {
                let missing = missing_in_test_event(event).map_err(Refusal::Aws)?;
                if !missing.is_empty() {
                    return Err(Refusal::Missing(missing));
                }
                pattern.explain(event).map_err(Refusal::Aws)
            }
            Self::Body(policy) => policy.explain_body(event).map_err(Refusal::Event),
            Self::Attributes(policy) => {
                let attributes = Attributes::read(event).map_err(Refusal::Attributes)?;
                Ok(policy.explain_attributes(attributes.iter()))
            }
        }
    }

    /// What may be the matter with an event that does not match: a message and what to do.
    pub(super) fn hint(&self, event: &[u8]) -> Option<(&'static str, &'static str)> {
        let (Self::Pattern(pattern) | Self::Aws(pattern)) = self else { return None };
        let has = |shape: &str| {
            Pattern::parse(shape).is_ok_and(|shape| shape.matches(event).is_ok_and(|matches| matches))
        };
        let in_envelope = pattern.paths().iter().any(|path| path.starts_with("detail."));
        if in_envelope && has(BARE_RECORD) {
            return Some((
                "this is a CloudTrail record without EventBridge's envelope, and the pattern asks for `detail.…`",
                "wrap it: jq -c '{detail: .}'",
            ));
        }
        if has(RECORDS) {
            return Some((
                "this is a file of CloudTrail records, not an event",
                "one event a line: jq -c '.Records[] | {detail: .}'",
            ));
        }
        None
    }
}

const BARE_RECORD: &str = r#"{"eventVersion": [{"exists": true}], "eventName": [{"exists": true}],
                             "detail-type": [{"exists": false}]}"#;
const RECORDS: &str = r#"{"Records": {"eventVersion": [{"exists": true}]}}"#;

impl Refusal {
    /// What is wrong with the event.
    pub(super) fn message(&self) -> String {
        match self {
            Self::Event(error) => format!("event is not valid: {}", error.kind()),
            Self::Aws(error) => format!("ValidationException: {TEST_EVENT_ERROR} It is {}", error.kind()),
            Self::Missing(missing) => {
                format!("ValidationException: {TEST_EVENT_ERROR} It has no `{}`", missing.join("`, `"))
            }
            Self::Attributes(message) => message.clone(),
        }
    }

    /// The byte at which it was seen.
    pub(super) fn error(&self) -> Option<&EventError> {
        match self {
            Self::Event(error) | Self::Aws(error) => Some(error),
            Self::Missing(_) | Self::Attributes(_) => None,
        }
    }
}
