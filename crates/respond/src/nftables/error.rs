//! What the kernel refuses, in words, with what to do about it.

use rustix::io::Errno;
use stockade_core::ports::RespondError;
use thiserror::Error;

use super::uapi::msg;

/// What went wrong between us and the kernel's nftables.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NftError {
    /// A system call on the netlink socket failed.
    #[error("cannot {what} on the netlink socket: {errno}")]
    Socket {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        errno: Errno,
    },
    /// The kernel refused a request; nothing of the transaction is in force.
    #[error("nftables refused to {what} in table `inet stockade`: {errno}")]
    Kernel {
        /// What was tried.
        what: &'static str,
        /// What the kernel said.
        errno: Errno,
    },
    /// The kernel's answers did not fit the socket's buffer: what became of the request is not known.
    #[error("nftables' answer was lost: the receive buffer of the netlink socket is too small")]
    Lost,
    /// The kernel gave no answer that could be understood.
    #[error("nftables gave no answer to `{what}`")]
    NoAnswer {
        /// What was tried.
        what: &'static str,
    },
    /// A request did not fit netlink's length fields.
    #[error("a request to nftables is too long: {bytes} bytes")]
    TooLong {
        /// How long it was.
        bytes: usize,
    },
    /// Two jails would share one set.
    #[error("the jails `{first}` and `{second}` have the same short name")]
    SameName {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// A range of ports ends before it begins.
    #[error("the ports `{low}-{high}` of the jail `{jail}` end before they begin")]
    PortsReversed {
        /// The jail.
        jail: String,
        /// Where the range begins.
        low: u16,
        /// Where it ends.
        high: u16,
    },
    /// The table does not stay as it is set up.
    #[error("table `inet stockade` was changed by another program as often as it was set up")]
    GroundLost,
}

impl NftError {
    /// The error number of a request that the kernel refused.
    pub(super) fn kernel_errno(&self) -> Option<Errno> {
        match self {
            Self::Kernel { errno, .. } => Some(*errno),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        let (Self::Socket { errno, .. } | Self::Kernel { errno, .. }) = self else {
            return match self {
                Self::GroundLost => {
                    Some("another program changes this table all the time: `nft monitor` shows which")
                }
                Self::SameName { .. } => Some("rename one of the jails"),
                _ => None,
            };
        };
        match *errno {
            Errno::PERM | Errno::ACCESS => Some(
                "run as root or grant CAP_NET_ADMIN (systemd: AmbientCapabilities=CAP_NET_ADMIN; \
                 container: --cap-add NET_ADMIN)",
            ),
            Errno::PROTONOSUPPORT | Errno::OPNOTSUPP | Errno::INVAL => Some(
                "the kernel seems to lack nftables: try `modprobe nf_tables`, and look for CONFIG_NF_TABLES and \
                 CONFIG_NF_TABLES_INET",
            ),
            Errno::AFNOSUPPORT => Some(
                "netlink sockets are forbidden here (systemd: add AF_NETLINK to RestrictAddressFamilies)",
            ),
            Errno::NOENT => Some("another program removed it, or the kernel lacks a part of nftables"),
            Errno::NOMEM | Errno::NOBUFS => Some("the kernel is out of memory"),
            Errno::BUSY => Some("another program's rules use a part of this table"),
            _ => None,
        }
    }

    /// Whether trying again is of no use.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Socket { errno, .. } | Self::Kernel { errno, .. } => matches!(
                *errno,
                Errno::PERM | Errno::ACCESS | Errno::PROTONOSUPPORT | Errno::OPNOTSUPP | Errno::AFNOSUPPORT
            ),
            Self::SameName { .. } | Self::PortsReversed { .. } => true,
            Self::Lost | Self::NoAnswer { .. } | Self::TooLong { .. } | Self::GroundLost => false,
        }
    }
}

impl From<NftError> for RespondError {
    fn from(error: NftError) -> Self {
        Self {
            message: error.to_string(),
            hint: error.hint().map(str::to_owned),
            permanent: error.is_permanent(),
        }
    }
}

/// What a message asks for, in words.
pub(super) fn words_for(kind: Option<u8>) -> &'static str {
    match kind {
        Some(msg::NEWTABLE) => "create the table",
        Some(msg::DELTABLE) => "delete the table",
        Some(msg::NEWCHAIN) => "create a chain",
        Some(msg::DELCHAIN) => "delete a chain",
        Some(msg::NEWRULE) => "add a rule",
        Some(msg::DELRULE) => "delete a rule",
        Some(msg::NEWSET) => "create a set",
        Some(msg::DELSET) => "delete a set",
        Some(msg::NEWSETELEM) => "add bans",
        Some(msg::DELSETELEM) => "remove bans",
        Some(msg::GETTABLE | msg::GETCHAIN | msg::GETRULE | msg::GETSET | msg::GETSETELEM | msg::GETGEN) => {
            "list what is there"
        }
        _ => "make a change",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_right_says_how_to_get_it_and_is_not_tried_again() {
        let error: RespondError = NftError::Kernel { what: "create the table", errno: Errno::PERM }.into();
        assert!(error.permanent);
        assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("CAP_NET_ADMIN")));
        assert!(
            error.message.starts_with("nftables refused to create the table in table `inet stockade`: "),
            "{error}"
        );
    }

    #[test]
    fn a_missing_module_names_it() {
        let error = NftError::Socket { what: "open", errno: Errno::PROTONOSUPPORT };
        assert!(error.is_permanent());
        assert!(error.hint().is_some_and(|hint| hint.contains("nf_tables")));
    }

    #[test]
    fn a_busy_table_is_tried_again() {
        assert!(!NftError::Kernel { what: "delete a set", errno: Errno::BUSY }.is_permanent());
        assert!(!NftError::Lost.is_permanent());
    }
}
