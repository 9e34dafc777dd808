//! What is made from the tree beside programs. `cargo xtask help` lists it.
//!
//! A library as well, so that tests pack what they deploy in the same way.
#![forbid(unsafe_code)]

pub mod coldstart;
mod error;
pub mod package;
pub mod pages;
pub mod stale;
pub mod templates;

use std::path::{Path, PathBuf};

pub use error::Error;

/// The root of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
