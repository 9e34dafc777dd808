//! Lines of which it is known what they must lead to.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use stockade_core::Key;

/// `maxretry` of the jail.
pub(crate) const MAXRETRY: u32 = 5;

/// Each of these many addresses fails once too seldom: one match counted twice and it is banned.
const CAREFUL: u32 = 2_000;
/// Each of these fails just often enough: one match lost and it is not banned.
const EXACT: u32 = 2_000;
/// And these, of IPv4, come back again and again.
const STUBBORN: u8 = 200;
const STUBBORN_TIMES: u32 = 40;

/// How many lines lie between those of one connection, at most.
const SPREAD: u64 = 60;

/// xorshift64*: the same seed gives the same attack.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.max(1);
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }
}

/// What is written, and what must come of it.
#[derive(Debug)]
pub(crate) struct Attack {
    /// Process number and message.
    pub(crate) lines: Vec<(u32, String)>,
    /// After how many lines no connection is open, so that its lines are in one file.
    pub(crate) quiet: Vec<usize>,
    /// How many times each address fails, and by how many lines.
    expected: BTreeMap<Key, (u32, u32)>,
}

impl Attack {
    /// An attack of exactly so many lines, most of them harmless.
    pub(crate) fn plan(lines: usize, random: &mut Random) -> Self {
        let mut attack = Self { lines: Vec::new(), quiet: Vec::new(), expected: BTreeMap::new() };
        // Each connection's lines, with the places where they shall stand among all others.
        let mut placed: Vec<(u64, u32, String)> = Vec::new();
        let mut pid = 2000;
        for (address, times) in addresses() {
            let mut left = times;
            while left > 0 {
                pid += 1;
                let (failures, messages) = connection(address, left, pid, random);
                left -= failures;
                let entry = attack.expected.entry(Key::addr(address)).or_default();
                entry.0 += failures;
                entry.1 += 1;
                let mut at = random.below(lines as u64 * 10);
                for message in messages {
                    placed.push((at, pid, message));
                    at += 1 + random.below(SPREAD * 10);
                }
            }
        }
        assert!(placed.len() < lines, "{} lines of attack", placed.len());
        while placed.len() < lines {
            pid += 1;
            placed.push((random.below(lines as u64 * 10), pid, harmless(random)));
        }
        placed.sort_by_key(|(at, ..)| *at);
        attack.lines = placed.into_iter().map(|(_, pid, message)| (pid, message)).collect();
        attack.quiet = quiet(&attack.lines);
        attack
    }

    /// Every address with its failures and the lines that are one.
    pub(crate) fn expected(&self) -> impl Iterator<Item = (&Key, u32, u32)> {
        self.expected.iter().map(|(key, (failures, lines))| (key, *failures, *lines))
    }

    /// The addresses that must be banned.
    pub(crate) fn banned(&self) -> impl Iterator<Item = &Key> {
        self.expected().filter(|(_, failures, _)| *failures >= MAXRETRY).map(|(key, ..)| key)
    }

    /// How often all of them failed.
    pub(crate) fn failures(&self) -> u64 {
        self.expected().map(|(_, failures, _)| u64::from(failures)).sum()
    }
}

fn addresses() -> impl Iterator<Item = (IpAddr, u32)> {
    let v6 = |group: u16, n: u32| {
        let [high, low] = [(n >> 16) as u16, (n & 0xffff) as u16];
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, group, 0, 0, 0, high, low + 1))
    };
    let careful = (0..CAREFUL).map(move |n| (v6(1, n), MAXRETRY - 1));
    let exact = (0..EXACT).map(move |n| (v6(2, n), MAXRETRY));
    let stubborn = (1..=STUBBORN).map(|n| (IpAddr::V4(Ipv4Addr::new(203, 0, 113, n)), STUBBORN_TIMES));
    careful.chain(exact).chain(stubborn)
}

/// One connection: how many failures it is, at most `left`, and what sshd says of it. One line of it is a match.
fn connection(address: IpAddr, left: u32, pid: u32, random: &mut Random) -> (u32, Vec<String>) {
    let port = 10_000 + pid % 50_000;
    let from = format!("{address} port {port}");
    match random.below(10) {
        // The address comes first and the failure later.
        0 => (
            1,
            vec![
                format!("Connection from {from} on 192.0.2.1 port 22"),
                "User nobody not allowed because account is locked".to_owned(),
            ],
        ),
        // The failure comes first and waits for its address.
        1 => (
            1,
            vec![
                "User nobody not allowed because account is locked".to_owned(),
                format!("Received disconnect from {from}:11: Bye Bye [preauth]"),
            ],
        ),
        // syslog joins what comes several times.
        2 if left >= 2 => {
            let times = 2 + u32::try_from(random.below(u64::from(left - 1))).unwrap();
            (
                times,
                vec![format!("message repeated {times} times: [ Failed password for root from {from} ssh2]")],
            )
        }
        3 => (1, vec![format!("Failed password for invalid user ünï from {from} ssh2")]),
        _ => (1, vec![format!("Failed password for root from {from} ssh2")]),
    }
}

fn harmless(random: &mut Random) -> String {
    let n = random.below(250) + 1;
    match random.below(4) {
        0 => format!("Accepted publickey for alice from 198.51.100.{n} port 4711 ssh2: ED25519 SHA256:abc"),
        1 => "pam_unix(sshd:session): session opened for user alice(uid=1000) by (uid=0)".to_owned(),
        2 => format!("Connection closed by authenticating user bob 198.51.100.{n} port 4712 [preauth]"),
        _ => "Server listening on 0.0.0.0 port 22.".to_owned(),
    }
}

/// The places where every connection that began has ended.
fn quiet(lines: &[(u32, String)]) -> Vec<usize> {
    let mut last = BTreeMap::new();
    for (at, (pid, _)) in lines.iter().enumerate() {
        last.insert(*pid, at);
    }
    let mut open_until = 0;
    let mut quiet = Vec::new();
    for (at, (pid, _)) in lines.iter().enumerate() {
        open_until = open_until.max(last[pid]);
        if open_until == at {
            quiet.push(at + 1);
        }
    }
    quiet
}
