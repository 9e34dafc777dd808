//! One event through a set.

use super::index::{Found, Index};
use super::postings::{ListId, Posting};
use super::{Access, Matches, NO_QUESTION, Question, Rule, RuleSet};
use crate::consistent::{Wanted, decide};
use crate::error::EventError;
use crate::json::unescape;
use crate::leaves::Leaves;
use crate::limits::MAX_CONSISTENCY_STEPS;
use crate::paths::{FieldId, NodeId};
use crate::scan::{Quoted, Raw, Sink, Walker};
use crate::table::Piece;

/// What matching needs beside the set: kept from event to event, so that nothing is allocated. One for each thread; it
/// serves any set, and any number of them in turn.
#[derive(Debug, Default)]
pub struct Scratch {
    walker: Walker,
    state: State,
    ids: Vec<usize>,
    undecided: Vec<usize>,
}

/// What is known of the event. Numbers that differ from the event's are from earlier ones and count for nothing.
#[derive(Debug, Default)]
struct State {
    set: u64,
    event: u32,
    leaf: u32,
    /// By question: the event that answered it.
    answered: Vec<u32>,
    /// The questions answered by which rules are looked at.
    reached: Vec<u32>,
    fields: Vec<FieldState>,
    present: Vec<u32>,
    exclusions: Vec<Exclusion>,
    /// By wildcard: the leaf on which it was last tried.
    tried: Vec<u32>,
    decoded: Vec<u8>,
    lower: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Default)]
struct FieldState {
    event: u32,
    leaves: u32,
    /// A leaf lies in an element of an array; one does not.
    inside: bool,
    outside: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Exclusion {
    event: u32,
    leaf: u32,
    /// How many leaves of its field are excluded.
    leaves: u32,
}

/// What a look at a rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    No,
    Yes,
    /// Every field by itself; whether together, the arrays decide.
    Arrays,
}

impl Scratch {
    /// Returns an empty scratch.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn run(
        &mut self,
        set: &RuleSet,
        parts: &[(NodeId, &[u8])],
    ) -> Result<Matches<'_>, EventError> {
        self.state.begin(set);
        self.walker.begin();
        for (root, part) in parts {
            self.walker.walk(part, &set.paths, *root, &mut Looking { set, state: &mut self.state })?;
        }
        Ok(self.judge(set, parts))
    }

    pub(super) fn run_first(
        &mut self,
        set: &RuleSet,
        root: NodeId,
        text: &[u8],
    ) -> Result<(Matches<'_>, usize), EventError> {
        self.state.begin(set);
        self.walker.begin();
        let sink = &mut Looking { set, state: &mut self.state };
        let end = self.walker.walk_first(text, &set.paths, root, sink)?;
        let object = text.get(..end).unwrap_or(text);
        Ok((self.judge(set, &[(root, object)]), end))
    }

    /// Looks at the rules that may match what was read.
    fn judge(&mut self, set: &RuleSet, parts: &[(NodeId, &[u8])]) -> Matches<'_> {
        self.ids.clear();
        self.undecided.clear();
        let mut slow =
            Slow { set, parts, walker: &mut self.walker, leaves: None, steps: MAX_CONSISTENCY_STEPS };
        let mut look = |rules: &[Access]| {
            for access in rules {
                // Most looks end here.
                if access.also != NO_QUESTION && !self.state.is_answered(access.also) {
                    continue;
                }
                let Some(rule) = set.rules.get(access.rule as usize) else { continue };
                let matched = match self.state.judge(set, rule) {
                    Verdict::No => continue,
                    Verdict::Yes => Some(true),
                    Verdict::Arrays => slow.decide(rule),
                };
                if matched != Some(false) {
                    self.ids.extend_from_slice(rule.owners.of(&set.owners));
                }
                if matched.is_none() {
                    self.undecided.extend_from_slice(rule.owners.of(&set.owners));
                }
            }
        };
        for question in &self.state.reached {
            look(set.by_question.get(*question as usize).copied().unwrap_or_default().of(&set.access));
        }
        for field in &self.state.present {
            look(set.by_field.get(*field as usize).copied().unwrap_or_default().of(&set.access));
        }
        look(&set.always);
        if self.ids.len() > 1 {
            self.ids.sort_unstable();
            self.ids.dedup();
        }
        self.undecided.sort_unstable();
        self.undecided.dedup();
        Matches { ids: &self.ids, undecided: &self.undecided }
    }
}

