//! What functions share that live for a second and run side by side: matches as a set that only grows, and bans that
//! each are put once.
//!
//! A [`Store`](crate::ports::Store) is loaded whole by the one process that owns it. A [`Ledger`] is asked about the
//! keys at hand and nothing else, by any number of processes at once. Under a store that is copied between regions the
//! last writer wins, item by item, so nothing here is a counter: the union of what two regions wrote is always right.

use std::sync::Arc;

use crate::decision::BanRecord;
use crate::ports::StoreError;
use crate::record::{Match, MatchId};
use crate::{Key, Timestamp};

/// What is asked about one key in one jail.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The jail.
    pub jail: Arc<str>,
    /// The key.
    pub key: Key,
    /// Matches before this do not count.
    pub since: Timestamp,
    /// At most so many matches are wanted, the newest; the jail's `maxretry`. Above zero.
    pub limit: u32,
}

/// A match as the ledger recalls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// Its identity: one that is at hand as well counts once.
    pub id: MatchId,
    /// When it happened.
    pub time: Timestamp,
    /// How many times.
    pub count: u32,
}

/// The answer to a [`Question`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The newest matches since the time asked about, newest first, at most as many as were asked for.
    pub matches: Vec<Past>,
    /// The last ban of this key in this jail, live or over.
    pub ban: Option<LedgerBan>,
}

/// A ban with what keeps two functions from putting it both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerBan {
    /// The ban.
    pub record: BanRecord,
    /// Grows by one with each change; from 1.
    pub version: u64,
    /// The last version that was announced; 0 for none.
    pub announced: u64,
}

impl LedgerBan {
    /// Whether the world has yet to be told of it.
    pub fn is_unannounced(&self) -> bool {
        self.announced < self.version
    }
}

/// The matches that could not be written; the others are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritten {
    /// Which ones.
    pub ids: Vec<MatchId>,
    /// Why.
    pub error: StoreError,
}

/// Remembers for functions. One contract suite in `stockade-testkit` holds for every implementation.
pub trait Ledger: Send {
    /// Remembers matches. One whose id is there already changes nothing, so a redelivered record may be written again.
    ///
    /// # Errors
    /// Which of them are not written, after all tries. What is not named is written.
    fn remember(&mut self, matches: &[Match]) -> Result<(), Unwritten>;

    /// Answers each question, in their order. Sees all that this process remembered before the call, and what others of
    /// this region did where it matters: an implementation may overlook what they wrote within the last second while
    /// the key is far from its limit. Such a match counts with the key's next one.
    ///
    /// # Errors
    /// If one of them has no answer.
    fn recall(&mut self, questions: &[Question]) -> Result<Vec<Answer>, StoreError>;

    /// Puts a ban in the place of the version that was seen (0: none), as the next version and not announced. `false`
    /// if another version is there by now: nothing is changed, and whoever asks again sees it.
    ///
    /// The end of a ban is put the same way, with `live` false.
    fn put_ban(&mut self, ban: &BanRecord, seen: u64) -> Result<bool, StoreError>;

    /// Notes that the world was told of these versions. A version below the one that was noted changes nothing.
    fn note_announced(&mut self, bans: &[(Arc<str>, Key, u64)]) -> Result<(), StoreError>;

    /// Bans, and ends of bans, of which the world has yet to be told, at most `limit`.
    fn unannounced(&mut self, limit: usize) -> Result<Vec<LedgerBan>, StoreError>;

    /// Live bans that are over at `now`, the earliest first, at most `limit`.
    fn over(&mut self, now: Timestamp, limit: usize) -> Result<Vec<LedgerBan>, StoreError>;

    /// Hands on every live ban that ends after `now`, in no order.
    fn live(&mut self, now: Timestamp, each: &mut dyn FnMut(LedgerBan)) -> Result<(), StoreError>;
}
