//! Which text a line must contain for a regex to match it: what the block scan looks for.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Texts of which every match contains at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Required {
    /// The texts; lower-case where `any_case`.
    pub(crate) texts: Vec<Vec<u8>>,
    /// Whether they may stand in any ASCII case.
    pub(crate) any_case: bool,
}

/// Words that say nothing of the program whose line it is.
const EVERYWHERE: &[&[u8]] = &[
    b"from",
    b"user",
    b"for",
    b"port",
    b"host",
    b"with",
    b"client",
    b"login",
    b"failed",
    b"error",
    b"connection",
];
/// More alternatives than this are not worth a search.
const MAX_TEXTS: usize = 48;
/// Texts shorter than this are in every other line.
const MIN_BYTES: usize = 3;
/// From this length on a text as it stands is better than any that may stand in any case: those have no fast search.
const MIN_EXACT: usize = 5;
/// Beyond this length a text is no better for being longer.
const LONG_ENOUGH: usize = 12;

/// The sets of texts of which every match of `hir` must contain one each, the best first.
pub(crate) fn required_literals(hir: &Hir) -> Vec<Required> {
    let mut found = Vec::new();
    collect(hir, &mut found);
    found.retain(|required| required.shortest() >= MIN_BYTES);
    found.sort_by_key(|required| std::cmp::Reverse(required.rank()));
    found
}

/// For several regexes, each with its sets: as few texts as possible so that every regex is found by one of them.
///
/// What many regexes have in common, mostly the program's name in the prefix, is better than what is special to each:
/// the fewer texts, the faster the scan, and lines of the program that are not wanted are told apart by the automaton.
/// But what the lines of all programs have in common is worse than anything else. `None` if a regex requires nothing.
pub(crate) fn cover(regexes: &[Vec<Required>]) -> Option<Vec<Required>> {
    let mut open: Vec<&Vec<Required>> = regexes.iter().collect();
    let mut chosen: Vec<Required> = Vec::new();
    while !open.is_empty() {
        let mut best: Option<(usize, &Required)> = None;
        for one in open.iter().flat_map(|sets| sets.iter()) {
            let covers = open.iter().filter(|sets| sets.contains(one)).count();
            let worth = |covers, one: &Required| (!one.is_everywhere(), !one.any_case, covers, one.rank());
            if best.is_none_or(|(most, known)| worth(covers, one) > worth(most, known)) {
                best = Some((covers, one));
            }
        }
        let (_, one) = best?;
        open.retain(|sets| !sets.contains(one));
        chosen.push(one.clone());
    }
    Some(chosen)
}

impl Required {
    fn shortest(&self) -> usize {
        self.texts.iter().map(Vec::len).min().unwrap_or(0)
    }

    /// Whether one of the texts is in the lines of programs of all kinds.
    fn is_everywhere(&self) -> bool {
        let word = |text: &Vec<u8>| {
            let trimmed = text.trim_ascii();
            trimmed.strip_suffix(b":").unwrap_or(trimmed).to_ascii_lowercase()
        };
        self.texts.iter().any(|text| EVERYWHERE.contains(&word(text).as_slice()))
    }

    /// How well it can be searched for: as it stands is better than in any case, then longer texts are better, then
    /// fewer.
    fn rank(&self) -> (bool, usize, std::cmp::Reverse<usize>, usize) {
        let exact = !self.any_case && self.shortest() >= MIN_EXACT;
        (exact, self.shortest().min(LONG_ENOUGH), std::cmp::Reverse(self.texts.len()), self.shortest())
    }

    fn of(text: Vec<u8>, any_case: bool) -> Option<Self> {
        (!text.is_empty()).then(|| Self { texts: vec![text], any_case })
    }

    fn union(mut self, other: Self) -> Self {
        if self.any_case || other.any_case {
            self.any_case = true;
            self.texts.iter_mut().for_each(|text| text.make_ascii_lowercase());
        }
        for mut text in other.texts {
            if self.any_case {
                text.make_ascii_lowercase();
            }
            if !self.texts.contains(&text) {
                self.texts.push(text);
            }
        }
        self
    }
}

/// The best set of a regex that must match here.
fn best(hir: &Hir) -> Option<Required> {
    let mut found = Vec::new();
    collect(hir, &mut found);
    found.into_iter().max_by_key(Required::rank)
}

/// Every set that a match of `hir` must contain one of. Neighbouring letters make one text, also across groups.
fn collect(hir: &Hir, found: &mut Vec<Required>) {
    let mut pieces = Vec::new();
    flatten(hir, &mut pieces);
    let (mut run, mut any_case) = (Vec::new(), false);
    // What follows the last letter that may stand in any case: `[aA]uthentication` holds `uthentication` as it is.
    let mut exact = Vec::new();
    for piece in pieces {
        match piece.kind() {
            HirKind::Literal(literal) => {
                run.extend_from_slice(&literal.0);
                exact.extend_from_slice(&literal.0);
            }
            HirKind::Class(class) if case_pair(class).is_some() => {
                found.extend(finish(&mut exact, &mut false).into_iter().filter(|_| any_case));
                any_case = true;
                run.extend(case_pair(class));
            }
            HirKind::Look(_) | HirKind::Empty => {}
            kind => {
                found.extend(finish(&mut exact, &mut false).into_iter().filter(|_| any_case));
                found.extend(finish(&mut run, &mut any_case));
                match kind {
                    HirKind::Repetition(repetition) if repetition.min > 0 => collect(&repetition.sub, found),
                    HirKind::Alternation(branches) => found.extend(any_of(branches)),
                    _ => {}
                }
            }
        }
    }
    found.extend(finish(&mut exact, &mut false).into_iter().filter(|_| any_case));
    found.extend(finish(&mut run, &mut any_case));
}

