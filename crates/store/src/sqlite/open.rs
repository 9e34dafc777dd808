//! Opening: an owned, sound, up-to-date file, or an error that says what to do.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use stockade_core::Timestamp;
use stockade_core::ports::{Snapshot, StoreError, StoreErrorKind};

use super::damage::begin_anew;
use super::error::{failed, hint, refused, unreachable};
use super::place::{Found, Place};
use super::schema::{self, Owner, SCHEMA_VERSION};
use super::{Check, Durability, SqliteOptions, SqliteReader, SqliteStore, read, write};

/// How long the write-ahead log may stay once it has been emptied, in bytes; it is emptied when it has grown to about
/// as much. Only a batch larger than this, or a reader that keeps a transaction open, makes it longer for a while.
pub const WAL_BYTES: u64 = 4 * 1024 * 1024;

/// SQLite's default page size, in bytes.
const PAGE_BYTES: u64 = 4096;

/// How much of the file SQLite keeps in memory, in KiB.
const CACHE_KIB: i64 = 8 * 1024;

/// More than the number of statements there are.
const CACHED_STATEMENTS: usize = 48;

/// A store, and what a person should know about how it was opened.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: SqliteStore,
    /// Set where the file was damaged or empty and the store starts anew: what was found, where the old file is now,
    /// and what could be taken over.
    pub notice: Option<String>,
}

impl SqliteStore {
    /// Opens the database at `path` for this process alone; makes it, and its directory, where they are missing.
    ///
    /// A second opener gets [`StoreErrorKind::Busy`] after [`SqliteOptions::busy_timeout`] (the lock is the file
    /// `PATH.lock`, held until the store is dropped or the process dies); [`SqliteStore::open_read_only`] works
    /// beside it.
    ///
    /// Everything that is made is for the owner only (files 0600, directories 0700). The directory may be reached
    /// through symbolic links; the file itself and its companions must be regular files of this user, of root or of
    /// the directory's owner, and nobody else may be able to replace them.
    ///
    /// A damaged file is renamed to `PATH.corrupt-` and `now` in UTC, never deleted, and a new one is begun with the
    /// bans that can still be read; [`Opened::notice`] says so. Another program's database and one of a newer
    /// Stockade ([`StoreErrorKind::TooNew`]) are left exactly as they are.
    pub fn open(path: &Path, options: &SqliteOptions, now: Timestamp) -> Result<Opened, StoreError> {
        let place = Place::for_writing(path)?;
        let lock = place.lock(options.busy_timeout)?;
        let found = place.find()?;
        if found == Found::Nothing {
            place.create()?;
        }
        let empty = format!("`{}` was empty; a new database was begun in it", place.path().display());
        let (started, notice) = match start(&place, options) {
            Err(damage) if damage.kind == StoreErrorKind::Corrupt && found == Found::File => {
                let (started, notice) = begin_anew(&place, options, &damage, now)?;
                (started, Some(notice))
            }
            started => (started?, (found == Found::Empty).then_some(empty)),
        };
        place.protect()?;
        let store = Self {
            inode: inode(place.path())?,
            path: place.path().to_owned(),
            conn: started.conn,
            _lock: lock,
            limits: options.limits,
            counts: started.counts,
            loaded: Some(started.state),
        };
        Ok(Opened { store, notice })
    }

    /// Opens the database at `path` for looking only, whether or not a daemon is writing to it.
    pub fn open_read_only(path: &Path) -> Result<SqliteReader, StoreError> {
        SqliteReader::open(path)
    }
}

/// A connection that has passed every check.
pub(super) struct Started {
    pub(super) conn: Connection,
    pub(super) counts: write::Counts,
    pub(super) state: Snapshot,
}

