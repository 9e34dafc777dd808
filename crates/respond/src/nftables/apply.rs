//! A plan carried out: written in one transaction, read back, and what did not come true written once more.
//!
//! Reading back is what makes [`Outcome::Done`] mean that the kernel holds the ban. It also finds the kernels (before
//! 6.12) that keep the old expiry of an element that is added again: those elements are taken out and put in anew, in
//! a second transaction, so that no packet passes in between.
//!
//! Every element is asked for by its key. Listing the set would not do: while the kernel's hash table grows, as it
//! does after a large transaction, a listing passes over some elements and does not say so.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use hashbrown::HashMap;
use stockade_core::ports::Plan;
use stockade_core::{Key, Outcome, Timestamp, plan::EXPIRY_TOLERANCE_MS};

use super::elements::{self, Lifetime};
use super::error::NftError;
use super::jail::Jail;
use super::names::SetKind;
use super::socket::{Socket, Sockets};
use super::wire::Writer;

/// What is to become of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Gone,
    There(Lifetime),
}

/// Which set of which jail, by its place in the list of jails.
type SetId = (usize, SetKind);

/// What is to become of the elements of one set, in the order in which the plan names them first.
#[derive(Clone, Debug, Default)]
struct Wishes {
    addresses: Vec<IpAddr>,
    wishes: Vec<Wish>,
    places: HashMap<IpAddr, usize>,
    /// Those that the kernel was not seen to fulfil.
    open: Vec<bool>,
}

/// A plan, sorted by sets.
#[derive(Debug)]
pub(super) struct Work {
    sets: BTreeMap<SetId, Wishes>,
    items: Vec<Item>,
}

/// Where the outcome of one item of the plan comes from.
#[derive(Debug)]
enum Item {
    /// It is known without asking the kernel.
    Settled(Outcome),
    /// From the wish at this place in its set.
    Wish(SetId, usize),
}

impl Work {
    /// Sorts a plan. Of several items about the same element the last counts, for all of them.
    pub(super) fn sort(plan: &Plan, jails: &[Jail], now: Timestamp) -> Self {
        let jails: HashMap<&str, usize> =
            jails.iter().enumerate().map(|(n, jail)| (&*jail.name, n)).collect();
        let mut work =
            Self { sets: BTreeMap::new(), items: Vec::with_capacity(plan.add.len() + plan.remove.len()) };
        for standing in &plan.add {
            // A ban that is over already is none.
            let wish = Lifetime::between(now, standing.until).map_or(Wish::Gone, Wish::There);
            let item = work.place(&jails, &standing.jail, &standing.key, wish);
            work.items.push(item.unwrap_or_else(Item::Settled));
        }
        for (jail, key) in &plan.remove {
            // What cannot be in force here is not in force.
            let item = work.place(&jails, jail, key, Wish::Gone);
            work.items.push(item.unwrap_or(Item::Settled(Outcome::Done)));
        }
        work
    }

    fn place(
        &mut self,
        jails: &HashMap<&str, usize>,
        jail: &str,
        key: &Key,
        wish: Wish,
    ) -> Result<Item, Outcome> {
        let Some((kind, address)) = SetKind::of(key) else {
            return Err(Outcome::Refused {
                reason: format!(
                    "`{key}` is neither an address nor a network, and nftables knows nothing else"
                ),
            });
        };
        if kind.prefix == 0 {
            return Err(Outcome::Refused { reason: format!("`{key}` would keep everybody out") });
        }
        let Some(&jail) = jails.get(jail) else {
            return Err(Outcome::Failed {
                error: format!("nftables was not prepared for the jail `{jail}`"),
            });
        };
        let place = self.sets.entry((jail, kind)).or_default().put(address, wish);
        Ok(Item::Wish((jail, kind), place))
    }

    /// Writes all wishes in one transaction, with the sets that are needed for them. Returns how many transactions
    /// the system made us split it into.
    pub(super) fn write(&self, socket: &mut Socket, jails: &mut [Jail]) -> Result<u32, NftError> {
        let mut w = Writer::default();
        let mut created = Vec::new();
        for (&(place, kind), wishes) in &self.sets {
            let Some(jail) = jails.get(place) else { continue };
            let (there, gone) = wishes.parted();
            if !jail.sets.contains(&kind) {
                if there.is_empty() {
                    continue; // no such set, so nothing to take out of it
                }
                jail.create_set(&mut w, kind, u32::try_from(created.len()).unwrap_or(u32::MAX));
                created.push((place, kind));
            }
            let name = kind.name(&jail.slug);
            elements::add(&mut w, &name, &there);
            elements::remove(&mut w, &name, &gone);
        }
        if w.is_empty() {
            return Ok(0);
        }
        let transactions = socket.transact(w)?;
        for (place, kind) in created {
            if let Some(jail) = jails.get_mut(place) {
                jail.sets.insert(kind);
            }
        }
        Ok(transactions)
    }

