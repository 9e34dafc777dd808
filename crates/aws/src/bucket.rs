//! Buckets of S3, wherever they are.

use std::sync::{Arc, PoisonError, RwLock};

use crate::access::Aws;
use crate::call::{Call, Reply};
use crate::fault::{Fault, FaultKind};

/// A bucket. Its requests go to the region where it is, which S3 says when it is asked in another one. A clone shares
/// what was learnt.
#[derive(Clone, Debug)]
pub struct Bucket {
    aws: Aws,
    name: String,
    region: Arc<RwLock<String>>,
}

/// How many times S3 may say that a bucket is elsewhere.
const MAX_MOVES: usize = 2;

impl Bucket {
    /// A bucket by its name. `region` is where it is, as far as that is known.
    ///
    /// # Errors
    /// If no bucket can be called so: the name becomes part of an address.
    pub fn new(aws: &Aws, name: &str, region: Option<&str>) -> Result<Self, Fault> {
        if !is_bucket_name(name) {
            let message = format!("no bucket can be called `{}`", name.escape_debug());
            return Err(Fault::local(FaultKind::Other, message)
                .hint("3 to 63 small letters, digits, `.` and `-`, as in `s3://bucket/prefix`"));
        }
        let region = region.filter(|region| is_region_name(region)).unwrap_or_else(|| aws.region());
        Ok(Self { aws: aws.clone(), name: name.to_owned(), region: Arc::new(RwLock::new(region.to_owned())) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its requests are sent with.
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// A request about the bucket, or with a `key` about one of its objects; `tried` is what it does, for errors.
    pub fn request(&self, tried: String, method: &'static str, key: &str) -> Call {
        let mut call = Call::rest(tried, "s3", method, format!("/{}/{key}", self.name));
        call.bucket = Some(self.name.clone());
        call
    }

    /// Sends a request, where the bucket is.
    ///
    /// # Errors
    /// As [`Aws::call`].
    pub async fn call(&self, call: &Call) -> Result<Reply, Fault> {
        let mut moves = 0;
        loop {
            let region = self.region.read().unwrap_or_else(PoisonError::into_inner).clone();
            let outcome = self.aws.in_region(&region).call(call).await;
            let (elsewhere, fault) = match outcome {
                // Not 304: that answers a question about changes.
                Ok(Reply { status: 300..=303 | 305.., bucket_region, .. }) => {
                    let message =
                        format!("cannot {}: the bucket is elsewhere, and S3 does not say where", call.tried);
                    (bucket_region, Fault::local(FaultKind::Unreachable, message))
                }
                Err(fault) if fault.bucket_region.is_some() => (fault.bucket_region.clone(), fault),
                outcome => return outcome,
            };
            match elsewhere.filter(|elsewhere| is_region_name(elsewhere) && **elsewhere != region) {
                Some(elsewhere) if moves < MAX_MOVES => {
                    tracing::debug!(
                        bucket = self.name,
                        region = &*elsewhere,
                        "the bucket is in another region"
                    );
                    *self.region.write().unwrap_or_else(PoisonError::into_inner) = elsewhere.into_string();
                    moves += 1;
                }
                _ => return Err(fault),
            }
        }
    }
}

/// Whether a bucket can have this name: it stands in addresses.
pub fn is_bucket_name(name: &str) -> bool {
    let label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    (3..=63).contains(&name.len()) && name.split('.').all(label)
}

/// Whether a region can have this name: it stands in addresses.
pub fn is_region_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (3..=32).contains(&name.len())
        && name.bytes().all(plain)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_stand_in_addresses() {
        for name in ["abc", "a-b.c-1", &"a".repeat(63)] {
            assert!(is_bucket_name(name), "{name}");
        }
        for name in [
            "",
            "ab",
            "a/b",
            "a b",
            "Abc",
            "a_c",
            "-ab",
            "ab-",
            "a..b",
            ".ab",
            "a.-b",
            "é12",
            &"a".repeat(64),
        ] {
            assert!(!is_bucket_name(name), "{name}");
        }
        assert!(is_region_name("us-gov-west-1") && is_region_name("ap-southeast-2"));
        for name in ["", "evil.example/", "x@y", "EU", "-eu", "eu west 1", "eu-west-1#"] {
            assert!(!is_region_name(name), "{name}");
        }
    }
}
