//! `stockade check` and `stockade config`.

use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples:
  stockade config show
  stockade config dump -c /etc/fail2ban
  stockade config dump --origin | grep -A1 bantime";

const CHECK_EXAMPLES: &str = "\
Examples:
  stockade check
  stockade check -c /etc/fail2ban -v
  stockade check --all --json | jq '.verdicts[] | select(.verdict == \"refused\")'";

/// Check the configuration and report all errors at once.
///
/// Every regex and date pattern of the jails that are enabled is compiled. A jail that is refused does not stop the
/// others.
#[derive(Args, Debug)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct CheckArgs {
    /// Check every jail, as if all were enabled
    #[arg(long)]
    pub(crate) all: bool,
}

/// Show what the configuration comes to.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

/// What to show.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// List every value in effect and where it was set
    #[command(
        after_help = "Examples:\n  stockade config show\n  stockade config show --json | jq '.[] | select(.key == \"maxretry\")'"
    )]
    Show,
    /// Print the jails as commands, as `fail2ban-client -d` does
    Dump(DumpArgs),
}

const DUMP_EXAMPLES: &str = "\
Examples:
  stockade config dump
  stockade config dump --origin
  diff <(fail2ban-client -d) <(stockade config dump -c /etc/fail2ban)";

/// Print the jails as commands, as `fail2ban-client -d` does: one list in the notation of Python a line.
///
/// With every reference replaced, so it shows what filters and actions really are. A directory with a `jail.conf` of its own,
/// such as /etc/fail2ban, is taken as it is; under any other lie the files that are built in.
#[derive(Args, Debug)]
#[command(after_help = DUMP_EXAMPLES)]
pub(crate) struct DumpArgs {
    /// Below each command print the file and line of its values
    #[arg(long)]
    pub(crate) origin: bool,
}
