//! What can be typed: one definition for the parser, the help, the completions and the man pages.

mod agent;
mod config;
mod control;
mod explain;
mod generate;
mod import;
mod pattern;
mod regex;
mod repair;
mod replay;
mod rules;
mod scan;
mod service;
pub(crate) mod values;

use std::path::PathBuf;

use clap::{Args, ColorChoice, Parser, Subcommand};

pub(crate) use agent::AgentArgs;
pub(crate) use config::{CheckArgs, ConfigArgs, ConfigCommand, DumpArgs};
pub(crate) use control::{BanArgs, BansArgs, UnbanArgs, WhyArgs};
pub(crate) use explain::ExplainArgs;
pub(crate) use generate::{CompletionsArgs, ManArgs};
pub(crate) use import::ImportArgs;
pub(crate) use pattern::{PatternArgs, PatternCommand, PatternTestArgs, SnsScope};
pub(crate) use regex::{RegexArgs, TrialArgs};
pub(crate) use repair::{
    IamArgs, ModeWord, RepairAcceptArgs, RepairArgs, RepairBaselineCommand, RepairCheckArgs, RepairCommand,
    RepairDecideArgs, RepairEventArgs, RepairFollowArgs, RepairHow, RepairListArgs, RepairPlaces,
    RepairRunArgs, RepairShowArgs, RepairVerifyArgs,
};
pub(crate) use replay::ReplayArgs;
pub(crate) use rules::{
    ExportFormat, RulesArgs, RulesCheckArgs, RulesCommand, RulesExportArgs, RulesTestArgs,
};
pub(crate) use scan::ScanArgs;
pub(crate) use service::{RunArgs, StopArgs};

const EXAMPLES: &str = "\
Examples:
  stockade scan /var/log/auth.log          what would have happened, from a log
  stockade explain 'LINE'                  what one log line means
  stockade regex /var/log/auth.log sshd    which regexes match how often
  stockade check                           is the configuration right?
  stockade run --dry-run                   watch, and change nothing
  stockade run                             protect this host
  stockade bans                            who is kept out now
  stockade why 203.0.113.9                 the lines that did it
  stockade unban 203.0.113.9               let it in again";

/// Reads what a host logs, finds who attacks it, and keeps them out.
///
/// Without any configuration it protects ssh. `scan` and `explain` show what it would do before it does anything.
#[derive(Debug, Parser)]
#[command(
    name = "stockade",
    version,
    after_help = EXAMPLES,
    after_long_help = after_long_help(),
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 110
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The options of every command.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// The directory of stockade.toml, jail.local and filter.d [default: /etc/stockade]
    #[arg(short, long, value_name = "DIR", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// The control socket of the daemon [default: as configured, /run/stockade/stockade.sock]
    #[arg(long, value_name = "PATH", global = true)]
    pub(crate) socket: Option<PathBuf>,
    /// Print one JSON object for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value_t = ColorChoice::Auto, global = true)]
    pub(crate) color: ColorChoice,
    /// Say more; twice for still more
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch the logs and keep attackers out, until stopped
    Run(RunArgs),
    /// Take the bans that others in AWS decided, and carry them out on this host
    Agent(AgentArgs),
    /// Replay logs: who would have been banned, when, and for how long
    Scan(ScanArgs),
    /// Replay AWS events: what the rules would have decided, when, and why
    Replay(ReplayArgs),
    /// Show what a log line means: date, filter, fields, and how far from a ban it would be
    Explain(ExplainArgs),
    /// Try a filter or a regex on a log: which regexes match how often, and what they cost
    Regex(RegexArgs),
    /// Try event patterns, as EventBridge and Stockade's rules have them
    Pattern(PatternArgs),
    /// Show, check, test and export the rules of events
    Rules(RulesArgs),
    /// See and put back what was tampered with in AWS
    Repair(RepairArgs),
    /// Print the IAM policy that repairs need
    Iam(IamArgs),
    /// Check the configuration and report all errors at once
    Check(CheckArgs),
    /// Show what the configuration comes to, every value with the line it was written on
    Config(ConfigArgs),
    /// Show how the daemon is and what it has done
    Status,
    /// List the jails with their numbers
    Jails,
    /// List who is kept out now
    Bans(BansArgs),
    /// Keep addresses out
    Ban(BanArgs),
    /// Let addresses in again
    Unban(UnbanArgs),
    /// Show why an address is, was or will be banned: the very lines that did it
    Why(WhyArgs),
    /// Take over the bans that fail2ban has in force, and how often it banned whom
    Import(ImportArgs),
    /// Make the daemon read its configuration again; with an error in it nothing changes
    Reload,
    /// Stop the daemon; bans stay in force unless told otherwise
    Stop(StopArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Write the man pages
    Man(ManArgs),
}

/// Reads a path, `postgresql://…` or `dynamodb:TABLE`.
fn store(text: &str) -> Result<stockade_config::StoreConfig, &'static str> {
    stockade_config::StoreConfig::from_argument(text)
        .ok_or("expected a path, `postgresql://…` or `dynamodb:TABLE`")
}

/// The examples and the table of exit codes.
fn after_long_help() -> String {
    format!("{EXAMPLES}\n\n{}", crate::exit::TABLE)
}
