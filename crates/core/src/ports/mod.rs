//! The plugs: what the core needs from the world, as traits that the outer crates implement.
//!
//! All of them are synchronous: a host needs no async runtime, and an adapter to a remote service can block on its own.

mod report;
mod responder;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::report::Report;
pub use self::responder::{
    Evidence, JailCounts, Notice, Plan, Protocol, RespondError, Responder, Scope, Standing, Wants,
};
use crate::decision::{BanRecord, Decision, Outcome};
use crate::record::{Match, MatchId, Position};
pub use crate::shared::{Listener, News, SharedBan, SharedMatch};
use crate::{Key, Timestamp};

/// Tells the time. The only clock is in the binary; tests turn one by hand.
pub trait Clock: Send + Sync {
    /// The time now. Wall-clock time: it may jump, so nothing may depend on it growing.
    fn now(&self) -> Timestamp;
}

/// The state of one key's window in one jail, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowRecord {
    /// The jail.
    pub jail: Arc<str>,
    /// Whose window.
    pub key: Key,
    /// The newest match times, ascending, at most the jail's `maxretry`; empty means that the row goes.
    pub times: Vec<Timestamp>,
}

/// A decision together with the responders that are to carry it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What was decided.
    pub decision: Decision,
    /// By whom it is to be carried out; empty for a decision that is only recorded.
    pub responders: Vec<Arc<str>>,
    /// Set where a guard refused it before any responder saw it: recorded with this reason, never carried out.
    pub refused: Option<String>,
}

/// All that one turn wants remembered, or none of it.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// New evidence. A match whose id is already stored changes nothing.
    pub matches: Vec<Match>,
    /// Windows that changed.
    pub windows: Vec<WindowRecord>,
    /// Bans that began, were extended or ended.
    pub bans: Vec<BanRecord>,
    /// Decisions for the outbox.
    pub orders: Vec<Order>,
    /// Up to where the streams have been read.
    pub positions: Vec<Position>,
    /// Up to where what other hosts saw is judged: [`News::upto`] of the newest news in it.
    pub seen: Option<u64>,
}

impl Batch {
    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        self.matches.is_empty()
            && self.windows.is_empty()
            && self.bans.is_empty()
            && self.orders.is_empty()
            && self.positions.is_empty()
            && self.seen.is_none()
    }
}

/// All that a daemon needs to go on where it stopped.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Where every stream was read to.
    pub positions: Vec<Position>,
    /// Every window that still holds a match.
    pub windows: Vec<WindowRecord>,
    /// Every ban that is remembered, live or over.
    pub bans: Vec<BanRecord>,
}

/// One line of the outbox: a decision that one responder has yet to carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxItem {
    /// The store's number for it, ascending in the order of commits.
    pub id: i64,
    /// Which responder.
    pub responder: Arc<str>,
    /// What it is to do.
    pub decision: Decision,
    /// How many times it was tried and failed.
    pub attempts: u32,
}

/// A line of the decision log, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedDecision {
    /// What was decided.
    pub decision: Decision,
    /// What came of it at each responder; a refusal by a guard has the responder `guard`.
    pub outcomes: Vec<(Arc<str>, Option<Outcome>)>,
}

/// What a store could not do, split by who can mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Somebody else holds it: try again.
    Busy,
    /// There is no room left.
    Full,
    /// What is stored cannot be read; nothing was deleted.
    Corrupt,
    /// It was written by a newer Stockade.
    TooNew,
    /// The place is not there or may not be used.
    Unreachable,
    /// Anything else.
    Other,
}

/// A store's error, with its kind, a sentence and a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// Who can mend it.
    pub kind: StoreErrorKind,
    /// What was tried, on what, and what happened.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {}

/// Remembers. One contract suite in `stockade-testkit` holds for every implementation.
///
/// Order of calls: `load` once, then any number of `commit`, `outbox`, `settle` and queries in any order. `commit` is
/// all or nothing and durable against the death of the process when it returns. It is idempotent by match id: a batch
/// that is committed twice stores its matches once (its orders twice, so a batch is only repeated after an error). What
/// is committed after an error holds what that batch held, in the same order, and then more: a store that cannot know
/// whether the failed commit took place finds out by it.
pub trait Store: Send {
    /// Everything that is needed to go on.
    fn load(&mut self) -> Result<Snapshot, StoreError>;

    /// Remembers a whole batch, or nothing of it. Returns how many of its matches were new.
    fn commit(&mut self, batch: &Batch) -> Result<u64, StoreError>;

    /// The oldest outbox lines that are due at `now`, at most `limit`, in the order of commits. A line that was never
    /// tried is due whatever the time, so that a clock that went back holds nothing up.
    fn outbox(&mut self, now: Timestamp, limit: usize) -> Result<Vec<OutboxItem>, StoreError>;

    /// Records what came of outbox lines. A failed one comes back in [`Store::outbox`] at its `retry_at`, and so does one
    /// that is to wait, as if it had never been tried. What is said of a line that is done, refused or unknown changes
    /// nothing.
    fn settle(&mut self, settled: &[Settlement]) -> Result<(), StoreError>;

    /// The newest matches of a key, newest first, at most `limit`: the lines that did it. Newest by their own time, and
    /// of equal times the one that was committed last.
    fn matches_of(&mut self, key: &Key, limit: usize) -> Result<Vec<Match>, StoreError>;

    /// Which of these matches are stored, by whichever host. A match that was forgotten is not known any more; nor is
    /// one of a commit that has not returned.
    ///
    /// For records that may come more than once, or by more than one road, and that no position tells apart.
    fn known(&mut self, ids: &[MatchId]) -> Result<HashSet<MatchId>, StoreError>;

    /// Those of these matches that are stored, each once, in no order.
    fn matches_by_id(&mut self, ids: &[MatchId]) -> Result<Vec<Match>, StoreError>;

    /// The newest decisions, last committed first, at most `limit`; of one key only if one is given.
    fn decisions(&mut self, key: Option<&Key>, limit: usize) -> Result<Vec<LoggedDecision>, StoreError>;

    /// Forgets matches older than `matches_before`, settled decisions older than `decisions_before`, and bans that
    /// ended before `bans_before`; then, if more than `max_matches` matches are left, the oldest of those.
    /// Returns how many rows went. Gives the freed room back to the file system bit by bit.
    ///
    /// One call may take no more than a slice, so that it never blocks for long: whoever wants all of it gone calls
    /// again until the answer is 0.
    fn purge(&mut self, keep: &Retention) -> Result<u64, StoreError>;

    /// What other hosts that share this store committed since the last call, at most `limit` matches of it; nothing
    /// in a store of one host. Each of their matches comes once, also over a crash: the next [`Store::commit`] is to
    /// say in [`Batch::seen`] how far they were judged.
    fn news(&mut self, limit: usize) -> Result<News, StoreError> {
        let _ = limit;
        Ok(News::default())
    }

    /// Who tells when there is news; `None` in a store of one host.
    fn listener(&mut self) -> Option<Box<dyn Listener>> {
        None
    }
}

/// What came of one outbox line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The outbox line.
    pub id: i64,
    /// What came of it.
    pub outcome: Outcome,
    /// When a failed one is tried again, and one that waits is handed out again; ignored for the others.
    pub retry_at: Timestamp,
}

/// What a store may forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Matches older than this go.
    pub matches_before: Timestamp,
    /// Settled decisions older than this go.
    pub decisions_before: Timestamp,
    /// Bans that ended before this go, and with them the count that makes the next one longer.
    pub bans_before: Timestamp,
    /// At most so many matches stay.
    pub max_matches: u64,
}
