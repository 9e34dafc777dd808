//! `stockade repair run` and `stockade repair event`.

use stockade_config::Program;
use stockade_repair::{Engine, Mode};
use stockade_runtime::repair::Need;

use super::{input, outcome};
use crate::cli::{Global, RepairEventArgs, RepairHow, RepairRunArgs};
use crate::exit::{Failure, Outcome};

pub(super) fn run(global: &Global, args: &RepairRunArgs) -> Outcome {
    let scope = super::scope(&args.names, &args.places)?;
    let mut engine = engine(global, &args.how)?;
    let run = engine.reconcile(&scope).map_err(|error| super::failed(&error))?;
    if run.counts.is_empty() && run.troubles.is_empty() {
        super::somewhere(&args.places)?;
    }
    outcome::show(global, &run, args.how.dry_run)
}

pub(super) fn event(global: &Global, args: &RepairEventArgs) -> Outcome {
    let playbook = super::playbook(&args.name)?.about().id;
    let bytes = input::event(&args.file, args.nth)?;
    let mut engine = engine(global, &args.how)?;
    let run = engine.event_again(playbook, &bytes).map_err(|error| super::failed(&error))?;
    outcome::show(global, &run, args.how.dry_run)
}

fn engine(global: &Global, how: &RepairHow) -> Result<Engine, Failure> {
    let program = super::program(global)?;
    let (program, need): (Program, _) = match (how.mode, how.dry_run) {
        (_, true) => (super::with_mode(program, Mode::Plan), Need::Rehearse),
        (Some(mode), false) => (super::with_mode(program, super::mode(mode)), Need::All),
        (None, false) => (program, Need::All),
    };
    if !program.repair.is_on() {
        let hint =
            "set `mode` in `[repair]` of stockade.toml; `--dry-run` or `--mode act` does without, this time";
        return Err(Failure::usage("repairs are off: nothing was looked at").hint(Some(hint)));
    }
    super::engine(&program, need)
}
