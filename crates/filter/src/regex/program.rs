//! A regex as a program for the backtracking engine.
//!
//! Why an engine of our own: to say *where the groups matched* a general linear engine needs about half a microsecond
//! a line, which would be most of the cost of a whole scan. A failregex is mostly literal text between loops over one
//! class; tried in the order of priority, as Perl and Python do, with a look at the next byte before each choice, that
//! takes a tenth of it. What makes backtracking dangerous, its worst case, is cut off by a budget of steps, after which
//! the linear engine answers instead. And no linear engine can look around or refer back, which a sixth of fail2ban's
//! regexes do: those are run here only, and one that spends its budget has no answer.

use std::num::NonZeroU8;
use std::sync::Arc;

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
    Save(Save),
    /// An IPv4 address in its usual form, with the slots of its group; the general way of finding an address follows,
    /// and where that ends, the program goes on.
    Ip4(Ip4),
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

/// Notes where a group begins or ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Save {
    pub(crate) slot: usize,
    /// Whether a way that fails must put the old value back. Not so where every match passes and nothing else asks:
    /// the way that succeeds notes its own.
    pub(crate) undo: bool,
}

/// The short way through an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ip4 {
    /// Where it begins; where it ends is noted in the next slot.
    pub(crate) group: Save,
    /// Where the program goes on.
    pub(crate) end: usize,
    /// What follows is never a digit: no shorter address can be right.
    pub(crate) decided: bool,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    value: u64,
    len: NonZeroU8,
}

impl Word {
    /// A text of one to eight bytes.
    pub(super) fn new(text: &[u8]) -> Option<Self> {
        let len = NonZeroU8::new(u8::try_from(text.len()).ok()?)?;
        (text.len() <= 8).then(|| Self { value: number(text), len })
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        usize::from(self.len.get())
    }

    /// Whether `rest` begins with it.
    #[inline(always)]
    pub(crate) fn begins(&self, rest: &[u8]) -> bool {
        let found = match rest.first_chunk() {
            Some(eight) => u64::from_le_bytes(*eight),
            None if rest.len() < self.len() => return false,
            None => number(rest),
        };
        // Bytes behind the text fall off at the top.
        (found ^ self.value) << (64 - 8 * self.len()) == 0
    }

    /// Where it stands first in a text, if it begins before `end`.
    fn find(&self, text: &[u8], end: usize) -> Option<usize> {
        let places = memchr::memchr_iter(self.first(), text.get(..end).unwrap_or(text));
        places.into_iter().find(|&at| text.get(at..).is_some_and(|rest| self.begins(rest)))
    }

    fn first(&self) -> u8 {
        self.value.to_le_bytes()[0]
    }
}

/// At most eight bytes as a number, the first one lowest.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

/// Two ways to go on, and which of them can be right, by the next byte.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) first: usize,
    pub(crate) second: usize,
    /// The bytes before which each can be right. (Small: a table would fill the cache.)
    first_set: ByteSet,
    second_set: ByteSet,
    at_end: Ways,
    /// The words with which the two ways begin.
    first_word: Option<Word>,
    second_word: Option<Word>,
}

/// Which ways can be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ways {
    Neither,
    First,
    Second,
    Both,
}

impl Ways {
    #[inline]
    fn of(first: bool, second: bool) -> Self {
        match (first, second) {
            (true, true) => Self::Both,
            (true, false) => Self::First,
            (false, true) => Self::Second,
            (false, false) => Self::Neither,
        }
    }
}

impl Choice {
    pub(super) fn new(first: usize, second: usize) -> Self {
        Self {
            first,
            second,
            first_set: ByteSet::ALL,
            second_set: ByteSet::ALL,
            at_end: Ways::Both,
            first_word: None,
            second_word: None,
        }
    }

    /// Which ways can be right before `rest`.
    #[inline(always)]
    pub(crate) fn ways(&self, rest: &[u8]) -> Ways {
        let Some(&byte) = rest.first() else { return self.at_end };
        let first = self.first_set.contains(byte) && self.first_word.is_none_or(|word| word.begins(rest));
        let second = self.second_set.contains(byte) && self.second_word.is_none_or(|word| word.begins(rest));
        Ways::of(first, second)
    }

    /// How many bytes of `rest` it looks at.
    pub(crate) fn looks(&self, rest: &[u8]) -> usize {
        let way = |set: ByteSet, word: Option<Word>| {
            let compared = rest.first().is_some_and(|&byte| set.contains(byte));
            word.filter(|_| compared).map_or(1, |word| word.len())
        };
        way(self.first_set, self.first_word).max(way(self.second_set, self.second_word))
    }

