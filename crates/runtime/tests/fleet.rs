//! Hosts that share one PostgreSQL database: they count together, ban together and lift together, whoever dies.

#![cfg(feature = "postgres")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use stockade_core::Key;
use stockade_runtime::control::{Request, Response};
use stockade_testkit::postgres::{self, Database, Server, Stop};
use support::{Site, failures, wait_for};

const JAILS: &str = "[sshd]\nenabled = true\nlogpath = {at}/auth.log\nbackend = files\nmaxretry = 5\n\
                     findtime = 1d\nbantime = 1w\n";
/// How many addresses attack both hosts.
const ATTACKERS: u32 = 120;

#[test]
#[ignore = "not a test: the process that the others start"]
fn daemon_process() {
    support::be_the_daemon();
}

/// A host: its name, and a responder that writes down what it does.
fn host(name: &str, database: &Database, jails: &str, more: &str) -> Site {
    let note = "#!/bin/sh\necho \"$STOCKADE_ACTION $STOCKADE_KEY\" >> {at}/noted\n";
    let program = format!(
        "store = \"{}\"\nhost = \"{name}\"\n{more}\n[guards]\nmax_bans_per_minute = 1000000\n\
         [responders.note]\nkind = \"command\"\nargv = [\"/bin/sh\", \"{{at}}/note\"]\n",
        database.url()
    );
    let site = Site::new(jails, &program);
    fs::write(site.path("note"), note.replace("{at}", &site.path("").display().to_string())).unwrap();
    fs::write(site.path("noted"), "").unwrap();
    site
}

/// What the responder of a host did last to each address: which are in force there.
fn in_force(site: &Site) -> BTreeSet<String> {
    let mut set = BTreeSet::new();
    for line in fs::read_to_string(site.path("noted")).unwrap().lines() {
        match line.split_once(' ') {
            Some(("ban", key)) => set.insert(key.to_owned()),
            Some((_, key)) => set.remove(key),
            None => false,
        };
    }
    set
}

fn wait_in_force(site: &Site, address: &str, there: bool) {
    let what = format!("{address} {}", if there { "in force" } else { "lifted" });
    wait_for(&what, || (in_force(site).contains(address) == there).then_some(()));
}

#[test]
fn two_hosts_count_together_and_a_third_learns_it() {
    let Some(database) = postgres::database() else { return };
    let (one, other) = (host("web01", &database, JAILS, ""), host("web02", &database, JAILS, ""));
    let (first, second) = (one.start(None), other.start(None));
    one.write(&failures("203.0.113.7", 3));
    one.write(&failures("203.0.113.8", 2));
    wait_for("the matches of one", || (one.status().matches >= 5).then_some(()));
    // Not enough together.
    other.write(&failures("203.0.113.8", 2));
    other.write(&failures("203.0.113.7", 2));
    for site in [&one, &other] {
        wait_in_force(site, "203.0.113.7", true);
        assert_eq!(in_force(site).len(), 1);
    }
    assert_eq!(database.sql("SELECT key, times, live FROM stockade.bans"), "203.0.113.7|1|t");
    let why = other.why("203.0.113.7");
    assert_eq!(why.matches.len(), 5, "the lines of both hosts");
    assert!(why.matches.iter().any(|found| found.stream.starts_with("web01:/")), "{:?}", why.matches);
    // One that comes now knows it from the start.
    let third = host("web03", &database, JAILS, "");
    let late = third.start(None);
    assert_eq!(third.bans().len(), 1);
    // A person lifts it on the one that has nothing to do with it.
    third.unban("203.0.113.7");
    wait_in_force(&one, "203.0.113.7", false);
    wait_in_force(&other, "203.0.113.7", false);
    // And it begins at nothing on all of them. Log lines know seconds: what is of the second in which the ban began was
    // answered by it.
    std::thread::sleep(Duration::from_secs(1));
    one.write(&failures("203.0.113.7", 2));
    other.write(&failures("203.0.113.7", 2));
    wait_for("the matches", || (one.status().matches + other.status().matches >= 13).then_some(()));
    third.ban("198.51.100.9");
    wait_in_force(&one, "198.51.100.9", true);
    assert!(!in_force(&one).contains("203.0.113.7") && !in_force(&other).contains("203.0.113.7"));
    one.write(&failures("203.0.113.7", 1));
    wait_in_force(&other, "203.0.113.7", true);
    assert_eq!(database.sql("SELECT times FROM stockade.bans WHERE key = '203.0.113.7'"), "2");
    for (site, daemon) in [(&one, first), (&other, second), (&third, late)] {
        site.stop(daemon, false);
    }
}

