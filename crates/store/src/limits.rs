//! How much a store may hold between two purges.

/// How many matches stay unless configured: about 70 MB of ordinary log lines in SQLite, at
/// most 500 MB of the longest.
pub const DEFAULT_MAX_MATCHES: u64 = 250_000;

/// How many decisions stay unless configured: about 35 MB in SQLite.
pub const DEFAULT_MAX_DECISIONS: u64 = 250_000;

/// How many rows above a limit one commit takes away beside as many as it added, so that a limit that was lowered
/// never makes a commit slow.
const CATCH_UP: u64 = 1_000;

/// The most that a store holds at any time, whatever an attacker makes the logs say.
///
/// `commit` itself drops the oldest rows above these, so that the bound holds between two purges too. What a match or
/// a decision costs in bytes is said at `SqliteStore`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// At most so many matches; the oldest by their own time go.
    pub max_matches: u64,
    /// At most so many decisions; the oldest by their own time go. One that a responder has yet to carry out never
    /// does, so there may be more while responders fail.
    pub max_decisions: u64,
}

impl Limits {
    /// How many of `stored` matches a commit that added `added` of them takes away.
    pub(crate) fn surplus_matches(self, stored: u64, added: u64) -> u64 {
        stored.saturating_sub(self.max_matches).min(added + CATCH_UP)
    }

    /// How many of `stored` decisions a commit that added `added` of them takes away.
    pub(crate) fn surplus_decisions(self, stored: u64, added: u64) -> u64 {
        stored.saturating_sub(self.max_decisions).min(added + CATCH_UP)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_matches: DEFAULT_MAX_MATCHES, max_decisions: DEFAULT_MAX_DECISIONS }
    }
}
