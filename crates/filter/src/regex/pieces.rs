//! Pieces of a regex that are worth a way of their own.

use std::sync::OnceLock;

use regex_syntax::hir::{Hir, HirKind};

use super::mark::Mark;
use super::program::Word;
use super::{parser, tags};

/// If these pieces begin with what the tags make of an address, in one form or the other and perhaps in brackets: the
/// number of the group of an IPv4 address, the pieces behind the first that belong to it, and those that follow.
pub(super) fn address<'h>(first: &Hir, behind: &'h [Hir]) -> Option<(usize, &'h [Hir], &'h [Hir])> {
    let (address, rest) = behind.split_at_checked(2)?;
    let [address_itself, close] = address else { return None };
    let optional = |piece: &Hir, byte: u8| match piece.kind() {
        HirKind::Repetition(r) => {
            r.min == 0 && r.max == Some(1) && r.greedy && *r.sub == Hir::literal([byte])
        }
        _ => false,
    };
    if !optional(first, b'[') || !optional(close, b']') {
        return None;
    }
    let HirKind::Alternation(branches) = address_itself.kind() else { return None };
    let [with_ip4, ip6] = branches.as_slice() else { return None };
    let HirKind::Capture(ip6) = ip6.kind() else { return None };
    let HirKind::Concat(mapped) = with_ip4.kind() else { return None };
    let [mapped, ip4] = mapped.as_slice() else { return None };
    let HirKind::Capture(ip4) = ip4.kind() else { return None };
    let optional = matches!(mapped.kind(), HirKind::Repetition(r) if r.min == 0 && r.max == Some(1));
    let (known_ip4, known_ip6) = known()?;
    let same = optional && *ip4.sub == *known_ip4 && *ip6.sub == *known_ip6;
    Some((usize::try_from(ip4.index).ok().filter(|_| same)?, address, rest))
}

/// What the tags make of the two forms.
fn known() -> Option<&'static (Hir, Hir)> {
    static KNOWN: OnceLock<Option<(Hir, Hir)>> = OnceLock::new();
    let inner = |pattern: &str| match parser::parse(pattern, false).ok()?.hir.into_kind() {
        HirKind::Capture(capture) => Some(*capture.sub),
        _ => None,
    };
    KNOWN.get_or_init(|| Some((inner(tags::IP4)?, inner(tags::IP6)?))).as_ref()
}

/// A text before a choice, put into each branch: ` (?:port|on)` is `(?: port| on)`, which can be decided at once.
pub(super) fn distributed(first: &Hir, second: &Hir) -> Option<Vec<Hir>> {
    let (HirKind::Literal(text), HirKind::Alternation(branches)) = (first.kind(), second.kind()) else {
        return None;
    };
    let joined = |branch: &Hir| {
        let (first, rest) = match branch.kind() {
            HirKind::Concat(pieces) => pieces.split_first()?,
            _ => (branch, &[][..]),
        };
        let HirKind::Literal(literal) = first.kind() else { return None };
        let both = Hir::literal([&text.0[..], &literal.0[..]].concat());
        Some(Hir::concat(std::iter::once(both).chain(rest.iter().cloned()).collect()))
    };
    branches.iter().map(joined).collect()
}

/// If a turn takes one byte unless a text stands there, `(?!text).`: what it takes, and the text.
pub(super) fn until(turn: &Hir) -> Option<(&Hir, Word)> {
    let HirKind::Concat(pieces) = turn.kind() else { return None };
    let [not, one] = pieces.as_slice() else { return None };
    let HirKind::Capture(capture) = not.kind() else { return None };
    match (Mark::of(capture), capture.sub.kind()) {
        (Some(Mark::NotAhead), HirKind::Literal(text)) => Some((one, Word::new(&text.0)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::regex::program::Inst;
    use crate::regex::{Program, parser};
    use crate::spec::UseDns;

    fn program(regex: &str, usedns: UseDns) -> Program {
        let expanded = crate::regex::tags::expand_tags(regex, usedns);
        Program::new(&parser::parse(&expanded.text, false).unwrap().hir).unwrap()
    }

    #[test]
    fn every_address_has_the_short_way() {
        for (regex, usedns) in [
            ("^from <HOST>$", UseDns::No),
            ("<ADDR>", UseDns::No),
            ("^a: <F-ADDR/> b", UseDns::No),
            ("^from <HOST>$", UseDns::Yes),
            ("(?:by|from) (?:user \\S+ )?<HOST>(?: port \\d+)?$", UseDns::No),
        ] {
            let short =
                program(regex, usedns).code.iter().filter(|inst| matches!(inst, Inst::Ip4(_))).count();
            assert_eq!(short, 1, "{regex}");
        }
    }

    #[test]
    fn a_loop_up_to_a_text_is_one_instruction() {
        for regex in ["(?:(?! from ).)*x", "(?:(?!b)[^a])+?x", "a(?:(?! from ).)*$"] {
            let program = program(regex, UseDns::No);
            assert!(!program.code.iter().any(|inst| matches!(inst, Inst::Guard { .. })), "{regex}");
        }
    }

    #[test]
    fn a_choice_behind_a_text_begins_with_the_text() {
        let words = |regex: &str| {
            let program = program(regex, UseDns::No);
            program.code.iter().filter(|inst| matches!(inst, Inst::Word(_) | Inst::Text(_))).count()
        };
        assert_eq!(words("^x (?:port|on \\S+)$"), 2);
    }
}
