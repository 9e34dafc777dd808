//! The answer of a scan for people.

use std::io::{self, Write};

use stockade_core::{BanTime, Feed};
use stockade_runtime::replay::{JailTally, Offender, ReplayJail};

use super::Answer;
use crate::output;
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
    if let Some((first, last)) = summary.span {
        let clock = &answer.clock;
        writeln!(
            out,
            "{HEAD}time{HEAD:#}: {} to {} ({})",
            clock.show(first),
            clock.show(last),
            clock.zone()
        )?;
    }
    let seconds = answer.elapsed.as_secs_f64().max(1e-6);
    #[expect(clippy::cast_precision_loss, reason = "a speed for people")]
    let (lines, bytes) = (summary.lines as f64 / seconds, summary.bytes as f64 / seconds);
    writeln!(
        out,
        "{HEAD}read{HEAD:#}: {} of {} in {seconds:.2} s ({}/s, {:.0} MB/s)",
        count(summary.lines, "line"),
        count(summary.files, "file"),
        rate(lines),
        bytes / 1e6,
    )
}

/// So many lines a second: `3.21 M lines`.
fn rate(lines: f64) -> String {
    match lines {
        1e6.. => format!("{:.2} M lines", lines / 1e6),
        1e4.. => format!("{:.0} k lines", lines / 1e3),
        _ => format!("{lines:.0} lines"),
    }
}
