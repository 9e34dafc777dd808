//! Compiles patterns to a set.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashMap;

use super::index::{IndexBuilder, Shared};
use super::postings::{Posting, PostingsBuilder};
use super::{Access, Asked, NO_QUESTION, Question, Rule, RuleSet, Span};
use crate::condition::{Condition, Excluded};
use crate::paths::{FieldId, Paths};
use crate::pattern::{Field, Pattern};
use crate::table::Table;
use crate::wildcard::Wildcard;

static SETS: AtomicU64 = AtomicU64::new(1);

pub(super) fn build<'p>(patterns: impl IntoIterator<Item = &'p Pattern>) -> RuleSet {
    let mut builder = Builder::default();
    let mut count = 0;
    for pattern in patterns {
        builder.add(pattern, count);
        count += 1;
    }
    builder.finish(count)
}

#[derive(Default)]
struct Builder {
    paths: Option<Paths>,
    known: HashMap<(FieldId, Arc<[Condition]>), u32>,
    questions: Vec<Question>,
    /// How many rules ask each question.
    asked: Vec<u32>,
    /// How many rules name each exact value, by field.
    named: HashMap<(FieldId, Box<[u8]>), u32>,
    /// Rules by their questions, and the patterns that they stand for.
    rules: HashMap<Box<[u32]>, Vec<usize>>,
    indices: Vec<IndexBuilder>,
    postings: PostingsBuilder,
    wildcards: Vec<(Wildcard, Posting)>,
    exact: Table,
    exclusions: usize,
}

impl Builder {
    fn add(&mut self, pattern: &Pattern, id: usize) {
        for branch in &pattern.branches {
            let mut questions: Vec<u32> = branch.fields.iter().map(|field| self.question(field)).collect();
            questions.sort_unstable();
            let owners = self.rules.entry(questions.into_boxed_slice()).or_default();
            if owners.last() != Some(&id) {
                owners.push(id);
            }
        }
    }

    /// The number of a question; a new one is put into the index of its field.
    fn question(&mut self, field: &Field) -> u32 {
        let paths = self.paths.get_or_insert_with(Paths::new);
        let id = paths.add(&field.path);
        for condition in &*field.conditions {
            if let Condition::Compare(compare) = condition {
                paths.add(&compare.other);
            }
        }
        if self.indices.len() < paths.len() {
            self.indices.resize_with(paths.len(), IndexBuilder::default);
        }
        let number = u32::try_from(self.questions.len()).unwrap_or(u32::MAX);
        let wanted = (id, Arc::clone(&field.conditions));
        match self.known.entry(wanted.clone()) {
            hashbrown::hash_map::Entry::Occupied(known) => return *known.get(),
            hashbrown::hash_map::Entry::Vacant(new) => *new.insert(number),
        };
        let first = self.exclusions;
        let mut question =
            Question { wanted, present: false, absent: false, compares: false, exclusions: Span::default() };
        for condition in &*field.conditions {
            match condition {
                Condition::Exists => question.present = true,
                Condition::Absent => question.absent = true,
                Condition::Compare(_) => question.compares = true,
                Condition::AnythingBut(excluded) => self.exclude(id, excluded),
                other => {
                    let mut shared = Shared {
                        postings: &mut self.postings,
                        wildcards: &mut self.wildcards,
                        exact: &mut self.exact,
                    };
                    if let Some(index) = self.indices.get_mut(id.0 as usize) {
                        index.add(other, Posting::Answer(number), &mut shared);
                    }
                    if let Condition::String(text) = other {
                        *self.named.entry((id, text.clone())).or_default() += 1;
                    }
                }
            }
        }
        question.exclusions = span(first, self.exclusions);
        self.questions.push(question);
        number
    }

    fn exclude(&mut self, field: FieldId, excluded: &Excluded) {
        let posting = Posting::Exclude(u32::try_from(self.exclusions).unwrap_or(u32::MAX));
        self.exclusions += 1;
        let shared = &mut Shared {
            postings: &mut self.postings,
            wildcards: &mut self.wildcards,
            exact: &mut self.exact,
        };
        let Some(index) = self.indices.get_mut(field.0 as usize) else { return };
        match excluded {
            Excluded::Strings(texts) => texts.iter().for_each(|text| index.exact(text, posting, shared)),
            Excluded::Numbers(numbers) => numbers.iter().for_each(|number| index.number(number, posting)),
            Excluded::Prefixes(texts) => texts.iter().for_each(|text| index.prefix(text, posting, shared)),
            Excluded::Suffixes(texts) => texts.iter().for_each(|text| index.suffix(text, posting, shared)),
            Excluded::Wildcards(texts) => texts.iter().for_each(|text| index.wildcard(text, posting)),
            Excluded::IgnoreCase(texts) => texts.iter().for_each(|text| index.equal(text, posting, shared)),
        }
    }

