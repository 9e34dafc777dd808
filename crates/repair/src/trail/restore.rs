//! The calls that make a trail as it was.

use serde_json::{Map, Value, json};

use super::Selectors;
use super::read::insights;
use super::weaker::{INSIGHTS, LOGGING, SELECTORS};
use crate::json::{is, text};
use crate::playbook::{Change, Tags, Weakness};

/// Names in a trail's state and in `UpdateTrail`, where they differ.
fn parameter(field: &str) -> &str {
    if field == "LogFileValidationEnabled" { "EnableLogFileValidation" } else { field }
}

/// The trail made again, as it was.
pub(crate) fn create(base: &Value, tags: &Tags) -> Change {
    const SENT: [&str; 11] = [
        "Name",
        "S3BucketName",
        "S3KeyPrefix",
        "SnsTopicName",
        "IncludeGlobalServiceEvents",
        "IsMultiRegionTrail",
        "LogFileValidationEnabled",
        "CloudWatchLogsLogGroupArn",
        "CloudWatchLogsRoleArn",
        "KmsKeyId",
        "IsOrganizationTrail",
    ];
    let mut parameters = Map::new();
    for field in SENT {
        if let Some(value) = base.get(field) {
            parameters.insert(parameter(field).to_owned(), value.clone());
        }
    }
    if !tags.is_empty() {
        let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        parameters.insert("TagsList".to_owned(), json!(tags));
    }
    let name = text(base, "Name");
    Change::new(format!("make the trail `{name}` again"), "cloudtrail", "CreateTrail", parameters.into())
        .already(&["TrailAlreadyExistsException"])
        .undo("DeleteTrail", json!({"Name": name}))
}

/// The trail logs again.
pub(crate) fn start(trail: &Value) -> Change {
    let (name, arn) = (text(trail, "Name"), text(trail, "TrailARN"));
    Change::new(
        format!("start logging of the trail `{name}`"),
        "cloudtrail",
        "StartLogging",
        json!({"Name": arn}),
    )
    .before(json!({"IsLogging": false}))
    .undo("StopLogging", json!({"Name": arn}))
}

/// The calls that mend these weaknesses, and send nothing else.
pub(crate) fn strengthen(base: &Value, now: &Value, weak: &[Weakness]) -> Vec<Change> {
    let arn = text(base, "TrailARN");
    let name = text(base, "Name");
    let mut changes = Vec::new();
    let update = update(base, now, weak);
    if let Some((parameters, before)) = update {
        let fields: Vec<&str> = before.keys().map(String::as_str).filter(|field| *field != "Name").collect();
        changes.push(
            Change::new(
                format!("give the trail `{name}` back {}", fields.join(", ")),
                "cloudtrail",
                "UpdateTrail",
                parameters.into(),
            )
            .before(before.clone().into())
            .undo("UpdateTrail", before.into()),
        );
    }
    if weak.iter().any(|one| one.field == SELECTORS) {
        let (base, now) = (Selectors::read(base), Selectors::read(now));
        changes.push(
            Change::new(
                format!("let the trail `{name}` record what it recorded"),
                "cloudtrail",
                "PutEventSelectors",
                base.with_more_of(&now).put(arn),
            )
            .before(now.put(arn))
            .undo("PutEventSelectors", now.put(arn)),
        );
    }
    if weak.iter().any(|one| one.field == INSIGHTS) {
        let there = insights(now);
        let mut all: Vec<&str> = [insights(base), there.clone()].concat();
        all.sort_unstable();
        all.dedup();
        let put = |kinds: &[&str]| {
            let kinds: Vec<Value> = kinds.iter().map(|kind| json!({"InsightType": kind})).collect();
            json!({"TrailName": arn, "InsightSelectors": kinds})
        };
        changes.push(
            Change::new(
                format!("let the trail `{name}` look for unusual activity again"),
                "cloudtrail",
                "PutInsightSelectors",
                put(&all),
            )
            .before(put(&there))
            .undo("PutInsightSelectors", put(&there)),
        );
    }
    if weak.iter().any(|one| one.field == LOGGING) && is(base, LOGGING) {
        changes.push(start(base));
    }
    changes
}

/// The parameters of `UpdateTrail` for the fields that got weaker and no others, and what they are now.
fn update(base: &Value, now: &Value, weak: &[Weakness]) -> Option<(Map<String, Value>, Map<String, Value>)> {
    let mut fields: Vec<&str> = weak
        .iter()
        .map(|one| one.field.as_str())
        .filter(|field| ![SELECTORS, INSIGHTS, LOGGING].contains(field))
        .collect();
    if fields.is_empty() {
        return None;
    }
    // AWS takes the log group and its role only together.
    const TOGETHER: [&str; 2] = ["CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn"];
    if TOGETHER.iter().any(|field| fields.contains(field)) {
        fields.retain(|field| !TOGETHER.contains(field));
        fields.extend(TOGETHER);
    }
    let name = json!(text(base, "TrailARN"));
    let mut parameters = Map::from_iter([("Name".to_owned(), name.clone())]);
    let mut before = Map::from_iter([("Name".to_owned(), name)]);
    for field in fields {
        // An empty text takes a value away.
        let value = |of: &Value| of.get(field).cloned().unwrap_or_else(|| json!(""));
        parameters.insert(parameter(field).to_owned(), value(base));
        before.insert(parameter(field).to_owned(), value(now));
    }
    Some((parameters, before))
}
