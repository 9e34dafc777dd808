//! Bans by the commands of one of fail2ban's action files, run as fail2ban runs them.
//!
//! A command is text for `/bin/sh -c`. Two kinds of values come into it:
//!
//! - what the configuration says (`<port>`, `<name>`) was put in when the files were read;
//! - what is known only now. An address, a family, a number are Stockade's own words and stand in the text.
//!   **Everything else somebody else wrote**: lines of a log, what a filter captured in them, the name behind an
//!   address. It goes into an environment variable, `<matches>` into `f2bV_matches`, `<F-USER>` into `f2bV_F_user`,
//!   and the text holds `${f2bV_matches}`. A shell does not read the value of a variable as commands, so whatever it
//!   holds, nothing of it is run. Between single quotes such a reference stays as it is, as in fail2ban.
//!
//! fail2ban's rules, which action files rely on:
//!
//! | when | what |
//! |---|---|
//! | the jail starts | `actionstart`; with `actionstart_on_demand`, or options for one family (`[Init?family=inet6]`), only at the first ban of each family |
//! | a ban | `actionban`; for one from before the start with `<restored>` 1, or nothing at all with `norestored` |
//! | a ban is made longer | `actionprolong`, else nothing |
//! | `actionban` fails | `actioncheck`; if that fails too `actionrepair`, else `actionstop` and `actionstart`; then `actionban` once more |
//! | the ground was made anew | `actionreban`, else `actionban`, for every ban that it held |
//! | the end of a ban | `actionunban` |
//! | the jail stops | `actionflush`, else `actionunban` for every ban; then `actionstop` |
//!
//! One command for both families is run once. All commands of the process run one after the other. Each has a process
//! group of its own, which is killed when it takes too long.
//!
//! Since a file cannot be asked what is in force, its bans end with the daemon and are put back at the next start, as
//! in fail2ban. That is the difference to Stockade's own responders, whose bans outlive it.

mod ground;
mod host;
mod memory;
mod question;
mod shell;
mod template;
mod values;

use std::sync::Arc;

use stockade_core::action::{ActionSpec, Family, Verb};
use stockade_core::plan::EXPIRY_TOLERANCE_MS;
use stockade_core::ports::{Evidence, Plan, RespondError, Responder, Scope, Standing, Wants};
use stockade_core::{Outcome, Timestamp};

use ground::{Commands, subject};
pub use memory::Memory;
use memory::{Held, Id, State};
pub use question::Question;
use shell::Failure;
use values::Subject;

/// After so many timeouts in a row the rest is not tried: a command that hangs must not hold up everything for as long
/// as there are bans.
const MAX_TIMEOUTS_IN_A_ROW: u32 = 3;
/// How often a ban is tried to be lifted before it is given up: what cannot be lifted is mostly gone already.
const MAX_UNBAN_TRIES: u32 = 5;
/// How many lost bans are put back at once; the rest follows with the next reconcile.
const MAX_REBANS_AT_ONCE: usize = 500;

/// The responder for one action of one jail.
///
/// It remembers the bans that it made, and takes one that is in force already for done. [`Responder::current`] says
/// `None`.
#[derive(Debug)]
pub struct Action {
    commands: Commands,
    memory: Memory,
    wants: Wants,
    /// What was there before under another configuration, and is to be taken down first.
    predecessor: Option<Box<Self>>,
}

impl Action {
    /// An action that has done nothing yet.
    pub fn new(spec: ActionSpec) -> Self {
        Self::resume(spec, Memory::default())
    }

    /// An action that goes on where one of the same specification stopped.
    pub fn resume(spec: ActionSpec, memory: Memory) -> Self {
        let commands = Commands::new(spec);
        let wants = commands.templates().fold(Wants::default(), |sum, template| {
            let Wants { matches, fields, counts } = template.wants();
            Wants { matches: sum.matches | matches, fields: sum.fields | fields, counts: sum.counts | counts }
        });
        Self { commands, memory, wants, predecessor: None }
    }

    /// An action that takes down another one before it starts.
    #[must_use]
    pub fn instead_of(self, other: Self) -> Self {
        Self { predecessor: Some(Box::new(other)), ..self }
    }

    /// What it remembers, to be handed on by a reload.
    pub fn memory(&self) -> Memory {
        self.memory.clone()
    }

