//! From the structure of a regex to its program.

use regex_syntax::hir::{Capture, Class, ClassBytes, ClassBytesRange, Hir, HirKind, Look, Repetition};
use regex_syntax::utf8::{Utf8Range, Utf8Sequence, Utf8Sequences};

use super::byte_set::ByteSet;
use super::mark::{Mark, approximate, arms, width};
use super::program::{Choice, Cut, Inst, Loop, Next, Word, first_bytes};

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
        let mut compiler = Compiler { code: Vec::new(), slots: group_slots(hir) };
        compiler.emit(hir)?;
        compiler.push(Inst::Match)?;
        let anchored = approximate(hir).properties().look_set_prefix().contains(Look::Start);
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
            HirKind::Class(class) => match bytes_of(class) {
                Some(set) => _ = self.push(Inst::One(set))?,
                None => self.alternation(&in_bytes(class))?,
            },
            HirKind::Look(look) => _ = self.push(Inst::Look(supported(*look)?))?,
            HirKind::Capture(capture) => match Mark::of(capture) {
                Some(mark) => self.mark(mark, capture)?,
                None => {
                    let slot = usize::try_from(capture.index).ok()? * 2;
                    self.push(Inst::Save(slot))?;
                    self.emit(&capture.sub)?;
                    self.push(Inst::Save(slot + 1))?;
                }
            },
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
            self.push(Inst::Save(slot))?;
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
