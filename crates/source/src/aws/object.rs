//! Objects of S3 as notifications name them.

use std::fmt;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::error::PayloadError;
use super::limits::MAX_KEY_BYTES;
use crate::events::FileName;

/// One object of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// The bucket.
    pub bucket: Arc<str>,
    /// The key, decoded.
    pub key: String,
    /// Which version of it, where the bucket keeps versions.
    pub version: Option<String>,
    /// Where the bucket is, if that was said.
    pub region: Option<String>,
    /// Its size in bytes, packed as it is, if that was said.
    pub bytes: Option<u64>,
}

impl ObjectRef {
    /// What its key tells about it.
    pub fn name(&self) -> FileName {
        FileName::of(&self.key)
    }

    /// One of a bucket and a key that others wrote.
    pub(super) fn checked(bucket: &str, key: String) -> Result<Self, PayloadError> {
        let unexpected = |at: &str, expected, found: String| {
            Err(PayloadError::unexpected(at, expected, &serde_json::Value::String(found)))
        };
        if !stockade_aws::is_bucket_name(bucket) {
            return unexpected(
                "the bucket's name",
                "3 to 63 small letters, digits, `.` and `-`",
                bucket.to_owned(),
            );
        }
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            return unexpected("the object's key", "1 to 1024 bytes", key);
        }
        Ok(Self { bucket: bucket.into(), key, version: None, region: None, bytes: None })
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// The key as it is, from how S3's notifications write it: as a form's field, `+` for a space, `%` and two digits for a
/// byte. A `%` without digits stands for itself.
///
/// # Errors
/// If that gives no UTF-8, as no key has.
pub fn decode_key(key: &str) -> Result<String, PayloadError> {
    let spaced = key.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(key) => Ok(key.into_owned()),
        Err(_) => {
            let found = serde_json::Value::String(key.to_owned());
            Err(PayloadError::unexpected("the object's key", "UTF-8, as a form writes it", &found))
        }
    }
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_as_they_are_documented() {
        for (written, key) in [
            ("red+flower.jpg", "red flower.jpg"),
            ("test%2F10%3A47%3A07.log", "test/10:47:07.log"),
            ("a%2Bb", "a+b"),
            ("%C3%A9/%E6%97%A5", "é/日"),
            ("100%25", "100%"),
            ("50%", "50%"),
            ("%zz%2", "%zz%2"),
            ("é", "é"),
        ] {
            assert_eq!(decode_key(written).unwrap(), key);
        }
        assert_eq!(decode_key("%ff").unwrap_err().name(), "unexpected");
        assert_eq!(decode_key("%C3+").unwrap_err().name(), "unexpected");
    }

    #[test]
    fn odd_names_are_refused() {
        let of = |bucket: &str, key: &str| ObjectRef::checked(bucket, key.into());
        assert_eq!(of("my.bucket-1", "a/b").unwrap().to_string(), "s3://my.bucket-1/a/b");
        for bucket in ["", "ab", "a/b", "x@evil.example", "A_b", "abc..d", "-abc", &"a".repeat(64)] {
            assert!(of(bucket, "k").is_err(), "{bucket}");
        }
        assert!(of("bucket", "").is_err() && of("bucket", &"k".repeat(1025)).is_err());
    }

    proptest! {
        #[test]
        fn what_a_form_writes_is_read_back(key in any::<String>(), plus: bool) {
            let mut written = utf8_percent_encode(&key, NON_ALPHANUMERIC).to_string();
            if plus {
                written = written.replace("%20", "+");
            }
            prop_assert_eq!(decode_key(&written).unwrap(), key);
        }

        #[test]
        fn any_key_is_read_or_refused(key in any::<String>()) {
            let read = decode_key(&key);
            if !key.contains(['%', '+']) {
                prop_assert_eq!(read.unwrap(), key);
            }
        }
    }
}
