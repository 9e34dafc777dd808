//! `fail2ban.conf`: the options of the program itself.

use super::document::Document;
use super::interpolate::Scope;
use super::keys::{Key, KeyKind, MAIN_KEYS};
use super::limits::{Budget, MAX_WORK};
use super::origin::{Origin, Value};
use super::parse::Options;
use super::problem::{Problem, ProblemKind};
use super::problems::Problems;
use super::settings::check;

/// The options of `fail2ban.conf`.
#[derive(Clone, Debug, Default)]
pub struct MainOptions {
    /// Each of [`MAIN_KEYS`] that is set or has a default. The place of a default is `built in`, without a line.
    pub settings: Options,
    /// `stacksize` in `[Thread]`: KiB of stack of each thread.
    pub stacksize: Option<Value>,
    /// The files it was read from, in the order in which they count.
    pub files: Vec<String>,
}

/// Reads the options in `document`.
pub(crate) fn read(document: &Document, problems: &mut Problems) -> MainOptions {
    let mut budget = Budget::new(MAX_WORK);
    let mut settings = Options::new();
    let section = "Definition";
    if document.section(section).is_none() {
        let kind = ProblemKind::NoSection { section: section.into(), nearest: None };
        problems.push(Problem::error(kind, document.files.last().map(|file| Origin::given(file.clone()))));
    }
    for key in MAIN_KEYS {
        let found = option(document, section, key, &mut budget, problems);
        let default = || key.default.map(|text| Value::given(text, "built in"));
        if let Some(value) = found.or_else(default) {
            settings.insert(key.name.to_owned(), value);
        }
    }
    let stacksize = Key { name: "stacksize", kind: KeyKind::Integer, default: None };
    let stacksize = option(document, "Thread", &stacksize, &mut budget, problems);
    MainOptions { settings, stacksize, files: document.files.iter().map(ToString::to_string).collect() }
}

fn option(
    document: &Document,
    section: &str,
    key: &Key,
    budget: &mut Budget,
    problems: &mut Problems,
) -> Option<Value> {
    let value = match Scope::section(document, section).get(key.name, budget) {
        Ok(value) => value?,
        Err(fault) => {
            problems.push(fault.into_problem(section, key.name));
            return None;
        }
    };
    check(key, &value).into_iter().for_each(|problem| problems.push(problem.within(section, Some(key.name))));
    Some(value)
}
