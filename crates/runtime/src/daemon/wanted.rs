//! What should be in force, and its comparison with what is.

use stockade_core::Key;
use stockade_core::ports::Standing;

use super::hands::{Hand, Work};
use super::turn::Turn;

impl Turn {
    /// What should be in force at a responder.
    pub(crate) fn wanted(&self, responder: &str) -> Vec<Standing> {
        let now = self.clock.now();
        let carried_out_here =
            |jail: usize| self.responders_of.get(jail).is_some_and(|r| r.iter().any(|n| &**n == responder));
        let held_back = |jail: usize, key: &Key| {
            !self.withheld.is_empty() && self.withheld.contains(&(jail, key.clone()))
        };
        let live = self
            .states
            .bans
            .iter()
            .filter(|(_, ban)| ban.live && ban.until > now && carried_out_here(ban.jail))
            .filter(|(key, ban)| !held_back(ban.jail, key));
        live.filter_map(|(key, ban)| {
            Some(Standing {
                jail: self.jails.get(ban.jail)?.name.clone(),
                key: key.clone(),
                until: ban.until,
            })
        })
        .collect()
    }

    /// Makes a responder hold what it should.
    pub(crate) fn reconcile(&self, hand: &Hand) {
        hand.give(Work::Reconcile(self.wanted(&hand.name)));
    }
}
