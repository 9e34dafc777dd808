//! From what a person typed to files of events, in the order in which they were delivered.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use stockade_core::Timestamp;

use super::limits::{MAX_EVENT_FILES, MAX_FOLDER_DEPTH, MAX_FOLDER_PROBLEMS};
use super::name::{FileKind, FileName};
use super::shape::NoEvent;
use crate::SourceError;
use crate::archive::{Decoder, MAGIC_BYTES, STDIN, recognise};

/// One file to replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFile {
    /// Where it is; [`STDIN`] is standard input.
    pub path: PathBuf,
    /// When CloudTrail delivered it, as its name says.
    pub time: Option<Timestamp>,
    /// Its size in bytes, packed as it is; 0 for what has none.
    pub bytes: u64,
}

/// What [`find`] found.
#[derive(Debug, Default)]
pub struct EventFiles {
    /// The files: from the earliest to the latest delivered, then those whose names tell no time, by path.
    pub files: Vec<EventFile>,
    /// Files of digests, of Insights and of aggregated events, which are left out.
    pub no_events: Vec<(NoEvent, u64)>,
    /// What cannot be read, or is not known, at most [`MAX_FOLDER_PROBLEMS`]; the others can.
    pub problems: Vec<SourceError>,
    /// How many problems there are besides.
    pub more_problems: u64,
}

/// Finds the files of events that `paths` name: files, [`STDIN`], and folders with all that is in them.
///
/// A file that is named itself is read whatever its name. In folders, hidden files are left out, and so is, with a
/// problem that says so, what is neither JSON by its name nor by its beginning. Links are not followed: what one leads to
/// in the folder is found there, and what is outside was not asked for.
pub fn find<P: AsRef<Path>>(paths: &[P]) -> EventFiles {
    let mut finder = Finder::default();
    for path in paths {
        finder.take(path.as_ref());
    }
    finder.finish()
}

#[derive(Default)]
struct Finder {
    found: EventFiles,
    full: bool,
}

impl Finder {
    fn take(&mut self, path: &Path) {
        if path == Path::new(STDIN) {
            return self.add(path.to_owned(), None, 0);
        }
        match fs::metadata(path) {
            Err(error) => self.problem(SourceError::Open { path: path.to_owned(), error }),
            Ok(meta) if meta.is_dir() => self.walk(path),
            Ok(meta) => {
                let time = FileName::of(&path.to_string_lossy()).time;
                self.add(path.to_owned(), time, if meta.is_file() { meta.len() } else { 0 });
            }
        }
    }

