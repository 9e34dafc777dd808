//! `stockade repair approve`, `refuse` and `undo`.

use stockade_repair::{Engine, EngineError, Run};
use stockade_runtime::repair::Need;

use super::outcome;
use super::who::who;
use crate::cli::{Global, RepairDecideArgs};
use crate::exit::Outcome;

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
    outcome::show(global, &run, false)
}
