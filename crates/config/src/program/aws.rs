//! `[aws]`: what the functions and the agent share in AWS, and which log groups are read by which filters.

use toml::de::{DeTable, DeValue};

use super::document::{Text, entries};
use super::read::Reader;
use crate::limits::{MAX_AWS_NAME_BYTES, MAX_LOG_GROUPS, MAX_NAME_BYTES, MAX_URL_BYTES};
use crate::origin::{Origin, Row};

/// The table of the log groups.
pub(super) const LOG_GROUPS: &str = "aws.log_groups";

/// What is used in AWS. All of it has defaults, so that an account with Cloud-Fail2Ban's names needs none of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsSettings {
    /// `region`: empty: as the environment says.
    pub region: String,
    /// `endpoint`: one address for all services; empty: AWS's own.
    pub endpoint: String,
    /// `table`: the DynamoDB table of matches and bans.
    pub table: String,
    /// `shared_table`: Cloud-Fail2Ban's table, which is written to and read as well; empty: none.
    pub shared_table: String,
    /// `topic`: the SNS topic that bans are announced on, its name or its ARN.
    pub topic: String,
    /// `snapshot`: the S3 object with the live bans, `s3://bucket/key`; empty: none.
    pub snapshot: String,
    /// `[aws.log_groups]`: the first entry whose pattern a log group fits says which filters read it. Those of the
    /// file and no others, if it has any.
    pub log_groups: Vec<LogGroup>,
}

/// One entry of `[aws.log_groups]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroup {
    /// The name of a log group, or a pattern with `*`, `?` and `[…]`.
    pub pattern: String,
    /// The names of the filters that read it, as jails name them.
    pub filters: Vec<String>,
}

impl LogGroup {
    fn of(pattern: &str, filters: &[&str]) -> Self {
        Self { pattern: pattern.to_owned(), filters: filters.iter().map(|name| (*name).to_owned()).collect() }
    }

    /// Whether a log group is meant. A name that is written out is meant even where it could be read as a pattern.
    pub fn covers(&self, group: &str) -> bool {
        self.pattern == group || glob::Pattern::new(&self.pattern).is_ok_and(|pattern| pattern.matches(group))
    }
}

impl AwsSettings {
    /// The filters that read a log group; `None` for one that nobody knows.
    pub fn filters_of(&self, group: &str) -> Option<&[String]> {
        let exact = self.log_groups.iter().find(|entry| entry.pattern == group);
        exact
            .or_else(|| self.log_groups.iter().find(|entry| entry.covers(group)))
            .map(|entry| &*entry.filters)
    }
}

impl Default for AwsSettings {
    fn default() -> Self {
        Self {
            region: String::new(),
            endpoint: String::new(),
            table: "Stockade".to_owned(),
            shared_table: String::new(),
            topic: "F2B".to_owned(),
            snapshot: String::new(),
            log_groups: vec![
                LogGroup::of("Auth", &["sshd"]),
                LogGroup::of("Syslog", &["dovecot", "postfix", "roundcube"]),
            ],
        }
    }
}

/// What a region is called, or nothing.
pub(super) fn is_region(text: &str) -> bool {
    text.len() <= MAX_NAME_BYTES
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// An address of a service, or nothing.
pub(super) fn is_endpoint(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text.is_empty()
        || host.is_some_and(|host| !host.is_empty()) && text.len() <= MAX_URL_BYTES && is_plain(text)
}

/// A name of something in AWS.
pub(super) fn is_table(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (3..=MAX_AWS_NAME_BYTES).contains(&text.len()) && text.bytes().all(allowed)
}

/// The same, or nothing.
pub(super) fn is_optional_table(text: &str) -> bool {
    text.is_empty() || is_table(text)
}

/// The name of a topic, or its ARN.
pub(super) fn is_topic(text: &str) -> bool {
    let name = match text.strip_prefix("arn:") {
        Some(rest) => match rest.split(':').collect::<Vec<_>>().as_slice() {
            [_, "sns", _, _, name] => *name,
            _ => return false,
        },
        None => text,
    };
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !name.is_empty() && name.len() <= MAX_AWS_NAME_BYTES + 1 && name.bytes().all(allowed)
}

/// An object in S3, or nothing.
pub(super) fn is_object(text: &str) -> bool {
    let object = text.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
    let named = object.is_some_and(|(bucket, key)| !bucket.is_empty() && !key.is_empty());
    text.is_empty() || named && text.len() <= MAX_URL_BYTES && is_plain(text)
}

fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() || c.is_whitespace())
}

