//! The contract of [`Ledger`], as checks that hold for every implementation.
//!
//! A ledger is finished when [`Contract::run`] passes against the real thing.

#![expect(clippy::expect_used, reason = "a broken contract is a failed test")]

mod bans;
mod make;
mod matches;
mod together;

use stockade_core::ledger::Ledger;

/// Gives one more ledger on the same data, as another function has it.
type Beside<'a> = &'a mut dyn FnMut() -> Box<dyn Ledger>;

/// One check: a fresh ledger, and others on the same data.
type Case = fn(&mut dyn Ledger, Beside<'_>);

/// Every check, by name.
const CASES: &[&[(&str, Case)]] = &[matches::CASES, bans::CASES, together::CASES];

/// The checks for one implementation.
pub struct Contract<'a, L> {
    fresh: Box<dyn FnMut() -> L + 'a>,
    beside: Box<dyn FnMut(&L) -> L + 'a>,
}

impl<'a, L: Ledger + 'static> Contract<'a, L> {
    /// Checks the ledgers that `fresh` gives: each empty, none sharing anything with another. `beside` gives one on the
    /// same data as the one it is shown.
    pub fn new(fresh: impl FnMut() -> L + 'a, beside: impl FnMut(&L) -> L + 'a) -> Self {
        Self { fresh: Box::new(fresh), beside: Box::new(beside) }
    }

    /// Runs every check on a ledger of its own.
    ///
    /// # Panics
    /// At the first check that fails. Its name is the last line on standard error.
    pub fn run(mut self) {
        for (name, case) in CASES.iter().copied().flatten() {
            announce(name);
            let mut ledger = (self.fresh)();
            let pattern = (self.beside)(&ledger);
            case(&mut ledger, &mut || Box::new((self.beside)(&pattern)));
        }
    }
}

impl<L> std::fmt::Debug for Contract<'_, L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contract").finish_non_exhaustive()
    }
}

#[expect(clippy::print_stderr, reason = "names the check that fails")]
fn announce(name: &str) {
    eprintln!("ledger contract: {name}");
}
