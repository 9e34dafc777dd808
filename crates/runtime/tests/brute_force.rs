//! From a finding of GuardDuty's, and from failed sign-ins to the console, to dropped packets: EventBridge and a queue in
//! moto, the daemon's own process, the real kernel.

#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

#[allow(dead_code, reason = "others shut it")]
#[path = "agent/door.rs"]
mod door;
#[path = "packets/net.rs"]
mod net;
mod support;

use door::Door;
use net::{ATTACKER, ATTACKER6, INNOCENT, INNOCENT6, NEIGHBOUR, NEIGHBOUR6, Net};
use serde_json::{Value, json};
use stockade_testkit::moto::Account;
use support::{Daemon, Site, wait_for};

const REGION: &str = "eu-central-1";
const NO_LOGS: &str = "[sshd]\nenabled = false\n[recidive]\nenabled = false\n";
/// The host's own.
const VICTIM: &str = "192.0.2.1";
/// Where its people are.
const OFFICE: &str = "192.0.2.77";

#[test]
#[ignore = "not a test: the process that the others start"]
fn daemon_process() {
    support::be_the_daemon();
}

/// A host with a daemon that hears of an account of moto's.
struct Host {
    account: Account,
    net: Net,
    site: Site,
    queue: String,
    daemon: Option<Daemon>,
    _door: Door,
}

impl Host {
    /// None, after a line that says so, where there is no moto or no namespace.
    fn new() -> Option<Self> {
        let (account, net) = (Account::new(REGION)?, Net::new()?);
        let address =
            account.endpoint().strip_prefix("http://").unwrap().parse::<std::net::SocketAddr>().unwrap();
        let door = Door::new(Some(&net.victim), address.port(), address);
        let queue = account.queue("stockade-events");
        let pattern = json!({"source": ["aws.guardduty", "aws.signin"]}).to_string();
        account.feed(&queue, "stockade-watch-events-1", &pattern);
        let settings = format!(
            "[events]\nqueue = \"stockade-events\"\n[aws]\nregion = \"{REGION}\"\nendpoint = \"{}\"\n\
             [guards]\nprotect = [\"{OFFICE}\"]\n",
            account.endpoint()
        );
        let site = Site::new(NO_LOGS, &settings);
        let keys = account.env().into_iter().map(|(name, value)| format!("{name}={value}"));
        let words: Vec<String> = std::iter::once("env".to_owned()).chain(keys).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let daemon = site.ready(site.spawn_by(&words, Some(&net.victim)));
        Some(Self { account, net, site, queue, daemon: Some(daemon), _door: door })
    }

    /// Events go on the bus, and their messages are done with.
    fn hears(&self, events: &[Value]) {
        let before = self.site.status().lines;
        events.iter().for_each(|event| self.account.put_event(event));
        let heard = before + u64::try_from(events.len()).unwrap();
        wait_for("the events", || (self.site.status().lines >= heard).then_some(()));
        wait_for("the end of the messages", || (self.account.depth(&self.queue) == 0).then_some(()));
    }

    fn banned(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.site.bans().into_iter().map(|ban| ban.key.to_string()).collect();
        keys.sort();
        keys
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the daemon said:\n{}", self.site.said());
        } else if let Some(daemon) = self.daemon.take() {
            self.site.stop(daemon, true);
        }
    }
}

fn finding(id: &str, role: &str, address: &str) -> Value {
    let field = if address.contains(':') { "ipAddressV6" } else { "ipAddressV4" };
    json!({
        "source": "aws.guardduty", "detail-type": "GuardDuty Finding",
        "detail": {
            "schemaVersion": "2.0", "accountId": "111122223333", "region": REGION, "id": id,
            "type": "UnauthorizedAccess:EC2/SSHBruteForce",
            "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-0a1b2c3d"}},
            "service": {
                "serviceName": "guardduty", "detectorId": "d0", "archived": false, "count": 3, "resourceRole": role,
                "action": {"actionType": "NETWORK_CONNECTION", "networkConnectionAction": {
                    "connectionDirection": "INBOUND", "localPortDetails": {"port": 22, "portName": "SSH"},
                    "remoteIpDetails": {field: address}, "blocked": false}},
            },
            "severity": 5, "updatedAt": jiff::Timestamp::now().to_string(),
        },
    })
}

