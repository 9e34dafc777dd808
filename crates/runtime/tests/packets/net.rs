//! Three hosts: the attacker, somebody else, and the victim between them.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, bind, connect, socket, sockopt};

use super::support::namespace::Namespace;

pub(crate) const ATTACKER: &str = "203.0.113.7";
/// Another address of the attacker's host.
pub(crate) const NEIGHBOUR: &str = "203.0.113.99";
pub(crate) const INNOCENT: &str = "198.51.100.9";
const VICTIM: &str = "192.0.2.1";
pub(crate) const ATTACKER6: &str = "2001:db8:bad::7";
pub(crate) const NEIGHBOUR6: &str = "2001:db8:bad::99";
pub(crate) const INNOCENT6: &str = "2001:db8:900d::9";
const VICTIM6: &str = "2001:db8::1";

const PORT: u16 = 22;
/// How long somebody who is let in may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long is enough to see that nothing comes. An answer takes less than a millisecond.
pub(crate) const SILENCE: Duration = Duration::from_millis(400);

pub(crate) struct Net {
    pub(crate) victim: Namespace,
    attacker: Namespace,
    innocent: Namespace,
}

impl Net {
    /// Two cables, addresses without a common network, and a server on the victim's port 22.
    pub(crate) fn new() -> Option<Self> {
        let net =
            Self { victim: Namespace::new()?, attacker: Namespace::new()?, innocent: Namespace::new()? };
        net.victim.cable("v0", &net.attacker, "a0");
        net.victim.cable("v1", &net.innocent, "i0");
        // On both cables: IPv6 answers for an address only where it lies.
        for (cable, address) in [("v0", VICTIM), ("v0", VICTIM6), ("v1", VICTIM), ("v1", VICTIM6)] {
            net.victim.address(cable, &format!("{address}/{}", full(address)));
        }
        // Reached without a gateway, which is never banned and would be one reason more for what is seen.
        let link = |client: &Namespace, interface: &str, cable: &str, address: &str| {
            client.address(interface, &format!("{address}/{}", full(address)));
            net.victim.ip(&format!("route add {address}/{} dev {cable}", full(address)));
        };
        for address in [ATTACKER, NEIGHBOUR, ATTACKER6, NEIGHBOUR6] {
            link(&net.attacker, "a0", "v0", address);
        }
        for address in [INNOCENT, INNOCENT6] {
            link(&net.innocent, "i0", "v1", address);
        }
        for (client, interface) in [(&net.attacker, "a0"), (&net.innocent, "i0")] {
            for victim in [VICTIM, VICTIM6] {
                client.ip(&format!("route add {victim}/{} dev {interface}", full(victim)));
            }
        }
        let listener = net.victim.run(|| TcpListener::bind(("::", PORT)).unwrap());
        std::thread::spawn(move || listener.incoming().for_each(drop));
        Some(net)
    }

    pub(crate) fn attacker_connects(&self, from: &str) -> bool {
        connects(&self.attacker, from, PATIENCE)
    }

    /// Whether the attacker gets no answer at all; a refusal would be one.
    pub(crate) fn attacker_is_dropped(&self, from: &str) -> bool {
        !connects(&self.attacker, from, SILENCE)
    }

    pub(crate) fn innocent_connects(&self, from: &str) -> bool {
        connects(&self.innocent, from, PATIENCE)
    }
}

fn full(address: &str) -> u8 {
    if address.contains(':') { 128 } else { 32 }
}

fn connects(client: &Namespace, from: &str, within: Duration) -> bool {
    let from: IpAddr = from.parse().unwrap();
    let to: IpAddr = if from.is_ipv4() { VICTIM } else { VICTIM6 }.parse().unwrap();
    client.run(|| {
        let family = if from.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = socket(family, SocketType::STREAM, None).unwrap();
        bind(&socket, &SocketAddr::new(from, 0)).unwrap();
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(within)).unwrap();
        match connect(&socket, &SocketAddr::new(to, PORT)) {
            Ok(()) => true,
            // What connect says when the time given for sending is over.
            Err(Errno::INPROGRESS | Errno::AGAIN) => false,
            Err(errno) => panic!("{from} to {to}: {errno}"),
        }
    })
}
