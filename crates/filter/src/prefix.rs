//! The prefix that every line of a filter has, matched mostly by memory.
//!
//! ` web01 sshd[4242]: ` is a hundred times ` web01 sshd[…]: ` with other digits. Where a regex treats all digits alike,
//! its answer for one such beginning is its answer for all; so a few beginnings are remembered, with their digits
//! levelled, and most lines are answered by a comparison.

use std::ops::Range;

use regex_syntax::hir::{Class, Dot, Hir, HirKind, Look};

use crate::fields::Field;
use crate::regex::{ByteSet, Program, Room, UNSET};

/// How many bytes of a line a remembered beginning may depend on.
const MAX_SEEN: usize = 64;
/// How many beginnings are remembered.
const REMEMBERED: usize = 48;

/// A prefix of the form `^…(?P<content>.+)$`: everything up to the content.
#[derive(Debug)]
pub(crate) struct Head {
    program: Program,
    groups: Vec<(usize, Field)>,
}

/// What was remembered of one stream.
#[derive(Debug, Default)]
pub(crate) struct HeadMemory {
    room: Room,
    known: Vec<Known>,
    next: usize,
}

#[derive(Debug)]
struct Known {
    seen: usize,
    /// The last bytes that were seen: that is where beginnings differ.
    tail: u64,
    level: [u8; MAX_SEEN],
    content: usize,
    slots: Vec<usize>,
}

impl Head {
    /// `None` for a prefix of another form, and for one that tells digits apart.
    pub(crate) fn new(prefix: &Hir, groups: &[(usize, Field)]) -> Option<Self> {
        let HirKind::Concat(pieces) = prefix.kind() else { return None };
        let at = pieces.iter().position(is_content)?;
        let (before, rest) = pieces.split_at_checked(at)?;
        let ends = |piece: &Hir| matches!(piece.kind(), HirKind::Look(Look::End) | HirKind::Empty);
        if !rest.iter().skip(1).all(ends) || !before.iter().all(levels_digits) {
            return None;
        }
        let program = Program::new(&Hir::concat(before.to_vec())).filter(|program| program.anchored)?;
        let groups = groups.iter().filter(|(_, field)| *field != Field::Content).cloned().collect();
        Some(Self { program, groups })
    }

    /// Where the content of a line begins; the groups before it are told. `None`: ask the whole regex.
    pub(crate) fn content(
        &self,
        memory: &mut HeadMemory,
        text: &[u8],
        mut tell: impl FnMut(&Field, Range<usize>),
    ) -> Option<usize> {
        let level = level(text);
        let same = |known: &&Known| {
            tail(&level, known.seen) == known.tail
                && text.len() > known.content.max(known.seen)
                && level.get(..known.seen) == known.level.get(..known.seen)
        };
        if let Some(known) = memory.known.iter().find(same) {
            self.tell(&known.slots, &mut tell);
            return Some(known.content);
        }
        let content = self.program.match_start(&mut memory.room, text).filter(|end| *end < text.len())?;
        self.tell(&memory.room.slots, &mut tell);
        let seen = memory.room.seen;
        if seen <= MAX_SEEN && seen < text.len() {
            let known =
                Known { seen, tail: tail(&level, seen), level, content, slots: memory.room.slots.clone() };
            match memory.known.get_mut(memory.next) {
                Some(place) => *place = known,
                None => memory.known.push(known),
            }
            memory.next = (memory.next + 1) % REMEMBERED;
        }
        Some(content)
    }

    fn tell(&self, slots: &[usize], tell: &mut impl FnMut(&Field, Range<usize>)) {
        for (group, field) in &self.groups {
            if let (Some(&start), Some(&end)) = (slots.get(group * 2), slots.get(group * 2 + 1))
                && start != UNSET
                && end != UNSET
            {
                tell(field, start..end);
            }
        }
    }
}

/// The first bytes with every digit made `0`; zeros behind the end.
fn level(text: &[u8]) -> [u8; MAX_SEEN] {
    let mut level = [0; MAX_SEEN];
    for (place, byte) in level.iter_mut().zip(text) {
        *place = if byte.is_ascii_digit() { b'0' } else { *byte };
    }
    level
}

