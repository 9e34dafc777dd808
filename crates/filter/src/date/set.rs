//! All templates of a datepattern together, and which of several matches wins.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use regex_automata::hybrid::dfa;
use regex_automata::{Input, meta};

use super::anchored::{AnchoredSet, Walk};
use super::error::DatePatternError;
use super::list;
use super::plan::Plan;
use super::template::{Extracted, NFA_LIMIT, Scratch, Template, char_len};

/// How many bytes at the start of a line are searched for a date. fail2ban searches the whole line; a date further in
/// than this is no time stamp, and a long line must not cost more than a short one.
pub const DATE_WINDOW_BYTES: usize = 1024;

/// A compiled datepattern. Immutable; what changes while searching is in [`Caches`].
#[derive(Debug)]
pub(super) struct TemplateSet {
    pub(super) templates: Vec<Template>,
    anchored: Option<AnchoredSet>,
    floating: Option<FloatingSet>,
    /// Templates that end with `$` without beginning with `^`.
    line_end: Vec<FloatingSet>,
    /// The place of the first template that may match anywhere.
    first_floating: usize,
    /// Where hand-written readers are as good.
    pub(super) plan: Plan,
}

/// The working memory of one searcher.
#[derive(Debug, Default)]
pub(super) struct Caches {
    anchored: Option<dfa::Cache>,
    floating: Option<meta::Cache>,
    line_end: Vec<meta::Cache>,
    scratch: Vec<Scratch>,
    guard: Option<dfa::Cache>,
}

/// Which template matches, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) template: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    /// What the answer depends on, if that is known and less than the whole line.
    pub(super) depends: Option<Walk>,
}

/// Templates that may match anywhere in the window.
#[derive(Debug)]
struct FloatingSet {
    regex: meta::Regex,
    templates: Vec<usize>,
}

/// The compiled datepatterns that are in use. Most jails have one of a few.
static SHARED: Mutex<Vec<(String, Weak<TemplateSet>)>> = Mutex::new(Vec::new());

impl TemplateSet {
    /// The compiled datepattern; compiled if no reader has it yet.
    pub(super) fn shared(datepattern: Option<&str>) -> Result<Arc<Self>, DatePatternError> {
        let key = datepattern.unwrap_or_default();
        let known = || SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known().iter().find(|(text, _)| text == key).and_then(|(_, set)| set.upgrade());
        if let Some(set) = found {
            return Ok(set);
        }
        let set = Arc::new(Self::compile(datepattern)?);
        let mut known = known();
        known.retain(|(_, set)| set.strong_count() > 0);
        known.push((key.to_owned(), Arc::downgrade(&set)));
        Ok(set)
    }

    pub(super) fn compile(datepattern: Option<&str>) -> Result<Self, DatePatternError> {
        let templates =
            list::entries(datepattern)?.iter().map(Template::compile).collect::<Result<Vec<_>, _>>()?;
        let failed =
            |reason| DatePatternError::Syntax { reason, pattern: datepattern.unwrap_or_default().to_owned() };
        let select = |wanted: &dyn Fn(&Template) -> bool| -> Vec<usize> {
            (0..).zip(&templates).filter(|(_, template)| wanted(template)).map(|(place, _)| place).collect()
        };
        let anchored = select(&|template| template.anchored);
        let anchored: Vec<_> =
            anchored.iter().filter_map(|place| Some((*place, &templates.get(*place)?.search))).collect();
        let anchored =
            if anchored.is_empty() { None } else { Some(AnchoredSet::new(&anchored).map_err(failed)?) };
        let floating = select(&|template| !template.anchored && !template.line_end);
        let first_floating = floating.first().copied().unwrap_or(usize::MAX);
        let floating = if floating.is_empty() {
            None
        } else {
            Some(FloatingSet::new(floating, &templates).map_err(failed)?)
        };
        let line_end = select(&|template| !template.anchored && template.line_end);
        let line_end = line_end.into_iter().map(|place| FloatingSet::new(vec![place], &templates));
        let line_end = line_end.collect::<Result<_, _>>().map_err(failed)?;
        Ok(Self { plan: Plan::new(&templates), anchored, floating, line_end, first_floating, templates })
    }

