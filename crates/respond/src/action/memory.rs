//! What an action remembers of the bans it made, for the world cannot be asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stockade_core::ports::{Evidence, Standing};
use stockade_core::{Key, Timestamp};

use super::ground::Ground;

/// What one action has done so far. A reload hands it on to the action's successor, who then need not do it again.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<State>>);

/// Whose ban: the jail and the key.
pub(super) type Id = (Arc<str>, Key);

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) ground: Ground,
    /// Whether `actionstart` had its chance.
    pub(super) prepared: bool,
    /// Why it is not started, if it should be.
    pub(super) problem: Option<String>,
    /// Whether it was handed on by a reload since the last look.
    pub(super) reloaded: bool,
    /// Whether bans were lost that nobody has tried to put back.
    pub(super) newly_lost: bool,
    pub(super) bans: BTreeMap<Id, Held>,
    /// Bans from before the start that could not be put back yet.
    pub(super) owed: Vec<(Standing, Evidence)>,
}

/// One ban.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) until: Timestamp,
    pub(super) since: Timestamp,
    pub(super) nth: u32,
    pub(super) failures: u32,
    /// Whether a command was run for it; not so for a ban from before the start that is none of the action's business.
    pub(super) applied: bool,
    /// Whether its ground was made anew since, so that it is to be put back.
    pub(super) lost: bool,
    /// How often it could not be lifted.
    pub(super) unban_failures: u32,
}

impl Held {
    pub(super) fn new(until: Timestamp, evidence: &Evidence, applied: bool) -> Self {
        let Evidence { since, nth, failures, .. } = *evidence;
        Self { until, since, nth, failures, applied, lost: false, unban_failures: 0 }
    }

    /// What is known of this ban: its numbers, with the lines of `evidence`, which are not kept.
    pub(super) fn with(&self, evidence: &Evidence) -> Evidence {
        let Self { since, nth, failures, .. } = *self;
        Evidence { since, nth, failures, extends: false, ..evidence.clone() }
    }
}

impl Memory {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, after a reload.
    #[must_use]
    pub fn reloaded(self) -> Self {
        self.lock().reloaded = true;
        self
    }
}
