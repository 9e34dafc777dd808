//! A regex as a program for the backtracking engine.
//!
//! Why an engine of our own: to say *where the groups matched* a general linear engine needs about half a microsecond
//! a line, which would be most of the cost of a whole scan. A failregex is mostly literal text between loops over one
//! class; tried in the order of priority, as Perl and Python do, with a look at the next byte before each choice, that
//! takes a tenth of it. What makes backtracking dangerous, its worst case, is cut off by a budget of steps, after which
//! the linear engine answers instead. And no linear engine can look around or refer back, which a sixth of fail2ban's
//! regexes do: those are run here only, and one that spends its budget has no answer.

use regex_syntax::hir::Look;

use super::byte_set::ByteSet;

/// How many bytes are searched for a few values in the time of a step…
pub(crate) const SEARCHED_PER_STEP: usize = 64;
/// …and how many are tested one by one.
const TESTED_PER_STEP: usize = 4;

/// One instruction. Unless it says otherwise the next one follows.
#[derive(Clone, Debug)]
pub(crate) enum Inst {
    /// These bytes.
    Text(Box<[u8]>),
    /// A text of at most eight bytes, as a number.
    Word(Word),
    /// One byte of a set.
    One(ByteSet),
    /// Bytes of a set, as many as possible or as few.
    Loop(Box<Loop>),
    /// Notes the position in a slot.
    Save(usize),
    /// Holds or does not, and takes no bytes.
    Look(Look),
    /// First there, then, if that fails, here.
    Split(Box<Choice>),
    /// Goes on there.
    Jump(usize),
    /// Goes on there if no byte was taken since the position was noted in the slot.
    Turned { slot: usize, out: usize },
    /// Begins something that has one answer, `back` bytes before; its [`Inst::Cut`] ends it, and `out` follows it.
    /// `not`: goes on there if it does not match.
    Guard { back: usize, not: bool, out: usize },
    /// What the innermost [`Inst::Guard`] began has matched: no other way through it is tried.
    Cut(Cut),
    /// The text of a group again, which begins in this slot and ends in the next.
    Same { slot: usize, any_case: bool },
    /// Goes on there unless the group of this slot and the next took part.
    Given { slot: usize, no: usize },
    /// The regex matches.
    Match,
}

/// What follows when something with one answer has matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Goes on behind it.
    Stay,
    /// Goes on where it began.
    Return,
    /// It should not have matched.
    Fail,
}

/// A short text, compared at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    mask: u64,
    value: u64,
    pub(crate) len: usize,
}

impl Word {
    pub(super) fn new(text: &[u8]) -> Option<Self> {
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        let mask = vec![0xFF; text.len()];
        (text.len() <= 8).then(|| Self { mask: number(&mask), value: number(text), len: text.len() })
    }

    /// Whether `rest` begins with it.
    #[inline]
    pub(crate) fn begins(&self, rest: &[u8]) -> bool {
        let number = match rest.first_chunk() {
            Some(eight) => u64::from_le_bytes(*eight),
            None if rest.len() < self.len => return false,
            None => rest.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)),
        };
        number & self.mask == self.value
    }

    fn first(&self) -> u8 {
        self.value.to_le_bytes()[0]
    }
}

/// Two ways to go on, and which of them can be right, by the next byte.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) first: usize,
    pub(crate) second: usize,
    by_byte: [Ways; 256],
    at_end: Ways,
}

/// Which ways can be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ways {
    Neither,
    First,
    Second,
    Both,
}

impl Choice {
    pub(super) fn new(first: usize, second: usize) -> Self {
        Self { first, second, by_byte: [Ways::Both; 256], at_end: Ways::Both }
    }

    /// Which ways can be right before this byte, or at the end of the text.
    #[inline]
    pub(crate) fn ways(&self, next: Option<u8>) -> Ways {
        match next {
            Some(byte) => self.by_byte.get(usize::from(byte)).copied().unwrap_or(Ways::Both),
            None => self.at_end,
        }
    }

    pub(super) fn decide(&mut self, first: &Next, second: &Next) {
        let ways = |first: bool, second: bool| match (first, second) {
            (true, true) => Ways::Both,
            (true, false) => Ways::First,
            (false, true) => Ways::Second,
            (false, false) => Ways::Neither,
        };
        for (byte, place) in (0..=u8::MAX).zip(&mut self.by_byte) {
            let may = |next: &Next| next.empty || next.bytes.contains(byte);
            *place = ways(may(first), may(second));
        }
        self.at_end = ways(first.empty, second.empty);
    }
}