fn sign_in(id: &str, address: &str) -> Value {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({
        "source": "aws.signin", "detail-type": "AWS Console Sign In via CloudTrail",
        "detail": {
            "eventVersion": "1.11", "eventID": id, "eventTime": now, "eventSource": "signin.amazonaws.com",
            "eventName": "ConsoleLogin", "awsRegion": "us-east-1", "sourceIPAddress": address,
            "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "userName": "alice"},
            "requestParameters": null, "responseElements": {"ConsoleLogin": "Failure"},
            "errorMessage": "Failed authentication", "eventType": "AwsConsoleSignIn",
            "recipientAccountId": "111122223333",
        },
    })
}

#[test]
fn who_attacks_a_machine_is_dropped_and_whom_it_attacks_is_not() {
    let Some(host) = Host::new() else { return };
    assert!(host.net.attacker_connects(ATTACKER) && host.net.attacker_connects(ATTACKER6));
    let first = finding("t1", "TARGET", ATTACKER);
    host.hears(&[
        // Our own machine is the one that attacks: this is its victim.
        finding("a1", "ACTOR", INNOCENT),
        finding("a2", "ACTOR", INNOCENT6),
        finding("own", "TARGET", VICTIM),
        finding("office", "TARGET", OFFICE),
        finding("private", "TARGET", "10.0.0.9"),
        finding("metadata", "TARGET", "169.254.169.254"),
        first.clone(),
        finding("t2", "TARGET", ATTACKER6),
    ]);
    for attacker in [ATTACKER, ATTACKER6] {
        wait_for("the drop", || host.net.attacker_is_dropped(attacker).then_some(()));
    }
    assert_eq!(host.banned(), [ATTACKER6, ATTACKER]);
    assert!(host.net.attacker_connects(NEIGHBOUR) && host.net.attacker_connects(NEIGHBOUR6));
    assert!(host.net.innocent_connects(INNOCENT) && host.net.innocent_connects(INNOCENT6));
    let set = host.net.victim.nft_list("ruleset");
    assert!(
        set.contains(ATTACKER) && !set.contains(VICTIM) && !set.contains(OFFICE) && !set.contains("10.0.0.9"),
        "{set}"
    );
    // The same finding comes once more, in another envelope; then GuardDuty says that it goes on.
    host.hears(&[first]);
    assert_eq!(host.site.why(ATTACKER).decisions.len(), 1);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    host.hears(&[finding("t1", "TARGET", ATTACKER)]);
    assert_eq!((host.site.why(ATTACKER).decisions.len(), host.banned().len()), (2, 2));
}

#[test]
fn the_fifth_failed_login_within_five_minutes_drops_packets() {
    let Some(host) = Host::new() else { return };
    let logins = |address: &str, numbers: std::ops::Range<u32>| -> Vec<Value> {
        numbers.map(|n| sign_in(&format!("{address}-{n}"), address)).collect()
    };
    host.hears(&logins(ATTACKER, 0..4));
    for never in [VICTIM, OFFICE, "192.168.1.1"] {
        host.hears(&logins(never, 0..6));
    }
    assert_eq!(host.banned(), [""; 0]);
    assert!(host.net.attacker_connects(ATTACKER));
    // The fourth again is no fifth.
    host.hears(&logins(ATTACKER, 3..4));
    assert!(host.net.attacker_connects(ATTACKER));
    host.hears(&logins(ATTACKER, 4..5));
    wait_for("the drop", || host.net.attacker_is_dropped(ATTACKER).then_some(()));
    assert_eq!(host.banned(), [ATTACKER]);
    assert!(host.net.attacker_connects(NEIGHBOUR) && host.net.innocent_connects(INNOCENT));
}
