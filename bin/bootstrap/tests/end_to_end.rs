//! From the line in a log group to the message in a host's queue, on what the template made: the log group's
//! subscription, the functions as processes, the table and its stream, the topic, queues with filtered subscriptions.
//!
//! Global tables are not emulated: where two regions share one, [`Replication`] carries the items, as they do.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

mod replication;
mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use replication::Replication;
use serde_json::json;
use stockade_aws::wire::Told;
use stockade_testkit::emulator::{Emulator, Heard, Listener, addresses, invoke, object, put_logs, wait};
use support::{Deployed, PATIENCE, as_if_now, failed_logins, seen_at_least, shared};

const SSHD: &str = "sshd/logpai__loghub__OpenSSH_OpenSSH_2k.log";
const SSHD_ORACLE: &str = "oracle/logpai__loghub__OpenSSH_OpenSSH_2k.log.normal.tsv";

/// Long enough for something that should not come to have come.
const QUIET: Duration = Duration::from_secs(3);

/// Who attacks in the real log is announced, whoever does not is not; each host hears of its own jails only.
fn real_log(region: &str, phases: &'static str) {
    let Some(emulator) = Emulator::ministack() else { return };
    let (Some(log), Some(oracle)) = (shared(SSHD), shared(SSHD_ORACLE)) else { return };
    let deployed = Deployed::new(emulator.aws(region), phases, None);
    let aws = &deployed.aws;
    let shell_host = Listener::subscribe(aws, deployed.topic(), &["sshd"], false);
    let mail_host = Listener::subscribe(aws, deployed.topic(), &["dovecot", "postfix"], false);

    let lines: Vec<&str> = log.lines().collect();
    put_logs(aws, &deployed.auth, &as_if_now(&lines));
    let mail = "Dec 10 06:55:46 mx dovecot: imap-login: Disconnected (auth failed, 3 attempts in 9 secs): user=<x>, \
                method=PLAIN, rip=192.0.2.99, lip=192.0.2.1, TLS";
    put_logs(aws, &deployed.syslog, &as_if_now(&[mail; 3]));

    // The shipped jails: three matches within an hour. The log's 2,000 lines are half a second apart.
    let wanted: Vec<String> = seen_at_least(&oracle, &log, 3).into_iter().collect();
    let all_heard = |heard: &[Heard]| addresses(heard, "sshd").len() >= wanted.len();
    let mut heard = shell_host.listen(PATIENCE, all_heard);
    heard.extend(shell_host.listen(QUIET, |_| false));
    assert_eq!(addresses(&heard, "sshd"), wanted, "{}", deployed.logs().join(""));
    assert!(heard.iter().all(|heard| heard.jail == "sshd"), "{heard:?}");
    // A ban that is made longer is announced again, the same ban is not.
    let announced: Vec<_> = heard.iter().flat_map(|heard| &heard.notices).collect();
    let different: BTreeSet<_> =
        announced.iter().map(|notice| format!("{} {:?}", notice.key, notice.told)).collect();
    assert_eq!(announced.len(), different.len(), "announced more than once: {announced:?}");
    assert!(
        announced.iter().all(|notice| matches!(notice.told, Told::Ban { until: Some(_) })),
        "{announced:?}"
    );

    let heard = mail_host.listen(PATIENCE, |heard| !heard.is_empty());
    assert_eq!(addresses(&heard, "dovecot"), ["192.0.2.99"], "{heard:?}");
    assert!(heard.iter().all(|heard| heard.jail == "dovecot"), "{heard:?}");
}

#[test]
fn a_real_log_becomes_bans_in_one_phase() {
    real_log("eu-central-1", "OnePhase");
}

#[test]
fn a_real_log_becomes_bans_in_two_phases() {
    real_log("eu-central-1", "TwoPhase");
}

