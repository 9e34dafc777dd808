//! Changes that commands make while the daemon runs, until the next reload.
//!
//! A change is made in the configuration that is in use. What decides and nothing else (thresholds, whom a jail
//! ignores) takes effect at once; what is read, and by which regexes, by building everything anew from the changed
//! configuration, which is how a reload works too.

use std::collections::BTreeMap;
use std::time::Duration;

use stockade_config::{IgnoreEntry, JailConfig, LogPath};
use stockade_core::{BanTime, Growth};
use stockade_filter::conf::value::{TimeSpan, parse_bool, parse_time};
use stockade_filter::date::Zone;
use stockade_filter::{FilterSpec, Source, UseDns};

use crate::control::JailChange;

/// How many entries a list may get by commands.
const MAX_ENTRIES: usize = 100_000;
/// The most lines that a regex may see, as in the files.
const MAX_LINES: u32 = 1000;

/// What commands changed that the configuration has no place for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    /// Matches do not count for the time being.
    pub(crate) idle: bool,
    /// Options as the commands wrote them.
    pub(crate) options: BTreeMap<String, String>,
}

/// How a change takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// By itself.
    AtOnce,
    /// When everything is built anew.
    Rebuild,
}

/// Makes the change. `Err`: why it cannot be made; then nothing was changed.
pub(crate) fn apply(change: &JailChange, jail: &mut JailConfig, live: &mut Live) -> Result<Effect, String> {
    match change {
        JailChange::Idle { on } => live.idle = *on,
        JailChange::IgnoreSelf { on } => jail.ignore_self = *on,
        JailChange::Ignore { entries } => {
            let known = jail.jail.ignore.iter().count() + jail.ignore_hosts.len() + jail.ignore_files.len();
            room(known + entries.len())?;
            let read = |entry: &String| IgnoreEntry::parse(entry).ok_or_else(|| no_entry(entry));
            for entry in entries.iter().map(read).collect::<Result<Vec<_>, _>>()? {
                ignore(jail, entry);
            }
        }
        JailChange::DoNotIgnore { entry } => {
            let gone = match IgnoreEntry::parse(entry).ok_or_else(|| no_entry(entry))? {
                IgnoreEntry::Key(key) => jail.jail.ignore.remove(&key),
                IgnoreEntry::Host(host) => take_out(&mut jail.ignore_hosts, &host),
                IgnoreEntry::File(file) => take_out(&mut jail.ignore_files, &file),
            };
            if !gone {
                return Err(format!("not in `ignoreip`: `{entry}`"));
            }
        }
        JailChange::FindTime { seconds } => {
            jail.jail.threshold.findtime = Duration::from_secs(above_zero(*seconds)?);
        }
        JailChange::BanTime { seconds } => {
            jail.jail.bantime = match seconds {
                None => BanTime::Forever,
                Some(seconds) => BanTime::For(Duration::from_secs(above_zero(*seconds)?)),
            };
        }
        JailChange::MaxRetry { times } => jail.jail.threshold.maxretry = *times,
        JailChange::Growth { option, value } => {
            jail.jail.growth = grow(jail.jail.growth.clone(), option, value)?;
            live.options.insert(format!("bantime.{option}"), value.clone());
        }
        JailChange::Note { option, value } => _ = live.options.insert(option.clone(), value.clone()),
        other => return reading(other, jail).map(|()| Effect::Rebuild),
    }
    Ok(Effect::AtOnce)
}

/// Changes of what is read and what is looked for.
fn reading(change: &JailChange, jail: &mut JailConfig) -> Result<(), String> {
    match change {
        JailChange::AddLog { glob, tail } => {
            room(jail.logpaths.len() + 1)?;
            if !glob.starts_with('/') || glob.contains('\0') {
                return Err(format!("not an absolute path: `{glob}`"));
            }
            if jail.logpaths.iter().all(|known| known.glob != *glob) {
                jail.logpaths.push(LogPath { glob: glob.clone(), tail: *tail });
            }
        }
        JailChange::RemoveLog { glob } => jail.logpaths.retain(|known| known.glob != *glob),
        JailChange::AddJournal { words } => {
            room(jail.journalmatch.len() + 1)?;
            let line = journal_line(words)?;
            if !jail.journalmatch.contains(&line) {
                jail.journalmatch.push(line);
            }
        }
        JailChange::RemoveJournal { words } => {
            let line = journal_line(words)?;
            if !take_out(&mut jail.journalmatch, &line) {
                return Err(format!("not in `journalmatch`: `{line}`"));
            }
        }
        JailChange::IgnoreCommand { command } => {
            jail.ignore_command = Some(command.clone()).filter(|command| !command.is_empty());
        }
        JailChange::Zone { name } => {
            Zone::parse(name).map_err(|error| error.to_string())?;
            jail.zone = Some(name.clone());
        }
        other => {
            let Some(filter) = &mut jail.filter else {
                return Err("the jail counts bans and has no filter".to_owned());
            };
            looking(other, filter)?;
            if let Some(filter) = &mut jail.journal_filter {
                looking(other, filter)?;
            }
        }
    }
    Ok(())
}

