//! `[events]`: where a daemon gets events from.

use crate::limits::MAX_URL_BYTES;

/// Where a daemon gets events from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// `queue`: the SQS queue that EventBridge and S3 notifications feed: its name, its ARN or its URL; empty: no events
    /// are read.
    pub queue: String,
}

/// What names a queue, or nothing.
pub(super) fn is_queue(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix("arn:") {
        let parts: Vec<&str> = rest.split(':').collect();
        return matches!(&*parts, [_, "sqs", region, account, name]
            if !region.is_empty() && is_account(account) && is_name(name));
    }
    let url = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    if let Some((host, path)) = url.and_then(|rest| rest.split_once('/')) {
        let name = path.rsplit('/').next().unwrap_or_default();
        let plain = !text.contains(|c: char| c.is_control() || c.is_whitespace());
        return !host.is_empty() && is_name(name) && plain && text.len() <= MAX_URL_BYTES;
    }
    text.is_empty() || is_name(text)
}

/// SQS allows 80 characters, with the ending of a queue in order.
fn is_name(name: &str) -> bool {
    let stem = name.strip_suffix(".fifo").unwrap_or(name);
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !stem.is_empty() && name.len() <= 80 && stem.bytes().all(allowed)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::is_queue;

    #[test]
    fn a_queue_has_a_name_an_arn_or_a_url() {
        for text in [
            "",
            "stockade-events",
            "events.fifo",
            "arn:aws:sqs:eu-central-1:123456789012:stockade-events",
            "arn:aws-cn:sqs:cn-north-1:123456789012:events",
            "https://sqs.eu-central-1.amazonaws.com/123456789012/stockade-events",
            "http://127.0.0.1:4566/000000000000/events",
        ] {
            assert!(is_queue(text), "{text}");
        }
        let long = "q".repeat(81);
        for text in [
            "a b",
            "a/b",
            ".fifo",
            &long,
            "arn:aws:sns:eu-central-1:123456789012:topic",
            "arn:aws:sqs:eu-central-1:1234:events",
            "arn:aws:sqs:eu-central-1:123456789012",
            "https://sqs.eu-central-1.amazonaws.com",
            "https://sqs.eu-central-1.amazonaws.com/",
            "https:///123456789012/events",
            "https://host/123456789012/ev ents",
            "sqs://host/events",
        ] {
            assert!(!is_queue(text), "{text}");
        }
    }
}
