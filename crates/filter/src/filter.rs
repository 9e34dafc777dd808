//! A filter, compiled: what one line means to it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use regex_automata::hybrid::dfa::Cache;
use regex_syntax::hir::Hir;

use crate::decide::{Decider, May};
use crate::dispatch::Dispatch;
use crate::fields::{Captured, Field};
use crate::multiline::{LineBuffer, MAX_SPAN, last_line};
use crate::prefix::{Head, HeadMemory};
use crate::regex::{Budget, FieldRegex, Required, Scratch, cover, required_literals};
use crate::spec::{FilterError, FilterSpec, Source, UseDns};
use crate::uncut::Cuts;

/// A filter, ready to judge lines. Immutable; what changes while it works is kept by the scanner.
#[derive(Debug)]
pub struct Filter {
    /// Its name with its parameters.
    pub name: Arc<str>,
    pub(crate) prefix: Option<FieldRegex>,
    pub(crate) fail: Vec<FieldRegex>,
    pub(crate) ignore: Vec<FieldRegex>,
    /// How many lines a regex sees at once.
    span: usize,
    pub(crate) datepattern: Option<String>,
    usedns: UseDns,
    /// How to come to an answer fast; built when the first line is judged.
    ways: OnceLock<Ways>,
    /// What a line must contain one of; `None`: every line must be judged.
    pub(crate) required: Option<Vec<Required>>,
}

/// What spares a filter most of its regexes.
#[derive(Debug)]
struct Ways {
    head: Option<Head>,
    /// Leaves a few regexes to try, by how a text begins…
    dispatch: Option<Dispatch>,
    /// …or, where they begin with anything, by an automaton over the whole line.
    decider: Option<Decider>,
}

/// What a filter remembers of one stream, and room to work in.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) cache: Option<Cache>,
    prefix: Option<Scratch>,
    head: HeadMemory,
    pub(crate) fail: Vec<Scratch>,
    pub(crate) ignore: Vec<Scratch>,
    /// For a filter that sees several lines at once.
    pub(crate) lines: Option<LineBuffer>,
    /// What the regexes may still take on this line.
    pub(crate) budget: Budget,
    /// The regexes that spent it, and how often.
    pub(crate) exhausted: BTreeMap<String, u64>,
}

impl Memory {
    /// Whether a regex was stopped on this line; then that is counted.
    pub(crate) fn spent_its_budget(&mut self) -> bool {
        let Some(regex) = self.budget.spent_by() else { return false };
        *self.exhausted.entry(regex.to_owned()).or_default() += 1;
        true
    }
}

/// What the regexes of a filter say of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    /// None matches.
    No,
    /// One of them spent the budget of the line, so nobody knows; it is counted in [`Memory::exhausted`].
    Exhausted,
    /// This one matches, and perhaps an ignoreregex too.
    Match { regex: usize, excused: bool },
}

/// What a filter says of a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// No regex matches.
    No,
    /// A regex matches, and the line only helps the other lines of its connection.
    Helps,
    /// A regex matches, and so does an ignoreregex.
    Ignored,
    /// It speaks against a key.
    Failure { regex: usize, key: stockade_core::Key },
    /// A regex spent the budget of the line, so nobody knows; it is counted in [`Memory::exhausted`].
    Exhausted,
}

