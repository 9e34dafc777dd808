//! `fail2ban-client`: its command line and its texts, to our daemon over our socket.
//!
//! # Differences
//!
//! | what | fail2ban-client | here |
//! |---|---|---|
//! | the socket | pickled Python objects | JSON lines; whoever speaks to fail2ban's socket itself finds nobody |
//! | `-s` with fail2ban's default path, `-c /etc/fail2ban` | fail2ban's server | the daemon of Stockade |
//! | `version`, `-V` | its version | the version of fail2ban whose language Stockade reads |
//! | `banip` | whoever is named, also a name or an ignored address | addresses and networks that no guard and no `ignoreip` protects |
//! | `get JAIL failregex` and the like | regexes with their tags replaced | regexes with their tags, as they are written |
//! | `get JAIL ignoreip` | in the order of the files, addresses in no order | sorted by kind, then by value |
//! | `get JAIL datepattern` | with a translation | without |
//! | `set JAIL bantime` | also changes when bans end that are in force | only bans from then on |
//! | `idle on` | reading stops | reading goes on, matches do not count |
//! | `reload JAIL`, `restart JAIL` | the jail alone, perhaps stopped before | the jail alone, never without its bans |
//! | `stop` | lifts all bans in the firewall and keeps them in the database | the same; `restart` keeps them in force |
//! | `addaction`, `delaction`, `action`, `ignorecache`, `add`, flavour `cymru` | there | refused |
//! | help, warnings of its parts | its own words | ours |

mod args;
mod bans;
mod get;
mod help;
mod link;
mod reply;
mod server;
mod set;
mod status;

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;

use stockade_filter::conf::FAIL2BAN_VERSION;
use stockade_filter::conf::dump::python_text;
use stockade_filter::conf::value::{TimeSpan, parse_time};
use stockade_runtime::control::Request;

use args::{Args, Instead};
use link::Link;
use reply::{Nok, Reply, log, print};

/// What fail2ban-client returns where it fails.
const FAILED: u8 = 255;
/// The longest line of a session, in bytes.
const MAX_LINE_BYTES: usize = 64 << 10;

