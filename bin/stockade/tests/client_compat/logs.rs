//! The log in fail2ban's format, beside fail2ban's own, and read by Debian's `recidive` filter.

use std::fs;
use std::process::Command;

use super::busy;
use super::pair::{Pair, Who, lines_of};

/// What a log says about jails, sorted: what one of the two does in one go the other does in another order.
fn said(pair: &Pair, who: Who) -> Vec<String> {
    let mut lines = lines_of(&pair.path(if who == Who::Fail2ban { "f2b.log" } else { "ours.log" }));
    let about = ["Found", "Ban", "Unban", "already banned", "Ignore", "Attempt"];
    lines.retain(|line| line.contains(": ") && about.iter().any(|what| line.contains(what)));
    lines.retain(|line| line.contains(" [door] ") || line.contains(" [grow] "));
    lines.sort();
    lines
}

/// Waits until both logs have a line with this in it.
#[track_caller]
fn both_say(pair: &Pair, wanted: &str) {
    let began = std::time::Instant::now();
    for who in [Who::Fail2ban, Who::Stockade] {
        while !said(pair, who).iter().any(|line| line.contains(wanted)) {
            assert!(began.elapsed().as_secs() < 30, "waited for `{wanted}`: {who:?} {:#?}", said(pair, who));
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}

#[test]
fn the_two_logs_say_the_same() {
    let Some(pair) = busy() else { return };
    // Somebody who is banned goes on.
    std::thread::sleep(std::time::Duration::from_millis(3100));
    pair.log("door.log", &["door: knock from 192.0.2.7"; 3]);
    both_say(&pair, "192.0.2.7 already banned");
    pair.same(&["unban", "192.0.2.7", "192.0.2.9"]);
    both_say(&pair, "Unban 192.0.2.7");
    pair.same(&["set", "door", "attempt", "192.0.2.33"]);
    // The second ban of somebody is longer, and comes sooner.
    pair.same(&["set", "grow", "bantime", "2"]);
    pair.log("grow.log", &["grow: knock from 192.0.2.19"; 5]);
    both_say(&pair, "Unban 192.0.2.19");
    pair.log("grow.log", &["grow: knock from 192.0.2.19"; 3]);
    both_say(&pair, "Increase Ban 192.0.2.19");
    both_say(&pair, "192.0.2.19, bad - DATE, 1 # -> 2.0");
    let (ours, theirs) = (said(&pair, Who::Stockade), said(&pair, Who::Fail2ban));
    assert_eq!(ours, theirs);
}

#[test]
fn debians_recidive_filter_reads_our_log() {
    let Some(pair) = busy() else { return };
    pair.same(&["unban", "--all"]);
    let filter = "/etc/fail2ban/filter.d/recidive.conf";
    if !fs::exists(filter).unwrap() {
        eprintln!("skipped: no {filter}");
        return;
    }
    let log = pair.path("ours.log");
    let output =
        Command::new("fail2ban-regex").arg(&log).arg("recidive[_jailname=recidive]").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains(" 3 matched, "), "{told}");
    let ours = pair.path("bin/fail2ban-regex");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_stockade"), &ours).unwrap();
    let output = Command::new(ours)
        .args(["-c", "/etc/fail2ban"])
        .arg(&log)
        .arg("recidive[_jailname=recidive]")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains(" 3 matched, "), "{told}");
}