    /// Chooses the match as fail2ban does when it has no history with the file: the first template in order that is
    /// bound to an end of the line; else the leftmost match, of several there the first in order. Only a match of an
    /// earlier template at the first or second character goes before a bound one.
    pub(super) fn search(&self, line: &[u8], caches: &mut Caches) -> Option<Hit> {
        let window = line.len().min(DATE_WINDOW_BYTES);
        let mut bound = None;
        if let Some(anchored) = &self.anchored {
            let cache = caches.anchored.get_or_insert_with(|| anchored.create_cache());
            let walk = anchored.search(line, window, cache);
            bound = walk.hit.map(|(template, end)| Hit { template, start: 0, end, depends: Some(walk) });
            if bound.is_some_and(|hit| hit.template < self.first_floating) && self.line_end.is_empty() {
                return bound;
            }
        }
        if caches.line_end.len() != self.line_end.len() {
            caches.line_end = self.line_end.iter().map(|set| set.regex.create_cache()).collect();
        }
        for (set, cache) in self.line_end.iter().zip(&mut caches.line_end) {
            let hit = set.search(line, window, cache);
            bound = match (bound, hit) {
                (Some(first), Some(hit)) if first.template < hit.template => Some(first),
                (first, hit) => hit.or(first),
            };
        }
        let depends_on_more = |hit: Hit| Hit { depends: None, ..hit };
        if bound.is_some_and(|hit| hit.template < self.first_floating) {
            return bound.map(depends_on_more);
        }
        let Some(floating) = &self.floating else { return bound.map(depends_on_more) };
        let cache = caches.floating.get_or_insert_with(|| floating.regex.create_cache());
        let free = floating.search(line, window, cache);
        match (bound, free) {
            (Some(bound), Some(free)) if free.start > char_len(line, 0) || free.template > bound.template => {
                Some(bound)
            }
            (bound, free) => free.or(bound),
        }
        .map(depends_on_more)
    }

    /// Where the text begins that the reader for brackets may read: behind the first one, if nothing else comes first.
    pub(super) fn behind_bracket(&self, line: &[u8], caches: &mut Caches) -> Option<usize> {
        let plan = self.plan.apache.as_ref()?;
        let window = line.get(..line.len().min(DATE_WINDOW_BYTES))?;
        if let Some(guard) = &plan.guard {
            let cache = caches.guard.get_or_insert_with(|| guard.create_cache());
            if guard.search(line, window.len(), cache).hit.is_some() {
                return None;
            }
        }
        memchr::memchr(b'[', window).map(|at| at + 1)
    }

    /// Takes a match apart.
    pub(super) fn extract(&self, hit: Hit, line: &[u8], caches: &mut Caches) -> Option<Extracted> {
        if caches.scratch.len() != self.templates.len() {
            caches.scratch.resize_with(self.templates.len(), Scratch::default);
        }
        let scratch = caches.scratch.get_mut(hit.template)?;
        Some(self.templates.get(hit.template)?.extract(line.get(..hit.end)?, hit.start, scratch))
    }
}

impl FloatingSet {
    fn new(places: Vec<usize>, templates: &[Template]) -> Result<Self, String> {
        let regexes: Vec<_> =
            places.iter().filter_map(|place| Some(&templates.get(*place)?.search)).collect();
        let config = meta::Config::new().utf8_empty(false).nfa_size_limit(Some(NFA_LIMIT));
        let regex =
            meta::Builder::new().configure(config).build_many_from_hir(&regexes).map_err(|error| {
                error
                    .size_limit()
                    .map_or_else(|| error.to_string(), |limit| format!("compiled it exceeds {limit} bytes"))
            })?;
        Ok(Self { regex, templates: places })
    }

    fn search(&self, line: &[u8], window: usize, cache: &mut meta::Cache) -> Option<Hit> {
        let found = self.regex.search_with(cache, &Input::new(line).range(..window))?;
        let template = *self.templates.get(found.pattern().as_usize())?;
        Some(Hit { template, start: found.start(), end: found.end(), depends: None })
    }
}