/// Does what was typed.
pub(crate) fn run(_name: &OsStr, words: Vec<OsString>) -> ExitCode {
    let args = match Args::read(words) {
        Ok(args) => args,
        Err(instead) => return say(instead),
    };
    let mut session = Session { link: Link::new(&args), args };
    if session.run() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

fn say(instead: Instead) -> ExitCode {
    let failed = ExitCode::from(FAILED);
    match instead {
        Instead::Help { wrong } => {
            print(help::TEXT);
            return if wrong { failed } else { ExitCode::SUCCESS };
        }
        Instead::Version { short: true } => print(FAIL2BAN_VERSION),
        Instead::Version { short: false } => print(&format!("Fail2Ban v{FAIL2BAN_VERSION}")),
        Instead::Seconds(text) => match seconds(&text) {
            Ok(number) => print(&number),
            Err(why) => {
                print(&format!("ERROR: {why}"));
                // The log has no layout yet when an option is wrong.
                std::io::stderr().lock().write_all(b"Init of command line failed\n").ok();
                return failed;
            }
        },
        Instead::Wrong(why) => {
            print(&format!("ERROR: {why}"));
            log("ERROR", "Init of command line failed");
            return failed;
        }
    }
    ExitCode::SUCCESS
}

/// A length of time in seconds, as Python writes the result.
fn seconds(text: &str) -> Result<String, String> {
    match parse_time(text).map_err(|error| time_error(text, &error.to_string()))? {
        TimeSpan::Forever => Ok("-1".to_owned()),
        TimeSpan::Seconds(seconds) => {
            let lower = text.to_lowercase();
            // Months and years are no whole numbers there, nor is what was divided.
            let fractional = ["mo", "y", ".", "/"].iter().any(|part| lower.contains(part))
                && !lower.contains("day")
                || seconds.fract() != 0.0;
            Ok(if fractional { format!("{seconds:?}") } else { format!("{seconds:.0}") })
        }
    }
}

/// Why a text is no length of time: in Python's words where it is a name, else in ours.
fn time_error(text: &str, why: &str) -> String {
    let word = text.trim();
    if !word.is_empty() && word.chars().all(|c| c.is_alphabetic() || c == '_') {
        return format!("name '{word}' is not defined");
    }
    why.to_owned()
}

/// One call of the program.
struct Session {
    args: Args,
    link: Link,
}

impl Session {
    /// Whether all went well.
    fn run(&mut self) -> bool {
        if self.args.dump {
            let dumped = server::dump(&self.link.global);
            if !self.args.test {
                return done(dumped);
            }
            if let Err(nok) = dumped {
                return done(Err(nok));
            }
        }
        if self.args.test {
            let tested = server::test(&self.link.global);
            if self.args.words.is_empty() || tested.is_err() {
                return done(tested);
            }
        }
        let words = std::mem::take(&mut self.args.words);
        if self.args.interactive {
            return (words.is_empty() || done(self.command(&words))) && self.interactive();
        }
        if words.is_empty() {
            print(help::TEXT);
            return false;
        }
        done(self.command(&words))
    }

    /// Commands from standard input, one a line, until it ends or says `exit`.
    fn interactive(&mut self) -> bool {
        print(help::GREETING);
        let mut input = std::io::stdin().lock();
        loop {
            let mut out = std::io::stdout().lock();
            out.write_all(b"fail2ban> ").and_then(|()| out.flush()).ok();
            drop(out);
            let mut line = Vec::new();
            let mut limited = std::io::Read::take(&mut input, MAX_LINE_BYTES as u64);
            match limited.read_until(b'\n', &mut line) {
                Ok(1..) => {}
                Ok(0) => {
                    print("");
                    log("ERROR", "EOF when reading a line");
                    return false;
                }
                Err(error) => {
                    log("ERROR", &error.to_string());
                    return false;
                }
            }
            let Some(words) = shlex::split(&String::from_utf8_lossy(&line)) else {
                log("ERROR", "No closing quotation");
                continue;
            };
            match words.first().map(String::as_str) {
                None => {}
                Some("exit" | "quit") => return true,
                Some("help") => print(help::TEXT),
                Some(_) => _ = done(self.command(&words)),
            }
        }
    }

    /// One command.
    fn command(&mut self, words: &[String]) -> Reply {
        let rest = words.get(1..).unwrap_or_default();
        let link = &mut self.link;
        match words.first().map_or("", String::as_str) {
            "ping" => server::ping(link, rest),
            "version" => link.ask(&Request::Ping).map(|_| FAIL2BAN_VERSION.to_owned()),
            "status" => status::status(link, rest),
            "stats" | "statistics" => status::stats(link),
            "banned" => bans::banned(link, rest),
            "unban" => bans::unban(link, rest),
            "get" => get::get(link, rest),
            "set" => set::set(link, rest),
            "flushlogs" => server::flush_logs(link),
            "start" => server::start(link, &self.args, rest),
            "stop" => server::stop(link, rest),
            "restart" => server::restart(link, &self.args, rest),
            "reload" => server::reload(link, rest),
            "echo" => link.ask(&Request::Ping).map(|_| rest.join(" ")),
            "server-status" => link.ask(&Request::Ping).map(|_| "Server ready".to_owned()),
            "add" => Err(Nok::cannot("a jail is added by writing it into jail.local, then `reload`")),
            _ => link.ask(&Request::Ping).and(Err(Nok::refused("Invalid command"))),
        }
    }
}

/// Prints what came of a command. Whether it went well.
fn done(reply: Reply) -> bool {
    match reply {
        Ok(text) => {
            print(&text);
            true
        }
        Err(nok) => {
            nok.tell();
            false
        }
    }
}

/// A word that must be there.
fn word(words: &[String], at: usize) -> Result<&str, Nok> {
    words.get(at).map(String::as_str).ok_or_else(Nok::incomplete)
}

/// A whole number, or Python's complaint.
fn integer(text: &str) -> Result<i64, Nok> {
    let complaint = || Nok::refused(format!("invalid literal for int() with base 10: {}", python_text(text)));
    text.trim().parse().map_err(|_| complaint())
}

/// A length of time in whole seconds, `None` for ever.
fn whole_seconds(text: &str) -> Result<Option<u64>, Nok> {
    let span = parse_time(text).map_err(|error| Nok::refused(time_error(text, &error.to_string())))?;
    Ok(span.duration().map(|span| span.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `fail2ban-client --str2sec` of fail2ban 1.0.2 printed.
    #[test]
    fn seconds_are_written_as_python_writes_them() {
        for (text, wanted) in [
            ("1d12h", "129600"),
            ("1y", "31557600.0"),
            ("1mo", "2629800.0"),
            ("1.5h", "5400.0"),
            ("5*60", "300"),
            ("1day 2hours", "93600"),
            ("-1", "-1"),
        ] {
            assert_eq!(seconds(text).as_deref(), Ok(wanted), "{text}");
        }
        assert_eq!(seconds("x"), Err("name 'x' is not defined".to_owned()));
        assert!(seconds("1 2 )").is_err());
    }
}