/// Reads `[aws.log_groups]`.
pub(super) fn read_log_groups(reader: &mut Reader, table: &DeTable<'_>, text: &Text<'_>) {
    const FILTERS: &str = "a list of names of filters, such as `[\"sshd\"]`";
    let mut found = Vec::new();
    let entries = entries(table);
    for entry in entries.iter().take(MAX_LOG_GROUPS) {
        let key = format!("{LOG_GROUPS}.{}", entry.key);
        if entry.key.is_empty() || entry.key.len() > 512 || glob::Pattern::new(entry.key).is_err() {
            let expected = "the name of a log group, or a pattern with `*`, `?` and `[…]`";
            reader.wrong(&key, expected, entry.key_span.clone(), text, None);
            continue;
        }
        let Some(filters) = filters(entry.value) else {
            reader.wrong(&key, FILTERS, entry.value_span.clone(), text, None);
            continue;
        };
        reader.log_group_rows.push(row(entry.key, &filters, text.place(entry.key_span.start)));
        found.push(LogGroup { pattern: entry.key.to_owned(), filters });
    }
    if let Some(entry) = entries.get(MAX_LOG_GROUPS) {
        let expected = format!("at most {MAX_LOG_GROUPS} log groups");
        reader.wrong(LOG_GROUPS, &expected, entry.key_span.clone(), text, None);
    }
    if !found.is_empty() {
        reader.program.aws.log_groups = found;
    }
}

/// The log groups that nothing was said about.
pub(super) fn default_rows() -> Vec<Row> {
    let groups = AwsSettings::default().log_groups;
    groups.iter().map(|group| row(&group.pattern, &group.filters, Origin::Default)).collect()
}

fn row(pattern: &str, filters: &[String], origin: Origin) -> Row {
    let value = toml::Value::from(filters.to_vec()).to_string();
    Row { section: LOG_GROUPS.to_owned(), key: pattern.to_owned(), value, origin }
}

fn filters(value: &DeValue<'_>) -> Option<Vec<String>> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let fits =
        |name: &&str| !name.is_empty() && name.len() <= MAX_AWS_NAME_BYTES && name.chars().all(allowed);
    let name = |word: &toml::Spanned<DeValue<'_>>| word.get_ref().as_str().filter(fits).map(str::to_owned);
    let filters: Vec<String> = value.as_array()?.iter().map(name).collect::<Option<_>>()?;
    (!filters.is_empty() && filters.len() <= MAX_LOG_GROUPS).then_some(filters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_name_counts_more_than_a_pattern_and_a_pattern_crosses_slashes() {
        let log_groups = vec![LogGroup::of("/hosts/*", &["sshd"]), LogGroup::of("/hosts/web[1]", &["nginx"])];
        let settings = AwsSettings { log_groups, ..AwsSettings::default() };
        assert_eq!(settings.filters_of("/hosts/a/auth"), Some(&["sshd".to_owned()][..]));
        assert_eq!(settings.filters_of("/hosts/web[1]"), Some(&["nginx".to_owned()][..]));
        assert_eq!(settings.filters_of("/other"), None);
        assert_eq!(AwsSettings::default().filters_of("Auth"), Some(&["sshd".to_owned()][..]));
    }

    #[test]
    fn names_are_what_aws_allows() {
        assert!(is_topic("F2B") && is_topic("arn:aws:sns:eu-central-1:111122223333:F2B"));
        assert!(!is_topic("") && !is_topic("arn:aws:sqs:x:y:F2B") && !is_topic("a b"));
        assert!(
            is_object("")
                && is_object("s3://bucket/a/b.json")
                && !is_object("s3://bucket")
                && !is_object("/a")
        );
        assert!(is_endpoint("") && is_endpoint("http://127.0.0.1:4566") && !is_endpoint("127.0.0.1"));
        assert!(is_table("Stockade") && !is_table("ab") && !is_table("a/b/c"));
        assert!(is_region("eu-central-1") && is_region("") && !is_region("EU west"));
    }
}