/// Changes of the filter. Whether it can be compiled is seen when everything is built anew.
fn looking(change: &JailChange, filter: &mut FilterSpec) -> Result<(), String> {
    let source = |text: &str| Source { text: text.to_owned(), origin: "(command)".to_owned() };
    match change {
        JailChange::UseDns { mode } => filter.usedns = UseDns::parse(mode),
        JailChange::MaxLines { lines } if (1..=MAX_LINES).contains(lines) => {
            filter.maxlines = usize::try_from(*lines).unwrap_or(1);
        }
        JailChange::MaxLines { .. } => return Err(format!("maxlines is a number from 1 to {MAX_LINES}")),
        JailChange::DatePattern { pattern } => filter.datepattern.clone_from(pattern),
        JailChange::PrefRegex { regex } => {
            filter.prefregex = Some(source(regex)).filter(|_| !regex.is_empty());
        }
        JailChange::AddFailRegex { regex } => push(&mut filter.failregex, source(regex))?,
        JailChange::AddIgnoreRegex { regex } => push(&mut filter.ignoreregex, source(regex))?,
        JailChange::RemoveFailRegex { at } => remove(&mut filter.failregex, *at)?,
        JailChange::RemoveIgnoreRegex { at } => remove(&mut filter.ignoreregex, *at)?,
        _ => return Err("this daemon does not know the setting".to_owned()),
    }
    Ok(())
}

fn ignore(jail: &mut JailConfig, entry: IgnoreEntry) {
    match entry {
        IgnoreEntry::Key(key) => jail.jail.ignore.insert(key),
        IgnoreEntry::Host(host) if !jail.ignore_hosts.contains(&host) => jail.ignore_hosts.push(host),
        IgnoreEntry::File(file) if !jail.ignore_files.contains(&file) => jail.ignore_files.push(file),
        IgnoreEntry::Host(_) | IgnoreEntry::File(_) => {}
    }
}

/// `bantime.increment` and its companions. Without `increment` the others are refused, as they would do nothing.
fn grow(growth: Option<Growth>, option: &str, value: &str) -> Result<Option<Growth>, String> {
    if option == "increment" {
        return Ok(parse_bool(value).then(|| growth.unwrap_or_default()));
    }
    let mut growth = growth.ok_or_else(|| "set `bantime.increment` first".to_owned())?;
    let bad = || format!("not a value of `bantime.{option}`: `{value}`");
    let span = |text: &str| parse_time(text).ok().map(TimeSpan::duration).ok_or_else(bad);
    let number = |text: &str| {
        text.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0).ok_or_else(bad)
    };
    match option {
        "factor" => growth.factor = number(value)?,
        "multipliers" => {
            growth.multipliers = value.split_whitespace().map(number).collect::<Result<_, _>>()?;
        }
        "maxtime" => growth.maxtime = span(value)?,
        "rndtime" => growth.rndtime = span(value)?.ok_or_else(bad)?,
        "overalljails" => growth.overalljails = parse_bool(value),
        _ => return Err(format!("`bantime.{option}` cannot be set")),
    }
    room(growth.multipliers.len())?;
    Ok(Some(growth))
}

fn journal_line(words: &[String]) -> Result<String, String> {
    let plain = |word: &String| {
        !word.is_empty() && !word.contains(|c: char| c.is_control() || c == '\'' || c == '"' || c == '\\')
    };
    if words.is_empty() || !words.iter().all(plain) {
        return Err("a journal match has words like `_SYSTEMD_UNIT=ssh.service`".to_owned());
    }
    let quoted = |word: &String| {
        if word.contains(char::is_whitespace) { format!("'{word}'") } else { word.clone() }
    };
    Ok(words.iter().map(quoted).collect::<Vec<_>>().join(" "))
}

