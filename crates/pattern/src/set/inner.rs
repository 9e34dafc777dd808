//! All texts of a set that occur in a value, in one pass over it.
//!
//! A few texts are looked for by vector instructions, which pass over what cannot be the beginning of any 16 or 32 bytes at
//! a time; many texts, or a value full of them, by an automaton that takes byte after byte.

use std::collections::HashMap;

use aho_corasick::packed::{self, Searcher};
use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, Span};

use super::postings::ListId;

/// More texts than this are many.
const FEW_TEXTS: usize = 32;

/// After so many finds in one value the automaton goes on: it does not begin anew for each.
const MAX_FINDS: usize = 8;

/// An automaton of at most so many bytes of texts is one that needs no look back. It grows fast with them.
const MAX_DFA_BYTES: usize = 4_096;

/// The set.
#[derive(Debug)]
pub(super) struct Inner {
    automaton: AhoCorasick,
    /// Finds the longest text at the first place at which there is one.
    few: Option<Searcher>,
    lists: Vec<ListId>,
    /// Of each text, the longest other one that it begins with.
    parents: Vec<Option<usize>>,
}

impl Inner {
    /// Takes texts that are not empty.
    ///
    /// # Errors
    /// They are more than the automaton can count.
    pub(super) fn new(texts: &HashMap<Box<[u8]>, ListId>) -> Result<Self, BuildError> {
        let mut sorted: Vec<_> = texts.iter().collect();
        sorted.sort_unstable();
        let (texts, lists): (Vec<&[u8]>, Vec<ListId>) =
            sorted.into_iter().map(|(text, list)| (&**text, *list)).unzip();
        let mut builder = AhoCorasick::builder();
        let small = texts.iter().map(|text| text.len()).sum::<usize>() < MAX_DFA_BYTES;
        builder.kind(Some(if small { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA }));
        let few = (texts.len() <= FEW_TEXTS).then(|| {
            let mut config = packed::Config::new();
            config.match_kind(packed::MatchKind::LeftmostLongest).only_teddy(true);
            config.builder().extend(&texts).build()
        });
        let mut parents: Vec<Option<usize>> = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            let mut parent = at.checked_sub(1);
            while let Some(before) = parent
                && texts.get(before).is_some_and(|before| !text.starts_with(before))
            {
                parent = parents.get(before).copied().flatten();
            }
            parents.push(parent);
        }
        Ok(Self { automaton: builder.build(&texts)?, few: few.flatten(), lists, parents })
    }

    /// Tells the lists of all texts in a value; some of them more than once.
    #[inline]
    pub(super) fn find(&self, value: &[u8], mut found: impl FnMut(ListId)) {
        let mut start = 0;
        if let Some(few) = &self.few {
            for _ in 0..MAX_FINDS {
                let rest = Span { start, end: value.len() };
                if rest.len() < few.minimum_len() {
                    break;
                }
                let Some(hit) = few.find_in(value, rest) else { return };
                let mut text = Some(hit.pattern().as_usize());
                while let Some(at) = text {
                    if let Some(list) = self.lists.get(at) {
                        found(*list);
                    }
                    text = self.parents.get(at).copied().flatten();
                }
                start = hit.start() + 1;
            }
        }
        for hit in self.automaton.find_overlapping_iter(value.get(start..).unwrap_or_default()) {
            if let Some(list) = self.lists.get(hit.pattern().as_usize()) {
                found(*list);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_all_that_occur(
            texts in proptest::collection::hash_set("[abc]{1,4}|x{1,3}y", 1..50),
            few in 1usize..50,
            value in "[abcz]{0,40}|[xyz]{0,90}|z{40,80}[abcxy]{0,9}z{0,40}",
        ) {
            let texts: Vec<String> = texts.into_iter().take(few).collect();
            let lists = texts.iter().zip(0u32..).map(|(text, at)| (text.as_bytes().into(), ListId(at)));
            let inner = Inner::new(&lists.collect()).unwrap();
            let mut found = Vec::new();
            inner.find(value.as_bytes(), |list| found.push(texts[list.0 as usize].clone()));
            found.sort();
            found.dedup();
            let mut expected: Vec<String> = texts.iter().filter(|text| value.contains(*text)).cloned().collect();
            expected.sort();
            prop_assert_eq!(found, expected);
        }
    }
}
