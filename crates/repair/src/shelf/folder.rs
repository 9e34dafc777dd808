//! A shelf in a folder: one file a key, which a person can read. For one host.
//!
//! A file begins with its version in a line of its own. It is written beside and renamed over, under a lock that all
//! processes take, so that nobody sees half a value or overwrites what another wrote.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::{Shelf, ShelfError, Stored, failed, fits};

/// A shelf in a folder of its own, which nobody else may read: events hold access keys' names and addresses.
#[derive(Debug)]
pub struct FolderShelf {
    folder: PathBuf,
    lock: File,
}

/// No key's file has this name: it holds a character that names of keys' files never hold.
const LOCK: &str = ".lock";
const NEW: &str = ".new";
/// Longer names are cut into folders; file systems allow 255 bytes.
const MAX_NAME: usize = 200;

impl FolderShelf {
    /// Opens the shelf in this folder, which is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be made or written.
    pub fn open(folder: &Path) -> Result<Self, ShelfError> {
        let name = folder.display().to_string();
        let wrong = |error: io::Error| failed("open the folder", &name, &error);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(wrong)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(folder.join(LOCK))
            .map_err(wrong)?;
        Ok(Self { folder: folder.to_owned(), lock })
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(encoded(key))
    }

    fn write(&self, key: &str, value: Option<&[u8]>, expected: u64) -> io::Result<Option<u64>> {
        let path = self.path(key);
        if read(&path)?.map_or(0, |stored| stored.version) != expected {
            return Ok(None);
        }
        let Some(value) = value else {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => return Ok(Some(0)),
            }
        };
        let parent = path.parent().unwrap_or(&self.folder);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        let new = self.folder.join(NEW);
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
        writeln!(file, "{}", expected + 1)?;
        file.write_all(value)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        File::open(parent)?.sync_all()?;
        Ok(Some(expected + 1))
    }
}

impl Shelf for FolderShelf {
    fn get(&mut self, key: &str) -> Result<Option<Stored>, ShelfError> {
        fits(key, None)?;
        read(&self.path(key)).map_err(|error| failed("read", key, &error))
    }

    fn put_if_version(
        &mut self,
        key: &str,
        value: Option<&[u8]>,
        expected: u64,
    ) -> Result<Option<u64>, ShelfError> {
        fits(key, value)?;
        self.lock.lock().map_err(|error| failed("lock the folder for", key, &error))?;
        let written = self.write(key, value, expected);
        let unlocked = self.lock.unlock();
        let version = written.map_err(|error| failed("write", key, &error))?;
        unlocked.map_err(|error| failed("unlock the folder for", key, &error))?;
        Ok(version)
    }

    fn list(&mut self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, ShelfError> {
        let mut keys = Vec::new();
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(&folder).map_err(|error| failed("list", prefix, &error))?;
            for entry in entries {
                let entry = entry.map_err(|error| failed("list", prefix, &error))?;
                let kind = entry.file_type().map_err(|error| failed("list", prefix, &error))?;
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if let Some(key) = decoded(&self.folder, &entry.path())
                    && key.starts_with(prefix)
                    && key.as_str() > after
                {
                    keys.push(key);
                }
            }
        }
        keys.sort_unstable();
        keys.truncate(limit);
        Ok(keys)
    }
}

fn read(path: &Path) -> io::Result<Option<Stored>> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let parts = end.and_then(|end| bytes.split_at_checked(end));
    let version = parts.and_then(|(line, _)| std::str::from_utf8(line).ok()?.parse().ok());
    match (version, parts) {
        (Some(version), Some((_, rest))) => {
            Ok(Some(Stored { version, value: rest.get(1..).unwrap_or_default().to_vec() }))
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the file has no version")),
    }
}

/// A key as the name of a file, in folders by its first part: everything but letters, digits, `-` and `_` as `=` with two
/// digits.
fn encoded(key: &str) -> PathBuf {
    let mut name = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            _ => name.push_str(&format!("={byte:02x}")),
        }
    }
    let mut path = PathBuf::new();
    let mut rest = name.as_str();
    while rest.len() > MAX_NAME {
        let (part, more) = rest.split_at(MAX_NAME);
        path.push(format!("{part}+"));
        rest = more;
    }
    path.join(rest)
}

fn decoded(folder: &Path, path: &Path) -> Option<String> {
    let name = path.strip_prefix(folder).ok()?.to_str()?.replace("+/", "");
    if name.starts_with('.') {
        return None;
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'=' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_name_and_comes_back() {
        let folder = Path::new("/x");
        let long = "é/".repeat(300);
        for key in ["a", "a/b:c", "..", "../../etc/passwd", ".lock", "=", "+", "a+/b", &long, "A-b_1"] {
            let name = encoded(key);
            assert!(name.components().all(|part| part.as_os_str().len() < 255), "{key}");
            assert!(name.components().all(|part| matches!(part, std::path::Component::Normal(_))), "{key}");
            assert_eq!(decoded(folder, &folder.join(&name)).as_deref(), Some(key));
        }
    }
}
