//! Where configuration files come from: a directory, the files built into the binary, or one laid over the other.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::PathBuf;

use super::limits::MAX_FILE_BYTES;

/// A tree of configuration files.
///
/// Paths are `/`-separated and relative to the root of the configuration (`filter.d/sshd.conf`), already without `.` and inner
/// `..`; they may be absolute, or begin with `..` when an include leaves the root.
pub trait ConfFiles {
    /// The content of a file, `None` if there is no such file.
    ///
    /// # Errors
    /// Whatever prevents reading a file that exists.
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>>;

    /// The names of the files in a directory, sorted; empty if there is no such directory.
    ///
    /// # Errors
    /// Whatever prevents listing a directory that exists.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;

    /// How messages name a path; of the empty path, the root.
    fn display(&self, path: &str) -> String;
}

/// A directory such as `/etc/fail2ban`.
#[derive(Clone, Debug)]
pub struct Directory(pub PathBuf);

impl ConfFiles for Directory {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let path = self.0.join(path);
        // Looked at before it is opened: opening a named pipe would wait for a writer.
        match fs::metadata(&path) {
            Ok(found) if found.is_file() => {}
            Ok(found) if found.is_dir() => return Ok(None),
            Ok(_) => return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file")),
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error),
        }
        let mut content = Vec::new();
        // One byte more than allowed, so that the reader can tell that it is too much.
        let limit = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        File::open(&path)?.take(limit).read_to_end(&mut content)?;
        Ok(Some(content))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.0.join(dir)) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            // A name that is not UTF-8 cannot be asked for by this trait.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn display(&self, path: &str) -> String {
        if path.is_empty() {
            return self.0.display().to_string();
        }
        self.0.join(path).display().to_string()
    }
}

/// Files built into the binary: path and content.
#[derive(Clone, Copy, Debug)]
pub struct Embedded(pub &'static [(&'static str, &'static str)]);

impl ConfFiles for Embedded {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.iter().find(|(name, _)| *name == path).map(|(_, content)| content.as_bytes().to_vec()))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let inside = |(name, _): &(&'static str, _)| {
            let name = name.strip_prefix(dir)?.strip_prefix('/')?;
            (!name.contains('/')).then(|| name.to_owned())
        };
        let mut names: Vec<_> = self.0.iter().filter_map(inside).collect();
        names.sort();
        Ok(names)
    }

    fn display(&self, path: &str) -> String {
        format!("(built in)/{path}")
    }
}

/// One tree over another: a file of the upper one hides the file of the same path in the lower one.
#[derive(Clone, Copy, Debug)]
pub struct Layered<U, L> {
    /// Looked into first.
    pub upper: U,
    /// Gives what the upper one has not.
    pub lower: L,
}

impl<U: ConfFiles, L: ConfFiles> ConfFiles for Layered<U, L> {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        match self.upper.read(path)? {
            Some(content) => Ok(Some(content)),
            None => self.lower.read(path),
        }
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let names: BTreeSet<_> = self.upper.list(dir)?.into_iter().chain(self.lower.list(dir)?).collect();
        Ok(names.into_iter().collect())
    }

    fn display(&self, path: &str) -> String {
        match self.upper.read(path) {
            Ok(None) if !path.is_empty() && matches!(self.lower.read(path), Ok(Some(_))) => {
                self.lower.display(path)
            }
            _ => self.upper.display(path),
        }
    }
}

impl<T: ConfFiles + ?Sized> ConfFiles for &T {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        (**self).read(path)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        (**self).list(dir)
    }

    fn display(&self, path: &str) -> String {
        (**self).display(path)
    }
}

impl<T: ConfFiles + ?Sized> ConfFiles for Box<T> {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        (**self).read(path)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        (**self).list(dir)
    }

    fn display(&self, path: &str) -> String {
        (**self).display(path)
    }
}

/// `path` as seen from the directory `dir`, without `.`, empty parts and inner `..`.
pub(crate) fn resolve(dir: &str, path: &str) -> String {
    let (root, parts) = match path.strip_prefix('/') {
        Some(rest) => ("/", rest.to_owned()),
        None => (if dir.starts_with('/') { "/" } else { "" }, format!("{dir}/{path}")),
    };
    let mut kept: Vec<&str> = Vec::new();
    for part in parts.split('/') {
        match part {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if root == "/" => {}
            part => kept.push(part),
        }
    }
    format!("{root}{}", kept.join("/"))
}

/// The directory part of a path; empty for a file in the root.
pub(crate) fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((dir, _)) => dir,
        None => "",
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

impl fmt::Debug for dyn ConfFiles + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfFiles({})", self.display(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised() {
        assert_eq!(resolve("filter.d", "common.conf"), "filter.d/common.conf");
        assert_eq!(resolve("filter.d", "../paths.conf"), "paths.conf");
        assert_eq!(resolve("", "../../x/./y//z"), "../../x/y/z");
        assert_eq!(resolve("filter.d", "/etc/../a.conf"), "/a.conf");
        assert_eq!(resolve("/etc/f", "../../../a"), "/a");
        assert_eq!(parent("a/b.conf"), "a");
        assert_eq!(parent("b.conf"), "");
        assert_eq!(parent("/b.conf"), "/");
    }

    #[test]
    fn the_upper_layer_hides_the_lower_one() -> io::Result<()> {
        let upper = Embedded(&[("d/a", "upper"), ("d/c", "")]);
        let both = Layered { upper, lower: Embedded(&[("d/a", "lower"), ("d/b", "lower"), ("d/e/f", "")]) };
        assert_eq!(both.read("d/a")?.as_deref(), Some(&b"upper"[..]));
        assert_eq!(both.read("d/b")?.as_deref(), Some(&b"lower"[..]));
        assert_eq!(both.read("d/x")?, None);
        assert_eq!(both.list("d")?, ["a", "b", "c"]);
        Ok(())
    }

    #[test]
    fn a_directory_reads_plain_files_only() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        fs::write(dir.path().join("a.conf"), "x")?;
        fs::create_dir(dir.path().join("sub.conf"))?;
        let files = Directory(dir.path().to_owned());
        assert_eq!(files.read("a.conf")?.as_deref(), Some(&b"x"[..]));
        assert_eq!(files.read("sub.conf")?, None);
        assert_eq!(files.read("a.conf/b")?, None);
        assert_eq!(files.list("nowhere")?, Vec::<String>::new());
        assert_eq!(files.list("")?, ["a.conf", "sub.conf"]);
        assert!(files.read("/dev/null").is_err());
        Ok(())
    }
}
