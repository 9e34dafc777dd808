//! `stockade agent`: what can be typed.

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  stockade agent                   take the fleet's bans and carry them out here, until stopped
  stockade agent --dry-run         show which bans there are, and change nothing
  stockade agent --once            take what there is now, and end; for cron
  stockade bans                    who is kept out now, while an agent runs
  stockade agent --leave           remove this host's queue and subscription";

/// Take the bans that others decided, and carry them out on this host.
///
/// It makes this host's SQS queue and subscribes it to the SNS topic of bans, learns all live bans from their snapshot,
/// and then takes messages as they come. A message is deleted when its bans are in force. The tables `[aws]` and
/// `[agent]` of stockade.toml say which queue, topic, jails and responders.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AgentArgs {
    /// Remove this host's subscription and queue; bans stay in force until they end
    #[arg(long, conflicts_with_all = ["dry_run", "once"])]
    pub(crate) leave: bool,
    /// Read the snapshot and say what would be done; take no message and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Take the snapshot and the messages that are there, and end
    #[arg(long)]
    pub(crate) once: bool,
}
