//! A regex as a program for the backtracking engine.
//!
//! Why an engine of our own: to say *where the groups matched* a general linear engine needs about half a microsecond
//! a line, which would be most of the cost of a whole scan. A failregex is mostly literal text between loops over one
//! class; tried in the order of priority, as Perl and Python do, with a look at the next byte before each choice, that
//! takes a tenth of it. What makes backtracking dangerous, its worst case, is cut off by a budget of steps, after which
//! the linear engine answers instead.

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

use super::byte_set::ByteSet;

/// The longest program; a regex that needs more is left to the linear engine.
const MAX_INSTRUCTIONS: usize = 4096;

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
    /// The regex matches.
    Match,
}

/// A short text, compared at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    mask: u64,
    value: u64,
    pub(crate) len: usize,
}

impl Word {
    fn new(text: &[u8]) -> Option<Self> {
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
    fn new(first: usize, second: usize) -> Self {
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

    fn decide(&mut self, first: &Next, second: &Next) {
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
    table: Box<[bool; 256]>,
    /// The few bytes at which it ends, where they are few: `.` and `[^:]`.
    ends: Option<Vec<u8>>,
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

/// A regex, compiled.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) code: Vec<Inst>,
    /// For each instruction, what the program can begin with from there on.
    pub(crate) next: Vec<Next>,
    /// How many slots [`Inst::Save`] uses: two for each group.
    pub(crate) slots: usize,
    /// It can only match at the beginning of the text.
    pub(crate) anchored: bool,
}

impl Program {
    /// Compiles a regex; `None` for one that this engine does not take.
    pub(crate) fn new(hir: &Hir) -> Option<Self> {
        let mut compiler = Compiler { code: Vec::new(), slots: 0 };
        compiler.emit(hir)?;
        compiler.push(Inst::Match)?;
        let anchored = hir.properties().look_set_prefix().contains(Look::Start);
        let next = first_bytes(&compiler.code);
        for (pc, inst) in compiler.code.iter_mut().enumerate() {
            match inst {
                Inst::Loop(one) => {
                    one.decided = next
                        .get(pc + 1)
                        .is_some_and(|after| !after.empty && one.set.is_disjoint(after.bytes));
                }
                Inst::Split(choice) => {
                    if let (Some(first), Some(second)) = (next.get(choice.first), next.get(choice.second)) {
                        choice.decide(first, second);
                    }
                }
                _ => {}
            }
        }
        Some(Self { code: compiler.code, next, slots: compiler.slots, anchored })
    }
}

struct Compiler {
    code: Vec<Inst>,
    slots: usize,
}

impl Compiler {
    fn push(&mut self, inst: Inst) -> Option<usize> {
        self.code.push(inst);
        (self.code.len() <= MAX_INSTRUCTIONS).then(|| self.code.len() - 1)
    }

    fn here(&self) -> usize {
        self.code.len()
    }

    fn patch(&mut self, at: usize, inst: Inst) {
        if let Some(place) = self.code.get_mut(at) {
            *place = inst;
        }
    }

    fn emit(&mut self, hir: &Hir) -> Option<()> {
        match hir.kind() {
            HirKind::Empty => {}
            HirKind::Literal(literal) => {
                let word = Word::new(&literal.0).map(Inst::Word);
                self.push(word.unwrap_or_else(|| Inst::Text(literal.0.clone())))?;
            }
            HirKind::Class(class) => _ = self.push(Inst::One(bytes_of(class)?))?,
            HirKind::Look(look) => _ = self.push(Inst::Look(supported(*look)?))?,
            HirKind::Capture(capture) => {
                let slot = usize::try_from(capture.index).ok()? * 2;
                self.slots = self.slots.max(slot + 2);
                self.push(Inst::Save(slot))?;
                self.emit(&capture.sub)?;
                self.push(Inst::Save(slot + 1))?;
            }
            HirKind::Concat(pieces) => pieces.iter().try_for_each(|piece| self.emit(piece))?,
            HirKind::Alternation(branches) => self.alternation(branches)?,
            HirKind::Repetition(repetition) => self.repetition(repetition)?,
        }
        Some(())
    }

    fn alternation(&mut self, branches: &[Hir]) -> Option<()> {
        let (last, others) = branches.split_last()?;
        let mut exits = Vec::new();
        for branch in others {
            let split = self.push(Inst::Match)?;
            self.emit(branch)?;
            exits.push(self.push(Inst::Match)?);
            let second = self.here();
            self.patch(split, Inst::Split(Box::new(Choice::new(split + 1, second))));
        }
        self.emit(last)?;
        let end = self.here();
        exits.into_iter().for_each(|exit| self.patch(exit, Inst::Jump(end)));
        Some(())
    }

    fn repetition(&mut self, repetition: &Repetition) -> Option<()> {
        let min = usize::try_from(repetition.min).ok()?;
        let max = repetition.max.map_or(Some(usize::MAX), |max| usize::try_from(max).ok())?;
        if let Some(set) = single_byte(&repetition.sub) {
            let (table, ends) = (set.table(), set.missing());
            self.push(Inst::Loop(Box::new(Loop {
                set,
                table,
                ends,
                min,
                max,
                greedy: repetition.greedy,
                decided: false,
            })))?;
            return Some(());
        }
        for _ in 0..min {
            self.emit(&repetition.sub)?;
        }
        if max == usize::MAX {
            return self.endless(repetition);
        }
        let mut splits = Vec::new();
        for _ in min..max {
            splits.push(self.push(Inst::Match)?);
            self.emit(&repetition.sub)?;
        }
        let end = self.here();
        splits.into_iter().for_each(|at| self.patch(at, branch(at + 1, end, repetition.greedy)));
        Some(())
    }

    /// A loop whose body may be empty is not taken: engines differ in what an empty turn means.
    fn endless(&mut self, repetition: &Repetition) -> Option<()> {
        if repetition.sub.properties().minimum_len().is_none_or(|len| len == 0) {
            return None;
        }
        let split = self.push(Inst::Match)?;
        self.emit(&repetition.sub)?;
        self.push(Inst::Jump(split))?;
        let end = self.here();
        self.patch(split, branch(split + 1, end, repetition.greedy));
        Some(())
    }
}

fn branch(body: usize, end: usize, greedy: bool) -> Inst {
    let (first, second) = if greedy { (body, end) } else { (end, body) };
    Inst::Split(Box::new(Choice::new(first, second)))
}

/// The set of a regex that always takes exactly one byte.
fn single_byte(hir: &Hir) -> Option<ByteSet> {
    match hir.kind() {
        HirKind::Class(class) => bytes_of(class),
        HirKind::Literal(literal) => match *literal.0 {
            [byte] => Some(ByteSet::of([byte])),
            _ => None,
        },
        _ => None,
    }
}

/// A class of characters beyond ASCII is not a set of bytes.
fn bytes_of(class: &Class) -> Option<ByteSet> {
    match class {
        Class::Bytes(bytes) => Some(ByteSet::of_class(bytes)),
        Class::Unicode(chars) => chars.to_byte_class().map(|bytes| ByteSet::of_class(&bytes)),
    }
}

fn supported(look: Look) -> Option<Look> {
    use Look::{End, EndLF, Start, StartLF, WordAscii, WordAsciiNegate};
    matches!(look, Start | End | StartLF | EndLF | WordAscii | WordAsciiNegate).then_some(look)
}

/// For each instruction what the program can begin with from there on: the least solution, found by repetition.
fn first_bytes(code: &[Inst]) -> Vec<Next> {
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
                Inst::Save(_) | Inst::Look(_) => (after.bytes, after.empty),
                // Whatever follows a match is none of its business.
                Inst::Match => (ByteSet::ALL, true),
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
