//! Finding the rotated parts of a log: where an interrupted reading goes on, and what came after it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirEntryExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::identity::{Check, Generation, HEAD_BYTES, Likeness, Memory, fill, read_at};
use super::life::{Anchor, Id};
use crate::archive::{Age, LogReader, rotation};
use crate::limits::{MAX_DIR_ENTRIES, MAX_SIBLINGS};

/// How many of a file's first bytes are compared to see whether one is a copy of the other.
pub(crate) const COPY_BYTES: usize = 4096;

/// How often a folder is read again because it changed meanwhile, and after which pause.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_millis(1);

/// A rotated part of a log, held open so that the next rotation cannot move it away.
#[derive(Debug)]
pub(crate) struct Sibling {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    pub(crate) id: Id,
    pub(crate) packed: bool,
}

/// What [`find`] found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The part that was looked for, and whether it reaches to where it was read.
    pub(crate) anchor: Option<(Sibling, Likeness)>,
    /// The parts that are newer, from the oldest to the newest.
    pub(crate) newer: Vec<Sibling>,
}

impl Sibling {
    /// What is known of a part of which nothing was read.
    pub(crate) fn memory(&self) -> Memory {
        let mut head = [0; HEAD_BYTES];
        let n = self.first_bytes(&mut head);
        let head = Check::of(head.get(..n).unwrap_or_default());
        let generation = Generation { device: self.id.0, inode: self.id.1, head, life: 0 };
        Memory { generation, offset: 0, replay_from: 0, tail: None, live: false }
    }

    fn compare(&self, memory: &Memory) -> Likeness {
        let likeness = if self.packed {
            self.unpack().and_then(|mut reader| memory.compare_text(reader.text()))
        } else {
            memory.compare(&self.file)
        };
        // What cannot be read is not the file we look for.
        likeness.unwrap_or(Likeness::Other)
    }

    fn unpack(&self) -> io::Result<LogReader> {
        let file = File::open(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&self.file)))
            .or_else(|_| File::open(&self.path))?;
        LogReader::from_reader(&self.path, Box::new(file), None).map_err(io::Error::other)
    }

    /// Whether it is a copy of a file that begins with `text`.
    pub(crate) fn is_copy_of(&self, text: &[u8]) -> bool {
        let mut first = [0; COPY_BYTES];
        let n = self.first_bytes(&mut first);
        is_copy(first.get(..n).unwrap_or_default(), text)
    }

    /// Whether it begins so, of what at most [`COPY_BYTES`] are looked at.
    pub(crate) fn begins_with(&self, text: &[u8]) -> bool {
        let mut first = [0; COPY_BYTES];
        let n = self.first_bytes(&mut first);
        !text.is_empty()
            && first.get(..n).unwrap_or_default().starts_with(text.get(..COPY_BYTES).unwrap_or(text))
    }

    fn first_bytes(&self, buffer: &mut [u8]) -> usize {
        // What cannot be read looks empty.
        if self.packed {
            self.unpack().and_then(|mut reader| fill(reader.text(), buffer)).unwrap_or(0)
        } else {
            read_at(&self.file, buffer, 0).unwrap_or(0)
        }
    }
}

/// Whether a file that begins with `copy` may be a copy of one that begins with `original`, perhaps one that is still
/// being made: the copy is not the longer one. At most [`COPY_BYTES`] of both are looked at.
pub(crate) fn is_copy(copy: &[u8], original: &[u8]) -> bool {
    let first = |bytes| <[u8]>::get(bytes, ..COPY_BYTES).unwrap_or(bytes);
    !copy.is_empty() && first(original).starts_with(first(copy))
}

/// Looks among the rotated parts of the log at `path` for the one that `anchor` means, and for those that came between
/// it and the file `own`. Without such a part nothing came between.
///
/// The own file may have been rotated meanwhile, so that it is among the parts, by its inode, or as a copy, or packed;
/// `is_own` knows it by its text. Also a copy that logrotate is about to make before it cuts the file is the own file
/// and no part of its own. What is newer than that came after it.
///
/// `None` if rotation goes on all the time: nothing is certain then, and it must be tried again later.
pub(crate) fn find(
    path: &Path,
    anchor: &Anchor,
    own: Option<Id>,
    is_own: impl Fn(&Sibling) -> bool,
) -> Option<Found> {
    if let Some(anchor) = first_numbered(path, anchor, own) {
        return Some(Found { anchor: Some(anchor), newer: Vec::new() });
    }
    let mut found = look_at_rest(path, anchor, own)?;
    if let (Anchor::After(memory), None) = (anchor, &found.anchor) {
        return Some(Found { anchor: renamed(path, memory, own), newer: Vec::new() });
    }
    if let Some(at) = found.newer.iter().rposition(is_own) {
        found.newer.drain(..=at);
    }
    found.newer.reverse();
    Some(found)
}

