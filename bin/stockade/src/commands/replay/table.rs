//! The answer of a replay for people.

use std::io::{self, Write};

use stockade_core::Verdict;
use stockade_rule::{Rule, Severity};
use stockade_runtime::replay::events::{Decided, EventRow};

use super::Answer;
use super::event::Shown;
use crate::output;
use crate::output::read::{self, Amount};
use crate::output::style::{BAD, FAINT, HEAD, NOTE, PLAIN};
use crate::output::table::{self, Cell, number, text};
use crate::output::text::{count, shown};
use crate::output::time::Clock;

pub(super) fn print(answer: &Answer<'_>) -> io::Result<()> {
    let mut out = output::out();
    let columns = output::columns();
    let clock = answer.clock.clone().for_width(columns);
    let hidden = if answer.decisions {
        let decisions = &answer.report.decisions;
        let heads = [
            text("TIME"),
            text("DECISION"),
            text("SEVERITY"),
            text("RULE"),
            text("KEY"),
            text("EVENT"),
            text("BY"),
        ];
        let rows = decisions.iter().take(answer.top).map(|decided| decision(answer, decided, &clock));
        if !decisions.is_empty() {
            table::print(&mut out, heads, rows, columns)?;
        }
        decisions.len().saturating_sub(answer.top)
    } else {
        let rows = answer.rows();
        let heads = [
            text("RULE"),
            text("SEVERITY"),
            text("KEY"),
            number("MATCHES"),
            text("FIRST"),
            text("LAST"),
            text("DECISION"),
            text("EVENT"),
            text("BY"),
        ];
        if rows.clone().next().is_some() {
            let rows = rows.clone().take(answer.top).map(|row| grouped(answer, row, &clock));
            table::print(&mut out, heads, rows, columns)?;
        }
        rows.count().saturating_sub(answer.top)
    };
    if hidden > 0 {
        let more = if hidden == 1 { "1 more is not shown" } else { &format!("{hidden} more are not shown") };
        writeln!(out, "{FAINT}… {more}: --top 0 shows all{FAINT:#}")?;
    }
    summary(&mut out, answer)?;
    out.flush()
}

fn grouped(answer: &Answer<'_>, row: &EventRow, clock: &Clock) -> [Cell; 9] {
    let rule = answer.rule(row.rule);
    let event = Shown::of(&row.event);
    let verdict = match (row.verdict, row.decisions) {
        (None, _) => "-".to_owned(),
        (Some(verdict), 1) => said(verdict, row.exempt.as_deref(), rule, clock),
        (Some(verdict), many) => {
            let said = said(verdict, row.exempt.as_deref(), rule, clock);
            format!("{said}, {}×", output::text::number(many))
        }
    };
    [
        rule.name.to_string().into(),
        severity(rule),
        Cell::new(shown(&row.key.to_string()), style(row.verdict)),
        output::text::number(row.matches).into(),
        clock.show(row.span.0).into(),
        clock.show(row.span.1).into(),
        Cell::new(verdict, style(row.verdict)),
        shown(event.what()).into_owned().into(),
        shown(event.who()).into_owned().into(),
    ]
}

fn decision(answer: &Answer<'_>, decided: &Decided, clock: &Clock) -> [Cell; 7] {
    let rule = answer.rule(decided.rule);
    let event = Shown::of(&decided.event);
    let verdict = Some(decided.decision.verdict);
    [
        clock.show(decided.decision.at).into(),
        Cell::new(said(decided.decision.verdict, decided.exempt.as_deref(), rule, clock), style(verdict)),
        severity(rule),
        rule.name.to_string().into(),
        Cell::new(shown(&decided.decision.key.to_string()), style(verdict)),
        shown(event.what()).into_owned().into(),
        shown(event.who()).into_owned().into(),
    ]
}

/// A decision in words: `ban until …`, `repair P01`, `notify`, `notify (exempt: …)`.
fn said(verdict: Verdict, exempt: Option<&str>, rule: &Rule, clock: &Clock) -> String {
    match verdict {
        Verdict::Notify if let Some(reason) = exempt => format!("notify (exempt: {})", shown(reason)),
        Verdict::Ban { until, .. } => format!("ban {}", clock.until(until)),
        Verdict::Unban => "unban".to_owned(),
        Verdict::Repair => match &rule.playbook {
            Some(playbook) => format!("repair {playbook}"),
            None => "repair".to_owned(),
        },
        _ => "notify".to_owned(),
    }
}

fn style(verdict: Option<Verdict>) -> anstyle::Style {
    match verdict {
        Some(Verdict::Ban { .. } | Verdict::Repair) => BAD,
        Some(Verdict::Notify) => NOTE,
        _ => PLAIN,
    }
}

fn severity(rule: &Rule) -> Cell {
    let style = match rule.severity {
        Severity::High | Severity::Critical => BAD,
        Severity::Info => FAINT,
        _ => PLAIN,
    };
    Cell::new(rule.severity.name(), style)
}

fn summary(out: &mut impl Write, answer: &Answer<'_>) -> io::Result<()> {
    let summary = &answer.report.summary;
    let matched: u64 = answer.report.rules.iter().map(|tally| tally.matches).sum();
    let fired = answer.report.rules.iter().filter(|tally| tally.matches > 0).count() as u64;
    writeln!(
        out,
        "{HEAD}found{HEAD:#}: {} by {} of {}; {} would have been taken{}",
        count(matched, "match"),
        count(fired, "rule"),
        output::text::number(answer.report.rules.len() as u64),
        count(summary.decisions, "decision"),
        match summary.duplicates {
            0 => String::new(),
            many => format!("; {} came twice and counted once", count(many, "match")),
        }
    )?;
    if summary.own > 0 {
        let many = count(summary.own, "match");
        writeln!(out, "{FAINT}left out, because Stockade did it itself: {many}{FAINT:#}")?;
    }
    let amount = Amount {
        things: summary.events,
        noun: "event",
        unit: "",
        files: answer.files,
        bytes: summary.bytes,
        elapsed: answer.elapsed,
    };
    read::print(out, &answer.clock, summary.span, amount)
}
