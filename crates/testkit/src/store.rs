//! The contract of [`Store`], as checks that hold for every implementation.
//!
//! A store is finished when [`Contract::run`] passes against the real thing, and [`survives_failure`] for every way in
//! which its commits can be made to fail.

#![expect(clippy::expect_used, clippy::panic, reason = "a broken contract is a failed test")]

mod evidence;
mod extremes;
mod make;
mod outbox;
mod purge;
mod state;

use std::collections::HashSet;

use stockade_core::ports::{
    Batch, LoggedDecision, News, OutboxItem, Retention, Settlement, Snapshot, Store, StoreError,
    StoreErrorKind,
};
use stockade_core::{Key, Match, MatchId, Timestamp};

/// One check, on a fresh store.
type Case = fn(&mut dyn Store);

/// Every check, by name.
const CASES: &[&[(&str, Case)]] =
    &[state::CASES, evidence::CASES, outbox::CASES, purge::CASES, extremes::CASES];

/// The checks for one implementation.
pub struct Contract<'a, S> {
    fresh: Box<dyn FnMut() -> S + 'a>,
    reopen: Option<Box<dyn FnMut(S) -> S + Send + 'a>>,
}

impl<'a, S: Store> Contract<'a, S> {
    /// Checks the stores that `fresh` gives: each empty, none sharing anything with another.
    pub fn new(fresh: impl FnMut() -> S + 'a) -> Self {
        Self { fresh: Box::new(fresh), reopen: None }
    }

    /// Checks as well that nothing is forgotten when `reopen` closes a store and opens the same one again.
    #[must_use]
    pub fn reopening(self, reopen: impl FnMut(S) -> S + Send + 'a) -> Self {
        Self { reopen: Some(Box::new(reopen)), ..self }
    }

    /// Runs every check on a store of its own; then, where stores can be reopened, all of them again with a
    /// reopening before each call.
    ///
    /// # Panics
    /// At the first check that fails. Its name is the last line on standard error.
    pub fn run(mut self) {
        for (name, case) in CASES.iter().copied().flatten() {
            announce(name);
            case(&mut (self.fresh)());
        }
        if let Some(mut reopen) = self.reopen {
            for (name, case) in CASES.iter().copied().flatten() {
                announce(&format!("{name}, reopened before each call"));
                case(&mut Reopening { store: Some((self.fresh)()), reopen: &mut reopen });
            }
        }
    }
}

impl<S> std::fmt::Debug for Contract<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contract").field("reopens", &self.reopen.is_some()).finish_non_exhaustive()
    }
}

/// Checks that a commit which fails leaves nothing, and that the same batch can be committed later with nothing
/// doubled. `store` is fresh; `fail` makes its next commits fail, of which `kind` is expected, and `mend` ends that.
///
/// # Panics
/// Where that does not hold.
pub fn survives_failure<S: Store>(
    store: &mut S,
    kind: &StoreErrorKind,
    mut fail: impl FnMut(&mut S),
    mut mend: impl FnMut(&mut S),
) {
    store.commit(&make::large_batch(0, 50)).expect("a first batch");
    let before = make::Everything::of(store);
    // Large enough not to fit where a store fails for want of room.
    let batch = make::large_batch(1, 3_000);
    fail(store);
    for _ in 0..2 {
        let error = store.commit(&batch).expect_err("a commit that must fail");
        assert_eq!(error.kind, *kind, "{error}");
        assert!(error.hint.as_ref().is_some_and(|hint| !hint.is_empty()), "`{error}` has no hint");
    }
    mend(store);
    assert_eq!(make::Everything::of(store), before, "a failed commit left something");
    assert_eq!(store.commit(&batch).expect("the same batch"), batch.matches.len() as u64);
    let after = make::Everything::of(store);
    assert_eq!(after.matches, before.matches + batch.matches.len());
    assert_eq!(after.log.len(), before.log.len() + batch.orders.len());
    assert_eq!(after.outbox.len(), before.outbox.len() + batch.orders.len());
    assert_eq!(after.state.windows.len(), before.state.windows.len() + batch.windows.len());
}

#[expect(clippy::print_stderr, reason = "names the check that fails")]
fn announce(name: &str) {
    eprintln!("store contract: {name}");
}

/// A store that is closed and opened again before every call.
struct Reopening<'a, 'b, S> {
    store: Option<S>,
    reopen: &'a mut Box<dyn FnMut(S) -> S + Send + 'b>,
}

impl<S> Reopening<'_, '_, S> {
    fn again(&mut self) -> &mut S {
        let store = self.store.take().expect("a store between two calls");
        self.store.insert((self.reopen)(store))
    }
}

impl<S: Store> Store for Reopening<'_, '_, S> {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        self.again().load()
    }
    fn commit(&mut self, batch: &Batch) -> Result<u64, StoreError> {
        self.again().commit(batch)
    }
    fn outbox(&mut self, now: Timestamp, limit: usize) -> Result<Vec<OutboxItem>, StoreError> {
        self.again().outbox(now, limit)
    }
    fn settle(&mut self, settled: &[Settlement]) -> Result<(), StoreError> {
        self.again().settle(settled)
    }
    fn matches_of(&mut self, key: &Key, limit: usize) -> Result<Vec<Match>, StoreError> {
        self.again().matches_of(key, limit)
    }
    fn known(&mut self, ids: &[MatchId]) -> Result<HashSet<MatchId>, StoreError> {
        self.again().known(ids)
    }
    fn matches_by_id(&mut self, ids: &[MatchId]) -> Result<Vec<Match>, StoreError> {
        self.again().matches_by_id(ids)
    }
    fn decisions(&mut self, key: Option<&Key>, limit: usize) -> Result<Vec<LoggedDecision>, StoreError> {
        self.again().decisions(key, limit)
    }
    fn purge(&mut self, keep: &Retention) -> Result<u64, StoreError> {
        self.again().purge(keep)
    }
    fn news(&mut self, limit: usize) -> Result<News, StoreError> {
        self.again().news(limit)
    }
}
