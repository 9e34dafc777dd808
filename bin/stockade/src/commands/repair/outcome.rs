//! What a run came to: for people, for programs, and as an exit code.

use std::io::Write as _;

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
    for item in run.notable() {
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
    }
    for trouble in &run.troubles {
        let what = if trouble.what.is_empty() { "it" } else { &trouble.what };
        exit::complain(
            &format!("{}: cannot look at {what}: {}", trouble.place, trouble.fault),
            trouble.fault.hint(),
        );
    }
    if let Some(trial) = &run.trial {
        let count = text::count(trial.count, "repair");
        writeln!(out, "the trial is over: {count} would have been made; `stockade repair show` lists them")?;
    }
    match &run.passed_over {
        Some(why) => writeln!(out, "the event is not followed: {}", passed(why))?,
        None if run.items.is_empty() && run.troubles.is_empty() => {
            writeln!(out, "there is nothing of that kind, and nothing is known that could be put back")?;
        }
        None => {
            let good = run.items.iter().filter(|item| item.outcome == Outcome::Good).count();
            writeln!(out, "{good} of {} as it should be", run.items.len())?;
        }
    }
    out.flush()?;
    Ok(code)
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
    done.chain(rest).chain(notes).collect()
}

fn passed(why: &PassedOver) -> String {
    match why {
        PassedOver::Duplicate => "it was dealt with before".to_owned(),
        PassedOver::Own { repair: Some(id) } => format!("it tells of what we did ourselves, in {id}"),
        PassedOver::Own { repair: None } => "it tells of what we did ourselves".to_owned(),
        PassedOver::FailedCall { code } => format!("the call that it tells of failed: {code}"),
        PassedOver::Elsewhere { place } => format!("nothing is looked after in `{place}`"),
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
    if any(Class::Wrong) {
        return Exit::Wrong;
    }
    if !run.troubles.is_empty() {
        return if run.items.is_empty() { Exit::Failed } else { Exit::Partial };
    }
    // No trail at all.
    if answer(run).status_code == 404 && run.items.is_empty() { Exit::Wrong } else { Exit::Done }
}