impl State {
    fn begin(&mut self, set: &RuleSet) {
        if self.set != set.id || self.event == u32::MAX || self.leaf > u32::MAX / 2 {
            let (decoded, lower) = (std::mem::take(&mut self.decoded), std::mem::take(&mut self.lower));
            *self = Self { set: set.id, decoded, lower, ..Self::default() };
            self.answered.resize(set.questions.len(), 0);
            self.fields.resize(set.indices.len(), FieldState::default());
            self.exclusions.resize(set.exclusions, Exclusion::default());
            self.tried.resize(set.wildcards.len(), 0);
        }
        self.event += 1;
        self.reached.clear();
        self.present.clear();
    }

    fn field(&self, field: FieldId) -> FieldState {
        let state = self.fields.get(field.0 as usize).copied().unwrap_or_default();
        if state.event == self.event { state } else { FieldState::default() }
    }

    /// Whether a value answered a question.
    #[inline]
    fn is_answered(&self, question: u32) -> bool {
        self.answered.get(question as usize) == Some(&self.event)
    }

    /// Looks at the questions of a rule, rarest first.
    #[inline(never)]
    fn judge(&self, set: &RuleSet, rule: &Rule) -> Verdict {
        let questions = rule.questions.of(&set.rule_questions);
        if questions.iter().any(|asked| asked.by_value && !self.is_answered(asked.question)) {
            return Verdict::No;
        }
        let (mut inside, mut arrays) = (0, rule.compares);
        for asked in questions {
            let Some(question) = set.questions.get(asked.question as usize) else { return Verdict::No };
            let field = self.field(question.wanted.0);
            if !self.is_answered(asked.question) && !self.holds(question, field) {
                if !question.absent || field.outside {
                    return Verdict::No;
                }
                // Absent as far as leaves go, or there are some, all of them in arrays.
                arrays |= field.leaves > 0;
            }
            inside += u32::from(field.inside);
        }
        if arrays || inside > 1 { Verdict::Arrays } else { Verdict::Yes }
    }

    /// Whether a question that no value answered by itself is answered by there being a value, or one not excluded.
    fn holds(&self, question: &Question, field: FieldState) -> bool {
        if field.leaves == 0 {
            return false;
        }
        if question.present || question.compares {
            return true;
        }
        let start = question.exclusions.start as usize;
        let exclusions =
            self.exclusions.get(start..start + question.exclusions.length as usize).unwrap_or_default();
        exclusions.iter().any(|excluded| excluded.event != self.event || excluded.leaves < field.leaves)
    }
}

/// Takes the leaves of an event.
struct Looking<'a> {
    set: &'a RuleSet,
    state: &'a mut State,
}

impl<'e> Sink<'e> for Looking<'_> {
    #[inline(always)]
    fn leaf(&mut self, field: FieldId, value: Raw<'e>, inside: bool) {
        let set = self.set;
        let state = &mut *self.state;
        state.leaf += 1;
        let event = state.event;
        if let Some(seen) = state.fields.get_mut(field.0 as usize) {
            if seen.event != event {
                *seen = FieldState { event, ..FieldState::default() };
                if set.by_field.get(field.0 as usize).is_some_and(|rules| rules.length > 0) {
                    state.present.push(field.0);
                }
            }
            seen.leaves += 1;
            seen.inside |= inside;
            seen.outside |= !inside;
        }
        let Some(index) = set.indices.get(field.0 as usize) else { return };
        match value {
            Raw::Literal(literal) => {
                if let Some(list) = index.literal(literal) {
                    state.list(set, list, &[]);
                }
            }
            Raw::Number(lexeme) => state.number(set, index, lexeme),
            Raw::String(_) if !index.has_strings() => {}
            Raw::String(Quoted { piece, escaped: false }) => state.string(set, field, index, piece),
            Raw::String(Quoted { piece, escaped: true }) => state.escaped(set, field, index, piece),
        }
    }
}