    fn ban(
        &self,
        state: &mut State,
        standing: &Standing,
        evidence: &Evidence,
        restored: bool,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let id: Id = (Arc::clone(&standing.jail), standing.key.clone());
        let spec = &self.commands.spec;
        let about = subject(spec, &standing.jail, &standing.key, standing.until, evidence);
        let about = Subject { restored, ..about };
        match state.bans.get(&id) {
            Some(held) if !held.applied && evidence.extends => {}
            Some(held) if held.applied && !held.lost => {
                let apart = held.until.as_millis().abs_diff(standing.until.as_millis());
                if apart > EXPIRY_TOLERANCE_MS && self.commands.has(Verb::Prolong, about.family) {
                    self.commands.carry_out(&mut state.ground, Verb::Prolong, &about, now)?;
                }
            }
            held => {
                let again =
                    held.is_some_and(|held| held.lost) && self.commands.has(Verb::Reban, about.family);
                let verb = if again { Verb::Reban } else { Verb::Ban };
                let outcome = self.commands.ban(&mut state.ground, verb, &about, now);
                // Before this one is among them.
                self.note_lost(state);
                outcome?;
                state.bans.insert(id, Held::new(standing.until, evidence, true));
                return Ok(());
            }
        }
        if let Some(held) = state.bans.get_mut(&id) {
            held.until = standing.until;
        }
        Ok(())
    }

    fn unban(&self, state: &mut State, id: &Id, evidence: &Evidence, now: Timestamp) -> Result<(), Failure> {
        let Some(held) = state.bans.get_mut(id) else { return Ok(()) };
        let evidence = held.with(evidence);
        let about = subject(&self.commands.spec, &id.0, &id.1, held.until, &evidence);
        if state.ground.holds(about.family) && !held.lost {
            self.commands
                .carry_out(&mut state.ground, Verb::Unban, &about, now)
                .inspect_err(|_| held.unban_failures += 1)?;
        }
        state.bans.remove(id);
        Ok(())
    }

    /// What stood on ground that was made anew is to be put back.
    fn note_lost(&self, state: &mut State) {
        for family in state.ground.take_remade() {
            state.newly_lost = true;
            for ((_, key), held) in &mut state.bans {
                held.lost |= held.applied && self.commands.share_ground(family, Family::of(key));
            }
        }
    }

    fn put_back_lost(&self, state: &mut State, now: Timestamp) {
        self.note_lost(state);
        let lost = state.bans.iter().filter(|(_, held)| held.lost && held.until > now);
        let lost: Vec<_> = lost
            .take(MAX_REBANS_AT_ONCE)
            .map(|((jail, key), held)| {
                let standing = Standing { jail: Arc::clone(jail), key: key.clone(), until: held.until };
                (standing, held.with(&Evidence::default()))
            })
            .collect();
        let mut patience = Patience::default();
        for (standing, evidence) in lost {
            let outcome = patience.trying(|| self.ban(state, &standing, &evidence, false, now));
            if let Err(failure) = outcome {
                tracing::warn!(action = &*self.commands.spec.name, key = %standing.key, "{}", failure.into_text());
            }
        }
    }

    /// Tries to put back the bans from before the start; what fails is tried again later.
    fn put_back_owed(&self, state: &mut State, now: Timestamp) -> Result<(), RespondError> {
        let mut failed = Vec::new();
        let mut last = None;
        let mut patience = Patience::default();
        for (standing, evidence) in std::mem::take(&mut state.owed) {
            if standing.until <= now {
                continue;
            }
            if let Err(failure) = patience.trying(|| self.ban(state, &standing, &evidence, true, now)) {
                last = Some(failure.into_text());
                failed.push((standing, evidence));
            }
        }
        state.owed = failed;
        match last {
            None => Ok(()),
            Some(text) => Err(transient(format!("{} bans could not be put back: {text}", state.owed.len()))),
        }
    }

    /// What a failure comes to: what tells people is not repeated, for it may have told half of them.
    fn outcome(&self, result: Result<(), Failure>) -> Outcome {
        match result {
            Ok(()) => Outcome::Done,
            Err(failure) if self.commands.spec.norestored => {
                let reason = format!("{}; a report is not repeated", failure.into_text());
                Outcome::Refused { reason }
            }
            Err(failure) => Outcome::Failed { error: failure.into_text() },
        }
    }
}

impl Responder for Action {
    fn name(&self) -> &str {
        &self.commands.spec.name
    }

    /// Starts the action when it is first called, and takes care of what could not be done before.
    fn prepare(&mut self, _scopes: &[Scope]) -> Result<(), RespondError> {
        if let Some(mut predecessor) = self.predecessor.take()
            && let Err(error) = predecessor.flush()
        {
            tracing::error!(action = self.name(), "cannot take down what was there before: {error}");
        }
        let state = &mut *self.memory.lock();
        let now = now();
        if !state.prepared {
            state.prepared = true;
            // Once: whoever writes a mail at the start does not want it every minute.
            let started = self.commands.start_with_jail(&mut state.ground, now);
            state.problem = started.err().map(Failure::into_text);
        } else if std::mem::take(&mut state.reloaded)
            && let Err(failure) = self.commands.reload(&state.ground, now)
        {
            tracing::error!(action = &*self.commands.spec.name, "{}", failure.into_text());
        }
        self.put_back_lost(state, now);
        let put_back = self.put_back_owed(state, now);
        state.problem.clone().map_or(put_back, |problem| Err(transient(problem)))
    }

