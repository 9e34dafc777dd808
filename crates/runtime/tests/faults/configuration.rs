//! Configurations with mistakes: what is wrong, where, and what to do about it.

use std::fs;

use stockade_runtime::control::{Request, Response};

use super::JAILS;
use super::support::{Site, failures, wait_for};

const DRY: &str = "[responders.dry]\nkind = \"dry-run\"\n";

/// What it says of a mistake in a jail, with the line and the hint; the jails without one work.
fn says_of_jail(jails: &str, level: &str, parts: &[&str]) {
    let site = Site::new(jails, DRY);
    let daemon = site.spawn(None);
    let names: Vec<String> = wait_for("the daemon", || match site.try_ask(&Request::Jails)? {
        Response::Jails { jails } => Some(jails.iter().map(|jail| jail.name.to_string()).collect()),
        _ => None,
    });
    assert_eq!(names, ["recidive"], "{}", site.said());
    let file = site.path("etc/jail.local").display().to_string();
    let line: Vec<&str> = [level, &file].into_iter().chain(parts.iter().copied()).collect();
    assert_eq!(site.lines_said(&line), 1, "{parts:?} is not in\n{}", site.said());
    assert_eq!(site.lines_said(&["jail left out: `sshd`", "`stockade check` shows"]), 1, "{}", site.said());
    site.stop(daemon, false);
}

#[test]
fn an_unknown_option_of_a_jail_is_named_with_the_one_that_was_meant() {
    let jails = JAILS.replace("maxretry", "maxrety");
    says_of_jail(
        &jails,
        "ERROR",
        &["jail.local:5: [sshd] unknown option `maxrety`", "did you mean `maxretry`?"],
    );
}

#[test]
fn a_time_that_is_none_is_named_with_what_was_expected() {
    let jails = JAILS.replace("findtime = 1d", "findtime = 1 fortnight");
    let parts =
        ["jail.local:6: [sshd] findtime: expected a length of time such as `10m`", "`fortnight` is no unit"];
    says_of_jail(&jails, "ERROR", &parts);
}

#[test]
fn a_regex_that_is_none_is_named_with_what_is_wrong_with_it() {
    let jails = JAILS.to_owned() + "failregex = ^bad (regex <HOST>$\n";
    let parts = [
        "jail.local:8: cannot use failregex",
        "not a regex",
        "at character 6, expected a `)`",
        "`^bad (regex <HOST>$`",
    ];
    says_of_jail(&jails, "WARN", &parts);
}

#[test]
fn mistakes_in_the_programs_settings_stop_it_and_all_are_told_at_once() {
    let wrong = "reconcile_every = \"soon\"\n[guards]\nprotect_owm = true\nmax_bans_per_minute = 0\n";
    let site = Site::new(JAILS, &format!("{wrong}{DRY}"));
    assert!(!site.spawn(None).wait().success());
    let file = site.path("etc/stockade.toml").display().to_string();
    for parts in [
        ["error: cannot use the configuration", ""],
        [&*format!("error: {file}:3:"), "reconcile_every: expected a length of time such as `10m`"],
        [&*format!("error: {file}:5:"), "guards: unknown setting `protect_owm`"],
        ["  hint:", "did you mean `protect_own`?"],
        [&*format!("error: {file}:6:"), "max_bans_per_minute: "],
        ["hint: `stockade check` shows every problem with its place", ""],
    ] {
        assert_eq!(site.lines_said(&parts), 1, "{parts:?} is not in\n{}", site.said());
    }
}

#[test]
fn no_jail_at_all_is_an_error_with_a_hint() {
    let site = Site::new("[sshd]\nenabled = false\n[recidive]\nenabled = false\n", DRY);
    assert!(!site.spawn(None).wait().success());
    assert_eq!(site.lines_said(&["error: "]), 1, "{}", site.said());
    assert_eq!(site.lines_said(&["hint: "]), 1, "{}", site.said());
    assert!(site.said().contains("no jail is enabled"), "{}", site.said());
}

#[test]
fn a_reload_with_a_mistake_changes_nothing() {
    let site = Site::new(JAILS, DRY);
    let daemon = site.start(None);
    let at = site.path("").display().to_string();
    for (mistake, wrong) in [
        ("maxretry = 5", "maxrety = 5"),
        ("findtime = 1d", "findtime = 1 fortnight"),
        ("bantime = 1w", "bantime = 1w\nfailregex = ^bad (regex <HOST>$"),
    ] {
        let jails = JAILS.replace("{at}", at.trim_end_matches('/')).replace(mistake, wrong);
        fs::write(site.path("etc/jail.local"), jails).unwrap();
        let Response::Error { message, hint } = site.ask(&Request::Reload) else {
            panic!("`{wrong}` is taken")
        };
        assert!(message.starts_with("cannot reload, nothing was changed:\n"), "{message}");
        assert!(message.contains("jail.local:"), "{message}");
        assert!(hint.is_some());
    }
    site.write(&failures("203.0.113.7", 5));
    site.wait_banned("203.0.113.7");
    site.stop(daemon, false);
}
