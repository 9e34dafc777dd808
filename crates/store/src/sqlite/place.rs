//! Where the database lies: its directory, its companions, who may touch them, and who owns them now.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use stockade_core::ports::{StoreError, StoreErrorKind};

use super::error::{refused, unreachable};

/// The rights of everything that is made here: the owner's alone, for evidence holds names and addresses.
const FILE_MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;

/// What SQLite and Stockade keep beside the database, by the end of its name.
const COMPANIONS: [&str; 4] = ["-wal", "-shm", "-journal", ".lock"];

/// The files that are one database, itself last.
const FILES: [&str; 4] = ["-wal", "-shm", "-journal", ""];

/// What lies at the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Empty,
    File,
}

/// A database path whose directory is real: absolute, and no symbolic link in front of the file's own name.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
}

impl Place {
    /// The place of a database that is to be written; makes its directory if it is missing.
    pub(super) fn for_writing(path: &Path) -> Result<Self, StoreError> {
        let dir = parent(path);
        DirBuilder::new()
            .recursive(true)
            .mode(DIR_MODE)
            .create(dir)
            .map_err(|e| unreachable("make the directory", dir, &e))?;
        Self::for_reading(path)
    }

    /// The place of a database that is there already.
    pub(super) fn for_reading(path: &Path) -> Result<Self, StoreError> {
        let Some(name) = path.file_name() else {
            return Err(refused(
                StoreErrorKind::Unreachable,
                format!("cannot use `{}` as a database: it names no file", path.display()),
                "give the path of a file, such as `/var/lib/stockade/stockade.db`",
            ));
        };
        let dir = parent(path);
        let dir = dir.canonicalize().map_err(|e| unreachable("use the directory", dir, &e))?;
        Ok(Self { path: dir.join(name) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes this process the only one that writes here, until the returned file is dropped.
    ///
    /// A lock of its own instead of SQLite's exclusive mode, so that others may still read while we write. It goes
    /// with the process, however that ends; but a child that the process was just making may hold it a moment longer,
    /// which is one reason to `wait`.
    pub(super) fn lock(&self, wait: Duration) -> Result<File, StoreError> {
        /// How long to sleep between two attempts.
        const PAUSE: Duration = Duration::from_millis(10);
        let path = self.companion(".lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path)
            .map_err(|e| unreachable("open the lock file", &path, &e))?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(fs::TryLockError::WouldBlock) if start.elapsed() < wait => std::thread::sleep(PAUSE),
                Err(fs::TryLockError::WouldBlock) => return Err(self.held_by(&mut file)),
                Err(fs::TryLockError::Error(e)) => return Err(unreachable("lock", &path, &e)),
            }
        }
        // Only for the message of whoever comes second: not worth failing for.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(file)
    }

    fn held_by(&self, lock: &mut File) -> StoreError {
        /// The longest process id, in digits.
        const PID_DIGITS: u64 = 20;
        let mut text = String::new();
        let _ = lock.rewind().and_then(|()| lock.take(PID_DIGITS).read_to_string(&mut text));
        let who =
            text.parse::<u32>().map_or_else(|_| "another process".to_owned(), |pid| format!("process {pid}"));
        refused(
            StoreErrorKind::Busy,
            format!("cannot open `{}`: {who} is using it", self.path.display()),
            "it belongs to the running daemon: ask that one (`stockade status`), or stop it first",
        )
    }

    /// What lies at the path, after making sure that it and its companions are nobody else's.
    pub(super) fn find(&self) -> Result<Found, StoreError> {
        let dir = parent(&self.path);
        let dir_meta = fs::metadata(dir).map_err(|e| unreachable("use the directory", dir, &e))?;
        if dir_meta.mode() & 0o1002 == 0o0002 {
            return Err(refused(
                StoreErrorKind::Unreachable,
                format!("cannot keep `{}`: anybody may replace files in its directory", self.path.display()),
                "take the right to write from others: `chmod o-w` on the directory",
            ));
        }
        for end in COMPANIONS {
            inspect(&self.companion(end), &dir_meta)?;
        }
        inspect(&self.path, &dir_meta)
    }

    /// What lies at the path, for somebody who only looks.
    pub(super) fn find_unchanged(&self) -> Result<Found, StoreError> {
        match fs::metadata(&self.path) {
            Ok(meta) => Ok(found(&meta)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
            Err(e) => Err(unreachable("open", &self.path, &e)),
        }
    }

    /// Makes an empty file with the right mode, for SQLite to fill.
    pub(super) fn create(&self) -> Result<(), StoreError> {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&self.path)
            .map(drop)
            .map_err(|e| unreachable("make", &self.path, &e))
    }

    /// Moves the database and what belongs to it to a free name that begins with `NAME.corrupt-TAG`.
    pub(super) fn move_aside(&self, tag: &str) -> Result<PathBuf, StoreError> {
        let mut aside = self.companion(&format!(".corrupt-{tag}"));
        for n in 2_u32.. {
            if fs::symlink_metadata(&aside).is_err() {
                break;
            }
            aside = self.companion(&format!(".corrupt-{tag}-{n}"));
        }
        // The write-ahead log first: without its database it is nothing, and must not be taken for the new one's.
        for end in FILES {
            rename(&self.companion(end), &with_end(&aside, end))?;
        }
        Ok(aside)
    }

    /// Undoes [`Place::move_aside`]: what was begun instead goes, and the file is where it was.
    pub(super) fn put_back(&self, aside: &Path) -> Result<(), StoreError> {
        for end in FILES {
            let begun = self.companion(end);
            match fs::remove_file(&begun) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(unreachable("remove", &begun, &e));
                }
                _ => rename(&with_end(aside, end), &begun)?,
            }
        }
        Ok(())
    }

