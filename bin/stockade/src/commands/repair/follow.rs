//! `stockade repair run` and `stockade repair event`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use stockade_config::Program;
use stockade_repair::{Engine, Event, Mode};
use stockade_runtime::repair::Need;

use super::outcome;
use crate::cli::{Global, RepairEventArgs, RepairHow, RepairRunArgs};
use crate::exit::{self, Failure, Outcome};

pub(super) fn run(global: &Global, args: &RepairRunArgs) -> Outcome {
    let scope = super::scope(&args.names, &args.places)?;
    let mut engine = engine(global, &args.how)?;
    let run = engine.reconcile(&scope).map_err(|error| super::failed(&error))?;
    outcome::show(global, &run, args.how.dry_run)
}

pub(super) fn event(global: &Global, args: &RepairEventArgs) -> Outcome {
    let playbook = super::playbook(&args.name)?.about().id;
    let bytes = read(&args.file)?;
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
        let hint = "set `mode` in `[repair]` of stockade.toml, or try `--dry-run`";
        exit::note("repairs are off: nothing is looked at", Some(hint));
    }
    super::engine(&program, need)
}

/// The event; one byte more than it may have is enough to refuse it.
fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let cannot = |error: &io::Error| {
        Failure::usage(format_args!("cannot read the event in `{}`: {error}", file.display()))
    };
    let from: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(file).map_err(|error| cannot(&error))?)
    };
    let mut bytes = Vec::new();
    let most = u64::try_from(Event::MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    from.take(most).read_to_end(&mut bytes).map_err(|error| cannot(&error))?;
    Ok(bytes)
}
