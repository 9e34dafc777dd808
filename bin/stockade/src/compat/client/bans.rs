//! Who is banned, by hand and by question.

use stockade_core::Key;
use stockade_filter::conf::dump::Datum;
use stockade_runtime::control::{Change, LiveBan, Request, Response};

use super::link::{Link, strange};
use super::reply::{Nok, Reply, log, python_list};

/// What stands in the reason of what is done by hand here.
const BY: &str = "fail2ban-client";

/// `banned [IP…]`: the bans of every jail, or the jails of every address.
pub(super) fn banned(link: &mut Link, addresses: &[String]) -> Reply {
    let jails = link.jails()?;
    let bans = link.bans(None)?;
    let datum = if addresses.is_empty() {
        let one = |jail: &stockade_runtime::control::JailStatus| {
            let of_jail = bans.iter().filter(|ban| ban.jail == jail.name).map(|ban| ban.key.to_string());
            Datum::Table(vec![(jail.name.to_string(), python_list(of_jail))])
        };
        Datum::List(jails.iter().map(one).collect())
    } else {
        let one = |address: &String| {
            let key = Key::parse_addr_or_net(address);
            let holds = |jail: &stockade_runtime::control::JailStatus| {
                bans.iter().any(|ban| ban.jail == jail.name && Some(&ban.key) == key.as_ref())
            };
            python_list(jails.iter().filter(|jail| holds(jail)).map(|jail| &*jail.name))
        };
        Datum::List(addresses.iter().map(one).collect())
    };
    Ok(datum.to_string())
}

/// `unban --all`, `unban IP…`: in all jails. Says how many bans were lifted.
pub(super) fn unban(link: &mut Link, words: &[String]) -> Reply {
    match words {
        [] => link.ask(&Request::Ping).and(Err(Nok::refused("Invalid command"))),
        [all] if all == "--all" => Ok(lift_all(link, None)?.to_string()),
        addresses => lift(link, None, addresses).map(|(lifted, _)| lifted.to_string()),
    }
}

/// `set JAIL unbanip [--report-absent] IP…`. Says how many bans were lifted.
pub(super) fn unban_in(link: &mut Link, jail: &str, words: &[String]) -> Reply {
    let (report, addresses) = match words {
        [] => return Err(Nok::incomplete()),
        [first, rest @ ..] if first == "--report-absent" => (true, rest),
        addresses => (false, addresses),
    };
    let (lifted, absent) = lift(link, Some(jail), addresses)?;
    if report && !absent.is_empty() {
        return Err(Nok::refused(format!("not banned: {}", python_list(absent))));
    }
    Ok(lifted.to_string())
}

/// `set JAIL banip IP…`. Says how many bans are new.
pub(super) fn ban_in(link: &mut Link, jail: &str, addresses: &[String]) -> Reply {
    let before = link.bans(Some(jail))?;
    let read = |text: &String| {
        Key::parse_addr_or_net(text)
            .ok_or_else(|| Nok::cannot(&format!("`{text}` is no address; names are not banned by hand")))
    };
    let keys = addresses.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut wanted: Vec<Key> = Vec::new();
    for key in keys {
        if !wanted.contains(&key) {
            wanted.push(key);
        }
    }
    if wanted.is_empty() {
        return Ok("0".to_owned());
    }
    let request =
        Request::Ban { keys: wanted, jail: Some(jail.to_owned()), span: None, reason: BY.to_owned() };
    let changes = changes(link.ask(&request)?)?;
    for Change { key, note, .. } in changes.iter().filter(|change| !change.done) {
        log("WARNING", &format!("[{jail}] {key} is not banned: {note}"));
    }
    // A ban that is in force is made longer, and is not new.
    let is_new = |change: &&Change| change.done && before.iter().all(|ban| ban.key != change.key);
    Ok(changes.iter().filter(is_new).count().to_string())
}

