//! What filters and actions have in common: `[Definition]`, `[Init]`, parameters, and how they become one set of options.

use std::collections::{HashMap, HashSet};

use super::document::Document;
use super::interpolate::Scope;
use super::keys::{Key, nearest};
use super::limits::Budget;
use super::origin::{Origin, Value};
use super::parse::{DEFAULT, Options};
use super::problem::{Fault, Problem, ProblemKind};
use super::problems::Problems;
use super::space::{is_space, is_word, split_conditional};
use super::tags::Tags;

/// The section that holds the options.
pub(crate) const DEFINITION: &str = "Definition";
/// The section that holds what a jail may override.
pub(crate) const INIT: &str = "Init";

/// A filter or action between its files and its final options.
pub(crate) struct Definition<'d> {
    document: &'d Document,
    /// Parameters as given, then the options of `[Init]` (also as `known/…`) that were not given.
    pub(crate) params: Options,
    /// The options of `[Definition]`.
    options: Options,
    /// The jail's options and the parameters, in lower case, as they were at the last [`Self::collect`].
    vars: Options,
    /// Tags that were looked up. As by fail2ban, a filter of a jail is read twice and the first answer stays.
    looked_up: HashMap<String, Option<Value>>,
}

impl<'d> Definition<'d> {
    pub(crate) fn new(document: &'d Document, params: Options) -> Self {
        let (options, vars, looked_up) = Default::default();
        Self { document, params, options, vars, looked_up }
    }

    /// Whether `[Definition]` itself (not `[DEFAULT]`) has the option.
    pub(crate) fn has_own(&self, option: &str) -> bool {
        self.document.section(DEFINITION).is_some_and(|options| options.contains_key(option))
    }

    /// Reads `keys` of `[Definition]`, unless `context` (the options of the jail) or a parameter sets them, then `[Init]`, and
    /// with `all` the rest of `[Definition]`. References see the parameters and `context`.
    pub(crate) fn collect(
        &mut self,
        context: &Options,
        keys: &[Key],
        all: bool,
        budget: &mut Budget,
        problems: &mut Problems,
    ) {
        let given = context.iter().chain(&self.params).map(|(name, value)| (name.clone(), value.clone()));
        let given: Options = given.collect();
        self.vars = given.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect();
        self.options.clear();
        let section = Scope::section(self.document, DEFINITION);
        if !section.exists() {
            let names = self.document.section_names();
            let kind =
                ProblemKind::NoSection { section: DEFINITION.into(), nearest: nearest(DEFINITION, names) };
            let origin = self.document.files.last().map(|file| Origin::given(file.clone()));
            // fail2ban goes on too: parameters and `[Init]` may hold all that is needed.
            problems.push(Problem::warning(kind, origin));
        }
        let mut read = |scope: Scope<'_>, section: &str, option: &str| {
            scope.get(option, budget).unwrap_or_else(|fault| {
                problems.push(fault.into_problem(section, option));
                None
            })
        };
        for key in keys.iter().filter(|key| !given.contains_key(key.name)) {
            if let Some(value) = read(section.with_vars(&self.vars), DEFINITION, key.name) {
                self.options.insert(key.name.to_owned(), value);
            }
        }
        for option in self.document.section(INIT).into_iter().flat_map(Options::keys) {
            // `[Init]` and the rest of `[Definition]` are read without parameters.
            let Some(value) = read(Scope::section(self.document, INIT), INIT, option) else { continue };
            if !option.starts_with("known/") {
                self.params.insert(format!("known/{option}"), value.clone());
            }
            self.params.entry(option.clone()).or_insert(value);
        }
        let rest = self.document.section(DEFINITION).filter(|_| all);
        for option in rest.into_iter().flat_map(Options::keys) {
            if !self.options.contains_key(option)
                && let Some(value) = read(section, DEFINITION, option)
            {
                self.options.insert(option.clone(), value);
            }
        }
    }

    /// The options and parameters with their tags replaced, in fail2ban's order. Tags in `ignore` stay, and so do those that
    /// have a conditional form; `None` if a tag cannot be replaced, which is then among the problems.
    pub(crate) fn combined(
        &mut self,
        ignore: &[&str],
        budget: &mut Budget,
        problems: &mut Problems,
    ) -> Option<Options> {
        let mut combined = self.options.clone();
        combined.extend(self.params.iter().map(|(name, value)| (name.clone(), value.clone())));
        let conditional = combined.keys().filter_map(|name| Some(split_conditional(name)?.0));
        let ignore: HashSet<_> = ignore.iter().copied().chain(conditional).map(str::to_owned).collect();
        let (document, vars, looked_up) = (self.document, &self.vars, &mut self.looked_up);
        let mut lookup = |tag: &str, budget: &mut Budget| match looked_up.get(tag) {
            Some(found) => Ok(found.clone()),
            None => {
                let found = look_up(document, vars, tag, budget)?;
                looked_up.insert(tag.to_owned(), found.clone());
                Ok(found)
            }
        };
        let done = Tags { ignore, condition: None }.replace(&mut combined, &mut lookup, budget);
        match done {
            Ok(()) => Some(combined),
            Err((option, fault)) => {
                problems.push(fault.into_problem(DEFINITION, &option));
                None
            }
        }
    }
}

/// What `<tag>` stands for if it is no option of the set: another option of `[Definition]`, or of the section in
/// `<section/option>`.
fn look_up(
    document: &Document,
    vars: &Options,
    tag: &str,
    budget: &mut Budget,
) -> Result<Option<Value>, Fault> {
    if let Some((section, option)) = split_section(tag) {
        let scopes = match section.to_lowercase().as_str() {
            "known" => vec![
                Scope::known(document, DEFINITION, "KNOWN/Definition"),
                Scope::section(document, DEFINITION),
            ],
            "default" => vec![Scope::section(document, DEFAULT)],
            _ => vec![Scope::section(document, section)],
        };
        for scope in scopes {
            if let Some(value) = scope.get(option, budget)? {
                return Ok(Some(value));
            }
        }
    }
    Scope::section(document, DEFINITION).with_vars(vars).get(tag, budget)
}

/// Splits `section/option`.
fn split_section(tag: &str) -> Option<(&str, &str)> {
    let (section, option) = tag.split_once('/')?;
    let plain = !section.is_empty() && section.chars().all(|c| is_word(c) || c == '-');
    (plain && !option.is_empty() && !option.contains(is_space)).then_some((section, option))
}
