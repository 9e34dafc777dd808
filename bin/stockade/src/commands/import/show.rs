//! How an import is shown.

use std::io::{self, Write};

use serde::Serialize;
use stockade_core::Timestamp;
use stockade_runtime::control::{Fate, ForeignBan};

use super::Import;
use crate::output;
use crate::output::style::{BAD, FAINT, GOOD, NOTE};
use crate::output::table::{self, Cell, number, text};
use crate::output::text::{count, shown};
use crate::output::time::Clock;

/// How many of each there are.
#[derive(Default, Serialize)]
struct Counts {
    bans: u64,
    counts: u64,
    known: u64,
    left: u64,
}

impl Counts {
    fn of(import: &Import<'_>) -> Self {
        let mut counts = Self::default();
        for (.., fate) in &import.bans {
            *match fate {
                Fate::Ban { .. } => &mut counts.bans,
                Fate::Count => &mut counts.counts,
                Fate::Known => &mut counts.known,
                _ => &mut counts.left,
            } += 1;
        }
        counts
    }
}

pub(super) fn table(import: &Import<'_>) -> io::Result<()> {
    let mut out = output::out();
    let clock = Clock::local();
    let news: Vec<_> = import.bans.iter().filter(|(.., fate)| *fate != Fate::Known).collect();
    if !news.is_empty() {
        let heads =
            [text("ADDRESS"), text("JAIL"), text("SINCE"), text("UNTIL"), number("TIMES"), text("WHAT")];
        let rows = news.iter().map(|(from, ban, fate)| row(&clock, from, ban, fate));
        table::print(&mut out, heads, rows, output::columns())?;
    }
    let Counts { bans, counts, known, left } = Counts::of(import);
    let (verb, by) = match (import.args.dry_run, import.by_daemon) {
        (true, _) => ("would be taken over", ""),
        (false, true) => ("taken over", " by the daemon"),
        (false, false) => ("taken over", "; the daemon puts them in force when it starts"),
    };
    writeln!(
        out,
        "{GOOD}{}{GOOD:#} in force and {} of earlier ones {verb}{by}",
        count(bans, "ban"),
        count(counts, "count")
    )?;
    if known > 0 {
        writeln!(out, "{FAINT}{} known already{FAINT:#}", count(known, "ban"))?;
    }
    if left > 0 {
        writeln!(out, "{NOTE}{} left{NOTE:#}, as shown above", count(left, "ban"))?;
    }
    for (jail, bans) in &import.elsewhere {
        writeln!(
            out,
            "{NOTE}left{NOTE:#} {} of jail `{}`, which is not enabled here: `--jail {}=NAME` takes them over",
            count(*bans, "ban"),
            shown(jail),
            shown(jail)
        )?;
    }
    for problem in &import.records.problems {
        writeln!(out, "{BAD}skipped{BAD:#} {}", shown(problem))?;
    }
    let untold = import.records.skipped.saturating_sub(import.records.problems.len() as u64);
    if untold > 0 {
        writeln!(out, "{BAD}skipped{BAD:#} {} more", count(untold, "row"))?;
    }
    out.flush()
}

fn row(clock: &Clock, from: &str, ban: &ForeignBan, fate: &Fate) -> [Cell; 6] {
    let jail = if *ban.jail == *from { from.to_owned() } else { format!("{} (was {from})", ban.jail) };
    let (until, what) = match fate {
        Fate::Ban { until } => {
            (clock.show(until.unwrap_or(Timestamp::MAX)), Cell::new("ban".to_owned(), GOOD))
        }
        Fate::Left { reason } => ("-".to_owned(), Cell::new(format!("left: {}", shown(reason)), BAD)),
        _ => ("-".to_owned(), "count".to_owned().into()),
    };
    [
        shown(&ban.key.to_string()).into_owned().into(),
        shown(&jail).into_owned().into(),
        clock.show(ban.since).into(),
        until.into(),
        ban.times.to_string().into(),
        what,
    ]
}

/// The object for programs.
#[derive(Serialize)]
pub(super) struct Json<'i> {
    database: String,
    version: i64,
    dry_run: bool,
    by_daemon: bool,
    totals: Counts,
    bans: Vec<JsonBan<'i>>,
    /// fail2ban's jails that are not enabled here, with the number of their bans.
    other_jails: &'i std::collections::BTreeMap<&'i str, u64>,
    skipped_rows: u64,
    problems: &'i [String],
}

#[derive(Serialize)]
struct JsonBan<'i> {
    from_jail: &'i str,
    #[serde(flatten)]
    ban: &'i ForeignBan,
    #[serde(flatten)]
    fate: &'i Fate,
}

pub(super) fn json<'i>(import: &'i Import<'_>) -> Json<'i> {
    let bans = import.bans.iter();
    Json {
        database: import.args.file.display().to_string(),
        version: import.records.version,
        dry_run: import.args.dry_run,
        by_daemon: import.by_daemon,
        totals: Counts::of(import),
        bans: bans.map(|(from_jail, ban, fate)| JsonBan { from_jail, ban, fate }).collect(),
        other_jails: &import.elsewhere,
        skipped_rows: import.records.skipped,
        problems: &import.records.problems,
    }
}
