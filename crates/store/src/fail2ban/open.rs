//! A look at a database that belongs to another program, which may be using it.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use stockade_core::ports::{StoreError, StoreErrorKind};

/// How long to wait for the other program's lock.
const BUSY: Duration = Duration::from_secs(5);
/// How long reading may take, whatever the file makes SQLite do.
const PATIENCE: Duration = Duration::from_secs(120);
/// How many steps SQLite takes between two looks at the clock.
const STEPS: i32 = 10_000;
/// The longest text or blob that is read, in bytes.
const MAX_VALUE_BYTES: i32 = 1 << 20;
/// The largest database that is copied, in bytes.
const MAX_COPY_BYTES: u64 = 4 << 30;

/// A connection, and the copy that it looks at where there had to be one.
pub(super) struct Opened {
    pub(super) conn: Connection,
    _copy: Option<tempfile::TempDir>,
}

pub(super) fn open(path: &Path) -> Result<Opened, StoreError> {
    let unreadable = |error: &io::Error| StoreError {
        kind: StoreErrorKind::Unreachable,
        message: format!("cannot open `{}`: {error}", path.display()),
        hint: Some("name fail2ban's database, as in /var/lib/fail2ban/fail2ban.sqlite3".to_owned()),
    };
    let whole = fs::canonicalize(path).map_err(|error| unreadable(&error))?;
    if !fs::metadata(&whole).map_err(|error| unreadable(&error))?.is_file() {
        return Err(unreadable(&io::Error::from(io::ErrorKind::InvalidInput)));
    }
    // What is not yet in the file itself could only be seen by writing beside it.
    let unfinished = is_write_ahead(&whole).map_err(|error| unreadable(&error))?
        || [JOURNAL, WAL].iter().any(|suffix| beside(&whole, suffix).exists());
    if !unfinished {
        match connect(&whole, OpenFlags::SQLITE_OPEN_READ_ONLY) {
            Ok(conn) => return Ok(Opened { conn, _copy: None }),
            Err(error) if is_locked(&error) => {}
            Err(error) => return Err(failed("open", path, &error)),
        }
    }
    let copy = copy(&whole).map_err(|error| unreadable(&error))?;
    let conn = connect(&copy.path().join(COPY), OpenFlags::SQLITE_OPEN_READ_WRITE)
        .and_then(|conn| sound(&conn).map(|()| conn))
        .map_err(|error| failed("open a copy of", path, &error))?;
    Ok(Opened { conn, _copy: Some(copy) })
}

/// SQLite's error in a sentence, with a hint.
pub(super) fn failed(tried: &str, path: &Path, error: &rusqlite::Error) -> StoreError {
    let (kind, hint) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (StoreErrorKind::Busy, "fail2ban is writing to it: try again, or stop fail2ban first")
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            (StoreErrorKind::Corrupt, "it is damaged, or no SQLite database")
        }
        Some(ErrorCode::OperationInterrupted) => {
            (StoreErrorKind::Other, "it takes too long: the file is damaged or made to do so")
        }
        _ => (StoreErrorKind::Other, "is it fail2ban's database?"),
    };
    let message = format!("cannot {tried} `{}`: {error}", path.display());
    StoreError { kind, message, hint: Some(hint.to_owned()) }
}

const JOURNAL: &str = "-journal";
const WAL: &str = "-wal";
const COPY: &str = "copy.sqlite3";

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let mut conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)?;
    conn.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    let until = Instant::now() + PATIENCE;
    conn.progress_handler(STEPS, Some(move || Instant::now() >= until))?;
    // The first look takes the lock.
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(conn)
}

fn is_locked(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// A copy that was made while somebody wrote may be of two minds.
fn sound(conn: &Connection) -> rusqlite::Result<()> {
    let found: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(code, Some(found)))
}

/// Whether the file's header says that a write-ahead log belongs to it.
fn is_write_ahead(path: &Path) -> io::Result<bool> {
    let mut header = [0; 20];
    let mut file = File::open(path)?;
    Ok(file.read_exact(&mut header).is_ok() && matches!(header, [.., 2, 2]))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Copies the database and what is not yet in it to a folder that only this user can look into.
fn copy(path: &Path) -> io::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let mut left = MAX_COPY_BYTES;
    for suffix in ["", WAL, JOURNAL] {
        let from = match File::open(beside(path, suffix)) {
            Err(error) if !suffix.is_empty() && error.kind() == io::ErrorKind::NotFound => continue,
            from => from?,
        };
        let mut to = File::create(beside(&folder.path().join(COPY), suffix))?;
        let copied = io::copy(&mut from.take(left), &mut to)?;
        left -= copied;
        if left == 0 {
            return Err(io::Error::other(format!("more than {MAX_COPY_BYTES} bytes to copy")));
        }
    }
    Ok(folder)
}
