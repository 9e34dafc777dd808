//! What stands before every responder: whom we never ban, and how many bans a minute are too many.

use std::collections::VecDeque;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use stockade_core::{IgnoreSet, Key, Timestamp};

/// How old what we know of ourselves may be before it is looked up again.
const FRESH: Duration = Duration::from_secs(5);
const MINUTE: Duration = Duration::from_secs(60);

/// Which guards stand.
#[derive(Clone, Debug)]
pub struct GuardRules {
    /// Keys that are never banned, besides those found.
    pub protect: Vec<Key>,
    /// Our own addresses are never banned.
    pub own: bool,
    /// The gateways are never banned.
    pub gateway: bool,
    /// The addresses that administrators are logged in from are never banned.
    pub sessions: bool,
    /// So many bans within a minute are still plausible.
    pub max_bans_per_minute: u32,
    /// The widest IPv4 network that may be banned, as its prefix length.
    pub min_prefix_v4: u8,
    /// The widest IPv6 network that may be banned, as its prefix length.
    pub min_prefix_v6: u8,
}

/// The guards, with what they know.
#[derive(Debug)]
pub struct Guards {
    rules: GuardRules,
    protected: Vec<(&'static str, IgnoreSet)>,
    known_at: Option<Timestamp>,
    recent: VecDeque<Timestamp>,
    alarmed: Option<Timestamp>,
}

/// What a guard says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guarded {
    /// Go on.
    Pass,
    /// Not this one, and why.
    Refuse(String),
    /// No more bans: there were too many. Said once a minute, then [`Guarded::Refuse`].
    Alarm(String),
}

impl Guards {
    /// Guards that know nothing yet.
    pub fn new(rules: GuardRules) -> Self {
        Self { rules, protected: Vec::new(), known_at: None, recent: VecDeque::new(), alarmed: None }
    }

    /// Whether a ban may be put in force. `counted`: it counts against the limit a minute.
    pub fn judge(&mut self, key: &Key, counted: bool, now: Timestamp) -> Guarded {
        if let Some(reason) = self.too_wide(key).or_else(|| self.protects(key, now)) {
            return Guarded::Refuse(reason);
        }
        if !counted {
            return Guarded::Pass;
        }
        if self.room(now) > 0 {
            self.recent.push_back(now);
            return Guarded::Pass;
        }
        let horizon = now.minus(MINUTE);
        let max = self.rules.max_bans_per_minute;
        let reason = format!("more than {max} bans within a minute");
        if self.alarmed.is_some_and(|then| then > horizon) {
            return Guarded::Refuse(reason);
        }
        self.alarmed = Some(now);
        Guarded::Alarm(reason)
    }

    /// How many bans more may be put in force this minute.
    pub fn room(&mut self, now: Timestamp) -> usize {
        let horizon = now.minus(MINUTE);
        while self.recent.front().is_some_and(|&then| then <= horizon) {
            self.recent.pop_front();
        }
        let max = usize::try_from(self.rules.max_bans_per_minute).unwrap_or(usize::MAX);
        max.saturating_sub(self.recent.len())
    }

    fn too_wide(&self, key: &Key) -> Option<String> {
        let net = key.to_net()?;
        let min = if net.addr().is_ipv4() { self.rules.min_prefix_v4 } else { self.rules.min_prefix_v6 };
        (net.prefix_len() < min)
            .then(|| format!("network too wide: /{} is wider than /{min}", net.prefix_len()))
    }

    /// Why a key may never be banned, if so.
    pub fn protects(&mut self, key: &Key, now: Timestamp) -> Option<String> {
        if self.known_at.is_none_or(|then| now.since(then) >= FRESH || then > now) {
            self.look(now);
        }
        let covered =
            |(what, set): &(&'static str, IgnoreSet)| Some(format!("{what}: {}", set.covering(key)?));
        self.protected.iter().find_map(covered)
    }

    fn look(&mut self, now: Timestamp) {
        self.known_at = Some(now);
        let rules = &self.rules;
        let mut protected = vec![("protected by configuration", rules.protect.iter().cloned().collect())];
        if rules.own {
            protected.push(("own address", own_addresses().into_iter().map(Key::addr).collect()));
        }
        if rules.gateway {
            protected.push(("gateway", gateways().into_iter().map(Key::addr).collect()));
        }
        if rules.sessions {
            protected.push((
                "an administrator is logged in from there",
                sessions().into_iter().map(Key::addr).collect(),
            ));
        }
        self.protected = protected;
    }
}

/// The addresses of our interfaces.
pub(crate) fn own_addresses() -> Vec<IpAddr> {
    let mut own: Vec<IpAddr> =
        if_addrs::get_if_addrs().unwrap_or_default().iter().map(if_addrs::Interface::ip).collect();
    own.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
    own.extend([IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)]);
    own
}

/// The gateways of all routes, as the kernel lists them.
fn gateways() -> Vec<IpAddr> {
    let v4 = fs::read_to_string("/proc/net/route").unwrap_or_default();
    let v6 = fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default();
    gateways_v4(&v4).into_iter().chain(gateways_v6(&v6)).collect()
}

/// `/proc/net/route`: the third column, hexadecimal in the machine's byte order; zero where there is none.
fn gateways_v4(table: &str) -> Vec<IpAddr> {
    let gateway =
        |line: &str| u32::from_str_radix(line.split_whitespace().nth(2)?, 16).ok().filter(|&raw| raw != 0);
    table.lines().skip(1).filter_map(gateway).map(|raw| IpAddr::from(raw.to_ne_bytes())).collect()
}