fn push(list: &mut Vec<Source>, one: Source) -> Result<(), String> {
    room(list.len() + 1)?;
    list.push(one);
    Ok(())
}

fn remove(list: &mut Vec<Source>, at: usize) -> Result<(), String> {
    if at >= list.len() {
        return Err(format!("there is no regex {at}"));
    }
    list.remove(at);
    Ok(())
}

fn take_out<T: PartialEq>(list: &mut Vec<T>, one: &T) -> bool {
    let before = list.len();
    list.retain(|other| other != one);
    list.len() < before
}

fn room(entries: usize) -> Result<(), String> {
    if entries <= MAX_ENTRIES { Ok(()) } else { Err(format!("at most {MAX_ENTRIES} entries are possible")) }
}

fn above_zero(seconds: u64) -> Result<u64, String> {
    if seconds > 0 { Ok(seconds) } else { Err("it must be above zero".to_owned()) }
}

fn no_entry(entry: &str) -> String {
    format!("not an address, network, host name or `file:/path`: `{entry}`")
}

#[cfg(test)]
mod tests {
    use stockade_config::{Config, Paths};

    use super::*;

    fn sshd() -> JailConfig {
        let nowhere = Paths { directory: Some(std::env::temp_dir()), ..Paths::default() };
        let config: Config = stockade_config::load(&nowhere, &|_| None).unwrap();
        config.jail("sshd").unwrap().clone()
    }

    fn growth(option: &str, value: &str) -> JailChange {
        JailChange::Growth { option: option.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn how_bans_grow_can_be_set_once_they_do() {
        let (mut jail, mut live) = (sshd(), Live::default());
        assert!(apply(&growth("factor", "2"), &mut jail, &mut live).is_err());
        for (option, value) in [
            ("increment", "true"),
            ("factor", "2"),
            ("multipliers", "1 5 30"),
            ("maxtime", "1w"),
            ("rndtime", "1m"),
        ] {
            assert_eq!(apply(&growth(option, value), &mut jail, &mut live), Ok(Effect::AtOnce), "{option}");
        }
        let grown = jail.jail.growth.clone().unwrap();
        assert_eq!((grown.factor, grown.multipliers), (2.0, vec![1.0, 5.0, 30.0]));
        assert_eq!((grown.maxtime, grown.rndtime.as_secs()), (Some(Duration::from_secs(604_800)), 60));
        assert_eq!(live.options.get("bantime.maxtime").map(String::as_str), Some("1w"));
        for (option, value) in
            [("factor", "-1"), ("factor", "inf"), ("rndtime", "-1"), ("maxtime", "x"), ("formula", "1")]
        {
            assert!(apply(&growth(option, value), &mut jail, &mut live).is_err(), "{option} {value}");
        }
        assert_eq!(apply(&growth("increment", "no"), &mut jail, &mut live), Ok(Effect::AtOnce));
        assert_eq!(jail.jail.growth, None);
    }

    #[test]
    fn what_is_read_is_built_anew_and_what_is_wrong_changes_nothing() {
        let (mut jail, mut live) = (sshd(), Live::default());
        let before = jail.journalmatch.clone();
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let add = |list: &[&str]| JailChange::AddJournal { words: words(list) };
        assert_eq!(apply(&add(&["_COMM=a b", "_UID=0"]), &mut jail, &mut live), Ok(Effect::Rebuild));
        assert_eq!(jail.journalmatch.last().map(String::as_str), Some("'_COMM=a b' _UID=0"));
        let remove = JailChange::RemoveJournal { words: words(&["_COMM=a b", "_UID=0"]) };
        assert_eq!(apply(&remove, &mut jail, &mut live), Ok(Effect::Rebuild));
        assert_eq!(jail.journalmatch, before);
        for wrong in [
            remove,
            add(&[]),
            add(&["'"]),
            add(&["a\nb"]),
            JailChange::AddLog { glob: "relative".to_owned(), tail: false },
            JailChange::MaxLines { lines: 1_000_000 },
            JailChange::Zone { name: "Nowhere/Land".to_owned() },
            JailChange::FindTime { seconds: 0 },
            JailChange::BanTime { seconds: Some(0) },
            JailChange::Ignore { entries: words(&["203.0.113.7", "203.0.113.999"]) },
        ] {
            assert!(apply(&wrong, &mut jail, &mut live).is_err(), "{wrong:?}");
        }
        assert!(!jail.jail.ignore.covers(&"203.0.113.7".parse().unwrap()), "all or nothing");
    }
}
