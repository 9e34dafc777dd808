//! The emulator of DynamoDB that the test script starts.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use stockade_aws::{Access, Aws};

/// The emulator's address; without one the test says so and has nothing to do.
pub(crate) fn url() -> Option<String> {
    let url = std::env::var("STOCKADE_TEST_MINISTACK").ok().filter(|url| !url.is_empty());
    if url.is_none() {
        eprintln!("skipped: STOCKADE_TEST_MINISTACK is not set (dev/test starts the emulator)");
    }
    url
}

/// AWS at an address, in a region.
pub(crate) fn aws(url: &str, region: &str) -> Aws {
    static CREDENTIALS: Once = Once::new();
    CREDENTIALS.call_once(|| {
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            if std::env::var_os(name).is_none() {
                // SAFETY: once, before the first client is made; until then no thread of this test reads the
                // environment but by `std`, which locks it.
                unsafe { std::env::set_var(name, "test") };
            }
        }
    });
    Aws::new(&Access { region: Some(region.to_owned()), endpoint: Some(url.to_owned()) }).unwrap()
}

/// A table's name that no other test has.
pub(crate) fn name(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    format!("{what}-{}-{now}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
