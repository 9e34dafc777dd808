//! What a run came to: for people, for programs, and as an exit code.

use std::io::{self, Write};

use serde_json::json;
use stockade_repair::{Item, Outcome, PassedOver, Run, answer};

use crate::cli::Global;
use crate::exit::{self, Exit, Failure};
use crate::output::style::{BAD, FAINT, GOOD, NOTE};
use crate::output::{json, out, text};

/// Shows a run, and says how it went. Of a rehearsal nothing is kept that could be shown later.
pub(super) fn show(global: &Global, run: &Run, rehearsal: bool) -> Result<Exit, Failure> {
    let code = exit_of(run);
    if global.json {
        json::print(&json!({"run": run, "answer": answer(run), "exit": code as u8}))?;
        return Ok(code);
    }
    let mut out = out();
    for item in run.items.iter().filter(|item| item.outcome != Outcome::Good) {
        shown(&mut out, item, rehearsal)?;
    }
    for trouble in &run.troubles {
        let what = if trouble.what.is_empty() { "it" } else { &trouble.what };
        let message = format!("{}: cannot look at {what}: {}", trouble.place, trouble.fault);
        exit::complain(&message, super::hint(&trouble.fault, what, "--mode plan").as_deref());
    }
    if let Some(trial) = &run.trial {
        let count = text::count(trial.count, "repair");
        writeln!(out, "the trial is over: {count} would have been made; `stockade repair show` lists them")?;
    }
    let without = run.without_trail();
    for account in &without {
        writeln!(out, "{BAD}{}{BAD:#}", super::no_trail(account))?;
    }
    match &run.passed_over {
        Some(why) => writeln!(out, "the event is not followed: {}", passed(why))?,
        None if run.items.is_empty() && run.troubles.is_empty() && without.is_empty() => {
            writeln!(out, "there is nothing of that kind, and nothing is known that could be put back")?;
        }
        None => summary(&mut out, run, rehearsal)?,
    }
    out.flush()?;
    if !without.is_empty() {
        exit::note("nothing is known that could be put back", Some(super::MAKE_A_TRAIL));
    }
    Ok(code)
}

fn shown(out: &mut impl Write, item: &Item, rehearsal: bool) -> io::Result<()> {
    let style = match class(&item.outcome) {
        Class::Well => GOOD,
        Class::Failed => BAD,
        Class::Wrong => NOTE,
        Class::Other => FAINT,
    };
    let place = text::shown(&item.subject.place.to_string()).into_owned();
    let sentence = match item.outcome {
        Outcome::Planned if rehearsal => format!("{}: would be repaired", item.says),
        _ => item.sentence(),
    };
    writeln!(out, "{style}{} {place}{style:#}  {}", item.playbook, text::shown(&sentence))?;
    for line in details(item) {
        writeln!(out, "    {}", text::shown(&line))?;
    }
    Ok(())
}

fn details(item: &Item) -> Vec<String> {
    let done = item.done.iter().map(|done| format!("done: {}", done.says));
    let rest = item.plan.iter().flat_map(|plan| plan.changes.iter().skip(item.done.len()));
    let word = match item.outcome {
        Outcome::Planned => "would",
        Outcome::Failed { .. } => "not done",
        _ => "to do",
    };
    let rest = rest.map(|change| format!("{word}: {}", change.says));
    let notes = item.notes.iter().map(|note| format!("note: {note}"));
    let hint = match &item.outcome {
        Outcome::Failed { fault, .. } => {
            // Only what takes a repair back has no plan.
            let words = if item.plan.is_some() { "--mode act" } else { "--undo" };
            super::hint(fault, &item.playbook, words).map(|hint| format!("hint: {hint}"))
        }
        _ => None,
    };
    done.chain(rest).chain(notes).chain(hint).collect()
}

/// How many came to what. Of a single thing that is shown already nothing more is to be said.
fn summary(out: &mut impl Write, run: &Run, rehearsal: bool) -> io::Result<()> {
    let all = run.items.len();
    let of = |wanted: fn(&Outcome) -> bool| run.items.iter().filter(|item| wanted(&item.outcome)).count();
    let good = of(|outcome| *outcome == Outcome::Good);
    match (all, good) {
        (0, _) | (1, 0) => return Ok(()),
        (1, 1) => return writeln!(out, "it is as it should be"),
        _ if all == good => return writeln!(out, "all {all} are as they should be"),
        _ => {}
    }
    let planned = if rehearsal { "would be repaired" } else { "only planned" };
    let parts = [
        (good, "as it should be"),
        (of(|outcome| matches!(outcome, Outcome::Repaired { verified: true, .. })), "repaired"),
        (of(|outcome| *outcome == Outcome::Undone), "taken back"),
        (of(|outcome| *outcome == Outcome::Planned), planned),
        (of(|outcome| matches!(outcome, Outcome::Waiting { .. })), "waiting for an approval"),
        (of(|outcome| matches!(outcome, Outcome::Exempt { .. })), "exempt"),
        (of(|outcome| class(outcome) == Class::Failed), "failed"),
    ];
    let mut said: Vec<String> =
        parts.iter().filter(|(many, _)| *many > 0).map(|(many, what)| format!("{many} {what}")).collect();
    let rest = all - parts.iter().map(|(many, _)| many).sum::<usize>();
    if rest > 0 {
        said.push(format!("{rest} left as they are"));
    }
    writeln!(out, "{all} looked at: {}", said.join(", "))
}

fn passed(why: &PassedOver) -> String {
    match why {
        PassedOver::Duplicate => "it was dealt with before".to_owned(),
        PassedOver::Own { repair: Some(id) } => format!("it tells of what we did ourselves, in {id}"),
        PassedOver::Own { repair: None } => "it tells of what we did ourselves".to_owned(),
        PassedOver::FailedCall { code } => {
            format!("the call that it tells of failed ({}), so it changed nothing", text::shown(code))
        }
        PassedOver::Elsewhere { place } => format!(
            "nothing is looked after in `{}`; `regions` and `[repair.accounts.ID]` say what is",
            text::shown(place)
        ),
        PassedOver::Off => "this repair is off; `mode` in `[repair]`, or `--mode`, switches it on".to_owned(),
        _ => "for another reason; `--json` tells it".to_owned(),
    }
}

/// What an outcome means for the whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// It is as it should be, or was made so.
    Well,
    /// It was tried, and did not work.
    Failed,
    /// It is not as it should be, and was left so.
    Wrong,
    /// Nothing that counts.
    Other,
}

fn class(outcome: &Outcome) -> Class {
    match outcome {
        Outcome::Good | Outcome::Repaired { verified: true, .. } | Outcome::Undone => Class::Well,
        Outcome::Repaired { verified: false, .. } | Outcome::Failed { .. } => Class::Failed,
        Outcome::NotOurs | Outcome::Dropped { .. } => Class::Other,
        _ => Class::Wrong,
    }
}

fn exit_of(run: &Run) -> Exit {
    let any = |wanted| run.items.iter().any(|item| class(&item.outcome) == wanted);
    let mended =
        run.items.iter().any(|item| class(&item.outcome) == Class::Well && item.outcome != Outcome::Good);
    if any(Class::Failed) {
        return if mended { Exit::Partial } else { Exit::Failed };
    }
    if any(Class::Wrong) || !run.without_trail().is_empty() {
        return Exit::Wrong;
    }
    if !run.troubles.is_empty() {
        return if run.items.is_empty() { Exit::Failed } else { Exit::Partial };
    }
    Exit::Done
}
