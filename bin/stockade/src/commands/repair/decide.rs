//! `stockade repair approve`, `refuse` and `undo`.

use std::io::Write as _;

use stockade_repair::{Engine, EngineError, Outcome as Came, Run};
use stockade_runtime::repair::Need;

use super::outcome;
use super::who::who;
use crate::cli::{Global, RepairDecideArgs};
use crate::exit::Outcome;
use crate::output::{out, text};

pub(super) fn approve(global: &Global, args: &RepairDecideArgs) -> Outcome {
    decide(global, args, Need::All, Engine::approve)
}

pub(super) fn refuse(global: &Global, args: &RepairDecideArgs) -> Outcome {
    decide(global, args, Need::Kept, Engine::refuse)
}

pub(super) fn undo(global: &Global, args: &RepairDecideArgs) -> Outcome {
    decide(global, args, Need::All, Engine::undo)
}

fn decide(
    global: &Global,
    args: &RepairDecideArgs,
    need: Need,
    what: fn(&mut Engine, &str, &str) -> Result<Run, EngineError>,
) -> Outcome {
    let program = super::program(global)?;
    let mut engine = super::engine(&program, need)?;
    let by = who(args.by.as_deref());
    let run = what(&mut engine, &args.id, &by).map_err(|error| super::failed(&error))?;
    let code = outcome::show(global, &run, false)?;
    let left = |came: &Came| {
        matches!(came, Came::Undone) || (need == Need::Kept && matches!(came, Came::Dropped { .. }))
    };
    if !global.json && run.items.iter().any(|item| left(&item.outcome)) {
        let mut out = out();
        let span = text::span(program.repair.undo_holds);
        writeln!(
            out,
            "it is left as it is for {span}, or until it is good again; `undo_holds` says how long"
        )?;
        out.flush()?;
    }
    Ok(code)
}
