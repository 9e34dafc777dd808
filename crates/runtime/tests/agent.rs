//! The agent of a host against an emulator of AWS and the real kernel.

#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::exit,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

#[path = "agent/bad.rs"]
mod bad;
#[path = "agent/cloud.rs"]
mod cloud;
#[path = "agent/door.rs"]
mod door;
#[path = "agent/fail2ban.rs"]
mod fail2ban;
#[path = "agent/faults.rs"]
mod faults;
#[path = "packets/net.rs"]
mod net;
#[path = "agent/old.rs"]
mod old;
#[path = "agent/queue.rs"]
mod queue;
#[path = "../../respond/tests/support/fail2ban.rs"]
mod server;
#[path = "agent/snapshots.rs"]
mod snapshots;
mod support;

use std::path::PathBuf;

use cloud::{Cloud, ban, now};
use door::Door;
use net::{ATTACKER, ATTACKER6, INNOCENT, NEIGHBOUR, Net};
use stockade_aws::wire::Notice;
use stockade_config::Paths;
use stockade_core::{Outcome, Verdict};
use stockade_runtime::agent::{self, AgentOptions};
use stockade_runtime::daemon::RunOptions;
use support::{Site, wait_for};

const SSHD: &str = "[sshd]\nenabled = true\nbackend = files\nlogpath = {at}/auth.log\nbantime = 10m\n";
const DOVECOT: &str =
    "[sshd]\nenabled = false\n[dovecot]\nenabled = true\nbackend = files\nlogpath = {at}/auth.log\n";
const DRY: &str = "[responders.dry]\nkind = \"dry-run\"\n";

#[test]
#[ignore = "not a test: the process that the others start"]
fn daemon_process() {
    let folder =
        std::env::var_os("STOCKADE_TEST_DAEMON_FOLDER").map(PathBuf::from).expect("others start this");
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(9);
    });
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let paths = Paths { directory: Some(folder.join("etc")), ..Paths::default() };
    let load = || stockade_config::load(&paths, &|_| None);
    let options = AgentOptions { once: folder.join("once").exists() };
    let ended = agent::run(&load, &options, &RunOptions::default());
    if let Err(error) = &ended {
        eprintln!("error: {error:?}");
    }
    std::process::exit(i32::from(ended.is_err()));
}

/// Waits for a ban whose message may have been handed to a poll of an agent that is gone: it comes again when it is no
/// longer hidden.
fn wait_banned_late(site: &Site, key: &str) {
    let began = std::time::Instant::now();
    while !site.bans().iter().any(|ban| ban.key.to_string() == key) {
        assert!(began.elapsed().as_secs() < 90, "waited in vain for the ban of {key}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// Shows what the agent said if a test fails.
struct Telling<'a>(&'a Site);

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the agent said:\n{}", self.0.said());
        }
    }
}

#[test]
fn a_message_drops_the_attackers_packets_and_an_unban_lets_them_in() {
    let Some(cloud) = Cloud::new("packets") else { return };
    let Some(net) = Net::new() else { return };
    let _door = Door::new(Some(&net.victim), cloud.address().port(), cloud.address());
    let site = Site::new(SSHD, &cloud.settings("web", ""));
    let _telling = Telling(&site);
    let daemon = site.start(Some(&net.victim));
    assert!(net.attacker_connects(ATTACKER) && net.attacker_connects(ATTACKER6));

    cloud.publish(&[ban("sshd", ATTACKER, 1), ban("sshd", ATTACKER6, 1)]);
    wait_for("the drop", || net.attacker_is_dropped(ATTACKER).then_some(()));
    wait_for("the drop", || net.attacker_is_dropped(ATTACKER6).then_some(()));
    assert!(net.attacker_connects(NEIGHBOUR) && net.innocent_connects(INNOCENT));
    cloud.wait_empty(&cloud.queue_name("web"));

    let unban =
        |key: &str| Notice { version: Some(2), ..Notice::unban("sshd".into(), key.parse().unwrap(), now()) };
    cloud.publish(&[unban(ATTACKER), unban(ATTACKER6)]);
    wait_for("the unban", || (site.status().live_bans == 0).then_some(()));
    assert!(net.attacker_connects(ATTACKER) && net.attacker_connects(ATTACKER6));

    cloud.publish(&[ban("sshd", "203.0.113.0/24", 1)]);
    wait_for("the drop", || net.attacker_is_dropped(NEIGHBOUR).then_some(()));
    assert!(net.attacker_is_dropped(ATTACKER) && net.innocent_connects(INNOCENT));

    // Bans outlive the process, and the next one does nothing twice.
    site.stop(daemon, false);
    assert!(net.attacker_is_dropped(ATTACKER));
    let daemon = site.start(Some(&net.victim));
    assert!(net.attacker_is_dropped(ATTACKER));
    assert_eq!(site.bans().len(), 1);
    cloud.wait_empty(&cloud.queue_name("web"));
    site.stop(daemon, true);
    assert!(net.attacker_connects(ATTACKER));
}

