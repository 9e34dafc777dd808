//! What a finite automaton cannot do, within the structure of one that it can run.
//!
//! `regex-syntax` has no lookaround, backreference or conditional. They stand in its [`Hir`] as groups with names that
//! no group of a regex can have. So one structure serves both sides: our engine compiles the marks, and with the marks
//! replaced by what they match at most ([`approximate`]) the literal scan and the automata can use it too.

use regex_syntax::hir::{Capture, Class, Dot, Hir, HirKind, Repetition};

/// A construct that only our engine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// `(?=…)`
    Ahead,
    /// `(?!…)`
    NotAhead,
    /// `(?<=…)` of so many bytes.
    Behind(usize),
    /// `(?<!…)` of so many bytes.
    NotBehind(usize),
    /// `(?>…)`, `…*+`
    Atomic,
    /// `(?P=name)`, `\1`: the text of this group.
    Same(usize),
    /// The same in any case.
    SameAnyCase(usize),
    /// `(?(1)…|…)`: two [`Mark::Arm`]s, the first for when this group took part.
    Given(usize),
    /// One of two ways to go on.
    Arm,
}

impl Mark {
    /// The structure that says so.
    pub(crate) fn wrap(self, sub: Hir) -> Hir {
        let (name, number) = match self {
            Self::Ahead => ("?=", 0),
            Self::NotAhead => ("?!", 0),
            Self::Behind(width) => ("?<=", width),
            Self::NotBehind(width) => ("?<!", width),
            Self::Atomic => ("?>", 0),
            Self::Same(group) => ("?P=", group),
            Self::SameAnyCase(group) => ("?i=", group),
            Self::Given(group) => ("?()", group),
            Self::Arm => ("?|", 0),
        };
        let index = u32::try_from(number).unwrap_or(u32::MAX);
        Hir::capture(Capture { index, name: Some(name.into()), sub: Box::new(sub) })
    }

    /// `(?P=name)`: within the structure it is any text, as that is what an automaton makes of it.
    pub(crate) fn same(group: usize, any_case: bool) -> Hir {
        let sub = Box::new(Hir::dot(Dot::AnyByte));
        let anything = Hir::repetition(Repetition { min: 0, max: None, greedy: true, sub });
        if any_case { Self::SameAnyCase(group) } else { Self::Same(group) }.wrap(anything)
    }

    /// What a group of the structure is; `None` for a real one.
    pub(crate) fn of(capture: &Capture) -> Option<Self> {
        let number = usize::try_from(capture.index).unwrap_or(usize::MAX);
        Some(match capture.name.as_deref()? {
            "?=" => Self::Ahead,
            "?!" => Self::NotAhead,
            "?<=" => Self::Behind(number),
            "?<!" => Self::NotBehind(number),
            "?>" => Self::Atomic,
            "?P=" => Self::Same(number),
            "?i=" => Self::SameAnyCase(number),
            "?()" => Self::Given(number),
            "?|" => Self::Arm,
            _ => return None,
        })
    }
}

/// The two ways of a [`Mark::Given`].
pub(crate) fn arms(capture: &Capture) -> Option<(&Hir, &Hir)> {
    match capture.sub.kind() {
        HirKind::Concat(arms) => match arms.as_slice() {
            [yes, no] => Some((yes, no)),
            _ => None,
        },
        _ => None,
    }
}

/// A regex without marks that matches at least what `hir` matches, and is `hir` where that has none.
pub(crate) fn approximate(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Capture(capture) => match Mark::of(capture) {
            None => Hir::capture(Capture { sub: Box::new(approximate(&capture.sub)), ..capture.clone() }),
            Some(Mark::Ahead | Mark::NotAhead | Mark::Behind(_) | Mark::NotBehind(_)) => Hir::empty(),
            Some(Mark::Atomic | Mark::Arm) => approximate(&capture.sub),
            Some(Mark::Same(_) | Mark::SameAnyCase(_)) => (*capture.sub).clone(),
            Some(Mark::Given(_)) => match arms(capture) {
                Some((yes, no)) => Hir::alternation(vec![approximate(yes), approximate(no)]),
                None => Hir::empty(),
            },
        },
        HirKind::Concat(pieces) => Hir::concat(pieces.iter().map(approximate).collect()),
        HirKind::Alternation(branches) => Hir::alternation(branches.iter().map(approximate).collect()),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(approximate(&repetition.sub)),
            min: repetition.min,
            max: repetition.max,
            greedy: repetition.greedy,
        }),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => hir.clone(),
    }
}

/// How many bytes a regex takes, at least and at most; `None` is without end.
pub(crate) type Width = (usize, Option<usize>);

/// The width of a regex whose groups have these widths; a group that is not among them may have any.
pub(crate) fn width(hir: &Hir, groups: &[Width]) -> Width {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => (0, Some(0)),
        HirKind::Literal(literal) => (literal.0.len(), Some(literal.0.len())),
        HirKind::Class(Class::Bytes(_)) => (1, Some(1)),
        HirKind::Class(class) => (class.minimum_len().unwrap_or(1), class.maximum_len()),
        HirKind::Concat(pieces) => pieces.iter().map(|piece| width(piece, groups)).fold((0, Some(0)), sum),
        HirKind::Alternation(branches) => {
            branches.iter().map(|branch| width(branch, groups)).reduce(either).unwrap_or((0, Some(0)))
        }
        HirKind::Repetition(repetition) => {
            let (low, high) = width(&repetition.sub, groups);
            let times = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
            let high = match (repetition.max, high) {
                (_, Some(0)) => Some(0),
                (Some(max), Some(high)) => Some(high.saturating_mul(times(max))),
                _ => None,
            };
            (low.saturating_mul(times(repetition.min)), high)
        }
        HirKind::Capture(capture) => match Mark::of(capture) {
            Some(Mark::Ahead | Mark::NotAhead | Mark::Behind(_) | Mark::NotBehind(_)) => (0, Some(0)),
            Some(Mark::Same(group) | Mark::SameAnyCase(group)) => {
                groups.get(group).copied().unwrap_or((0, None))
            }
            Some(Mark::Given(_)) => {
                arms(capture).map_or((0, None), |(yes, no)| either(width(yes, groups), width(no, groups)))
            }
            None | Some(Mark::Atomic | Mark::Arm) => width(&capture.sub, groups),
        },
    }
}

fn sum((low, high): Width, (more_low, more_high): Width) -> Width {
    (low.saturating_add(more_low), high.zip(more_high).map(|(high, more)| high.saturating_add(more)))
}

fn either((low, high): Width, (other_low, other_high): Width) -> Width {
    (low.min(other_low), high.zip(other_high).map(|(high, other)| high.max(other)))
}
