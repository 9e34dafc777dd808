//! What a jail is: whom it ignores, when it bans, and for how long.

use std::sync::Arc;
use std::time::Duration;

use crate::growth::Growth;
use crate::ignore::IgnoreSet;
use crate::target::Target;
use crate::window::Threshold;
use crate::{BanTime, Key, Timestamp};

/// What a jail counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// Matches of its filter.
    Matches,
    /// The bans of other jails: `recidive`. A ban of a jail that itself counts bans is not counted.
    Bans,
}

/// A jail, ready for use: every value is in range.
#[derive(Clone, Debug)]
pub struct Jail {
    /// Its name.
    pub name: Arc<str>,
    /// What it counts.
    pub feed: Feed,
    /// What it decides at the threshold.
    pub target: Target,
    /// When it decides: `maxretry`, `findtime`.
    pub threshold: Threshold,
    /// For how long, the first time: `bantime`.
    pub bantime: BanTime,
    /// How later bans grow: `bantime.increment` and its companions; `None` if they do not.
    pub growth: Option<Growth>,
    /// Whom it never counts: `ignoreip`, and our own addresses with `ignoreself`.
    pub ignore: IgnoreSet,
    /// How many keys it watches at most.
    pub max_tracked_keys: usize,
}

impl Jail {
    /// A jail with fail2ban's defaults: 5 matches within 10 minutes ban for 10 minutes.
    pub fn new(name: &str) -> Self {
        const FIVE: std::num::NonZeroU32 = std::num::NonZeroU32::new(5).unwrap();
        Self {
            name: name.into(),
            feed: Feed::Matches,
            target: Target::Ban,
            threshold: Threshold { maxretry: FIVE, findtime: Duration::from_secs(600) },
            bantime: BanTime::For(Duration::from_secs(600)),
            growth: None,
            ignore: IgnoreSet::default(),
            max_tracked_keys: crate::limits::MAX_TRACKED_KEYS,
        }
    }

    /// Whether every single match is answered by a decision of its own, whatever came before it. Such a jail keeps
    /// nothing: neither a late match nor a second one of the same instant is spent by another.
    pub fn answers_each(&self) -> bool {
        self.target != Target::Ban && self.threshold.maxretry.get() == 1
    }

    /// When a ban that starts at `start` ends, for a key that was banned `before` times.
    pub fn ban_until(&self, key: &Key, start: Timestamp, before: u32) -> Timestamp {
        match (&self.growth, self.bantime) {
            (Some(growth), BanTime::For(base)) => start.plus(growth.bantime(base, before, key, start)),
            (_, bantime) => bantime.until(start),
        }
    }
}

/// All jails of a configuration; a jail is known by its place here.
#[derive(Clone, Debug, Default)]
pub struct Jails {
    list: Vec<Jail>,
}

impl Jails {
    /// These jails; of several with one name the first is found by it.
    pub fn new(list: Vec<Jail>) -> Self {
        Self { list }
    }

    /// The place of the jail of that name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.list.iter().position(|jail| &*jail.name == name)
    }

    /// The jail at a place.
    pub fn get(&self, at: usize) -> Option<&Jail> {
        self.list.get(at)
    }

    /// The jail at a place, to change whom it ignores.
    pub fn get_mut(&mut self, at: usize) -> Option<&mut Jail> {
        self.list.get_mut(at)
    }

    /// All of them, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Jail> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl<'a> IntoIterator for &'a Jails {
    type Item = &'a Jail;
    type IntoIter = std::slice::Iter<'a, Jail>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
