//! What is told together, what waits, and what is summed up. Pure: cards and the time in, parcels out.
//!
//! - The first card about something goes out at once. Cards about the same rule and key, or the same rule and actor, that
//!   come within [`Limits::group`] of it wait, and go out as one parcel. A card waits so once at most.
//! - Every parcel takes a token of the road's bucket. Where there are more parcels than tokens the worst go by themselves
//!   and the others become one [`Parcel`] that sums them up; where there is no token all wait for the next.
//! - What waits is not kept here: the outbox has it, and brings it back at its time. So nothing is lost with the process,
//!   and a desk is as small as what it told lately.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use stockade_core::Timestamp;

use super::bucket::Bucket;
use super::limits::Limits;
use stockade_core::Severity;

/// How many things that were told lately are remembered. Beyond it each is told by itself; the bucket still holds.
const MAX_OPEN: usize = 10_000;
/// How many cards that wait for others are remembered. Beyond it one may wait twice.
const MAX_HELD: usize = 100_000;
/// How long after its time a card that waits for others is remembered: it may wait for a token as well, or never come.
const HELD_FOR: Duration = Duration::from_secs(3600);

/// What two cards have in common that are told together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Handle {
    /// The same rule, or jail, speaks of the same key.
    Key(Arc<str>, Arc<str>),
    /// The same rule speaks of what the same actor did.
    Actor(Arc<str>, Arc<str>),
    /// The same jail bans, or lets in again.
    Jail(Arc<str>, bool),
}

/// What a desk knows of a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Card {
    /// The same whenever the notice comes.
    pub(super) id: u128,
    pub(super) handles: Vec<Handle>,
    pub(super) severity: Severity,
    /// When it happened.
    pub(super) at: Timestamp,
}

/// Cards that are told in one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parcel {
    /// Their places, ascending.
    pub(super) cards: Vec<usize>,
    /// Whether they have nothing in common but that there was no room for a message of each.
    pub(super) sums_up: bool,
}

/// What is to become of each card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sorted {
    /// To be sent, in this order.
    pub(super) parcels: Vec<Parcel>,
    /// To wait, by their places, until then.
    pub(super) later: Vec<(usize, Timestamp)>,
}

/// What was told by one road lately.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    limits: Limits,
    bucket: Bucket,
    /// Until when more of the same waits.
    open: HashMap<Handle, Timestamp>,
    /// Cards that wait for others, by their ids, and until when.
    held: HashMap<u128, Timestamp>,
    /// Nothing is sent before, because the other end said so.
    not_before: Option<Timestamp>,
}

impl Desk {
    pub(super) fn new(limits: Limits) -> Self {
        let bucket = Bucket::new(limits.messages, limits.per);
        Self { limits, bucket, open: HashMap::new(), held: HashMap::new(), not_before: None }
    }

    /// Says what is to become of each card. What is to be sent counts as sent until [`Desk::failed`].
    pub(super) fn sort(&mut self, cards: &[Card], now: Timestamp) -> Sorted {
        let mut sorted = Sorted::default();
        if let Some(until) = self.not_before.filter(|until| *until > now) {
            sorted.later = (0..cards.len()).map(|at| (at, until)).collect();
            return sorted;
        }
        let latest = now.plus(self.limits.group);
        self.open.retain(|_, until| *until > now && *until <= latest);
        self.held.retain(|_, until| until.plus(HELD_FOR) > now && *until <= latest);
        let mut ripe = Vec::new();
        for group in self.groups(cards) {
            let of_group = || group.iter().filter_map(|at| cards.get(*at));
            let waited = of_group().any(|card| self.held.contains_key(&card.id));
            let open = of_group().flat_map(|card| &card.handles).filter_map(|handle| self.open.get(handle));
            match open.max().copied() {
                Some(until) if !waited && self.limits.waits => {
                    for card in of_group() {
                        if self.held.len() < MAX_HELD {
                            self.held.insert(card.id, until);
                        }
                    }
                    sorted.later.extend(group.iter().map(|at| (*at, until)));
                }
                _ => ripe.push(group),
            }
        }
        self.share_out(cards, ripe, now, &mut sorted);
        sorted
    }

