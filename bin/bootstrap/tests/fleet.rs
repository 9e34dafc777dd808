//! The whole way: a line in a log group, and the attacker's packets are dropped on a host that has never seen him. The
//! functions are those of the template's stack, the host is a network namespace with `stockade agent` in it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

#[path = "../../../crates/runtime/tests/agent/door.rs"]
#[allow(dead_code, reason = "other tests shut it")]
mod door;
mod host;
#[path = "../../../crates/runtime/tests/packets/net.rs"]
#[allow(dead_code, reason = "addresses of other tests")]
mod net;
mod support;

use std::time::Instant;

use door::Door;
use host::{Host, agent_program};
use net::{ATTACKER, INNOCENT, NEIGHBOUR, Net};
use serde_json::json;
use stockade_testkit::emulator::{Emulator, invoke, put_logs, wait};
use support::{Deployed, PATIENCE, failed_logins};

#[test]
fn a_line_in_a_log_group_drops_the_attackers_packets_on_every_host() {
    let (Some(emulator), Some(program)) = (Emulator::ministack(), agent_program()) else { return };
    let Some(net) = Net::new() else { return };
    let address = emulator.endpoint().trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    let _door = Door::new(Some(&net.victim), std::net::SocketAddr::port(&address), address);
    let deployed = Deployed::new(emulator.aws("eu-central-1"), "OnePhase", None);

    let shell = Host::start(&program, &deployed, emulator.endpoint(), "sshd", "nftables", Some(&net.victim));
    let mail = Host::start(&program, &deployed, emulator.endpoint(), "dovecot", "dry-run", None);
    assert!(net.attacker_connects(ATTACKER) && net.innocent_connects(INNOCENT));

    let began = Instant::now();
    put_logs(&deployed.aws, &deployed.auth, &failed_logins(&[ATTACKER, ATTACKER, NEIGHBOUR, ATTACKER]));
    wait("the drop", PATIENCE, || net.attacker_is_dropped(ATTACKER).then_some(()));
    eprintln!("from the log group to the dropped packet: {:?}", began.elapsed());
    assert!(net.attacker_connects(NEIGHBOUR) && net.innocent_connects(INNOCENT));
    assert_eq!(shell.bans(), [ATTACKER]);
    assert!(mail.bans().is_empty(), "{:?}", mail.bans());

    // Who comes later learns it from the snapshot.
    invoke(&deployed.aws, deployed.stack.output("ExpireFunction"), &json!({}));
    let late = Host::start(&program, &deployed, emulator.endpoint(), "sshd", "dry-run", None);
    wait("the snapshot", PATIENCE, || (late.bans() == [ATTACKER]).then_some(()));
}
