//! A jail: what is read, what it looks for in it, how much is too much, and what happens then.

use super::action::Action;
use super::filter::FilterDef;
use super::origin::{Origin, Value};
use super::parse::Options;
use super::problems::Problems;
use super::settings::parse_integer;
use super::value::{LogPath, TimeSpan, parse_bool, parse_time, split_addresses, split_log_paths};

/// All jails of a configuration.
#[derive(Clone, Debug, Default)]
pub struct JailFile {
    /// Every section that is a jail, in the order in which the sections were first met.
    pub jails: Vec<Jail>,
    /// `[DEFAULT]` as written, with `fail2ban_version` and `fail2ban_confpath`.
    pub defaults: Options,
    /// What is wrong with the files themselves or with `[DEFAULT]`. For one of these fail2ban would not start at all.
    pub problems: Problems,
    /// The files it was read from, in the order in which they count.
    pub files: Vec<String>,
}

impl JailFile {
    /// The jail of that name.
    pub fn jail(&self, name: &str) -> Option<&Jail> {
        self.jails.iter().find(|jail| jail.name == name)
    }

    /// All problems: those of the files, then those of each jail.
    pub fn all_problems(&self) -> Problems {
        let mut all = self.problems.clone();
        self.jails.iter().for_each(|jail| all.append(&jail.problems));
        all
    }
}

/// One jail.
#[derive(Clone, Debug)]
pub struct Jail {
    /// Its name, the section.
    pub name: String,
    /// Where its section first begins.
    pub origin: Origin,
    /// Whether it says `enabled = true`.
    pub enabled: bool,
    /// Its options as written, without `[DEFAULT]`.
    pub raw: Options,
    /// Of [`JAIL_KEYS`](super::keys::JAIL_KEYS) and [`FILTER_KEYS`](super::keys::FILTER_KEYS) those that are set here or in
    /// `[DEFAULT]`, in that order, with all references replaced. Of a jail that is not enabled only `enabled`, `backend` and
    /// `filter`, unless [`Which::All`] was read.
    pub settings: Options,
    /// The other options of the section, and [`JAIL_HELPER_KEYS`](super::keys::JAIL_HELPER_KEYS) (`port`, `protocol`, …), as far
    /// as their references can be replaced.
    pub helpers: Options,
    /// Its filter as read from the files, without what `settings` say instead: see [`Jail::matching`].
    pub filter: Option<FilterDef>,
    /// What is done for a ban.
    pub actions: Vec<Action>,
    /// What is wrong with it. With an error among them it cannot run, as in fail2ban, which skips it.
    pub problems: Problems,
}

/// Which jails are read in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those with `enabled = true`; of the others nobody needs to know what is wrong.
    Enabled,
    /// All, as if they were enabled. [`Jail::enabled`] is what is written all the same.
    All,
}

impl Jail {
    /// An option's text, of `settings`.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.settings.get(key).map(Value::text)
    }

    /// An option read as a whole number.
    pub fn integer(&self, key: &str) -> Option<i64> {
        parse_integer(self.text(key)?)
    }

    /// An option read as a boolean.
    pub fn boolean(&self, key: &str) -> Option<bool> {
        self.text(key).map(parse_bool)
    }

    /// An option read as a length of time.
    pub fn time(&self, key: &str) -> Option<TimeSpan> {
        parse_time(self.text(key)?).ok()
    }

    /// The lines of `logpath`.
    pub fn log_paths(&self) -> Vec<LogPath> {
        self.settings.get("logpath").map(split_log_paths).unwrap_or_default()
    }

    /// The entries of `ignoreip`.
    pub fn ignoreip(&self) -> Vec<&str> {
        split_addresses(self.text("ignoreip").unwrap_or_default()).collect()
    }

    /// What the jail looks for: its filter with the options of the filter that the jail itself sets, which replace those of the
    /// filter's files.
    ///
    /// Where an option is also a parameter of the filter (or in its `[Init]`), both count: regexes and journal matches are used
    /// together, of `datepattern` the jail's, of `prefregex`, `maxlines` and `usedns` the filter's. That is what the order of
    /// fail2ban's commands comes to.
    pub fn matching(&self) -> FilterDef {
        self.filter.clone().unwrap_or_default().with_jail(&self.settings)
    }
}
