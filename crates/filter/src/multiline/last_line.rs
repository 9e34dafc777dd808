//! Which part of a regex over several lines matches the last of them.

use memchr::memrchr;
use regex_syntax::hir::{Class, Hir, HirKind};

/// The part of a regex that the last line of every match matches. Empty where that cannot be told.
///
/// What a loop at the very end takes beyond a line does not count: the match was found without it, when that line came.
pub(crate) fn last_line(hir: &Hir) -> Hir {
    last_line_of(&without_last_loop(hir))
}

fn without_last_loop(hir: &Hir) -> Hir {
    match hir.kind() {
        _ if !may_end_line(hir) => hir.clone(),
        HirKind::Repetition(all) if all.min == 0 && matches!(all.sub.kind(), HirKind::Class(_)) => {
            Hir::empty()
        }
        HirKind::Concat(pieces) => {
            let is_place = |piece: &Hir| matches!(piece.kind(), HirKind::Look(_) | HirKind::Empty);
            let Some(last) = pieces.iter().rposition(|piece| !is_place(piece)) else { return hir.clone() };
            let shorter = |(at, piece): (usize, &Hir)| {
                if at == last { without_last_loop(piece) } else { piece.clone() }
            };
            Hir::concat(pieces.iter().enumerate().map(shorter).collect())
        }
        _ => hir.clone(),
    }
}

fn last_line_of(hir: &Hir) -> Hir {
    match hir.kind() {
        _ if !may_end_line(hir) => hir.clone(),
        HirKind::Capture(capture) => last_line_of(&capture.sub),
        HirKind::Literal(literal) => {
            let from = memrchr(b'\n', &literal.0).map_or(0, |at| at + 1);
            Hir::literal(literal.0.get(from..).unwrap_or_default())
        }
        HirKind::Concat(pieces) => {
            let from = pieces.iter().rposition(may_end_line).unwrap_or(0);
            let (first, rest) = (pieces.get(from), pieces.get(from + 1..).unwrap_or_default());
            Hir::concat(first.map(last_line_of).into_iter().chain(rest.iter().cloned()).collect())
        }
        _ => Hir::empty(),
    }
}

/// Whether the text that it matches may contain a line end.
fn may_end_line(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => literal.0.contains(&b'\n'),
        HirKind::Class(Class::Bytes(class)) => {
            class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&b'\n'))
        }
        HirKind::Class(Class::Unicode(class)) => {
            class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&'\n'))
        }
        HirKind::Repetition(repetition) => may_end_line(&repetition.sub),
        HirKind::Capture(capture) => may_end_line(&capture.sub),
        HirKind::Concat(pieces) | HirKind::Alternation(pieces) => pieces.iter().any(may_end_line),
        HirKind::Empty | HirKind::Look(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_last_line_end() {
        for (pattern, last) in [
            (r"^a\nb: c$", r"b: c(?m:$)"),
            (r"^a [^\n]+\n(?P<skiplines0>(?:[^\n]*\n)*?)^b .*$", r"(?m:^)b [^\n]*(?m:$)"),
            (r"a(?P<x>b\nc)d", "(?:c)d"),
            (r"a\s+b c", "b c"),
            (r"a b", "a b"),
            (r"a(?:\nb)?", ""),
            (r"a\n|b", ""),
            ("a[^x]", ""),
            (r"a\nb text=[\w\s]*$", r"b text=(?m:$)"),
            (r"a\nb text=[\w\s]+$", r"(?m:$)"),
        ] {
            let parse = |text: &str, multi_line: bool| {
                let mut parser = regex_syntax::ParserBuilder::new();
                parser.unicode(false).utf8(false).multi_line(multi_line).build().parse(text).unwrap()
            };
            assert_eq!(last_line(&parse(pattern, true)), parse(last, false), "{pattern}");
        }
    }
}
