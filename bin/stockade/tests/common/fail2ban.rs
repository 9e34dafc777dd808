//! fail2ban as the judge: a copy of its configuration, to be changed and read by both.
#![allow(
    dead_code,
    clippy::print_stderr,
    reason = "every test file uses a part of this; it says why it is skipped"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version that is the judge; others print other texts.
pub(crate) const VERSION: &str = "1.0.2";
const STOCK: &str = "/etc/fail2ban";

/// A copy of the stock configuration.
pub(crate) struct Site(tempfile::TempDir);

impl Site {
    /// `None`, with a line that says why, if there is no fail2ban to compare with.
    pub(crate) fn new() -> Option<Self> {
        let version = Command::new("fail2ban-regex").arg("-V").output();
        let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        if version.unwrap_or_default() != VERSION || !Path::new(STOCK).is_dir() {
            eprintln!("skipped: fail2ban {VERSION} is not installed with its configuration in {STOCK}");
            return None;
        }
        let site = Self(tempfile::tempdir().unwrap());
        copy_dir(Path::new(STOCK), site.root());
        Some(site)
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file; gives its path.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            copy_dir(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
