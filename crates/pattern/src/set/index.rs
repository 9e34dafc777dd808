//! One field: what its values are looked up in, for all questions at once.

use std::collections::HashMap;

use super::affixes::{Affixes, Prefixes, Suffixes};
use super::inner::Inner;
use super::networks::Networks;
use super::numbers::Numbers;
use super::postings::{ListId, Posting, PostingsBuilder};
use crate::address::{Address, Cidr};
use crate::case::Folded;
use crate::condition::{Condition, Literal, Value};
use crate::number::{Bound, Number, Range};
use crate::table::Table;
use crate::wildcard::{Anchor, Wildcard};

/// The lookups of a field.
#[derive(Debug, Default)]
pub(super) struct Index {
    exact: bool,
    literals: [Option<ListId>; 3],
    numbers: Option<Numbers>,
    /// Everything about strings that is more than being the same.
    texts: Option<Box<Texts>>,
}

#[derive(Debug, Default)]
struct Texts {
    any: Option<ListId>,
    /// In lower case.
    equal: Table,
    prefixes: Prefixes,
    suffixes: Suffixes,
    lower_prefixes: Prefixes,
    lower_suffixes: Suffixes,
    inner: Option<Inner>,
    networks: Option<Networks>,
    /// What is tried one by one: text with unusual letters without regard to case, JSON in strings.
    others: Vec<(Condition, Posting)>,
    lowers: bool,
}

/// The same while conditions are added.
#[derive(Debug, Default)]
pub(super) struct IndexBuilder {
    exact: Texted,
    equal: Texted,
    prefixes: Texted,
    suffixes: Texted,
    lower_prefixes: Texted,
    lower_suffixes: Texted,
    inner: Texted,
    wildcards: Vec<(Wildcard, Posting)>,
    /// What `inner` was made of.
    inner_whole: Vec<(Condition, Posting)>,
    any: Option<ListId>,
    literals: [Option<ListId>; 3],
    ranges: Vec<(Range, Posting)>,
    networks: HashMap<Cidr, ListId>,
    others: Vec<(Condition, Posting)>,
}

type Texted = HashMap<Box<[u8]>, ListId>;

/// What a lookup finds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Found {
    List(ListId),
    One(Posting),
}

/// What conditions are added to beside the index itself.
pub(super) struct Shared<'a> {
    pub(super) postings: &'a mut PostingsBuilder,
    /// Wildcards that must be tried, and what it means when they fit.
    pub(super) wildcards: &'a mut Vec<(Wildcard, Posting)>,
    /// What strings mean by being the same, by field.
    pub(super) exact: &'a mut Table,
}

impl Index {
    pub(super) fn literal(&self, literal: Literal) -> Option<ListId> {
        self.literals.get(literal as usize).copied().flatten()
    }

    pub(super) fn number(&self, lexeme: &[u8], found: impl FnMut(ListId)) {
        if let Some(numbers) = &self.numbers {
            numbers.find(lexeme, found);
        }
    }

    /// Whether a string may mean something by being the same: what, is in the set's own table.
    #[inline]
    pub(super) fn has_exact(&self) -> bool {
        self.exact
    }

    /// Whether a string may mean something at all.
    #[inline]
    pub(super) fn has_strings(&self) -> bool {
        self.exact || self.texts.is_some()
    }

    /// Whether a string may mean something in another way.
    #[inline]
    pub(super) fn has_more(&self) -> bool {
        self.texts.is_some()
    }

    /// Tells what a string means in other ways. `lower` is a buffer.
    pub(super) fn more(&self, text: &[u8], lower: &mut Vec<u8>, mut found: impl FnMut(Found)) {
        if let Some(texts) = &self.texts {
            texts.find(text, lower, &mut found);
        }
    }
}