    fn finish(mut self, patterns: usize) -> RuleSet {
        self.asked = vec![0; self.questions.len()];
        for question in self.rules.keys().flatten() {
            if let Some(asked) = self.asked.get_mut(*question as usize) {
                *asked += 1;
            }
        }
        let costs: Vec<u64> = (0..self.questions.len()).map(|question| self.cost(question)).collect();
        let cost = |question: &u32| costs.get(*question as usize).copied().unwrap_or(u64::MAX);
        let mut by_question = vec![Vec::new(); self.questions.len()];
        let mut by_field = vec![Vec::new(); self.indices.len()];
        let (mut rules, mut rule_questions, mut owners, mut always) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut sorted: Vec<_> = std::mem::take(&mut self.rules).into_iter().collect();
        sorted.sort_unstable_by(|left, right| left.1.cmp(&right.1));
        for (mut questions, ids) in sorted {
            questions.sort_by_key(cost);
            let number = u32::try_from(rules.len()).unwrap_or(u32::MAX);
            let all = questions.iter().filter_map(|question| self.questions.get(*question as usize));
            let compares = all.clone().any(|question| question.compares);
            let by_value =
                |question: &&u32| self.questions.get(**question as usize).is_some_and(Question::is_by_value);
            let also = questions.iter().skip(1).find(by_value).copied().unwrap_or(NO_QUESTION);
            let access = Access { rule: number, also };
            match questions.first().and_then(|first| Some((*first, self.questions.get(*first as usize)?))) {
                Some((_, first)) if first.absent => always.push(access),
                Some((_, first)) if first.needs_only_presence() => {
                    if let Some(rules) = by_field.get_mut(first.wanted.0.0 as usize) {
                        rules.push(access);
                    }
                }
                Some((at, _)) => {
                    if let Some(rules) = by_question.get_mut(at as usize) {
                        rules.push(access);
                    }
                }
                // It asks for nothing: what is left `below` something can be empty.
                None => always.push(access),
            }
            let start = rule_questions.len();
            rule_questions.extend(questions.iter().map(|question| Asked {
                question: *question,
                by_value: self.questions.get(*question as usize).is_some_and(Question::is_by_value),
            }));
            let first_owner = owners.len();
            owners.extend(ids);
            rules.push(Rule {
                questions: span(start, rule_questions.len()),
                owners: span(first_owner, owners.len()),
                compares,
            });
        }
        let mut access = Vec::new();
        let mut flat = |lists: Vec<Vec<Access>>| -> Vec<Span> {
            let spans = lists.into_iter().map(|list| {
                let start = access.len();
                access.extend(list);
                span(start, access.len())
            });
            spans.collect()
        };
        let (by_question, by_field) = (flat(by_question), flat(by_field));
        let indices = std::mem::take(&mut self.indices);
        let mut shared =
            Shared { postings: &mut self.postings, wildcards: &mut self.wildcards, exact: &mut self.exact };
        let indices = (0u32..).zip(indices).map(|(field, index)| index.finish(field, &mut shared)).collect();
        RuleSet {
            id: SETS.fetch_add(1, Ordering::Relaxed),
            patterns,
            paths: self.paths.unwrap_or_default(),
            indices,
            postings: self.postings.finish(),
            wildcards: self.wildcards,
            exact: self.exact,
            questions: self.questions,
            rules,
            rule_questions,
            owners,
            by_question,
            by_field,
            access,
            always,
            exclusions: self.exclusions,
        }
    }

    /// How often a question is answered by events, as far as the patterns let one guess: what many rules ask is answered
    /// often, and some conditions hold for more values than others. A rule is looked at by its cheapest question.
    fn cost(&self, question: usize) -> u64 {
        let Some(asked) = self.questions.get(question) else { return u64::MAX };
        if asked.absent {
            return u64::MAX;
        }
        let rules = u64::from(self.asked.get(question).copied().unwrap_or(1));
        if asked.needs_only_presence() {
            return u64::MAX / 2 + rules;
        }
        let values = asked.wanted.1.iter().map(|condition| match condition {
            Condition::String(text) => {
                let named = self.named.get(&(asked.wanted.0, text.clone())).copied().unwrap_or(1);
                4 * u64::from(named)
            }
            Condition::Literal(_) => 400,
            Condition::Range(_) => 100,
            Condition::Prefix(text) | Condition::Suffix(text) => 64 / (1 + text.len() as u64) + 8,
            Condition::Cidr(cidr) => 8 + u64::from(32u8.saturating_sub(cidr.bits)),
            Condition::Number(_) => 40,
            _ => 20,
        });
        values.sum::<u64>() * (rules + 1)
    }
}

impl Question {
    /// Whether only a value that fulfils an alternative by itself answers it.
    fn is_by_value(&self) -> bool {
        !self.absent && !self.needs_only_presence()
    }

    /// Whether some alternative holds for (nearly) any value.
    fn needs_only_presence(&self) -> bool {
        self.present || self.compares || self.exclusions.length > 0
    }
}

fn span(start: usize, end: usize) -> Span {
    Span {
        start: u32::try_from(start).unwrap_or(u32::MAX),
        length: u32::try_from(end - start).unwrap_or(u32::MAX),
    }
}
