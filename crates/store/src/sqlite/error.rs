//! SQLite's errors as the store's, each with a hint.

use std::path::Path;

use rusqlite::ErrorCode;
use rusqlite::types::Type;
use stockade_core::ports::{StoreError, StoreErrorKind};

use crate::codec::{Unreadable, Unwritable};

impl From<Unreadable> for rusqlite::Error {
    fn from(error: Unreadable) -> Self {
        Self::FromSqlConversionFailure(0, Type::Null, Box::new(error))
    }
}

impl From<Unwritable> for rusqlite::Error {
    fn from(error: Unwritable) -> Self {
        Self::ToSqlConversionFailure(Box::new(error))
    }
}

/// The sentence for a database error: what was tried, on which file, and what SQLite said.
pub(super) fn failed(tried: &str, path: &Path, error: &rusqlite::Error) -> StoreError {
    let kind = kind_of(error, path);
    StoreError {
        kind: kind.clone(),
        message: format!("cannot {tried} `{}`: {}", path.display(), what_sqlite_said(error)),
        hint: Some(hint(&kind).to_owned()),
    }
}

/// The sentence for anything that happens before or beside the database.
pub(super) fn refused(kind: StoreErrorKind, message: String, hint: &str) -> StoreError {
    StoreError { kind, message, hint: Some(hint.to_owned()) }
}

/// An error of the operating system at a path.
pub(super) fn unreachable(tried: &str, path: &Path, error: &std::io::Error) -> StoreError {
    let full = matches!(
        error.kind(),
        std::io::ErrorKind::StorageFull
            | std::io::ErrorKind::QuotaExceeded
            | std::io::ErrorKind::FileTooLarge
    );
    let kind = if full { StoreErrorKind::Full } else { StoreErrorKind::Unreachable };
    let said = without_code(&error.to_string());
    refused(kind.clone(), format!("cannot {tried} `{}`: {said}", path.display()), hint(&kind))
}

/// What to do about an error of a kind.
pub(super) fn hint(kind: &StoreErrorKind) -> &'static str {
    match kind {
        StoreErrorKind::Busy => {
            "another program holds a lock on the file (a `sqlite3` shell, a backup): end it, then try again; nothing \
             was stored by this attempt"
        }
        StoreErrorKind::Full => {
            "make room on its file system or keep less, then try again; nothing was stored by this attempt"
        }
        StoreErrorKind::Corrupt => {
            "start Stockade again: it moves the damaged file aside, keeps it, and takes over the bans that can be read"
        }
        StoreErrorKind::TooNew => {
            "start the Stockade that wrote it, or name another file; this one was left as it is"
        }
        StoreErrorKind::Unreachable => {
            "the directory must exist or be creatable, and it and the file must be writable for the user that \
             Stockade runs as; under systemd, `StateDirectory=` provides one"
        }
        _ => "look into the kernel's log (`dmesg`) for errors of the disk or file system",
    }
}

fn kind_of(error: &rusqlite::Error, path: &Path) -> StoreErrorKind {
    match error {
        // A column holds what was never written there.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..) => StoreErrorKind::Corrupt,
        rusqlite::Error::SqliteFailure(failure, _) => {
            match failure.code {
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreErrorKind::Busy,
                ErrorCode::DiskFull => StoreErrorKind::Full,
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreErrorKind::Corrupt,
                ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly => {
                    if is_full(path) { StoreErrorKind::Full } else { StoreErrorKind::Unreachable }
                }
                // The shared memory file reports a full disk as a plain I/O error.
                ErrorCode::SystemIoFailure if is_full(path) => StoreErrorKind::Full,
                _ => StoreErrorKind::Other,
            }
        }
        _ => StoreErrorKind::Other,
    }
}

/// Whether the file system that holds `path` has no block left.
fn is_full(path: &Path) -> bool {
    path.parent().and_then(|dir| rustix::fs::statvfs(dir).ok()).is_some_and(|fs| fs.f_bavail == 0)
}

fn what_sqlite_said(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(failure, said) => {
            let said = said.clone().unwrap_or_else(|| failure.to_string());
            format!("{said} (SQLite error {})", failure.extended_code)
        }
        rusqlite::Error::FromSqlConversionFailure(_, _, inner)
        | rusqlite::Error::ToSqlConversionFailure(inner) => inner.to_string(),
        other => other.to_string(),
    }
}

/// `Permission denied (os error 13)` in the shape of our messages.
pub(super) fn without_code(said: &str) -> String {
    let said = said.split_once(" (os error").map_or(said, |(words, _)| words);
    said.to_lowercase()
}