    /// Reads back what was written at `written`, and writes what is not so once more. Returns the outcomes in the
    /// order of the plan, and how many transactions were made.
    pub(super) fn confirm(
        mut self,
        sockets: &mut Sockets,
        jails: &[Jail],
        written: Instant,
    ) -> (Vec<Outcome>, u32) {
        let mut transactions = 0;
        let mut check = || {
            if !self.check(sockets, jails, written)? {
                let written = Instant::now();
                transactions = self.write_anew(&mut sockets.main, jails)?;
                self.check(sockets, jails, written)?;
            }
            Ok::<(), NftError>(())
        };
        let checked = check();
        let Self { sets, items } = self;
        let outcome = |item| match (item, &checked) {
            (Item::Settled(outcome), _) => outcome,
            (Item::Wish(set, place), Ok(())) => {
                sets.get(&set).map_or(Outcome::Done, |wishes| wishes.outcome(place, set.1))
            }
            (Item::Wish(..), Err(error)) => {
                Outcome::Failed { error: format!("written, but not confirmed: {error}") }
            }
        };
        (items.into_iter().map(outcome).collect(), transactions)
    }

    /// Asks the kernel for every element that is not confirmed yet. Whether all are.
    fn check(&mut self, sockets: &mut Sockets, jails: &[Jail], written: Instant) -> Result<bool, NftError> {
        let mut all = true;
        for (&(place, kind), wishes) in &mut self.sets {
            match jails.get(place).filter(|jail| jail.sets.contains(&kind)) {
                Some(jail) => all &= wishes.check(sockets, &kind.name(&jail.slug), written)?,
                // Without a set nothing is in it, and nothing but removals was wished.
                None => wishes.open.fill(false),
            }
        }
        Ok(all)
    }

    /// Takes every element that is not confirmed out and puts it in anew, in one transaction.
    fn write_anew(&self, socket: &mut Socket, jails: &[Jail]) -> Result<u32, NftError> {
        let mut w = Writer::default();
        for (&(place, kind), wishes) in &self.sets {
            let Some(jail) = jails.get(place) else { continue };
            let (there, gone) = wishes.parted();
            let name = kind.name(&jail.slug);
            let out: Vec<IpAddr> = there.iter().map(|(address, _)| *address).chain(gone).collect();
            elements::remove(&mut w, &name, &out);
            elements::add(&mut w, &name, &there);
        }
        socket.transact(w)
    }
}

impl Wishes {
    /// Adds a wish, or replaces the one for the same address; its place.
    fn put(&mut self, address: IpAddr, wish: Wish) -> usize {
        let place = *self.places.entry(address).or_insert(self.wishes.len());
        match self.wishes.get_mut(place) {
            Some(earlier) => *earlier = wish,
            None => {
                self.addresses.push(address);
                self.wishes.push(wish);
                self.open.push(true);
            }
        }
        place
    }

    /// Those that are open: what is to be there, and what is to be gone.
    fn parted(&self) -> (Vec<(IpAddr, Lifetime)>, Vec<IpAddr>) {
        let (mut there, mut gone) = (Vec::new(), Vec::new());
        for ((address, wish), _) in
            self.addresses.iter().zip(&self.wishes).zip(&self.open).filter(|(_, open)| **open)
        {
            match wish {
                Wish::There(lifetime) => there.push((*address, *lifetime)),
                Wish::Gone => gone.push(*address),
            }
        }
        (there, gone)
    }

    fn check(&mut self, sockets: &mut Sockets, set: &str, written: Instant) -> Result<bool, NftError> {
        let answers = elements::ask(sockets, set, &self.addresses)?;
        let passed = u64::try_from(written.elapsed().as_millis()).unwrap_or(u64::MAX);
        for ((wish, answer), open) in self.wishes.iter().zip(answers).zip(&mut self.open) {
            *open = !wish.is_fulfilled(answer, passed);
        }
        Ok(!self.open.contains(&true))
    }

    fn outcome(&self, place: usize, kind: SetKind) -> Outcome {
        if self.open.get(place) == Some(&false) {
            return Outcome::Done;
        }
        let key = self.addresses.get(place).and_then(|address| kind.key(*address));
        let key = key.map(|key| key.to_string()).unwrap_or_default();
        Outcome::Failed { error: format!("`{key}` was written, but reading it back shows another state") }
    }
}

