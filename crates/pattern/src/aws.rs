//! What AWS's own interface asks beside the language.

use crate::leaves::Leaves;
use crate::paths::Paths;
use crate::scan::Walker;

/// What an event must have for `TestEventPattern`.
const ENVELOPE: [&[u8]; 6] = [b"id", b"account", b"source", b"time", b"region", b"detail-type"];

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
    let mut paths = Paths::new();
    let fields = ENVELOPE.map(|name| paths.add(name));
    Leaves::read(event, &paths, &mut Walker::default())
        .is_ok_and(|leaves| fields.iter().all(|field| !leaves.of(*field).is_empty()))
}
