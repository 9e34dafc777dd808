//! What a jail, the clock or a person decided, and what came of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::record::MatchId;
use crate::{Key, Timestamp};

/// What is to become true in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "verb")]
#[non_exhaustive]
pub enum Verdict {
    /// The key is kept out until `until` ([`Timestamp::MAX`]: for ever).
    Ban {
        /// When the ban ends.
        until: Timestamp,
        /// Whether a ban that was in force is only made longer; such a one is not counted as another offence.
        extends: bool,
    },
    /// The key is let in again.
    Unban,
    /// Somebody is told of the key. It is over when it was told: nothing is in force, and nothing ends.
    Notify,
    /// What the key stands for is repaired. What a repair changed is on its own record, and has its own way back.
    Repair,
}

/// Why a decision was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "why")]
#[non_exhaustive]
pub enum Reason {
    /// As many matches as the jail allows lay within its window.
    Threshold {
        /// How many matches.
        matches: u32,
        /// The jail's window.
        findtime: Duration,
    },
    /// One match, which the jail answers by itself.
    Match {
        /// Which one.
        id: MatchId,
    },
    /// The time of the ban is over.
    Expired,
    /// A person said so.
    Manual {
        /// Their words, if any.
        note: String,
    },
    /// The ban was in force before Stockade knew of it, in another program's records.
    Imported,
    /// Somebody else decided, and told us.
    Received {
        /// Their reason, if they gave one.
        note: String,
        /// When it became so for them, if they said.
        at: Option<Timestamp>,
        /// Their version of the ban, if they count: of two the higher is newer.
        version: Option<u64>,
    },
}

impl Reason {
    /// How many matches led to it.
    pub fn matches(&self) -> u32 {
        match self {
            Self::Threshold { matches, .. } => *matches,
            Self::Match { .. } => 1,
            _ => 0,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Threshold { matches, findtime } => {
                write!(f, "{matches} matches within {}s", findtime.as_secs())
            }
            Self::Match { .. } => f.write_str("1 match"),
            Self::Expired => f.write_str("expired"),
            Self::Manual { note } if note.is_empty() => f.write_str("by hand"),
            Self::Manual { note } => write!(f, "by hand: {note}"),
            Self::Imported => f.write_str("imported"),
            Self::Received { note, .. } if note.is_empty() => f.write_str("received"),
            Self::Received { note, .. } => write!(f, "received: {note}"),
        }
    }
}

/// A verdict on a key, with its jail, time and reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The jail in whose name it was taken.
    pub jail: Arc<str>,
    /// Whom it is about.
    pub key: Key,
    /// What is to happen.
    pub verdict: Verdict,
    /// From when: for what a threshold gave the time of the match that crossed it.
    pub at: Timestamp,
    /// Why.
    pub reason: Reason,
    /// The how-manieth ban of this key in this jail this is, from 1; 0 for what is no ban.
    pub nth: u32,
}

/// The last known ban of one key in one jail, live or over.
///
/// A jail that tells or repairs, and counts to more than one, leaves one too: never live, and not counted in `times`.
/// It says up to when matches had their answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanRecord {
    /// The jail.
    pub jail: Arc<str>,
    /// Whom it is about.
    pub key: Key,
    /// How many times the key was banned in this jail; drives `bantime.increment`.
    pub times: u32,
    /// When the last ban began.
    pub since: Timestamp,
    /// When it ends or ended.
    pub until: Timestamp,
    /// Whether it is to be in force now.
    pub live: bool,
    /// Why it was taken.
    pub reason: Reason,
}

/// What became of a decision at one responder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
#[non_exhaustive]
pub enum Outcome {
    /// It is so now.
    Done,
    /// It did not work this time; it is tried again later.
    Failed {
        /// What went wrong.
        error: String,
    },
    /// A guard stood in the way; it is not tried again.
    Refused {
        /// Which guard, and why.
        reason: String,
    },
    /// Nothing went wrong, and it is not done yet: it waits, such as a notice that is told together with others.
    Later {
        /// When it is to be asked for again.
        until: Timestamp,
    },
}
