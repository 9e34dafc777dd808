//! `stockade completions` and `stockade man`: generated from what the parser reads by.

use std::fs;
use std::io::Write;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::exit::{Exit, Failure, Outcome};
use crate::output;

pub(crate) fn completions(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "stockade", &mut script);
    let mut out = output::raw();
    out.write_all(&script)?;
    out.flush()?;
    Ok(Exit::Done)
}

pub(crate) fn man(args: &ManArgs) -> Outcome {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    match &args.dir {
        None => {
            let mut out = output::raw();
            out.write_all(&page(command)?)?;
            out.flush()?;
        }
        Some(dir) => {
            let failed = |error| {
                Failure::new(
                    Exit::Failed,
                    format_args!("cannot write man pages: `{}`: {error}", dir.display()),
                )
            };
            fs::create_dir_all(dir).map_err(failed)?;
            for (name, page) in pages(&command, "stockade")? {
                fs::write(file(dir, &name), page).map_err(failed)?;
            }
        }
    }
    Ok(Exit::Done)
}

/// The page of a command, and those of the commands under it: its own page names them.
fn pages(command: &Command, name: &str) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut pages = vec![(name.to_owned(), page(command.clone())?)];
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        pages.extend(self::pages(sub, &format!("{name}-{}", sub.get_name()))?);
    }
    Ok(pages)
}

fn page(command: Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    Man::new(command).section("8").render(&mut page)?;
    Ok(page)
}

fn file(dir: &Path, name: &str) -> std::path::PathBuf {
    dir.join(format!("{name}.8"))
}