impl Texts {
    fn find(&self, text: &[u8], lower: &mut Vec<u8>, tell: &mut impl FnMut(Found)) {
        let mut found = |list| tell(Found::List(list));
        if let Some(list) = self.any {
            found(list);
        }
        if self.lowers {
            lower.clear();
            lower.extend(text.iter().map(u8::to_ascii_lowercase));
            if let Some(list) = self.equal.get(0, lower) {
                found(ListId(list));
            }
            self.lower_prefixes.find(lower, &mut found);
            self.lower_suffixes.find(lower, &mut found);
        }
        self.prefixes.find(text, &mut found);
        self.suffixes.find(text, &mut found);
        if let Some(inner) = &self.inner {
            inner.find(text, &mut found);
        }
        if let Some(networks) = &self.networks
            && let Some(address) = Address::parse(text)
        {
            networks.find(address, &mut found);
        }
        if !self.others.is_empty() {
            let value = Value::String(text.into());
            for (condition, posting) in &self.others {
                if condition.holds(&value) {
                    tell(Found::One(*posting));
                }
            }
        }
    }
}

impl IndexBuilder {
    /// Adds a condition other than `anything-but`, which is added as what it excludes.
    pub(super) fn add(&mut self, condition: &Condition, posting: Posting, shared: &mut Shared<'_>) {
        match condition {
            Condition::String(text) => put(&mut self.exact, text.clone(), posting, shared),
            Condition::Prefix(text) => self.prefix(text, posting, shared),
            Condition::Suffix(text) => self.suffix(text, posting, shared),
            Condition::EqualsIgnoreCase(folded) => self.equal(folded, posting, shared),
            Condition::PrefixIgnoreCase(folded) => match folded.as_lower_ascii() {
                Some(lower) if lower.is_empty() => self.any(posting, shared),
                Some(lower) => put(&mut self.lower_prefixes, lower.into(), posting, shared),
                None => self.others.push((condition.clone(), posting)),
            },
            Condition::SuffixIgnoreCase(folded) => match folded.as_lower_ascii() {
                Some(lower) if lower.is_empty() => self.any(posting, shared),
                Some(lower) => put(&mut self.lower_suffixes, lower.into(), posting, shared),
                None => self.others.push((condition.clone(), posting)),
            },
            Condition::Wildcard(wildcard) => self.wildcard(wildcard, posting),
            Condition::Number(number) => self.number(number, posting),
            Condition::Range(range) => self.ranges.push((range.clone(), posting)),
            Condition::Literal(literal) => {
                if let Some(list) = self.literals.get_mut(*literal as usize) {
                    let list = *list.get_or_insert_with(|| shared.postings.list());
                    shared.postings.push(list, posting);
                }
            }
            Condition::Cidr(cidr) => {
                let list = *self.networks.entry(*cidr).or_insert_with(|| shared.postings.list());
                shared.postings.push(list, posting);
            }
            Condition::Json(_) => self.others.push((condition.clone(), posting)),
            Condition::Exists | Condition::Absent | Condition::Compare(_) | Condition::AnythingBut(_) => {}
        }
    }

    pub(super) fn prefix(&mut self, text: &[u8], posting: Posting, shared: &mut Shared<'_>) {
        if text.is_empty() {
            return self.any(posting, shared);
        }
        put(&mut self.prefixes, text.into(), posting, shared);
    }

    pub(super) fn suffix(&mut self, text: &[u8], posting: Posting, shared: &mut Shared<'_>) {
        if text.is_empty() {
            return self.any(posting, shared);
        }
        put(&mut self.suffixes, text.into(), posting, shared);
    }

    pub(super) fn exact(&mut self, text: &[u8], posting: Posting, shared: &mut Shared<'_>) {
        put(&mut self.exact, text.into(), posting, shared);
    }

    pub(super) fn equal(&mut self, folded: &Folded, posting: Posting, shared: &mut Shared<'_>) {
        match folded.as_lower_ascii() {
            Some(lower) => put(&mut self.equal, lower.into(), posting, shared),
            None => self.others.push((Condition::EqualsIgnoreCase(folded.clone()), posting)),
        }
    }

    pub(super) fn number(&mut self, number: &Number, posting: Posting) {
        let bound = Some(Bound { number: number.clone(), inclusive: true });
        self.ranges.push((Range { low: bound.clone(), high: bound }, posting));
    }

