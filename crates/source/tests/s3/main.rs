//! Objects of S3: against the emulator, and against a stand-in for what the emulator never says.
#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "a failed test, or the line that says why one was skipped"
)]

mod emulator;
mod errors;
mod stand_in;

use std::sync::Once;

use stockade_aws::{Access, Aws};
use stockade_source::aws::ObjectRef;

/// AWS at an endpoint of this machine.
fn aws(endpoint: &str, region: &str) -> Aws {
    static KEYS: Once = Once::new();
    KEYS.call_once(|| {
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"] {
            // SAFETY: the tests of this binary read the environment only after this, in `Once`.
            unsafe { std::env::set_var(name, "true") };
        }
    });
    Aws::new(&Access { region: Some(region.to_owned()), endpoint: Some(endpoint.to_owned()) }).unwrap()
}

fn object(bucket: &str, key: &str) -> ObjectRef {
    ObjectRef { bucket: bucket.into(), key: key.to_owned(), version: None, region: None, bytes: None }
}
