//! Files that are made from something else in the tree, and are no longer what they should be.

use std::fs;
use std::path::PathBuf;

use anstream::println;

use crate::Error;
use crate::error::file;

/// A file that is not as it should be, with what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The file.
    pub path: PathBuf,
    /// What it should hold.
    pub text: String,
}

/// Writes them, and says so.
///
/// # Errors
/// If a file cannot be written; with `check` nothing is written, and that something would be is the error.
pub fn write(stale: &[Stale], check: bool) -> Result<(), Error> {
    if check && !stale.is_empty() {
        let names: Vec<_> = stale.iter().map(|stale| format!("`{}`", stale.path.display())).collect();
        return Err(Error::Stale(names.join(", ")));
    }
    for Stale { path, text } in stale {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(file("make", folder))?;
        }
        fs::write(path, text).map_err(file("write", path))?;
        println!("written: {}", path.display());
    }
    Ok(())
}

/// Holds that there are none; with `STOCKADE_BLESS=1` they are written instead.
#[cfg(test)]
pub(crate) fn none_left(stale: &[Stale], task: &str) {
    if std::env::var_os("STOCKADE_BLESS").is_some() {
        return write(stale, false).unwrap();
    }
    let names: Vec<_> = stale.iter().map(|stale| stale.path.display().to_string()).collect();
    assert!(names.is_empty(), "not as they should be, `{task}` writes them: {names:?}");
}
