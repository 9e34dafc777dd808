//! `set`.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use stockade_core::Key;
use stockade_filter::conf::dump::Datum;
use stockade_filter::conf::value::parse_bool;
use stockade_runtime::control::{DaemonChange, JailChange, Request};

use super::args::level;
use super::get::{setting, shown};
use super::link::{Link, errno};
use super::reply::{Nok, Reply};
use super::{bans, integer, whole_seconds, word};

/// `set LOGGING VALUE`, `set DATABASE VALUE`, `set JAIL OPTION VALUE`.
pub(super) fn set(link: &mut Link, words: &[String]) -> Reply {
    let first = word(words, 0)?;
    match first {
        "loglevel" | "logtarget" | "syslogsocket" | "dbpurgeage" | "dbfile" | "dbmaxmatches" => {
            daemon(link, first, word(words, 1)?)
        }
        jail => of_jail(link, jail, word(words, 1)?, words.get(2..).unwrap_or_default()),
    }
}

fn daemon(link: &mut Link, name: &str, value: &str) -> Reply {
    let change = match name {
        "loglevel" => {
            let level = level(value)
                .ok_or_else(|| Nok::refused(format!("Invalid log level '{}'", value.to_uppercase())))?;
            DaemonChange { log_level: Some(level.name().to_owned()), ..DaemonChange::default() }
        }
        "logtarget" => DaemonChange { log_file: Some(log_target(value)?), ..DaemonChange::default() },
        "dbpurgeage" => {
            let seconds = whole_seconds(value)?.unwrap_or(u64::MAX);
            DaemonChange { keep_bans_seconds: Some(seconds), ..DaemonChange::default() }
        }
        "dbfile" => return Err(Nok::refused("Cannot change database when there are jails present")),
        "dbmaxmatches" => {
            return Err(Nok::cannot("`retention.max_matches` in stockade.toml says how many lines are kept"));
        }
        _ if value == "auto" => DaemonChange::default(),
        _ => return Err(Nok::refused("Failed to change syslog socket")),
    };
    match link.set(change) {
        Ok(settings) => Ok(setting(name, &settings)),
        Err(Nok::Refused { .. }) if name == "logtarget" => Err(Nok::refused("Failed to change log target")),
        Err(nok) => Err(nok),
    }
}

/// The file of the log; nothing for the daemon's own, which goes to standard error anyway.
pub(super) fn log_target(value: &str) -> Result<PathBuf, Nok> {
    match value.to_uppercase().as_str() {
        "STDERR" => Ok(PathBuf::new()),
        "STDOUT" | "SYSOUT" => Ok("/dev/stdout".into()),
        "SYSLOG" | "SYSTEMD-JOURNAL" => Err(Nok::refused("Failed to change log target")),
        _ if value.starts_with('/') => Ok(value.into()),
        _ => Err(Nok::refused("Failed to change log target")),
    }
}

fn of_jail(link: &mut Link, jail: &str, option: &str, words: &[String]) -> Reply {
    match option {
        "banip" => return bans::ban_in(link, jail, words),
        "unbanip" => return bans::unban_in(link, jail, words),
        "attempt" => return attempt(link, jail, words),
        "addaction" | "delaction" | "action" | "ignorecache" => {
            word(words, 0)?;
            link.jail(jail)?;
            return Err(Nok::cannot(match option {
                "ignorecache" => "what an ignorecommand says is not kept as it says",
                _ => "actions are set in the files, then `reload`",
            }));
        }
        _ => {}
    }
    let change = change(link, jail, option, words)?;
    let detail = link.set_jail(jail, change)?;
    if option == "idle" {
        return Ok(Datum::Bool(detail.idle).to_string());
    }
    if option == "usedns" {
        // `yes` and `warn` are one here; who set one wants to see it.
        return Ok(usedns(words.first().map_or("", String::as_str)).to_owned());
    }
    if let Some(value) =
        words.first().filter(|_| option.starts_with("bantime.") && option != "bantime.increment")
    {
        return Ok(whole_seconds(value)
            .ok()
            .flatten()
            .filter(|_| option.ends_with("time"))
            .map_or_else(|| value.clone(), |seconds| seconds.to_string()));
    }
    let of = option.strip_prefix("add").or_else(|| option.strip_prefix("del")).unwrap_or(option);
    shown(of, &Ok(detail)).unwrap_or_else(|| Ok(String::new()))
}

