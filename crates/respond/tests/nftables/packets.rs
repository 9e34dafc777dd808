//! Real packets: what is banned does not get through, and everybody else does.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};

use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType, bind, connect, socket, sockopt};
use stockade_core::Timestamp;
use stockade_core::ports::{Protocol, Responder, Scope};
use stockade_respond::Nftables;

use crate::support::namespace::Namespace;
use crate::support::{apply, ban, everywhere, in_secs, tcp, unban};

/// How long somebody who is let in may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long is enough to see that nothing comes. An answer here takes less than a millisecond.
const SILENCE: Duration = Duration::from_millis(400);

const ATTACKER: &str = "192.0.2.1";
const OTHER: &str = "192.0.2.2";
const ATTACKER6: &str = "2001:db8::1";
const OTHER6: &str = "2001:db8::2";
const VICTIM: &str = "192.0.2.254";
const VICTIM6: &str = "2001:db8::ffff";
const BEHIND: &str = "198.51.100.2";
const BEHIND6: &str = "2001:db8:1::2";

/// Clients, the victim with the responder, and a server behind it that is reached by forwarding, or through the
/// victim's published port 8080.
struct World {
    clients: Namespace,
    victim: Namespace,
    behind: Namespace,
    nftables: Nftables,
}

impl World {
    fn new() -> Option<Self> {
        let (clients, victim, behind) = (Namespace::new()?, Namespace::new()?, Namespace::new()?);
        clients.cable("c0", &victim, "v0");
        victim.cable("v1", &behind, "b0");
        for address in [ATTACKER, OTHER] {
            clients.address("c0", &format!("{address}/24"));
        }
        for address in [ATTACKER6, OTHER6] {
            clients.address("c0", &format!("{address}/64"));
        }
        victim.address("v0", &format!("{VICTIM}/24"));
        victim.address("v0", &format!("{VICTIM6}/64"));
        victim.address("v1", "198.51.100.1/24");
        victim.address("v1", "2001:db8:1::1/64");
        behind.address("b0", &format!("{BEHIND}/24"));
        behind.address("b0", &format!("{BEHIND6}/64"));
        clients.ip(&format!("route add 198.51.100.0/24 via {VICTIM}"));
        clients.ip(&format!("-6 route add 2001:db8:1::/64 via {VICTIM6}"));
        behind.ip("route add default via 198.51.100.1");
        behind.ip("-6 route add default via 2001:db8:1::1");
        victim.run(|| {
            for file in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
                std::fs::write(format!("/proc/sys/net/{file}"), "1").unwrap();
            }
        });
        // As a container engine publishes a container's port 80 as 8080.
        victim.nft(&format!(
            "table ip containers {{ chain published {{ type nat hook prerouting priority dstnat; policy accept; \
             ip daddr {VICTIM} tcp dport 8080 dnat to {BEHIND}:80; }}; }}"
        ));
        let nftables = victim.run(|| Nftables::open().unwrap());
        Some(Self { clients, victim, behind, nftables })
    }

    /// Whether a client gets through, from its own address to this one.
    fn connects(&self, from: &str, to: &str, port: u16) -> bool {
        self.connect(from, to, port, PATIENCE).is_some()
    }

    /// Whether a client gets no answer at all; a refusal would be one.
    fn is_dropped(&self, from: &str, to: &str, port: u16) -> bool {
        self.connect(from, to, port, SILENCE).is_none()
    }

    fn connect(&self, from: &str, to: &str, port: u16, within: Duration) -> Option<TcpStream> {
        let from = SocketAddr::new(from.parse().unwrap(), 0);
        let to = SocketAddr::new(to.parse().unwrap(), port);
        self.clients.run(|| {
            let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
            let socket = socket(family, SocketType::STREAM, None).unwrap();
            bind(&socket, &from).unwrap();
            sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(within)).unwrap();
            match connect(&socket, &to) {
                Ok(()) => Some(TcpStream::from(socket)),
                // What connect says when the time given for sending is over.
                Err(rustix::io::Errno::INPROGRESS | rustix::io::Errno::AGAIN) => None,
                Err(errno) => panic!("{from} to {to}: {errno}"),
            }
        })
    }
}

