//! Several filters that read the same stream, and the one literal scan that finds the lines they may care about.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::filter::Filter;

/// One bit per filter of a set.
pub(crate) type Claims = u128;

/// How many filters may read one stream.
pub const MAX_FILTERS: usize = 128;

/// Filters that read the same lines. A line is cut out, dated and matched only if it contains a text that one of
/// them requires; all others cost what scanning memory costs.
#[derive(Debug)]
pub struct FilterSet {
    pub(crate) filters: Vec<Arc<Filter>>,
    /// Finds the next line that anybody may care about.
    next: Option<AhoCorasick>,
    /// Finds everybody who may care about a line; only where there are several filters.
    all: Option<AhoCorasick>,
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
        let build = |kind| {
            AhoCorasick::builder().match_kind(kind).ascii_case_insensitive(any_case).build(&texts).ok()
        };
        let next = if texts.is_empty() { None } else { build(MatchKind::LeftmostFirst) };
        let all = if texts.is_empty() || filters.len() < 2 { None } else { build(MatchKind::Standard) };
        if next.is_none() && !texts.is_empty() {
            always = Claims::MAX;
        }
        (Self { filters, next, all, claims_of, always, several }, surplus)
    }

    /// The filters, in their order.
    pub fn filters(&self) -> &[Arc<Filter>] {
        &self.filters
    }

    /// Where in `bytes`, from `from` on, the next text stands that anybody requires.
    pub(crate) fn next_candidate(&self, bytes: &[u8], from: usize) -> Option<std::ops::Range<usize>> {
        let found = self.next.as_ref()?.find(aho_corasick::Input::new(bytes).span(from..bytes.len()))?;
        Some(found.span().into())
    }

    /// Who may care about a line that contains a required text at or after the beginning of `tail`.
    pub(crate) fn claims(&self, tail: &[u8]) -> Claims {
        let Some(all) = &self.all else { return 1 };
        let hits = all.find_overlapping_iter(tail);
        hits.fold(self.always, |claims, hit| {
            claims | self.claims_of.get(hit.pattern().as_usize()).copied().unwrap_or(0)
        })
    }
}
