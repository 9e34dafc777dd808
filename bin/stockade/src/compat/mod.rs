//! The names people know: called as `fail2ban-client` or `fail2ban-regex`, through a link, the binary understands their
//! command lines and prints their texts, so that scripts and exporters go on working.

mod client;
mod regex;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

/// Whom the binary stands in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Personality {
    /// `fail2ban-client`, which talks to the daemon.
    Client,
    /// `fail2ban-regex`, which tries regexes on a log.
    Regex,
}

/// The personality that belongs to the name by which the binary was called, with or without its folder.
pub(crate) fn called_as(argv0: &OsStr) -> Option<Personality> {
    match Path::new(argv0).file_name()?.to_str()? {
        "fail2ban-client" => Some(Personality::Client),
        "fail2ban-regex" => Some(Personality::Regex),
        _ => None,
    }
}

/// Does what was typed. `args` are the words after the name, `name` is the first word itself.
pub(crate) fn run(personality: Personality, name: &OsStr, args: Vec<OsString>) -> ExitCode {
    match personality {
        Personality::Client => client::run(name, args),
        Personality::Regex => regex::run(name, args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_part_of_the_name_counts() {
        let as_what = |name: &str| called_as(OsStr::new(name));
        assert_eq!(as_what("/usr/bin/fail2ban-client"), Some(Personality::Client));
        assert_eq!(as_what("fail2ban-regex"), Some(Personality::Regex));
        for name in ["stockade", "/opt/fail2ban-client/stockade", "fail2ban-client2", "", "/", ".."] {
            assert_eq!(as_what(name), None, "{name}");
        }
    }
}
