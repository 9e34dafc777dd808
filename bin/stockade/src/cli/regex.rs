//! `stockade regex`, and the options that it shares with `fail2ban-regex`.

#![allow(rustdoc::invalid_html_tags, reason = "help texts for a terminal, with tags of fail2ban's language")]

use std::ffi::OsString;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  stockade regex /var/log/auth.log sshd
  stockade regex /var/log/auth.log.2.gz 'sshd[mode=aggressive]' --print-all-missed
  stockade regex 'Nov 22 10:00:00 web door: knocked by 203.0.113.9' ' door: knocked by <HOST>$'
  stockade regex /var/log/nginx/access.log ./my-filter.conf -o '<ip> <F-USER>' | sort | uniq -c
  stockade regex systemd-journal sshd -m _COMM=sshd --json | jq '.failregex[] | select(.hits == 0)'
  tail -n 1000 /var/log/auth.log | stockade regex - sshd -v";

/// Try a filter or a regex on a log: which regexes match how often, and what they cost.
///
/// Every regex is tried on every line, so a line may count for several. Nothing is changed and no daemon is needed.
/// Empty lines and lines that begin with `#` are passed over.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RegexArgs {
    /// A log file, plain or packed (gzip, zstd, xz); `-` for standard input; `systemd-journal`, with options as in
    /// 'systemd-journal[journalpath=/var/log/journal]'; or a log line itself
    #[arg(value_name = "LOG")]
    pub(crate) log: OsString,
    /// A filter, as in 'sshd[mode=aggressive]'; the path of a filter file; a jail; or a regex itself, with <HOST> or <ADDR>
    #[arg(value_name = "REGEX")]
    pub(crate) regex: String,
    /// A regex that excuses a line
    #[arg(value_name = "IGNOREREGEX")]
    pub(crate) ignoreregex: Option<String>,
    #[command(flatten)]
    pub(crate) trial: TrialArgs,
}

/// How lines are tried and what is printed of them.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct TrialArgs {
    /// Read dates by this pattern, in place of the filter's: '%Y-%m-%d %H:%M:%S', EPOCH, …
    #[arg(
        short,
        long,
        value_name = "PATTERN",
        allow_hyphen_values = true,
        help_heading = "How lines are read"
    )]
    pub(crate) datepattern: Option<String>,
    /// The zone of dates that name none: Europe/Berlin, UTC+0200 [default: this machine's]
    #[arg(
        long,
        alias = "TZ",
        value_name = "ZONE",
        allow_hyphen_values = true,
        help_heading = "How lines are read"
    )]
    pub(crate) timezone: Option<String>,
    /// The encoding of the log [default: UTF-8]
    #[arg(short, long, value_name = "NAME", help_heading = "How lines are read")]
    pub(crate) encoding: Option<String>,
    /// What to ask the journal for, in place of the filter's `journalmatch`
    #[arg(short = 'm', long, value_name = "MATCH", help_heading = "How lines are read")]
    pub(crate) journalmatch: Option<String>,
    /// Take the text of a host name as it is, and look no name up
    #[arg(short, long, help_heading = "How lines are read")]
    pub(crate) raw: bool,
    /// Whether <HOST> takes host names: yes, no, raw
    #[arg(long, value_name = "HOW", help_heading = "How lines are read")]
    pub(crate) usedns: Option<String>,
    /// How many lines a regex sees at once, in place of the filter's `maxlines`; also how many lines are listed at most
    #[arg(short = 'L', long, value_name = "N", help_heading = "How lines are read")]
    pub(crate) maxlines: Option<usize>,
    /// Stop at the first regex that matches a line, as the daemon does
    #[arg(short = 'n', long, help_heading = "How lines are read")]
    pub(crate) no_check_all: bool,

    /// Print nothing but this of each failure: id, ip, msg, row, the name of a field, or a text with tags as '<ip> <F-USER>'
    #[arg(short, long, value_name = "WHAT", allow_hyphen_values = true, help_heading = "What is printed")]
    pub(crate) out: Option<String>,
    /// With --out: of the lines that are no failure
    #[arg(short, long, requires = "out", help_heading = "What is printed")]
    pub(crate) invert: bool,
    /// Do not list missed lines
    #[arg(long, conflicts_with = "print_all_missed", help_heading = "What is printed")]
    pub(crate) print_no_missed: bool,
    /// Do not list ignored lines
    #[arg(long, conflicts_with = "print_all_ignored", help_heading = "What is printed")]
    pub(crate) print_no_ignored: bool,
    /// List all matched lines
    #[arg(long, help_heading = "What is printed")]
    pub(crate) print_all_matched: bool,
    /// List all missed lines, however many
    #[arg(long, help_heading = "What is printed")]
    pub(crate) print_all_missed: bool,
    /// List all ignored lines, however many
    #[arg(long, help_heading = "What is printed")]
    pub(crate) print_all_ignored: bool,
    /// Show the parts of date patterns
    #[arg(long, alias = "VD", help_heading = "What is printed")]
    pub(crate) verbose_date: bool,
    /// With each listed line print addresses at debuggex.com where a regex is drawn
    #[arg(short = 'D', long, help_heading = "What is printed")]
    pub(crate) debuggex: bool,

    /// How much to log; fail2ban-regex has it, here there is nothing to log
    #[arg(short, long, value_name = "LEVEL", hide = true)]
    pub(crate) log_level: Option<String>,
    /// As for --log-level
    #[arg(short = 't', long, hide = true)]
    pub(crate) log_traceback: bool,
    /// As for --log-level
    #[arg(long, hide = true)]
    pub(crate) full_traceback: bool,
}
