//! The commands that print what is generated from the command line's definition.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  stockade completions bash > /usr/share/bash-completion/completions/stockade
  stockade completions zsh > ~/.zfunc/_stockade
  stockade completions fish > ~/.config/fish/completions/stockade.fish";

/// Print a completion script for a shell.
#[derive(Args, Debug)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

/// Write the man pages: one for stockade and one for each command.
///
/// Without a folder the page of stockade itself is printed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  stockade man | man -l -\n  stockade man /usr/share/man/man8")]
pub(crate) struct ManArgs {
    /// The folder to write all pages to; it is made if it is not there
    pub(crate) dir: Option<PathBuf>,
}
