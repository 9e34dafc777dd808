//! The command line of `fail2ban-client`: options up to the first word that is none, then a command.

use std::ffi::OsString;
use std::path::PathBuf;

use stockade_config::LogLevel;

/// What stands before the command, and the command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Args {
    /// `-c`: the configuration directory.
    pub(super) config: Option<PathBuf>,
    /// `-s`: the socket.
    pub(super) socket: Option<PathBuf>,
    /// `--loglevel`, for a daemon that is started.
    pub(super) log_level: Option<String>,
    /// `--logtarget`, for a daemon that is started.
    pub(super) log_target: Option<String>,
    /// `-d`, `--dp`: print the configuration.
    pub(super) dump: bool,
    /// `-t`: test the configuration.
    pub(super) test: bool,
    /// `-i`: read commands from standard input.
    pub(super) interactive: bool,
    /// `-f`: start the daemon in the foreground.
    pub(super) foreground: bool,
    /// The command.
    pub(super) words: Vec<String>,
}

/// What there is to do instead of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Instead {
    /// Print the help. `wrong`: because an option was not understood.
    Help {
        /// Then it is a failure.
        wrong: bool,
    },
    /// Print the version, with the name if not `short`.
    Version {
        /// Nothing but the version.
        short: bool,
    },
    /// Say how many seconds a length of time has.
    Seconds(String),
    /// Say that an option has a wrong value.
    Wrong(String),
}

/// Options with one letter; those with a colon take a value.
const SHORT: &str = "hc:s:p:xfbdtviqV";
/// Options with a name, and whether they take a value.
const LONG: &[(&str, bool)] = &[
    ("loglevel", true),
    ("logtarget", true),
    ("syslogsocket", true),
    ("test", false),
    ("async", false),
    ("conf", true),
    ("pidfile", true),
    ("pname", true),
    ("socket", true),
    ("timeout", true),
    ("str2sec", true),
    ("help", false),
    ("version", false),
    ("dp", false),
    ("dump-pretty", false),
];

impl Args {
    /// Reads what was typed after the name of the program.
    pub(super) fn read(words: Vec<OsString>) -> Result<Self, Instead> {
        let mut words = words.into_iter().map(|word| word.to_string_lossy().into_owned()).peekable();
        let mut args = Self::default();
        let wrong = || Instead::Help { wrong: true };
        while let Some(word) = words.next_if(|word| word.len() > 1 && word.starts_with('-')) {
            if word == "--" {
                break;
            }
            if let Some(long) = word.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let (name, takes) = long_option(name).ok_or_else(wrong)?;
                let value = match (takes, value) {
                    (true, None) => Some(words.next().ok_or_else(wrong)?),
                    (false, Some(_)) => return Err(wrong()),
                    (_, value) => value,
                };
                args.set(name, value.unwrap_or_default())?;
                continue;
            }
            let mut letters = word.chars().skip(1);
            while let Some(letter) = letters.next() {
                let at = SHORT.find(letter).filter(|_| letter != ':').ok_or_else(wrong)?;
                if SHORT.get(at + 1..).is_some_and(|rest| rest.starts_with(':')) {
                    let joined: String = letters.by_ref().collect();
                    let value = if joined.is_empty() { words.next().ok_or_else(wrong)? } else { joined };
                    args.set(&letter.to_string(), value)?;
                } else {
                    args.set(&letter.to_string(), String::new())?;
                }
            }
        }
        args.words = words.collect();
        Ok(args)
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), Instead> {
        match name {
            "h" | "help" => return Err(Instead::Help { wrong: false }),
            "V" => return Err(Instead::Version { short: true }),
            "version" => return Err(Instead::Version { short: false }),
            "str2sec" => return Err(Instead::Seconds(value)),
            "c" | "conf" => self.config = Some(value.into()),
            "s" | "socket" => self.socket = Some(value.into()),
            "loglevel" if level(&value).is_none() => {
                return Err(Instead::Wrong(format!("Invalid log level '{value}'")));
            }
            "loglevel" => self.log_level = Some(value),
            "logtarget" => self.log_target = Some(value),
            "d" | "dp" | "dump-pretty" => self.dump = true,
            "t" | "test" => self.test = true,
            "i" => self.interactive = true,
            "f" => self.foreground = true,
            "b" => self.foreground = false,
            // How much it says, how it names its process and how long it waits is not for a caller to choose here.
            _ => {}
        }
        Ok(())
    }
}

/// The option of this name, or the only one that begins so.
fn long_option(name: &str) -> Option<(&'static str, bool)> {
    if let Some(whole) = LONG.iter().find(|(known, _)| *known == name) {
        return Some(*whole);
    }
    let mut begun = LONG.iter().filter(|(known, _)| known.starts_with(name));
    begun.next().copied().filter(|_| begun.next().is_none())
}

/// A level of fail2ban's log, by name or number, as one of ours.
pub(super) fn level(text: &str) -> Option<LogLevel> {
    let text = text.trim().to_ascii_uppercase();
    Some(match text.as_str() {
        "CRITICAL" | "50" => LogLevel::Critical,
        "ERROR" | "40" => LogLevel::Error,
        "WARNING" | "WARN" | "30" => LogLevel::Warning,
        "NOTICE" | "25" => LogLevel::Notice,
        "INFO" | "MSG" | "20" => LogLevel::Info,
        "DEBUG" | "TRACEDEBUG" | "HEAVYDEBUG" | "10" | "7" | "5" => LogLevel::Debug,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Args, Instead> {
        Args::read(words.iter().map(OsString::from).collect())
    }

    #[test]
    fn options_end_where_the_command_begins() {
        let args =
            read(&["-vvc/etc/f2b", "--sock", "/run/x", "-f", "get", "sshd", "banip", "--with-time"]).unwrap();
        assert_eq!(args.config, Some("/etc/f2b".into()));
        assert_eq!(args.socket, Some("/run/x".into()));
        assert!(args.foreground);
        assert_eq!(args.words, ["get", "sshd", "banip", "--with-time"]);
        assert_eq!(
            read(&["-q", "-x", "-p", "/p", "--pname=x", "--timeout", "3", "ping"]).unwrap().words,
            ["ping"]
        );
        assert_eq!(read(&["--", "-x"]).unwrap().words, ["-x"]);
        assert_eq!(read(&[]).unwrap(), Args::default());
    }

    #[test]
    fn what_is_not_understood_shows_the_help() {
        for words in
            [&["-Z"][..], &["-c"], &["--nosuch"], &["--p", "x"], &["--test=1"], &["--socket"], &["-:"]]
        {
            assert_eq!(read(words), Err(Instead::Help { wrong: true }), "{words:?}");
        }
        assert_eq!(read(&["--he"]), Err(Instead::Help { wrong: false }));
        assert_eq!(read(&["-vV", "ping"]), Err(Instead::Version { short: true }));
        assert_eq!(read(&["--str2sec", "1d"]), Err(Instead::Seconds("1d".into())));
        assert_eq!(read(&["--loglevel", "loud"]), Err(Instead::Wrong("Invalid log level 'loud'".into())));
    }
}
