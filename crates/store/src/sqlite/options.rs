//! How a SQLite store is opened.

use std::time::Duration;

use crate::Limits;

/// When a commit reaches the disk itself and not only the operating system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// At checkpoints (`synchronous = NORMAL`). A commit outlives the death of the process at once; a power cut may
    /// take back the newest ones.
    ///
    /// That loses nothing and counts nothing twice, because the positions up to where the logs were read are
    /// committed in the same transaction as what was found before them: whatever is taken back is read and judged
    /// again, and gives the same matches under the same ids.
    #[default]
    Normal,
    /// At every commit (`synchronous = FULL`): one wait for the disk each. For sources that cannot be read twice.
    Full,
}

/// How much of the file is checked when it is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// All of it, so that damage is found at the start, where the file can be replaced: 1 to 2 ms per MB.
    #[default]
    Everything,
    /// Only what the daemon needs to go on: windows, bans and positions, which are read anyway. Damage elsewhere is
    /// met by a later call, with [`StoreErrorKind::Corrupt`](stockade_core::ports::StoreErrorKind::Corrupt), and only
    /// an opening that checks everything mends it.
    State,
}

/// How a SQLite store is opened; the default is right for a daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// When a commit reaches the disk.
    pub durability: Durability,
    /// How much is checked at the start.
    pub check: Check,
    /// The most that is kept between two purges.
    pub limits: Limits,
    /// How long a call waits for another program's lock before it gives up with
    /// [`StoreErrorKind::Busy`](stockade_core::ports::StoreErrorKind::Busy).
    pub busy_timeout: Duration,
    /// The largest the database file may grow, in bytes, rounded down to pages; beyond it `commit` fails with
    /// [`StoreErrorKind::Full`](stockade_core::ports::StoreErrorKind::Full). `None` leaves it to [`Limits`].
    pub max_file_bytes: Option<u64>,
}

impl SqliteOptions {
    /// How long a call waits for another program's lock unless configured.
    pub const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            check: Check::default(),
            limits: Limits::default(),
            busy_timeout: Self::BUSY_TIMEOUT,
            max_file_bytes: None,
        }
    }
}
