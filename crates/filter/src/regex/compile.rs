//! From the structure of a regex to its program.

use regex_syntax::hir::{Capture, Class, ClassBytes, ClassBytesRange, Hir, HirKind, Look, Repetition};
use regex_syntax::utf8::{Utf8Range, Utf8Sequence, Utf8Sequences};

use super::byte_set::ByteSet;
use super::conditions::decided;
use super::mark::{Mark, approximate, arms, width};
use super::pieces::{address, distributed, until};
use super::program::{Choice, Cut, Inst, Ip4, Loop, Next, Save, Word, first_bytes};

/// The longest program; a regex that needs more is left to the linear engine.
pub(crate) const MAX_INSTRUCTIONS: usize = 4096;

/// A regex, compiled.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) code: Vec<Inst>,
    /// For each instruction, what the program can begin with from there on.
    pub(crate) next: Vec<Next>,
    /// How many slots [`Inst::Save`] uses: two for each group, then one for each loop that may turn without a byte.
    pub(crate) slots: usize,
    /// It can only match at the beginning of the text.
    pub(crate) anchored: bool,
}

impl Program {
    /// Compiles a regex; `None` for one that this engine does not take.
    pub(crate) fn new(hir: &Hir) -> Option<Self> {
        Self::compile(hir, None)
    }

    /// The same for a regex of whose groups only these matter, by number, besides those that it asks about itself.
    pub(crate) fn with_groups(hir: &Hir, wanted: &[usize]) -> Option<Self> {
        Self::compile(hir, Some(wanted))
    }

    fn compile(hir: &Hir, wanted: Option<&[usize]>) -> Option<Self> {
        Self::compile_as_it_is(&decided(hir), wanted).or_else(|| Self::compile_as_it_is(hir, wanted))
    }