/// A loop over one byte of a set.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    pub(crate) set: ByteSet,
    pub(super) table: Box<[bool; 256]>,
    /// The few bytes at which it ends, where they are few: `.` and `[^:]`.
    pub(super) ends: Option<Vec<u8>>,
    pub(crate) min: usize,
    pub(crate) max: usize,
    pub(crate) greedy: bool,
    /// What can follow is never in the set: a greedy loop can only be right where it ends.
    pub(crate) decided: bool,
}

impl Loop {
    /// How many bytes at the beginning of `span` it can take.
    #[inline]
    pub(crate) fn run(&self, span: &[u8]) -> usize {
        let end = match self.ends.as_deref() {
            Some([]) => None,
            Some([a]) => memchr::memchr(*a, span),
            Some([a, b]) => memchr::memchr2(*a, *b, span),
            Some([a, b, c]) => memchr::memchr3(*a, *b, *c, span),
            _ => span.iter().position(|&byte| !self.table.get(usize::from(byte)).copied().unwrap_or(false)),
        };
        end.unwrap_or(span.len())
    }

    /// How many steps it is worth to look at so many bytes.
    #[inline]
    pub(crate) fn cost(&self, bytes: usize) -> usize {
        if self.ends.is_some() { bytes / SEARCHED_PER_STEP } else { bytes / TESTED_PER_STEP }
    }
}

/// What the rest of a program can begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Next {
    /// The bytes it can begin with.
    pub(crate) bytes: ByteSet,
    /// It can match without another byte.
    pub(crate) empty: bool,
    /// The only byte, if there is one and `empty` is not so.
    pub(crate) single: Option<u8>,
}

impl Next {
    /// What may begin with anything, or with nothing.
    const ANYTHING: (ByteSet, bool) = (ByteSet::ALL, true);

    /// How many steps it is worth to look for it in so many bytes.
    #[inline]
    pub(crate) fn cost(&self, bytes: usize) -> usize {
        if self.single.is_some() { bytes / SEARCHED_PER_STEP } else { bytes / TESTED_PER_STEP }
    }
}

/// For each instruction what the program can begin with from there on: the least solution, found by repetition.
pub(super) fn first_bytes(code: &[Inst]) -> Vec<Next> {
    let mut next = vec![Next::default(); code.len()];
    let at = |next: &[Next], pc: usize| next.get(pc).copied().unwrap_or_default();
    loop {
        let before = next.clone();
        for (pc, inst) in code.iter().enumerate().rev() {
            let after = at(&next, pc + 1);
            let (bytes, empty) = match inst {
                Inst::Text(text) => (ByteSet::of(text.first().copied()), false),
                Inst::Word(word) => (ByteSet::of([word.first()]), false),
                Inst::One(set) => (*set, false),
                Inst::Loop(one) if one.min == 0 => (one.set.union(after.bytes), after.empty),
                Inst::Loop(one) => (one.set, false),
                Inst::Split(choice) => {
                    let (first, second) = (at(&next, choice.first), at(&next, choice.second));
                    (first.bytes.union(second.bytes), first.empty || second.empty)
                }
                Inst::Jump(to) => (at(&next, *to).bytes, at(&next, *to).empty),
                Inst::Turned { out, .. } | Inst::Given { no: out, .. } => {
                    let other = at(&next, *out);
                    (after.bytes.union(other.bytes), after.empty || other.empty)
                }
                // What is atomic begins as its body does; what looks around takes no bytes itself.
                Inst::Guard { out, .. } if is_atomic(code, *out) => (after.bytes, after.empty),
                Inst::Guard { out, .. } => (at(&next, *out).bytes, at(&next, *out).empty),
                Inst::Save(_) | Inst::Look(_) => (after.bytes, after.empty),
                Inst::Same { .. } => Next::ANYTHING,
                // Whatever follows a match is none of its business, and the same holds for a part with one answer.
                Inst::Match | Inst::Cut(_) => Next::ANYTHING,
            };
            if let Some(place) = next.get_mut(pc) {
                *place = Next { bytes, empty, single: if empty { None } else { bytes.single() } };
            }
        }
        if next == before {
            return next;
        }
    }
}

/// Whether the guard that `out` follows takes the bytes that it matches.
fn is_atomic(code: &[Inst], out: usize) -> bool {
    matches!(out.checked_sub(1).and_then(|cut| code.get(cut)), Some(Inst::Cut(Cut::Stay)))
}
