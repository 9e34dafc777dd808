//! What came of a trial, for people.

use std::io::{self, Write};
use std::time::Duration;

use stockade_filter::trial::RegexStats;

use super::asked::Found;
use super::tally::{Line, Listed};
use super::{Answer, draw, python};
use crate::exit::Failure;
use crate::output;
use crate::output::style::{BAD, FAINT, GOOD, HEAD, NOTE, PLAIN};
use crate::output::table::{self, Cell};
use crate::output::text::{count, number, shown};

/// So many failregexes are shown whether they matched or not.
const FEW: usize = 5;

/// How many columns a time takes: it does not push the others about.
const TIME_COLUMNS: usize = 8;

pub(super) fn print(answer: &Answer<'_>) -> Result<(), Failure> {
    let mut out = output::out();
    head(answer, &mut out)?;
    regexes(answer, &mut out)?;
    dates(answer, &mut out)?;
    let (tally, options) = (answer.tally, &answer.args.trial);
    if options.print_all_matched {
        lines(answer, &mut out, "matched", &tally.matched, true)?;
    }
    if !options.print_no_ignored {
        lines(answer, &mut out, "ignored", &tally.ignored, options.print_all_ignored)?;
    }
    if !options.print_no_missed {
        lines(answer, &mut out, "missed", &tally.missed, options.print_all_missed)?;
    }
    out.flush()?;
    Ok(())
}

fn head(answer: &Answer<'_>, out: &mut impl Write) -> io::Result<()> {
    let tally = answer.tally;
    let asked = answer.asked;
    let what = match &asked.found {
        Found::Filter { root, .. } => {
            format!("{}  {FAINT}from {}{FAINT:#}", shown(&answer.args.regex), shown(root))
        }
        Found::File(path) => format!("{}  {FAINT}a file{FAINT:#}", shown(path)),
        Found::Jail(name) => format!("{}  {FAINT}of the jail{FAINT:#}", shown(name)),
        Found::Regex => "the regex that was typed".to_owned(),
    };
    writeln!(out, "{HEAD}filter{HEAD:#}  {what}")?;
    writeln!(
        out,
        "{HEAD}lines{HEAD:#}   {}: {GOOD}{} matched{GOOD:#}, {} ignored, {} missed, in {}",
        count(tally.tested, "line"),
        number(tally.matched.count),
        number(tally.ignored.count),
        number(tally.missed.count),
        span(tally.elapsed).trim_start()
    )?;
    if tally.overlong > 0 {
        writeln!(
            out,
            "        {NOTE}{} too long to be read were passed over{NOTE:#}",
            count(tally.overlong, "line")
        )?;
    }
    Ok(())
}

/// Every regex that did something, or every one; the slowest can be told from the others.
fn regexes(answer: &Answer<'_>, out: &mut impl Write) -> io::Result<()> {
    let verbose = answer.global.verbose > 0;
    let mut rows: Vec<[Cell; 5]> = Vec::new();
    let mut row = |label: String, hits: u64, stats: &RegexStats<'_>| {
        let mean = u32::try_from(stats.searches).ok().and_then(|n| stats.elapsed.checked_div(n));
        rows.push([
            label.into(),
            Cell::new(number(hits), if hits > 0 { GOOD } else { PLAIN }),
            Cell::new(span(stats.elapsed), FAINT),
            Cell::new(mean.map_or_else(String::new, span), FAINT),
            shown(stats.text).into(),
        ]);
    };
    if let Some(stats) = answer.trial.prefregex() {
        row("prefix".to_owned(), answer.tally.prefix, &stats);
    }
    let all = verbose || answer.tally.fail.len() <= FEW;
    let mut silent = 0;
    for (at, (stats, accused)) in answer.trial.failregexes().zip(&answer.tally.fail).enumerate() {
        if accused.count > 0 || all {
            row(format!("fail {}", at + 1), accused.count, &stats);
        } else {
            silent += 1;
        }
    }
    for (at, (stats, hits)) in answer.trial.ignoreregexes().zip(&answer.tally.ignore).enumerate() {
        row(format!("ignore {}", at + 1), *hits, &stats);
    }
    writeln!(out)?;
    let heads = [
        table::text("REGEX"),
        table::number("HITS"),
        table::number("    TIME"),
        table::number("PER LINE"),
        table::text("TEXT"),
    ];
    table::print(out, heads, rows.iter().cloned(), output::columns())?;
    if silent > 0 {
        let total = answer.tally.fail.len();
        writeln!(out, "{FAINT}{silent} of {total} failregexes had no hit: -v shows them{FAINT:#}")?;
    }
    given_up(answer, out)?;
    if verbose { whom(answer, out) } else { Ok(()) }
}

