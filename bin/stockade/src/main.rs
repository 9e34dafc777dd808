//! `stockade`: the one binary. Libraries decide; what is here reads the command line, calls them, and prints.
//!
//! - [`cli`]: what can be typed. The parser, the help, the completions and the man pages come from there.
//! - [`commands`]: what each command does.
//! - [`compat`]: the same under the names of fail2ban's programs.
//! - [`output`]: how it looks, for people and for programs.
//! - [`exit`]: what the exit code means.

mod cli;
mod commands;
mod compat;
mod config;
mod exit;
mod output;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::exit::Exit;

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    if let Some(name) = words.next()
        && let Some(personality) = compat::called_as(&name)
    {
        return compat::run(personality, &name, words.collect());
    }
    match Cli::try_parse() {
        Ok(cli) => {
            output::choose_colour(cli.global.color);
            commands::run(&cli).unwrap_or_else(|failure| failure.report()).into()
        }
        Err(error) => {
            // Help and version come this way too. When nobody reads them any more there is nothing to say.
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            error.print().ok();
            code.into()
        }
    }
}