/// Answers every connection with what it is sent, until the process ends.
fn serve(namespace: &Namespace, port: u16) {
    let listener = namespace.run(|| TcpListener::bind(("::", port)).unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            std::thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
        }
    });
}

/// Sends a byte and waits for it to come back.
fn echoes(stream: &mut TcpStream, byte: u8, within: Duration) -> bool {
    stream.set_read_timeout(Some(within)).unwrap();
    stream.write_all(&[byte]).unwrap();
    read_byte(stream) == Some(byte)
}

fn read_byte(stream: &mut TcpStream) -> Option<u8> {
    let mut byte = [0];
    match stream.read_exact(&mut byte) {
        Ok(()) => Some(byte[0]),
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(error) => panic!("the connection broke: {error}"),
    }
}

#[test]
fn an_address_is_kept_out_and_let_in_again_and_others_never_notice() {
    let Some(mut world) = World::new() else { return };
    serve(&world.victim, 22);
    world.nftables.prepare(&[tcp("sshd", &[(22, 22)])]).unwrap();
    for (attacker, other, victim) in [(ATTACKER, OTHER, VICTIM), (ATTACKER6, OTHER6, VICTIM6)] {
        assert!(world.connects(attacker, victim, 22));
        apply(&mut world.nftables, &[ban("sshd", attacker, in_secs(600))], &[]);
        assert!(world.is_dropped(attacker, victim, 22), "{attacker}");
        assert!(world.connects(other, victim, 22), "{other}");
        apply(&mut world.nftables, &[], &[unban("sshd", attacker)]);
        assert!(world.connects(attacker, victim, 22), "{attacker}");
    }
}

#[test]
fn a_network_is_kept_out_to_its_last_address_and_no_further() {
    let Some(mut world) = World::new() else { return };
    serve(&world.victim, 22);
    world.nftables.prepare(&[tcp("sshd", &[(22, 22)])]).unwrap();
    // (banned, addresses inside it, addresses just outside of it)
    let cases = [
        ("192.0.2.0/25", ["192.0.2.3", "192.0.2.127"], ["192.0.2.128", "192.0.2.250"]),
        ("192.0.2.0/24", ["192.0.2.3", "192.0.2.250"], ["192.0.3.1", "192.0.1.255"]),
        ("192.0.2.128/31", ["192.0.2.128", "192.0.2.129"], ["192.0.2.127", "192.0.2.130"]),
        ("2001:db8::/64", ["2001:db8::3", "2001:db8:0:0:ffff::1"], ["2001:db8:0:1::1", "2001:db7:ffff::1"]),
        ("2001:db8::/33", ["2001:db8::3", "2001:db8:7fff::1"], ["2001:db8:8000::1", "2001:db7:ffff::1"]),
    ];
    for address in cases.iter().flat_map(|(_, inside, outside)| inside.iter().chain(outside)) {
        let full = if address.contains(':') { 128 } else { 32 };
        let nodad = if address.contains(':') { "nodad" } else { "noprefixroute" };
        world.clients.ip(&format!("addr replace {address}/{full} dev c0 {nodad}"));
        world.victim.ip(&format!("route replace {address}/{full} dev v0"));
    }
    for (network, inside, outside) in cases {
        let victim = if network.contains(':') { VICTIM6 } else { VICTIM };
        apply(&mut world.nftables, &[ban("sshd", network, in_secs(600))], &[]);
        for address in inside {
            assert!(world.is_dropped(address, victim, 22), "{address} in {network}");
        }
        for address in outside {
            assert!(world.connects(address, victim, 22), "{address} not in {network}");
        }
        apply(&mut world.nftables, &[], &[unban("sshd", network)]);
        assert!(world.connects(inside[0], victim, 22), "{network} lifted");
    }
}

