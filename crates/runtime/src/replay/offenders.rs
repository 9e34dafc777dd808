//! Who did what: one row per address and jail, in a bounded table.

use std::cmp::Reverse;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use stockade_core::{Key, Timestamp};

use super::limits::MAX_OFFENDERS;
use super::names::{Names, Users};

/// The rows, side by side, found by an index of 4 bytes a row.
#[derive(Debug)]
pub(super) struct Offenders {
    pub(super) rows: Vec<Row>,
    pub(super) names: Names,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    capacity: usize,
    pub(super) dropped: Dropped,
}

/// What one key did in one jail.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) key: Key,
    pub(super) jail: usize,
    pub(super) matches: u64,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) users: Users,
    pub(super) bans: u32,
    /// The first ban and the last one; meaningless while there is none.
    pub(super) first_ban: BanSpan,
    pub(super) last_ban: BanSpan,
}

/// A ban that would have been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BanSpan {
    /// From when: the time of the match that crossed the threshold.
    pub from: Timestamp,
    /// Until when; [`Timestamp::MAX`] for ever.
    pub until: Timestamp,
}

/// What had to go for want of room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) rows: u64,
    pub(super) matches: u64,
}

impl Offenders {
    pub(super) fn new() -> Self {
        Self {
            rows: Vec::new(),
            names: Names::default(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            capacity: MAX_OFFENDERS,
            dropped: Dropped::default(),
        }
    }

    /// Counts a match.
    pub(super) fn record(
        &mut self,
        jail: usize,
        key: &Key,
        time: Timestamp,
        count: u32,
        user: Option<&[u8]>,
    ) {
        let at = self.find_or_add(jail, key, time);
        let Some(row) = self.rows.get_mut(at as usize) else { return };
        row.matches = row.matches.saturating_add(u64::from(count));
        row.first = row.first.min(time);
        row.last = row.last.max(time);
        if let Some(user) = user {
            row.users.add(&mut self.names, user);
        }
    }

    /// Counts a ban. One that is still in force only becomes longer.
    pub(super) fn ban(&mut self, jail: usize, key: &Key, span: BanSpan, extends: bool) {
        let at = self.find_or_add(jail, key, span.from);
        let Some(row) = self.rows.get_mut(at as usize) else { return };
        if row.bans > 0 && extends {
            row.last_ban.until = row.last_ban.until.max(span.until);
        } else {
            row.bans = row.bans.saturating_add(1);
            row.last_ban = span;
        }
        if row.bans == 1 {
            row.first_ban = row.last_ban;
        }
    }

    /// The last ban of a key in a jail, as far as the table knows.
    pub(super) fn last_ban(&self, jail: usize, key: &Key) -> Option<BanSpan> {
        let row = self.rows.get(self.find(jail, key)? as usize)?;
        (row.bans > 0).then_some(row.last_ban)
    }

    /// Counts a ban as a match of a jail that counts bans, if the key has a row there: it gets one when it is banned.
    pub(super) fn count_ban(&mut self, jail: usize, key: &Key, time: Timestamp) {
        if self.find(jail, key).is_some() {
            self.record(jail, key, time, 1, None);
        }
    }

    /// Counts the first ban of a key by a jail that counts bans. Its matches are the bans of the jails `others` so far.
    pub(super) fn ban_for_bans(
        &mut self,
        jail: usize,
        key: &Key,
        span: BanSpan,
        others: impl Iterator<Item = usize>,
    ) {
        let (mut matches, mut first) = (0, span.from);
        for row in
            others.filter_map(|other| self.find(other, key)).filter_map(|at| self.rows.get(at as usize))
        {
            if row.bans > 0 {
                matches += u64::from(row.bans);
                first = first.min(row.first_ban.from);
            }
        }
        self.ban(jail, key, span, false);
        if let Some(row) = self.find(jail, key).and_then(|at| self.rows.get_mut(at as usize)) {
            (row.matches, row.first) = (matches, first);
        }
    }

    /// The rows, those with most matches first, as places in the table.
    pub(super) fn sorted(&self) -> Vec<u32> {
        let mut order: Vec<u32> = self.rows.iter().zip(0_u32..).map(|(_, at)| at).collect();
        order.sort_unstable_by_key(|&at| {
            self.rows
                .get(at as usize)
                .map(|row| (Reverse((row.matches, row.bans)), row.first, &row.key, row.jail))
        });
        order
    }

    fn find(&self, jail: usize, key: &Key) -> Option<u32> {
        let rows = &self.rows;
        let same = |&at: &u32| rows.get(at as usize).is_some_and(|row| row.jail == jail && row.key == *key);
        self.index.find(self.hash(jail, key), same).copied()
    }

    fn find_or_add(&mut self, jail: usize, key: &Key, time: Timestamp) -> u32 {
        if let Some(at) = self.find(jail, key) {
            return at;
        }
        if self.rows.len() >= self.capacity {
            self.make_room();
        }
        // `capacity` fits 32 bits, so every place does.
        let at = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.rows.push(Row {
            key: key.clone(),
            jail,
            matches: 0,
            first: time,
            last: time,
            users: Users::default(),
            bans: 0,
            first_ban: BanSpan::default(),
            last_ban: BanSpan::default(),
        });
        self.index_row(at);
        at
    }

    fn index_row(&mut self, at: u32) {
        let (rows, hasher) = (&self.rows, &self.hasher);
        let hash = |&at: &u32| rows.get(at as usize).map_or(0, |row| hasher.hash_one((row.jail, &row.key)));
        self.index.insert_unique(hash(&at), at, hash);
    }

    fn hash(&self, jail: usize, key: &Key) -> u64 {
        self.hasher.hash_one((jail, key))
    }

    /// Drops a quarter of the rows: those without a ban first, then those with fewest matches, then the oldest.
    fn make_room(&mut self) {
        let worth = |row: &Row| (row.bans > 0, row.matches, row.last);
        let surplus = (self.capacity / 4).max(1).min(self.rows.len());
        let mut worths: Vec<_> = self.rows.iter().map(worth).collect();
        let (_, &mut limit, _) = worths.select_nth_unstable(surplus - 1);
        drop(worths);
        let (mut left, dropped, names) = (surplus, &mut self.dropped, &mut self.names);
        self.rows.retain(|row| {
            let goes = left > 0 && worth(row) <= limit;
            if goes {
                left -= 1;
                dropped.rows += 1;
                dropped.matches += row.matches;
                row.users.release(names);
            }
            !goes
        });
        self.index.clear();
        for at in 0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX) {
            self.index_row(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> Key {
        Key::addr(std::net::IpAddr::from(n.to_be_bytes()))
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn span(from: i64, until: i64) -> BanSpan {
        BanSpan { from: at(from), until: at(until) }
    }

    #[test]
    fn a_row_sums_up_what_its_key_did() {
        let mut table = Offenders::new();
        table.record(0, &key(1), at(50), 1, Some(b"root"));
        table.record(0, &key(1), at(40), 3, None);
        table.record(1, &key(1), at(60), 1, None);
        assert_eq!(table.rows.len(), 2);
        let row = &table.rows[0];
        assert_eq!((row.matches, row.first, row.last, row.bans), (4, at(40), at(50), 0));
    }

    #[test]
    fn a_ban_that_is_extended_is_one_ban() {
        let mut table = Offenders::new();
        table.ban(0, &key(1), span(10, 20), false);
        table.ban(0, &key(1), span(15, 30), true);
        table.ban(0, &key(1), span(50, 60), false);
        let row = &table.rows[0];
        assert_eq!((row.bans, row.first_ban, row.last_ban), (2, span(10, 30), span(50, 60)));
        assert_eq!(table.last_ban(0, &key(1)), Some(span(50, 60)));
        assert_eq!(table.last_ban(1, &key(1)), None);
    }

    #[test]
    fn those_who_did_least_go_first_and_are_counted() {
        let mut table = Offenders::new();
        table.capacity = 80;
        for n in 0..1_000 {
            table.record(0, &key(n), at(i64::from(n)), if n < 5 { 9 } else { 1 }, None);
            if n == 7 {
                table.ban(0, &key(n), span(0, 1), false);
            }
            assert!(table.rows.len() <= 80);
        }
        let kept = |n| table.find(0, &key(n)).is_some();
        assert!((0..5).all(kept) && kept(7) && kept(999) && !kept(8));
        let held: u64 = table.rows.iter().map(|row| row.matches).sum();
        assert_eq!(table.dropped.rows + table.rows.len() as u64, 1_000);
        assert_eq!(table.dropped.matches + held, 1_000 + 5 * 8);
    }

    #[test]
    fn the_busiest_come_first_and_equals_by_time_and_key() {
        let mut table = Offenders::new();
        for (n, time, count) in [(3, 5, 1), (2, 5, 1), (1, 6, 1), (4, 9, 7)] {
            table.record(0, &key(n), at(time), count, None);
        }
        let order = table.sorted();
        let keys: Vec<_> = order.iter().map(|&at| table.rows[at as usize].key.clone()).collect();
        assert_eq!(keys, [key(4), key(2), key(3), key(1)]);
    }
}