/// `/proc/net/ipv6_route`: the fifth column, 32 hexadecimal digits; zero where there is none.
fn gateways_v6(table: &str) -> Vec<IpAddr> {
    let gateway =
        |line: &str| u128::from_str_radix(line.split_whitespace().nth(4)?, 16).ok().filter(|&raw| raw != 0);
    table.lines().filter_map(gateway).map(|raw| IpAddr::V6(Ipv6Addr::from(raw))).collect()
}

/// Where logged-in users come from: our own session, logind's and the older utmp's records.
fn sessions() -> Vec<IpAddr> {
    let mut found = Vec::new();
    if let Some(own) = std::env::var_os("SSH_CONNECTION") {
        found.extend(
            own.to_string_lossy().split_whitespace().next().and_then(|addr| addr.parse::<IpAddr>().ok()),
        );
    }
    for entry in fs::read_dir("/run/systemd/sessions").into_iter().flatten().flatten() {
        found.extend(logind_host(&fs::read_to_string(entry.path()).unwrap_or_default()));
    }
    found.extend(utmp_hosts(&fs::read("/run/utmp").unwrap_or_default()));
    found.iter().map(IpAddr::to_canonical).collect()
}

/// logind's session file says `REMOTE_HOST=192.0.2.1`.
fn logind_host(session: &str) -> Option<IpAddr> {
    session.lines().find_map(|line| line.strip_prefix("REMOTE_HOST="))?.trim().parse().ok()
}

/// utmp(5): records of 384 bytes; type 7 is a user's process, the host is a string of 256 bytes at offset 76.
fn utmp_hosts(records: &[u8]) -> Vec<IpAddr> {
    const RECORD_BYTES: usize = 384;
    const USER_PROCESS: &[u8] = &[7, 0];
    let host = |record: &[u8]| {
        let native = if cfg!(target_endian = "little") { USER_PROCESS } else { &[0, 7] };
        record.starts_with(native).then_some(())?;
        let text = record.get(76..332)?.split(|&b| b == 0).next()?;
        std::str::from_utf8(text).ok()?.parse().ok()
    };
    records.chunks_exact(RECORD_BYTES).filter_map(host).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guards(max: u32) -> Guards {
        Guards::new(GuardRules {
            protect: vec!["198.51.100.0/24".parse().unwrap()],
            own: true,
            // Those of the machine that the test runs on may be any address.
            gateway: false,
            sessions: false,
            max_bans_per_minute: max,
            min_prefix_v4: 16,
            min_prefix_v6: 32,
        })
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn we_never_ban_ourselves_nor_a_network_we_are_in() {
        let mut guards = guards(10);
        for own in ["127.0.0.1", "::1", "127.0.0.0/8", "198.51.100.7", "198.51.100.0/20"] {
            assert!(matches!(guards.judge(&own.parse().unwrap(), true, at(0)), Guarded::Refuse(_)), "{own}");
        }
        assert_eq!(guards.judge(&"203.0.113.1".parse().unwrap(), true, at(0)), Guarded::Pass);
    }

    #[test]
    fn a_network_that_is_too_wide_is_never_banned() {
        let mut guards = guards(10);
        let mut refused = |net: &str| guards.judge(&net.parse().unwrap(), true, at(0)) != Guarded::Pass;
        assert!(refused("203.0.0.0/15") && refused("2001:db8::/31") && refused("::/0"));
        assert!(!refused("203.0.0.0/16") && !refused("2001:db8::/32"));
    }

    #[test]
    fn too_many_bans_a_minute_raise_one_alarm_and_stop() {
        let mut guards = guards(2);
        let key: Key = "203.0.113.1".parse().unwrap();
        let said: Vec<_> = (0..5).map(|n| guards.judge(&key, true, at(n))).collect();
        let reason = "more than 2 bans within a minute".to_owned();
        let refuse = Guarded::Refuse(reason.clone());
        assert_eq!(said, [Guarded::Pass, Guarded::Pass, Guarded::Alarm(reason), refuse.clone(), refuse]);
        assert_eq!(guards.judge(&key, false, at(5)), Guarded::Pass, "a person's ban does not count");
        assert_eq!(guards.judge(&key, true, at(61)), Guarded::Pass);
    }

    #[test]
    fn gateways_are_read_as_the_kernel_writes_them() {
        let v4 = "Iface\tDestination\tGateway\tFlags\neth0\t00000000\t010200C0\t0003\neth0\t0000FEA9\t00000000\t0001\n";
        let wanted = IpAddr::from(0x0102_00C0_u32.to_ne_bytes());
        assert_eq!(gateways_v4(v4), [wanted]);
        let zero = "0".repeat(32);
        let v6 = format!("{zero} 00 {zero} 00 20010db8000000000000000000000001 00000400 1 0 3 eth0\n");
        assert_eq!(gateways_v6(&v6), ["2001:db8::1".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn sessions_are_found_in_logind_and_utmp() {
        assert_eq!(logind_host("UID=0\nREMOTE=1\nREMOTE_HOST=192.0.2.9\n"), "192.0.2.9".parse().ok());
        assert_eq!(logind_host("REMOTE_HOST=host.example\n"), None);
        let mut record = vec![0_u8; 384];
        record[..2].copy_from_slice(&7_u16.to_ne_bytes());
        record[76..87].copy_from_slice(b"2001:db8::7");
        let mut dead = record.clone();
        dead[..2].copy_from_slice(&8_u16.to_ne_bytes());
        assert_eq!(
            utmp_hosts(&[record, dead, vec![7; 5]].concat()),
            ["2001:db8::7".parse::<IpAddr>().unwrap()]
        );
    }
}
