//! The answer of the CloudTrail guard that this grew out of: `{"statusCode": …, "body": "…"}`.

use serde::Serialize;

use crate::run::{Item, Outcome, PassedOver, Run};

/// What the function answers to an event of its CloudTrail case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// 200: every trail logs, or what may be done is done. 404: the account has no trail. 500: something failed.
    pub status_code: u16,
    /// What happened, a line for each thing that was not fine.
    pub body: String,
}

/// The answer for a run of the playbooks of trails. A trail that cannot be repaired is 500 even where another was
/// repaired; none at all, also not from the last good state, is 404.
pub fn answer(run: &Run) -> Answer {
    let mut lines: Vec<String> = run.notable().map(Item::sentence).collect();
    lines.extend(run.troubles.iter().map(|trouble| format!("{}: {}", trouble.place, trouble.fault)));
    let passed = match &run.passed_over {
        Some(PassedOver::Duplicate) => Some("this event was dealt with before".to_owned()),
        Some(PassedOver::Own { .. }) => Some("this event tells of what Stockade did".to_owned()),
        Some(PassedOver::FailedCall { code }) => Some(format!("the call failed ({code}): nothing to repair")),
        Some(PassedOver::Elsewhere { place }) => Some(format!("nothing is looked after in {place}")),
        Some(PassedOver::Off) => Some("the playbook is off".to_owned()),
        None => None,
    };
    let status_code = if passed.is_some() {
        200
    } else if run.failed() || run.items.iter().any(is_stuck) {
        500
    } else if !run.without_trail().is_empty() {
        404
    } else {
        200
    };
    if status_code == 404 && lines.is_empty() {
        lines.push("no trail in this account".to_owned());
    }
    lines.extend(passed);
    lines.extend(run.items.iter().filter(|item| item.outcome == Outcome::Busy).map(Item::sentence));
    if lines.is_empty() {
        lines.push(format!("{} of {} are as they should be", run.items.len(), run.seen));
    }
    Answer { status_code, body: lines.join("\n") }
}

/// Whether a trail should be repaired and cannot be.
fn is_stuck(item: &Item) -> bool {
    matches!(item.outcome, Outcome::Cannot { .. } | Outcome::Limited { .. } | Outcome::Escalated { .. })
}
