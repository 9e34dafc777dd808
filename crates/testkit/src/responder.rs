//! The contract of [`Responder`], as checks that hold for every implementation.
//!
//! A responder is finished when [`Contract::run`] passes against the real thing. Where the world cannot be asked
//! ([`Responder::current`] says `None`), the outcomes alone are checked.

#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a broken contract is a failed test and says which"
)]

mod cases;
mod make;

use stockade_core::ports::{Notice, Plan, RespondError, Responder, Scope, Standing};
use stockade_core::{Outcome, Timestamp, Verdict};

use cases::CASES;

/// One check, on a fresh responder.
type Case = fn(&mut dyn Responder);

/// The checks for one implementation.
pub struct Contract<'a, R> {
    fresh: Box<dyn FnMut() -> R + 'a>,
    reopen: Option<Box<dyn FnMut(R) -> R + Send + 'a>>,
    without: Vec<(&'a str, &'a str)>,
}

impl<'a, R: Responder> Contract<'a, R> {
    /// Checks the responders that `fresh` gives: each without any ban in force and not prepared. One is not used any
    /// more when the next is asked for, so they may share the world.
    pub fn new(fresh: impl FnMut() -> R + 'a) -> Self {
        Self { fresh: Box::new(fresh), reopen: None, without: Vec::new() }
    }

    /// Checks as well that bans stay in force when `reopen` drops a responder and opens it again, as at a restart.
    #[must_use]
    pub fn reopening(self, reopen: impl FnMut(R) -> R + Send + 'a) -> Self {
        Self { reopen: Some(Box::new(reopen)), ..self }
    }

    /// Leaves out the check of that name, and says why.
    ///
    /// # Panics
    /// If there is no such check.
    #[must_use]
    pub fn without(mut self, name: &'a str, why: &'a str) -> Self {
        assert!(CASES.iter().any(|(known, _)| *known == name), "no such check: {name}");
        self.without.push((name, why));
        self
    }

    /// Runs every check on a responder of its own; then, where responders can be reopened, all of them again with a
    /// restart before each call.
    ///
    /// # Panics
    /// At the first check that fails. Its name is the last line on standard error.
    pub fn run(mut self) {
        for (name, why) in &self.without {
            eprintln!("not checked: {name}: {why}");
        }
        let cases = || CASES.iter().filter(|(name, _)| !self.without.iter().any(|(other, _)| other == name));
        for (name, case) in cases() {
            eprintln!("checking: {name}");
            case(&mut (self.fresh)());
        }
        let Some(mut reopen) = self.reopen else { return };
        for (name, case) in cases() {
            eprintln!("checking: {name}, with a restart before each call");
            let responder = Some((self.fresh)());
            case(&mut Restarting { responder, reopen: &mut reopen, scopes: None });
        }
    }
}

impl<R> std::fmt::Debug for Contract<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contract").field("reopens", &self.reopen.is_some()).finish_non_exhaustive()
    }
}

/// A responder that is dropped and opened anew before each call, and prepared anew if it was prepared.
struct Restarting<'a, R> {
    responder: Option<R>,
    reopen: &'a mut (dyn FnMut(R) -> R + Send + 'a),
    scopes: Option<Vec<Scope>>,
}

impl<R: Responder> Restarting<'_, R> {
    fn restarted(&mut self) -> &mut R {
        let responder = self.responder.take().expect("one is always put back");
        let responder = self.responder.insert((self.reopen)(responder));
        if let Some(scopes) = &self.scopes {
            responder.prepare(scopes).expect("prepared after a restart");
        }
        responder
    }
}

impl<R: Responder> Responder for Restarting<'_, R> {
    fn name(&self) -> &str {
        self.responder.as_ref().expect("one is always put back").name()
    }

    fn prepare(&mut self, scopes: &[Scope]) -> Result<(), RespondError> {
        self.restarted().prepare(scopes)?;
        self.scopes = Some(scopes.to_vec());
        Ok(())
    }

    fn current(&mut self, now: Timestamp) -> Result<Option<Vec<Standing>>, RespondError> {
        self.restarted().current(now)
    }

    fn apply(&mut self, plan: &Plan, now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        self.restarted().apply(plan, now)
    }

    fn takes(&self, verdict: &Verdict) -> bool {
        self.responder.as_ref().expect("one is always put back").takes(verdict)
    }

    fn tell(&mut self, notices: &[Notice], now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        self.restarted().tell(notices, now)
    }

    fn flush(&mut self) -> Result<(), RespondError> {
        self.restarted().flush()?;
        self.scopes = None;
        Ok(())
    }
}
