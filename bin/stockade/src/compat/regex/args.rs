//! The command line of `fail2ban-regex`.

use std::ffi::{OsStr, OsString};

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use stockade_filter::conf::FAIL2BAN_VERSION;

use crate::cli::TrialArgs;

const MEANINGS: &str = "\
LOG is a log file, plain or packed (gzip, zstd, xz), `systemd-journal`, perhaps with options in
brackets, `-` for standard input, or a log line itself.

REGEX is a filter, perhaps with options as in 'sshd[mode=aggressive]', the path of a filter file, a
jail, or a regex itself. IGNOREREGEX is a regex that excuses a line.

This is Stockade under the name of fail2ban-regex. `stockade regex` says more.";

/// Try a filter or a regex on a log, and count what matches.
#[derive(Debug, Parser)]
#[command(
    override_usage = "fail2ban-regex [OPTIONS] <LOG> <REGEX> [IGNOREREGEX]",
    after_help = MEANINGS,
    infer_long_args = true,
    disable_version_flag = true,
    max_term_width = 110
)]
pub(super) struct Args {
    /// LOG, REGEX and perhaps IGNOREREGEX
    #[arg(value_name = "LOG REGEX IGNOREREGEX", hide = true)]
    pub(super) words: Vec<OsString>,
    /// The configuration directory [default: /etc/fail2ban, else that of Stockade]
    #[arg(short, long, value_name = "DIR")]
    pub(super) config: Option<OsString>,
    /// Show more: every regex, and whom it found
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// The same as a number from 0 to 4
    #[arg(long, value_name = "N")]
    pub(super) verbosity: Option<u8>,
    /// Print the version with the name
    #[arg(long)]
    version: bool,
    /// Print the version and nothing else
    #[arg(short = 'V')]
    short_version: bool,
    #[command(flatten)]
    pub(super) trial: TrialArgs,
}

/// What there is to do if it is not to try anything.
pub(super) enum Instead {
    /// Print this on standard output; all is well.
    Say(String),
    /// It was typed wrongly: print both, the second on standard error.
    Refuse { out: String, err: String, code: u8 },
}

/// What fail2ban-regex returns where it fails.
pub(super) const FAILED: u8 = 255;
/// What it returns where an option is wrong.
const WRONG_OPTION: u8 = 2;

impl Args {
    /// Reads a command line. `name` is how the program was called.
    pub(super) fn read(name: &OsStr, words: Vec<OsString>) -> Result<Self, Instead> {
        let mut command = Self::command().name("fail2ban-regex");
        let matches = command.try_get_matches_from_mut(std::iter::once(name.to_owned()).chain(words));
        let help = command.render_help().to_string();
        let args = matches.and_then(|mut matches| Self::from_arg_matches_mut(&mut matches));
        let args = args.map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp => Instead::Say(error.to_string()),
            ErrorKind::ArgumentConflict => {
                Instead::Refuse { out: help.clone(), err: error.to_string(), code: FAILED }
            }
            _ => Instead::Refuse { out: String::new(), err: error.to_string(), code: WRONG_OPTION },
        })?;
        match (args.version, args.short_version) {
            (true, _) => return Err(Instead::Say(format!("fail2ban-regex {FAIL2BAN_VERSION}\n"))),
            (_, true) => return Err(Instead::Say(format!("{FAIL2BAN_VERSION}\n"))),
            _ => {}
        }
        if !(2..=3).contains(&args.words.len()) {
            let err = "ERROR: expected a log and a regex: fail2ban-regex [OPTIONS] LOG REGEX [IGNOREREGEX]\n";
            return Err(Instead::Refuse { out: help, err: err.to_owned(), code: FAILED });
        }
        Ok(args)
    }

    /// How much to show.
    pub(super) fn verbose(&self) -> u8 {
        self.verbosity.unwrap_or(self.verbose)
    }

    /// The word at a place: the log, the regex, the ignoreregex.
    pub(super) fn word(&self, at: usize) -> Option<&OsStr> {
        self.words.get(at).map(OsString::as_os_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Args, Instead> {
        Args::read(OsStr::new("fail2ban-regex"), words.iter().map(OsString::from).collect())
    }

    #[test]
    fn options_may_be_short_joined_abbreviated_and_anywhere() {
        let Ok(args) = read(&["x.log", "-vv", "--print-all-mat", "sshd", "-d-%Y", "--TZ=UTC", "-L", "3"])
        else {
            panic!("it is right")
        };
        assert_eq!((args.verbose(), args.words.len()), (2, 2));
        assert!(args.trial.print_all_matched && args.trial.maxlines == Some(3));
        assert_eq!(args.trial.datepattern.as_deref(), Some("-%Y"));
        assert_eq!(args.trial.timezone.as_deref(), Some("UTC"));
    }

    #[test]
    fn what_is_wrong_has_its_exit_code() {
        let code = |words: &[&str]| match read(words) {
            Err(Instead::Refuse { code, .. }) => Some(code),
            Err(Instead::Say(_)) => Some(0),
            Ok(_) => None,
        };
        assert_eq!(code(&["a", "b"]), None);
        assert_eq!(code(&["-V"]), Some(0));
        assert_eq!(code(&["--version"]), Some(0));
        assert_eq!(code(&["a"]), Some(255));
        assert_eq!(code(&["a", "b", "c", "d"]), Some(255));
        assert_eq!(code(&["a", "b", "--print-no-missed", "--print-all-missed"]), Some(255));
        assert_eq!(code(&["a", "b", "--nonsense"]), Some(2));
        assert_eq!(code(&["a", "b", "-L", "many"]), Some(2));
    }
}
