//! `s3://bucket/prefix`.

use std::fmt;
use std::str::FromStr;

use stockade_aws::is_bucket_name;

use crate::aws::limits::MAX_KEY_BYTES;

/// A bucket and what its keys begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The bucket.
    pub bucket: String,
    /// What the keys begin with; empty for all. As S3 has it, `logs` is also the beginning of `logs-old/x`.
    pub prefix: String,
}

/// A text that names no place in S3.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place in S3: `{text}`: {reason}")]
pub struct PlaceError {
    /// The text, escaped.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let wrong = |reason| Err(PlaceError { text: text.escape_debug().to_string(), reason });
        let Some(rest) = text.strip_prefix("s3://") else { return wrong("it begins with `s3://`") };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if !is_bucket_name(bucket) {
            return wrong("a bucket is called by 3 to 63 small letters, digits, `.` and `-`");
        }
        if prefix.len() > MAX_KEY_BYTES {
            return wrong("a key has at most 1024 bytes");
        }
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let place: Place = "s3://trail/AWSLogs/o-1/x y".parse().unwrap();
        assert_eq!((place.bucket.as_str(), place.prefix.as_str()), ("trail", "AWSLogs/o-1/x y"));
        assert_eq!("s3://trail".parse::<Place>().unwrap().to_string(), "s3://trail/");
        for (text, reason) in
            [("trail", "begins"), ("s3://", "called"), ("s3://A/x", "called"), ("s3:///x", "called")]
        {
            assert!(text.parse::<Place>().unwrap_err().to_string().contains(reason), "{text}");
        }
    }
}
