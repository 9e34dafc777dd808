//! The commands about the daemon itself.

use clap::Args;
use stockade_config::StoreConfig;

const RUN_EXAMPLES: &str = "\
Examples:
  stockade run                     protect this host; ssh, if nothing is configured
  stockade run --dry-run -v        only say what would be done
  ssh web01 tail -F /var/log/auth.log | stockade run --dry-run --stdin";

/// Watch the logs and keep attackers out, until stopped.
///
/// Without the right to change the firewall it says so and goes on as a dry run. Bans outlive a stop, a crash and an
/// upgrade unless `--flush` is given.
#[derive(Args, Debug)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct RunArgs {
    /// Decide and remember, but change nothing in the firewall
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Read standard input in place of the configured logs, and stop at its end
    #[arg(long)]
    pub(crate) stdin: bool,
    /// Lift every ban when the daemon stops
    #[arg(long)]
    pub(crate) flush: bool,
    /// The database, in place of the configured one
    #[arg(long, value_name = "STORE", value_parser = super::store)]
    pub(crate) store: Option<StoreConfig>,
}

/// Stop the daemon; bans stay in force unless told otherwise.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  stockade stop\n  stockade stop --flush")]
pub(crate) struct StopArgs {
    /// Lift every ban first
    #[arg(long)]
    pub(crate) flush: bool,
}