impl Wish {
    /// Whether what was found `passed` milliseconds after writing is what was wished.
    fn is_fulfilled(self, found: Option<Lifetime>, passed: u64) -> bool {
        let slack = passed.saturating_add(EXPIRY_TOLERANCE_MS);
        match (self, found) {
            (Self::Gone, None) | (Self::There(Lifetime::Forever), Some(Lifetime::Forever)) => true,
            (Self::There(Lifetime::Millis(wished)), Some(Lifetime::Millis(left))) => {
                left <= wished.saturating_add(EXPIRY_TOLERANCE_MS) && left >= wished.saturating_sub(slack)
            }
            // So short that it may have lived and died.
            (Self::There(Lifetime::Millis(wished)), None) => wished <= slack,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use stockade_core::ports::{Scope, Standing};

    use super::*;
    use crate::nftables::ground::Ground;
    use crate::nftables::jail;
    use crate::nftables::namespace::Namespace;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn standing(key: &str, seconds: i64) -> Standing {
        let until = if seconds == 0 { Timestamp::MAX } else { Timestamp::from_secs(1_800_000_000 + seconds) };
        Standing { jail: "a".into(), key: key.parse().unwrap(), until }
    }

    /// A kernel before 6.12 keeps the old expiry when an element is added again, and says nothing. Here the second plan
    /// is not written at all, which comes to the same.
    #[test]
    fn what_reading_back_finds_wrong_is_put_right() {
        let Some(namespace) = Namespace::new() else { return };
        namespace.run(|| {
            let scope = Scope { jail: "a".into(), ports: vec![], protocols: vec![] };
            let mut jails = jail::jails(&[scope]).unwrap();
            let mut sockets = Sockets::open().unwrap();
            sockets.main.transact(Ground::default().towards(&jails)).unwrap();

            let keys = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.0/24", "2001:db8::1"];
            let first = Plan { add: keys.map(|key| standing(key, 600)).to_vec(), remove: vec![] };
            let work = Work::sort(&first, &jails, NOW);
            assert_eq!(work.write(&mut sockets.main, &mut jails).unwrap(), 1);
            let (outcomes, repairs) = work.confirm(&mut sockets, &jails, Instant::now());
            assert_eq!((outcomes, repairs), (vec![Outcome::Done; 5], 0));

            let second = Plan {
                add: vec![
                    standing("192.0.2.1", 6_000),
                    standing("192.0.2.3", 0),
                    standing("192.0.2.0/24", 60),
                    standing("192.0.2.4", 600),
                ],
                remove: vec![("a".into(), "192.0.2.2".parse().unwrap())],
            };
            let not_written = Work::sort(&second, &jails, NOW);
            let (outcomes, repairs) = not_written.confirm(&mut sockets, &jails, Instant::now());
            assert_eq!((outcomes, repairs), (vec![Outcome::Done; 5], 1));

            let mut seconds_left = |key: &str| {
                let (kind, address) = SetKind::of(&key.parse().unwrap()).unwrap();
                let name = kind.name(&jails[0].slug);
                elements::ask(&mut sockets, &name, &[address]).unwrap()[0].map(|lifetime| match lifetime {
                    Lifetime::Forever => 0,
                    Lifetime::Millis(millis) => millis.div_ceil(1_000),
                })
            };
            let left = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.0/24", "2001:db8::1"];
            let left = left.map(&mut seconds_left);
            assert_eq!(left, [Some(6_000), None, Some(0), Some(600), Some(60), Some(600)]);
        });
    }

    #[test]
    fn only_the_wished_state_counts_as_fulfilled() {
        let there = |millis| Wish::There(Lifetime::Millis(millis));
        let found = |millis| Some(Lifetime::Millis(millis));
        assert!(there(600_000).is_fulfilled(found(599_990), 5));
        assert!(there(600_000).is_fulfilled(found(595_000), 4_000));
        assert!(!there(600_000).is_fulfilled(found(595_000), 5));
        assert!(!there(600_000).is_fulfilled(found(700_000), 5));
        assert!(!there(600_000).is_fulfilled(Some(Lifetime::Forever), 5));
        assert!(!there(600_000).is_fulfilled(None, 5));
        assert!(there(1_000).is_fulfilled(None, 5));
        assert!(Wish::There(Lifetime::Forever).is_fulfilled(Some(Lifetime::Forever), 0));
        assert!(!Wish::There(Lifetime::Forever).is_fulfilled(found(600_000), 0));
        assert!(Wish::Gone.is_fulfilled(None, 0));
        assert!(!Wish::Gone.is_fulfilled(found(1), 0));
    }
}