#[test]
fn two_agents_with_different_jails_get_only_theirs() {
    let Some(cloud) = Cloud::new("jails") else { return };
    let (ssh, mail) =
        (Site::new(SSHD, &cloud.settings("ssh", DRY)), Site::new(DOVECOT, &cloud.settings("mail", DRY)));
    let daemons = [ssh.start(None), mail.start(None)];
    cloud.publish(&[
        ban("sshd", "203.0.113.1", 1),
        ban("dovecot", "203.0.113.2", 1),
        ban("postfix", "203.0.113.3", 1),
    ]);
    ssh.wait_banned("203.0.113.1");
    mail.wait_banned("203.0.113.2");
    for (host, site) in [("ssh", &ssh), ("mail", &mail)] {
        cloud.wait_empty(&cloud.queue_name(host));
        assert_eq!(cloud.depth(&format!("{}-dead", cloud.queue_name(host))), (0, 0), "{host}");
        assert_eq!(site.bans().len(), 1, "{host}");
    }
    drop(daemons);
}

#[test]
fn a_ban_is_applied_once_however_often_it_comes() {
    let Some(cloud) = Cloud::new("once") else { return };
    let site = Site::new(SSHD, &cloud.settings("web", DRY));
    let _telling = Telling(&site);
    let daemon = site.start(None);
    let first = ban("sshd", "203.0.113.1", 3);
    cloud.publish(std::slice::from_ref(&first));
    site.wait_banned("203.0.113.1");
    // Again; older news; the same without a version, as an old sender would repeat it.
    cloud.publish(std::slice::from_ref(&first));
    cloud.publish(&[Notice { version: Some(2), ..Notice::unban("sshd".into(), first.key.clone(), now()) }]);
    // An unban that comes before its ban.
    let late = ban("sshd", "203.0.113.2", 1);
    cloud.publish(&[Notice { version: Some(2), ..Notice::unban("sshd".into(), late.key.clone(), now()) }]);
    wait_for("all to be heard", || (site.status().lines >= 4).then_some(()));
    cloud.publish(&[late]);
    wait_for("all to be heard", || (site.status().lines >= 5).then_some(()));
    cloud.wait_empty(&cloud.queue_name("web"));
    assert_eq!(site.bans().iter().map(|ban| ban.key.to_string()).collect::<Vec<_>>(), ["203.0.113.1"]);
    let decisions = site.why("203.0.113.1").decisions;
    assert_eq!(decisions.len(), 1, "{decisions:#?}");
    assert!(matches!(decisions[0].decision.verdict, Verdict::Ban { extends: false, .. }));
    assert!(decisions[0].outcomes.iter().all(|(_, outcome)| *outcome == Some(Outcome::Done)));
    assert!(site.why("203.0.113.2").decisions.is_empty());
    // What is lifted here stays lifted, and a newer ban is one again.
    site.unban("203.0.113.1");
    cloud.publish(std::slice::from_ref(&first));
    wait_for("it to be heard", || (site.status().lines >= 6).then_some(()));
    assert!(site.bans().is_empty());
    cloud.publish(&[ban("sshd", "203.0.113.1", 4)]);
    site.wait_banned("203.0.113.1");
    drop(daemon);
}