/// `get JAIL banned [IP…]`: all, or for each whether it is.
pub(super) fn banned_in(link: &mut Link, jail: &str, addresses: &[String]) -> Reply {
    let bans = link.bans(Some(jail))?;
    let is_banned = |address: &String| {
        let key = Key::parse_addr_or_net(address);
        Datum::Number(bans.iter().any(|ban| Some(&ban.key) == key.as_ref()).into())
    };
    Ok(match addresses {
        [] => python_list(bans.iter().map(|ban| ban.key.to_string())).to_string(),
        [address] => is_banned(address).to_string(),
        addresses => Datum::List(addresses.iter().map(is_banned).collect()).to_string(),
    })
}

/// `get JAIL banip [SEP|--with-time]`, those that end first come first.
pub(super) fn list(link: &mut Link, jail: &str, how: Option<&str>) -> Reply {
    let bans = link.bans_by_end(jail)?;
    Ok(match how {
        Some("--with-time") => bans.iter().map(with_time).collect::<Vec<_>>().join("\n"),
        separator => {
            let keys: Vec<String> = bans.iter().map(|ban| ban.key.to_string()).collect();
            keys.join(separator.unwrap_or(" "))
        }
    })
}

/// Lifts every ban, of one jail only if one is named. How many there were.
pub(super) fn lift_all(link: &mut Link, jail: Option<&str>) -> Result<usize, Nok> {
    let request =
        Request::Unban { keys: Vec::new(), all: true, jail: jail.map(str::to_owned), reason: BY.to_owned() };
    let changes = changes(link.of_jail(jail, &request)?)?;
    Ok(changes.iter().filter(|change| change.done).count())
}

/// Lifts bans; a network that is not banned itself stands for whatever of it is. How many were lifted, and whom there
/// was nothing to lift for.
fn lift(link: &mut Link, jail: Option<&str>, addresses: &[String]) -> Result<(usize, Vec<String>), Nok> {
    let bans = link.bans(jail)?;
    let mut keys: Vec<Key> = Vec::new();
    let mut absent = Vec::new();
    for address in addresses {
        let mut mine: Vec<&Key> = meant(address, &bans);
        if mine.is_empty() {
            absent.push(address.clone());
        }
        mine.retain(|key| !keys.contains(key));
        keys.extend(mine.into_iter().cloned().collect::<Vec<_>>());
    }
    if keys.is_empty() {
        return Ok((0, absent));
    }
    let request = Request::Unban { keys, all: false, jail: jail.map(str::to_owned), reason: BY.to_owned() };
    let changes = changes(link.ask(&request)?)?;
    Ok((changes.iter().filter(|change| change.done).count(), absent))
}

fn meant<'b>(address: &str, bans: &'b [LiveBan]) -> Vec<&'b Key> {
    let key = Key::parse_addr_or_net(address).unwrap_or_else(|| Key::name(address));
    if let Some(ban) = bans.iter().find(|ban| ban.key == key) {
        return vec![&ban.key];
    }
    let Key::Net(net) = key else { return Vec::new() };
    let inside = |ban: &&LiveBan| ban.key.to_net().is_some_and(|banned| net.contains(&banned));
    let mut keys: Vec<&Key> = bans.iter().filter(inside).map(|ban| &ban.key).collect();
    keys.dedup();
    keys
}

/// `192.0.2.7 \t2026-11-22 10:00:00 + 600 = 2026-11-22 10:10:00`, in local time.
fn with_time(ban: &LiveBan) -> String {
    let date = |seconds: i64| match jiff::Timestamp::from_second(seconds) {
        Ok(time) => time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => "9999-12-31 23:59:59".to_owned(),
    };
    let since = ban.since.as_secs();
    let (length, end) = match ban.until {
        Some(until) => (until.as_secs() - since, date(until.as_secs())),
        None => (-1, date(i64::MAX)),
    };
    format!("{} \t{} + {length} = {end}", ban.key, date(since))
}

fn changes(response: Response) -> Result<Vec<Change>, Nok> {
    match response {
        Response::Changed { changes } => Ok(changes),
        other => Err(strange(&other)),
    }
}