/// One text of every branch.
fn any_of(branches: &[Hir]) -> Option<Required> {
    let mut all: Option<Required> = None;
    for branch in branches {
        let one = best(branch)?;
        all = Some(match all {
            Some(sum) => sum.union(one),
            None => one,
        });
    }
    all.filter(|required| required.texts.len() <= MAX_TEXTS)
}

/// The text of a run. A text that goes on behind a `: ` is two: there syslog puts `message repeated N times: [`.
fn finish(run: &mut Vec<u8>, any_case: &mut bool) -> Vec<Required> {
    let mut text = std::mem::take(run);
    let any_case = std::mem::take(any_case);
    if any_case {
        text.make_ascii_lowercase();
    }
    let mut found = Vec::new();
    let mut rest = text.as_slice();
    while let Some(at) = memchr::memmem::find(rest, b": ") {
        let (before, after) = rest.split_at_checked(at + 2).unwrap_or((rest, &[]));
        found.extend(Required::of(before.to_vec(), any_case));
        rest = after;
    }
    found.extend(Required::of(rest.to_vec(), any_case));
    found
}

fn flatten<'h>(hir: &'h Hir, into: &mut Vec<&'h Hir>) {
    match hir.kind() {
        HirKind::Concat(pieces) => pieces.iter().for_each(|piece| flatten(piece, into)),
        HirKind::Capture(capture) => flatten(&capture.sub, into),
        HirKind::Repetition(repetition) if repetition.min == 1 && repetition.max == Some(1) => {
            flatten(&repetition.sub, into);
        }
        _ => into.push(hir),
    }
}

/// The lower-case letter of a class that holds exactly the two cases of it.
fn case_pair(class: &Class) -> Option<u8> {
    let mut letters = Vec::new();
    match class {
        Class::Bytes(bytes) => {
            for range in bytes.ranges() {
                letters.extend(range.start()..=range.end().min(range.start().saturating_add(2)));
            }
        }
        Class::Unicode(chars) => {
            for range in chars.ranges() {
                for c in range.start()..=range.end() {
                    letters.push(u8::try_from(c).ok()?);
                    if letters.len() > 2 {
                        return None;
                    }
                }
            }
        }
    }
    match letters.as_slice() {
        [upper, lower] if upper.is_ascii_uppercase() && upper.to_ascii_lowercase() == *lower => Some(*lower),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pattern: &str) -> Option<(Vec<String>, bool)> {
        let hir =
            regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap();
        let required = required_literals(&hir).into_iter().next()?;
        Some((
            required.texts.iter().map(|t| String::from_utf8_lossy(t).into_owned()).collect(),
            required.any_case,
        ))
    }

    #[test]
    fn the_longest_text_that_must_be_there() {
        for (pattern, wanted) in [
            (r"^Failed \S+ for .* from (?P<ip4>[0-9.]+) port", vec!["Failed "]),
            (r"^(?:Illegal|Invalid) user", vec!["Illegal", "Invalid"]),
            (r"^(?P<a>Conn)(?P<b>ection) closed", vec!["Connection closed"]),
            (r"x(?:abc)?defg", vec!["defg"]),
        ] {
            let (mut got, any_case) = texts(pattern).unwrap();
            got.sort();
            assert_eq!(
                (got.iter().map(String::as_str).collect::<Vec<_>>(), any_case),
                (wanted, false),
                "{pattern}"
            );
        }
    }

    #[test]
    fn what_is_common_is_chosen() {
        let sets = |pattern: &str| {
            required_literals(
                &regex_syntax::ParserBuilder::new()
                    .unicode(false)
                    .utf8(false)
                    .build()
                    .parse(pattern)
                    .unwrap(),
            )
        };
        let regexes = [
            sets(r"sshd\[\d+\]: Failed \S+"),
            sets(r"sshd\[\d+\]: Invalid user"),
            sets("Bad protocol version"),
        ];
        let chosen = cover(&regexes).unwrap();
        let texts: Vec<_> =
            chosen.iter().map(|r| String::from_utf8_lossy(&r.texts[0]).into_owned()).collect();
        assert_eq!(texts, ["sshd[", "Bad protocol version"]);
        assert_eq!(cover(&[sets("abcd"), sets(r"\d+")]), None);
    }

    #[test]
    fn a_text_does_not_reach_across_the_place_of_a_repeated_message() {
        assert_eq!(texts(r"^ \S+ door: knocked by").unwrap().0, ["knocked by"]);
    }

    #[test]
    fn letters_in_any_case_are_found_in_any_case() {
        assert_eq!(texts("(?i)Login failed"), Some((vec!["login failed".to_owned()], true)));
    }

    #[test]
    fn one_letter_in_any_case_leaves_the_rest_as_it_is() {
        assert_eq!(texts("^[aA]uthentication (?:x|y)"), Some((vec!["uthentication ".to_owned()], false)));
        assert_eq!(texts("^pam [Bb]ad (?:x|y)"), Some((vec!["pam bad ".to_owned()], true)));
    }

    #[test]
    fn where_nothing_must_be_there_nothing_is_claimed() {
        for pattern in [r"\S+ \d+", "(?:abcdef|x*)", "a", "(?:abc)?"] {
            assert_eq!(texts(pattern), None, "{pattern}");
        }
    }
}
