//! `stockade config`: what the configuration comes to.

pub(crate) mod dump;
mod show;

use crate::cli::{ConfigArgs, ConfigCommand, Global};
use crate::exit::Outcome;

pub(crate) fn run(global: &Global, args: &ConfigArgs) -> Outcome {
    match &args.command {
        ConfigCommand::Show => show::run(global),
        ConfigCommand::Dump(args) => dump::run(global, args),
    }
}
