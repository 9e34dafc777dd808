//! Which logs a jail reads on which machine.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use common::door;
use stockade_config::{Sources, resolve_sources};

const LOGS: &str = "logpath = /var/log/auth.log\n /var/log/secure tail\n /var/log/door/*.log\n";
const MATCH: &str = "journalmatch = _COMM=door\n";

/// Files, `absent` and the journal's question, as text.
fn resolved(options: &str, there: &[&str]) -> (String, String, Option<Vec<String>>) {
    let config = door(options).load().unwrap();
    let Sources { files, journal, absent } =
        resolve_sources(config.jail("door").unwrap(), |path| there.contains(&path));
    let files = files.iter().map(|file| format!("{}{}", file.glob, if file.tail { " tail" } else { "" }));
    (files.collect::<Vec<_>>().join(", "), absent.join(", "), journal)
}

fn question() -> Option<Vec<String>> {
    Some(vec!["_COMM=door".to_owned()])
}

#[test]
fn auto_reads_the_files_that_are_there() {
    let options = format!("{LOGS}{MATCH}");
    // Patterns with a wildcard are always followed: there may be a file later.
    assert_eq!(
        resolved(&options, &["/var/log/auth.log"]),
        (
            "/var/log/auth.log, /var/log/door/*.log".into(),
            "/var/log/secure, /var/log/door/*.log".into(),
            None
        )
    );
    assert_eq!(
        resolved(&options, &["/var/log/secure", "/var/log/door/*.log"]),
        ("/var/log/secure tail, /var/log/door/*.log".into(), "/var/log/auth.log".into(), None)
    );
}

#[test]
fn auto_reads_the_journal_if_no_file_is_there_and_else_waits_for_files() {
    let all = "/var/log/auth.log, /var/log/secure, /var/log/door/*.log".to_owned();
    assert_eq!(resolved(&format!("{LOGS}{MATCH}"), &[]), (String::new(), all.clone(), question()));
    let followed = "/var/log/auth.log, /var/log/secure tail, /var/log/door/*.log".to_owned();
    assert_eq!(resolved(LOGS, &[]), (followed, all, None));
    assert_eq!(resolved(&format!("logpath =\n{MATCH}"), &[]), (String::new(), String::new(), question()));
}

#[test]
fn files_and_journal_are_taken_at_their_word() {
    let options = format!("backend = files\n{LOGS}{MATCH}");
    let followed = "/var/log/auth.log, /var/log/secure tail, /var/log/door/*.log".to_owned();
    let absent = "/var/log/secure, /var/log/door/*.log".to_owned();
    assert_eq!(resolved(&options, &["/var/log/auth.log"]), (followed, absent, None));
    let options = format!("backend = systemd\n{LOGS}{MATCH}");
    assert_eq!(resolved(&options, &["/var/log/auth.log"]), (String::new(), String::new(), question()));
    assert_eq!(resolved("backend = journal\n", &[]), (String::new(), String::new(), Some(vec![])));
}

#[test]
fn a_jail_that_counts_bans_reads_nothing() {
    let config = door("bans = all\n").load().unwrap();
    assert_eq!(resolve_sources(config.jail("door").unwrap(), |_| true), Sources::default());
}

/// A filter that looks at lines of the journal otherwise.
const BY_LOGTYPE: &str = "[Definition]\n_daemon = door\nfailregex = ^<lt_<logtype>/head>knocked by <HOST>$\njournalmatch = A=b\n\
                          [lt_file]\nhead = file:\n[lt_journal]\nhead = journal:\n";

#[test]
fn the_journal_is_looked_at_by_its_own_regexes() {
    let read = |filter: &str, options: &str| {
        let mut files = door(options);
        files.0.insert("filter.d/door.conf".into(), filter.into());
        let config = files.load().unwrap();
        assert_eq!(config.problems.to_string(), "");
        let jail = config.jail("door").unwrap().clone();
        let text = |spec: &stockade_filter::FilterSpec| spec.failregex[0].text.clone();
        (text(jail.filter.as_ref().unwrap()), jail.journal_filter.as_ref().map(text))
    };
    let (file, journal) = ("^file:knocked by <HOST>$".to_owned(), "^journal:knocked by <HOST>$".to_owned());
    assert_eq!(read(BY_LOGTYPE, "backend = auto\n"), (file.clone(), Some(journal.clone())));
    assert_eq!(read(BY_LOGTYPE, "backend = polling\n"), (file.clone(), None));
    for backend in ["systemd", "journal"] {
        assert_eq!(read(BY_LOGTYPE, &format!("backend = {backend}\n")), (journal.clone(), None), "{backend}");
    }
    let given = "backend = auto\nfilter = door[logtype=file]\n";
    assert_eq!(read(BY_LOGTYPE, given), (file, None), "as the jail says");
    let plain = "[Definition]\nfailregex = ^<HOST>$\njournalmatch = A=b\n";
    assert_eq!(read(plain, "backend = auto\n").1, None);
}
