//! What the caller of a function expects to hear.

use serde_json::{Value, json};
use stockade_source::aws::Firehose;

use super::counts::Counts;

/// To a subscription or a schedule: nobody reads it but people.
pub(super) fn summary(counts: &Counts) -> Value {
    counts.summary()
}

/// To a stream: the records that are to be delivered again.
pub(super) fn batch<'r>(failed: impl Iterator<Item = &'r str>) -> Value {
    let items: Vec<Value> = failed.map(|sequence| json!({"itemIdentifier": sequence})).collect();
    json!({"batchItemFailures": items})
}

/// To Firehose: every record back as it came, so that it is stored whatever it is; what could not be read is marked,
/// and stored among the failed ones.
pub(super) fn firehose(firehose: Firehose, bad: &[bool]) -> Value {
    let back = |(at, record): (usize, stockade_source::aws::FirehoseRecord)| {
        let result = if bad.get(at).copied().unwrap_or(false) { "ProcessingFailed" } else { "Ok" };
        json!({"recordId": record.id, "result": result, "data": record.envelope.unwrap_or_default()})
    };
    let records: Vec<Value> = firehose.records.into_iter().enumerate().map(back).collect();
    json!({"records": records})
}
