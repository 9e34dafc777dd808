//! What tells one event from every other, however often and by whatever way it is delivered.

use stockade_core::MatchId;
use stockade_pattern::Part;

use crate::known::Known;

/// The identity of an event.
///
/// A CloudTrail event has its `eventID`, the same in EventBridge and in the files of every trail. GuardDuty sends a finding
/// again when it saw more of it, which is news; Config has the time at which it judged. Other events have what EventBridge
/// called them; those without even that are what their bytes are.
pub(crate) fn identity(known: &Known<'_, '_>, parts: &[Part<'_>]) -> String {
    if let Some(id) = known.event_id() {
        return id.to_owned();
    }
    let (account, region) = known.place();
    match known.source() {
        Some("aws.guardduty") => {
            if let Some((id, updated, seen)) = known.finding() {
                return format!("{account}/{region}/{id}/{updated}/{seen}");
            }
        }
        Some("aws.config") => {
            if let Some((rule, kind, resource, time)) = known.judgement() {
                return format!("{account}/{region}/{rule}/{kind}/{resource}/{time}");
            }
        }
        _ => {}
    }
    if let Some(id) = known.envelope_id() {
        return id.to_owned();
    }
    // The record itself where there is one: its envelope is made from it.
    let bytes = parts.last().map(|part| String::from_utf8_lossy(part.json)).unwrap_or_default();
    format!("{:032x}", MatchId::derive("", "event", &bytes, 0, 0).0)
}
