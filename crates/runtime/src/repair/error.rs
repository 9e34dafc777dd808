//! What repairs need and cannot have.

use stockade_repair::{ShelfError, ShortKey};

/// Why repairs cannot be worked with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepairError {
    /// This build speaks to no AWS.
    #[error("cannot ask AWS: this build of Stockade is without it")]
    NoAws,
    /// AWS cannot be spoken to at all.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Aws(#[from] stockade_aws::Fault),
    /// This build keeps nothing there.
    #[error("cannot keep repairs in `{place}`: this build of Stockade is without {what}")]
    NoSuchShelf {
        /// Where they should be kept, without passwords.
        place: String,
        /// What it is without.
        what: &'static str,
    },
    /// Repairs were never kept there.
    #[error("there is no `{place}`: nothing was ever repaired here")]
    Nothing {
        /// Where they would be.
        place: String,
    },
    /// What is kept cannot be opened.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// What links are signed with cannot be used.
    #[error("cannot sign links: {0}")]
    LinkKey(#[from] ShortKey),
}

impl RepairError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoAws => Some("install a build with the feature `aws`".to_owned()),
            #[cfg(feature = "aws")]
            Self::Aws(fault) => fault.hint.clone(),
            Self::NoSuchShelf { .. } => {
                Some("set `shelf` in `[repair]` to a path, or install a build with the feature".to_owned())
            }
            Self::Nothing { .. } => Some(
                "it is made by `stockade repair run` and by the daemon; `shelf` in `[repair]` says where"
                    .to_owned(),
            ),
            Self::Shelf(_) => Some("`shelf` in `[repair]` says where it is; it belongs to root".to_owned()),
            Self::LinkKey(_) => Some("`openssl rand -hex 32` makes a good one".to_owned()),
        }
    }
}
