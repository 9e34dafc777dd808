//! Who is banned, who was, and how often.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use smallvec::SmallVec;

use crate::decision::Reason;
use crate::{Key, Timestamp};

/// The last ban of one key in one jail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// The jail's place.
    pub jail: usize,
    /// How many bans of this key in this jail there were, this one included.
    pub times: u32,
    /// When it began.
    pub since: Timestamp,
    /// When it ends or ended; [`Timestamp::MAX`] for never.
    pub until: Timestamp,
    /// Whether it is to be in force.
    pub live: bool,
    /// Why it was taken.
    pub reason: Reason,
}

/// Every ban that is remembered. A key has at most one per jail.
#[derive(Debug, Default)]
pub struct Bans {
    by_key: HashMap<Key, SmallVec<[Ban; 1]>>,
    /// Expiries of live bans, the next first. An entry whose ban has changed since is passed over.
    due: BinaryHeap<Reverse<(Timestamp, usize, Key)>>,
    live: usize,
}

impl Bans {
    /// The last ban of a key in a jail.
    pub fn get(&self, jail: usize, key: &Key) -> Option<&Ban> {
        self.by_key.get(key)?.iter().find(|ban| ban.jail == jail)
    }

    /// The last bans of a key, one per jail that ever banned it.
    pub fn of(&self, key: &Key) -> &[Ban] {
        self.by_key.get(key).map_or(&[], SmallVec::as_slice)
    }

    /// How many bans of a key there were in all jails together.
    pub fn times_overall(&self, key: &Key) -> u32 {
        self.of(key).iter().fold(0, |sum, ban| sum.saturating_add(ban.times))
    }

    /// How many bans are live.
    pub fn live(&self) -> usize {
        self.live
    }

    /// Every ban that is remembered, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Ban)> {
        self.by_key.iter().flat_map(|(key, bans)| bans.iter().map(move |ban| (key, ban)))
    }

    /// Remembers a ban in place of the last one of this key and jail.
    pub fn put(&mut self, key: &Key, ban: Ban) {
        if ban.live {
            self.live += 1;
            if ban.until != Timestamp::MAX {
                self.due.push(Reverse((ban.until, ban.jail, key.clone())));
            }
        }
        if self.due.len() > 2 * self.live + 1024 {
            self.drop_stale_expiries();
        }
        let bans = self.by_key.entry(key.clone()).or_default();
        match bans.iter_mut().find(|other| other.jail == ban.jail) {
            Some(place) => {
                self.live -= usize::from(place.live);
                *place = ban;
            }
            None => bans.push(ban),
        }
    }

    /// Every extension leaves the old expiry behind: under a steady attack they would pile up.
    fn drop_stale_expiries(&mut self) {
        let mut due = std::mem::take(&mut self.due).into_vec();
        let current = |until: Timestamp, jail: usize, key: &Key| {
            self.get(jail, key).is_some_and(|ban| ban.live && ban.until == until)
        };
        due.retain(|Reverse((until, jail, key))| current(*until, *jail, key));
        self.due = due.into();
    }

    /// Ends a ban at `now`; its count stays. `None` if it was not live.
    pub fn end(&mut self, jail: usize, key: &Key, now: Timestamp) -> Option<&Ban> {
        let ban = self.by_key.get_mut(key)?.iter_mut().find(|ban| ban.jail == jail && ban.live)?;
        ban.live = false;
        ban.until = ban.until.min(now);
        self.live -= 1;
        Some(ban)
    }

    /// A live ban that is over at `now`, the earliest first.
    pub fn next_due(&mut self, now: Timestamp) -> Option<(usize, Key)> {
        while self.due.peek().is_some_and(|Reverse((until, ..))| *until <= now) {
            let Reverse((until, jail, key)) = self.due.pop()?;
            if self.get(jail, &key).is_some_and(|ban| ban.live && ban.until == until) {
                return Some((jail, key));
            }
        }
        None
    }

    /// When the next live ban is over.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.due.peek().map(|Reverse((until, ..))| *until)
    }

    /// Forgets bans that ended before `before`, and their counts.
    pub fn purge(&mut self, before: Timestamp) {
        self.by_key.retain(|_, bans| {
            bans.retain(|ban| ban.live || ban.until >= before);
            !bans.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_do_not_pile_up() {
        let mut bans = Bans::default();
        let key: Key = "192.0.2.1".parse().unwrap();
        for secs in 0..10_000 {
            let (since, until) = (Timestamp::from_secs(0), Timestamp::from_secs(secs + 1_000_000));
            bans.put(&key, Ban { jail: 0, times: 1, since, until, live: true, reason: Reason::Imported });
            assert!(bans.due.len() <= 1_100, "{}", bans.due.len());
        }
        assert_eq!(bans.live(), 1);
        assert_eq!(bans.next_due(Timestamp::from_secs(1_009_999)), Some((0, key)));
        assert_eq!(bans.next_due(Timestamp::MAX), None);
    }
}
