//! From a line in a log to a dropped packet and back: clients, a host with the daemon, real connections between them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

#[path = "packets/net.rs"]
mod net;
mod support;

use std::time::{Duration, Instant};

use net::{ATTACKER, ATTACKER6, INNOCENT, INNOCENT6, NEIGHBOUR, NEIGHBOUR6, Net};
use support::{Site, failures, wait_for};

const JAILS: &str = "[sshd]\nenabled = true\nlogpath = {at}/auth.log\nbackend = files\nmaxretry = 5\n\
                     findtime = 10m\nbantime = 10m\n";

/// How long a ban may be out of force after somebody else took it out. It takes some milliseconds; on the timer it
/// would take a minute.
const HEALED_WITHIN: Duration = Duration::from_secs(1);

#[test]
#[ignore = "not a test: the process that the others start"]
fn daemon_process() {
    support::be_the_daemon();
}

#[test]
fn the_next_connection_after_the_line_is_dropped_until_the_unban() {
    let Some(net) = Net::new() else { return };
    let site = Site::new(JAILS, "");
    let daemon = site.start(Some(&net.victim));
    for (attacker, neighbour, innocent) in
        [(ATTACKER, NEIGHBOUR, INNOCENT), (ATTACKER6, NEIGHBOUR6, INNOCENT6)]
    {
        let before = site.status().matches;
        site.write(&failures(attacker, 4));
        wait_for("four lines", || (site.status().matches == before + 4).then_some(()));
        assert!(net.attacker_connects(attacker), "four are not enough");

        site.write(&failures(attacker, 1));
        wait_for("the drop", || net.attacker_is_dropped(attacker).then_some(()));
        assert!(net.attacker_connects(neighbour), "another address of the same host");
        assert!(net.innocent_connects(innocent));

        site.unban(attacker);
        assert!(net.attacker_connects(attacker), "unbanned");
        assert!(net.innocent_connects(innocent));
    }
    site.stop(daemon, true);
}

#[test]
fn a_network_is_dropped_as_a_whole_and_nobody_else() {
    let Some(net) = Net::new() else { return };
    let site = Site::new(JAILS, "");
    let daemon = site.start(Some(&net.victim));
    for (network, inside, innocent) in [
        ("203.0.113.0/24", [ATTACKER, NEIGHBOUR], INNOCENT),
        ("2001:db8:bad::/64", [ATTACKER6, NEIGHBOUR6], INNOCENT6),
    ] {
        site.ban(network);
        for address in inside {
            // The command answers when the ban is stored and on its way.
            wait_for("the drop", || net.attacker_is_dropped(address).then_some(()));
        }
        assert!(net.innocent_connects(innocent), "{innocent} not in {network}");
        site.unban(network);
        for address in inside {
            assert!(net.attacker_connects(address), "{address} after {network} was unbanned");
        }
    }
    site.stop(daemon, true);
}

#[test]
fn who_flushes_the_ruleset_lets_nobody_in() {
    let Some(net) = Net::new() else { return };
    let site = Site::new(JAILS, "");
    let daemon = site.start(Some(&net.victim));
    site.write(&failures(ATTACKER, 5));
    site.write(&failures(ATTACKER6, 5));
    wait_for("the drop", || net.attacker_is_dropped(ATTACKER).then_some(()));
    wait_for("the drop", || net.attacker_is_dropped(ATTACKER6).then_some(()));
    for by_others in [
        "flush ruleset",
        "delete table inet stockade",
        "flush set inet stockade addr4-sshd",
        "delete element inet stockade addr4-sshd { 203.0.113.7 }",
        "flush chain inet stockade prerouting",
    ] {
        net.victim.nft(by_others);
        let flushed = Instant::now();
        wait_for("the ban to come back", || net.attacker_is_dropped(ATTACKER).then_some(()));
        // The look itself takes as long as it takes to see that nothing comes.
        let healed = flushed.elapsed().saturating_sub(net::SILENCE);
        eprintln!("`{by_others}`: back after less than {healed:.0?}");
        assert!(healed < HEALED_WITHIN, "`{by_others}`: {healed:?}");
        assert!(net.attacker_is_dropped(ATTACKER6), "`{by_others}`");
        assert!(net.innocent_connects(INNOCENT) && net.attacker_connects(NEIGHBOUR), "`{by_others}`");
    }
    site.stop(daemon, true);
}

#[test]
fn a_ban_outlives_the_daemon_unless_it_is_flushed() {
    let Some(net) = Net::new() else { return };
    let site = Site::new(JAILS, "");
    let daemon = site.start(Some(&net.victim));
    site.write(&failures(ATTACKER, 5));
    site.ban("203.0.113.96/27");
    wait_for("the drop", || net.attacker_is_dropped(ATTACKER).then_some(()));
    wait_for("the drop", || net.attacker_is_dropped(NEIGHBOUR).then_some(()));
    let out = |when: &str| {
        assert!(net.attacker_is_dropped(ATTACKER), "{when}");
        assert!(net.attacker_is_dropped(NEIGHBOUR), "{when}");
        assert!(net.innocent_connects(INNOCENT), "{when}");
    };

    site.stop(daemon, false);
    out("stopped");
    let daemon = site.start(Some(&net.victim));
    out("started again");
    daemon.kill();
    out("killed");
    let daemon = site.start(Some(&net.victim));
    out("started once more");
    // The firewall was emptied while nobody watched.
    site.stop(daemon, false);
    net.victim.nft("flush ruleset");
    assert!(net.attacker_connects(ATTACKER));
    let daemon = site.start(Some(&net.victim));
    wait_for("the ban from the store", || net.attacker_is_dropped(ATTACKER).then_some(()));
    out("restored");

    site.stop(daemon, true);
    assert!(net.attacker_connects(ATTACKER) && net.attacker_connects(NEIGHBOUR));
    assert_eq!(net.victim.nft_list("tables"), "", "nothing is left behind");
}
