//! The windows of all keys of one jail, in as little memory as possible.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashSet, HashTable};

use crate::window::{Threshold, Window};
use crate::{Key, Timestamp};

/// The windows of all keys of one jail.
///
/// Entries lie side by side in one vector and a table of 4-byte indices finds them: a hash table of the entries
/// themselves would keep up to half its slots empty. The hash is seeded at random, so nobody can choose addresses that
/// collide; no answer depends on the order of the table.
#[derive(Debug)]
pub struct Windows {
    entries: Vec<Entry>,
    free: Vec<u32>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    capacity: usize,
    evicted: u64,
    changes: Option<Changes>,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    /// Empty in a free entry, and only there.
    window: Window,
}

/// What changed since it was last asked: kept only for those who write it down.
#[derive(Debug, Default)]
struct Changes {
    written: HashSet<u32>,
    removed: HashSet<Key>,
}

impl Windows {
    /// No windows yet, and never more than `capacity` (at least one).
    pub fn new(capacity: usize) -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            capacity: capacity.clamp(1, u32::MAX as usize),
            evicted: 0,
            changes: None,
        }
    }

    /// From now on remembers which windows change, for [`Windows::take_changes`].
    pub fn track_changes(&mut self) {
        self.changes = Some(Changes::default());
    }

    /// How many keys are watched.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether no key is watched.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// How many keys had to go, for want of room, before their window was over.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The window of a key, if it was seen.
    pub fn get(&self, key: &Key) -> Option<&Window> {
        self.entries.get(self.find(key)? as usize).map(|entry| &entry.window)
    }

    /// Counts a match. Says whether the threshold is reached; then the window is gone, as its matches are spent.
    pub fn observe(
        &mut self,
        key: &Key,
        time: Timestamp,
        count: u32,
        threshold: Threshold,
        now: Timestamp,
    ) -> bool {
        let at = match self.find(key) {
            Some(at) => at,
            None => self.claim(key, threshold, now),
        };
        let Some(entry) = self.entries.get_mut(at as usize) else { return false };
        let reached = entry.window.insert(time, count, threshold);
        if reached || entry.window.is_empty() {
            self.release(at);
        } else if let Some(changes) = &mut self.changes {
            changes.written.insert(at);
        }
        reached
    }

    /// Puts back a window that was stored.
    pub fn restore(&mut self, key: &Key, times: &[Timestamp], threshold: Threshold, now: Timestamp) {
        let window = Window::from_times(times.iter().copied(), threshold);
        if window.is_empty() {
            return;
        }
        let at = match self.find(key) {
            Some(at) => at,
            None => self.claim(key, threshold, now),
        };
        if let Some(entry) = self.entries.get_mut(at as usize) {
            entry.window = window;
        }
    }

    /// Forgets the window of a key.
    pub fn forget(&mut self, key: &Key) {
        if let Some(at) = self.find(key) {
            self.release(at);
        }
    }

    /// Forgets the matches of a key up to `time`.
    pub fn spend(&mut self, key: &Key, time: Timestamp, threshold: Threshold) {
        let Some(at) = self.find(key) else { return };
        let Some(entry) = self.entries.get_mut(at as usize) else { return };
        let left = entry.window.times().iter().copied().filter(|seen| *seen > time);
        let left = Window::from_times(left, threshold);
        if left.is_empty() {
            self.release(at);
        } else if left != entry.window {
            entry.window = left;
            if let Some(changes) = &mut self.changes {
                changes.written.insert(at);
            }
        }
    }

    /// Forgets all windows whose newest match is more than `findtime` before `now`. Costs a walk over all of them.
    pub fn sweep(&mut self, threshold: Threshold, now: Timestamp) {
        let horizon = now.minus(threshold.findtime);
        self.release_all(|window| window.newest().is_some_and(|newest| newest < horizon));
    }

    /// The windows that changed since the last call, and the keys whose window is gone.
    pub fn take_changes(&mut self, mut write: impl FnMut(&Key, &[Timestamp])) {
        let Some(changes) = &mut self.changes else { return };
        for key in changes.removed.drain() {
            write(&key, &[]);
        }
        for at in changes.written.drain() {
            if let Some(entry) = self.entries.get(at as usize).filter(|entry| !entry.window.is_empty()) {
                write(&entry.key, entry.window.times());
            }
        }
    }

    /// Every key that is watched, with its window.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Window)> {
        self.entries.iter().filter(|entry| !entry.window.is_empty()).map(|entry| (&entry.key, &entry.window))
    }

    fn find(&self, key: &Key) -> Option<u32> {
        let entries = &self.entries;
        let same = |&at: &u32| entries.get(at as usize).is_some_and(|entry| entry.key == *key);
        self.index.find(self.hasher.hash_one(key), same).copied()
    }

    /// An entry for a key that has none; its window is still empty.
    fn claim(&mut self, key: &Key, threshold: Threshold, now: Timestamp) -> u32 {
        if self.index.len() >= self.capacity {
            self.make_room(threshold, now);
        }
        if let Some(changes) = &mut self.changes {
            changes.removed.remove(key);
        }
        let entry = Entry { key: key.clone(), window: Window::default() };
        let at = match self.free.pop() {
            Some(at) => {
                if let Some(slot) = self.entries.get_mut(at as usize) {
                    *slot = entry;
                }
                at
            }
            None => {
                self.entries.push(entry);
                // `capacity` fits 32 bits, so every index does.
                u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
            }
        };
        let (entries, hasher) = (&self.entries, &self.hasher);
        let rehash = |&at: &u32| entries.get(at as usize).map_or(0, |entry| hasher.hash_one(&entry.key));
        self.index.insert_unique(hasher.hash_one(key), at, rehash);
        at
    }

    fn release(&mut self, at: u32) {
        let Some(entry) = self.entries.get_mut(at as usize) else { return };
        entry.window = Window::default();
        let key = std::mem::replace(&mut entry.key, Key::Name(Box::default()));
        if let Ok(found) = self.index.find_entry(self.hasher.hash_one(&key), |&other| other == at) {
            found.remove();
        }
        self.free.push(at);
        if let Some(changes) = &mut self.changes {
            changes.written.remove(&at);
            changes.removed.insert(key);
        }
    }

    fn release_all(&mut self, gone: impl Fn(&Window) -> bool) {
        for at in 0..u32::try_from(self.entries.len()).unwrap_or(u32::MAX) {
            if self
                .entries
                .get(at as usize)
                .is_some_and(|entry| !entry.window.is_empty() && gone(&entry.window))
            {
                self.release(at);
            }
        }
    }

    /// Frees at least a sixteenth: what is over first, then what was seen longest ago.
    fn make_room(&mut self, threshold: Threshold, now: Timestamp) {
        self.sweep(threshold, now);
        let share = (self.capacity / 16).max(1);
        let target = self.capacity - share;
        let surplus = self.index.len().saturating_sub(target);
        if surplus == 0 {
            return;
        }
        let mut newest: Vec<Timestamp> = self.iter().filter_map(|(_, window)| window.newest()).collect();
        let (_, &mut limit, _) = newest.select_nth_unstable(surplus - 1);
        let before = self.index.len();
        self.release_all(|window| window.newest().is_some_and(|newest| newest <= limit));
        self.evicted += (before - self.index.len()) as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    const FIVE: Threshold =
        Threshold { maxretry: NonZeroU32::new(5).unwrap(), findtime: Duration::from_secs(600) };

    fn key(n: u32) -> Key {
        Key::addr(std::net::IpAddr::from(n.to_be_bytes()))
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn the_number_of_keys_is_bounded_and_the_oldest_go_first() {
        let mut windows = Windows::new(160);
        for n in 0..1_000_u32 {
            windows.observe(&key(n), at(i64::from(n)), 1, FIVE, at(0));
            assert!(windows.len() <= 160);
        }
        assert!(windows.get(&key(999)).is_some());
        assert!(windows.get(&key(0)).is_none());
        assert!(windows.evicted() > 0);
    }

    #[test]
    fn a_reached_window_is_spent() {
        let mut windows = Windows::new(10);
        let seen: Vec<bool> = (0..6).map(|n| windows.observe(&key(1), at(n), 1, FIVE, at(n))).collect();
        assert_eq!(seen, [false, false, false, false, true, false]);
        assert_eq!(windows.get(&key(1)).unwrap().len(), 1);
    }

    #[test]
    fn changes_are_told_once_and_a_window_that_went_is_told_empty() {
        let mut windows = Windows::new(10);
        windows.track_changes();
        let told = |windows: &mut Windows| {
            let mut told = Vec::new();
            windows.take_changes(|key, times| told.push((key.clone(), times.len())));
            told.sort();
            told
        };
        windows.observe(&key(1), at(1), 1, FIVE, at(1));
        windows.observe(&key(2), at(1), 2, FIVE, at(1));
        assert_eq!(told(&mut windows), vec![(key(1), 1), (key(2), 2)]);
        assert_eq!(told(&mut windows), vec![]);
        windows.sweep(FIVE, at(602));
        assert_eq!(told(&mut windows), vec![(key(1), 0), (key(2), 0)]);
        windows.observe(&key(1), at(700), 1, FIVE, at(700));
        windows.forget(&key(1));
        windows.observe(&key(1), at(701), 1, FIVE, at(701));
        assert_eq!(told(&mut windows), vec![(key(1), 1)], "gone and come back is not gone");
        assert!(windows.iter().count() == windows.len());
    }
}
