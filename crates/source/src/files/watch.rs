//! Hearing of changes from the kernel: one inotify instance for all folders and files.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use crate::SourceError;
use crate::limits::MAX_WATCHED_DIRS;

/// What is watched, and for whom.
pub(crate) struct Watcher {
    /// `None` where the kernel has no instance left: then everything is looked at on the tick.
    fd: Option<OwnedFd>,
    folders: HashMap<PathBuf, i32>,
    targets: HashMap<i32, Target>,
    /// The first refusal, told once.
    refusal: Option<SourceError>,
    refused: bool,
}

enum Target {
    Folder(PathBuf),
    /// The file of the stream with this number.
    File(usize),
}

/// One thing that was heard.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Something was written to a file of this stream, or it was cut.
    Written(usize),
    /// A file of this stream was renamed, deleted, or may be read by others now.
    Moved(usize),
    /// A name came, went, or changed its rights; and whether it is a folder's.
    Name(PathBuf, bool),
    /// Too much at once, or a folder went away: everything must be looked at.
    Everything,
}

const FOLDER: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

const FILE: WatchFlags =
    WatchFlags::MODIFY.union(WatchFlags::ATTRIB).union(WatchFlags::MOVE_SELF).union(WatchFlags::DELETE_SELF);

/// Room for about a hundred events in one read; more are read by the next.
const EVENT_BYTES: usize = 16 * 1024;

/// The most that is read in one go, so that a storm of events cannot hold up the reading of lines.
const MAX_EVENTS: usize = 4096;

impl Watcher {
    /// Asks the kernel for an instance, unless it is not wanted.
    pub(crate) fn new(wanted: bool) -> Self {
        let mut watcher = Self {
            fd: None,
            folders: HashMap::new(),
            targets: HashMap::new(),
            refusal: None,
            refused: false,
        };
        if wanted {
            match inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK) {
                Ok(fd) => watcher.fd = Some(fd),
                Err(errno) => watcher.refuse("watch files", errno),
            }
        }
        watcher
    }

    /// What can be waited for.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd)
    }

    /// Why something is not watched, once.
    pub(crate) fn take_refusal(&mut self) -> Option<SourceError> {
        self.refusal.take()
    }

    /// Watches a folder for names; again is of no harm. What is refused is left to the tick.
    pub(crate) fn add_folder(&mut self, folder: &Path) {
        let Some(fd) = &self.fd else { return };
        if self.folders.contains_key(folder) || self.folders.len() >= MAX_WATCHED_DIRS {
            return;
        }
        match inotify::add_watch(fd, folder, FOLDER) {
            Ok(wd) => {
                self.folders.insert(folder.to_owned(), wd);
                self.targets.insert(wd, Target::Folder(folder.to_owned()));
            }
            Err(errno) => self.refuse("watch a folder", errno),
        }
    }

    /// Watches an open file, whatever its name is now.
    pub(crate) fn add_file(&mut self, file: &File, path: &Path, stream: usize) -> Option<i32> {
        let fd = self.fd.as_ref()?;
        let by_descriptor = format!("/proc/self/fd/{}", file.as_raw_fd());
        // Without /proc the path must do; if it leads to another file meanwhile, the tick finds the difference.
        match inotify::add_watch(fd, &*by_descriptor, FILE).or_else(|_| inotify::add_watch(fd, path, FILE)) {
            Ok(wd) => {
                self.targets.insert(wd, Target::File(stream));
                Some(wd)
            }
            Err(errno) => {
                self.refuse("watch a file", errno);
                None
            }
        }
    }

    /// Watches a file no more.
    pub(crate) fn remove_file(&mut self, wd: Option<i32>) {
        if let (Some(fd), Some(wd)) = (&self.fd, wd)
            && self.targets.remove(&wd).is_some()
        {
            // It fails when the kernel was faster, because the file is gone.
            let _ = inotify::remove_watch(fd, wd);
        }
    }

    /// Reads what was announced, without waiting.
    pub(crate) fn listen(&mut self, mut heard: impl FnMut(Heard)) {
        let Some(fd) = &self.fd else { return };
        let mut buffer = [MaybeUninit::uninit(); EVENT_BYTES];
        let mut reader = inotify::Reader::new(fd, &mut buffer);
        let mut gone = Vec::new();
        for _ in 0..MAX_EVENTS {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(_) => break,
            };
            let flags = event.events();
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                heard(Heard::Everything);
                continue;
            }
            match self.targets.get(&event.wd()) {
                Some(Target::File(stream)) => {
                    let written = flags.contains(ReadFlags::MODIFY);
                    heard(if written { Heard::Written(*stream) } else { Heard::Moved(*stream) });
                }
                Some(Target::Folder(folder)) => {
                    if let Some(name) = event.file_name() {
                        let path = folder.join(OsStr::from_bytes(name.to_bytes()));
                        heard(Heard::Name(path, flags.contains(ReadFlags::ISDIR)));
                    } else if flags
                        .intersects(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::IGNORED)
                    {
                        gone.push(event.wd());
                        heard(Heard::Everything);
                    }
                }
                None => {}
            }
        }
        for wd in gone {
            if let Some(Target::Folder(folder)) = self.targets.remove(&wd) {
                self.folders.remove(&folder);
                let _ = inotify::remove_watch(fd, wd);
            }
        }
    }

    fn refuse(&mut self, what: &'static str, errno: Errno) {
        // A folder or file that has just gone is nothing to complain of.
        if matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) || self.refused {
            return;
        }
        self.refused = true;
        self.refusal = Some(SourceError::System { what, error: errno.into() });
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    fn heard(watcher: &mut Watcher) -> Vec<Heard> {
        let mut all = Vec::new();
        watcher.listen(|heard| all.push(heard));
        all
    }

    #[test]
    fn names_and_writes_are_heard_of_also_after_a_rename() {
        let dir = tempfile::tempdir().unwrap();
        let (log, old) = (dir.path().join("a.log"), dir.path().join("a.log.1"));
        let mut watcher = Watcher::new(true);
        watcher.add_folder(dir.path());
        let mut file = File::create(&log).unwrap();
        assert_eq!(heard(&mut watcher), [Heard::Name(log.clone(), false)]);
        let wd = watcher.add_file(&file, &log, 7);
        file.write_all(b"x").unwrap();
        assert_eq!(heard(&mut watcher), [Heard::Written(7)]);
        fs::rename(&log, &old).unwrap();
        assert_eq!(heard(&mut watcher), [Heard::Name(log, false), Heard::Name(old, false), Heard::Moved(7)]);
        file.write_all(b"y").unwrap();
        assert_eq!(heard(&mut watcher), [Heard::Written(7)]);
        watcher.remove_file(wd);
        file.write_all(b"z").unwrap();
        assert_eq!(heard(&mut watcher), []);
    }

    #[test]
    fn a_folder_that_goes_and_comes_back_can_be_watched_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("sub");
        fs::create_dir(&folder).unwrap();
        let mut watcher = Watcher::new(true);
        watcher.add_folder(&folder);
        fs::remove_dir(&folder).unwrap();
        assert!(heard(&mut watcher).contains(&Heard::Everything));
        fs::create_dir(&folder).unwrap();
        watcher.add_folder(&folder);
        File::create(folder.join("n")).unwrap();
        assert_eq!(heard(&mut watcher), [Heard::Name(folder.join("n"), false)]);
    }
}
