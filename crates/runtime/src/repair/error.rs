//! What repairs need and cannot have.

use stockade_repair::{LinkKey, ShelfError};

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
    /// What links are signed with is too short.
    #[error(
        "cannot sign links: `link_secret` of `[repair]` is `{place}`, and that holds {length} bytes; at least {} are needed",
        LinkKey::MIN_BYTES
    )]
    LinkKey {
        /// Where it is found.
        place: String,
        /// How long it is.
        length: usize,
    },
    /// What links are signed with cannot be had.
    #[error("cannot find `link_secret` of `[repair]`: {why}")]
    LinkSecret {
        /// Why.
        why: String,
    },
    /// No link is valid here.
    #[error("cannot follow a link: `link_secret` of `[repair]` is not set")]
    NoLinks,
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
            Self::LinkKey { .. } => Some("`openssl rand -hex 32` makes a good one".to_owned()),
            Self::LinkSecret { .. } => {
                Some("whoever signs links and whoever follows them must have it".to_owned())
            }
            Self::NoLinks => Some(
                "it must be what the notice was signed with; `stockade repair approve ID` needs none"
                    .to_owned(),
            ),
        }
    }
}
