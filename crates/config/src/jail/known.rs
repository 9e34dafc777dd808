//! What the reader of fail2ban's files has to say about a jail, as it is meant here; and the options that fail2ban
//! has and Stockade does not need.

use stockade_filter::conf::keys::{FILTER_KEYS, JAIL_HELPER_KEYS, JAIL_KEYS};
use stockade_filter::conf::value::parse_bool;
use stockade_filter::conf::{self, ProblemKind as ConfKind};

use super::options::Options;
use crate::problem::{Problem, ProblemKind, Severity};
use stockade_core::nearest::nearest;

/// Options of jails that fail2ban does not have.
pub(crate) const OWN_KEYS: &[&str] = &[BANS];
/// `bans = all`: the jail counts the bans of the others.
pub(super) const BANS: &str = "bans";

/// What is to be said of a problem of the jail files, if anything.
///
/// What fail2ban does not know either is a slip, but it may stand in fail2ban's own directory (`fail2ban`), where it was
/// passed over until now.
pub(crate) fn translated(problem: &conf::Problem, fail2ban: bool) -> Option<Problem> {
    match &problem.kind {
        ConfKind::UnknownKey { key, .. } if OWN_KEYS.contains(&key.as_str()) => None,
        // Actions are looked up when the jail is read.
        ConfKind::NoSuchFile { what: "action", .. }
        | ConfKind::NoActions
        | ConfKind::DuplicateAction { .. }
        | ConfKind::LongJailName { .. } => None,
        ConfKind::UnknownKey { key, .. } if is_jail_key(problem) => {
            let known = JAIL_KEYS.iter().chain(FILTER_KEYS).map(|key| key.name);
            let known = known.chain(JAIL_HELPER_KEYS.iter().copied()).chain(OWN_KEYS.iter().copied());
            let kind = ProblemKind::Unknown {
                what: "option",
                name: key.clone(),
                nearest: nearest(key, known),
                known: Vec::new(),
            };
            let severity = if fail2ban { Severity::Warning } else { Severity::Error };
            Some(Problem { severity, kind, ..Problem::from(problem) })
        }
        ConfKind::UnknownReference { name, nearest: None, missing: None } => {
            let mut problem = Problem::from(problem);
            if let ProblemKind::Conf { hint, .. } = &mut problem.kind {
                *hint = instead_of(name).map(str::to_owned);
            }
            Some(problem)
        }
        _ => Some(Problem::from(problem)),
    }
}

/// What to write instead of a reference that fail2ban's own `jail.conf` and `paths-*.conf` define and ours does not.
fn instead_of(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    if name.starts_with("action_") || name.starts_with("banaction") {
        Some("name a responder of stockade.toml, or leave `action` out for all of them")
    } else if name.ends_with("_log") {
        Some("write the path itself; fail2ban defines this in its paths-*.conf")
    } else if name.ends_with("_backend") {
        Some("write `auto`; fail2ban defines this in its paths-*.conf")
    } else {
        None
    }
}

/// Whether an option stands in a jail or in `[DEFAULT]`, not in a filter.
fn is_jail_key(problem: &conf::Problem) -> bool {
    !matches!(problem.section.as_deref(), Some("INCLUDES" | "Definition" | "Init"))
}

/// Whether a problem is about the filter, which a jail that counts bans does not use.
pub(super) fn is_about_filter(problem: &conf::Problem, jail: &str) -> bool {
    let of_filter = |key: &str| key == "filter" || FILTER_KEYS.iter().any(|known| known.name == key);
    matches!(problem.kind, ConfKind::NoSuchFile { what: "filter", .. } | ConfKind::NoFilter)
        || problem.section.as_deref().is_some_and(|section| section != jail)
        || problem.key.as_deref().is_some_and(of_filter)
}

/// Options that fail2ban has and that do nothing here, and why.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("ignorecache", "`ignoreip` needs no cache, and an answer of `ignorecommand` holds for a minute"),
    ("logencoding", "log lines are not decoded"),
    ("maxmatches", "`retention.max_matches` in stockade.toml says how many lines are kept"),
    ("skip_if_nologs", "a log file may appear later"),
    ("systemd_if_nologs", "`backend = auto` reads the journal if there are no log files"),
];

/// Warns of options that do nothing here.
pub(super) fn without_effect(options: &mut Options<'_>, counts_bans: bool) {
    for (key, reason) in WITHOUT_EFFECT {
        let Some(value) = options.get(key) else { continue };
        let matters = match *key {
            "ignorecache" => true,
            "logencoding" => {
                !["auto", "utf-8", "utf8", "ascii"].contains(&value.text().to_lowercase().as_str())
            }
            // fail2ban's own files set them for all jails.
            _ => options.own(key),
        };
        if matters {
            options.warn(key, value, ProblemKind::NoEffect { reason });
        }
    }
    if counts_bans {
        let reading = ["filter", "ignorecommand", "logpath", "backend", "logtimezone"].into_iter();
        for key in reading.chain(FILTER_KEYS.iter().map(|key| key.name)) {
            if options.own(key)
                && let Some(value) = options.get(key)
            {
                let reason = "a jail with `bans = all` reads no log";
                options.warn(key, value, ProblemKind::NoEffect { reason });
            }
        }
    }
}

/// A warning of a jail that is off because its `enabled` is no word for true or false.
pub(crate) fn bad_enabled(jail: &conf::Jail) -> Option<Problem> {
    const NO: [&str; 5] = ["false", "no", "off", "0", ""];
    let value = jail.settings.get("enabled")?;
    let text = value.text().trim();
    if parse_bool(text) || NO.iter().any(|no| text.eq_ignore_ascii_case(no)) {
        return None;
    }
    let kind = ProblemKind::bad_value_hint("`true` or `false`", text, "the jail is off until it is `true`");
    Some(Problem::warning(kind, value.origin().into()).section(&jail.name).key("enabled"))
}
