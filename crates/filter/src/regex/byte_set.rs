//! Sets of bytes.

use std::sync::{Arc, Mutex};

use regex_syntax::hir::ClassBytes;

/// How many tables are shared.
const MAX_SHARED: usize = 256;

/// A set of bytes, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ByteSet([u64; 4]);

impl ByteSet {
    pub(crate) const ALL: Self = Self([u64::MAX; 4]);

    pub(crate) fn of(bytes: impl IntoIterator<Item = u8>) -> Self {
        let mut set = Self::default();
        bytes.into_iter().for_each(|byte| set.insert(byte));
        set
    }

    pub(crate) fn of_class(class: &ClassBytes) -> Self {
        Self::of(class.ranges().iter().flat_map(|range| range.start()..=range.end()))
    }

    pub(crate) fn insert(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    #[inline]
    pub(crate) fn contains(&self, byte: u8) -> bool {
        let [a, b, c, d] = self.0;
        let word = match byte >> 6 {
            0 => a,
            1 => b,
            2 => c,
            _ => d,
        };
        word >> (byte & 63) & 1 != 0
    }

    pub(crate) fn union(self, other: Self) -> Self {
        let (Self([a, b, c, d]), Self([e, f, g, h])) = (self, other);
        Self([a | e, b | f, c | g, d | h])
    }

    pub(crate) fn is_disjoint(self, other: Self) -> bool {
        self.0.iter().zip(other.0).all(|(a, b)| a & b == 0)
    }

    /// The bytes that are not in it, if they are few enough to be searched for at once.
    pub(crate) fn missing(self) -> Option<Vec<u8>> {
        let missing: Vec<u8> = (0..=u8::MAX).filter(|&byte| !self.contains(byte)).collect();
        (missing.len() <= 3).then_some(missing)
    }

    /// The set as a table, for loops over many bytes. Equal sets share one: there are few, in thousands of loops.
    pub(crate) fn table(self) -> Arc<[bool; 256]> {
        static KNOWN: Mutex<Vec<(ByteSet, Arc<[bool; 256]>)>> = Mutex::new(Vec::new());
        let Ok(mut known) = KNOWN.lock() else { return Arc::new(self.as_table()) };
        if let Some((_, table)) = known.iter().find(|(set, _)| *set == self) {
            return Arc::clone(table);
        }
        let table = Arc::new(self.as_table());
        if known.len() < MAX_SHARED {
            known.push((self, Arc::clone(&table)));
        }
        table
    }

    fn as_table(self) -> [bool; 256] {
        let mut table = [false; 256];
        for (byte, place) in (0..=u8::MAX).zip(table.iter_mut()) {
            *place = self.contains(byte);
        }
        table
    }

    /// The byte of a set that holds exactly one.
    pub(crate) fn single(self) -> Option<u8> {
        let count: u32 = self.0.iter().map(|word| word.count_ones()).sum();
        (count == 1).then(|| (0..=u8::MAX).find(|&byte| self.contains(byte)))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set = ByteSet::of([0, 63, 64, 200, 255]);
        for byte in 0..=u8::MAX {
            assert_eq!(set.contains(byte), [0, 63, 64, 200, 255].contains(&byte));
        }
        assert_eq!(ByteSet::of([7]).single(), Some(7));
        assert_eq!(set.single(), None);
        assert!(set.is_disjoint(ByteSet::of([1, 65])) && !set.is_disjoint(ByteSet::of([64])));
        assert_eq!(ByteSet::of((0..=u8::MAX).filter(|b| *b != b'\n')).missing(), Some(vec![b'\n']));
        assert_eq!(set.missing(), None);
        assert!(set.table()[200] && !set.table()[201]);
    }
}
