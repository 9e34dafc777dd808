//! fail2ban's database, to take over what it remembers. It is only looked at, and nothing in it is believed.
//!
//! Known are its versions up to 4, which fail2ban 0.11 to 1.1 write: table `bips` has the last ban of each id in each
//! jail. Versions before have only the history `bans`, of which the newest of each is taken.

mod open;
mod rows;

use std::path::Path;

use stockade_core::ports::{StoreError, StoreErrorKind};
use stockade_core::{Key, Timestamp};

/// How many bans are read at most.
pub const MAX_FOREIGN_BANS: usize = 2_000_000;
/// How many problems are told with their rows; the rest is counted.
const MAX_TOLD: usize = 100;

/// What a database of fail2ban remembers of bans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fail2banRecords {
    /// Its version.
    pub version: i64,
    /// The last ban of each id in each jail, in the order of the file.
    pub bans: Vec<Fail2banBan>,
    /// What is wrong with rows that were left out; the first hundred of them.
    pub problems: Vec<String>,
    /// How many rows were left out.
    pub skipped: u64,
}

/// A ban as fail2ban remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fail2banBan {
    /// fail2ban's jail.
    pub jail: String,
    /// Whom: an address or a network.
    pub key: Key,
    /// Since when.
    pub since: Timestamp,
    /// For how long, in seconds: -1 for ever, `None` where it does not know.
    pub seconds: Option<i64>,
    /// The how-manieth ban it is, from 1.
    pub times: u32,
}

impl Fail2banRecords {
    /// Reads the database at `path`, also while fail2ban uses it; nothing is changed in or beside it.
    ///
    /// `now` tells times that cannot be.
    ///
    /// # Errors
    /// When it is no database of fail2ban, a newer one than is known, or cannot be read. A row that makes no sense is
    /// none: it is told and left out.
    pub fn read(path: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let opened = open::open(path)?;
        rows::read(&opened.conn, now).map_err(|problem| match problem {
            rows::Unreadable::Sqlite(error) => open::failed("read", path, &error),
            rows::Unreadable::Other(why) => StoreError {
                kind: StoreErrorKind::Other,
                message: format!("cannot read `{}`: {why}", path.display()),
                hint: Some("name fail2ban's database, as in /var/lib/fail2ban/fail2ban.sqlite3".to_owned()),
            },
        })
    }

    fn skip(&mut self, problem: impl FnOnce() -> String) {
        self.skipped += 1;
        if self.problems.len() < MAX_TOLD {
            self.problems.push(problem());
        }
    }
}
