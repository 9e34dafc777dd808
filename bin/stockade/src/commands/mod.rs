//! What each command does.

mod agent;
mod check;
pub(crate) mod config;
mod control;
mod explain;
mod generate;
mod iam;
mod import;
pub(crate) mod pattern;
pub(crate) mod regex;
mod repair;
mod replay;
mod rules;
mod run;
mod scan;

use crate::cli::{Cli, Command};
use crate::exit::Outcome;

/// Does what was typed.
pub(crate) fn run(cli: &Cli) -> Outcome {
    let global = &cli.global;
    match &cli.command {
        Command::Run(args) => run::run(global, args),
        Command::Agent(args) => agent::run(global, args),
        Command::Scan(args) => scan::run(global, args),
        Command::Replay(args) => replay::run(global, args),
        Command::Explain(args) => explain::run(global, args),
        Command::Regex(args) => regex::run(global, args),
        Command::Pattern(args) => pattern::run(global, args),
        Command::Rules(args) => rules::run(global, args),
        Command::Repair(args) => repair::run(global, args),
        Command::Iam(args) => iam::run(global, args),
        Command::Check(args) => check::run(global, args),
        Command::Config(args) => config::run(global, args),
        Command::Status => control::status::run(global),
        Command::Jails => control::jails::run(global),
        Command::Bans(args) => control::bans::list(global, args),
        Command::Ban(args) => control::bans::ban(global, args),
        Command::Unban(args) => control::bans::unban(global, args),
        Command::Why(args) => control::why::run(global, args),
        Command::Import(args) => import::run(global, args),
        Command::Reload => control::reload(global),
        Command::Stop(args) => control::stop(global, args),
        Command::Completions(args) => generate::completions(args),
        Command::Man(args) => generate::man(args),
    }
}
