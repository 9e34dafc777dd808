//! `stockade repair`: what was tampered with in AWS, seen and put back.

mod baseline;
mod check;
mod decide;
mod follow;
mod input;
mod list;
mod outcome;
mod record;
mod show;
mod who;

use stockade_config::Program;
use stockade_repair::{ApiFault, Blame, CATALOGUE, Engine, EngineError, Mode, ModeRule, Playbook, Scope};
use stockade_runtime::repair::{Need, Opened, RepairError, open};

use crate::cli::{Global, ModeWord, RepairArgs, RepairCommand, RepairPlaces};
use crate::config;
use crate::exit::{self, Exit, Failure, Outcome};

/// Does what was typed.
pub(crate) fn run(global: &Global, args: &RepairArgs) -> Outcome {
    match &args.command {
        RepairCommand::List(args) => list::run(global, args),
        RepairCommand::Check(args) => check::run(global, args),
        RepairCommand::Run(args) => follow::run(global, args),
        RepairCommand::Event(args) => follow::event(global, args),
        RepairCommand::Approve(args) => decide::approve(global, args),
        RepairCommand::Refuse(args) => decide::refuse(global, args),
        RepairCommand::Follow(args) => decide::follow(global, args),
        RepairCommand::Undo(args) => decide::undo(global, args),
        RepairCommand::Show(args) => show::run(global, args),
        RepairCommand::VerifyRecord(args) => record::verify(global, args),
        RepairCommand::Export => record::export(global),
        RepairCommand::Baseline(args) => baseline::run(global, &args.command),
    }
}

/// The settings. Nothing wrong with a jail keeps anybody from a repair.
fn program(global: &Global) -> Result<Program, Failure> {
    config::settings(global)
}

/// The engine, for what is to be done with it.
fn engine(program: &Program, need: Need) -> Result<Engine, Failure> {
    engine_for(program, need, true)
}

/// The same; `states`: whether what it is for looks at last good states.
fn engine_for(program: &Program, need: Need, states: bool) -> Result<Engine, Failure> {
    let Opened { engine, unknown, .. } = open(program, need).map_err(|error| refused(&error))?;
    if unknown && states && need != Need::Kept {
        exit::note("nothing is kept yet: no last good states are known here", None);
    }
    Ok(engine)
}

fn refused(error: &RepairError) -> Failure {
    let usage = matches!(
        error,
        RepairError::NoAws
            | RepairError::NoSuchShelf { .. }
            | RepairError::LinkKey { .. }
            | RepairError::LinkSecret { .. }
            | RepairError::NoLinks
    );
    Failure::new(if usage { Exit::Usage } else { Exit::Failed }, error).hint(error.hint())
}

/// What the engine could not do.
fn failed(error: &EngineError) -> Failure {
    let usage =
        matches!(error, EngineError::NoPlaybook { .. } | EngineError::BadEvent(_) | EngineError::BadLink(_));
    let exit = if usage { Exit::Usage } else { Exit::Failed };
    match error {
        EngineError::Api(fault) => Failure::new(exit, error).hint(hint(fault, "", "--mode act")),
        _ => Failure::new(exit, error).hint(error.hint()),
    }
}

/// The playbooks of these names or numbers.
pub(super) fn playbooks(names: &[String]) -> Result<Vec<&'static dyn Playbook>, Failure> {
    names.iter().map(|name| playbook(name)).collect()
}

fn playbook(name: &str) -> Result<&'static dyn Playbook, Failure> {
    let named = |one: &&&dyn Playbook| {
        one.about().name.eq_ignore_ascii_case(name) || one.about().id.eq_ignore_ascii_case(name)
    };
    CATALOGUE.iter().find(named).copied().ok_or_else(|| {
        let known: Vec<String> =
            CATALOGUE.iter().map(|one| format!("{} ({})", one.about().name, one.about().id)).collect();
        Failure::usage(format_args!("there is no repair `{name}`"))
            .hint(Some(format_args!("there are: {}", known.join(", "))))
    })
}

/// Playbooks, accounts and regions, as they were typed.
fn scope(names: &[String], places: &RepairPlaces) -> Result<Scope, Failure> {
    let playbooks = playbooks(names)?.into_iter().map(|one| one.about().id.to_owned()).collect();
    let (accounts, regions) = (places.account.clone(), places.region.clone());
    Ok(Scope { playbooks, accounts, regions, ..Scope::default() })
}

/// Whoever typed where to look and had nothing looked at typed it wrongly.
fn somewhere(places: &RepairPlaces) -> Result<(), Failure> {
    let typed: Vec<String> = places
        .account
        .iter()
        .map(|account| format!("--account {account}"))
        .chain(places.region.iter().map(|region| format!("--region {region}")))
        .collect();
    if typed.is_empty() {
        return Ok(());
    }
    let message = format!("nothing is looked after with `{}`", typed.join(" "));
    Err(Failure::usage(message).hint(Some(
        "`regions` and `[repair.accounts.ID]` in stockade.toml say what is; without them it is our own account, with the \
         regions that it has enabled",
    )))
}

/// What to do about a fault: where a right is missing, which policy has it.
fn hint(fault: &ApiFault, playbook: &str, words: &str) -> Option<String> {
    if fault.blame.passes() {
        let reach = "try again; if it goes on, see whether this machine reaches AWS, and what `[aws]` in stockade.toml says";
        return Some(reach.to_owned());
    }
    if fault.blame != Blame::Denied || fault.code.is_empty() || fault.wrong_keys() {
        return fault.hint().map(str::to_owned);
    }
    let name =
        CATALOGUE.iter().map(|one| one.about()).find(|about| [about.id, about.name].contains(&playbook));
    let name = name.map(|about| format!(" {}", about.name)).unwrap_or_default();
    Some(format!(
        "`stockade iam{name} {words}` prints the policy that it takes; a service control policy may refuse as well"
    ))
}

/// An account in which nothing is recorded, and what to do about it.
fn no_trail(account: &str) -> String {
    format!("no trail in {account}: in the regions looked at, nothing that is called is recorded")
}

/// How an account comes by a trail.
const MAKE_A_TRAIL: &str = "`aws cloudtrail create-trail --name main --is-multi-region-trail --s3-bucket-name BUCKET`, then `aws \
     cloudtrail start-logging --name main`; the next `stockade repair run` keeps its state";

pub(super) fn mode(word: ModeWord) -> Mode {
    match word {
        ModeWord::Notify => Mode::Notify,
        ModeWord::Plan => Mode::Plan,
        ModeWord::Approve => Mode::Approve,
        ModeWord::Act => Mode::Act,
    }
}

/// As if every repair might go so far, everywhere and from now on.
fn with_mode(mut program: Program, mode: Mode) -> Program {
    program.repair.rules = vec![ModeRule { playbook: None, account: None, region: None, mode }];
    program
}