#[test]
fn what_one_host_must_not_ban_the_others_ban() {
    let Some(database) = postgres::database() else { return };
    let guarded = "ignoreip = 203.0.113.7\n";
    let (one, other) =
        (host("web01", &database, JAILS, ""), host("web02", &database, &format!("{JAILS}{guarded}"), ""));
    let protected = "203.0.113.8";
    let third = host("web03", &database, JAILS, "");
    let toml = fs::read_to_string(third.path("etc/stockade.toml")).unwrap();
    let toml = toml.replace("[guards]\n", &format!("[guards]\nprotect = [\"{protected}\"]\n"));
    fs::write(third.path("etc/stockade.toml"), toml).unwrap();
    let daemons = [one.start(None), other.start(None), third.start(None)];
    one.write(&failures("203.0.113.7", 5));
    one.write(&failures(protected, 5));
    one.write(&failures("203.0.113.9", 5));
    for site in [&one, &other, &third] {
        wait_in_force(site, "203.0.113.9", true);
    }
    wait_in_force(&one, "203.0.113.7", true);
    wait_in_force(&third, "203.0.113.7", true);
    wait_in_force(&other, protected, true);
    assert!(!in_force(&other).contains("203.0.113.7") && !in_force(&third).contains(protected));
    assert_eq!(database.sql("SELECT count(*) FROM stockade.bans WHERE live"), "3");
    // Nor after it is attacked by them itself, nor after a restart.
    third.write(&failures(protected, 9));
    wait_for("the matches", || (third.status().matches >= 9).then_some(()));
    let [_one, _other, last] = daemons;
    third.stop(last, false);
    let _last = third.start(None);
    assert!(!in_force(&third).contains(protected));
    assert_eq!(database.sql("SELECT count(*) FROM stockade.bans WHERE live"), "3");
    assert!(in_force(&one).contains(protected));
}

/// Writes the attack: each address fails `of_one` times on one host and `of_other` times on the other.
fn attack(n: u32) -> (String, u32, u32) {
    let address = format!("198.18.{}.{}", n / 250, n % 250 + 1);
    // Together 4 (too few) or 5 (enough).
    (address, n % 5, if n.is_multiple_of(2) { 5 } else { 4 } - n % 5)
}

fn banned() -> BTreeSet<String> {
    (0..ATTACKERS)
        .map(attack)
        .filter(|(_, one, other)| one + other >= 5)
        .map(|(address, ..)| address)
        .collect()
}

fn all_is_right(database: &Database, sites: [&Site; 2]) {
    let wanted = banned();
    let matched: u32 = (0..ATTACKERS).map(|n| if n % 2 == 0 { 5 } else { 4 }).sum();
    wait_for("all matches", || {
        (database.sql("SELECT count(*) FROM stockade.matches") == matched.to_string()).then_some(())
    });
    for site in sites {
        let begun = Instant::now();
        while in_force(site) != wanted {
            let there = in_force(site);
            let (lost, more): (Vec<_>, Vec<_>) =
                (wanted.difference(&there).collect(), there.difference(&wanted).collect());
            assert!(begun.elapsed() < support::PATIENCE, "lost: {lost:?}, more: {more:?}\n{}", site.said());
            std::thread::sleep(Duration::from_millis(20));
        }
        let live: BTreeSet<String> = site.bans().iter().map(|ban| ban.key.to_string()).collect();
        assert_eq!(live, wanted);
    }
    let rows = database.sql("SELECT key FROM stockade.bans WHERE live AND times = 1");
    assert_eq!(rows.lines().map(str::to_owned).collect::<BTreeSet<_>>(), wanted);
    assert_eq!(database.sql("SELECT count(*) FROM stockade.bans"), wanted.len().to_string());
    assert_eq!(database.sql("SELECT sum(matches) FROM stockade.totals"), matched.to_string());
    assert_eq!(database.sql("SELECT bans FROM stockade.totals"), wanted.len().to_string());
}