#[test]
fn an_address_within_a_banned_network_stays_out_when_its_own_ban_ends() {
    let Some(mut world) = World::new() else { return };
    serve(&world.victim, 22);
    world.nftables.prepare(&[tcp("sshd", &[(22, 22)])]).unwrap();
    let both = [ban("sshd", ATTACKER, in_secs(600)), ban("sshd", "192.0.2.0/30", in_secs(600))];
    apply(&mut world.nftables, &both, &[]);
    apply(&mut world.nftables, &[], &[unban("sshd", ATTACKER)]);
    assert!(world.is_dropped(ATTACKER, VICTIM, 22));
    apply(&mut world.nftables, &both[..1], &[unban("sshd", "192.0.2.0/30")]);
    assert!(world.is_dropped(ATTACKER, VICTIM, 22));
    assert!(world.connects(OTHER, VICTIM, 22));
}

#[test]
fn only_the_ports_of_the_jail_are_closed() {
    let Some(mut world) = World::new() else { return };
    for port in [22, 79, 80, 90, 91, 2222] {
        serve(&world.victim, port);
    }
    let scopes = [tcp("ssh", &[(22, 22), (2222, 2222)]), tcp("web", &[(80, 90)]), everywhere("all")];
    world.nftables.prepare(&scopes).unwrap();
    let closed_by = |world: &mut World, jail: &str| {
        apply(&mut world.nftables, &[ban(jail, ATTACKER, in_secs(600))], &[]);
        let ports = [22, 79, 80, 90, 91, 2222];
        let closed: Vec<u16> =
            ports.into_iter().filter(|port| world.is_dropped(ATTACKER, VICTIM, *port)).collect();
        apply(&mut world.nftables, &[], &[unban(jail, ATTACKER)]);
        closed
    };
    assert_eq!(closed_by(&mut world, "ssh"), [22, 2222]);
    assert_eq!(closed_by(&mut world, "web"), [80, 90]);
    assert_eq!(closed_by(&mut world, "all"), [22, 79, 80, 90, 91, 2222]);

    // Other ports while a ban is in force.
    apply(&mut world.nftables, &[ban("ssh", ATTACKER, in_secs(600))], &[]);
    world.nftables.prepare(&[tcp("ssh", &[(79, 79)]), scopes[1].clone(), scopes[2].clone()]).unwrap();
    assert!(world.connects(ATTACKER, VICTIM, 22));
    assert!(world.is_dropped(ATTACKER, VICTIM, 79));
}

#[test]
fn datagrams_are_dropped_by_protocol_and_port_or_all_of_them() {
    let Some(mut world) = World::new() else { return };
    let server = world.victim.run(|| UdpSocket::bind((VICTIM, 53)).unwrap());
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        while let Ok((length, from)) = server.recv_from(&mut buffer) {
            server.send_to(&buffer[..length], from).unwrap();
        }
    });
    let answered = |world: &World, within: Duration| {
        world.clients.run(|| {
            let client = UdpSocket::bind((ATTACKER, 0)).unwrap();
            client.set_read_timeout(Some(within)).unwrap();
            client.send_to(b"?", (VICTIM, 53)).unwrap();
            client.recv_from(&mut [0; 64]).is_ok()
        })
    };
    let udp = Scope { jail: "udp".into(), ports: vec![(53, 53)], protocols: vec![Protocol::Udp] };
    let both = Scope { jail: "both".into(), ports: vec![(53, 53)], protocols: vec![] };
    world.nftables.prepare(&[udp, both, tcp("tcp", &[(53, 53)]), everywhere("all")]).unwrap();
    assert!(answered(&world, PATIENCE));
    for (jail, closes) in [("tcp", false), ("udp", true), ("both", true), ("all", true)] {
        apply(&mut world.nftables, &[ban(jail, ATTACKER, in_secs(600))], &[]);
        assert_eq!(answered(&world, if closes { SILENCE } else { PATIENCE }), !closes, "{jail}");
        apply(&mut world.nftables, &[], &[unban(jail, ATTACKER)]);
    }
}

