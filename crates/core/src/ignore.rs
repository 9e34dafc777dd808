//! Whom a jail never counts.

use std::net::IpAddr;

use hashbrown::HashSet;
use ipnet::IpNet;

use crate::Key;

/// Addresses, networks and names that are never counted: `ignoreip`, resolved.
///
/// A network key is ignored if any part of it is: a ban of 192.0.2.0/24 would hit an ignored 192.0.2.7.
#[derive(Clone, Debug, Default)]
pub struct IgnoreSet {
    addrs: HashSet<IpAddr>,
    nets: HashSet<IpNet>,
    /// The prefix lengths that `nets` has: one look-up each, however many networks there are.
    prefixes: Vec<(bool, u8)>,
    names: HashSet<Box<str>>,
}

impl IgnoreSet {
    /// Adds a key.
    pub fn insert(&mut self, key: Key) {
        match key {
            Key::Addr(addr) => _ = self.addrs.insert(addr),
            Key::Net(net) => {
                let prefix = (net.addr().is_ipv4(), net.prefix_len());
                if !self.prefixes.contains(&prefix) {
                    self.prefixes.push(prefix);
                }
                self.nets.insert(net);
            }
            Key::Name(name) => _ = self.names.insert(name),
        }
    }

    /// Takes an entry out, as it was added. Whether it was there.
    pub fn remove(&mut self, key: &Key) -> bool {
        match key {
            Key::Addr(addr) => self.addrs.remove(addr),
            Key::Net(net) => self.nets.remove(net),
            Key::Name(name) => self.names.remove(name),
        }
    }

    /// Every entry, in no order.
    pub fn iter(&self) -> impl Iterator<Item = Key> {
        let addrs = self.addrs.iter().copied().map(Key::Addr);
        let names = self.names.iter().cloned().map(Key::Name);
        addrs.chain(self.nets.iter().copied().map(Key::Net)).chain(names)
    }

    /// Why the key is ignored: the entry that covers it or that it would hit. `None` if it is not.
    pub fn covering(&self, key: &Key) -> Option<Key> {
        match key {
            Key::Addr(addr) if self.addrs.contains(addr) => Some(key.clone()),
            Key::Addr(addr) => self.net_around(*addr).map(Key::Net),
            Key::Net(net) => {
                let inside = || self.addrs.iter().find(|addr| net.contains(*addr)).copied().map(Key::Addr);
                let near = |other: &&IpNet| other.contains(net) || net.contains(*other);
                inside().or_else(|| self.nets.iter().find(near).copied().map(Key::Net))
            }
            Key::Name(name) => self.names.contains(name).then(|| key.clone()),
        }
    }

    fn net_around(&self, addr: IpAddr) -> Option<IpNet> {
        let of_family = self.prefixes.iter().filter(|(v4, _)| *v4 == addr.is_ipv4());
        of_family
            .filter_map(|(_, len)| Some(IpNet::new(addr, *len).ok()?.trunc()))
            .find(|net| self.nets.contains(net))
    }

    /// Whether the key is ignored.
    pub fn covers(&self, key: &Key) -> bool {
        self.covering(key).is_some()
    }
}

impl FromIterator<Key> for IgnoreSet {
    fn from_iter<I: IntoIterator<Item = Key>>(keys: I) -> Self {
        let mut set = Self::default();
        for key in keys {
            set.insert(key);
        }
        set
    }
}

impl Extend<Key> for IgnoreSet {
    fn extend<I: IntoIterator<Item = Key>>(&mut self, keys: I) {
        for key in keys {
            self.insert(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(keys: &[&str]) -> IgnoreSet {
        keys.iter().map(|key| key.parse::<Key>().unwrap()).collect()
    }

    #[test]
    fn addresses_networks_and_mapped_addresses() {
        let set = set(&["127.0.0.0/8", "::1", "192.0.2.7", "2001:db8::/32"]);
        for inside in ["127.9.9.9", "::1", "::ffff:192.0.2.7", "2001:db8:9::1", "2001:db8:4::/48"] {
            assert!(set.covers(&inside.parse().unwrap()), "{inside}");
        }
        for outside in ["192.0.2.8", "::2", "2001:db9::1", "198.51.100.0/24", "root"] {
            assert!(!set.covers(&outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn a_network_that_holds_an_ignored_address_is_ignored() {
        let set = set(&["192.0.2.7", "198.51.100.0/28"]);
        assert_eq!(set.covering(&"192.0.2.0/24".parse().unwrap()), Some("192.0.2.7".parse().unwrap()));
        assert_eq!(
            set.covering(&"198.51.100.0/24".parse().unwrap()),
            Some("198.51.100.0/28".parse().unwrap())
        );
    }
}
