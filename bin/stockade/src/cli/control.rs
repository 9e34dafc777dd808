//! The commands about bans, which the daemon answers.

use clap::Args;
use stockade_core::BanTime;

use super::values;

/// List who is kept out now.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  stockade bans\n  stockade bans --jail sshd --json")]
pub(crate) struct BansArgs {
    /// Only the bans of this jail
    #[arg(short, long, value_name = "NAME")]
    pub(crate) jail: Option<String>,
}

const BAN_EXAMPLES: &str = "\
Examples:
  stockade ban 203.0.113.9
  stockade ban 198.51.100.0/24 2001:db8::/48 --for 7d --reason 'scans every night'
  stockade ban 203.0.113.9 --jail postfix --for -1";

/// Keep addresses out.
#[derive(Args, Debug)]
#[command(after_help = BAN_EXAMPLES)]
pub(crate) struct BanArgs {
    /// Addresses or networks; host names are not looked up
    #[arg(value_name = "ADDRESS", required = true)]
    pub(crate) addresses: Vec<String>,
    /// In this jail, which says for which ports [default: the first one]
    #[arg(short, long, value_name = "NAME")]
    pub(crate) jail: Option<String>,
    /// For how long: 600, 10m, 1d12h; -1 for ever [default: the jail's bantime]
    #[arg(long = "for", value_name = "TIME", value_parser = values::bantime, allow_negative_numbers = true)]
    pub(crate) span: Option<BanTime>,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
}

/// Let addresses in again.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  stockade unban 203.0.113.9\n  stockade unban 203.0.113.9 --jail sshd\n  stockade unban --all"
)]
pub(crate) struct UnbanArgs {
    /// Addresses or networks, as `stockade bans` lists them
    #[arg(value_name = "ADDRESS", required_unless_present = "all")]
    pub(crate) addresses: Vec<String>,
    /// Lift every ban there is
    #[arg(long, conflicts_with = "addresses")]
    pub(crate) all: bool,
    /// In this jail only
    #[arg(short, long, value_name = "NAME")]
    pub(crate) jail: Option<String>,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
}

/// Show why an address is, was or will be banned: the very lines that did it.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  stockade why 203.0.113.9\n  stockade why 203.0.113.9 --lines 50\n  stockade why arn:aws:iam::111122223333:user/eve"
)]
pub(crate) struct WhyArgs {
    /// The address or network, or the name that a rule or a filter counts
    pub(crate) address: String,
    /// How many log lines to show at most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = values::line_count)]
    pub(crate) lines: usize,
}
