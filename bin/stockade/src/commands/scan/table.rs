//! The answer of a scan for people.

use std::io::{self, Write};

use stockade_core::{BanTime, Feed};
use stockade_runtime::replay::{JailTally, Offender, ReplayJail};

use super::Answer;
use crate::output;
use crate::output::read::{self, Amount};
use crate::output::style::{BAD, FAINT, HEAD};
use crate::output::table::{self, Cell, number, text};
use crate::output::text::{count, shown, span};
use crate::output::time::Clock;

pub(super) fn print(answer: &Answer<'_>) -> io::Result<()> {
    let mut out = output::out();
    let columns = output::columns();
    let clock = answer.clock.clone().for_width(columns);
    let (offenders, hidden) = answer.offenders();
    if offenders.clone().next().is_some() {
        let heads = [
            text("ADDRESS"),
            text("JAIL"),
            number("MATCHES"),
            text("FIRST"),
            text("LAST"),
            number("BANS"),
            text("BANNED"),
            text("UNTIL"),
            text("USERS"),
        ];
        table::print(&mut out, heads, offenders.map(|offender| row(&offender, &clock)), columns)?;
        if hidden > 0 {
            let more =
                if hidden == 1 { "1 more is not shown" } else { &format!("{hidden} more are not shown") };
            writeln!(out, "{FAINT}… {more}: --top 0 shows all{FAINT:#}")?;
        }
        writeln!(out)?;
    }
    for (jail, tally) in answer.jails.iter().zip(&answer.report.jails) {
        writeln!(out, "{}", verdict(jail, tally))?;
    }
    summary(&mut out, answer)?;
    out.flush()
}

fn row(offender: &Offender<'_>, clock: &Clock) -> [Cell; 9] {
    let bans = offender.bans();
    let style = if bans > 0 { BAD } else { crate::output::style::PLAIN };
    let ban =
        |span: Option<stockade_core::Timestamp>| span.map_or_else(|| "-".to_owned(), |at| clock.show(at));
    [
        Cell::new(shown(&offender.key().to_string()), style),
        shown(offender.jail()).into_owned().into(),
        output::text::number(offender.matches()).into(),
        clock.show(offender.first()).into(),
        clock.show(offender.last()).into(),
        Cell::new(bans.to_string(), style),
        ban(offender.first_ban().map(|ban| ban.from)).into(),
        ban(offender.last_ban().map(|ban| ban.until)).into(),
        users(offender).into(),
    ]
}

/// The names that were tried, and how many more.
fn users(offender: &Offender<'_>) -> String {
    let mut names = offender.users().map(shown).collect::<Vec<_>>().join(", ");
    let (more, at_least) = offender.more_users();
    if more > 0 || at_least {
        names += &format!(" +{more}{}", if at_least { " or more" } else { "" });
    }
    names
}

/// What a jail would have done, with its rule.
fn verdict(jail: &ReplayJail, tally: &JailTally) -> String {
    let threshold = jail.jail.threshold;
    let what = if jail.jail.feed == Feed::Bans { "ban" } else { "match" };
    let bantime = match jail.jail.bantime {
        BanTime::Forever => "for ever".to_owned(),
        BanTime::For(time) => format!("for {}", span(time)),
    };
    let ignored = match tally.ignored {
        0 => String::new(),
        ignored => format!("; {} of ignored addresses", count(ignored, what)),
    };
    format!(
        "{HEAD}{}{HEAD:#}: {} of {}; {} would have been banned, {} in all ({} within {} ban {bantime}){ignored}",
        tally.jail,
        count(tally.matches, what),
        count(tally.offenders, "address"),
        output::text::number(tally.offenders_banned),
        count(tally.bans, "ban"),
        count(u64::from(threshold.maxretry.get()), what),
        span(threshold.findtime),
    )
}

fn summary(out: &mut impl Write, answer: &Answer<'_>) -> io::Result<()> {
    let summary = &answer.report.summary;
    let amount = Amount {
        things: summary.lines,
        noun: "line",
        unit: " lines",
        files: summary.files,
        bytes: summary.bytes,
        elapsed: answer.elapsed,
    };
    read::print(out, &answer.clock, summary.span, amount)
}