#[test]
fn one_is_killed_again_and_again_and_nothing_is_lost_or_counted_twice() {
    let Some(database) = postgres::database() else { return };
    let (one, other) = (host("web01", &database, JAILS, ""), host("web02", &database, JAILS, ""));
    let _first = one.start(None);
    let mut second = Some(other.start(None));
    for n in 0..ATTACKERS {
        let (address, of_one, of_other) = attack(n);
        other.write(&failures(&address, of_other));
        one.write(&failures(&address, of_one));
        if n % 12 == 5 {
            std::thread::sleep(Duration::from_millis(u64::from(n) * 37 % 60));
            second.take().unwrap().kill();
            second = Some(other.spawn(None));
        }
    }
    let _second = other.ready(second.take().unwrap());
    all_is_right(&database, [&one, &other]);
}

#[test]
fn the_server_is_restarted_and_hangs_and_no_match_is_lost() {
    let Some(mut server) = Server::start(&[]) else { return };
    let database = server.database();
    let (one, other) = (host("web01", &database, JAILS, ""), host("web02", &database, JAILS, ""));
    let (_first, _second) = (one.start(None), other.start(None));
    for n in 0..ATTACKERS {
        let (address, of_one, of_other) = attack(n);
        one.write(&failures(&address, of_one));
        other.write(&failures(&address, of_other));
        match n {
            30 => {
                server.stop(Stop::Immediate);
                // Bans go on from memory.
                one.write(&failures("203.0.113.99", 5));
                let begun = Instant::now();
                wait_in_force(&one, "203.0.113.99", true);
                assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
                // A reload begins with what is stored: it is refused, and the daemon lives.
                assert!(matches!(one.ask(&Request::Reload), Response::Error { .. }));
                server.go();
                one.unban("203.0.113.99");
            }
            60 => {
                server.stop(Stop::Fast);
                std::thread::sleep(Duration::from_secs(1));
                server.go();
            }
            90 => {
                server.freeze(true);
                std::thread::sleep(Duration::from_secs(2));
                server.freeze(false);
            }
            _ => {}
        }
    }
    wait_for("the matches", || {
        let extra = database.sql("SELECT count(*) FROM stockade.matches WHERE key = '203.0.113.99'");
        (extra == "5").then_some(())
    });
    wait_in_force(&one, "203.0.113.99", false);
    wait_in_force(&other, "203.0.113.99", false);
    database.sql("DELETE FROM stockade.matches WHERE key = '203.0.113.99'");
    database.sql("DELETE FROM stockade.bans WHERE key = '203.0.113.99'");
    database.sql("UPDATE stockade.totals SET matches = matches - 5, bans = bans - 1");
    all_is_right(&database, [&one, &other]);
}

#[test]
fn a_host_that_was_off_is_protected_at_once() {
    let Some(database) = postgres::database() else { return };
    let (one, other) = (host("web01", &database, JAILS, ""), host("web02", &database, JAILS, ""));
    let _first = one.start(None);
    let second = other.start(None);
    other.stop(second, false);
    one.ban("203.0.113.7");
    one.write(&failures("203.0.113.8", 4));
    wait_for("the matches", || (one.status().matches >= 4).then_some(()));
    let _second = other.start(None);
    let keys: Vec<Key> = other.bans().into_iter().map(|ban| ban.key).collect();
    assert_eq!(keys, ["203.0.113.7".parse().unwrap()]);
    // And it counts what it missed.
    other.write(&failures("203.0.113.8", 1));
    wait_in_force(&other, "203.0.113.8", true);
}
