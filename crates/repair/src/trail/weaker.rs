//! When a trail is weaker than it was.

use serde_json::Value;

use super::Selectors;
use super::read::insights;
use crate::json::{is, text};
use crate::playbook::Weakness;

/// What a trail can lose, as flags: the name in its state, and what is lost.
const FLAGS: [(&str, &str); 4] = [
    ("IsMultiRegionTrail", "it records one region only"),
    ("LogFileValidationEnabled", "its files are no longer signed"),
    ("IncludeGlobalServiceEvents", "events of global services are left out"),
    ("IsOrganizationTrail", "it records one account only"),
];

/// What it can lose, or get another of.
const TEXTS: [(&str, &str, &str); 6] = [
    (
        "KmsKeyId",
        "its files are no longer encrypted with a key of their own",
        "another key encrypts its files",
    ),
    ("CloudWatchLogsLogGroupArn", "nothing reaches CloudWatch Logs", "another log group gets its events"),
    (
        "CloudWatchLogsRoleArn",
        "it has no role to write to CloudWatch Logs",
        "another role writes to CloudWatch Logs",
    ),
    ("SnsTopicName", "nobody is told of new files", "another topic is told of new files"),
    ("S3BucketName", "it has no bucket", "another bucket gets its files"),
    ("S3KeyPrefix", "its files have another prefix", "its files have another prefix"),
];

/// In what a trail is weaker than it was; `IsLogging` is the stopped trail's playbook's.
pub(crate) const LOGGING: &str = "IsLogging";
pub(crate) const SELECTORS: &str = "EventSelectors";
pub(crate) const INSIGHTS: &str = "InsightTypes";

/// In what `now` is weaker than `base`.
pub(super) fn weaker(base: &Value, now: &Value) -> Vec<Weakness> {
    let mut all = Vec::new();
    for (name, says) in FLAGS {
        if is(base, name) && !is(now, name) {
            all.push(Weakness::lost(name, says));
        }
    }
    for (name, lost, changed) in TEXTS {
        let (base, now) = (text(base, name), text(now, name));
        if base.is_empty() || base == now {
            continue;
        }
        all.push(match now.is_empty() {
            // Files under another name are another place, like a bucket.
            true if name == "S3KeyPrefix" => Weakness::changed(name, lost),
            true => Weakness::lost(name, lost),
            false => Weakness::changed(name, changed),
        });
    }
    // Whoever owns the key can make the files unreadable. One of our own account is more than none.
    if text(base, "KmsKeyId").is_empty()
        && is_of_another_account(text(now, "KmsKeyId"), text(now, "TrailARN"))
    {
        all.push(Weakness::changed("KmsKeyId", "a key of another account encrypts its files"));
    }
    // No prefix is a place of files too.
    if text(base, "S3KeyPrefix").is_empty() && !text(now, "S3KeyPrefix").is_empty() {
        all.push(Weakness::changed("S3KeyPrefix", "its files have another prefix"));
    }
    if !Selectors::read(now).cover(&Selectors::read(base)) {
        all.push(Weakness::lost(SELECTORS, "it records fewer events"));
    }
    let there = insights(now);
    if !insights(base).iter().all(|kind| there.contains(kind)) {
        all.push(Weakness::lost(INSIGHTS, "unusual activity is no longer looked for"));
    }
    if is(base, LOGGING) && !is(now, LOGGING) {
        all.push(Weakness::lost(LOGGING, "it does not log"));
    }
    all
}

/// Whether two ARNs name different accounts. What is no ARN names none.
fn is_of_another_account(one: &str, other: &str) -> bool {
    let account = |arn: &str| arn.split(':').nth(4).unwrap_or_default().to_owned();
    let (one, other) = (account(one), account(other));
    !one.is_empty() && !other.is_empty() && one != other
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(base: &Value, now: &Value) -> Vec<(String, bool)> {
        weaker(base, now).into_iter().map(|one| (one.field, one.changed)).collect()
    }

    #[test]
    fn losing_is_not_changing() {
        let base = json!({"IsMultiRegionTrail": true, "KmsKeyId": "k", "S3BucketName": "b", "InsightTypes": ["A", "B"],
            "CloudWatchLogsLogGroupArn": "g", "IsLogging": true});
        assert!(fields(&base, &base).is_empty());
        let now = json!({"IsMultiRegionTrail": false, "S3BucketName": "c", "CloudWatchLogsLogGroupArn": "h",
            "InsightTypes": ["A"], "IsLogging": false, "S3KeyPrefix": "p",
            "EventSelectors": [{"ReadWriteType": "ReadOnly"}]});
        let want = [
            ("IsMultiRegionTrail", false),
            ("KmsKeyId", false),
            ("CloudWatchLogsLogGroupArn", true),
            ("S3BucketName", true),
            ("S3KeyPrefix", true),
            ("EventSelectors", false),
            ("InsightTypes", false),
            ("IsLogging", false),
        ];
        let want: Vec<_> = want.into_iter().map(|(field, changed)| (field.to_owned(), changed)).collect();
        assert_eq!(fields(&base, &now), want);
    }

    #[test]
    fn more_is_never_weaker() {
        let base = json!({"S3BucketName": "b"});
        let now = json!({"S3BucketName": "b", "IsMultiRegionTrail": true, "KmsKeyId": "k", "IsLogging": true,
            "SnsTopicName": "t", "InsightTypes": ["A"]});
        assert!(fields(&base, &now).is_empty());
    }

    #[test]
    fn the_first_key_may_be_one_that_somebody_else_can_take_away() {
        let trail = |key: &str| json!({"TrailARN": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main", "KmsKeyId": key});
        let key = |account: &str| format!("arn:aws:kms:eu-west-1:{account}:key/1");
        assert!(fields(&trail(""), &trail(&key("111122223333"))).is_empty());
        assert_eq!(fields(&trail(""), &trail(&key("444455556666"))), [("KmsKeyId".to_owned(), true)]);
        // A trail that had such a key has a baseline that says so.
        assert!(fields(&trail(&key("444455556666")), &trail(&key("444455556666"))).is_empty());
    }
}
