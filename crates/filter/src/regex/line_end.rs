//! The end of a line is a character to fail2ban: it searches a line with its line feed.
//!
//! So `from <HOST>\s` finds an address at the end of a line, and `port \d+[^\d]` a port. Our lines have no line feed
//! (the last one may lack it in the log, too), so where a regex may end with one, it may as well end with the line.

use regex_syntax::hir::{Capture, Class, Hir, HirKind, Look, Repetition};

use super::mark::{Mark, arms};

/// The regex for a text without its last line feed that matches what `hir` matches with it.
pub(crate) fn without_line_feed(hir: &Hir) -> Hir {
    end(&inside(hir)).0
}

/// Lookarounds have ends of their own.
fn inside(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Capture(capture) => {
            let sub = inside(&capture.sub);
            let sub = if looks_ahead(capture) { end(&sub).0 } else { sub };
            Hir::capture(Capture { sub: Box::new(sub), ..capture.clone() })
        }
        HirKind::Concat(pieces) => Hir::concat(pieces.iter().map(inside).collect()),
        HirKind::Alternation(branches) => Hir::alternation(branches.iter().map(inside).collect()),
        HirKind::Repetition(repetition) => {
            Hir::repetition(Repetition { sub: Box::new(inside(&repetition.sub)), ..repetition.clone() })
        }
        _ => hir.clone(),
    }
}

/// The regex that may take the end of the text for a line feed at its own end, and whether what stands before it may do
/// so too, as it may match nothing itself.
fn end(hir: &Hir) -> (Hir, bool) {
    let or_end =
        |hir: Hir, rest: Hir| Hir::alternation(vec![hir, Hir::concat(vec![rest, Hir::look(Look::End)])]);
    match hir.kind() {
        HirKind::Empty => (hir.clone(), true),
        HirKind::Look(look) => (hir.clone(), matches!(look, Look::End | Look::EndLF)),
        HirKind::Literal(literal) => match literal.0.strip_suffix(b"\n") {
            Some(rest) => (or_end(hir.clone(), Hir::literal(rest)), false),
            None => (hir.clone(), false),
        },
        HirKind::Class(class) if has_line_feed(class) => (or_end(hir.clone(), Hir::empty()), false),
        HirKind::Class(_) => (hir.clone(), false),
        HirKind::Repetition(repetition) if repetition.min == 0 => (hir.clone(), true),
        HirKind::Repetition(repetition) => {
            let (last, through) = end(&repetition.sub);
            if last == *repetition.sub {
                return (hir.clone(), through);
            }
            let min = repetition.min - 1;
            let others = Hir::repetition(Repetition { min, max: Some(min), ..repetition.clone() });
            (or_end(hir.clone(), Hir::concat(vec![others, last])), through)
        }
        HirKind::Capture(capture) if is_zero_width(capture) => (hir.clone(), false),
        HirKind::Capture(capture) if matches!(Mark::of(capture), Some(Mark::Given(_))) => {
            let Some((yes, no)) = arms(capture) else { return (hir.clone(), false) };
            let ((yes, through), (no, through_no)) = (end(yes), end(no));
            let sub = Box::new(Hir::concat(vec![yes, no]));
            (Hir::capture(Capture { sub, ..capture.clone() }), through || through_no)
        }
        HirKind::Capture(capture) => {
            let (sub, through) = end(&capture.sub);
            (Hir::capture(Capture { sub: Box::new(sub), ..capture.clone() }), through)
        }
        HirKind::Alternation(branches) => {
            let ends: Vec<(Hir, bool)> = branches.iter().map(end).collect();
            let through = ends.iter().any(|(_, through)| *through);
            (Hir::alternation(ends.into_iter().map(|(hir, _)| hir).collect()), through)
        }
        HirKind::Concat(pieces) => {
            let (mut done, mut through) = (Vec::new(), true);
            for piece in pieces.iter().rev() {
                if through {
                    let (piece, more) = end(piece);
                    done.push(piece);
                    through = more;
                } else {
                    done.push(piece.clone());
                }
            }
            done.reverse();
            (Hir::concat(done), through)
        }
    }
}

fn has_line_feed(class: &Class) -> bool {
    match class {
        Class::Bytes(class) => {
            class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&b'\n'))
        }
        Class::Unicode(class) => {
            class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&'\n'))
        }
    }
}

/// `(?=…)`, `(?!…)`
fn looks_ahead(capture: &Capture) -> bool {
    matches!(Mark::of(capture), Some(Mark::Ahead | Mark::NotAhead))
}

/// What is no group and takes no bytes.
fn is_zero_width(capture: &Capture) -> bool {
    matches!(Mark::of(capture), Some(Mark::Ahead | Mark::NotAhead | Mark::Behind(_) | Mark::NotBehind(_)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex_automata::meta::Regex;

    use super::*;

    fn hir(pattern: &str) -> Hir {
        let mut parser = regex_syntax::ParserBuilder::new();
        parser.unicode(false).utf8(false).build().parse(pattern).unwrap()
    }

    fn matches(hir: &Hir, text: &str) -> bool {
        Regex::builder().build_from_hir(hir).unwrap().is_match(text)
    }

    #[test]
    fn the_end_of_a_line_is_a_character() {
        for (pattern, text, wanted) in [
            (r"from a\s", "from a", true),
            (r"from a\s\S", "from a", false),
            (r"from a[^b]$", "from a", true),
            (r"from a\s*\s(?: x)?$", "from a", true),
            (r"from a\n", "from a", true),
            (r"from (a|b)(\s+|,)", "from b", true),
            (r"from a\S", "from a", false),
            (r"from a[^b]{2}", "from ac", true),
            (r"from a[^b]{2}", "from a", false),
        ] {
            assert_eq!(matches(&without_line_feed(&hir(pattern)), text), wanted, "{pattern}");
        }
    }

    #[test]
    fn what_cannot_end_with_a_line_feed_stays_as_it_is() {
        for pattern in [r"^a <HOST>$", r"a\s*$", r"a.*", r"a\S+", r"(?:a|b)"] {
            assert_eq!(without_line_feed(&hir(pattern)), hir(pattern), "{pattern}");
        }
    }

    proptest! {
        /// `$` is before the last line feed, or behind it.
        #[test]
        fn it_matches_without_what_the_regex_matches_with(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "a", "b", r"\s", "[^a]", r"\s+", r"\s*", "(?:a|\\s)", "(b\\s)", "[^b]{2}", ".", "a?", "(?:ab|[^a]b?)",
            ]), 1..5),
            closed in any::<bool>(),
            text in "[ab ]{0,5}",
        ) {
            let pattern = pieces.concat();
            let with = |end: &str| matches(&hir(&format!("{pattern}{end}")), &format!("{text}\n"));
            let (without, wanted) = match closed {
                true => (format!("{pattern}$"), with(r"\z") || with(r"\n\z")),
                false => (pattern.clone(), with("")),
            };
            prop_assert_eq!(matches(&without_line_feed(&hir(&without)), &text), wanted, "{}", pattern);
        }
    }
}
