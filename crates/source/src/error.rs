//! What a source could not do.

use std::io;
use std::path::{Path, PathBuf};

use crate::archive::Format;
use crate::limits;

/// What a source could not do, on what. [`SourceError::hint`] says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A log file could not be opened or looked at.
    #[error("cannot open log file: `{}`: {error}", shown(path))]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A log file that could be opened could not be read on.
    #[error("cannot read log file: `{}`: at byte {byte}: {error}", shown(path))]
    Read {
        /// Which.
        path: PathBuf,
        /// How many bytes of the file were read before.
        byte: u64,
        /// Why.
        error: io::Error,
    },
    /// An archive is cut or corrupt. All whole lines before the damage were delivered.
    #[error(
        "damaged {format} archive: `{}`: at byte {byte}, after {offset} bytes of text: {error}",
        shown(path)
    )]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What it was read as.
        format: Format,
        /// How many bytes of the file the decoder had taken.
        byte: u64,
        /// How many bytes of text came out before.
        offset: u64,
        /// What the decoder said.
        error: io::Error,
    },
    /// An archive was packed so that unpacking it takes more memory than is allowed.
    #[error("{format} archive needs more memory than the limit of {limit_bytes} bytes: `{}`", shown(path))]
    NeedsMemory {
        /// Which.
        path: PathBuf,
        /// What it is.
        format: Format,
        /// [`limits::XZ_MEMORY_BYTES`] or two to the power of [`limits::ZSTD_WINDOW_LOG`].
        limit_bytes: u64,
    },
    /// A packed file unpacks to more than is read. Everything before was delivered.
    #[error("file unpacks to more than the limit of {limit_bytes} bytes: `{}`", shown(path))]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// The limit.
        limit_bytes: u64,
    },
    /// It is compressed in a way that is not read here.
    #[error("cannot read {format} archives: `{}`", shown(path))]
    Unsupported {
        /// Which.
        path: PathBuf,
        /// The format's name.
        format: &'static str,
    },
    /// A path that names neither a file nor a folder.
    #[error("not a log file: `{}`", shown(path))]
    NotAFile {
        /// Which.
        path: PathBuf,
    },
    /// A file in a folder of events that holds something else.
    #[error("not a file of events: `{}`", shown(path))]
    NoEvents {
        /// Which.
        path: PathBuf,
    },
    /// A link in a folder of events leads out of it.
    #[error("link leads out of the folder: `{}`", shown(path))]
    LeadsOut {
        /// Which.
        path: PathBuf,
    },
    /// A folder is deeper than any that is looked into.
    #[error("folder is more than {limit} levels deep: `{}`", shown(path))]
    TooDeep {
        /// Which.
        path: PathBuf,
        /// [`crate::events::limits::MAX_FOLDER_DEPTH`].
        limit: usize,
    },
    /// A log is there both compressed and not; the compressed one is left out.
    #[error("log file is there twice: `{}` is left out for `{}`", shown(path), shown(kept))]
    Twice {
        /// The one that is left out.
        path: PathBuf,
        /// The one that is read.
        kept: PathBuf,
    },
    /// A pattern or folder that yields no file.
    #[error("no log file matches: `{pattern}`")]
    NoMatch {
        /// Which.
        pattern: String,
    },
    /// More files than are taken at a time.
    #[error("more than {limit} log files: `{pattern}`")]
    TooMany {
        /// What led to them.
        pattern: String,
        /// [`limits::MAX_FILES`].
        limit: usize,
    },
    /// A file name pattern that cannot be read.
    #[error("bad file name pattern: `{pattern}`: at character {position}: {reason}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// Which character, from 0.
        position: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// A `journalmatch` that cannot be read.
    #[error("bad journalmatch: `{word}` in `{line}`: {reason}")]
    BadMatch {
        /// The whole line.
        line: String,
        /// The word.
        word: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A helper program could not be started.
    #[error("cannot run `{program}`: {error}")]
    Program {
        /// Its name.
        program: String,
        /// Why.
        error: io::Error,
    },
    /// There is no journal to read.
    #[error("no journal to read: {complaint}")]
    NoJournal {
        /// What the helper program said.
        complaint: String,
    },
    /// The kernel refused something that everything rests on.
    #[error("cannot {what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why.
        error: io::Error,
    },
}

impl SourceError {
    /// What to do about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Open { error, .. } | Self::Read { error, .. } => access_hint(error).map(str::to_owned),
            Self::Damaged { .. } => Some("it may still be being written, or was copied in part".into()),
            Self::NeedsMemory { format: Format::Xz, .. } => {
                Some("unpack it first (`xz -dk`), or pack with preset -7 or lower".into())
            }
            Self::NeedsMemory { .. } => Some(format!(
                "unpack it first (`zstd -d --long=31`), or pack with a window of at most 2^{} bytes",
                limits::ZSTD_WINDOW_LOG
            )),
            Self::TooLarge { .. } => Some("unpack it first, and read the parts that are needed".into()),
            Self::Unsupported { .. } => Some("unpack it first; gzip, zstd and xz are read as they are".into()),
            Self::NotAFile { .. } => Some("only regular files, folders and named pipes are read".into()),
            Self::NoMatch { .. } => Some("check the spelling, and quote patterns against the shell".into()),
            Self::NoEvents { .. } => {
                Some("it is left out; named by itself, a file is read whatever its name".into())
            }
            Self::LeadsOut { .. } => Some("it is not followed; name what it leads to".into()),
            Self::TooMany { .. } => Some("use a narrower pattern, or several runs".into()),
            Self::BadMatch { .. } => Some("write FIELD=value words, ` + ` between alternatives".into()),
            Self::Program { error, .. } if error.kind() == io::ErrorKind::NotFound => {
                Some("install systemd, or read log files instead of the journal".into())
            }
            Self::NoJournal { .. } => Some(
                "start systemd-journald, read as root or as a member of the group systemd-journal, or use log files".into(),
            ),
            _ => None,
        }
    }
}

/// What to do about a file that may not be read.
pub(crate) fn access_hint(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Some(
            "run as root or as a member of the file's group, often `adm`; every folder above must be open too",
        ),
        io::ErrorKind::NotFound => Some("check the path; the program may log to the journal only"),
        _ => None,
    }
}

/// A path for people: control characters, which a hostile file name may hold, are escaped.
pub(crate) fn shown(path: &Path) -> String {
    let mut text = String::new();
    for c in path.to_string_lossy().chars() {
        if c.is_control() { text.extend(c.escape_default()) } else { text.push(c) }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_was_tried_on_what_and_hints_what_to_do() {
        let error = SourceError::Open {
            path: "/var/log/a\x1b[2J.log".into(),
            error: io::Error::from(io::ErrorKind::PermissionDenied),
        };
        assert_eq!(error.to_string(), "cannot open log file: `/var/log/a\\u{1b}[2J.log`: permission denied");
        assert!(error.hint().unwrap().contains("adm"));
    }
}