    fn compile_as_it_is(hir: &Hir, wanted: Option<&[usize]>) -> Option<Self> {
        let mut asked = Vec::new();
        asked_about(hir, &mut asked);
        let mut compiler = Compiler { code: Vec::new(), slots: group_slots(hir), wanted, asked, depth: 0 };
        compiler.emit(hir)?;
        compiler.push(Inst::Match)?;
        let anchored = approximate(hir).properties().look_set_prefix().contains(Look::Start);
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

struct Compiler<'w> {
    code: Vec<Inst>,
    slots: usize,
    /// The groups that matter; `None`: all.
    wanted: Option<&'w [usize]>,
    /// The groups that the regex itself asks about.
    asked: Vec<usize>,
    /// How many choices, loops and marks the place lies in.
    depth: usize,
}

impl Compiler<'_> {
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
            HirKind::Class(class) => match bytes_of(class) {
                Some(set) => _ = self.push(Inst::One(set))?,
                None => self.within(|this| this.alternation(&in_bytes(class)))?,
            },
            HirKind::Look(look) => _ = self.push(Inst::Look(supported(*look)?))?,
            HirKind::Capture(capture) => match Mark::of(capture) {
                Some(mark) => self.within(|this| this.mark(mark, capture))?,
                None => self.group(capture)?,
            },
            HirKind::Concat(pieces) => self.concat(pieces)?,
            HirKind::Alternation(branches) => self.within(|this| this.alternation(branches))?,
            HirKind::Repetition(repetition) => self.within(|this| this.repetition(repetition))?,
        }
        Some(())
    }

    /// Emits what not every match passes, or not once.
    fn within(&mut self, emit: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        self.depth += 1;
        emit(self)?;
        self.depth -= 1;
        Some(())
    }

    fn group(&mut self, capture: &Capture) -> Option<()> {
        let group = usize::try_from(capture.index).ok()?;
        let asked = self.asked.contains(&group);
        if !asked && self.wanted.is_some_and(|wanted| !wanted.contains(&group)) {
            return self.emit(&capture.sub);
        }
        let (slot, undo) = (group * 2, asked || self.depth > 0);
        let begin = self.push(Inst::Save(Save { slot, undo }))?;
        self.emit(&capture.sub)?;
        match self.code.get_mut(begin..)? {
            [Inst::Save(save), Inst::Loop(one)] if one.group.is_none() => {
                one.group = Some(*save);
                self.code.remove(begin);
            }
            _ => _ = self.push(Inst::Save(Save { slot: slot + 1, undo }))?,
        }
        Some(())
    }

    fn concat(&mut self, pieces: &[Hir]) -> Option<()> {
        let mut rest = pieces;
        while let [first, behind @ ..] = rest {
            rest = behind;
            if let Some((group, address, behind)) = address(first, behind) {
                let place = self.push(Inst::Match)?;
                self.emit(first)?;
                address.iter().try_for_each(|piece| self.emit(piece))?;
                let group = Save { slot: group * 2, undo: self.depth > 0 || self.asked.contains(&group) };
                let end = self.here();
                self.patch(place, Inst::Ip4(Ip4 { group, end, decided: false }));
                rest = behind;
            } else if let [second, behind @ ..] = rest
                && let Some(branches) = distributed(first, second)
            {
                self.within(|this| this.alternation(&branches))?;
                rest = behind;
            } else if !(self.code.is_empty() && self.depth == 0 && *first == Hir::look(Look::Start)) {
                // (A program that can only match at the beginning of the text is only tried there.)
                self.emit(first)?;
            }
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
        let plain = single_byte(&repetition.sub).map(|set| (set, None));
        let endless = |(set, stop): (&Hir, Word)| Some((single_byte(set)?, Some(stop)));
        let loops = || until(&repetition.sub).filter(|_| max == usize::MAX).and_then(endless);
        if let Some((set, stop)) = plain.or_else(loops) {
            let (table, ends) = (set.table(), set.missing());
            self.push(Inst::Loop(Box::new(Loop {
                set,
                table,
                ends,
                plain: set == ByteSet::of((0..=u8::MAX).filter(|byte| !b" \t\n\r\x0b\x0c".contains(byte))),
                stop,
                min,
                max,
                greedy: repetition.greedy,
                decided: false,
                group: None,
            })))?;
            return Some(());
        }
        let turn = (width(&repetition.sub, &[]).0 == 0).then(|| {
            self.slots += 1;
            self.slots - 1
        });
        for _ in 0..min {
            self.emit(&repetition.sub)?;
        }
        let start = self.here();
        let mut splits = Vec::new();
        if max == usize::MAX {
            splits.push(self.turn(&repetition.sub, turn)?);
            self.push(Inst::Jump(start))?;
        } else {
            for _ in min..max {
                splits.push(self.turn(&repetition.sub, turn)?);
            }
        }
        let end = self.here();
        splits.into_iter().for_each(|at| self.patch(at, branch(at + 1, end, repetition.greedy)));
        for inst in self.code.iter_mut().skip(start) {
            if let Inst::Turned { slot, out } = inst
                && turn == Some(*slot)
            {
                *out = end;
            }
        }
        Some(())
    }

    /// One turn that need not be, with the place for the choice whether it is. If it takes no bytes it is the last one,
    /// as in Python: `slot` holds where it began.
    fn turn(&mut self, body: &Hir, slot: Option<usize>) -> Option<usize> {
        let split = self.push(Inst::Match)?;
        if let Some(slot) = slot {
            self.push(Inst::Save(Save { slot, undo: true }))?;
        }
        self.emit(body)?;
        if let Some(slot) = slot {
            self.push(Inst::Turned { slot, out: 0 })?;
        }
        Some(split)
    }

    fn mark(&mut self, mark: Mark, capture: &Capture) -> Option<()> {
        match mark {
            Mark::Ahead => self.guarded(0, false, Cut::Return, &capture.sub),
            Mark::NotAhead => self.guarded(0, true, Cut::Fail, &capture.sub),
            Mark::Behind(width) => self.guarded(width, false, Cut::Return, &capture.sub),
            Mark::NotBehind(width) => self.guarded(width, true, Cut::Fail, &capture.sub),
            Mark::Atomic => self.guarded(0, false, Cut::Stay, &capture.sub),
            Mark::Arm => self.emit(&capture.sub),
            Mark::Same(group) => self.push(Inst::Same { slot: group * 2, any_case: false }).map(|_| ()),
            Mark::SameAnyCase(group) => self.push(Inst::Same { slot: group * 2, any_case: true }).map(|_| ()),
            Mark::Given(group) => {
                let (yes, no) = arms(capture)?;
                let given = self.push(Inst::Match)?;
                self.emit(yes)?;
                let exit = self.push(Inst::Match)?;
                let other = self.here();
                self.emit(no)?;
                let end = self.here();
                self.patch(given, Inst::Given { slot: group * 2, no: other });
                self.patch(exit, Inst::Jump(end));
                Some(())
            }
        }
    }

    fn guarded(&mut self, back: usize, not: bool, cut: Cut, body: &Hir) -> Option<()> {
        let guard = self.push(Inst::Match)?;
        self.emit(body)?;
        self.push(Inst::Cut(cut))?;
        let out = self.here();
        self.patch(guard, Inst::Guard { back, not, out });
        Some(())
    }
}

