//! Options that nothing reads, which are mostly known ones with a slip in them.
//!
//! Any option may be a helper for others (`%(name)s`, `<name>`, `<prefix-<mode>>`), so only those are unknown that no other
//! value can refer to.

use std::collections::HashSet;

use super::document::Document;
use super::include::INCLUDES;
use super::keys::{
    ACTION_KEYS, FILTER_KEYS, INCLUDE_KEYS, JAIL_HELPER_KEYS, JAIL_KEYS, Key, SECTIONS, nearest,
};
use super::origin::Value;
use super::parse::{DEFAULT, Options};
use super::problem::{Problem, ProblemKind, cut};
use super::problems::Problems;

/// Unknown options of jails. Those of `[DEFAULT]` are reported only if a known name is near, because the defaults serve as a
/// dictionary for jails that a user may add.
pub(crate) fn in_jails(document: &Document) -> Problems {
    let known: Vec<_> =
        names(JAIL_KEYS).chain(names(FILTER_KEYS)).chain(JAIL_HELPER_KEYS.iter().copied()).collect();
    let references = References::of(document);
    let mut problems = Problems::default();
    let is_known = |name: &str| {
        known.contains(&name)
            || name.starts_with("action_")
            || name.ends_with("_log")
            || name.ends_with("_backend")
            || references.contain(name)
    };
    for (section, options) in sections(document) {
        if section == INCLUDES {
            unknown_includes(options, &mut problems);
            continue;
        }
        for (name, value) in options.iter().filter(|(name, _)| !is_known(name)) {
            let problem = unknown(name, value, known.iter().copied());
            if section != DEFAULT || is_near(&problem) {
                problems.push(problem.within(section, None));
            }
        }
    }
    problems
}

/// Options of a filter or action (`what`) that are near to a known one and that nothing refers to, and sections that are near to
/// one that means something. Only files of the set itself count: what is included may serve others.
pub(crate) fn in_definition(document: &Document, what: &str) -> Problems {
    let keys = if what == "filter" { FILTER_KEYS } else { ACTION_KEYS };
    let references = References::of(document);
    let own = |value: &Value| document.own.iter().any(|file| **file == *value.origin().file());
    let mut problems = Problems::default();
    for (section, options) in sections(document) {
        if section == INCLUDES {
            unknown_includes(options, &mut problems);
            continue;
        }
        if !SECTIONS.contains(&section) {
            continue;
        }
        for (name, value) in options.iter().filter(|(_, value)| own(value)) {
            let helper = name.starts_with('_') || name.contains('?') || references.contain(name);
            if helper || names(keys).any(|key| key == name) {
                continue;
            }
            let problem = unknown(name, value, names(keys));
            if is_near(&problem) {
                problems.push(problem.within(section, None));
            }
        }
    }
    problems
}

fn unknown_includes(options: &Options, problems: &mut Problems) {
    for (name, value) in options.iter().filter(|(name, _)| !INCLUDE_KEYS.contains(&name.as_str())) {
        problems.push(unknown(name, value, INCLUDE_KEYS.iter().copied()).within(INCLUDES, None));
    }
}

fn unknown<'k>(name: &str, value: &Value, known: impl Iterator<Item = &'k str>) -> Problem {
    let kind = ProblemKind::UnknownKey { key: cut(name), nearest: nearest(name, known) };
    Problem::warning(kind, Some(value.origin().clone()))
}

fn is_near(problem: &Problem) -> bool {
    matches!(problem.kind, ProblemKind::UnknownKey { nearest: Some(_), .. })
}

fn names(keys: &'static [Key]) -> impl Iterator<Item = &'static str> {
    keys.iter().map(|key| key.name)
}

fn sections(document: &Document) -> impl Iterator<Item = (&str, &Options)> {
    let sections = document.sections.iter().map(|(name, section)| (name.as_str(), &section.options));
    sections.chain([(DEFAULT, &document.defaults)])
}

/// The names that values refer to.
#[derive(Default)]
struct References {
    exact: HashSet<String>,
    /// Names with a `*` for a part that another reference gives.
    patterns: Vec<(String, String)>,
}

impl References {
    fn of(document: &Document) -> Self {
        let mut references = Self::default();
        let known = document.known.values();
        for options in sections(document).map(|(_, options)| options).chain(known) {
            options.values().for_each(|value| references.scan(value.text()));
        }
        references
    }

    fn contain(&self, name: &str) -> bool {
        let matches = |(head, tail): &(String, String)| {
            name.len() >= head.len() + tail.len()
                && name.starts_with(head.as_str())
                && name.ends_with(tail.as_str())
        };
        self.exact.contains(name) || self.patterns.iter().any(matches)
    }

    /// Collects `%(name)s` and `<name>`, also when one is part of the other's name.
    fn scan(&mut self, text: &str) {
        /// Tags within tags; more than anybody writes.
        const MAX_NESTING: usize = 16;
        let mut open: Vec<String> = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let Some((name, after)) = rest.strip_prefix("%(").and_then(|rest| rest.split_once(')')) {
                self.add(name);
                if let Some(outer) = open.last_mut() {
                    outer.push('*');
                }
                rest = after.strip_prefix('s').unwrap_or(after);
                continue;
            }
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            match c {
                '<' if open.len() < MAX_NESTING => open.push(String::new()),
                '<' | ' ' => open.clear(),
                '>' => {
                    if let Some(name) = open.pop() {
                        self.add(&name);
                    }
                    if let Some(outer) = open.last_mut() {
                        outer.push('*');
                    }
                }
                c => {
                    if let Some(name) = open.last_mut() {
                        name.push(c);
                    }
                }
            }
        }
    }

    fn add(&mut self, name: &str) {
        let name = name.rsplit_once('/').map_or(name, |(_, option)| option).to_lowercase();
        match (name.split_once('*'), name.rsplit_once('*')) {
            (Some((head, _)), Some((_, tail))) if !(head.is_empty() && tail.is_empty()) => {
                let pattern = (head.to_owned(), tail.to_owned());
                if !self.patterns.contains(&pattern) {
                    self.patterns.push(pattern);
                }
            }
            _ => {
                self.exact.insert(name);
            }
        }
    }
}