    fn walk(&mut self, root: &Path) {
        let before = self.found.files.len() + self.found.no_events.len() + self.found.problems.len();
        let mut folders = vec![(root.to_owned(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            if depth > MAX_FOLDER_DEPTH {
                self.problem(SourceError::TooDeep { path: folder, limit: MAX_FOLDER_DEPTH });
                continue;
            }
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) => {
                    self.problem(SourceError::Open { path: folder, error });
                    continue;
                }
            };
            for entry in entries {
                if self.full {
                    return self.problem(SourceError::TooMany {
                        pattern: root.to_string_lossy().into_owned(),
                        limit: MAX_EVENT_FILES,
                    });
                }
                match entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))) {
                    Err(error) => self.problem(SourceError::Open { path: folder.clone(), error }),
                    Ok((path, _)) if is_hidden(&path) => {}
                    Ok((path, kind)) if kind.is_dir() => folders.push((path, depth + 1)),
                    Ok((path, kind)) if kind.is_symlink() => self.link(root, path),
                    Ok((path, kind)) if kind.is_file() => self.file(root, path),
                    Ok((path, _)) => self.problem(SourceError::NotAFile { path }),
                }
            }
        }
        if self.found.files.len() + self.found.no_events.len() + self.found.problems.len() == before {
            self.problem(SourceError::NoMatch { pattern: root.to_string_lossy().into_owned() });
        }
    }

    fn link(&mut self, root: &Path, path: PathBuf) {
        match (fs::canonicalize(&path), fs::canonicalize(root)) {
            (Ok(target), Ok(root)) if target.starts_with(&root) => {}
            (Ok(_), _) => self.problem(SourceError::LeadsOut { path }),
            (Err(error), _) => self.problem(SourceError::Open { path, error }),
        }
    }

    fn file(&mut self, root: &Path, path: PathBuf) {
        // What lies above the folder says nothing about what is in it.
        let name = FileName::of(&path.strip_prefix(root).unwrap_or(&path).to_string_lossy());
        if let FileKind::NoEvent(kind) = name.kind {
            return match self.found.no_events.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, count)) => *count += 1,
                None => self.found.no_events.push((kind, 1)),
            };
        }
        let opened = match name.kind {
            FileKind::Unknown => begins_as_json(&path),
            _ => Ok(true),
        };
        match opened.and_then(|events| Ok((events, fs::symlink_metadata(&path)?.len()))) {
            Ok((true, bytes)) => self.add(path, name.time, bytes),
            Ok((false, _)) => self.problem(SourceError::NoEvents { path }),
            Err(error) => self.problem(SourceError::Open { path, error }),
        }
    }

    fn add(&mut self, path: PathBuf, time: Option<Timestamp>, bytes: u64) {
        self.full = self.found.files.len() == MAX_EVENT_FILES;
        if !self.full {
            self.found.files.push(EventFile { path, time, bytes });
        }
    }

    fn problem(&mut self, problem: SourceError) {
        if self.found.problems.len() < MAX_FOLDER_PROBLEMS {
            self.found.problems.push(problem);
        } else {
            self.found.more_problems += 1;
        }
    }

    fn finish(mut self) -> EventFiles {
        let key = |file: &EventFile| file.time.unwrap_or(Timestamp::MAX);
        self.found.files.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.path.cmp(&b.path)));
        self.found.files.dedup_by(|a, b| a.path == b.path);
        self.found
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Whether a file begins, unpacked, as an object or a list.
fn begins_as_json(path: &Path) -> io::Result<bool> {
    const LOOKED_AT: u64 = 512;
    let mut file = File::open(path)?;
    let mut magic = Vec::with_capacity(MAGIC_BYTES);
    file.by_ref().take(MAGIC_BYTES as u64).read_to_end(&mut magic)?;
    let Ok(format) = recognise(&magic) else { return Ok(false) };
    let mut text = Vec::new();
    // A damaged archive is one of something.
    let _ = Decoder::new(format, magic, Box::new(file))?.take(LOOKED_AT).read_to_end(&mut text);
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text).trim_ascii_start();
    Ok(matches!(text.first(), Some(b'{' | b'[')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_folder_is_read_in_the_order_of_delivery() {
        let dir = tempfile::tempdir().unwrap();
        let root = &dir.path().join("CloudTrail-Digest"); // the folder's own name tells nothing
        let log = |region: &str, time: &str| {
            format!(
                "AWSLogs/111122223333/CloudTrail/{region}/2026/11/01/111122223333_CloudTrail_{region}_{time}_abc.json.gz"
            )
        };
        let early = log("us-east-1", "20261101T0005Z");
        let late = log("eu-west-1", "20261101T0010Z");
        let digest = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/11/01/111122223333_CloudTrail-Digest_eu-west-1_t_eu-west-1_20261101T000000Z.json.gz";
        for path in [&*late, &early, digest, "b.jsonl", "a.json", ".hidden.json"] {
            write(root, path, "{}");
        }
        write(root, "export", " [{}]");
        write(root, "photo.jpg", "\u{0}jpeg");
        write(dir.path(), "outside.json", "{}");
        for (target, name) in [
            (dir.path().join("outside.json"), "out.json"),
            (root.join("a.json"), "in.json"),
            (dir.path().to_owned(), "up"),
        ] {
            std::os::unix::fs::symlink(target, root.join(name)).unwrap();
        }
        let found = find(&[root]);
        let names: Vec<_> =
            found.files.iter().map(|file| file.path.strip_prefix(root).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, [&*early, &*late, "a.json", "b.jsonl", "export"]);
        assert_eq!((found.files[0].bytes, found.no_events), (2, vec![(NoEvent::Digest, 1)]));
        let mut problems: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
        problems.sort();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].starts_with("link leads out of the folder: `"), "{problems:?}");
        assert!(
            problems[2].starts_with("not a file of events: `") && problems[2].contains("photo.jpg"),
            "{problems:?}"
        );
    }

    #[test]
    fn what_is_named_is_read_and_what_is_not_there_is_told() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "photo.jpg", "x");
        let photo = dir.path().join("photo.jpg");
        let found = find(&[photo.clone(), PathBuf::from(STDIN), dir.path().join("missing"), photo]);
        assert_eq!(found.files.iter().map(|file| file.bytes).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(found.problems.len(), 1);
        let empty = dir.path().join("empty");
        fs::create_dir(&empty).unwrap();
        assert!(matches!(find(&[empty]).problems[..], [SourceError::NoMatch { .. }]));
    }

    #[test]
    fn many_problems_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..MAX_FOLDER_PROBLEMS + 7 {
            write(dir.path(), &format!("{n}.jpg"), "x");
        }
        let found = find(&[dir.path()]);
        assert_eq!((found.problems.len(), found.more_problems), (MAX_FOLDER_PROBLEMS, 7));
    }
}
