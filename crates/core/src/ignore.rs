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
    nets: Vec<IpNet>,
    names: HashSet<Box<str>>,
}

impl IgnoreSet {
    /// Adds a key.
    pub fn insert(&mut self, key: Key) {
        match key {
            Key::Addr(addr) => _ = self.addrs.insert(addr),
            Key::Net(net) => {
                if !self.nets.contains(&net) {
                    self.nets.push(net);
                }
            }
            Key::Name(name) => _ = self.names.insert(name),
        }
    }

    /// Why the key is ignored: the entry that covers it or that it would hit. `None` if it is not.
    pub fn covering(&self, key: &Key) -> Option<Key> {
        match key {
            Key::Addr(addr) => {
                if self.addrs.contains(addr) {
                    return Some(key.clone());
                }
                self.nets.iter().find(|net| net.contains(addr)).copied().map(Key::Net)
            }
            Key::Net(net) => {
                let inside = self.addrs.iter().find(|addr| net.contains(*addr)).copied().map(Key::Addr);
                inside.or_else(|| {
                    self.nets
                        .iter()
                        .find(|other| other.contains(net) || net.contains(*other))
                        .copied()
                        .map(Key::Net)
                })
            }
            Key::Name(name) => self.names.contains(name).then(|| key.clone()),
        }
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
