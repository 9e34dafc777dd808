//! Which regexes of a filter can begin as a text begins.
//!
//! After the prefix most failregexes begin with words of their own: `Failed `, `Connection closed by `. A look at the
//! first bytes leaves a few of them to try, which is cheaper than asking an automaton about the whole line.

use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Hir, Look};

/// The most beginnings one regex may have; one with more is left to the automaton.
const MAX_BEGINNINGS: usize = 64;

/// The beginnings of all regexes, by their first byte.
#[derive(Debug)]
pub(crate) struct Dispatch {
    by_first: Vec<Vec<Beginning>>,
}

/// The first bytes of a text, at most sixteen, as one number; what is longer the regex itself will see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Beginning {
    mask: u128,
    value: u128,
    regex: usize,
}

impl Beginning {
    fn new(text: &[u8], regex: usize) -> Self {
        let mask = head(&vec![0xFF; text.len().min(16)]);
        Self { mask, value: head(text) & mask, regex }
    }
}

/// The first sixteen bytes as a number; zeros where there are fewer.
#[inline]
fn head(text: &[u8]) -> u128 {
    match text.first_chunk() {
        Some(sixteen) => u128::from_le_bytes(*sixteen),
        None => text.iter().rev().fold(0, |sum, &byte| sum << 8 | u128::from(byte)),
    }
}

impl Dispatch {
    /// `None` unless every regex is anchored and begins with one of a few texts.
    pub(crate) fn new(regexes: &[&Hir]) -> Option<Self> {
        let mut by_first = vec![Vec::new(); 256];
        for (n, regex) in regexes.iter().enumerate() {
            if !regex.properties().look_set_prefix().contains(Look::Start) {
                return None;
            }
            let beginnings =
                Extractor::new().kind(ExtractKind::Prefix).limit_total(MAX_BEGINNINGS).extract(regex);
            for beginning in beginnings.literals()? {
                let text = beginning.as_bytes();
                let bucket: &mut Vec<Beginning> = by_first.get_mut(usize::from(*text.first()?))?;
                let beginning = Beginning::new(text, n);
                if !bucket.contains(&beginning) {
                    bucket.push(beginning);
                }
            }
        }
        Some(Self { by_first })
    }

    /// The regexes that can begin as `text` begins, in their order; one may come more than once.
    #[inline]
    pub(crate) fn candidates(&self, text: &[u8]) -> impl Iterator<Item = usize> {
        let bucket = text.first().and_then(|&first| self.by_first.get(usize::from(first)));
        let head = head(text);
        let fits = move |beginning: &&Beginning| head & beginning.mask == beginning.value;
        bucket.map_or(&[][..], Vec::as_slice).iter().filter(fits).map(|beginning| beginning.regex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hirs(patterns: &[&str]) -> Vec<Hir> {
        let parse = |p: &&str| {
            regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(p).unwrap()
        };
        patterns.iter().map(parse).collect()
    }

    #[test]
    fn a_look_at_the_beginning_leaves_a_few() {
        let hirs =
            hirs(&[r"^Failed \S+ for", r"^(?:Invalid|Illegal) user", r"^Failed publickey", r"^(?i)bad"]);
        let dispatch = Dispatch::new(&hirs.iter().collect::<Vec<_>>()).unwrap();
        let of = |text: &str| dispatch.candidates(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(of("Failed publickey for x"), [0, 2]);
        assert_eq!(of("Failed password for x"), [0]);
        assert_eq!(of("Illegal user"), [1]);
        assert_eq!(of("bAd"), [3]);
        assert_eq!(of("Accepted"), [0_usize; 0]);
        assert_eq!(of(""), [0_usize; 0]);
    }

    #[test]
    fn a_regex_that_begins_with_anything_needs_the_automaton() {
        for pattern in [r"Failed", r"^\S+ failed", r"^.*x", r"^(?:Failed|\w+) x"] {
            assert!(Dispatch::new(&hirs(&[pattern]).iter().collect::<Vec<_>>()).is_none(), "{pattern}");
        }
    }
}
