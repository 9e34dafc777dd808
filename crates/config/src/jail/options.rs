//! The options of one jail while they are read, and what is found to be wrong with them.

use stockade_filter::conf::{self, Value};

use crate::origin::Origin;
use crate::problem::{Problem, ProblemKind};
use crate::problems::Problems;

/// The section whose options hold for all jails.
const DEFAULT: &str = "DEFAULT";

/// One jail of the files, and its problems so far.
pub(super) struct Options<'j> {
    pub(super) jail: &'j conf::Jail,
    pub(super) problems: Problems,
}

impl<'j> Options<'j> {
    pub(super) fn new(jail: &'j conf::Jail) -> Self {
        Self { jail, problems: Problems::default() }
    }

    /// An option that is set and not empty, in the jail or in `[DEFAULT]`.
    pub(super) fn get(&self, key: &str) -> Option<&'j Value> {
        let value = self.jail.settings.get(key).or_else(|| self.jail.helpers.get(key));
        value.filter(|value| !value.text().trim().is_empty())
    }

    /// Whether the jail itself sets an option, not only `[DEFAULT]`.
    pub(super) fn own(&self, key: &str) -> bool {
        self.jail.raw.contains_key(key)
    }

    /// The section that sets an option.
    pub(super) fn section(&self, key: &str) -> &'j str {
        let inherited = self.jail.settings.contains_key(key) || self.jail.helpers.contains_key(key);
        if inherited && !self.own(key) { DEFAULT } else { &self.jail.name }
    }

    /// Whether an option is true.
    pub(super) fn flag(&self, key: &str) -> bool {
        self.jail.boolean(key).unwrap_or(false)
    }

    /// An error in the value of `key`.
    pub(super) fn error(&mut self, key: &str, value: &Value, kind: ProblemKind) {
        self.error_at(key, Origin::from(value.origin()), kind);
    }

    /// An error in `key`, at the place of one of its lines.
    pub(super) fn error_at(&mut self, key: &str, origin: Origin, kind: ProblemKind) {
        self.problems.push(Problem::error(kind, origin).section(self.section(key)).key(key));
    }

    /// A value that is used and should be looked at.
    pub(super) fn warn(&mut self, key: &str, value: &Value, kind: ProblemKind) {
        let problem = Problem::warning(kind, Origin::from(value.origin()));
        self.problems.push(problem.section(self.section(key)).key(key));
    }

    /// An error of the jail as a whole.
    pub(super) fn jail_error(&mut self, kind: ProblemKind) {
        let problem = Problem::error(kind, Origin::from(&self.jail.origin));
        self.problems.push(problem.section(&self.jail.name));
    }
}