pub(super) fn start(place: &Place, options: &SqliteOptions) -> Result<Started, StoreError> {
    let path = place.path();
    let open = |e: rusqlite::Error| failed("open", path, &e);
    let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, options.busy_timeout).map_err(open)?;
    let owner = schema::owner(&conn).map_err(open)?;
    let version = version_of(owner, path)?;
    if owner == Owner::Nobody {
        // Possible only before the first table.
        conn.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(open)?;
    }
    set_up(&conn, options).map_err(open)?;
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(open)?;
    if mode != "wal" {
        return Err(refused(
            StoreErrorKind::Other,
            format!("cannot use write-ahead logging on `{}`: SQLite stays in mode `{mode}`", path.display()),
            "put it on a local file system: network shares have no shared memory",
        ));
    }
    schema::bring_up(&mut conn, version).map_err(open)?;
    if options.check == Check::Everything {
        quick_check(&conn, path)?;
    }
    let state = read::snapshot(&conn).map_err(|e| damaged_if_foreign(open(e)))?;
    let counts = write::Counts::read(&conn).map_err(|e| damaged_if_foreign(open(e)))?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(open)?;
    Ok(Started { conn, counts, state })
}

/// A connection with what holds for every one of ours, readers and writers.
pub(super) fn connect(path: &Path, flags: OpenFlags, busy: Duration) -> rusqlite::Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let conn = Connection::open_with_flags(path, flags)?;
    // Until the file is known to be ours and sound, closing it must not change a byte of it.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.busy_timeout(busy)?;
    conn.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    Ok(conn)
}

fn set_up(conn: &Connection, options: &SqliteOptions) -> rusqlite::Result<()> {
    let synchronous = match options.durability {
        Durability::Normal => "NORMAL",
        Durability::Full => "FULL",
    };
    conn.pragma_update(None, "synchronous", synchronous)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "cache_size", -CACHE_KIB)?;
    conn.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES.cast_signed(), |_| Ok(()))?;
    conn.pragma_update_and_check(None, "wal_autocheckpoint", (WAL_BYTES / PAGE_BYTES).cast_signed(), |_| {
        Ok(())
    })?;
    if let Some(bytes) = options.max_file_bytes {
        let pages = (bytes / PAGE_BYTES).max(1).cast_signed();
        conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    Ok(())
}

/// The schema version to start from, or the reason why the file is left alone.
pub(super) fn version_of(owner: Owner, path: &Path) -> Result<i64, StoreError> {
    match owner {
        Owner::Nobody => Ok(0),
        Owner::Stockade(version) if version > SCHEMA_VERSION => Err(refused(
            StoreErrorKind::TooNew,
            format!(
                "cannot open `{}`: it has schema {version}, and this Stockade knows up to {SCHEMA_VERSION}",
                path.display()
            ),
            hint(&StoreErrorKind::TooNew),
        )),
        Owner::Stockade(version) if version >= 1 => Ok(version),
        Owner::Stockade(_) | Owner::Other => Err(refused(
            StoreErrorKind::Other,
            format!("cannot open `{}`: it is another program's database", path.display()),
            "name another file; this one was left as it is",
        )),
    }
}

fn quick_check(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let found: String = conn
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|e| failed("check", path, &e))?;
    if found == "ok" {
        return Ok(());
    }
    Err(refused(
        StoreErrorKind::Corrupt,
        format!("cannot use `{}`: {}", path.display(), found.replace('\n', " ")),
        hint(&StoreErrorKind::Corrupt),
    ))
}

/// A file that says it is ours but has not our tables is as good as damaged.
fn damaged_if_foreign(error: StoreError) -> StoreError {
    match error.kind {
        StoreErrorKind::Other if error.message.contains("no such ") => {
            StoreError { kind: StoreErrorKind::Corrupt, ..error }
        }
        _ => error,
    }
}

fn inode(path: &Path) -> Result<(u64, u64), StoreError> {
    let meta = fs::symlink_metadata(path).map_err(|e| unreachable("look at", path, &e))?;
    Ok((meta.dev(), meta.ino()))
}

/// Whether the path still names the file that is open: a file that was removed takes writes without an error.
pub(super) fn still_there(path: &PathBuf, opened: (u64, u64)) -> Result<(), StoreError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if (meta.dev(), meta.ino()) == opened => Ok(()),
        _ => Err(refused(
            StoreErrorKind::Unreachable,
            format!("cannot keep `{}`: it was removed or replaced while in use", path.display()),
            "put the file back or start Stockade again; what it remembers now is lost when it stops",
        )),
    }
}
