//! The bounds of the reader. Configuration is written by the operator, but a slip (an include of `/dev/zero`, an option that
//! names itself twice) must end in a message, not in a full memory. The two marked *fail2ban* are also its bounds.

/// Bytes of one configuration file.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// How deep `[INCLUDES]` may nest.
pub const MAX_INCLUDE_DEPTH: usize = 16;

/// Files that one set (a filter, an action, all of `jail`) may consist of, counting repeats and files that do not exist.
pub const MAX_FILES: usize = 500;

/// How deep `%(name)s` may nest (*fail2ban*: Python's `configparser.MAX_INTERPOLATION_DEPTH`).
pub const MAX_INTERPOLATION_DEPTH: usize = 10;

/// How often one tag may be replaced within one option (*fail2ban*: `MAX_TAG_REPLACE_COUNT`).
pub const MAX_TAG_REPLACEMENTS: usize = 25;

/// Bytes of one value after substitution.
pub const MAX_VALUE_BYTES: usize = 1 << 20;

/// Bytes that may be copied or scanned by substitution while one filter, action or jail is read.
pub const MAX_WORK: u64 = 64 << 20;

/// The same for all jails together.
pub const MAX_TOTAL_WORK: u64 = 1 << 30;

/// Sections of the jail files that are read; the rest is reported.
pub const MAX_JAILS: usize = 2000;

/// Problems that are kept of one read; the rest is only counted.
pub const MAX_PROBLEMS: usize = 500;

/// Bytes of a time value such as `1d 12h`.
pub const MAX_TIME_BYTES: usize = 256;

/// A jail name from this length on does not fit the chain names of iptables (`f2b-` and 28 characters).
pub const LONG_JAIL_NAME: usize = 26;

/// What substitution may still cost; see [`MAX_WORK`].
#[derive(Debug)]
pub(crate) struct Budget {
    left: u64,
    start: u64,
}

impl Budget {
    pub(crate) fn new(bytes: u64) -> Self {
        Self { left: bytes, start: bytes }
    }

    /// Takes `bytes` (and some for the call itself, which has to allocate); false when nothing is left.
    pub(crate) fn spend(&mut self, bytes: usize) -> bool {
        let cost = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(64);
        let enough = self.left >= cost;
        self.left = self.left.saturating_sub(cost);
        enough
    }

    pub(crate) fn spent(&self) -> u64 {
        self.start - self.left
    }
}
