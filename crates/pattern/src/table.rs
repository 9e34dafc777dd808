//! A table from texts to numbers, for short texts looked up far more often than inserted.
//!
//! A text is known by its length and its first and last eight bytes; only longer ones are compared in full. Nothing on the
//! way depends on the length by a branch: texts of an event have all lengths, and a wrong guess costs more than a lookup.
//! The hash needs no secret: what is inserted comes from patterns, and an event can only look things up.

/// The table. Texts of different scopes (a field, a place in a tree) are different. Open addressing, at most a quarter full
/// while it is small, half full later.
#[derive(Debug, Default, Clone)]
pub(crate) struct Table {
    slots: Vec<Slot>,
    /// What is left of a hash is its highest bits: how far it is shifted.
    shift: u32,
    entries: usize,
    texts: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    head: u64,
    tail: u64,
    length: u32,
    scope: u32,
    value: u32,
    /// Where the text is; only used for texts longer than 16 bytes.
    text: u32,
}

const FREE: Slot = Slot { head: 0, tail: 0, length: u32::MAX, scope: 0, value: 0, text: 0 };

/// So many slots may be four for each entry.
const ROOMY: usize = 1 << 12;

/// The first and last eight bytes of a text; of a shorter one, all its bytes, twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words {
    head: u64,
    tail: u64,
}

/// A piece of a text, not cut out of it: its words are read with what is around them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'t> {
    around: &'t [u8],
    start: usize,
    end: usize,
}

impl Table {
    #[inline]
    pub(crate) fn get(&self, scope: u32, text: &[u8]) -> Option<u32> {
        self.get_piece(scope, Piece::all(text), Words::of(text))
    }

    /// The same for a piece of a text and its words.
    #[inline(always)]
    pub(crate) fn get_piece(&self, scope: u32, piece: Piece<'_>, words: Words) -> Option<u32> {
        let slot = self.slots.get(self.place(scope, piece.len(), words))?;
        if slot.is(scope, piece.len(), words) && (piece.len() <= 16 || self.is_text(slot, piece.text())) {
            return Some(slot.value);
        }
        if slot.length == u32::MAX { None } else { self.search(scope, piece.text(), words) }
    }

    #[inline(never)]
    fn search(&self, scope: u32, text: &[u8], words: Words) -> Option<u32> {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = self.place(scope, text.len(), words);
        loop {
            let slot = self.slots.get(at)?;
            if slot.is(scope, text.len(), words) {
                if text.len() <= 16 || self.is_text(slot, text) {
                    return Some(slot.value);
                }
            } else if slot.length == u32::MAX {
                return None;
            }
            at = (at + 1) & mask;
        }
    }

    /// Inserts a text, or replaces its value. Texts are at most 4 GiB all together.
    pub(crate) fn insert(&mut self, scope: u32, text: &[u8], value: u32) {
        let room = if self.slots.len() < ROOMY { 4 } else { 2 };
        if self.entries * room >= self.slots.len() {
            self.grow();
        }
        let words = Words::of(text);
        let mask = self.slots.len() - 1;
        let mut at = self.place(scope, text.len(), words);
        while let Some(slot) = self.slots.get(at).copied() {
            let free = slot.length == u32::MAX;
            if free || slot.is(scope, text.len(), words) && (text.len() <= 16 || self.is_text(&slot, text)) {
                let start =
                    if free { u32::try_from(self.texts.len()).unwrap_or(u32::MAX) } else { slot.text };
                if free {
                    self.entries += 1;
                    self.texts.extend_from_slice(text);
                }
                let length = u32::try_from(text.len()).unwrap_or(u32::MAX - 1);
                let Words { head, tail } = words;
                if let Some(slot) = self.slots.get_mut(at) {
                    *slot = Slot { head, tail, length, scope, value, text: start };
                }
                return;
            }
            at = (at + 1) & mask;
        }
    }

    #[inline(never)]
    fn is_text(&self, slot: &Slot, text: &[u8]) -> bool {
        self.texts.get(slot.text as usize..slot.text as usize + slot.length as usize) == Some(text)
    }

