//! What a replay found.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use stockade_core::{Key, Timestamp};
use stockade_source::SourceError;

use super::limits::{MAX_BANS, MAX_OFFENDERS, SIDE_BY_SIDE_BYTES};
use super::names::Names;
use super::offenders::{BanSpan, Offenders, Row};

/// What a replay found: who did what, what was read, and what could not be.
#[derive(Debug)]
pub struct Report {
    pub(super) table: Offenders,
    pub(super) order: Vec<u32>,
    /// What was read and counted.
    pub summary: Summary,
    /// One per jail, in the order of the jails.
    pub jails: Vec<JailTally>,
    /// What could not be read; the rest was.
    pub problems: Vec<SourceError>,
    /// What a person should know about the numbers.
    pub notes: Vec<Note>,
}

/// What was read and counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files that were read, or begun.
    pub files: u64,
    /// Lines read.
    pub lines: u64,
    /// Bytes of text read, unpacked.
    pub bytes: u64,
    /// Lines that a failregex matched, those that only help others among them.
    pub matched_lines: u64,
    /// Lines that an ignoreregex excused.
    pub excused_lines: u64,
    /// The first and the last time that a line told.
    pub span: Option<(Timestamp, Timestamp)>,
}

/// What one jail counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JailTally {
    /// The jail.
    pub jail: Arc<str>,
    /// Matches; a repeated message as often as it says.
    pub matches: u64,
    /// Matches of keys that the jail ignores; not among `matches`.
    pub ignored: u64,
    /// Addresses that it would have banned at least once.
    pub offenders_banned: u64,
    /// Addresses that matched, as far as they are listed.
    pub offenders: u64,
    /// Bans.
    pub bans: u64,
    /// Matches that came more than `findtime` too late to count with those before them.
    #[serde(skip)]
    pub(super) late: u64,
}

impl JailTally {
    pub(super) fn new(jail: Arc<str>) -> Self {
        Self { jail, matches: 0, ignored: 0, offenders_banned: 0, offenders: 0, bans: 0, late: 0 }
    }
}

/// What one key did in one jail.
#[derive(Clone, Copy, Debug)]
pub struct Offender<'r> {
    row: &'r Row,
    names: &'r Names,
    jail: &'r str,
}

impl<'r> Offender<'r> {
    /// Whom it is about.
    pub fn key(&self) -> &'r Key {
        &self.row.key
    }

    /// The jail that counted.
    pub fn jail(&self) -> &'r str {
        self.jail
    }

    /// How many matches; a repeated message as often as it says. For a jail that counts bans: bans.
    pub fn matches(&self) -> u64 {
        self.row.matches
    }

    /// The time of the earliest match.
    pub fn first(&self) -> Timestamp {
        self.row.first
    }

    /// The time of the latest match.
    pub fn last(&self) -> Timestamp {
        self.row.last
    }

    /// The first user names that were tried, at most [`super::limits::MAX_USERS`]. Text that an attacker chose.
    pub fn users(&self) -> impl Iterator<Item = &'r str> {
        self.row.users.named(self.names)
    }

    /// How many more user names were tried, and whether there may have been still more.
    pub fn more_users(&self) -> (usize, bool) {
        self.row.users.more()
    }

    /// How many times it would have been banned.
    pub fn bans(&self) -> u32 {
        self.row.bans
    }

    /// The first ban, as it was in the end.
    pub fn first_ban(&self) -> Option<BanSpan> {
        (self.row.bans > 0).then_some(self.row.first_ban)
    }

    /// The last ban; the same as the first if there is only one.
    pub fn last_ban(&self) -> Option<BanSpan> {
        (self.row.bans > 0).then_some(self.row.last_ban)
    }
}

impl Report {
    /// The offenders, those with most matches first.
    pub fn offenders(&self) -> impl ExactSizeIterator<Item = Offender<'_>> + Clone {
        self.order.iter().map(|&at| {
            // `order` holds places of `rows` and neither changes after the replay.
            #[expect(clippy::indexing_slicing, reason = "made by `Offenders::sorted` of this very table")]
            let row = &self.table.rows[at as usize];
            let jail = self.jails.get(row.jail).map_or("", |tally| &tally.jail);
            Offender { row, names: &self.table.names, jail }
        })
    }
}

/// What a person should know about the numbers of a replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[non_exhaustive]
pub enum Note {
    /// There were more offenders than [`MAX_OFFENDERS`].
    OffendersDropped {
        /// How many are not listed.
        offenders: u64,
        /// Their matches.
        matches: u64,
    },
    /// There were more bans at once than [`MAX_BANS`].
    BansForgotten {
        /// How many had to be forgotten.
        bans: u64,
    },
    /// Jails watched more keys at once than there is room for.
    KeysEvicted {
        /// How many.
        keys: u64,
    },
    /// There were more logs than could be put together by time.
    CountedApart {
        /// In how many groups they were counted.
        groups: u64,
    },
    /// Matches came too late to count with those before them: the log is not in the order of time.
    Late {
        /// How many.
        matches: u64,
    },
    /// Lines that a filter may care about have no date that could be read.
    Undated {
        /// How many.
        lines: u64,
    },
    /// A regex took more steps on some lines than it may, and its filter passed them over.
    Exhausted {
        /// The filter.
        filter: String,
        /// The regex.
        regex: String,
        /// On how many lines.
        lines: u64,
    },
    /// Lines were too long and passed over.
    LongLines {
        /// How many.
        lines: u64,
        /// Their length together.
        bytes: u64,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OffendersDropped { offenders, matches } => write!(
                f,
                "{offenders} addresses with {matches} matches are not listed: those that did least, of more than {MAX_OFFENDERS}"
            ),
            Self::BansForgotten { bans } => write!(
                f,
                "more than {MAX_BANS} bans at once: {bans} were forgotten early, and count as first ones if they come again"
            ),
            Self::KeysEvicted { keys } => {
                write!(
                    f,
                    "{keys} addresses had to be forgotten before their window was over, for want of room"
                )
            }
            Self::CountedApart { groups } => write!(
                f,
                "more logs than can be read side by side in {} MiB: they are counted in {groups} groups, each apart",
                SIDE_BY_SIDE_BYTES >> 20
            ),
            Self::Late { matches } => write!(
                f,
                "{matches} matches are more than `findtime` older than a line before them: is the log in order?"
            ),
            Self::Undated { lines } => {
                write!(f, "{lines} lines that may matter have no date that could be read")
            }
            Self::Exhausted { filter, regex, lines } => write!(
                f,
                "{lines} lines were passed over by filter `{filter}`: a regex took too many steps: `{regex}`"
            ),
            Self::LongLines { lines, bytes } => {
                write!(f, "{lines} lines were too long and passed over, {bytes} bytes in all")
            }
        }
    }
}
