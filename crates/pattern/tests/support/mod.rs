//! What the tests share.

#![allow(
    dead_code,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "each test uses a part; a test may fail loudly"
)]

use std::path::{Path, PathBuf};

/// A folder of the shared data; `None`, with a line that says so, where it is missing.
pub(crate) fn shared(folder: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let base = std::env::var_os("STOCKADE_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let path = base.join(folder);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: no shared data: set STOCKADE_SHARED to the folder that holds {folder}");
    None
}
