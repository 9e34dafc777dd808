//! What can go wrong.

use std::io;
use std::path::{Path, PathBuf};

/// Why a task was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be used.
    #[error("cannot {doing} `{}`: {source}", path.display())]
    File {
        /// What was tried, as a verb.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A program could not be started, or failed.
    #[error("`{program}` {how}")]
    Program {
        /// Its name and first argument.
        program: String,
        /// What became of it.
        how: String,
    },
    /// A file is no program that can be read.
    #[error("cannot read the program `{}`: {why}", path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A program that would not start in Lambda.
    #[error("`{}` needs glibc {found}, and Lambda's `provided.al2023` has {allowed}", path.display())]
    Glibc {
        /// The program.
        path: PathBuf,
        /// The newest version that it asks for.
        found: String,
        /// The newest that there is.
        allowed: String,
    },
    /// A program that says where it was built.
    #[error("`{}` holds the path `{found}` of this machine", path.display())]
    LocalPath {
        /// The program.
        path: PathBuf,
        /// The folder that it names.
        found: String,
    },
    /// A zip could not be written.
    #[error("cannot pack `{}`: {source}", path.display())]
    Zip {
        /// The zip.
        path: PathBuf,
        /// Why not.
        source: zip::result::ZipError,
    },
    /// Two builds of the same tree differ.
    #[error("not reproducible: {names} differ between two builds")]
    Differs {
        /// The zips.
        names: String,
    },
    /// A template, or what it is made of, cannot be used.
    #[error("`{}`: {why}", path.display())]
    Template {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Files are not as they should be.
    #[error("not as they should be: {0}; without `--check` they are written")]
    Stale(String),
    /// A process did not behave as a function does.
    #[error("the function did not start: {0}")]
    Start(String),
}

/// Says on which file something was tried.
pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::File { doing, path: path.to_path_buf(), source }
}