    pub(super) fn wildcard(&mut self, wildcard: &Wildcard, posting: Posting) {
        self.wildcards.push((wildcard.clone(), posting));
    }

    /// Puts each wildcard where the rarest of its texts is looked up: what many have in common tells least.
    fn place_wildcards(&mut self, shared: &mut Shared<'_>) {
        let wildcards = std::mem::take(&mut self.wildcards);
        let mut common: HashMap<Anchor<'_>, usize> = HashMap::new();
        for anchor in wildcards.iter().flat_map(|(wildcard, _)| wildcard.anchors()) {
            *common.entry(anchor).or_default() += 1;
        }
        for (wildcard, meaning) in &wildcards {
            let rarest = wildcard.anchors().into_iter().min_by_key(|anchor| {
                let inner = matches!(anchor, Anchor::Inner(..));
                (
                    common.get(anchor).copied(),
                    std::cmp::Reverse(anchor.text().len().saturating_sub(4 * usize::from(inner))),
                )
            });
            let anchor = rarest.unwrap_or(Anchor::Any);
            let mut posting = *meaning;
            if !anchor.is_all() {
                shared.wildcards.push((wildcard.clone(), posting));
                posting = Posting::Try(u32::try_from(shared.wildcards.len() - 1).unwrap_or(u32::MAX));
            }
            match anchor {
                Anchor::Whole(text) => put(&mut self.exact, text.into(), posting, shared),
                Anchor::Any => self.any(posting, shared),
                Anchor::Prefix(text, _) => self.prefix(text, posting, shared),
                Anchor::Suffix(text, _) => self.suffix(text, posting, shared),
                Anchor::Inner(text, _) => {
                    put(&mut self.inner, text.into(), posting, shared);
                    self.inner_whole.push((Condition::Wildcard(wildcard.clone()), *meaning));
                }
            }
        }
    }

    fn any(&mut self, posting: Posting, shared: &mut Shared<'_>) {
        let list = *self.any.get_or_insert_with(|| shared.postings.list());
        shared.postings.push(list, posting);
    }

    pub(super) fn finish(mut self, field: u32, shared: &mut Shared<'_>) -> Index {
        self.place_wildcards(shared);
        let mut inner = None;
        if !self.inner.is_empty() {
            match Inner::new(&self.inner) {
                Ok(texts) => inner = Some(texts),
                // Larger than the library's numbers reach: one by one.
                Err(_) => self.others.append(&mut self.inner_whole),
            }
        }
        let lowers =
            !(self.equal.is_empty() && self.lower_prefixes.is_empty() && self.lower_suffixes.is_empty());
        let plain = self.any.is_none()
            && !lowers
            && self.prefixes.is_empty()
            && self.suffixes.is_empty()
            && inner.is_none()
            && self.networks.is_empty()
            && self.others.is_empty();
        let texts = (!plain).then(|| {
            Box::new(Texts {
                any: self.any,
                equal: table(&self.equal),
                prefixes: Affixes::new(self.prefixes),
                suffixes: Affixes::new(self.suffixes),
                lower_prefixes: Affixes::new(self.lower_prefixes),
                lower_suffixes: Affixes::new(self.lower_suffixes),
                inner,
                networks: (!self.networks.is_empty()).then(|| Networks::new(self.networks)),
                others: self.others,
                lowers,
            })
        });
        let numbers = (!self.ranges.is_empty()).then(|| Numbers::new(&self.ranges, shared.postings));
        for (text, list) in &self.exact {
            shared.exact.insert(field, text, list.0);
        }
        Index { exact: !self.exact.is_empty(), literals: self.literals, numbers, texts }
    }
}

fn put(texts: &mut Texted, text: Box<[u8]>, posting: Posting, shared: &mut Shared<'_>) {
    let list = *texts.entry(text).or_insert_with(|| shared.postings.list());
    shared.postings.push(list, posting);
}

fn table(texts: &Texted) -> Table {
    let mut table = Table::default();
    for (text, list) in texts {
        table.insert(0, text, list.0);
    }
    table
}