/// The change that is meant.
fn change(link: &mut Link, jail: &str, option: &str, words: &[String]) -> Result<JailChange, Nok> {
    let value = || word(words, 0).map(str::to_owned);
    let index = || -> Result<usize, Nok> {
        let number = integer(&value()?)?;
        // Python counts from the end below zero; nobody should take out what he did not see.
        usize::try_from(number).map_err(|_| Nok::refused("an index is not below zero"))
    };
    let count = |number: i64| u32::try_from(number).ok().and_then(NonZeroU32::new);
    Ok(match option {
        "idle" => match value()?.as_str() {
            "on" => JailChange::Idle { on: true },
            "off" => JailChange::Idle { on: false },
            _ => return Err(Nok::refused("Invalid idle option, must be 'on' or 'off'")),
        },
        "ignoreself" => JailChange::IgnoreSelf { on: parse_bool(&value()?) },
        "addignoreip" => {
            let entries = words.iter().filter(|entry| !entry.is_empty()).cloned().collect();
            JailChange::Ignore { entries }
        }
        "delignoreip" => JailChange::DoNotIgnore { entry: listed(link, jail, &value()?)? },
        "findtime" => {
            let seconds = whole_seconds(&value()?)?;
            JailChange::FindTime { seconds: seconds.ok_or_else(|| Nok::cannot("findtime has an end"))? }
        }
        "bantime" => JailChange::BanTime { seconds: whole_seconds(&value()?)? },
        "maxretry" => {
            let times = count(integer(&value()?)?);
            JailChange::MaxRetry { times: times.ok_or_else(|| Nok::cannot("maxretry is at least 1"))? }
        }
        "maxlines" => match count(integer(&value()?)?) {
            Some(lines) => JailChange::MaxLines { lines: lines.get() },
            None => return Err(Nok::refused("maxlines must be integer greater than zero")),
        },
        "maxmatches" => {
            JailChange::Note { option: option.to_owned(), value: integer(&value()?)?.to_string() }
        }
        "logencoding" => encoding(&value()?)?,
        "usedns" => JailChange::UseDns { mode: usedns(&value()?).to_owned() },
        "datepattern" => {
            let pattern = value()?;
            JailChange::DatePattern { pattern: Some(pattern).filter(|pattern| !pattern.is_empty()) }
        }
        "logtimezone" => JailChange::Zone { name: value()? },
        "ignorecommand" => JailChange::IgnoreCommand { command: value()? },
        "prefregex" => JailChange::PrefRegex { regex: value()? },
        "addfailregex" => JailChange::AddFailRegex { regex: value()? },
        "addignoreregex" => JailChange::AddIgnoreRegex { regex: value()? },
        "delfailregex" => JailChange::RemoveFailRegex { at: index()? },
        "delignoreregex" => JailChange::RemoveIgnoreRegex { at: index()? },
        "addlogpath" => add_log(words)?,
        "dellogpath" => JailChange::RemoveLog { glob: value()? },
        "addjournalmatch" => JailChange::AddJournal { words: words.to_vec() },
        "deljournalmatch" => JailChange::RemoveJournal { words: words.to_vec() },
        other => match other.strip_prefix("bantime.") {
            Some(growth) => JailChange::Growth { option: growth.to_owned(), value: value()? },
            None => {
                let why = format!("Invalid command '{other}' (no set action or not yet implemented)");
                return link.ask(&Request::Ping).and(Err(Nok::refused(why)));
            }
        },
    })
}

fn attempt(link: &mut Link, jail: &str, words: &[String]) -> Reply {
    let address = word(words, 0)?;
    let key =
        Key::parse_addr_or_net(address).ok_or_else(|| Nok::cannot(&format!("`{address}` is no address")))?;
    let lines = words.get(1..).unwrap_or_default().to_vec();
    link.of_jail(Some(jail), &Request::Attempt { jail: jail.to_owned(), key, lines }).map(|_| "1".to_owned())
}

/// An entry of `ignoreip` that is there, or Python's complaint.
fn listed(link: &mut Link, jail: &str, entry: &str) -> Result<String, Nok> {
    let known = link.jail(jail)?.ignore;
    let key = Key::parse_addr_or_net(entry).map(|key| key.to_string());
    let found = known.into_iter().find(|known| *known == *entry || Some(known) == key.as_ref());
    found.ok_or_else(|| Nok::refused("list.remove(x): x not in list"))
}

fn add_log(words: &[String]) -> Result<JailChange, Nok> {
    let path = word(words, 0)?;
    let tail = match words.get(1..).unwrap_or_default() {
        [] => false,
        [place] if place.eq_ignore_ascii_case("head") => false,
        [place] if place.eq_ignore_ascii_case("tail") => true,
        [_] => return Err(Nok::refused("File option must be 'head' or 'tail'")),
        _ => return Err(Nok::refused("Only one file can be added at a time")),
    };
    if let Err(error) = Path::new(path).metadata() {
        let args = match error.raw_os_error() {
            Some(code) => format!("({code}, '{}')", errno(&error).split("] ").nth(1).unwrap_or_default()),
            None => format!("('{error}',)"),
        };
        return Err(Nok::Refused { args, shown: format!("{}: '{path}'", errno(&error)) });
    }
    Ok(JailChange::AddLog { glob: path.to_owned(), tail })
}

/// Lines are not decoded: whatever holds ASCII can be read.
fn encoding(name: &str) -> Result<JailChange, Nok> {
    if ["auto", "utf-8", "utf8", "ascii"].iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return Ok(JailChange::Note { option: "logencoding".to_owned(), value: name.to_owned() });
    }
    Err(Nok::refused(format!("unknown encoding: {name}")))
}

/// `usedns`; a wrong value is `no`.
fn usedns(mode: &str) -> &'static str {
    ["yes", "warn", "raw"].into_iter().find(|known| mode.eq_ignore_ascii_case(known)).unwrap_or("no")
}
