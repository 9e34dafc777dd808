//! A filter, compiled: what one line means to it.

use std::sync::Arc;

use regex_automata::hybrid::dfa::Cache;
use regex_syntax::hir::Hir;
use stockade_core::Timestamp;

use crate::decide::{Decider, May};
use crate::dispatch::Dispatch;
use crate::fields::{Captured, Field};
use crate::prefix::{Head, HeadMemory};
use crate::regex::{FieldRegex, Problem, Required, Scratch, cover, required_literals};
use crate::session::{Meaning, Sessions};
use crate::spec::{FilterError, FilterSpec, Source};

/// A filter, ready to judge lines. Immutable; what changes while it works is kept by the scanner.
#[derive(Debug)]
pub struct Filter {
    /// Its name with its parameters.
    pub name: Arc<str>,
    pub(crate) prefix: Option<FieldRegex>,
    head: Option<Head>,
    pub(crate) fail: Vec<FieldRegex>,
    pub(crate) ignore: Vec<FieldRegex>,
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
    ignore: Vec<Scratch>,
    pub(crate) user: Vec<u8>,
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
        if spec.maxlines > 1 {
            errors.push(FilterError {
                filter: spec.name.clone(),
                option: "maxlines",
                origin: String::new(),
                text: spec.maxlines.to_string(),
                problem: "a regex over several lines is not supported yet".to_owned(),
            });
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
        let head = prefix.as_ref().and_then(|prefix| Head::new(&prefix.hir, &prefix.groups));
        let prefix_hir = prefix.as_ref().map(|prefix| &prefix.hir);
        let hirs: Vec<&Hir> = fail.iter().map(|regex| &regex.hir).collect();
        let dispatch = if prefix.is_some() { Dispatch::new(&hirs) } else { None };
        let decider = if dispatch.is_none() { Decider::new(prefix_hir, &hirs) } else { None };
        let of_prefix = prefix_hir.map(required_literals).unwrap_or_default();
        let both = |regex: &FieldRegex| [required_literals(&regex.hir), of_prefix.clone()].concat();
        let required = cover(&fail.iter().map(both).collect::<Vec<_>>());
        let datepattern = spec.datepattern.clone();
        Ok(Self {
            name: spec.name.clone(),
            prefix,
            head,
            fail,
            ignore,
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
        }
    }

    /// Judges a line without its date.
    pub(crate) fn judge(&self, memory: &mut Memory, text: &[u8], time: Timestamp, offset: u64) -> Judged {
        let Some(found) = self.find(memory, text) else { return Judged::No };
        if found.fields.spoiled {
            return Judged::No;
        }
        if self.is_ignored(memory, text, found.content) {
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
                dispatch.candidates(content).find_map(|n| self.try_regex(n, &mut memory.fail, content, base))
            }
            None => (first..self.fail.len()).find_map(|n| self.try_regex(n, &mut memory.fail, content, base)),
        }
    }

    fn try_regex<'t>(
        &self,
        regex: usize,
        scratch: &mut [Scratch],
        content: &'t [u8],
        base: Captured<'t>,
    ) -> Option<Found<'t>> {
        let groups = self.fail.get(regex)?.search(scratch.get_mut(regex)?, content)?;
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
        for (field, at) in prefix.search(scratch, text)? {
            if *field == Field::Content {
                content = text.get(at.clone()).unwrap_or_default();
            }
            tell(field, text, at);
        }
        Some(content)
    }

    /// An ignoreregex may speak of the whole line or of what the failregexes see: fail2ban shows it one or the other,
    /// depending on how many regexes there are.
    pub(crate) fn is_ignored(&self, memory: &mut Memory, text: &[u8], content: &[u8]) -> bool {
        self.ignore.iter().zip(&mut memory.ignore).any(|(regex, scratch)| {
            regex.is_match(scratch, text) || (content.len() != text.len() && regex.is_match(scratch, content))
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
    FieldRegex::new(&source.text, spec.usedns)
        .map_err(|problem| {
            let problem = match problem {
                Problem::NotLinear(construct) => format!("a {construct} is not supported yet"),
                Problem::Invalid(why) => format!("not a regex: {}", why.lines().last().unwrap_or_default()),
            };
            errors.push(error(spec, option, source, problem));
        })
        .ok()
}

fn error(spec: &FilterSpec, option: &'static str, source: &Source, problem: String) -> FilterError {
    let text: String = source.text.chars().take(200).collect();
    FilterError { filter: spec.name.clone(), option, origin: source.origin.clone(), text, problem }
}
