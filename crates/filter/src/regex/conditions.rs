//! Conditionals that can be decided when a regex is compiled.
//!
//! `(?:(?P<a>x)|y)z(?(a)p|q)` is `(?:(?P<a>x)zp|yzq)`: which branch was taken says whether the group took part. Written
//! so, each way knows what must follow and gives up at once where it does not, while a conditional that is asked at run
//! time sends the engine back through everything that could have been matched otherwise.

use regex_syntax::hir::{Capture, Hir, HirKind};

use super::mark::{Mark, arms};

/// How often what follows a choice may be copied.
const MAX_COPIES: usize = 8;
/// The largest structure that is made, in nodes.
const MAX_NODES: usize = 4_000;

/// The same regex with its conditionals decided where that is possible.
pub(super) fn decided(hir: &Hir) -> Hir {
    let mut copies = 0;
    let decided = rewrite(hir, &mut copies);
    if copies > MAX_COPIES || nodes(&decided) > MAX_NODES { hir.clone() } else { decided }
}

fn rewrite(hir: &Hir, copies: &mut usize) -> Hir {
    let HirKind::Concat(pieces) = hir.kind() else { return hir.clone() };
    for (at, piece) in pieces.iter().enumerate() {
        let (Some(before), Some(behind)) = (pieces.get(..at), pieces.get(at + 1..)) else { continue };
        let mut asked = Vec::new();
        behind.iter().for_each(|piece| conditions(piece, &mut asked));
        let Some((group, branches)) = asked.iter().find_map(|&group| Some((group, split(piece, group)?)))
        else {
            continue;
        };
        *copies += branches.len() - 1;
        if *copies > MAX_COPIES {
            break;
        }
        let ways = branches.into_iter().map(|branch| {
            let takes_part = captures(&branch, group);
            let behind = behind.iter().map(|piece| answered(piece, group, takes_part));
            rewrite(&Hir::concat(std::iter::once(branch).chain(behind).collect()), copies)
        });
        let ways = Hir::alternation(ways.collect());
        return Hir::concat(before.iter().cloned().chain([ways]).collect());
    }
    hir.clone()
}

/// The ways through a piece, in their order, if each of them says whether the group takes part.
fn split(piece: &Hir, group: usize) -> Option<Vec<Hir>> {
    if !captures(piece, group) {
        return None;
    }
    let ways = match piece.kind() {
        HirKind::Alternation(branches) => branches.clone(),
        HirKind::Repetition(all) if all.min == 0 && all.max == Some(1) => {
            let (one, none) = ((*all.sub).clone(), Hir::empty());
            if all.greedy { vec![one, none] } else { vec![none, one] }
        }
        HirKind::Capture(capture)
            if Mark::of(capture).is_none() && usize::try_from(capture.index) != Ok(group) =>
        {
            let wrapped = |sub| Hir::capture(Capture { sub: Box::new(sub), ..capture.clone() });
            split(&capture.sub, group)?.into_iter().map(wrapped).collect()
        }
        _ => return None,
    };
    let says = |way: &Hir| !captures(way, group) || always_captures(way, group);
    (ways.len() > 1 && ways.iter().all(says)).then_some(ways)
}

/// Whether a group stands somewhere in a structure.
fn captures(hir: &Hir, group: usize) -> bool {
    match hir.kind() {
        HirKind::Capture(capture) => is(capture, group) || captures(&capture.sub, group),
        HirKind::Concat(pieces) | HirKind::Alternation(pieces) => {
            pieces.iter().any(|piece| captures(piece, group))
        }
        HirKind::Repetition(all) => captures(&all.sub, group),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

/// Whether every match of a structure passes through a group.
fn always_captures(hir: &Hir, group: usize) -> bool {
    match hir.kind() {
        HirKind::Capture(capture) if Mark::of(capture).is_some() => false,
        HirKind::Capture(capture) => is(capture, group) || always_captures(&capture.sub, group),
        HirKind::Concat(pieces) => pieces.iter().any(|piece| always_captures(piece, group)),
        _ => false,
    }
}

fn is(capture: &Capture, group: usize) -> bool {
    Mark::of(capture).is_none() && usize::try_from(capture.index) == Ok(group)
}

/// The groups that a structure asks about.
fn conditions(hir: &Hir, asked: &mut Vec<usize>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            if let Some(Mark::Given(group)) = Mark::of(capture) {
                asked.push(group);
            }
            conditions(&capture.sub, asked);
        }
        HirKind::Concat(pieces) | HirKind::Alternation(pieces) => {
            pieces.iter().for_each(|piece| conditions(piece, asked));
        }
        HirKind::Repetition(all) => conditions(&all.sub, asked),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

/// The structure for when it is known whether the group took part.
fn answered(hir: &Hir, group: usize, takes_part: bool) -> Hir {
    let again = |piece: &Hir| answered(piece, group, takes_part);
    match hir.kind() {
        HirKind::Capture(capture) => match (Mark::of(capture), arms(capture)) {
            (Some(Mark::Given(asked)), Some((yes, no))) if asked == group => {
                again(if takes_part { yes } else { no })
            }
            _ => Hir::capture(Capture { sub: Box::new(again(&capture.sub)), ..capture.clone() }),
        },
        HirKind::Concat(pieces) => Hir::concat(pieces.iter().map(again).collect()),
        HirKind::Alternation(pieces) => Hir::alternation(pieces.iter().map(again).collect()),
        HirKind::Repetition(all) => {
            let sub = Box::new(again(&all.sub));
            Hir::repetition(regex_syntax::hir::Repetition { sub, ..all.clone() })
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => hir.clone(),
    }
}

fn nodes(hir: &Hir) -> usize {
    1 + hir.kind().subs().iter().map(nodes).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use crate::regex::compile::Program;
    use crate::regex::parser;
    use crate::regex::program::Inst;

    fn asks(regex: &str) -> usize {
        let program = Program::new(&parser::parse(regex, false).unwrap().hir).unwrap();
        program.code.iter().filter(|inst| matches!(inst, Inst::Given { .. })).count()
    }

    #[test]
    fn what_a_branch_decides_is_not_asked_again() {
        for (regex, left) in [
            ("(?:(?P<a>x)|y)z(?(a)p|q)", 0),
            ("(?P<u>(?P<a>x)|y)z(?(a)p|q)", 0),
            ("(?P<a>x)?(?:y|(?(a)z|w))v", 0),
            ("(?P<a>x)??(?(a)z|w)", 0),
            // Here a turn decides, or nothing does.
            ("(?:(?P<a>x)|y)*(?(a)p|q)", 1),
            ("(?:(?P<a>x)?|y)(?(a)p|q)", 1),
        ] {
            assert_eq!(asks(regex), left, "{regex}");
        }
    }
}