#[test]
fn an_established_connection_is_cut_and_others_go_on() {
    let Some(mut world) = World::new() else { return };
    serve(&world.victim, 22);
    serve(&world.behind, 80);
    world.nftables.prepare(&[everywhere("all")]).unwrap();
    // To the host itself, forwarded, and to the published port.
    let targets = [(VICTIM, 22), (BEHIND, 80), (VICTIM, 8080)];
    let open = |from| targets.map(|(to, port)| world.connect(from, to, port, PATIENCE).unwrap());
    let (mut attackers, mut others) = (open(ATTACKER), open(OTHER));
    for stream in attackers.iter_mut().chain(&mut others) {
        assert!(echoes(stream, b'a', PATIENCE));
    }
    apply(&mut world.nftables, &[ban("all", ATTACKER, in_secs(600))], &[]);
    for stream in &mut attackers {
        assert!(!echoes(stream, b'b', SILENCE));
    }
    for stream in &mut others {
        assert!(echoes(stream, b'b', PATIENCE));
    }
    // It was silence, not the end: what was sent is sent again and comes through once the ban is lifted.
    apply(&mut world.nftables, &[], &[unban("all", ATTACKER)]);
    for stream in &mut attackers {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(read_byte(stream), Some(b'b'));
    }
}

#[test]
fn forwarded_and_published_ports_are_those_that_the_attacker_addressed() {
    let Some(mut world) = World::new() else { return };
    serve(&world.behind, 80);
    world.nftables.prepare(&[tcp("eighty", &[(80, 80)]), tcp("published", &[(8080, 8080)])]).unwrap();
    let routes = [(ATTACKER, BEHIND, 80), (ATTACKER, VICTIM, 8080), (ATTACKER6, BEHIND6, 80)];
    for (from, to, port) in routes {
        assert!(world.connects(from, to, port), "{to} {port}");
    }
    let bans = |jail| [ban(jail, ATTACKER, Timestamp::MAX), ban(jail, ATTACKER6, Timestamp::MAX)];
    let unbans = |jail| [unban(jail, ATTACKER), unban(jail, ATTACKER6)];

    apply(&mut world.nftables, &bans("eighty"), &[]);
    assert!(world.is_dropped(ATTACKER, BEHIND, 80));
    assert!(world.is_dropped(ATTACKER6, BEHIND6, 80));
    assert!(world.connects(ATTACKER, VICTIM, 8080));
    assert!(world.connects(OTHER, BEHIND, 80));

    apply(&mut world.nftables, &bans("published"), &unbans("eighty"));
    assert!(world.is_dropped(ATTACKER, VICTIM, 8080));
    assert!(world.connects(OTHER, VICTIM, 8080));
    assert!(world.connects(ATTACKER, BEHIND, 80));
}

#[test]
fn a_ban_ends_by_itself_also_when_nothing_of_stockade_runs() {
    let Some(mut world) = World::new() else { return };
    serve(&world.victim, 22);
    world.nftables.prepare(&[tcp("sshd", &[(22, 22)])]).unwrap();
    let started = Instant::now();
    apply(&mut world.nftables, &[ban("sshd", ATTACKER, in_secs(2))], &[]);
    drop(world.nftables);
    let from: SocketAddr = (VICTIM.parse::<std::net::IpAddr>().unwrap(), 22).into();
    // The dropped SYN is sent again after one second, and again two later.
    let stream = world.clients.run(|| TcpStream::connect_timeout(&from, PATIENCE).unwrap());
    assert!(started.elapsed() >= Duration::from_secs(2), "{:?}", started.elapsed());
    drop(stream);
}

#[test]
fn someone_elses_accept_does_not_let_a_banned_address_in() {
    let Some(mut world) = World::new() else { return };
    serve(&world.victim, 22);
    for priority in [-400, -300, 0] {
        world.victim.nft(&format!(
            "table inet other{} {{ chain early {{ type filter hook prerouting priority {priority}; accept; }}; \
             chain late {{ type filter hook input priority {priority}; accept; }}; }}",
            priority + 400
        ));
    }
    world.nftables.prepare(&[tcp("sshd", &[(22, 22)])]).unwrap();
    apply(&mut world.nftables, &[ban("sshd", ATTACKER, in_secs(600))], &[]);
    assert!(world.is_dropped(ATTACKER, VICTIM, 22));
    assert!(world.connects(OTHER, VICTIM, 22));
}
