//! Zips that are the same for the same contents.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::Error;
use crate::error::file;

/// A file in a zip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path, with slashes.
    pub name: String,
    /// Whether Lambda may run it.
    pub executable: bool,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// How much work goes into a zip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Small: it is packed once and loaded at every cold start.
    Small,
    /// Not packed at all: for tests, which deploy programs that were built quickly and are large.
    Stored,
}

/// The highest level of deflate.
const LEVEL: i64 = 9;

/// Writes a zip: entries in the order of their names, every time 1980-01-01, the modes 0755 and 0644.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, entries: &[Entry], packing: Packing) -> Result<(), Error> {
    let (method, level) = match packing {
        Packing::Small => (CompressionMethod::Deflated, Some(LEVEL)),
        Packing::Stored => (CompressionMethod::Stored, None),
    };
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let target = File::create(path).map_err(file("write", path))?;
    let mut zip = ZipWriter::new(BufWriter::new(target));
    let failed = |source| Error::Zip { path: path.to_path_buf(), source };
    for entry in sorted {
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .compression_level(level)
            .last_modified_time(DateTime::DEFAULT)
            .unix_permissions(if entry.executable { 0o755 } else { 0o644 });
        zip.start_file(entry.name.as_str(), options).map_err(failed)?;
        zip.write_all(&entry.bytes).map_err(file("write", path))?;
    }
    let mut target = zip.finish().map_err(failed)?;
    target.flush().map_err(file("write", path))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn order_and_modes_are_fixed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        let entry = |name: &str, executable| Entry { name: name.to_owned(), executable, bytes: name.into() };
        write(&path, &[entry("stockade/a", false), entry("bootstrap", true)], Packing::Small).unwrap();
        let mut zip = zip::ZipArchive::new(File::open(&path).unwrap()).unwrap();
        let mut first = zip.by_index(0).unwrap();
        assert_eq!(
            (first.name().unwrap().to_string(), first.unix_mode()),
            ("bootstrap".into(), Some(0o100_755))
        );
        let mut text = String::new();
        first.read_to_string(&mut text).unwrap();
        assert_eq!(text, "bootstrap");
        drop(first);
        assert_eq!(zip.by_index(1).unwrap().unix_mode(), Some(0o100_644));
    }
}