/// Two matches in one region and one in another are three in both.
#[test]
fn regions_count_together() {
    let Some(emulator) = Emulator::ministack() else { return };
    let regions = ["eu-west-1", "us-east-1"];
    let deployed = regions.map(|region| Deployed::new(emulator.aws(region), "TwoPhase", None));
    let _global = Replication::start(&deployed);
    let hosts = deployed
        .each_ref()
        .map(|deployed| Listener::subscribe(&deployed.aws, deployed.topic(), &["sshd"], false));

    let attacker = "198.51.100.7";
    put_logs(&deployed[0].aws, &deployed[0].auth, &failed_logins(&[attacker, attacker, "203.0.113.9"]));
    for host in &hosts {
        assert_eq!(host.listen(QUIET, |heard| !heard.is_empty()), [], "two are not three");
    }
    put_logs(&deployed[1].aws, &deployed[1].auth, &failed_logins(&[attacker, "203.0.113.9"]));
    for (host, region) in hosts.iter().zip(regions) {
        let heard = host.listen(PATIENCE, |heard| !heard.is_empty());
        assert_eq!(addresses(&heard, "sshd"), [attacker], "{region}: {heard:?}");
    }
}

/// A ban ends: hosts that asked for it hear so, and the snapshot does not have it any more.
#[test]
fn bans_end_and_the_snapshot_holds_those_that_live() {
    let Some(emulator) = Emulator::ministack() else { return };
    let jails = "[DEFAULT]\nmaxretry = 3\nfindtime = 1h\nbantime = 8s\n[sshd]\nenabled = true\n[recidive]\nenabled = false\n";
    let deployed = Deployed::new(emulator.aws("eu-central-1"), "OnePhase", Some(jails));
    let aws = &deployed.aws;
    let ours = Listener::subscribe(aws, deployed.topic(), &["sshd"], true);
    let theirs = Listener::subscribe(aws, deployed.topic(), &["sshd"], false);
    put_logs(aws, &deployed.auth, &failed_logins(&["198.51.100.7"; 3]));
    let heard = ours.listen(PATIENCE, |heard| !heard.is_empty());
    assert_eq!(addresses(&heard, "sshd"), ["198.51.100.7"]);

    let expire = || invoke(aws, deployed.stack.output("ExpireFunction"), &json!({}));
    let snapshot = || object(aws, deployed.stack.output("Snapshot")).unwrap_or_default();
    expire();
    let live = snapshot();
    assert!(!live.is_empty());
    let unban = wait("the end of the ban", PATIENCE, || {
        expire();
        let heard = ours.listen(Duration::from_secs(2), |heard| !heard.is_empty());
        (!heard.is_empty()).then_some(heard)
    });
    assert_eq!(addresses(&unban, "unban:sshd"), ["198.51.100.7"], "{unban:?}");
    expire();
    assert_ne!(snapshot(), live);
    let old_client = theirs.listen(QUIET, |_| false);
    assert!(old_client.iter().all(|heard| heard.jail == "sshd"), "{old_client:?}");
}

/// What cannot be read harms nobody: neither the function nor the good lines beside it.
#[test]
fn payloads_that_are_none_are_counted_and_forgotten() {
    let Some(emulator) = Emulator::ministack() else { return };
    let deployed = Deployed::new(emulator.aws("eu-central-1"), "OnePhase", None);
    let aws = &deployed.aws;
    let function = deployed.stack.output("FirstFunction").to_owned();
    for data in ["", "not base64!", "bm90IGd6aXA=", "H4sIAAAAAAAAA8vPBgBHMt1BAgAAAA=="] {
        invoke(aws, &function, &json!({ "awslogs": { "data": data } }));
    }
    let host = Listener::subscribe(aws, deployed.topic(), &["sshd"], false);
    put_logs(aws, &deployed.auth, &failed_logins(&["203.0.113.7"; 3]));
    let heard = host.listen(PATIENCE, |heard| !heard.is_empty());
    assert_eq!(addresses(&heard, "sshd"), ["203.0.113.7"]);
}
