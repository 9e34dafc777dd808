//! A table from texts to numbers, for short texts looked up far more often than inserted.
//!
//! A text is known by its length and its first and last eight bytes; only longer ones are compared in full. The hash needs
//! no secret: what is inserted comes from patterns, and an event can only look things up.

/// The table. Open addressing, at most half full.
#[derive(Debug, Default, Clone)]
pub(crate) struct Table {
    slots: Vec<Slot>,
    /// One bit for each kind of text that there is: most texts that are not here are none of these.
    kinds: u64,
    entries: usize,
    texts: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    head: u64,
    tail: u64,
    length: u32,
    value: u32,
    /// Where the text is; only used for texts longer than 16 bytes.
    text: u32,
}

const FREE: Slot = Slot { head: 0, tail: 0, length: u32::MAX, value: 0, text: 0 };

impl Table {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    #[inline]
    pub(crate) fn get(&self, text: &[u8]) -> Option<u32> {
        self.get_known(text, words(text))
    }

    /// The same for a text whose [`words`] are known.
    #[inline]
    pub(crate) fn get_known(&self, text: &[u8], (head, tail): (u64, u64)) -> Option<u32> {
        if self.kinds >> kind(head, text.len()) & 1 == 0 {
            return None;
        }
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = hash(head, tail, text.len());
        loop {
            let slot = self.slots.get(at & mask)?;
            if slot.head == head && slot.tail == tail && slot.length as usize == text.len() {
                if text.len() <= 16 || self.text(slot) == text {
                    return Some(slot.value);
                }
            } else if slot.length == u32::MAX {
                return None;
            }
            at = at.wrapping_add(1);
        }
    }

    /// Inserts a text, or replaces its value. Texts are at most 4 GiB all together.
    pub(crate) fn insert(&mut self, text: &[u8], value: u32) {
        if self.entries * 2 >= self.slots.len() {
            self.grow();
        }
        let (head, tail) = words(text);
        self.kinds |= 1 << kind(head, text.len());
        let mask = self.slots.len() - 1;
        let mut at = hash(head, tail, text.len()) & mask;
        let start = self.texts.len();
        while let Some(slot) = self.slots.get(at).copied() {
            let free = slot.length == u32::MAX;
            let same = !free && slot.length as usize == text.len() && slot.head == head && slot.tail == tail;
            if free || same && (text.len() <= 16 || self.text(&slot) == text) {
                let text_at = if free { u32::try_from(start).unwrap_or(u32::MAX) } else { slot.text };
                if free {
                    self.entries += 1;
                    self.texts.extend_from_slice(text);
                }
                if let Some(slot) = self.slots.get_mut(at) {
                    *slot = Slot {
                        head,
                        tail,
                        length: u32::try_from(text.len()).unwrap_or(u32::MAX - 1),
                        value,
                        text: text_at,
                    };
                }
                return;
            }
            at = (at + 1) & mask;
        }
    }

    fn text(&self, slot: &Slot) -> &[u8] {
        self.texts.get(slot.text as usize..slot.text as usize + slot.length as usize).unwrap_or_default()
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(4);
        let old = std::mem::replace(&mut self.slots, vec![FREE; size]);
        for slot in old.into_iter().filter(|slot| slot.length != u32::MAX) {
            let mut at = hash(slot.head, slot.tail, slot.length as usize) & (size - 1);
            while self.slots.get(at).is_some_and(|slot| slot.length != u32::MAX) {
                at = (at + 1) & (size - 1);
            }
            if let Some(free) = self.slots.get_mut(at) {
                *free = slot;
            }
        }
    }
}

/// Whether a byte occurs in a text whose words are known.
#[inline]
pub(crate) fn holds(byte: u8, text: &[u8], (head, tail): (u64, u64)) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Exact as to whether there is one, not as to where.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    if text.len() > 16 {
        return memchr::memchr(byte, text).is_some();
    }
    let wanted = ONES * u64::from(byte);
    zero(head ^ wanted) | zero(tail ^ wanted) != 0
}

/// The first and last eight bytes; of shorter texts, all bytes in the first word.
#[inline]
pub(crate) fn words(text: &[u8]) -> (u64, u64) {
    if let (Some(head), Some(tail)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        return (u64::from_le_bytes(*head), u64::from_le_bytes(*tail));
    }
    if let (Some(head), Some(tail)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        return (u64::from(u32::from_le_bytes(*head)) | u64::from(u32::from_le_bytes(*tail)) << 32, 0);
    }
    (text.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0)
}

#[inline]
fn kind(head: u64, length: usize) -> u64 {
    (head.wrapping_mul(5) ^ head >> 13).wrapping_add(length as u64 * 7) & 63
}

#[inline]
fn hash(head: u64, tail: u64, length: usize) -> usize {
    let mixed = (head ^ (length as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .wrapping_mul(0xD6E8_FEB8_6659_FD93)
        ^ tail.wrapping_mul(0xA076_1D64_78BD_642F);
    let mixed = mixed ^ mixed >> 32;
    (mixed.wrapping_mul(0xE703_7ED1_A0B4_28DB) >> 24) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn is_a_map(entries in proptest::collection::vec(("[ab]{0,3}|[ab]{7,9}|[ab]{15,18}|x{8}[ab]{0,9}y{8}", any::<u32>()), 0..200), others in proptest::collection::vec("[abxy]{0,18}", 50)) {
            let (mut table, mut map) = (Table::default(), HashMap::new());
            for (text, value) in &entries {
                table.insert(text.as_bytes(), *value);
                map.insert(text.as_bytes(), *value);
            }
            for text in entries.iter().map(|(text, _)| text).chain(&others) {
                let dot = text.replace('x', ".");
                prop_assert_eq!(holds(b'.', dot.as_bytes(), words(dot.as_bytes())), dot.contains('.'));
                prop_assert_eq!(table.get(text.as_bytes()), map.get(text.as_bytes()).copied());
            }
        }
    }
}
