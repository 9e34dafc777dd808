//! Which files to follow: paths and globs.

use std::fs;
use std::path::{Component, Path, PathBuf};

use glob::MatchOptions;

use crate::SourceError;
use crate::limits;

/// Where to start in a file that is there at the first look and of which nothing is stored. fail2ban's `head` and
/// `tail` behind a `logpath`. A file that appears later is always read from its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At the first line.
    #[default]
    Beginning,
    /// After the last line.
    End,
}

/// A path, or a pattern of paths with `*`, `?`, `[...]` and `**`, as fail2ban's `logpath` has them.
///
/// `*` does not match a `/`, nor a leading dot. File names that are not UTF-8 match nothing.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    glob: Option<glob::Pattern>,
    start: Start,
}

const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

impl Pattern {
    /// Reads a pattern. Text without `*`, `?` and `[` is a path.
    ///
    /// # Errors
    ///
    /// [`SourceError::BadPattern`], with the place.
    pub fn new(text: &str, start: Start) -> Result<Self, SourceError> {
        // Absolute, so that it can be compared with what the kernel announces.
        let text = &absolute(text);
        let glob = is_glob(text).then(|| glob::Pattern::new(text)).transpose().map_err(|error| {
            SourceError::BadPattern { pattern: text.to_owned(), position: error.pos, reason: error.msg }
        })?;
        Ok(Self { text: text.to_owned(), glob, start })
    }

    /// The text it was made of.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where to start in an unknown file.
    pub fn start(&self) -> Start {
        self.start
    }

    /// Whether it is a plain path.
    pub(crate) fn is_literal(&self) -> bool {
        self.glob.is_none()
    }

    /// Whether it leads to `path`.
    pub(crate) fn matches(&self, path: &Path) -> bool {
        match &self.glob {
            Some(glob) => glob.matches_path_with(path, OPTIONS),
            None => path == Path::new(&self.text),
        }
    }

    /// What is there now, sorted by name; for a plain path itself, there or not. At most `limit` paths.
    pub(crate) fn expand(&self, limit: usize) -> Vec<PathBuf> {
        if self.is_literal() { vec![PathBuf::from(&self.text)] } else { expand(&self.text, limit) }
    }

    /// The folders in which something new may match it: those that exist now, at most
    /// [`limits::MAX_WATCHED_DIRS`]. Folders below a `**` are left to the tick.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let path = Path::new(&self.text);
        let mut fixed = PathBuf::new();
        let mut components = path.parent().unwrap_or(Path::new("")).components().peekable();
        while let Some(Component::Normal(_) | Component::RootDir | Component::CurDir | Component::ParentDir) =
            components.peek().filter(|c| self.is_literal() || !is_glob(&c.as_os_str().to_string_lossy()))
        {
            fixed.extend(components.next());
        }
        let mut folders = vec![nearest_existing(&fixed)];
        let mut so_far = fixed;
        for component in components {
            if component.as_os_str() == "**" {
                break;
            }
            so_far.push(component);
            let Some(text) = so_far.to_str() else { break };
            folders.extend(expand(text, limits::MAX_WATCHED_DIRS).into_iter().filter(|p| p.is_dir()));
        }
        // A link is followed to where it leads: the file is rotated there.
        if self.is_literal()
            && let Ok(real) = fs::canonicalize(path)
            && let Some(parent) = real.parent()
        {
            folders.push(parent.to_owned());
        }
        folders
    }
}

fn absolute(text: &str) -> String {
    std::path::absolute(text)
        .ok()
        .and_then(|path| path.to_str().map(str::to_owned))
        .unwrap_or_else(|| text.to_owned())
}

/// Whether the text has a meaning as a pattern.
pub(crate) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// All paths that match, sorted, at most `limit`. What cannot be looked into matches nothing.
pub(crate) fn expand(text: &str, limit: usize) -> Vec<PathBuf> {
    glob::glob_with(text, OPTIONS)
        .map(|paths| paths.filter_map(Result::ok).take(limit).collect())
        .unwrap_or_default()
}

/// The folder itself, or the nearest one above it that exists.
fn nearest_existing(folder: &Path) -> PathBuf {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    here.ancestors().find(|p| p.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_those_in_which_something_new_may_match() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("a/logs")).unwrap();
        fs::create_dir_all(root.join("b")).unwrap();
        let pattern = |tail: &str| Pattern::new(root.join(tail).to_str().unwrap(), Start::Beginning).unwrap();
        assert_eq!(pattern("a/x.log").folders(), [root.join("a")]);
        assert_eq!(pattern("none/yet/x.log").folders(), [root]);
        assert_eq!(
            pattern("*/logs/*.log").folders(),
            [root.to_owned(), root.join("a"), root.join("b"), root.join("a/logs")]
        );
        assert_eq!(pattern("a/**/*.log").folders(), [root.join("a")]);
    }

    #[test]
    fn a_star_matches_neither_a_slash_nor_a_leading_dot() {
        let pattern = Pattern::new("/l/*.log", Start::End).unwrap();
        assert!(pattern.matches(Path::new("/l/a.log")));
        assert!(!pattern.matches(Path::new("/l/.a.log")) && !pattern.matches(Path::new("/l/m/a.log")));
    }

    #[test]
    fn a_bad_pattern_is_an_error_with_its_place() {
        let error = Pattern::new("/var/log/[a", Start::Beginning).unwrap_err();
        assert!(
            error.to_string().starts_with("bad file name pattern: `/var/log/[a`: at character 9"),
            "{error}"
        );
    }

    #[test]
    fn a_link_is_watched_where_it_leads() {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        fs::create_dir(root.join("real")).unwrap();
        fs::write(root.join("real/x.log"), "").unwrap();
        std::os::unix::fs::symlink(root.join("real/x.log"), root.join("x.log")).unwrap();
        let pattern = Pattern::new(root.join("x.log").to_str().unwrap(), Start::Beginning).unwrap();
        assert_eq!(pattern.folders(), [root.clone(), root.join("real")]);
    }
}
