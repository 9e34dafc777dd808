//! A host with fail2ban's own directory: stock jails and actions, the kernel as judge.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod support;

use std::fs;
use std::path::Path;

use support::namespace::Namespace;
use support::{Site, wait_for};

/// The jail `sshd` has fail2ban's own options but for the filter, whose language is another test's affair.
const JAILS: &str = "[DEFAULT]\nusedns = no\nmaxretry = 2\n\
    [sshd]\nenabled = true\nfilter = door\nbackend = auto\nlogpath = {at}/auth.log\n\
    [postfix]\nenabled = true\nfilter = door\nbackend = auto\nlogpath = {at}/auth.log\nbanaction = route\n\
    action = %(banaction)s[blocktype=prohibit]\n\
    [recidive]\nenabled = true\nmaxretry = 9\n";

#[test]
#[ignore = "not a test: the process that the others start"]
fn daemon_process() {
    support::be_the_daemon();
}

#[test]
fn stock_jails_ban_by_the_responder_for_the_firewall_and_by_their_own_commands() {
    let Some(host) = Namespace::new() else { return };
    let site = Site::new(JAILS, "");
    let jails = fs::read_to_string(site.path("etc/jail.local")).unwrap();
    if !copy(Path::new("/etc/fail2ban"), &site.path("etc")) {
        eprintln!("skipped: fail2ban is not installed");
        return;
    }
    fs::write(site.path("etc/jail.local"), jails).unwrap();
    fs::write(site.path("etc/filter.d/door.conf"), "[Definition]\nfailregex = ^\\s*knock of <HOST>$\n")
        .unwrap();
    let daemon = site.start(Some(&host));
    let now = jiff::Zoned::now().strftime("%F %T").to_string();
    for address in ["203.0.113.5", "2001:db8::7"] {
        site.write(&format!("{now} knock of {address}\n").repeat(2));
    }
    let rules = || host.program("nft", &["list", "ruleset"], "");
    let routes = || host.program("ip", &["route", "show", "table", "all"], "");
    wait_for("the firewall", || {
        (rules().contains("203.0.113.5") && rules().contains("2001:db8::7")).then_some(())
    });
    wait_for("the route", || routes().contains("prohibit 203.0.113.5").then_some(()));
    site.unban("203.0.113.5");
    wait_for("the unban", || {
        (!rules().contains("203.0.113.5") && !routes().contains("203.0.113.5")).then_some(())
    });
    site.stop(daemon, false);
    assert!(rules().contains("2001:db8::7"), "our own bans outlive the daemon");
}

fn copy(from: &Path, to: &Path) -> bool {
    let Ok(entries) = fs::read_dir(from) else { return false };
    for entry in entries.map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
    true
}