/// How many instructions a structure needs at most, without those that conditionals save by copying.
pub(super) fn most_instructions(hir: &Hir) -> usize {
    let all = |pieces: &[Hir]| {
        pieces.iter().fold(0_usize, |sum, piece| sum.saturating_add(most_instructions(piece)))
    };
    match hir.kind() {
        HirKind::Empty => 0,
        HirKind::Literal(_) | HirKind::Look(_) => 1,
        HirKind::Class(class) if bytes_of(class).is_some() => 1,
        HirKind::Class(class) => all(&in_bytes(class)).saturating_add(2 * in_bytes(class).len()),
        HirKind::Capture(capture) => most_instructions(&capture.sub).saturating_add(4),
        HirKind::Concat(pieces) => all(pieces).saturating_add(pieces.len()),
        HirKind::Alternation(branches) => all(branches).saturating_add(3 * branches.len()),
        HirKind::Repetition(all) => {
            let turns = all.max.map_or(all.min.saturating_add(1), |max| max.max(1));
            let turn = most_instructions(&all.sub).saturating_add(4);
            turn.saturating_mul(usize::try_from(turns).unwrap_or(usize::MAX))
        }
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

/// The groups that a regex itself asks about.
fn asked_about(hir: &Hir, asked: &mut Vec<usize>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            if let Some(Mark::Same(group) | Mark::SameAnyCase(group) | Mark::Given(group)) = Mark::of(capture)
            {
                asked.push(group);
            }
            asked_about(&capture.sub, asked);
        }
        HirKind::Concat(pieces) | HirKind::Alternation(pieces) => {
            pieces.iter().for_each(|piece| asked_about(piece, asked));
        }
        HirKind::Repetition(repetition) => asked_about(&repetition.sub, asked),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

/// How many slots the groups have that a regex has or speaks of.
fn group_slots(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Capture(capture) => {
            let own = match Mark::of(capture) {
                None => usize::try_from(capture.index).unwrap_or(0),
                Some(Mark::Same(group) | Mark::SameAnyCase(group) | Mark::Given(group)) => group,
                Some(_) => 0,
            };
            group_slots(&capture.sub).max(own * 2 + 2)
        }
        HirKind::Concat(pieces) | HirKind::Alternation(pieces) => {
            pieces.iter().map(group_slots).max().unwrap_or(0)
        }
        HirKind::Repetition(repetition) => group_slots(&repetition.sub),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => 0,
    }
}

/// The characters of a class as their bytes: one of these. (Put together they would be made a class again.)
fn in_bytes(class: &Class) -> Vec<Hir> {
    let Class::Unicode(chars) = class else { return vec![Hir::class(class.clone())] };
    let byte = |range: &Utf8Range| {
        Hir::class(Class::Bytes(ClassBytes::new([ClassBytesRange::new(range.start, range.end)])))
    };
    let one = |sequence: Utf8Sequence| Hir::concat(sequence.as_slice().iter().map(byte).collect());
    let sequences = chars.ranges().iter().flat_map(|range| Utf8Sequences::new(range.start(), range.end()));
    sequences.map(one).collect()
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