    fn current(&mut self, _now: Timestamp) -> Result<Option<Vec<Standing>>, RespondError> {
        Ok(None)
    }

    fn wants(&self) -> Wants {
        self.wants
    }

    fn apply(&mut self, plan: &Plan, now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        self.apply_with(plan, &[], now)
    }

    fn apply_with(
        &mut self,
        plan: &Plan,
        evidence: &[Evidence],
        now: Timestamp,
    ) -> Result<Vec<Outcome>, RespondError> {
        let state = &mut *self.memory.lock();
        let mut outcomes = Vec::with_capacity(plan.add.len() + plan.remove.len());
        let mut patience = Patience::default();
        let none = Evidence { since: now, ..Evidence::default() };
        let mut evidence = evidence.iter();
        for standing in &plan.add {
            let evidence = evidence.next().unwrap_or(&none);
            state.owed.retain(|(owed, _)| (&owed.jail, &owed.key) != (&standing.jail, &standing.key));
            let result = patience.trying(|| self.ban(state, standing, evidence, false, now));
            outcomes.push(self.outcome(result));
        }
        for id in &plan.remove {
            let evidence = evidence.next().unwrap_or(&none);
            state.owed.retain(|(owed, _)| (&owed.jail, &owed.key) != (&id.0, &id.1));
            let outcome = match patience.trying(|| self.unban(state, id, evidence, now)) {
                Err(failure) if state.bans.get(id).is_some_and(|h| h.unban_failures >= MAX_UNBAN_TRIES) => {
                    state.bans.remove(id);
                    let reason = format!("given up after {MAX_UNBAN_TRIES} tries: {}", failure.into_text());
                    Outcome::Refused { reason }
                }
                result => self.outcome(result),
            };
            outcomes.push(outcome);
        }
        if std::mem::take(&mut state.newly_lost) {
            self.put_back_lost(state, now);
        }
        Ok(outcomes)
    }

    /// Puts back the bans of before the start, except with `norestored`. What is in force already stays.
    fn restore(&mut self, bans: &[(Standing, Evidence)], now: Timestamp) -> Result<(), RespondError> {
        let state = &mut *self.memory.lock();
        for (standing, evidence) in bans {
            let id: Id = (Arc::clone(&standing.jail), standing.key.clone());
            if state.bans.contains_key(&id) {
                continue;
            }
            let evidence = Evidence { extends: false, ..evidence.clone() };
            if self.commands.spec.norestored {
                state.bans.insert(id, Held::new(standing.until, &evidence, false));
            } else {
                state.owed.push((standing.clone(), evidence));
            }
        }
        self.put_back_owed(state, now)
    }

    /// Lifts every ban that it made and runs `actionstop`; after that it starts anew.
    fn flush(&mut self) -> Result<(), RespondError> {
        let state = &mut *self.memory.lock();
        let now = now();
        let (singly, flushed) = self.commands.flush(&mut state.ground, now);
        let one_by_one: Vec<Id> =
            state.bans.keys().filter(|id| singly.contains(&Family::of(&id.1))).cloned().collect();
        let mut patience = Patience::default();
        let mut failure = flushed.err();
        for id in one_by_one {
            if let Err(failed) = patience.trying(|| self.unban(state, &id, &Evidence::default(), now)) {
                failure = Some(failed);
            }
        }
        let stopped = self.commands.stop(&mut state.ground, now);
        *state = State::default();
        match failure.or(stopped.err()) {
            None => Ok(()),
            Some(failure) => Err(transient(failure.into_text())),
        }
    }
}

/// Gives up after some timeouts in a row.
#[derive(Debug, Default)]
struct Patience {
    timeouts: u32,
}

impl Patience {
    fn trying(&mut self, what: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
        if self.timeouts >= MAX_TIMEOUTS_IN_A_ROW {
            let text = format!("not tried, because the last {} commands timed out", self.timeouts);
            return Err(Failure::Failed(text));
        }
        let result = what();
        self.timeouts = if matches!(result, Err(Failure::TimedOut(_))) { self.timeouts + 1 } else { 0 };
        result
    }
}

fn transient(message: String) -> RespondError {
    RespondError { message, hint: None, permanent: false }
}

/// For commands about nobody in particular, which nobody gives a time.
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