/// The most common case without reading the folder: what is looked for is the newest part, by the name `.1`. The own
/// file was opened before, so nothing can have come between the two.
fn first_numbered(path: &Path, anchor: &Anchor, own: Option<Id>) -> Option<(Sibling, Likeness)> {
    let Anchor::After(memory) = anchor else { return None };
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    let sibling = open(Path::new(&name)).filter(|sibling| Some(sibling.id) != own && !sibling.packed)?;
    let likeness = sibling.compare(memory);
    (likeness != Likeness::Other).then_some((sibling, likeness))
}

/// Looks again until no rotation came between.
fn look_at_rest(path: &Path, anchor: &Anchor, own: Option<Id>) -> Option<Found> {
    for _ in 0..TRIES {
        let before = rotated(path);
        let found = look(&before, anchor, own);
        if rotated(path) == before {
            return Some(found);
        }
        std::thread::sleep(PAUSE);
    }
    None
}

/// The newest rotated part of the log, to be remembered by a life that begins now.
pub(crate) fn newest(path: &Path) -> Anchor {
    let newest = rotated(path).iter().find_map(|part| open(&part.path));
    newest.map_or(Anchor::Nothing, |sibling| Anchor::After(sibling.memory()))
}

/// `newer` comes from the newest to the oldest.
fn look(parts: &[Part], anchor: &Anchor, own: Option<Id>) -> Found {
    let mut found = Found::default();
    for sibling in parts.iter().filter_map(|part| open(&part.path)) {
        if Some(sibling.id) == own {
            found.newer.clear();
            continue;
        }
        if let Anchor::After(memory) = anchor {
            let likeness = sibling.compare(memory);
            if likeness != Likeness::Other {
                found.anchor = Some((sibling, likeness));
                break;
            }
        }
        // Empty ones as well: a program may still write to a file that was renamed before it held anything.
        found.newer.push(sibling);
    }
    found
}

#[derive(PartialEq, Eq)]
struct Part {
    age: Age,
    packed: bool,
    path: PathBuf,
    inode: u64,
}

/// The rotated parts of a log by their names, from the newest to the oldest; unpacked ones hide packed ones.
/// None, if the folder may not be read.
fn rotated(path: &Path) -> Vec<Part> {
    let mut parts = Vec::new();
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return parts };
    let Ok(entries) = fs::read_dir(path.parent().unwrap_or(Path::new("."))) else { return parts };
    // All shapes of rotated names begin as the log's does, up to its extension.
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    for entry in entries.take(MAX_DIR_ENTRIES).filter_map(Result::ok) {
        let file_name = entry.file_name();
        let Some(part) = file_name.to_str().filter(|n| n.starts_with(stem)).map(rotation) else { continue };
        if part.base == name && part.age != Age::Current {
            parts.push(Part { age: part.age, packed: part.packed, path: entry.path(), inode: entry.ino() });
        }
    }
    parts.sort_by(|a, b| b.age.cmp(&a.age).then(a.packed.cmp(&b.packed)).then_with(|| a.path.cmp(&b.path)));
    parts.dedup_by(|a, b| a.age == b.age);
    parts.truncate(MAX_SIBLINGS);
    parts
}

/// Any file of the same folder with the inode that is looked for: rotated by a name that we do not know.
fn renamed(path: &Path, memory: &Memory, own: Option<Id>) -> Option<(Sibling, Likeness)> {
    let entries = fs::read_dir(path.parent()?).ok()?.take(MAX_DIR_ENTRIES).filter_map(Result::ok);
    let mut same = entries.filter(|entry| entry.ino() == memory.generation.inode && entry.path() != path);
    let sibling = same.find_map(|entry| open(&entry.path())).filter(|sibling| Some(sibling.id) != own)?;
    let likeness = sibling.compare(memory);
    (likeness == Likeness::Same).then_some((sibling, likeness))
}

