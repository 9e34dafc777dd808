//! A filter, compiled: what one line means to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex_automata::hybrid::dfa::Cache;
use regex_syntax::hir::Hir;
use stockade_core::Timestamp;

use crate::decide::{Decider, May};
use crate::dispatch::Dispatch;
use crate::fields::{Captured, Field};
use crate::multiline::{LineBuffer, MAX_SPAN, last_line};
use crate::prefix::{Head, HeadMemory};
use crate::regex::{Budget, FieldRegex, Required, Scratch, cover, required_literals};
use crate::session::{Meaning, Sessions};
use crate::spec::{FilterError, FilterSpec, Source};
use crate::uncut::Cuts;

/// A filter, ready to judge lines. Immutable; what changes while it works is kept by the scanner.
#[derive(Debug)]
pub struct Filter {
    /// Its name with its parameters.
    pub name: Arc<str>,
    pub(crate) prefix: Option<FieldRegex>,
    head: Option<Head>,
    pub(crate) fail: Vec<FieldRegex>,
    pub(crate) ignore: Vec<FieldRegex>,
    /// How many lines a regex sees at once.
    span: usize,
    pub(crate) datepattern: Option<String>,
    /// Leaves a few regexes to try, by how a text begins…
    dispatch: Option<Dispatch>,
    /// …or, where they begin with anything, by an automaton over the whole line.
    decider: Option<Decider>,
    /// What a line must contain one of; `None`: every line must be judged.
    pub(crate) required: Option<Vec<Required>>,
}

/// What a filter remembers of one stream, and room to work in.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) sessions: Sessions,
    pub(crate) cache: Option<Cache>,
    prefix: Option<Scratch>,
    head: HeadMemory,
    pub(crate) fail: Vec<Scratch>,
    pub(crate) ignore: Vec<Scratch>,
    pub(crate) user: Vec<u8>,
    /// For a filter that sees several lines at once.
    pub(crate) lines: Option<LineBuffer>,
    /// What the regexes may still take on this line.
    pub(crate) budget: Budget,
    /// The regexes that spent it, and how often.
    pub(crate) exhausted: BTreeMap<String, u64>,
}

impl Memory {
    /// Whether the line took more than it may; that is counted.
    pub(crate) fn is_exhausted(&mut self) -> bool {
        let Some(regex) = self.budget.spent_by() else { return false };
        *self.exhausted.entry(regex.to_owned()).or_default() += 1;
        true
    }
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
    /// It speaks against a key; the user is in [`Memory::user`].
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
        let one = prefix.as_ref().filter(|_| !several);
        let head =
            one.filter(|prefix| prefix.linear).and_then(|prefix| Head::new(&prefix.hir, &prefix.groups));
        let prefix_hir = prefix.as_ref().map(|prefix| &prefix.hir);
        let hirs: Vec<&Hir> = fail.iter().map(|regex| &regex.hir).collect();
        let dispatch = if one.is_some() { Dispatch::new(&hirs) } else { None };
        let decider = if dispatch.is_none() && !several { Decider::new(prefix_hir, &hirs) } else { None };
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
            head,
            fail,
            ignore,
            span: spec.maxlines.max(1),
            datepattern,
            dispatch,
            decider,
            required,
        })
    }

    /// The regexes, in their order, as they stand in the file.
    pub fn failregexes(&self) -> impl Iterator<Item = &str> {
        self.fail.iter().map(|regex| regex.text.as_str())
    }

    pub(crate) fn memory(&self) -> Memory {
        Memory {
            sessions: Sessions::new(),
            cache: self.decider.as_ref().map(Decider::cache),
            prefix: self.prefix.as_ref().map(FieldRegex::scratch),
            head: HeadMemory::default(),
            fail: self.fail.iter().map(FieldRegex::scratch).collect(),
            ignore: self.ignore.iter().map(FieldRegex::scratch).collect(),
            user: Vec::new(),
            lines: self.sees_several().then(|| LineBuffer::new(self.span)),
            budget: Budget::default(),
            exhausted: BTreeMap::new(),
        }
    }

    /// Whether a regex sees several lines at once.
    pub(crate) fn sees_several(&self) -> bool {
        self.span > 1
    }

    /// Judges a line without its date.
    pub(crate) fn judge(&self, memory: &mut Memory, text: &[u8], time: Timestamp, offset: u64) -> Judged {
        memory.budget = Budget::of_line(text.len());
        let found = self.find(memory, text).filter(|found| !found.fields.spoiled);
        let ignored = found.as_ref().is_some_and(|found| self.is_ignored(memory, text, found.content));
        if memory.is_exhausted() {
            return Judged::Exhausted;
        }
        let Some(found) = found else { return Judged::No };
        if ignored {
            return Judged::Ignored;
        }
        let mut user = std::mem::take(&mut memory.user);
        let meaning = memory.sessions.merge(&found.fields, time, offset, &mut user);
        memory.user = user;
        match meaning {
            Meaning::Failure(key) => Judged::Failure { regex: found.regex, key },
            Meaning::Nothing => Judged::Helps,
        }
    }

    /// The first failregex that matches, with the fields of its groups.
    pub(crate) fn find<'t>(&self, memory: &mut Memory, text: &'t [u8]) -> Option<Found<'t>> {
        let first = match (&self.decider, &mut memory.cache) {
            (Some(decider), Some(cache)) => match decider.ask(cache, text) {
                May::None => return None,
                May::From(first) => first,
            },
            _ => 0,
        };
        let mut base = Captured::default();
        let content = self.content(memory, text, |field, value_of, at| base.take(field, value_of, at))?;
        match &self.dispatch {
            Some(dispatch) => {
                dispatch.candidates(content).find_map(|n| self.try_regex(n, memory, content, base))
            }
            None => (first..self.fail.len()).find_map(|n| self.try_regex(n, memory, content, base)),
        }
    }

    fn try_regex<'t>(
        &self,
        regex: usize,
        memory: &mut Memory,
        content: &'t [u8],
        base: Captured<'t>,
    ) -> Option<Found<'t>> {
        let scratch = memory.fail.get_mut(regex)?;
        let groups = self.fail.get(regex)?.search(scratch, &mut memory.budget, content)?;
        let mut fields = base;
        groups.for_each(|(field, at)| fields.take(field, content, at));
        Some(Found { regex, content, fields })
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
        if let Some(head) = &self.head
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
    pub(crate) fields: Captured<'t>,
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