    /// Takes the rights of others from the files that are there, which must be known to be ours.
    pub(super) fn protect(&self) -> Result<(), StoreError> {
        for path in COMPANIONS.map(|end| self.companion(end)).iter().chain([&self.path]) {
            let open =
                fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file() && meta.mode() & 0o077 != 0);
            if open {
                fs::set_permissions(path, Permissions::from_mode(FILE_MODE))
                    .map_err(|e| unreachable("protect", path, &e))?;
            }
        }
        Ok(())
    }

    fn companion(&self, end: &str) -> PathBuf {
        with_end(&self.path, end)
    }
}

fn inspect(path: &Path, dir: &fs::Metadata) -> Result<Found, StoreError> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(e) => return Err(unreachable("open", path, &e)),
    };
    own_regular_file(path, &meta, dir)?;
    Ok(found(&meta))
}

/// Renames what is there, if it is.
fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    match fs::rename(from, to) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(unreachable("move aside the damaged", from, &e)),
        _ => Ok(()),
    }
}

/// A file of one byte is empty to SQLite too, and overwritten by it.
fn found(meta: &fs::Metadata) -> Found {
    if meta.len() <= 1 { Found::Empty } else { Found::File }
}

/// Refuses what another user may have put there for us to write into or to believe.
fn own_regular_file(path: &Path, meta: &fs::Metadata, dir: &fs::Metadata) -> Result<(), StoreError> {
    let me = rustix::process::geteuid().as_raw();
    let wrong = if meta.file_type().is_symlink() {
        "it is a symbolic link"
    } else if !meta.is_file() {
        "it is not a regular file"
    } else if ![me, 0, dir.uid()].contains(&meta.uid()) {
        "it belongs to another user"
    } else {
        return Ok(());
    };
    Err(refused(
        StoreErrorKind::Unreachable,
        format!("cannot open `{}`: {wrong}", path.display()),
        "name a file in a directory of Stockade's own; to keep it elsewhere, link the directory and not the file",
    ))
}

/// The directory of a path; `.` for a bare name.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
