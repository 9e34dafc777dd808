//! The rules of events: the files of `rule.d` over those built in, and what `stockade.toml` changes of them.

mod jails;
mod rows;
mod template;

use std::collections::BTreeSet;
use std::sync::Arc;

use stockade_filter::conf::{ConfFiles, Layered};
use stockade_rule::{Place, Rule, RuleJail, RuleProblem};

use crate::limits::MAX_RULES;
use crate::origin::Origin;
use crate::problem::{Problem, ProblemKind};
use crate::problems::Problems;
use crate::program::{RuleSetting, RuleSettings};
use crate::shipped::SHIPPED_RULES;
use stockade_core::nearest::nearest;

pub(crate) use jails::append;

/// The folder of the rules.
const FOLDER: &str = "rule.d";
/// How the files of rules end; others in the folder are none.
const ENDING: &str = ".toml";

/// The rules of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Those that are enabled and can be used, by name, with `[rules]` of `stockade.toml` over their files.
    pub rules: Vec<Arc<Rule>>,
    /// Those that are not enabled, by name.
    pub disabled: Vec<Arc<Rule>>,
    /// The names of those that cannot be used.
    pub broken: Vec<String>,
    /// Warnings, and what is wrong with the broken ones.
    pub problems: Problems,
    /// The files that were read; those built in begin with `(built in)`.
    pub files: Vec<String>,
}

/// Reads the rules: the files `rule.d/*.toml` over those built in, where a file replaces the built-in one of its name,
/// and what `settings` says over them.
pub fn load_rules(files: &dyn ConfFiles, settings: &RuleSettings) -> Rules {
    let mut rules = Rules::default();
    let layered = Layered { upper: Borrowed(files), lower: SHIPPED_RULES };
    let names = names(&layered, &mut rules.problems);
    for name in &names {
        rules.read(&layered, name, settings);
    }
    unknown_names(settings, &names, &mut rules.problems);
    rules
}

/// The names of all rules there are, sorted.
fn names(files: &dyn ConfFiles, problems: &mut Problems) -> BTreeSet<String> {
    let listed = files.list(FOLDER).unwrap_or_else(|error| {
        let kind = ProblemKind::Unreadable { error: error.to_string() };
        problems.push(Problem::error(kind, Origin::file(files.display(FOLDER))));
        SHIPPED_RULES.list(FOLDER).unwrap_or_default()
    });
    let rules =
        listed.iter().filter_map(|file| file.strip_suffix(ENDING)).filter(|name| !name.starts_with('.'));
    let mut names: BTreeSet<String> = rules.map(str::to_owned).collect();
    if let Some(surplus) = names.iter().nth(MAX_RULES).cloned() {
        let expected = format!("at most {MAX_RULES} rules");
        let kind = ProblemKind::bad_value(expected, &names.len().to_string());
        problems.push(Problem::error(kind, Origin::file(files.display(FOLDER))));
        names.split_off(&surplus);
    }
    names
}

impl Rules {
    fn read(&mut self, files: &dyn ConfFiles, name: &str, settings: &RuleSettings) {
        let path = format!("{FOLDER}/{name}{ENDING}");
        let shown = files.display(&path);
        let broken = |rules: &mut Self, problem: Problem| {
            rules.problems.push(problem.section(name));
            rules.broken.push(name.to_owned());
        };
        let text = match files.read(&path).map(|bytes| bytes.map(String::from_utf8)) {
            Ok(Some(Ok(text))) => text,
            // A folder of that name, or a file that went away meanwhile.
            Ok(None) => return,
            Ok(Some(Err(error))) => {
                let at = error.utf8_error().valid_up_to();
                let error = format!("it is not UTF-8, at byte {at}");
                return broken(self, Problem::error(ProblemKind::Unreadable { error }, Origin::file(shown)));
            }
            Err(error) => {
                let kind = ProblemKind::Unreadable { error: error.to_string() };
                return broken(self, Problem::error(kind, Origin::file(shown)));
            }
        };
        self.files.push(shown.clone());
        let off = settings.disabled.iter().any(|disabled| disabled == name);
        let setting = settings.each.iter().find(|one| one.name == name);
        match Rule::parse(&shown, &text) {
            Ok(mut rule) => {
                change(&mut rule, setting);
                rule.enabled &= !off;
                let list = if rule.enabled { &mut self.rules } else { &mut self.disabled };
                list.push(Arc::new(rule));
            }
            // A slip in a rule that is off harms nobody.
            Err(_) if off || setting.is_some_and(|one| one.enabled == Some(false)) => {}
            Err(found) => {
                found.iter().for_each(|problem| self.problems.push(Problem::from(problem).section(name)));
                self.broken.push(name.to_owned());
            }
        }
    }
}

/// `[rules.NAME]` over the rule's file.
fn change(rule: &mut Rule, setting: Option<&RuleSetting>) {
    let Some(setting) = setting else { return };
    rule.enabled = setting.enabled.unwrap_or(rule.enabled);
    rule.target = setting.target.unwrap_or(rule.target);
    if setting.maxretry.is_none() && setting.findtime.is_none() && setting.bantime.is_none() {
        return;
    }
    // Without a `[jail]` one match is enough, whatever else is set.
    let one = || RuleJail { maxretry: Some(std::num::NonZeroU32::MIN), ..RuleJail::default() };
    let jail = rule.jail.get_or_insert_with(one);
    jail.maxretry = setting.maxretry.or(jail.maxretry);
    jail.findtime = setting.findtime.or(jail.findtime);
    jail.bantime = setting.bantime.or(jail.bantime);
}

/// Names in `stockade.toml` that no rule has.
fn unknown_names(settings: &RuleSettings, known: &BTreeSet<String>, problems: &mut Problems) {
    let unknown = |name: &str| ProblemKind::Unknown {
        what: "rule",
        name: name.to_owned(),
        nearest: nearest(name, known.iter().map(String::as_str)),
        known: Vec::new(),
    };
    for name in settings.disabled.iter().filter(|name| !known.contains(*name)) {
        problems.push(Problem::error(unknown(name), settings.disabled_at.clone()).key("rules.disabled"));
    }
    for one in settings.each.iter().filter(|one| !known.contains(&one.name)) {
        problems.push(Problem::error(unknown(&one.name), one.origin("")).key("rules"));
    }
}

impl From<&RuleProblem> for Problem {
    fn from(problem: &RuleProblem) -> Self {
        let kind = ProblemKind::Rule { kind: Box::new(problem.kind.clone()), hint: problem.hint() };
        let found = Self::error(kind, place(&problem.file, Some(problem.place)));
        match &problem.key {
            Some(key) => found.key(key),
            None => found,
        }
    }
}

/// A place in a rule's file; the whole file if none is known.
fn place(file: &Arc<str>, place: Option<Place>) -> Origin {
    let Place { line, column } = place.unwrap_or_default();
    Origin::File { file: Arc::clone(file), line, column }
}

/// A tree of files that is somebody else's.
#[derive(Clone, Copy)]
struct Borrowed<'f>(&'f dyn ConfFiles);

impl ConfFiles for Borrowed<'_> {
    fn read(&self, path: &str) -> std::io::Result<Option<Vec<u8>>> {
        self.0.read(path)
    }

    fn list(&self, dir: &str) -> std::io::Result<Vec<String>> {
        self.0.list(dir)
    }

    fn display(&self, path: &str) -> String {
        self.0.display(path)
    }
}
