//! All texts of a set that a value begins with, or ends with, in one binary search.
//!
//! The texts are sorted, and each knows the longest other one that it begins with. The last text that sorts before a value
//! begins with everything of the set that the value begins with. Most values are turned away by what all texts have in
//! common (`arn:aws:`), and what is searched are the eight bytes after that, as numbers. Texts at the end of values are the
//! same read backwards.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::postings::ListId;

/// The set; read backwards if `BACK`.
#[derive(Debug, Default)]
pub(super) struct Affixes<const BACK: bool> {
    entries: Vec<Entry>,
    /// Of each entry, what follows after what all have in common.
    keys: Vec<u64>,
    /// What all have in common.
    common: Box<[u8]>,
}

/// Texts that values begin with.
pub(super) type Prefixes = Affixes<false>;
/// Texts that values end with.
pub(super) type Suffixes = Affixes<true>;

#[derive(Debug)]
struct Entry {
    text: Box<[u8]>,
    /// What follows after what all have in common, as in the keys, and which of its bits count.
    key: u64,
    mask: u64,
    /// The longest text before it that it begins with.
    parent: Option<u32>,
    list: ListId,
}

impl<const BACK: bool> Affixes<BACK> {
    /// Takes texts that are not empty, as they stand in values.
    pub(super) fn new(texts: HashMap<Box<[u8]>, ListId>) -> Self {
        let mut sorted: Vec<_> = texts.into_iter().collect();
        sorted.sort_unstable_by(|left, right| Self::order(&left.0, &right.0));
        let common = match (sorted.first(), sorted.last()) {
            (Some((first, _)), Some((last, _))) => Self::common(first, last).into(),
            _ => Box::default(),
        };
        let mut all = Self { common, ..Self::default() };
        let mut open: Vec<u32> = Vec::new();
        for (text, list) in sorted {
            while let Some(last) = open.last() {
                let outer = all.entries.get(*last as usize);
                if outer.is_some_and(|outer| Self::begins(&text, &outer.text)) {
                    break;
                }
                open.pop();
            }
            let parent = open.last().copied();
            open.push(u32::try_from(all.entries.len()).unwrap_or(u32::MAX));
            let key = all.key(&text);
            let beyond = 64usize.saturating_sub((text.len() - all.common.len()) * 8);
            let mask = u64::MAX.unbounded_shl(u32::try_from(beyond).unwrap_or(64));
            all.keys.push(key);
            all.entries.push(Entry { text, key, mask, parent, list });
        }
        all
    }

    /// Tells the lists of all texts that a value begins with.
    #[inline]
    pub(super) fn find(&self, value: &[u8], mut found: impl FnMut(ListId)) {
        // The C library's comparison of nothing with nothing is slow where "nothing" has no address.
        if self.entries.is_empty() || !self.common.is_empty() && !Self::begins(value, &self.common) {
            return;
        }
        let key = self.key(value);
        let mut after = self.keys.partition_point(|other| *other < key);
        // Those with the same eight bytes are compared in full.
        if self.keys.get(after) == Some(&key) {
            let same = self.keys.get(after..).unwrap_or_default().partition_point(|other| *other == key);
            let same = self.entries.get(after..after + same).unwrap_or_default();
            after += same.partition_point(|entry| Self::order(&entry.text, value).is_le());
        }
        let mut at = after.checked_sub(1).and_then(|at| self.entries.get(at));
        let mut begins = false;
        while let Some(entry) = at {
            begins = begins || self.begins_with(value, key, entry);
            if begins {
                found(entry.list);
            }
            at = entry.parent.and_then(|at| self.entries.get(at as usize));
        }
    }

    /// The eight bytes after what all have in common, the first one highest; zeros where there are none.
    #[inline]
    fn key(&self, value: &[u8]) -> u64 {
        let common = self.common.len();
        if BACK {
            let rest = value.get(..value.len().saturating_sub(common)).unwrap_or_default();
            match rest.last_chunk() {
                Some(eight) => u64::from_le_bytes(*eight),
                None => rest.iter().fold(0, |key, byte| key >> 8 | u64::from(*byte) << 56),
            }
        } else {
            let rest = value.get(common..).unwrap_or_default();
            match rest.first_chunk() {
                Some(eight) => u64::from_be_bytes(*eight),
                None => rest.iter().rev().fold(0, |key, byte| key >> 8 | u64::from(*byte) << 56),
            }
        }
    }

    /// Whether a value that begins with what all have in common begins with an entry.
    #[inline]
    fn begins_with(&self, value: &[u8], key: u64, entry: &Entry) -> bool {
        (key ^ entry.key) & entry.mask == 0
            && value.len() >= entry.text.len()
            && (entry.text.len() <= self.common.len() + 8 || Self::begins(value, &entry.text))
    }

    #[inline]
    fn begins(value: &[u8], text: &[u8]) -> bool {
        if BACK { value.ends_with(text) } else { value.starts_with(text) }
    }

    fn order(left: &[u8], right: &[u8]) -> Ordering {
        if BACK { left.iter().rev().cmp(right.iter().rev()) } else { left.cmp(right) }
    }

    fn common<'a>(left: &'a [u8], right: &[u8]) -> &'a [u8] {
        if BACK {
            let length = left.iter().rev().zip(right.iter().rev()).take_while(|(a, b)| a == b).count();
            left.get(left.len() - length..).unwrap_or_default()
        } else {
            let length = left.iter().zip(right).take_while(|(a, b)| a == b).count();
            left.get(..length).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check<const BACK: bool>(texts: &[String], value: &str) -> Result<(), TestCaseError> {
        let lists = texts.iter().zip(0u32..).map(|(text, at)| (text.as_bytes().into(), ListId(at)));
        let affixes = Affixes::<BACK>::new(lists.collect());
        let mut found = Vec::new();
        affixes.find(value.as_bytes(), |list| found.push(texts[list.0 as usize].clone()));
        found.sort();
        let fits = |text: &&String| if BACK { value.ends_with(*text) } else { value.starts_with(*text) };
        let mut expected: Vec<String> = texts.iter().filter(fits).cloned().collect();
        expected.sort();
        prop_assert_eq!(found, expected);
        Ok(())
    }

    proptest! {
        #[test]
        fn finds_all_that_a_value_begins_with(
            texts in proptest::collection::hash_set("[abc]{1,5}|x{0,8}[ab\0]{1,3}", 0..40),
            common in "x{0,9}", value in "[abc]{0,8}|x{0,9}[ab\0]{0,4}",
        ) {
            let texts: Vec<String> = texts.into_iter().collect();
            check::<false>(&texts, &value)?;
            check::<true>(&texts, &value)?;
            let before: Vec<String> = texts.iter().map(|text| format!("{common}{text}")).collect();
            check::<false>(&before, &format!("{common}{value}"))?;
            let behind: Vec<String> = texts.iter().map(|text| format!("{text}{common}")).collect();
            check::<true>(&behind, &format!("{value}{common}"))?;
        }
    }
}
