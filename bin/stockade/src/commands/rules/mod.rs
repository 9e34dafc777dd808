//! `stockade rules`: the rules of events.

mod check;
mod chosen;
mod events;
mod export;
mod list;
mod test;

use std::io::Write as _;

use stockade_config::{Problem, Severity};

use crate::cli::{Global, RulesArgs, RulesCommand};
use crate::config;
use crate::exit::{self, Exit, Failure, Outcome};
use crate::output;

pub(crate) fn run(global: &Global, args: &RulesArgs) -> Outcome {
    match &args.command {
        RulesCommand::List => list::run(global),
        RulesCommand::Check(args) => check::run(global, args),
        RulesCommand::Test(args) => test::run(global, args),
        RulesCommand::Show { name } => show(global, name),
        RulesCommand::Export(args) => export::run(global, args),
    }
}

/// `stockade rules show`: the file as it is, so that it can be the beginning of one's own.
fn show(global: &Global, name: &str) -> Outcome {
    let Some(text) = config::rule_text(global, name)? else {
        let rules = config::rules(global)?;
        return Err(chosen::unknown(name, &rules));
    };
    let mut out = output::raw();
    out.write_all(&text)?;
    out.flush()?;
    Ok(Exit::Done)
}

/// Prints errors, and if wanted warnings.
fn print_problems<'p>(problems: impl Iterator<Item = &'p Problem>, warnings: bool) {
    for problem in problems {
        match problem.severity {
            Severity::Error => exit::complain(&problem.to_string(), problem.hint().as_deref()),
            _ if warnings => exit::note(&problem.to_string(), problem.hint().as_deref()),
            _ => {}
        }
    }
}

/// What ends a command that needs a rule that cannot be used.
fn refused() -> Failure {
    Failure::usage("cannot use the rules").hint(Some("`stockade rules check` shows every problem"))
}
