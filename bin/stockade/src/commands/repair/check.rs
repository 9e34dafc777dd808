//! `stockade repair check`: is everything as it should be?

use std::io::Write as _;

use serde_json::json;
use stockade_repair::playbook::Verdict;
use stockade_repair::{Report, Row};
use stockade_runtime::repair::Need;

use crate::cli::{Global, RepairCheckArgs};
use crate::exit::{self, Exit, Outcome};
use crate::output::style::{BAD, FAINT, GOOD, NOTE, PLAIN};
use crate::output::table::{self, Cell};
use crate::output::{columns, json, out, text};

pub(super) fn run(global: &Global, args: &RepairCheckArgs) -> Outcome {
    let program = super::program(global)?;
    let mut scope = super::scope(&args.names, &args.places)?;
    let off = !program.repair.is_on();
    // Whoever names something wants to know it, and where all is off there is nothing else to look at.
    scope.also_off = args.all || off || !args.names.is_empty();
    let chosen = super::playbooks(&args.names)?;
    let states = chosen.is_empty() || chosen.iter().any(|playbook| !playbook.about().kinds.is_empty());
    let mut engine = super::engine_for(&program, Need::Look, states)?;
    let report = engine.check(&scope).map_err(|error| super::failed(&error))?;
    if report.counts.is_empty() && report.troubles.is_empty() {
        super::somewhere(&args.places)?;
    }
    let code = exit_of(&report);
    if global.json {
        json::print(&json!({
            "rows": report.rows, "troubles": report.troubles, "without_trail": report.without_trail(), "exit": code as u8,
        }))?;
        return Ok(code);
    }
    print(&report, global.verbose > 0)?;
    for trouble in &report.troubles {
        let what = if trouble.what.is_empty() { "it" } else { &trouble.what };
        let message = format!("{}: cannot look at {what}: {}", trouble.place, trouble.fault);
        exit::complain(&message, super::hint(&trouble.fault, what, "--mode plan").as_deref());
    }
    if !report.without_trail().is_empty() {
        exit::note("nothing is known that could be put back", Some(super::MAKE_A_TRAIL));
    } else if report.rows.is_empty() && report.troubles.is_empty() {
        exit::note("there is nothing to look at: no thing that a repair looks after", None);
    }
    if off {
        exit::note(
            "repairs are off: nothing of this would be repaired",
            Some("`mode` in `[repair]` switches them on"),
        );
    }
    Ok(code)
}

/// If more than this is good, it is counted and not listed: what is bad would be lost in it.
const MOST_GOOD: usize = 20;

/// What is wrong is more important than what is not known.
fn exit_of(report: &Report) -> Exit {
    let wrong = |row: &Row| matches!(row.verdict, Verdict::Bad(_) | Verdict::Tell(_));
    let wrong = report.rows.iter().any(wrong) || !report.without_trail().is_empty();
    match (wrong, report.troubles.is_empty(), report.rows.is_empty()) {
        (true, _, _) => Exit::Wrong,
        (false, true, _) => Exit::Done,
        (false, false, true) => Exit::Failed,
        (false, false, false) => Exit::Partial,
    }
}

/// `whole`: all of it, however much is good.
fn print(report: &Report, whole: bool) -> std::io::Result<()> {
    let mut out = out();
    let without = report.without_trail();
    let is_good = |row: &Row| row.verdict == Verdict::Good;
    let good = report.rows.iter().filter(|row| is_good(row)).count();
    let brief = !whole && good > MOST_GOOD;
    let rows = report.rows.iter().filter(|row| !brief || !is_good(row)).map(|row| {
        let is = match &row.verdict {
            Verdict::Good => Cell::new("good", GOOD),
            Verdict::Bad(says) => Cell::new(format!("BAD: {}", text::shown(says)), BAD),
            Verdict::Tell(says) => Cell::new(format!("look: {}", text::shown(says)), NOTE),
            Verdict::NotOurs(says) => Cell::new(format!("not ours: {}", text::shown(says)), FAINT),
        };
        let shown = |text: &str| Cell::from(text::shown(text).into_owned());
        [
            shown(&row.playbook),
            shown(&row.subject.place.to_string()),
            shown(&row.name),
            Cell::new(row.mode.name(), PLAIN),
            is,
        ]
    });
    if report.rows.len() > good || (!brief && good > 0) {
        let heads = ["REPAIR", "WHERE", "WHAT", "MODE", "IS"].map(table::text);
        table::print(&mut out, heads, rows, columns())?;
    }
    if brief {
        let rest = if report.rows.len() > good { "more " } else { "" };
        writeln!(out, "{} {rest}are as they should be; `-v` shows them", text::number(good as u64))?;
    }
    for account in &without {
        writeln!(out, "{BAD}{}{BAD:#}", super::no_trail(account))?;
    }
    for row in &report.rows {
        if let Some(plan) = row.plan.as_ref().filter(|plan| !plan.changes.is_empty()) {
            writeln!(out, "\n{} `{}`, to mend it:", text::shown(&row.playbook), text::shown(&row.name))?;
            for change in &plan.changes {
                writeln!(out, "  {}", text::shown(&change.says))?;
            }
            for note in &plan.notes {
                writeln!(out, "  note: {}", text::shown(note))?;
            }
        }
        if let Some(cannot) = &row.cannot {
            let hint = cannot.hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default();
            writeln!(
                out,
                "\n{} `{}` cannot be mended: {}{}",
                text::shown(&row.playbook),
                text::shown(&row.name),
                text::shown(&cannot.why),
                text::shown(&hint)
            )?;
        }
    }
    out.flush()
}
