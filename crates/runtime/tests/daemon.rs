//! The daemon, whole, with a real file, a real store and its socket; only the firewall is a dry run.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::fs;
use std::thread;
use std::time::Duration;

use stockade_runtime::control::{Client, Request, Response};

#[path = "support/world.rs"]
mod world;

use world::{JAILS, World, failures, wait_for};

#[test]
fn from_a_line_to_a_ban_and_back() {
    let world = World::new(JAILS, "");
    world.write(&failures("203.0.113.7", 4));
    world.write(&failures("192.0.2.250", 9));
    wait_for("the lines to be read", || (world.status().lines >= 13).then_some(()));
    assert_eq!(world.bans(), []);
    world.write(&failures("203.0.113.7", 1));
    let ban = world.wait_banned("203.0.113.7");
    assert_eq!((&*ban.jail, ban.nth, ban.reason.as_str()), ("sshd", 1, "5 matches within 600s"));

    let Response::Why(why) = world.ask(&Request::Why { key: "203.0.113.7".parse().unwrap(), limit: 10 })
    else {
        panic!("no answer")
    };
    assert_eq!(why.matches.len(), 5, "the very lines that did it");
    assert!(why.matches[0].line.contains("Failed password for root from 203.0.113.7"));
    assert_eq!(why.decisions.len(), 1);

    let unban = Request::Unban {
        keys: vec!["203.0.113.7".parse().unwrap(), "203.0.113.8".parse().unwrap()],
        all: false,
        jail: None,
        reason: "sorry".to_owned(),
    };
    let Response::Changed { changes } = world.ask(&unban) else { panic!("no answer") };
    assert_eq!(changes.iter().map(|c| c.done).collect::<Vec<_>>(), [true, false]);
    assert_eq!(world.bans(), []);
}

#[test]
fn a_restart_forgets_nothing_and_counts_nothing_twice() {
    let mut world = World::new(JAILS, "");
    world.write(&failures("203.0.113.7", 5));
    world.write(&failures("203.0.113.9", 3));
    let before = world.wait_banned("203.0.113.7");
    wait_for("the lines", || (world.status().matches >= 8).then_some(()));
    world.stop();
    world.write(&failures("203.0.113.9", 1));
    world.start();
    wait_for("the line that was written meanwhile", || (world.status().matches >= 1).then_some(()));
    assert_eq!(world.bans(), [before], "the old ban, and no new one: 3 and 1 are 4");
    world.write(&failures("203.0.113.9", 1));
    world.wait_banned("203.0.113.9");
    assert_eq!(world.status().matches, 2);
}

#[test]
fn repeat_offenders_are_banned_by_recidive_too() {
    let world = World::new(JAILS, "");
    for round in 1..=2 {
        world.write(&failures("203.0.113.7", 5));
        let jail = if round == 1 { "sshd" } else { "recidive" };
        wait_for("a ban", || world.bans().into_iter().find(|ban| &*ban.jail == jail));
        if round == 1 {
            // So that the next five are a new offence and no extension.
            thread::sleep(Duration::from_millis(1100));
            world.ask(&Request::Unban { keys: vec![], all: true, jail: None, reason: String::new() });
        }
    }
    assert_eq!(world.bans().len(), 2);
}

#[test]
fn guards_refuse_and_the_refusal_is_on_record() {
    let world = World::new(JAILS, "[guards]\nprotect = [\"198.51.100.0/24\"]\n");
    world.write(&failures("198.51.100.9", 5));
    wait_for("a refusal", || (world.status().refused == 1).then_some(()));
    assert_eq!(world.bans(), []);
    let Response::Why(why) = world.ask(&Request::Why { key: "198.51.100.9".parse().unwrap(), limit: 10 })
    else {
        panic!("no answer")
    };
    let said = format!("{:?}", why.decisions[0].outcomes);
    assert!(said.contains("protected by configuration: 198.51.100.0/24"), "{said}");
}

