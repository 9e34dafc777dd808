//! `status` and `stats`.

use stockade_runtime::control::{JailDetail, LiveBan, Request};

use super::link::Link;
use super::reply::{Nok, Reply};

/// `status [--all] [JAIL] [FLAVOR]`.
pub(super) fn status(link: &mut Link, words: &[String]) -> Reply {
    match words {
        [] => overview(link, None),
        [all] if all == "--all" => overview(link, Some("basic")),
        [all, flavor] if all == "--all" => overview(link, Some(flavor)),
        [jail] => of_jail(link, jail, "basic"),
        [jail, flavor] => of_jail(link, jail, flavor),
        _ => link.ask(&Request::Ping).and(Err(Nok::refused("Invalid command (no status)"))),
    }
}

/// A group of numbers: its name, and each with its own.
type Group = (&'static str, Vec<(&'static str, String)>);

fn of_jail(link: &mut Link, jail: &str, flavor: &str) -> Reply {
    let groups = groups(link, jail, flavor)?;
    Ok([format!("Status for the jail: {jail}")]
        .into_iter()
        .chain(tree(&groups, ""))
        .collect::<Vec<_>>()
        .join("\n"))
}

fn overview(link: &mut Link, details: Option<&str>) -> Reply {
    let jails = link.jails()?;
    let mut names: Vec<&str> = jails.iter().map(|jail| &*jail.name).collect();
    names.sort_unstable();
    let last = if details.is_some() && !names.is_empty() { "|-" } else { "`-" };
    let mut lines = vec![
        "Status".to_owned(),
        format!("|- Number of jail:\t{}", names.len()),
        format!("{last} Jail list:\t{}", names.join(", ")),
    ];
    if let Some(flavor) = details {
        for (at, name) in names.iter().enumerate() {
            let (branch, below) = if at + 1 == names.len() { ("`-", "   ") } else { ("|-", "|  ") };
            lines.push(format!("{branch} Status for the jail: {name}"));
            lines.extend(tree(&groups(link, name, flavor)?, below));
        }
    }
    Ok(lines.join("\n"))
}

fn groups(link: &mut Link, jail: &str, flavor: &str) -> Result<[Group; 2], Nok> {
    if flavor == "cymru" {
        return Err(Nok::cannot("it asks nobody on the network whose an address is"));
    }
    let detail = link.jail(jail)?;
    let bans = if flavor == "short" { Vec::new() } else { link.bans(Some(jail))? };
    let mut filter =
        vec![("Currently failed", detail.failing.to_string()), ("Total failed", detail.matches.to_string())];
    filter.push(if detail.reads_journal && !detail.journalmatch.is_empty() {
        ("Journal matches", journal_matches(&detail))
    } else {
        ("File list", detail.files.join(" "))
    });
    let mut actions =
        vec![("Currently banned", detail.live_bans.to_string()), ("Total banned", detail.bans.to_string())];
    if flavor != "short" {
        let keys: Vec<String> = bans.iter().map(|ban: &LiveBan| ban.key.to_string()).collect();
        actions.push(("Banned IP list", keys.join(" ")));
    }
    Ok([("Filter", filter), ("Actions", actions)])
}

fn tree(groups: &[Group], indent: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, (name, values)) in groups.iter().enumerate() {
        let (branch, below) = if at + 1 == groups.len() { ("`-", "   ") } else { ("|-", "|  ") };
        lines.push(format!("{indent}{branch} {name}"));
        for (at, (name, value)) in values.iter().enumerate() {
            let branch = if at + 1 == values.len() { "`-" } else { "|-" };
            lines.push(format!("{indent}{below}{branch} {name}:\t{value}"));
        }
    }
    lines
}

/// What a jail asks the journal for: words that must all be there, ` + ` between alternatives.
pub(super) fn journal_matches(detail: &JailDetail) -> String {
    detail.journalmatch.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join(" + ")
}

/// `stats`: a table of all jails.
pub(super) fn stats(link: &mut Link) -> Reply {
    let names: Vec<String> = link.jails()?.iter().map(|jail| jail.name.to_string()).collect();
    let mut rows = Vec::new();
    for name in &names {
        let jail = link.jail(name)?;
        let backend = if jail.reads_journal { "systemd" } else { "polling" };
        let numbers =
            [jail.failing, jail.matches, jail.live_bans, jail.bans].map(|number| number.to_string());
        let [failing, failed, banned, bans] = numbers;
        rows.push([name.clone(), backend.to_owned(), failing, failed, banned, bans]);
    }
    Ok(table(&rows))
}

fn table(rows: &[[String; 6]]) -> String {
    const LEAST: [usize; 6] = [8, 8, 3, 3, 3, 3];
    let width = |at: usize| {
        let widest = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
        widest.unwrap_or(0).max(LEAST.get(at).copied().unwrap_or(0))
    };
    let [jail, backend, cf, tf, cb, tb] = [0, 1, 2, 3, 4, 5].map(width);
    let line = |[a, b, c, d, e, f]: [&str; 6]| {
        format!(" {a:<jail$} | {b:<backend$} | {c:>cf$} | {d:>tf$} | {e:>cb$} | {f:>tb$}")
    };
    let (filter, actions) = (cf + 3 + tf, cb + 3 + tb);
    let rule = [jail, backend, filter, actions].map(|width| "-".repeat(width)).join("-x-");
    let head = format!(
        " {:<jail$} | {:<backend$} | {:<filter$} | {:<actions$}",
        "Jail", "Backend", "Filter", "Actions"
    );
    let mut lines =
        vec![head, format!(" {rule}"), line(["", "", "cur", "tot", "cur", "tot"]), format!(" {rule}")];
    lines.extend(rows.iter().map(|row| line(row.each_ref().map(String::as_str))));
    lines.push(format!(" {rule}"));
    lines.join("\n")
}