impl State {
    #[inline(never)]
    fn number(&mut self, set: &RuleSet, index: &Index, lexeme: &[u8]) {
        index.number(lexeme, |list| self.list(set, list, &[]));
    }

    #[cold]
    fn escaped(&mut self, set: &RuleSet, field: FieldId, index: &Index, piece: Piece<'_>) {
        let mut decoded = std::mem::take(&mut self.decoded);
        decoded.clear();
        unescape(piece.text(), &mut decoded);
        self.string(set, field, index, Piece::all(&decoded));
        self.decoded = decoded;
    }

    #[inline(never)]
    fn string(&mut self, set: &RuleSet, field: FieldId, index: &Index, piece: Piece<'_>) {
        let text = piece.text();
        if index.has_exact()
            && let Some(list) = set.exact.get_piece(field.0, piece, piece.words())
        {
            self.list(set, ListId(list), text);
        }
        if index.has_more() {
            let mut lower = std::mem::take(&mut self.lower);
            index.more(text, &mut lower, |found| match found {
                Found::List(list) => self.list(set, list, text),
                Found::One(posting) => self.apply(set, posting, text),
            });
            self.lower = lower;
        }
    }

    #[inline(never)]
    fn list(&mut self, set: &RuleSet, list: ListId, text: &[u8]) {
        for posting in set.postings.of(list) {
            self.apply(set, *posting, text);
        }
    }

    #[inline]
    fn apply(&mut self, set: &RuleSet, posting: Posting, text: &[u8]) {
        match posting {
            Posting::Answer(question) => {
                let Some(answered) = self.answered.get_mut(question as usize) else { return };
                if *answered != self.event {
                    *answered = self.event;
                    if set.by_question.get(question as usize).is_some_and(|rules| rules.length > 0) {
                        self.reached.push(question);
                    }
                }
            }
            Posting::Exclude(number) => {
                let Some(exclusion) = self.exclusions.get_mut(number as usize) else { return };
                if exclusion.event != self.event {
                    *exclusion = Exclusion { event: self.event, leaf: 0, leaves: 0 };
                }
                if exclusion.leaf != self.leaf {
                    exclusion.leaf = self.leaf;
                    exclusion.leaves += 1;
                }
            }
            Posting::Try(number) => {
                let Some(tried) = self.tried.get_mut(number as usize) else { return };
                if std::mem::replace(tried, self.leaf) != self.leaf
                    && let Some((wildcard, posting)) = set.wildcards.get(number as usize)
                    && wildcard.fits(text)
                {
                    self.apply(set, *posting, text);
                }
            }
        }
    }
}

/// Decides about arrays: the event is read once more, at most once.
struct Slow<'a, 'e> {
    set: &'a RuleSet,
    parts: &'a [(NodeId, &'e [u8])],
    walker: &'a mut Walker,
    leaves: Option<Leaves<'e>>,
    steps: u32,
}

impl Slow<'_, '_> {
    fn decide(&mut self, rule: &Rule) -> Option<bool> {
        if self.leaves.is_none() {
            self.leaves = Leaves::read_parts(self.parts, &self.set.paths, self.walker).ok();
        }
        let questions = rule.questions.of(&self.set.rule_questions).iter();
        let fields: Vec<Wanted> = questions
            .filter_map(|asked| Some(self.set.questions.get(asked.question as usize)?.wanted.clone()))
            .collect();
        decide(&fields, self.leaves.as_ref()?, &self.set.paths, &mut self.steps)
    }
}
