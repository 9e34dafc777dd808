//! `stockade explain`.

use clap::{Args, value_parser};

const EXAMPLES: &str = "\
Examples:
  stockade explain 'Nov 22 10:00:00 web sshd[7]: Failed password for root from 203.0.113.9 port 22 ssh2'
  stockade explain --filter 'sshd[mode=aggressive]' \"$(tail -n 1 /var/log/auth.log)\"
  tail -n 5 /var/log/auth.log | stockade explain -";

/// Show what a log line means: date, filter, fields, and how far from a ban it would be.
///
/// Several lines are taken one after the other, as the daemon would: connections are remembered and matches add up.
/// Where no regex matches, the nearest ones are shown with the place where they stopped.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    /// The line, as it stands in the log, `--` before one that begins with a dash; `-` for lines from standard input
    #[arg(value_name = "LINE", required = true)]
    pub(crate) lines: Vec<String>,
    /// By this jail, enabled or not; may be given several times [default: every enabled one]
    #[arg(short, long, value_name = "NAME")]
    pub(crate) jail: Vec<String>,
    /// With this filter, in place of the jail's
    #[arg(short, long, value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// The year of dates that have none [default: this or the last]
    #[arg(long, value_parser = value_parser!(i16).range(1970..=9998))]
    pub(crate) year: Option<i16>,
    /// The zone of dates that name none: Europe/Berlin, UTC+0200 [default: the jail's, else this machine's]
    #[arg(long, value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
}
