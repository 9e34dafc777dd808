//! The options there are, as data, and the search for the one that was meant.

/// How the value of an option is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// As it is.
    Text,
    /// See [`parse_bool`](super::value::parse_bool).
    Bool,
    /// A whole number.
    Integer,
    /// See [`parse_time`](super::value::parse_time).
    Time,
}

/// An option that the reader knows.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// How it is read.
    pub kind: KeyKind,
    /// What it is if it is not set; `None` if it is then left out.
    pub default: Option<&'static str>,
}

const fn key(name: &'static str, kind: KeyKind) -> Key {
    Key { name, kind, default: None }
}

const fn defaulted(name: &'static str, kind: KeyKind, default: &'static str) -> Key {
    Key { name, kind, default: Some(default) }
}

use KeyKind::{Bool, Integer, Text, Time};

/// The options of a filter, in the order in which fail2ban reads them. A jail may set them too.
pub const FILTER_KEYS: &[Key] = &[
    key("usedns", Text),
    key("prefregex", Text),
    key("ignoreregex", Text),
    key("failregex", Text),
    key("maxlines", Integer),
    key("datepattern", Text),
    key("journalmatch", Text),
];

/// The options of a jail in the order in which fail2ban reads them; [`FILTER_KEYS`] follow.
pub const JAIL_KEYS: &[Key] = &[
    defaulted("enabled", Bool, "False"),
    defaulted("backend", Text, "auto"),
    key("maxretry", Integer),
    key("maxmatches", Integer),
    key("findtime", Time),
    key("bantime", Time),
    key("bantime.increment", Bool),
    key("bantime.factor", Text),
    key("bantime.formula", Text),
    key("bantime.multipliers", Text),
    key("bantime.maxtime", Time),
    key("bantime.rndtime", Time),
    key("bantime.overalljails", Bool),
    key("ignorecommand", Text),
    key("ignoreself", Bool),
    key("ignoreip", Text),
    key("ignorecache", Text),
    defaulted("filter", Text, ""),
    key("logtimezone", Text),
    key("logencoding", Text),
    key("logpath", Text),
    // Since fail2ban 1.1.1.
    key("skip_if_nologs", Bool),
    key("systemd_if_nologs", Bool),
    defaulted("action", Text, ""),
];

/// Options of a jail that nothing but other options refers to.
pub const JAIL_HELPER_KEYS: &[&str] = &[
    "banaction",
    "banaction_allports",
    "chain",
    "destemail",
    "fail2ban_agent",
    "fail2ban_confpath",
    "fail2ban_version",
    "logtype",
    "mode",
    "mta",
    "port",
    "protocol",
    "sender",
    "sendername",
];

/// The commands and flags of an action, in the order in which fail2ban reads them.
pub const ACTION_KEYS: &[Key] = &[
    key("actionstart", Text),
    key("actionstart_on_demand", Bool),
    key("actionstop", Text),
    key("actionflush", Text),
    key("actionreload", Text),
    key("actioncheck", Text),
    key("actionrepair", Text),
    key("actionrepair_on_unban", Bool),
    key("actionban", Text),
    key("actionprolong", Text),
    key("actionreban", Text),
    key("actionunban", Text),
    key("norestored", Bool),
];

/// The options of `fail2ban.conf`, with fail2ban's defaults.
pub const MAIN_KEYS: &[Key] = &[
    defaulted("syslogsocket", Text, "auto"),
    defaulted("loglevel", Text, "INFO"),
    defaulted("logtarget", Text, "STDERR"),
    defaulted("allowipv6", Text, "auto"),
    defaulted("dbfile", Text, "/var/lib/fail2ban/fail2ban.sqlite3"),
    key("dbmaxmatches", Integer),
    defaulted("dbpurgeage", Time, "1d"),
    defaulted("socket", Text, "/var/run/fail2ban/fail2ban.sock"),
    defaulted("pidfile", Text, "/var/run/fail2ban/fail2ban.pid"),
];

/// The options of `[INCLUDES]`.
pub const INCLUDE_KEYS: &[&str] = &["before", "after"];

/// The sections of a filter or action that mean something.
pub const SECTIONS: &[&str] = &["Definition", "Init", "INCLUDES", "DEFAULT"];

/// The candidate that is spelled most like `name`, if one is similar enough to be what was meant.
pub(crate) fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<String> {
    // One slip in a short name, two in a long one.
    stockade_core::nearest::within((name.chars().count() / 4).clamp(1, 2), name, candidates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = || JAIL_KEYS.iter().chain(FILTER_KEYS).map(|key| key.name);
        assert_eq!(nearest("maxrety", names()).as_deref(), Some("maxretry"));
        assert_eq!(nearest("fialregex", names()).as_deref(), Some("failregex"));
        assert_eq!(nearest("Bantime", names()).as_deref(), Some("bantime"));
        assert_eq!(nearest("colour", names()), None);
        assert_eq!(nearest(&"x".repeat(1000), names()), None);
    }
}
