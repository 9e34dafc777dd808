//! All texts of a set that a value begins with, in one binary search.
//!
//! The texts are sorted, and each knows the longest other one that it begins with. The last text that sorts before a value
//! begins with everything of the set that the value begins with.

use std::collections::HashMap;

use super::postings::ListId;

/// The set.
#[derive(Debug, Default)]
pub(super) struct Affixes {
    entries: Vec<Entry>,
    /// One bit for each first byte there is.
    first: [u64; 4],
}

#[derive(Debug)]
struct Entry {
    text: Box<[u8]>,
    /// The longest text before it that it begins with.
    parent: Option<u32>,
    list: ListId,
}

impl Affixes {
    /// Takes texts that are not empty.
    pub(super) fn new(texts: HashMap<Box<[u8]>, ListId>) -> Self {
        let mut sorted: Vec<_> = texts.into_iter().collect();
        sorted.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        let mut all = Self::default();
        let mut open: Vec<u32> = Vec::new();
        for (text, list) in sorted {
            while let Some(last) = open.last() {
                let outer = all.entries.get(*last as usize);
                if outer.is_some_and(|outer| text.starts_with(&outer.text)) {
                    break;
                }
                open.pop();
            }
            if let Some(byte) = text.first()
                && let Some(word) = all.first.get_mut(usize::from(byte >> 6))
            {
                *word |= 1 << (byte & 63);
            }
            let parent = open.last().copied();
            open.push(u32::try_from(all.entries.len()).unwrap_or(u32::MAX));
            all.entries.push(Entry { text, parent, list });
        }
        all
    }

    /// Tells the lists of all texts that a value, byte by byte, begins with.
    #[inline]
    pub(super) fn find(&self, value: impl Iterator<Item = u8> + Clone, mut found: impl FnMut(ListId)) {
        let Some(byte) = value.clone().next() else { return };
        if self.first.get(usize::from(byte >> 6)).is_none_or(|word| word >> (byte & 63) & 1 == 0) {
            return;
        }
        let after = self.entries.partition_point(|entry| entry.text.iter().copied().le(value.clone()));
        let Some(mut entry) = after.checked_sub(1).and_then(|at| self.entries.get(at)) else { return };
        let common = entry.text.iter().copied().zip(value).take_while(|(a, b)| a == b).count();
        loop {
            if entry.text.len() <= common {
                found(entry.list);
            }
            let Some(parent) = entry.parent.and_then(|at| self.entries.get(at as usize)) else { return };
            entry = parent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_all_that_a_value_begins_with(texts in proptest::collection::hash_set("[abc]{1,5}", 0..40), value in "[abc]{0,8}") {
            let texts: Vec<String> = texts.into_iter().collect();
            let lists = texts.iter().zip(0u32..).map(|(text, at)| (text.as_bytes().into(), ListId(at)));
            let affixes = Affixes::new(lists.collect());
            let mut found = Vec::new();
            affixes.find(value.bytes(), |list| found.push(texts[list.0 as usize].clone()));
            found.sort();
            let mut expected: Vec<String> = texts.iter().filter(|text| value.starts_with(*text)).cloned().collect();
            expected.sort();
            prop_assert_eq!(found, expected);
        }
    }
}