/// Regexes that took too long: what they would have said of a line nobody knows.
fn given_up(answer: &Answer<'_>, out: &mut impl Write) -> io::Result<()> {
    for (at, stats) in answer.trial.failregexes().enumerate().filter(|(_, stats)| stats.given_up > 0) {
        let lines = count(stats.given_up, "line");
        writeln!(out, "{NOTE}fail {} was given up on {lines}: it takes too many steps{NOTE:#}", at + 1)?;
    }
    Ok(())
}

fn whom(answer: &Answer<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut rows: Vec<[Cell; 3]> = Vec::new();
    for (at, accused) in answer.tally.fail.iter().enumerate() {
        for (id, time, _) in &accused.whom {
            let time = time.map_or_else(String::new, |time| answer.clock.show(time));
            rows.push([
                format!("fail {}", at + 1).into(),
                time.into(),
                Cell::new(shown(&python::shown_id(id)), BAD),
            ]);
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let heads = [table::text("REGEX"), table::text("TIME"), table::text("WHOM")];
    table::print(out, heads, rows.iter().cloned(), output::columns())
}

fn dates(answer: &Answer<'_>, out: &mut impl Write) -> io::Result<()> {
    let verbose = answer.global.verbose > 1 || answer.args.trial.verbose_date;
    let found = answer.trial.templates().zip(&answer.tally.dates).filter(|(_, hits)| **hits > 0 || verbose);
    let mut rows: Vec<_> = found.map(|(pattern, hits)| (*hits, pattern)).collect();
    rows.sort_by_key(|(hits, _)| std::cmp::Reverse(*hits));
    writeln!(out)?;
    if rows.is_empty() {
        return writeln!(out, "{NOTE}no date was found in any line{NOTE:#}");
    }
    let cells = rows.iter().map(|(hits, pattern)| [Cell::from(number(*hits)), shown(pattern).into()]);
    table::print(out, [table::number("HITS"), table::text("DATE PATTERN")], cells, output::columns())
}

fn lines(
    answer: &Answer<'_>,
    out: &mut impl Write,
    kind: &str,
    listed: &Listed,
    all: bool,
) -> io::Result<()> {
    if listed.count == 0 {
        return Ok(());
    }
    let most = if all { usize::MAX } else { answer.listed };
    let lines: Vec<&Line> = listed.lines.iter().take(most).collect();
    let more = listed.count.saturating_sub(lines.len() as u64);
    writeln!(out, "\n{HEAD}{kind}{HEAD:#}")?;
    for line in lines {
        writeln!(out, "  {}", shown(line.whole.trim_end()))?;
        if answer.args.trial.debuggex {
            for stats in answer.trial.failregexes() {
                let address =
                    draw::address(&line.text, stats.text, answer.spec.usedns, answer.spec.maxlines > 1);
                writeln!(out, "    {FAINT}{address}{FAINT:#}")?;
            }
        }
    }
    if more > 0 {
        writeln!(out, "  {FAINT}and {} more: --print-all-{kind} lists all{FAINT:#}", number(more))?;
    }
    Ok(())
}

/// A short time in a unit that suits it, to the right of its column.
fn span(span: Duration) -> String {
    let nanos = span.as_nanos();
    let (whole, unit) = match nanos {
        0..1_000 => return format!("{:>TIME_COLUMNS$}", format!("{nanos} ns")),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    format!("{:>TIME_COLUMNS$}", format!("{}.{} {unit}", nanos / whole, nanos % whole * 10 / whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_suits_them() {
        let shown = |nanos| span(Duration::from_nanos(nanos));
        assert_eq!(
            [0, 999, 1_500, 2_340_000, 61_000_000_000].map(shown),
            ["    0 ns", "  999 ns", "  1.5 µs", "  2.3 ms", "  61.0 s"]
        );
    }
}
