//! The command line itself: help, errors, exit codes, what is generated.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use common::{fixture, run, shown, stockade};
use insta::assert_snapshot;

const COMMANDS: [&str; 20] = [
    "run",
    "agent",
    "scan",
    "explain",
    "pattern",
    "rules",
    "check",
    "repair",
    "iam",
    "config",
    "status",
    "jails",
    "bans",
    "ban",
    "unban",
    "why",
    "reload",
    "stop",
    "completions",
    "man",
];

#[test]
fn the_help_teaches_by_example() {
    assert_snapshot!(run(&["--help"]));
    for command in COMMANDS {
        assert_snapshot!(format!("help-{command}"), run(&[command, "-h"]));
    }
}

#[test]
fn nothing_typed_shows_the_help() {
    let text = run(&[]);
    assert!(text.starts_with("exit: 2\n") && text.contains("Examples:"), "{text}");
}

#[test]
fn what_is_typed_wrongly_is_told_with_what_would_be_right() {
    for (name, args) in [
        ("command", &["scann", "x"][..]),
        ("no-file", &["scan"]),
        ("findtime", &["scan", "x", "--findtime", "soon"]),
        ("findtime-negative", &["scan", "x", "--findtime", "-1"]),
        ("maxretry", &["scan", "x", "--maxretry", "0"]),
        ("year", &["scan", "x", "--year", "26"]),
        ("since", &["scan", "door.log", "--since", "soon"]),
        ("timezone", &["scan", "door.log", "--timezone", "Mars/Olympus"]),
        ("jail", &["scan", "door.log", "--jail", "doors"]),
        ("jail-odd", &["scan", "door.log", "--jail", "x]\nenabled = true"]),
        ("filter", &["scan", "door.log", "--filter", "doors"]),
        ("filter-odd", &["scan", "door.log", "--filter", "door\nx = y"]),
        ("only-recidive", &["scan", "door.log", "--jail", "recidive"]),
        ("json-and-csv", &["scan", "door.log", "--json", "--csv"]),
        ("ban", &["ban", "203.0.113.9", "example.org", "192.0.2.300", "192.0.2.0/33"]),
        ("ban-for", &["ban", "203.0.113.9", "--for", "a while"]),
        ("unban-nobody", &["unban"]),
        ("unban-all-and-one", &["unban", "--all", "203.0.113.9"]),
        ("why", &["why", "\u{1b}[2J"]),
        ("why-lines", &["why", "203.0.113.9", "--lines", "0"]),
        ("config", &["check", "-c", "no/such/folder"]),
        ("shell", &["completions", "csh"]),
    ] {
        let text = run(args);
        assert!(text.starts_with("exit: 2\n"), "{name}: {text}");
        assert_snapshot!(format!("wrong-{name}"), text);
    }
}

#[test]
fn a_broken_configuration_is_told_all_at_once() {
    assert_snapshot!(run(&["check", "-c", "broken"]));
    assert_snapshot!(run(&["check", "-c", "broken", "--json"]));
    assert_snapshot!(run(&["scan", "door.log", "-c", "broken"]));
}

#[test]
fn a_right_configuration_is_right() {
    assert_snapshot!(run(&["check"]));
    assert_snapshot!(run(&["check", "--json"]));
}

#[test]
fn the_version_is_told() {
    assert_eq!(
        run(&["--version"]),
        format!("exit: 0\n----- stdout\nstockade {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = run(&["completions", shell]);
        assert!(text.starts_with("exit: 0\n"), "{shell}");
        for command in COMMANDS {
            assert!(text.contains(command), "{shell}: {command}");
        }
    }
}

#[test]
fn there_is_a_man_page_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man8");
    let output = stockade().arg("man").arg(&pages).output().unwrap();
    assert_eq!(shown(&output), "exit: 0\n");
    for command in COMMANDS {
        let page = std::fs::read_to_string(pages.join(format!("stockade-{command}.8"))).unwrap();
        assert!(page.contains(".TH stockade-"), "{command}");
        assert!(page.contains("Options of every command") || page.contains("\\-\\-config"), "{command}");
    }
    let all = std::fs::read_to_string(pages.join("stockade.8")).unwrap();
    assert!(all.contains("stockade\\-scan(8)") && all.contains("Exit codes"), "{all}");
    // A page that another one names is there.
    for entry in std::fs::read_dir(&pages).unwrap() {
        let page = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let (_, subcommands) = page.split_once(".SH SUBCOMMANDS").unwrap_or_default();
        for name in subcommands.lines().filter_map(|line| line.strip_suffix("(8)")) {
            assert!(pages.join(format!("{}.8", name.replace('\\', ""))).exists(), "{name}");
        }
    }
    assert!(pages.join("stockade-repair-baseline-accept.8").exists());
    assert!(run(&["man"]).contains(".TH stockade 8"));
    let nowhere = fixture("auth.log/man8");
    let output = stockade().arg("man").arg(nowhere).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

/// The host-only build knows the command and says what it lacks.
#[cfg(not(feature = "aws"))]
#[test]
fn a_build_without_aws_says_so() {
    let text = run(&["agent", "--once"]);
    assert!(
        text.starts_with("exit: 2\n") && text.contains("feature `aws`") && text.contains("hint:"),
        "{text}"
    );
}