fn open(path: &Path) -> Option<Sibling> {
    let (file, id) = open_regular(path).ok()??;
    let mut magic = [0; 10];
    let n = read_at(&file, &mut magic, 0).ok()?;
    let packed = !matches!(crate::archive::recognise(magic.get(..n)?), Ok(crate::archive::Format::Plain));
    Some(Sibling { path: path.to_owned(), file, id, packed })
}

/// The beginning of a file, to be compared with its copies.
pub(crate) fn first_bytes(file: Option<&File>) -> Vec<u8> {
    let mut bytes = vec![0; COPY_BYTES];
    let n = file.and_then(|file| read_at(file, &mut bytes, 0).ok()).unwrap_or(0);
    bytes.truncate(n);
    bytes
}

/// Opens a log file without waiting for anything; `None` for what is no regular file.
///
/// A named pipe would wait for its writer and a device might do anything, so it is looked at before and after.
pub(crate) fn open_regular(path: &Path) -> io::Result<Option<(File, Id)>> {
    if !fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let meta = file.metadata()?;
    Ok(meta.is_file().then_some((file, (meta.dev(), meta.ino()))))
}

#[cfg(test)]
mod tests {
    use super::super::identity::{TAIL_BYTES, Tail};
    use super::*;

    fn memory(text: &[u8], offset: usize) -> Anchor {
        let head = Check::of(&text[..text.len().min(HEAD_BYTES)]);
        let tail = Some(Tail::new(&text[..offset]).check(TAIL_BYTES));
        let generation = Generation { device: 0, inode: 0, head, life: 0 };
        Anchor::After(Memory { generation, offset: offset as u64, replay_from: 0, tail, live: false })
    }

    fn not_own(_: &Sibling) -> bool {
        false
    }

    fn names(found: &Found) -> Vec<String> {
        found.newer.iter().map(|s| s.path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn parts_newer_than_the_one_looked_for_come_oldest_first() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("a.log");
        for (name, text) in [
            ("a.log.10", "10\n"),
            ("a.log.2", "2\n"),
            ("a.log.1", "1\n"),
            ("a.log", "0\n"),
            ("b.log.1", "b\n"),
        ] {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let found = find(&log, &memory(b"10\n", 3), None, not_own).unwrap();
        assert_eq!(found.anchor.as_ref().unwrap().1, Likeness::Same);
        assert_eq!(names(&found), ["a.log.2", "a.log.1"]);
        // What is newer than the own file is left out, and without an anchor nothing is newer.
        let copy_of = |text: &'static [u8]| move |sibling: &Sibling| sibling.is_copy_of(text);
        assert_eq!(
            names(&find(&log, &memory(b"10\n", 3), None, copy_of(b"1\nmore\n")).unwrap()),
            ["a.log.2"]
        );
        assert_eq!(names(&find(&log, &memory(b"10\n", 3), None, copy_of(b"2\n")).unwrap()), [""; 0]);
        assert_eq!(names(&find(&log, &memory(b"never\n", 6), None, not_own).unwrap()), [""; 0]);
        let own = open_regular(&dir.path().join("a.log.1")).unwrap().map(|(_, id)| id);
        assert_eq!(names(&find(&log, &Anchor::Nothing, own, not_own).unwrap()), ["a.log.10", "a.log.2"]);
    }

    #[test]
    fn a_part_that_was_packed_is_known_by_its_text() {
        let dir = tempfile::tempdir().unwrap();
        let mut gz = flate2::write::GzEncoder::new(
            File::create(dir.path().join("a.log.1.gz")).unwrap(),
            Default::default(),
        );
        io::Write::write_all(&mut gz, b"one\ntwo\n").unwrap();
        gz.finish().unwrap();
        let found = find(&dir.path().join("a.log"), &memory(b"one\ntwo\n", 4), None, not_own).unwrap();
        let (sibling, likeness) = found.anchor.unwrap();
        assert_eq!((sibling.packed, likeness), (true, Likeness::Same));
    }

    #[test]
    fn a_named_pipe_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).unwrap();
        assert!(open_regular(&path).unwrap().is_none());
    }
}