    pub(super) fn decide(&mut self, first: &Next, second: &Next) {
        (self.first_set, self.second_set) = (first.bytes, second.bytes);
        self.at_end = Ways::of(first.at_end, second.at_end);
        (self.first_word, self.second_word) = (first.word, second.word);
    }
}

/// A loop over one byte of a set.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    pub(crate) set: ByteSet,
    pub(super) table: Arc<[bool; 256]>,
    /// The few bytes at which it ends, where they are few: `.` and `[^:]`.
    pub(super) ends: Option<Vec<u8>>,
    /// It takes all but white space: the commonest of all, told without a table.
    pub(super) plain: bool,
    /// A text before which it ends too: `(?:(?! from ).)*`.
    pub(super) stop: Option<Word>,
    pub(crate) min: usize,
    pub(crate) max: usize,
    pub(crate) greedy: bool,
    /// What can follow is never in the set: a greedy loop can only be right where it ends.
    pub(crate) decided: bool,
    /// The group of what it takes: the slot of its beginning, that of its end follows.
    pub(crate) group: Option<Save>,
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
            _ if self.plain => span.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'\x0b'),
            _ => span.iter().position(|&byte| !self.table.get(usize::from(byte)).copied().unwrap_or(false)),
        };
        let end = end.unwrap_or(span.len());
        match &self.stop {
            Some(stop) => stop.find(span, end).unwrap_or(end),
            None => end,
        }
    }

    /// How many bytes behind its end it looks at, for the text that stops it.
    pub(crate) fn stop_len(&self) -> usize {
        self.stop.map_or(0, |stop| stop.len())
    }

    /// How many steps it is worth to look at so many bytes.
    #[inline]
    pub(crate) fn cost(&self, bytes: usize) -> usize {
        if self.ends.is_some() && self.stop.is_none() {
            bytes / SEARCHED_PER_STEP
        } else {
            bytes / TESTED_PER_STEP
        }
    }
}

/// What the rest of a program can begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Next {
    /// The bytes before which it can match.
    pub(crate) bytes: ByteSet,
    /// It can match at the end of the text.
    pub(crate) at_end: bool,
    /// The only byte, if there is one and `at_end` is not so.
    pub(crate) single: Option<u8>,
    /// The text it begins with.
    pub(crate) word: Option<Word>,
}

impl Next {
    /// What may begin with anything, or with nothing.
    const ANYTHING: (ByteSet, bool, Option<Word>) = (ByteSet::ALL, true, None);

    /// How many bytes of `rest` [`Next::may_begin`] looks at.
    pub(crate) fn looks(&self, rest: &[u8]) -> usize {
        let compared = rest.first().is_some_and(|&byte| self.bytes.contains(byte));
        self.word.filter(|_| compared).map_or(1, |word| word.len())
    }

    /// Whether it can match before `rest`.
    #[inline(always)]
    pub(crate) fn may_begin(&self, rest: &[u8]) -> bool {
        match rest.first() {
            Some(&byte) => self.bytes.contains(byte) && self.word.is_none_or(|word| word.begins(rest)),
            None => self.at_end,
        }
    }

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
            let as_at = |pc: usize| (at(&next, pc).bytes, at(&next, pc).at_end, at(&next, pc).word);
            let either = |first: Next, second: Next| {
                (first.bytes.union(second.bytes), first.at_end || second.at_end, None)
            };
            let (bytes, at_end, word) = match inst {
                Inst::Text(text) => {
                    let word = Word::new(text.get(..8).unwrap_or(text));
                    (ByteSet::of(text.first().copied()), false, word)
                }
                Inst::Word(word) => (ByteSet::of([word.first()]), false, Some(*word)),
                Inst::One(set) => (*set, false, None),
                Inst::Loop(one) if one.min == 0 => (one.set.union(after.bytes), after.at_end, None),
                Inst::Loop(one) => (one.set, false, None),
                Inst::Split(choice) => either(at(&next, choice.first), at(&next, choice.second)),
                Inst::Jump(to) => as_at(*to),
                Inst::Turned { out, .. } | Inst::Given { no: out, .. } => either(after, at(&next, *out)),
                // What is atomic begins as its body does; what looks around takes no bytes itself.
                Inst::Guard { out, .. } if !is_atomic(code, *out) => as_at(*out),
                Inst::Look(Look::End) => (ByteSet::default(), true, None),
                // An address finds nothing that the general way behind it would not find.
                Inst::Save(_) | Inst::Ip4(_) | Inst::Look(_) | Inst::Guard { .. } => as_at(pc + 1),
                // Whatever follows a match is none of its business, and the same holds for a part with one answer.
                Inst::Same { .. } | Inst::Match | Inst::Cut(_) => Next::ANYTHING,
            };
            if let Some(place) = next.get_mut(pc) {
                *place = Next { bytes, at_end, single: if at_end { None } else { bytes.single() }, word };
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
