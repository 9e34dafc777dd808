//! From what a person typed to log files, in the order in which they were written.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::decode::{Format, recognise};
use super::names::{Age, Rotation, rotation};
use crate::limits::MAX_FILES;
use crate::{SourceError, pattern};

/// The path that means standard input.
pub const STDIN: &str = "-";

/// One file to replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Where it is; [`STDIN`] is standard input.
    pub path: PathBuf,
    /// The log that it is a part of, which may not be there: `auth.log` for `auth.log.2.gz`.
    pub base: PathBuf,
    /// Its size in bytes, packed as it is; 0 for what has none.
    pub bytes: u64,
}

/// What [`expand`] found.
#[derive(Debug, Default)]
pub struct Expansion {
    /// The files: log by log in the order in which they were named, the parts of each from the oldest to the newest.
    pub files: Vec<LogFile>,
    /// What cannot be read. The others can.
    pub problems: Vec<SourceError>,
}

/// Finds the log files that `paths` name: files, folders (the files directly in them), globs, and [`STDIN`].
///
/// With `rotated`, a file also brings the older parts of the same log. No file comes twice, whatever names or links
/// lead to it; of a part that is there packed and unpacked the packed one is left out. In folders and globs, files
/// that are not text are left out.
pub fn expand<P: AsRef<Path>>(paths: &[P], rotated: bool) -> Expansion {
    let mut found = Finder::default();
    for path in paths {
        found.take(path.as_ref(), rotated);
    }
    found.finish()
}

#[derive(Default)]
struct Finder {
    /// Per log, in order of appearance: its parts.
    logs: Vec<(PathBuf, Vec<Part>)>,
    index: HashMap<PathBuf, usize>,
    seen: HashSet<(u64, u64)>,
    problems: Vec<SourceError>,
    count: usize,
}

struct Part {
    file: LogFile,
    rotation: Rotation,
}

impl Finder {
    fn take(&mut self, path: &Path, rotated: bool) {
        let text = path.to_string_lossy();
        if path == Path::new(STDIN) {
            self.add(path.to_owned(), path.to_owned(), 0, rotation("stdin"));
        } else if path.is_dir() {
            let before = self.count + self.problems.len();
            match list(path) {
                Ok(files) => files.iter().for_each(|file| self.add_file(file, true)),
                Err(error) => self.problems.push(SourceError::Open { path: path.to_owned(), error }),
            }
            if self.count + self.problems.len() == before {
                self.problems.push(SourceError::NoMatch { pattern: text.into_owned() });
            }
        } else if fs::symlink_metadata(path).is_err() && pattern::is_glob(&text) {
            self.take_glob(&text);
        } else {
            if rotated {
                self.take_siblings(path);
            }
            self.add_file(path, false);
        }
    }

    fn take_glob(&mut self, text: &str) {
        if let Err(error) = glob::Pattern::new(text) {
            let (position, reason) = (error.pos, error.msg);
            self.problems.push(SourceError::BadPattern { pattern: text.to_owned(), position, reason });
            return;
        }
        let files = pattern::expand(text, MAX_FILES + 1);
        if files.len() > MAX_FILES {
            self.problems.push(SourceError::TooMany { pattern: text.to_owned(), limit: MAX_FILES });
        }
        let mut any = false;
        for file in files.iter().filter(|f| !f.is_dir()).take(MAX_FILES) {
            any = true;
            self.add_file(file, true);
        }
        if !any {
            self.problems.push(SourceError::NoMatch { pattern: text.to_owned() });
        }
    }

    fn take_siblings(&mut self, path: &Path) {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str())) else {
            return;
        };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let Ok(files) = list(folder) else { return };
        for file in files {
            let part = file.file_name().and_then(|n| n.to_str()).map(rotation);
            if part.is_some_and(|part| part.base == name && part.age != Age::Current) {
                self.add_file(&path.with_file_name(file.file_name().unwrap_or_default()), true);
            }
        }
    }

    fn add_file(&mut self, path: &Path, text_only: bool) {
        match self.look_at(path, text_only) {
            Ok(Some((base, bytes, part))) => self.add(path.to_owned(), base, bytes, part),
            Ok(None) => {}
            Err(problem) => self.problems.push(problem),
        }
    }

    /// What a path is: `None` for what was seen before, or is not text though it should be.
    fn look_at(
        &mut self,
        path: &Path,
        text_only: bool,
    ) -> Result<Option<(PathBuf, u64, Rotation)>, SourceError> {
        let open = |error| SourceError::Open { path: path.to_owned(), error };
        let meta = fs::metadata(path).map_err(open)?;
        if !self.seen.insert((meta.dev(), meta.ino())) {
            return Ok(None);
        }
        if meta.is_file() {
            let file = File::open(path).map_err(open)?;
            if text_only && is_binary(file).map_err(open)? {
                return Ok(None);
            }
        } else if text_only || !std::os::unix::fs::FileTypeExt::is_fifo(&meta.file_type()) {
            return Err(SourceError::NotAFile { path: path.to_owned() });
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut part = rotation(&name);
        let mut base = path.with_file_name(&part.base);
        if !part.certain && !base.exists() {
            part = Rotation { base: name.into_owned(), age: Age::Current, ..part };
            base = path.to_owned();
        }
        Ok(Some((base, meta.len(), part)))
    }

    fn add(&mut self, path: PathBuf, base: PathBuf, bytes: u64, rotation: Rotation) {
        if self.count == MAX_FILES {
            return;
        }
        self.count += 1;
        let index = *self.index.entry(base.clone()).or_insert_with(|| {
            self.logs.push((base.clone(), Vec::new()));
            self.logs.len() - 1
        });
        if let Some((_, parts)) = self.logs.get_mut(index) {
            parts.push(Part { file: LogFile { path, base, bytes }, rotation });
        }
    }

    fn finish(mut self) -> Expansion {
        let mut files = Vec::with_capacity(self.count);
        for (_, mut parts) in self.logs {
            // Unpacked before packed, so that the first of two of the same age is the one to keep.
            parts.sort_by(|a, b| {
                let key = |p: &Part| (p.rotation.age.clone(), p.rotation.packed);
                key(a).cmp(&key(b)).then_with(|| a.file.path.cmp(&b.file.path))
            });
            let mut last: Option<Part> = None;
            for part in parts {
                match &last {
                    Some(kept) if part.rotation.packed && kept.rotation.age == part.rotation.age => {
                        let kept = kept.file.path.clone();
                        self.problems.push(SourceError::Twice { path: part.file.path, kept });
                    }
                    _ => files.extend(last.replace(part).map(|p| p.file)),
                }
            }
            files.extend(last.map(|p| p.file));
        }
        Expansion { files, problems: self.problems }
    }
}

/// The files directly in a folder, sorted by name; hidden ones and whatever is no file are left out.
fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .take(crate::limits::MAX_DIR_ENTRIES)
        .filter_map(Result::ok)
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .map(|entry| entry.path())
        // One that cannot be looked at is kept: it is reported.
        .filter(|path| fs::metadata(path).map_or(true, |meta| meta.is_file()))
        .collect();
    files.sort();
    Ok(files)
}

/// Whether a file is neither text nor an archive: a NUL among its first bytes, as in `wtmp` or a journal.
fn is_binary(file: File) -> io::Result<bool> {
    let mut first = Vec::new();
    file.take(512).read_to_end(&mut first)?;
    Ok(first.contains(&0) && matches!(recognise(&first), Ok(Format::Plain)))
}
