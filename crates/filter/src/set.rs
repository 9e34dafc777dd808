//! Several filters that read the same stream, and the one literal scan that finds the lines they may care about.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::filter::Filter;

/// One bit per filter of a set.
pub(crate) type Claims = u128;

/// How many filters may read one stream.
pub const MAX_FILTERS: usize = 128;

/// So many texts are searched for at once without a table.
const FEW_TEXTS: usize = 48;
/// The texts that a table is made for may have so many bytes together; it takes some hundred times as many.
const MAX_TABLE_TEXTS: usize = 16 << 10;

/// Filters that read the same lines. A line is cut out, dated and matched only if it contains a text that one of
/// them requires; all others cost what scanning memory costs.
#[derive(Debug)]
pub struct FilterSet {
    pub(crate) filters: Vec<Arc<Filter>>,
    /// Finds the next line that anybody may care about, and everybody who may care about a line.
    texts: Option<AhoCorasick>,
    claims_of: Vec<Claims>,
    /// Filters that require no text: every line is theirs.
    pub(crate) always: Claims,
    /// Filters that see several lines at once.
    pub(crate) several: Claims,
}

impl FilterSet {
    /// A set of these filters; those beyond [`MAX_FILTERS`] are handed back.
    pub fn new(mut filters: Vec<Arc<Filter>>) -> (Self, Vec<Arc<Filter>>) {
        let surplus = filters.split_off(filters.len().min(MAX_FILTERS));
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut claims_of: Vec<Claims> = Vec::new();
        let (mut always, mut several, mut any_case) = (0, 0, false);
        for (n, filter) in filters.iter().enumerate() {
            several |= Claims::from(filter.sees_several()) << n;
            let Some(required) = &filter.required else {
                always |= 1 << n;
                continue;
            };
            for one in required {
                any_case |= one.any_case;
                for text in &one.texts {
                    match texts.iter().position(|known| known == text).and_then(|at| claims_of.get_mut(at)) {
                        Some(claims) => *claims |= 1 << n,
                        None => {
                            texts.push(text.clone());
                            claims_of.push(1 << n);
                        }
                    }
                }
            }
        }
        let bytes: usize = texts.iter().map(Vec::len).sum();
        // Few texts are searched for by a vector unit; many by a table, if it is not too large.
        let kind = (texts.len() > FEW_TEXTS && bytes <= MAX_TABLE_TEXTS).then_some(AhoCorasickKind::DFA);
        let built = AhoCorasick::builder()
            .kind(kind)
            .match_kind(if filters.len() > 1 { MatchKind::Standard } else { MatchKind::LeftmostFirst })
            .ascii_case_insensitive(any_case)
            .build(&texts);
        let found = built.ok().filter(|_| !texts.is_empty());
        if found.is_none() && !texts.is_empty() {
            always = Claims::MAX;
        }
        (Self { filters, texts: found, claims_of, always, several }, surplus)
    }

    /// The filters, in their order.
    pub fn filters(&self) -> &[Arc<Filter>] {
        &self.filters
    }

    /// Where in `bytes`, from `from` on, a text stands that anybody requires: of several filters the one that ends first.
    pub(crate) fn next_candidate(&self, bytes: &[u8], from: usize) -> Option<std::ops::Range<usize>> {
        let found = self.texts.as_ref()?.find(aho_corasick::Input::new(bytes).span(from..bytes.len()))?;
        Some(found.span().into())
    }

    /// Who may care about a line in which the first required text to end does so at `first_end`.
    pub(crate) fn claims(&self, line: &[u8], first_end: usize) -> Claims {
        let Some(all) = self.texts.as_ref().filter(|_| self.filters.len() > 1) else { return 1 };
        // A longer text may have begun before it.
        let from = first_end.saturating_sub(all.max_pattern_len());
        let hits = all.find_overlapping_iter(line.get(from..).unwrap_or_default());
        hits.fold(0, |claims, hit| {
            claims | self.claims_of.get(hit.pattern().as_usize()).copied().unwrap_or(0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FilterSpec;

    #[test]
    fn a_text_within_another_one_hides_nobody() {
        let compiled = |regex: &str| {
            let spec = FilterSpec { failregex: vec![regex.into()], ..FilterSpec::default() };
            Arc::new(Filter::compile(&spec).unwrap())
        };
        let (set, _) =
            FilterSet::new(vec![compiled("Received disconnect from <HOST>"), compiled("isconn.*<HOST>")]);
        let line = b"x Received disconnect from 192.0.2.1";
        let hit = set.next_candidate(line, 0).unwrap();
        assert_eq!(&line[hit.clone()], b"isconn", "the one that ends first");
        assert_eq!(set.claims(line, hit.end), 0b11);
    }
}
