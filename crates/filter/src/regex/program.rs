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
    Save(Save),
    /// An IPv4 address in its usual form, with the slots of its group; the general way of finding one follows, and
    /// where it ends, the program goes on.
    Ip4(Box<Ip4>),
    /// Holds or does not, and takes no bytes.
    Look(Look),
    /// First there, then, if that fails, here.
    Split(Box<Choice>),
    /// Goes on there.
    Jump(usize),
    /// The regex matches.
    Match,
}

/// Notes where a group begins or ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Save {
    pub(crate) slot: usize,
    /// Whether a way that fails must put the old value back. Not so where every match passes here: the way that
    /// succeeds notes its own.
    pub(crate) undo: bool,
}

/// The short way through an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ip4 {
    /// The slot of the beginning; that of the end follows.
    pub(crate) slot: usize,
    pub(crate) undo: bool,
    /// Where the program goes on.
    pub(crate) end: usize,
    /// What follows is never a digit: no shorter address can be right.
    pub(crate) decided: bool,
}

/// A short text, compared at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl Choice {
    fn new(first: usize, second: usize) -> Self {
        Self {
            first,
            second,
            by_byte: [Ways::Both; 256],
            at_end: Ways::Both,
            first_word: None,
            second_word: None,
        }
    }

    /// Which ways can be right before `rest`.
    #[inline]
    pub(crate) fn ways(&self, rest: &[u8]) -> Ways {
        let Some(&byte) = rest.first() else { return self.at_end };
        match self.by_byte.get(usize::from(byte)).copied().unwrap_or(Ways::Both) {
            Ways::Both if self.first_word.is_some_and(|word| !word.begins(rest)) => Ways::Second,
            Ways::Both if self.second_word.is_some_and(|word| !word.begins(rest)) => Ways::First,
            ways => ways,
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
            *place = ways(first.bytes.contains(byte), second.bytes.contains(byte));
        }
        self.at_end = ways(first.at_end, second.at_end);
        (self.first_word, self.second_word) = (first.word, second.word);
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
    /// The group that captures what it takes: the slot of its beginning, that of the end follows.
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
            _ => span.iter().position(|&byte| !self.table.get(usize::from(byte)).copied().unwrap_or(false)),
        };
        end.unwrap_or(span.len())
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
    /// Whether it can match before `rest`.
    #[inline]
    pub(crate) fn may_begin(&self, rest: &[u8]) -> bool {
        match rest.first() {
            Some(&byte) => self.bytes.contains(byte) && self.word.is_none_or(|word| word.begins(rest)),
            None => self.at_end,
        }
    }
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
        Self::compile(hir, true)
    }

    /// Compiles a regex of whose groups only those with a name matter.
    pub(crate) fn of_names(hir: &Hir) -> Option<Self> {
        Self::compile(hir, false)
    }

    fn compile(hir: &Hir, all_groups: bool) -> Option<Self> {
        let mut compiler = Compiler { code: Vec::new(), slots: 0, all_groups, choices: 0 };
        compiler.emit(hir)?;
        compiler.push(Inst::Match)?;
        let anchored = hir.properties().look_set_prefix().contains(Look::Start);
        let next = first_bytes(&compiler.code);
        for (pc, inst) in compiler.code.iter_mut().enumerate() {
            match inst {
                Inst::Loop(one) => {
                    one.decided = next.get(pc + 1).is_some_and(|after| one.set.is_disjoint(after.bytes));
                }
                Inst::Ip4(address) => {
                    let digits = ByteSet::of(b'0'..=b'9');
                    address.decided =
                        next.get(address.end).is_some_and(|after| digits.is_disjoint(after.bytes));
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
    all_groups: bool,
    /// How many choices and loops the place lies in.
    choices: usize,
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
            HirKind::Capture(capture) if !self.all_groups && capture.name.is_none() => {
                self.emit(&capture.sub)?;
            }
            HirKind::Capture(capture) => {
                let slot = usize::try_from(capture.index).ok()? * 2;
                self.slots = self.slots.max(slot + 2);
                let undo = self.choices > 0;
                let begin = self.push(Inst::Save(Save { slot, undo }))?;
                self.emit(&capture.sub)?;
                if let [Inst::Save(save), Inst::Loop(one)] = self.code.get(begin..)?
                    && one.group.is_none()
                {
                    let group = Some(*save);
                    self.code.remove(begin);
                    if let Some(Inst::Loop(one)) = self.code.last_mut() {
                        one.group = group;
                    }
                } else {
                    self.push(Inst::Save(Save { slot: slot + 1, undo }))?;
                }
            }
            HirKind::Concat(pieces) => self.concat(pieces)?,
            HirKind::Alternation(branches) => self.optional(|this| this.alternation(branches))?,
            HirKind::Repetition(repetition) => self.optional(|this| this.repetition(repetition))?,
        }
        Some(())
    }

    fn concat(&mut self, pieces: &[Hir]) -> Option<()> {
        let mut rest = pieces;
        while let [first, behind @ ..] = rest {
            if let Some(group) = ip4_group(rest) {
                let slot = usize::try_from(group).ok()? * 2;
                let place = self.push(Inst::Match)?;
                let (address, behind) = rest.split_at_checked(3)?;
                address.iter().try_for_each(|piece| self.emit(piece))?;
                let end = self.here();
                self.patch(
                    place,
                    Inst::Ip4(Box::new(Ip4 { slot, undo: self.choices > 0, end, decided: false })),
                );
                rest = behind;
            } else if let [_, second, behind @ ..] = rest
                && let Some(branches) = distributed(first, second)
            {
                self.optional(|this| this.alternation(&branches))?;
                rest = behind;
            } else {
                // Nothing is ever searched elsewhere than at the start.
                if !(self.code.is_empty() && self.choices == 0 && *first == Hir::look(Look::Start)) {
                    self.emit(first)?;
                }
                rest = behind;
            }
        }
        Some(())
    }

    /// Emits what not every match passes, or not once.
    fn optional(&mut self, emit: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        self.choices += 1;
        emit(self)?;
        self.choices -= 1;
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
                group: None,
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

/// A text before a choice, put into each branch: ` (?:port|on)` is `(?: port| on)`, which can be decided at once.
fn distributed(first: &Hir, second: &Hir) -> Option<Vec<Hir>> {
    let (HirKind::Literal(text), HirKind::Alternation(branches)) = (first.kind(), second.kind()) else {
        return None;
    };
    let joined = |branch: &Hir| {
        let (literal, rest) = match branch.kind() {
            HirKind::Literal(literal) => (literal, &[][..]),
            HirKind::Concat(pieces) => match pieces.as_slice() {
                [one, rest @ ..] => match one.kind() {
                    HirKind::Literal(literal) => (literal, rest),
                    _ => return None,
                },
                [] => return None,
            },
            _ => return None,
        };
        let both = [&text.0[..], &literal.0[..]].concat();
        Some(Hir::concat(std::iter::once(Hir::literal(both)).chain(rest.iter().cloned()).collect()))
    };
    branches.iter().map(joined).collect()
}

/// The number of the group of an IPv4 address, if these pieces begin with what stands for an address: one in the usual
/// form, perhaps mapped into IPv6, else an IPv6 address; perhaps in brackets.
fn ip4_group(pieces: &[Hir]) -> Option<u32> {
    let [open, address, close, ..] = pieces else { return None };
    let optional = |piece: &Hir, byte: u8| match piece.kind() {
        HirKind::Repetition(r) => {
            r.min == 0 && r.max == Some(1) && r.greedy && *r.sub == Hir::literal([byte])
        }
        _ => false,
    };
    if !optional(open, b'[') || !optional(close, b']') {
        return None;
    }
    let HirKind::Alternation(branches) = address.kind() else { return None };
    let [first, second] = branches.as_slice() else { return None };
    let HirKind::Capture(ip6) = second.kind() else { return None };
    let HirKind::Concat(pieces) = first.kind() else { return None };
    let [mapped, ip4] = pieces.as_slice() else { return None };
    let HirKind::Capture(ip4) = ip4.kind() else { return None };
    let known = known_address()?;
    let optional = matches!(mapped.kind(), HirKind::Repetition(r) if r.min == 0 && r.max == Some(1));
    (optional && *ip4.sub == known.0 && *ip6.sub == known.1).then_some(ip4.index)
}

/// The structure of the two forms of an address.
fn known_address() -> Option<&'static (Hir, Hir)> {
    static KNOWN: std::sync::OnceLock<Option<(Hir, Hir)>> = std::sync::OnceLock::new();
    let inner = |pattern: &str| {
        let hir =
            regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).ok()?;
        match hir.into_kind() {
            HirKind::Capture(capture) => Some(*capture.sub),
            _ => None,
        }
    };
    KNOWN.get_or_init(|| Some((inner(super::tags::IP4)?, inner(super::tags::IP6)?))).as_ref()
}

/// For each instruction what the program can begin with from there on: the least solution, found by repetition.
fn first_bytes(code: &[Inst]) -> Vec<Next> {
    let mut next = vec![Next::default(); code.len()];
    let at = |next: &[Next], pc: usize| next.get(pc).copied().unwrap_or_default();
    loop {
        let before = next.clone();
        for (pc, inst) in code.iter().enumerate().rev() {
            let after = at(&next, pc + 1);
            let (bytes, at_end, word) = match inst {
                Inst::Text(text) => {
                    (ByteSet::of(text.first().copied()), false, Word::new(text.get(..8).unwrap_or(text)))
                }
                Inst::Word(word) => (ByteSet::of([word.first()]), false, Some(*word)),
                Inst::One(set) => (*set, false, None),
                Inst::Loop(one) if one.min == 0 => (one.set.union(after.bytes), after.at_end, None),
                Inst::Loop(one) => (one.set, false, None),
                Inst::Split(choice) => {
                    let (first, second) = (at(&next, choice.first), at(&next, choice.second));
                    (first.bytes.union(second.bytes), first.at_end || second.at_end, None)
                }
                Inst::Jump(to) => (at(&next, *to).bytes, at(&next, *to).at_end, at(&next, *to).word),
                // It finds nothing that the general way would not find.
                Inst::Save(_) | Inst::Ip4(_) => (after.bytes, after.at_end, after.word),
                Inst::Look(Look::End) => (ByteSet::default(), true, None),
                Inst::Look(_) => (after.bytes, after.at_end, after.word),
                // Whatever follows a match is none of its business.
                Inst::Match => (ByteSet::ALL, true, None),
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