/// The last eight of the first `seen` bytes as a number.
#[inline]
fn tail(level: &[u8; MAX_SEEN], seen: usize) -> u64 {
    let from = seen.saturating_sub(8);
    level.get(from..).and_then(<[u8]>::first_chunk).map_or(0, |eight| u64::from_le_bytes(*eight))
}

/// `(?P<content>.+)`
fn is_content(hir: &Hir) -> bool {
    let HirKind::Capture(capture) = hir.kind() else { return false };
    let HirKind::Repetition(all) = capture.sub.kind() else { return false };
    let dot = [Dot::AnyByteExceptLF, Dot::AnyCharExceptLF].iter().any(|dot| *all.sub == Hir::dot(*dot));
    capture.name.as_deref() == Some("content") && all.min == 1 && all.max.is_none() && all.greedy && dot
}

/// Whether a regex treats all digits alike.
fn levels_digits(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => !literal.0.iter().any(u8::is_ascii_digit),
        HirKind::Class(Class::Bytes(class)) => {
            let set = ByteSet::of_class(class);
            let digits = (b'0'..=b'9').filter(|&digit| set.contains(digit)).count();
            digits == 0 || digits == 10
        }
        HirKind::Class(Class::Unicode(_)) => false,
        HirKind::Capture(capture) => levels_digits(&capture.sub),
        HirKind::Repetition(repetition) => levels_digits(&repetition.sub),
        HirKind::Concat(pieces) | HirKind::Alternation(pieces) => pieces.iter().all(levels_digits),
        HirKind::Empty | HirKind::Look(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::regex::{Budget, FieldRegex};
    use crate::spec::UseDns;

    const PREFIX: &str = r"^<F-MLFID>\s*(?:<\w+>\s+)?(?:\S*[^\s:]\s+)?\[?sshd(?:-session)?(?:\[\d+\])?:?\s+</F-MLFID>(?:\[ID \d+ \S+\]\s+)?(?:(?:error|fatal): )?<F-CONTENT>.+</F-CONTENT>$";

    type Groups = Option<(usize, Vec<(String, Range<usize>)>)>;

    fn by_head(head: &Head, memory: &mut HeadMemory, text: &[u8]) -> Groups {
        let mut told = Vec::new();
        let content = head.content(memory, text, |field, at| told.push((field.name().to_owned(), at)))?;
        Some((content, told))
    }

    fn by_regex(regex: &FieldRegex, text: &[u8]) -> Groups {
        let (mut told, mut content) = (Vec::new(), 0);
        for (field, at) in regex.search(&mut regex.scratch(), &mut Budget::default(), text)? {
            if *field == Field::Content {
                content = at.start;
            } else {
                told.push((field.name().to_owned(), at));
            }
        }
        Some((content, told))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn memory_gives_the_answer_of_the_regex(
            lines in prop::collection::vec("( |web1 |w2 |<ab> )?(sshd|x)(-session)?(\\[[0-9]{1,3}\\])?:? (\\[ID [0-9] a\\] )?(error: |fatal|er)?[a-c0-9 ]{0,4}", 1..60),
        ) {
            let regex = FieldRegex::new(PREFIX, UseDns::No, false).unwrap();
            let head = Head::new(&regex.hir, &regex.groups).unwrap();
            let mut memory = HeadMemory::default();
            for line in &lines {
                // What the head does not answer is asked of the whole regex.
                if let Some(answer) = by_head(&head, &mut memory, line.as_bytes()) {
                    prop_assert_eq!(Some(answer), by_regex(&regex, line.as_bytes()), "{:?}", line);
                }
            }
        }
    }

    #[test]
    fn a_prefix_that_tells_digits_apart_is_not_remembered() {
        for prefix in [
            r"^v2: <F-CONTENT>.+</F-CONTENT>$",
            r"^[0-4]: <F-CONTENT>.+</F-CONTENT>",
            r"^a<F-CONTENT>.*</F-CONTENT>",
        ] {
            let regex = FieldRegex::new(prefix, UseDns::No, false).unwrap();
            assert!(Head::new(&regex.hir, &regex.groups).is_none(), "{prefix}");
        }
    }
}
