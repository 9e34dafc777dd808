//! `get`.

use stockade_filter::conf::dump::Datum;
use stockade_filter::conf::value::{TimeSpan, parse_time};
use stockade_runtime::control::{DaemonSettings, JailDetail, Request};

use super::link::Link;
use super::reply::{Nok, Reply, plain, tree};
use super::status::journal_matches;
use super::{bans, word};

/// `get LOGGING`, `get DATABASE`, `get JAIL OPTION`.
pub(super) fn get(link: &mut Link, words: &[String]) -> Reply {
    let first = word(words, 0)?;
    if matches!(first, "loglevel" | "logtarget" | "syslogsocket" | "dbfile" | "dbmaxmatches" | "dbpurgeage") {
        return Ok(setting(first, &link.settings()?));
    }
    let option = word(words, 1)?;
    let rest = words.get(2..).unwrap_or_default();
    match option {
        "banned" => bans::banned_in(link, first, rest),
        "banip" => bans::list(link, first, rest.first().map(String::as_str)),
        "action" | "actionproperties" | "actionmethods" => {
            link.jail(first)?;
            Err(Nok::cannot("what carries bans out has no properties; see `stockade config show`"))
        }
        option => match shown(option, &link.jail(first)) {
            Some(reply) => reply,
            None => {
                let why = "Invalid command (no get action or not yet implemented)";
                link.ask(&Request::Ping).and(Err(Nok::refused(why)))
            }
        },
    }
}

/// A setting of the daemon, as `get` and `set` show it.
pub(super) fn setting(name: &str, settings: &DaemonSettings) -> String {
    match name {
        "loglevel" => format!("Current logging level is '{}'", settings.log_level.to_uppercase()),
        "logtarget" => {
            let file = settings.log_file.as_ref().map(|file| file.display().to_string());
            format!("Current logging target is:\n`- {}", file.as_deref().unwrap_or("STDERR"))
        }
        "syslogsocket" => "Current syslog socket is:\n`- auto".to_owned(),
        "dbfile" => match &settings.store {
            Some(store) => format!("Current database file is:\n`- {store}"),
            None => "Database currently disabled".to_owned(),
        },
        "dbpurgeage" => format!("Current database purge age is:\n`- {}seconds", settings.keep_bans_seconds),
        _ => settings.max_matches.to_string(),
    }
}

/// An option of a jail, as `get` and `set` show it. `None` if there is no such option.
pub(super) fn shown(option: &str, jail: &Result<JailDetail, Nok>) -> Option<Reply> {
    const KNOWN: &[&str] = &[
        "logpath",
        "logencoding",
        "journalmatch",
        "ignoreself",
        "ignoreip",
        "ignorecommand",
        "ignorecache",
        "prefregex",
        "failregex",
        "ignoreregex",
        "usedns",
        "findtime",
        "datepattern",
        "logtimezone",
        "maxmatches",
        "maxretry",
        "maxlines",
        "bantime",
        "actions",
    ];
    if !KNOWN.contains(&option) && !option.starts_with("bantime.") {
        return None;
    }
    Some(match jail {
        Ok(jail) => Ok(text(option, jail)),
        Err(nok) => Err(nok.clone()),
    })
}

fn text(option: &str, jail: &JailDetail) -> String {
    let regexes = |regexes: &[String]| {
        let numbered: Vec<String> =
            regexes.iter().enumerate().map(|(at, one)| format!("[{at}]: {one}")).collect();
        tree("No regular expression is defined", "The following regular expression are defined", &numbered)
    };
    let number = |number: u64| number.to_string();
    let option_or =
        |name: &str, unset: Datum| plain(&jail.options.get(name).map_or(unset, |text| text.as_str().into()));
    match option {
        "logpath" => tree("No file is currently monitored", "Current monitored log file(s)", &jail.files),
        "logencoding" => {
            let encoding = jail.options.get("logencoding").map(String::as_str);
            let encoding = encoding.filter(|name| !name.eq_ignore_ascii_case("auto")).unwrap_or("UTF-8");
            format!("Current log encoding is set to:\n{encoding}")
        }
        "journalmatch" if !jail.reads_journal || jail.journalmatch.is_empty() => {
            "No journal match filter set".to_owned()
        }
        "journalmatch" => format!("Current match filter:\n{}", journal_matches(jail)),
        "ignoreself" => Datum::Bool(jail.ignore_self).to_string(),
        "ignoreip" => {
            tree("No IP address/network is ignored", "These IP addresses/networks are ignored", &jail.ignore)
        }
        "ignorecommand" => jail.ignore_command.clone().unwrap_or_else(|| Datum::Bool(false).to_string()),
        "ignorecache" => "None".to_owned(),
        "prefregex" => jail.prefregex.clone().unwrap_or_default(),
        "failregex" => regexes(&jail.failregex),
        "ignoreregex" => regexes(&jail.ignoreregex),
        "usedns" => jail.usedns.clone(),
        "findtime" => number(jail.findtime_seconds),
        "datepattern" => {
            let pattern = jail.datepattern.as_deref().and_then(|pattern| pattern.lines().next());
            let pattern = pattern.filter(|pattern| !pattern.contains("{DATE}") && *pattern != "{^LN-BEG}");
            format!("Current date pattern set to: {}", pattern.unwrap_or("Default Detectors"))
        }
        "logtimezone" => jail.zone.clone().unwrap_or_else(|| "None".to_owned()),
        "maxmatches" => option_or(option, Datum::Number(5)),
        "maxretry" => number(jail.maxretry.into()),
        "maxlines" => number(jail.maxlines),
        "bantime" => jail.bantime_seconds.map_or_else(|| "-1".to_owned(), number),
        "actions" if jail.responders.is_empty() => format!("No actions for jail {}", jail.name),
        "actions" => {
            // An action file's responder has its jail in its name.
            let own = format!("{}/", jail.name);
            let names: Vec<&str> =
                jail.responders.iter().map(|name| name.strip_prefix(&own).unwrap_or(name)).collect();
            format!("The jail {} has the following actions:\n{}", jail.name, names.join(", "))
        }
        growth => plain(&growth_option(growth, jail)),
    }
}

/// `bantime.increment` and its companions.
fn growth_option(option: &str, jail: &JailDetail) -> Datum {
    let Some(text) = jail.options.get(option) else { return Datum::Nothing };
    match option {
        "bantime.increment" => Datum::Bool(stockade_filter::conf::value::parse_bool(text)),
        "bantime.maxtime" | "bantime.rndtime" => match parse_time(text) {
            Ok(TimeSpan::Forever) => Datum::Number(-1),
            Ok(span) => {
                let seconds = span.duration().unwrap_or_default().as_secs();
                Datum::Number(i64::try_from(seconds).unwrap_or(i64::MAX))
            }
            Err(_) => text.as_str().into(),
        },
        _ => text.as_str().into(),
    }
}
