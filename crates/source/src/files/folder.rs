//! Whether a folder is worth reading again.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// After this time a change of a folder bears another time than the one before.
const SETTLED: Duration = Duration::from_secs(2);

/// Whether names came to a folder or went from it, without reading it.
pub(crate) struct Folder {
    path: PathBuf,
    modified: Option<SystemTime>,
}

impl Folder {
    /// The folder of a file, not looked at yet.
    pub(crate) fn of(file: &Path) -> Self {
        Self { path: file.parent().unwrap_or(Path::new(".")).to_owned(), modified: None }
    }

    /// Whether it may have changed since this was asked before.
    pub(crate) fn has_changed(&mut self) -> bool {
        let modified = std::fs::metadata(&self.path).and_then(|meta| meta.modified()).ok();
        // Times are coarse: two changes in short order may bear the same one.
        let settled = modified.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > SETTLED);
        let changed = modified.is_none() || self.modified != modified;
        self.modified = modified.filter(|_| settled);
        changed
    }

    /// Takes it as not looked at.
    pub(crate) fn forget(&mut self) {
        self.modified = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_taken_as_changed_until_it_has_been_quiet_for_a_while() {
        let dir = tempfile::tempdir().unwrap();
        let mut folder = Folder::of(&dir.path().join("a.log"));
        assert!(folder.has_changed() && folder.has_changed(), "it is too new to be told from its next state");
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        std::fs::File::open(dir.path()).unwrap().set_modified(long_ago).unwrap();
        assert!(folder.has_changed() && !folder.has_changed());
        folder.forget();
        assert!(folder.has_changed());
        std::fs::write(dir.path().join("new"), "").unwrap();
        assert!(folder.has_changed());
    }
}
