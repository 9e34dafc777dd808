//! `stockade scan`.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, value_parser};
use stockade_core::BanTime;

use super::values;

const EXAMPLES: &str = "\
Examples:
  stockade scan /var/log/auth.log
  stockade scan /var/log/auth.log --rotated --top 5
  stockade scan '/var/log/auth.log*' --jail ssh-24h --banned
  stockade scan backup/ --filter 'sshd[mode=aggressive]' --maxretry 3 --findtime 1h
  stockade scan auth.log --since '2026-11-01' --until '2026-11-08 12:00' --timezone Europe/Berlin
  stockade scan auth.log --jail sshd --jail recidive --json | jq '.offenders[].key'
  journalctl -o short-iso _COMM=sshd | stockade scan -";

/// Replay logs: who would have been banned, when, and for how long.
///
/// The time is taken from the lines, so the same log always gives the same answer. Nothing is changed, no daemon is
/// needed, and memory stays below 50 MB whatever the size of the logs.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ScanArgs {
    /// Log files, plain or packed (gzip, zstd, xz); folders; patterns such as '*.log'; `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Also read the older parts of each FILE: auth.log.1, auth.log.2.gz, …
    #[arg(long)]
    pub(crate) rotated: bool,

    /// Judge by this jail, enabled or not; may be given several times; `all`: every enabled one [default: sshd]
    #[arg(short, long, value_name = "NAME", help_heading = "What counts")]
    pub(crate) jail: Vec<String>,
    /// Find matches with this filter, in place of the jail's: sshd, 'sshd[mode=aggressive]', …
    #[arg(short, long, value_name = "FILTER", help_heading = "What counts")]
    pub(crate) filter: Option<String>,
    /// How many matches ban
    #[arg(long, value_name = "N", value_parser = values::maxretry, allow_negative_numbers = true, help_heading = "What counts")]
    pub(crate) maxretry: Option<NonZeroU32>,
    /// Within how long: 600, 10m, 1d12h
    #[arg(long, value_name = "TIME", value_parser = values::duration, allow_negative_numbers = true, help_heading = "What counts")]
    pub(crate) findtime: Option<Duration>,
    /// For how long: 600, 10m, 1d12h; -1 for ever
    #[arg(long, value_name = "TIME", value_parser = values::bantime, allow_negative_numbers = true, help_heading = "What counts")]
    pub(crate) bantime: Option<BanTime>,

    /// Only matches from then on: 2026-11-22, '2026-11-22 10:00', 2h (ago)
    #[arg(long, value_name = "WHEN", help_heading = "Time")]
    pub(crate) since: Option<String>,
    /// Only matches until then
    #[arg(long, value_name = "WHEN", help_heading = "Time")]
    pub(crate) until: Option<String>,
    /// The year of dates that have none [default: by the time the file was last written to]
    #[arg(long, value_parser = value_parser!(i16).range(1970..=9998), help_heading = "Time")]
    pub(crate) year: Option<i16>,
    /// The zone of dates that name none, and of the times shown: Europe/Berlin, UTC+0200
    /// [default: the jail's `logtimezone`, else this machine's]
    #[arg(long, value_name = "ZONE", help_heading = "Time")]
    pub(crate) timezone: Option<String>,

    /// Use so many processor cores, 1 or 2; the answer is the same [default: 2 where there are two]
    #[arg(long, value_name = "N", value_parser = value_parser!(u8).range(1..=2), help_heading = "Speed")]
    pub(crate) cores: Option<u8>,

    /// Show only the N addresses with most matches; 0 for all [default: 20 on a terminal, else all]
    #[arg(short = 'n', long, value_name = "N", help_heading = "Output")]
    pub(crate) top: Option<usize>,
    /// Show only addresses that would have been banned
    #[arg(long, help_heading = "Output")]
    pub(crate) banned: bool,
    /// Print comma-separated values, one line per address and jail
    #[arg(long, conflicts_with = "json", help_heading = "Output")]
    pub(crate) csv: bool,
}