impl Filter {
    /// Compiles a filter; all that is wrong with it is told at once.
    pub fn compile(spec: &FilterSpec) -> Result<Self, Vec<FilterError>> {
        let mut errors = Vec::new();
        let prefix =
            spec.prefregex.as_ref().and_then(|source| compile(spec, "prefregex", source, &mut errors));
        let mut all = |option, sources: &[Source]| -> Vec<FieldRegex> {
            sources.iter().filter_map(|source| compile(spec, option, source, &mut errors)).collect()
        };
        let fail = all("failregex", &spec.failregex);
        let ignore = all("ignoreregex", &spec.ignoreregex);
        if spec.maxlines > MAX_SPAN {
            let problem = format!("a regex can see at most {MAX_SPAN} lines at once");
            let source = Source { text: spec.maxlines.to_string(), origin: String::new() };
            errors.push(error(spec, "maxlines", &source, problem));
        }
        for (regex, source) in fail.iter().zip(&spec.failregex) {
            if errors.is_empty() && !names_somebody(regex) && !prefix.as_ref().is_some_and(names_somebody) {
                let problem = "expected a group that says whom it is about, such as <HOST> or <F-ID>";
                errors.push(error(spec, "failregex", source, problem.to_owned()));
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let several = spec.maxlines > 1;
        let prefix_hir = prefix.as_ref().map(|prefix| &prefix.hir);
        let cuts = Cuts::of(spec.datepattern.as_deref());
        let uncut =
            |hir: &Hir| required_literals(hir).iter().flat_map(|one| cuts.keep(one)).collect::<Vec<_>>();
        let of_prefix = prefix_hir.map(uncut).unwrap_or_default();
        let both = |regex: &FieldRegex| match several {
            false => [uncut(&regex.hir), of_prefix.clone()].concat(),
            // A prefix, and what looks ahead, may be satisfied by a line that is not the last one of a match.
            true if prefix.is_some() || regex.text.contains("(?=") => Vec::new(),
            true => uncut(&last_line(&regex.hir)),
        };
        let required = cover(&fail.iter().map(both).collect::<Vec<_>>());
        let datepattern = spec.datepattern.clone();
        Ok(Self {
            name: spec.name.clone(),
            prefix,
            fail,
            ignore,
            span: spec.maxlines.max(1),
            datepattern,
            usedns: spec.usedns,
            ways: OnceLock::new(),
            required,
        })
    }

    /// Whether what a regex calls a host may be a name, to be looked up: `usedns = yes`. The key of its match is that
    /// name.
    pub fn looks_up(&self, regex: usize) -> bool {
        let has = |regex: &FieldRegex, wanted| regex.groups.iter().any(|(_, field)| *field == wanted);
        let regexes = || self.fail.get(regex).into_iter().chain(&self.prefix);
        self.usedns == UseDns::Yes
            && regexes().any(|regex| has(regex, Field::Dns))
            && !regexes().any(|regex| has(regex, Field::Id))
    }

    /// The regexes, in their order, as they stand in the file.
    pub fn failregexes(&self) -> impl Iterator<Item = &str> {
        self.fail.iter().map(|regex| regex.text.as_str())
    }

    pub(crate) fn memory(&self) -> Memory {
        Memory {
            cache: None,
            prefix: self.prefix.as_ref().map(FieldRegex::scratch),
            head: HeadMemory::default(),
            fail: self.fail.iter().map(FieldRegex::scratch).collect(),
            ignore: self.ignore.iter().map(FieldRegex::scratch).collect(),
            lines: self.sees_several().then(|| LineBuffer::new(self.span)),
            budget: Budget::default(),
            exhausted: BTreeMap::new(),
        }
    }

    fn ways(&self) -> &Ways {
        self.ways.get_or_init(|| {
            let one = self.prefix.as_ref().filter(|_| !self.sees_several());
            let head =
                one.filter(|prefix| prefix.linear).and_then(|prefix| Head::new(&prefix.hir, &prefix.groups));
            let hirs: Vec<&Hir> = self.fail.iter().map(|regex| &regex.hir).collect();
            let dispatch = if one.is_some() { Dispatch::new(&hirs) } else { None };
            let prefix = self.prefix.as_ref().map(|prefix| &prefix.hir);
            let unaided = dispatch.is_none() && !self.sees_several();
            let decider = if unaided { Decider::new(prefix, &hirs) } else { None };
            Ways { head, dispatch, decider }
        })
    }

    /// Whether a regex sees several lines at once.
    pub(crate) fn sees_several(&self) -> bool {
        self.span > 1
    }

    /// What the regexes say of a line without its date; `fields` gets those of the groups.
    pub(crate) fn look<'t>(&self, memory: &mut Memory, text: &'t [u8], fields: &mut Captured<'t>) -> Looked {
        memory.budget = Budget::of_line(text.len());
        let found = self.find(memory, text, fields);
        let found = found.filter(|_| !fields.spoiled);
        let excused = found.as_ref().is_some_and(|found| self.is_ignored(memory, text, found.content));
        if memory.spent_its_budget() {
            return Looked::Exhausted;
        }
        found.map_or(Looked::No, |found| Looked::Match { regex: found.regex, excused })
    }

    /// The first failregex that matches; `fields` gets those of its groups and of the prefix.
    pub(crate) fn find<'t>(
        &self,
        memory: &mut Memory,
        text: &'t [u8],
        fields: &mut Captured<'t>,
    ) -> Option<Found<'t>> {
        let ways = self.ways();
        let first = match &ways.decider {
            Some(decider) => {
                let cache = memory.cache.get_or_insert_with(|| decider.cache());
                match decider.ask(cache, text) {
                    May::None => return None,
                    May::From(first) => first,
                }
            }
            None => 0,
        };
        let content = self.content(memory, text, |field, value_of, at| fields.take(field, value_of, at))?;
        match &ways.dispatch {
            Some(dispatch) => {
                dispatch.candidates(content).find_map(|n| self.try_regex(n, memory, content, fields))
            }
            None => (first..self.fail.len()).find_map(|n| self.try_regex(n, memory, content, fields)),
        }
    }

    fn try_regex<'t>(
        &self,
        regex: usize,
        memory: &mut Memory,
        content: &'t [u8],
        fields: &mut Captured<'t>,
    ) -> Option<Found<'t>> {
        let scratch = memory.fail.get_mut(regex)?;
        let groups = self.fail.get(regex)?.search(scratch, &mut memory.budget, content)?;
        groups.for_each(|(field, at)| fields.take(field, content, at));
        Some(Found { regex, content })
    }

    /// What the failregexes see of a line: what the prefix captured as content, else all of it. `None` if the prefix
    /// does not match.
    pub(crate) fn content<'t>(
        &self,
        memory: &mut Memory,
        text: &'t [u8],
        mut tell: impl FnMut(&Field, &'t [u8], std::ops::Range<usize>),
    ) -> Option<&'t [u8]> {
        let (Some(prefix), Some(scratch)) = (&self.prefix, &mut memory.prefix) else { return Some(text) };
        if let Some(head) = &self.ways().head
            && let Some(start) = head.content(&mut memory.head, text, |field, at| tell(field, text, at))
        {
            return text.get(start..);
        }
        let mut content = text;
        for (field, at) in prefix.search(scratch, &mut memory.budget, text)? {
            // fail2ban takes an empty content for none.
            if *field == Field::Content && !at.is_empty() {
                content = text.get(at.clone()).unwrap_or_default();
            }
            tell(field, text, at);
        }
        Some(content)
    }

    /// An ignoreregex may speak of the whole line or of what the failregexes see: fail2ban shows it one or the other,
    /// depending on how many regexes there are.
    pub(crate) fn is_ignored(&self, memory: &mut Memory, text: &[u8], content: &[u8]) -> bool {
        let budget = &mut memory.budget;
        self.ignore.iter().zip(&mut memory.ignore).any(|(regex, scratch)| {
            regex.is_match(scratch, budget, text)
                || (content.len() != text.len() && regex.is_match(scratch, budget, content))
        })
    }
}

/// A failregex that matched.
#[derive(Debug)]
pub(crate) struct Found<'t> {
    pub(crate) regex: usize,
    pub(crate) content: &'t [u8],
}

fn names_somebody(regex: &FieldRegex) -> bool {
    regex.groups.iter().any(|(_, field)| {
        matches!(field, Field::Id | Field::Ip4 | Field::Ip6 | Field::Dns | Field::ConnectionId)
    })
}

fn compile(
    spec: &FilterSpec,
    option: &'static str,
    source: &Source,
    errors: &mut Vec<FilterError>,
) -> Option<FieldRegex> {
    FieldRegex::new(&source.text, spec.usedns, option == "failregex" && spec.maxlines > 1)
        .map_err(|problem| errors.push(error(spec, option, source, problem.to_string())))
        .ok()
}

fn error(spec: &FilterSpec, option: &'static str, source: &Source, problem: String) -> FilterError {
    let text: String = source.text.chars().take(200).collect();
    FilterError { filter: spec.name.clone(), option, origin: source.origin.clone(), text, problem }
}
