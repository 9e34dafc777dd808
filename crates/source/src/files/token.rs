//! What is stored of a stream, and how it reads as text.

use stockade_core::{Position, StreamName};

use super::identity::{Check, Generation, Memory};
use crate::limits::MAX_LATE;

/// Where to go on: in the file that was being read, and in rotated ones that could still get late lines.
///
/// As a position: the generation and offset of the first, and as its cursor the check of the bytes before the offset,
/// followed by ` generation@offset+check` for each of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) memory: Memory,
    pub(crate) late: Vec<Memory>,
}

impl Token {
    /// Reads what was stored; `None` if another version wrote it and it means nothing to us.
    pub(crate) fn from_position(position: &Position) -> Option<Self> {
        let mut words =
            position.cursor.as_deref().unwrap_or_default().split(' ').filter(|word| !word.is_empty());
        let tail = words.next().and_then(|word| word.parse().ok());
        let memory = Memory {
            generation: position.generation.parse().ok()?,
            offset: position.offset,
            replay_from: position.replay_from.min(position.offset),
            tail,
            live: false,
        };
        Some(Self { memory, late: words.take(MAX_LATE).filter_map(late).collect() })
    }
}

fn late(word: &str) -> Option<Memory> {
    let (generation, rest) = word.split_once('@')?;
    let (offset, tail) = rest.split_once('+')?;
    let offset = u64::from_str_radix(offset, 16).ok()?;
    let generation: Generation = generation.parse().ok()?;
    Some(Memory { generation, offset, replay_from: offset, tail: tail.parse().ok(), live: false })
}

/// The cursor of a place whose preceding bytes are `check`, while `late` is open.
pub(crate) fn cursor(check: Option<Check>, late: impl Iterator<Item = Memory>) -> String {
    use std::fmt::Write;
    let nothing = Check::of(&[]);
    let mut text = check.unwrap_or(nothing).to_string();
    for memory in late {
        let tail = memory.tail.unwrap_or(nothing);
        // Writing to a string does not fail.
        let _ = write!(text, " {}@{:x}+{tail}", memory.generation, memory.offset);
    }
    text
}

impl Memory {
    /// This place as the store keeps it.
    pub(crate) fn position(&self, stream: &StreamName) -> Position {
        Position {
            stream: stream.clone(),
            generation: self.generation.to_string(),
            offset: self.offset,
            replay_from: self.replay_from,
            cursor: Some(cursor(self.tail, std::iter::empty())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_as_it_was_written() {
        let memory = |inode, offset, tail: &[u8]| Memory {
            generation: Generation { device: 0x802, inode, head: Check::of(b"head"), life: 2 },
            offset,
            replay_from: offset,
            tail: Some(Check::of(tail)),
            live: false,
        };
        let token = Token {
            memory: memory(1, 77, b"a\n"),
            late: vec![memory(2, 1 << 40, b"b\n"), memory(3, 0, b"")],
        };
        let mut position = token.memory.position(&"/l".into());
        position.cursor = Some(cursor(token.memory.tail, token.late.iter().copied()));
        assert_eq!(Token::from_position(&position), Some(token));
    }

    #[test]
    fn what_another_program_stored_is_not_misread() {
        let mut position = Position {
            stream: "/l".into(),
            generation: "md5:1234".into(),
            offset: 1,
            replay_from: 9,
            cursor: Some("x y@z+ @+ 1-2".into()),
        };
        assert_eq!(Token::from_position(&position), None);
        position.generation = "1-2-0-cbf29ce484222325".into();
        let token = Token::from_position(&position).unwrap();
        assert_eq!((token.memory.tail, token.memory.replay_from, token.late.len()), (None, 1, 0));
    }
}