    /// A parcel was not sent: what it holds is tried again as if nothing had been said.
    pub(super) fn failed(&mut self, parcel: &Parcel, cards: &[Card]) {
        self.bucket.give_back();
        for handle in parcel.cards.iter().filter_map(|at| cards.get(*at)).flat_map(|card| &card.handles) {
            self.open.remove(handle);
        }
    }

    /// The other end wants nothing before then.
    pub(super) fn pause(&mut self, until: Timestamp) {
        self.not_before = Some(until);
    }

    /// Gives the tokens to what is ripe.
    fn share_out(&mut self, cards: &[Card], mut ripe: Vec<Vec<usize>>, now: Timestamp, sorted: &mut Sorted) {
        let tokens = usize::try_from(self.bucket.tokens(now)).unwrap_or(usize::MAX);
        let tokens = if self.limits.waits { tokens } else { tokens.max(1) };
        if tokens == 0 {
            let until = self.bucket.next(now);
            sorted.later.extend(ripe.into_iter().flatten().map(|at| (at, until)));
            return;
        }
        let of = |group: &Vec<usize>| {
            let cards = || group.iter().filter_map(|at| cards.get(*at));
            let worst = cards().map(|card| card.severity).max().unwrap_or_default();
            (std::cmp::Reverse(worst), cards().map(|card| card.at).min().unwrap_or_default())
        };
        ripe.sort_by_key(of);
        let alone = if ripe.len() <= tokens { ripe.len() } else { tokens - 1 };
        let mut rest: Vec<usize> = ripe.split_off(alone).into_iter().flatten().collect();
        rest.sort_unstable();
        let single = ripe.into_iter().map(|cards| Parcel { cards, sums_up: false });
        let summary = (!rest.is_empty()).then_some(Parcel { cards: rest, sums_up: true });
        for parcel in single.chain(summary) {
            self.bucket.take(now);
            for card in parcel.cards.iter().filter_map(|at| cards.get(*at)) {
                self.held.remove(&card.id);
                self.begin(&card.handles, now);
            }
            sorted.parcels.push(parcel);
        }
    }

    /// From now on more of the same waits.
    fn begin(&mut self, handles: &[Handle], now: Timestamp) {
        if self.limits.group.is_zero() {
            return;
        }
        for handle in handles {
            if self.open.len() < MAX_OPEN || self.open.contains_key(handle) {
                self.open.insert(handle.clone(), now.plus(self.limits.group));
            }
        }
    }

    /// The places of the cards that belong together, by whatever chain of handles, each group ascending.
    fn groups(&self, cards: &[Card]) -> Vec<Vec<usize>> {
        if self.limits.group.is_zero() {
            return (0..cards.len()).map(|at| vec![at]).collect();
        }
        let mut sets = Sets((0..cards.len()).collect());
        let mut first: HashMap<&Handle, usize> = HashMap::new();
        for (at, card) in cards.iter().enumerate() {
            for handle in &card.handles {
                let other = *first.entry(handle).or_insert(at);
                sets.join(at, other);
            }
        }
        let mut place: HashMap<usize, usize> = HashMap::new();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for at in 0..cards.len() {
            let root = sets.root(at);
            let nth = *place.entry(root).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            if let Some(group) = groups.get_mut(nth) {
                group.push(at);
            }
        }
        groups
    }
}

/// Sets of places that are joined (union-find; the smaller root wins).
struct Sets(Vec<usize>);

impl Sets {
    fn root(&mut self, mut at: usize) -> usize {
        while let Some(parent) = self.0.get(at).copied().filter(|parent| *parent != at) {
            // Each step halves the way of the next.
            let grand = self.0.get(parent).copied().unwrap_or(parent);
            if let Some(place) = self.0.get_mut(at) {
                *place = grand;
            }
            at = grand;
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        if let Some(place) = self.0.get_mut(one.max(other)) {
            *place = one.min(other);
        }
    }
}

#[cfg(test)]
mod tests;
