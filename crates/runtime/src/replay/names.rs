//! The user names that were tried: each kept once, however many tried it.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use smallvec::SmallVec;

use super::limits::{
    MAX_MORE_USERS, MAX_MORE_USERS_TOTAL, MAX_USER_BYTES, MAX_USER_NAMES, MAX_USER_TEXT_BYTES, MAX_USERS,
};

/// All names, one behind the other in one text. Bounded by [`MAX_USER_TEXT_BYTES`] and [`MAX_USER_NAMES`].
#[derive(Debug, Default)]
pub(super) struct Names {
    text: String,
    entries: Vec<Entry>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// Hashes that [`Users`] keep, all together.
    counted: usize,
}

/// A name is known by its 64-bit hash, which is seeded at random: nobody can choose two that collide.
#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u64,
    end: u32,
}

/// The names that one offender tried.
#[derive(Debug, Default)]
pub(super) struct Users {
    named: SmallVec<[u32; 4]>,
    more: Option<Box<More>>,
}

#[derive(Debug, Default)]
struct More {
    hashes: Vec<u64>,
    /// There were others that could not be told apart from those counted.
    overflow: bool,
}

impl Names {
    /// The hash of a name and, if it is one of those that can be told, its number.
    fn intern(&mut self, name: &[u8]) -> (u64, Option<u32>) {
        let hash = self.hasher.hash_one(name);
        let entries = &self.entries;
        let same = |&at: &u32| entries.get(at as usize).is_some_and(|entry| entry.hash == hash);
        if let Some(&at) = self.index.find(hash, same) {
            return (hash, Some(at));
        }
        if self.entries.len() >= MAX_USER_NAMES || self.text.len() + MAX_USER_BYTES > MAX_USER_TEXT_BYTES {
            return (hash, None);
        }
        let full = String::from_utf8_lossy(name);
        let cut = full.floor_char_boundary(MAX_USER_BYTES);
        self.text.push_str(full.get(..cut).unwrap_or_default());
        // Both fit 32 bits by the two bounds above.
        let (Ok(at), Ok(end)) = (u32::try_from(self.entries.len()), u32::try_from(self.text.len())) else {
            return (hash, None);
        };
        self.entries.push(Entry { hash, end });
        let entries = &self.entries;
        self.index.insert_unique(hash, at, |&at| entries.get(at as usize).map_or(0, |entry| entry.hash));
        (hash, Some(at))
    }

    fn get(&self, at: u32) -> Option<&str> {
        let at = at as usize;
        let end = self.entries.get(at)?.end;
        let start =
            at.checked_sub(1).and_then(|before| self.entries.get(before)).map_or(0, |entry| entry.end);
        self.text.get(start as usize..end as usize)
    }
}

impl Users {
    /// Remembers that `name` was tried.
    pub(super) fn add(&mut self, names: &mut Names, name: &[u8]) {
        let (hash, number) = names.intern(name);
        if let Some(number) = number {
            if self.named.contains(&number) {
                return;
            }
            if self.named.len() < MAX_USERS {
                self.named.push(number);
                return;
            }
        }
        let more = self.more.get_or_insert_default();
        if more.overflow || more.hashes.contains(&hash) {
            return;
        }
        if more.hashes.len() < MAX_MORE_USERS && names.counted < MAX_MORE_USERS_TOTAL {
            more.hashes.push(hash);
            names.counted += 1;
        } else {
            more.overflow = true;
        }
    }

    /// The names that are told, in the order in which they were first tried.
    pub(super) fn named<'n>(&'n self, names: &'n Names) -> impl Iterator<Item = &'n str> {
        self.named.iter().filter_map(|&at| names.get(at))
    }

    /// How many different names there were besides, and whether there may have been still more.
    pub(super) fn more(&self) -> (usize, bool) {
        self.more.as_ref().map_or((0, false), |more| (more.hashes.len(), more.overflow))
    }

    /// Gives back what it has of the bound on counted names.
    pub(super) fn release(&self, names: &mut Names) {
        names.counted = names.counted.saturating_sub(self.more().0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(users: &Users, names: &Names) -> String {
        users.named(names).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_name_is_told_once_and_the_rest_is_counted() {
        let mut names = Names::default();
        let (mut one, mut other) = (Users::default(), Users::default());
        for n in 0..40 {
            one.add(&mut names, format!("u{}", n % 13).as_bytes());
            other.add(&mut names, b"u12");
        }
        assert_eq!(told(&one, &names), "u0 u1 u2 u3 u4 u5 u6 u7 u8 u9");
        assert_eq!(one.more(), (3, false));
        assert_eq!((told(&other, &names).as_str(), other.more()), ("u12", (0, false)));
    }

    #[test]
    fn what_an_attacker_can_make_it_keep_is_bounded() {
        let mut names = Names::default();
        let mut users = Users::default();
        for n in 0..200_000 {
            users.add(&mut names, format!("{n}{}", "x".repeat(500)).as_bytes());
        }
        assert!(names.text.len() <= MAX_USER_TEXT_BYTES && names.entries.len() <= MAX_USER_NAMES);
        assert_eq!(users.more(), (MAX_MORE_USERS, true));
        assert!(users.named(&names).all(|name| name.len() <= MAX_USER_BYTES));
        users.release(&mut names);
        assert_eq!(names.counted, 0);
    }

    #[test]
    fn a_name_is_cut_between_characters_and_may_be_no_text() {
        let mut names = Names::default();
        let mut users = Users::default();
        users.add(&mut names, "é".repeat(100).as_bytes());
        users.add(&mut names, b"a\xffb");
        assert_eq!(told(&users, &names), format!("{} a\u{fffd}b", "é".repeat(32)));
    }
}
