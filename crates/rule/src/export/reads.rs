//! Which combinations need read-only management events.
//!
//! EventBridge leaves out what CloudTrail tells of calls that only read, recognised by their names, unless a rule's state asks for
//! them (user guide, "Receiving read-only management events from AWS services").

use super::branch::{Branch, Conditions};

/// The `detail-type` of CloudTrail's calls; sign-ins have another and always arrive.
const API_CALL: &str = "AWS API Call via CloudTrail";

/// What names of calls that read begin with.
const READING: [&str; 3] = ["Describe", "Get", "List"];

/// Calls that EventBridge takes for changes all the same.
const CHANGES: [&str; 2] = ["GetFederationToken", "GetSessionToken"];

/// The names at the top of a CloudTrail record.
const RECORD: [&str; 28] = [
    "addendum",
    "additionalEventData",
    "apiVersion",
    "awsRegion",
    "edgeDeviceDetails",
    "errorCode",
    "errorMessage",
    "eventCategory",
    "eventID",
    "eventName",
    "eventSource",
    "eventTime",
    "eventType",
    "eventVersion",
    "managementEvent",
    "readOnly",
    "recipientAccountId",
    "requestID",
    "requestParameters",
    "resources",
    "responseElements",
    "serviceEventDetails",
    "sessionCredentialFromConsole",
    "sharedEventID",
    "sourceIPAddress",
    "tlsDetails",
    "userAgent",
    "userIdentity",
];

/// Whether a combination may match a call that reads.
pub(super) fn needed(branch: &Branch) -> bool {
    let may = |path: &str, text: &str| {
        branch.fields.get(path).is_none_or(|conditions| may_begin(conditions, text, true))
    };
    let from_aws = branch.fields.get("source").is_none_or(|sources| may_begin(sources, "aws.", false));
    if !from_aws || !may("detail-type", API_CALL) {
        return false;
    }
    let is_record = branch.fields.iter().all(|(path, conditions)| {
        let Some(rest) = path.strip_prefix("detail.") else { return true };
        let name = rest.split('.').next().unwrap_or(rest);
        RECORD.contains(&name) || name.starts_with("vpcEndpoint") || conditions.iter().any(|one| one.absent)
    });
    let writes = branch
        .fields
        .get("detail.readOnly")
        .is_some_and(|conditions| conditions.iter().all(|condition| condition.json == "false"));
    let reads = branch
        .fields
        .get("detail.eventName")
        .is_none_or(|names| READING.iter().any(|beginning| may_begin(names, beginning, false)));
    is_record && !writes && reads
}

/// Whether a text that begins so, or that is so, may fulfil one of the conditions.
fn may_begin(conditions: &Conditions, text: &str, whole: bool) -> bool {
    conditions.iter().any(|condition| match &condition.text {
        Some(exact) if whole => exact == text,
        Some(exact) => exact.starts_with(text) && !CHANGES.contains(&exact.as_str()),
        None if condition.absent => false,
        None => text.starts_with(&condition.beginning) || (!whole && condition.beginning.starts_with(text)),
    })
}
