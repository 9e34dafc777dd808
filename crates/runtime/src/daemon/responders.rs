//! Starting the responders of one life, and what an action's commands did in the life before.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

use stockade_core::action::ActionSpec;
use stockade_core::ports::{Responder, Scope};
use stockade_respond::Action;
use stockade_respond::action::Memory;

use super::DaemonError;
use super::answers::Health;
use super::assembly::{Opened, open_action, open_responder};
use super::engine::Engine;
use super::hands::{Hand, Work};
use super::threads::Threads;
use crate::repair::{Schedule, Telling};

/// What the actions of one life remember, for the next one: a reload does not take down what has not changed.
#[derive(Debug, Default)]
pub(crate) struct Kept(HashMap<Arc<str>, (ActionSpec, Memory)>);

impl Kept {
    /// The action of a specification, which goes on where it stopped, or first takes down what it was before.
    fn take_up(&mut self, spec: &ActionSpec) -> Action {
        match self.0.remove(&spec.name) {
            Some((before, memory)) if before == *spec => Action::resume(before, memory.reloaded()),
            Some((before, memory)) => Action::new(spec.clone()).instead_of(Action::resume(before, memory)),
            None => Action::new(spec.clone()),
        }
    }

    fn keep(&mut self, spec: &ActionSpec, action: &Action) {
        self.0.insert(Arc::clone(&spec.name), (spec.clone(), action.memory()));
    }

    /// Takes down what nobody took up. It may take long, and nobody waits for it.
    fn take_down_the_rest(self) {
        for (name, (spec, memory)) in self.0 {
            let mut action = Action::resume(spec, memory);
            let take_down = move || {
                if let Err(error) = action.flush() {
                    tracing::error!(responder = &*name, error = %error, "cannot take down what was configured before");
                }
            };
            if let Err(error) = thread::Builder::new().name("take-down".to_owned()).spawn(take_down) {
                tracing::error!(%error, "cannot take down what was configured before");
            }
        }
    }
}

impl Engine<'_> {
    pub(super) fn start_responders(&mut self, threads: &mut Threads) -> Result<(), DaemonError> {
        let book = crate::notices::book(&self.config);
        for responder in &self.config.program.responders.clone() {
            let opened = open_responder(responder, &self.config.program, &book, self.life.options.dry_run);
            let jails =
                self.assembled.configs.iter().filter(|jail| jail.responders.contains(&responder.name));
            let scopes = jails.map(|jail| jail.scope.clone()).collect();
            self.start_responder(threads, Arc::clone(&responder.name), opened, scopes)?;
        }
        let (mut before, mut now) = (self.life.kept.take(), Kept::default());
        let jails = self.assembled.configs.iter();
        let actions: Vec<(ActionSpec, Scope)> = jails
            .flat_map(|jail| jail.actions.iter().map(|spec| (spec.clone(), jail.scope.clone())))
            .collect();
        for (spec, scope) in actions {
            let opened = open_action(&spec.name, self.life.options.dry_run, || {
                let action = before.take_up(&spec);
                now.keep(&spec, &action);
                action
            });
            self.start_responder(threads, Arc::clone(&spec.name), opened, vec![scope])?;
        }
        before.take_down_the_rest();
        self.life.kept.replace(now);
        self.turn.captures = self.assembled.captures(&self.turn.hands);
        for at in 0..self.turn.hands.len() {
            self.bring_up_to_date(at);
        }
        self.turn.hand_out();
        Ok(())
    }

    /// Begins to look at what is repaired without an event, where repairs are on and this is a daemon.
    pub(super) fn start_repairs(&self) -> Option<Schedule> {
        let options = self.life.options;
        #[cfg(feature = "aws")]
        if options.agent.is_some() {
            return None;
        }
        if options.dry_run || options.stdin || !self.config.program.repair.is_on() {
            return None;
        }
        Schedule::start(&self.config.program)
            .inspect_err(|error| tracing::error!(%error, "cannot look without events: no thread"))
            .ok()
    }

    /// Begins to tell what repairs came to, where they are on and somebody tells.
    pub(super) fn start_telling(&self) -> Option<Telling> {
        let tellers = self.turn.hands.iter().filter_map(Hand::teller).collect();
        Telling::start(&self.config.program, tellers, Arc::clone(self.life.clock))
            .inspect_err(|error| tracing::error!(%error, "cannot tell what repairs came to: no thread"))
            .ok()
            .flatten()
    }

    fn start_responder(
        &mut self,
        threads: &mut Threads,
        name: Arc<str>,
        opened: Opened,
        scopes: Vec<Scope>,
    ) -> Result<(), DaemonError> {
        if let Some(problem) = &opened.problem {
            tracing::warn!(responder = &*name, "{problem}");
        }
        let at = self.turn.hands.len();
        let Opened { responder, watch, transient, problem } = opened;
        let (clock, inputs) = (Arc::clone(self.life.clock), self.life.inputs.clone());
        let hand = Hand::start(at, name, responder, transient, scopes, clock, inputs)
            .map_err(|error| DaemonError::System { what: "start a thread", error })?;
        if let Some(watch) = watch {
            threads.watch(at, watch, self.life.inputs.clone());
        }
        self.health.push(Health { problem: problem.clone(), reduced: problem });
        self.turn.hands.push(hand);
        Ok(())
    }

    /// Makes a responder hold what it should.
    fn bring_up_to_date(&mut self, at: usize) {
        let Some(hand) = self.turn.hands.get(at) else { return };
        self.turn.reconcile(hand);
        if hand.transient {
            let (name, wants) = (Arc::clone(&hand.name), hand.wants);
            let bans = self.turn.wanted_with_evidence(&name, wants);
            if let Some(hand) = self.turn.hands.get(at) {
                hand.give(Work::Restore(bans));
            }
        }
    }
}