    #[inline]
    fn place(&self, scope: u32, length: usize, Words { head, tail }: Words) -> usize {
        let kind = u64::from(scope) << 32 ^ length as u64;
        let mixed = (head.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ tail).wrapping_add(kind);
        (mixed.wrapping_mul(0xD6E8_FEB8_6659_FD93) >> self.shift) as usize
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(8);
        self.shift = 64 - size.trailing_zeros();
        let old = std::mem::replace(&mut self.slots, vec![FREE; size]);
        for slot in old.into_iter().filter(|slot| slot.length != u32::MAX) {
            let words = Words { head: slot.head, tail: slot.tail };
            let mut at = self.place(slot.scope, slot.length as usize, words);
            while self.slots.get(at).is_some_and(|slot| slot.length != u32::MAX) {
                at = (at + 1) & (size - 1);
            }
            if let Some(free) = self.slots.get_mut(at) {
                *free = slot;
            }
        }
    }
}

impl Slot {
    #[inline]
    fn is(&self, scope: u32, length: usize, words: Words) -> bool {
        let differs = (self.head ^ words.head) | (self.tail ^ words.tail) | u64::from(self.scope ^ scope);
        differs | (u64::from(self.length) ^ length as u64) == 0
    }
}

impl Words {
    pub(crate) fn of(text: &[u8]) -> Self {
        if let (Some(head), Some(tail)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
            return Self { head: u64::from_le_bytes(*head), tail: u64::from_le_bytes(*tail) };
        }
        let word = text.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        Self { head: word, tail: word }
    }
}

impl<'t> Piece<'t> {
    #[inline(always)]
    pub(crate) fn new(around: &'t [u8], start: usize, end: usize) -> Self {
        Self { around, start, end }
    }

    pub(crate) fn all(text: &'t [u8]) -> Self {
        Self { around: text, start: 0, end: text.len() }
    }

    #[inline(always)]
    pub(crate) fn len(self) -> usize {
        self.end.wrapping_sub(self.start)
    }

    #[inline(always)]
    pub(crate) fn text(self) -> &'t [u8] {
        self.around.get(self.start..self.end).unwrap_or_default()
    }

    /// Its words. No branch asks how long it is; only at the ends of the text around it is it read by itself.
    #[inline(always)]
    pub(crate) fn words(self) -> Words {
        let head = self.around.get(self.start..self.start.wrapping_add(8)).and_then(<[u8]>::first_chunk::<8>);
        let tail = self.around.get(self.end.wrapping_sub(8)..self.end).and_then(<[u8]>::first_chunk::<8>);
        let (Some(head), Some(tail), 1..) = (head, tail, self.len()) else { return few_words(self.text()) };
        // What lies beyond a short text is shifted out. No shift is by a whole word: it is not empty.
        let beyond = 64u64.saturating_sub(self.len() as u64 * 8);
        let (head, tail) = (u64::from_le_bytes(*head), u64::from_le_bytes(*tail));
        Words { head: (head << beyond) >> beyond, tail: tail >> beyond }
    }
}

#[cold]
#[inline(never)]
fn few_words(text: &[u8]) -> Words {
    Words::of(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn is_a_map(
            entries in proptest::collection::vec((0u32..3, "[ab]{0,3}|[ab]{7,9}|[ab]{15,18}|x{8}[ab]{0,9}y{8}", any::<u32>()), 0..200),
            others in proptest::collection::vec((0u32..4, "[abxy]{0,18}"), 50),
        ) {
            let (mut table, mut map) = (Table::default(), HashMap::new());
            for (scope, text, value) in &entries {
                table.insert(*scope, text.as_bytes(), *value);
                map.insert((*scope, text.as_bytes()), *value);
            }
            for (scope, text) in entries.iter().map(|(scope, text, _)| (scope, text)).chain(others.iter().map(|(scope, text)| (scope, text))) {
                prop_assert_eq!(table.get(*scope, text.as_bytes()), map.get(&(*scope, text.as_bytes())).copied());
            }
        }

        #[test]
        fn words_of_parts(before in "[ax.]{0,20}", text in "[ax.]{0,20}|x{60,70}[.x]x{0,9}", after in "[ax.]{0,20}") {
            let all = format!("{before}{text}{after}");
            let piece = Piece::new(all.as_bytes(), before.len(), before.len() + text.len());
            prop_assert_eq!(piece.text(), text.as_bytes());
            prop_assert_eq!(piece.words(), Words::of(text.as_bytes()));
        }
    }
}
