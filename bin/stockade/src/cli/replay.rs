//! `stockade replay`.

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  stockade replay events.jsonl                     one event, or CloudTrail record, a line
  stockade replay AWSLogs/                         a folder of CloudTrail files
  stockade replay s3://my-trail/AWSLogs/111122223333/CloudTrail/eu-central-1/2026/11/
  stockade replay events.jsonl --rule root-use --decisions
  stockade replay AWSLogs/ --since 2026-11-01 --json | jq '.decisions[].key'
  zcat events.jsonl.gz | stockade replay -";

/// Replay AWS events: what the rules would have decided, when, and why.
///
/// The time is taken from the events, and an event that lies in several files counts once. Nothing is changed. Rules
/// are those of rule.d and the built-in ones; `stockade rules list` shows them.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReplayArgs {
    /// Files of events, plain or packed: JSON Lines, a JSON list, CloudTrail's own; folders; `s3://BUCKET/PREFIX`; `-`
    #[arg(value_name = "FROM", required = true)]
    pub(crate) from: Vec<String>,

    /// Only this rule, enabled or not; may be given several times [default: every enabled one]
    #[arg(short, long, value_name = "NAME", help_heading = "What counts")]
    pub(crate) rule: Vec<String>,
    /// Only rules that are at least so severe: info, low, medium, high, critical
    #[arg(long, value_name = "LEVEL", help_heading = "What counts")]
    pub(crate) severity: Option<String>,

    /// Only matches from then on: 2026-11-22, '2026-11-22 10:00', 2h (ago)
    #[arg(long, value_name = "WHEN", help_heading = "Time")]
    pub(crate) since: Option<String>,
    /// Only matches until then
    #[arg(long, value_name = "WHEN", help_heading = "Time")]
    pub(crate) until: Option<String>,
    /// The zone of the times shown: Europe/Berlin, UTC+0200 [default: this machine's]
    #[arg(long, value_name = "ZONE", help_heading = "Time")]
    pub(crate) timezone: Option<String>,

    /// Show every decision by itself, in the order of time
    #[arg(long, help_heading = "Output")]
    pub(crate) decisions: bool,
    /// Show also what matched and led to no decision
    #[arg(long, conflicts_with = "decisions", help_heading = "Output")]
    pub(crate) all: bool,
    /// Show only the first N rows; 0 for all [default: 40 on a terminal, else all]
    #[arg(short = 'n', long, value_name = "N", help_heading = "Output")]
    pub(crate) top: Option<usize>,
}