#[test]
fn a_reload_takes_the_new_configuration_and_keeps_the_bans_or_changes_nothing() {
    let world = World::new(JAILS, "");
    world.write(&failures("203.0.113.7", 5));
    world.wait_banned("203.0.113.7");
    let local = world.path("etc/jail.local");
    let good = fs::read_to_string(&local).unwrap();
    fs::write(&local, good.replace("maxretry = 5", "maxretry = many")).unwrap();
    let Response::Error { message, .. } = world.ask(&Request::Reload) else { panic!("accepted") };
    assert!(message.contains("maxretry"), "{message}");
    fs::write(&local, good.replace("maxretry = 5", "maxretry = 2")).unwrap();
    assert!(matches!(world.ask(&Request::Reload), Response::Done { .. }));
    wait_for("the new life", || Client::connect(&world.path("stockade.sock")).ok()?.ask(&Request::Ping).ok());
    world.wait_banned("203.0.113.7");
    world.write(&failures("203.0.113.8", 2));
    world.wait_banned("203.0.113.8");
}

#[test]
fn too_many_bans_a_minute_stop_and_say_so() {
    let world = World::new(JAILS, "[guards]\nmax_bans_per_minute = 3\n");
    for n in 1..=6 {
        world.write(&failures(&format!("203.0.113.{n}"), 5));
    }
    wait_for("refusals", || (world.status().refused == 3).then_some(()));
    assert_eq!(world.bans().len(), 3);
    assert!(world.status().warnings.iter().any(|w| w.contains("more than 3 bans within a minute")));
}

#[test]
fn a_service_that_logs_in_another_zone_is_still_protected_against() {
    let world = World::new(JAILS, "");
    let two_hours_ago = |line: String| {
        let (date, rest) = line.split_once(' ').unwrap();
        let time: jiff::Timestamp = date.parse().unwrap();
        let shifted = time - jiff::SignedDuration::from_hours(2);
        format!("{shifted} {rest}")
    };
    // Wait until the file is read, so that what comes now is live.
    wait_for("the file", || (!world.status().sources.is_empty()).then_some(()));
    thread::sleep(Duration::from_millis(300));
    world.write(&failures("203.0.113.7", 5).into_iter().map(two_hours_ago).collect::<Vec<_>>());
    world.wait_banned("203.0.113.7");
    assert!(world.status().warnings.iter().any(|w| w.contains("02:00")), "{:?}", world.status().warnings);
}

#[test]
fn a_regex_that_runs_away_is_stopped_and_named_and_the_daemon_goes_on() {
    let jails = "[DEFAULT]\nignoreself = false\n\n[door]\nenabled = true\nlogpath = {at}/auth.log\nbackend = files\nmaxretry = 1\n\
                 filter =\nfailregex = ^ \\S+ door: knock by (?!(?:a|aa)*b)\\S+ from <HOST>$\n";
    let world = World::new(jails, "");
    let knock = |by: &str| {
        let line = world::failed("x", 1);
        let (date, _) = line.split_once(" host ").unwrap();
        format!("{date} host door: knock by {by} from 203.0.113.9")
    };
    world.write(&[knock(&"a".repeat(300)), knock("eve")]);
    world.wait_banned("203.0.113.9");
    let warnings = world.status().warnings;
    assert!(
        warnings
            .iter()
            .any(|w| w.starts_with("1 lines were passed over by filter") && w.contains("(?!(?:a|aa)*b)")),
        "{warnings:?}"
    );
}

#[test]
fn a_host_name_is_looked_up_where_the_jail_says_so() {
    // The name of this machine that is sure to have an address; the guard does not let it be banned, and says so.
    let jails = "[DEFAULT]\nignoreself = false\n\n[door]\nenabled = true\nlogpath = {at}/auth.log\nbackend = files\nmaxretry = 2\nusedns = yes\n\
                 filter =\nfailregex = ^ \\S+ door: knock from <HOST>$\n";
    let world = World::new(jails, "");
    let knock = |from: &str| {
        world::failed("x", 1).replace(
            "sshd[1]: Failed password for root from x port 4711 ssh2",
            &format!("door: knock from {from}"),
        )
    };
    world.write(&[knock("localhost"), knock("nobody.invalid"), knock("localhost")]);
    wait_for("the matches", || {
        match world.ask(&Request::Why { key: "127.0.0.1".parse().unwrap(), limit: 9 }) {
            Response::Why(why) if why.matches.len() == 2 => Some(()),
            _ => None,
        }
    });
    assert!(
        world.bans().iter().all(|ban| !matches!(ban.key, stockade_core::Key::Name(_))),
        "{:?}",
        world.bans()
    );
}
