//! What each jail has counted since its store was made.

use std::collections::BTreeMap;
use std::sync::Arc;

use stockade_core::Verdict;
use stockade_core::ports::Order;

/// What one jail has counted since its store was made; a purge takes nothing away from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JailTotals {
    /// The jail.
    pub jail: Arc<str>,
    /// How many times it matched; a record that says `message repeated N times` counts as N.
    pub matches: u64,
    /// How many bans it gave. Extensions of a ban that was in force and bans that a guard refused are not counted.
    pub bans: u64,
}

/// The totals that one batch adds, by jail.
#[derive(Default, Debug)]
pub(crate) struct Added<'a>(BTreeMap<&'a str, (u64, u64)>);

impl<'a> Added<'a> {
    /// A match that was not stored before.
    pub(crate) fn matched(&mut self, jail: &'a str, count: u32) {
        let slot = self.0.entry(jail).or_default();
        slot.0 = slot.0.saturating_add(u64::from(count));
    }

    /// An order, which counts if it is a new ban.
    pub(crate) fn ordered(&mut self, order: &'a Order) {
        if order.refused.is_none() && matches!(order.decision.verdict, Verdict::Ban { extends: false, .. }) {
            self.0.entry(&order.decision.jail).or_default().1 += 1;
        }
    }

    /// Jail, matches, bans; by jail.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a str, u64, u64)> {
        self.0.iter().map(|(jail, (matches, bans))| (*jail, *matches, *bans))
    }
}
