//! What AWS's own interface asks beside the language.

use crate::error::EventError;
use crate::fields::Fields;
use crate::set::Part;

/// What an event must have for `TestEventPattern`.
const ENVELOPE: [&str; 6] = ["id", "account", "source", "time", "region", "detail-type"];

/// What `TestEventPattern` answers to an event for which [`is_test_event`] is false, as a `ValidationException`.
pub const TEST_EVENT_ERROR: &str = "Parameter Event is not valid.";

/// Whether `TestEventPattern` takes an event: a JSON object with `id`, `account`, `source`, `time`, `region` and
/// `detail-type`. Matching itself asks for none of them.
///
/// ```
/// use stockade_pattern::aws::is_test_event;
///
/// let event = br#"{"id": "1", "account": "123456789012", "source": "aws.s3", "time": "2026-11-22T00:00:00Z", "region": "eu-west-1", "detail-type": "x"}"#;
/// assert!(is_test_event(event));
/// assert!(!is_test_event(br#"{"source": "aws.s3"}"#));
/// ```
pub fn is_test_event(event: &[u8]) -> bool {
    missing_in_test_event(event).is_ok_and(|missing| missing.is_empty())
}

/// Returns what `TestEventPattern` misses in an event.
///
/// # Errors
/// The event is not a JSON object.
pub fn missing_in_test_event(event: &[u8]) -> Result<Vec<&'static str>, EventError> {
    let values = Fields::new(ENVELOPE).read(&[Part { path: "", json: event }])?;
    Ok((0..).zip(ENVELOPE).filter(|(at, _)| values.of(*at).is_empty()).map(|(_, name)| name).collect())
}
