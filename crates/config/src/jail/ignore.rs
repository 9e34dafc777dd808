//! `ignoreip`: whom a jail never counts.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use stockade_core::Key;
use stockade_filter::conf::value::split_addresses;

use super::options::Options;
use crate::problem::ProblemKind;

/// One entry of `ignoreip`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IgnoreEntry {
    /// An address or a network.
    Key(Key),
    /// A host name, whose addresses are ignored.
    Host(String),
    /// `file:/path`: a file of more such entries.
    File(PathBuf),
}

impl IgnoreEntry {
    /// Reads an entry: an address, a network with prefix or netmask, a host name, `file:/path`. `None` for anything
    /// else, so that a mistyped address never becomes a host name.
    pub fn parse(entry: &str) -> Option<Self> {
        if let Some(path) = entry.strip_prefix("file:") {
            // As a URL it has two more slashes, as in `file:///path`.
            let path = path.strip_prefix("//").unwrap_or(path);
            return path.starts_with('/').then(|| Self::File(path.into()));
        }
        let key = Key::parse_addr_or_net(entry).or_else(|| with_netmask(entry));
        key.map(Self::Key).or_else(|| is_host_name(entry).then(|| Self::Host(entry.to_owned())))
    }
}

/// What `ignoreip` says, sorted by how it is found out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ignored {
    pub(super) keys: Vec<Key>,
    pub(super) hosts: Vec<String>,
    pub(super) files: Vec<PathBuf>,
}

const KEY: &str = "ignoreip";
const EXPECTED: &str = "an address, a network, a host name or `file:/path`";

pub(super) fn ignored(options: &mut Options<'_>) -> Ignored {
    let mut ignored = Ignored::default();
    let Some(value) = options.get(KEY) else { return ignored };
    for line in value.lines() {
        for entry in split_addresses(&line.text) {
            if !ignored.add(entry) {
                options.error_at(KEY, (&line.origin).into(), ProblemKind::bad_value(EXPECTED, entry));
            }
        }
    }
    ignored
}

impl Ignored {
    fn add(&mut self, entry: &str) -> bool {
        match IgnoreEntry::parse(entry) {
            Some(IgnoreEntry::Key(key)) => self.keys.push(key),
            Some(IgnoreEntry::Host(host)) => self.hosts.push(host),
            Some(IgnoreEntry::File(path)) => self.files.push(path),
            None => return false,
        }
        true
    }
}

/// `192.0.2.0/255.255.255.0`.
fn with_netmask(entry: &str) -> Option<Key> {
    let (addr, mask) = entry.split_once('/')?;
    let net = IpNet::with_netmask(addr.parse::<IpAddr>().ok()?, mask.parse::<IpAddr>().ok()?);
    net.ok().map(Key::net)
}

/// Whether a text can be a host name and is no mistyped address: its last label has a letter.
fn is_host_name(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        let allowed = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        (1..=63).contains(&label.len()) && label.chars().all(allowed) && !label.starts_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.split('.').all(label) && !last.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored(entries: &[&str]) -> (Ignored, Vec<bool>) {
        let mut ignored = Ignored::default();
        let good = entries.iter().map(|entry| ignored.add(entry)).collect();
        (ignored, good)
    }

    #[test]
    fn entries_are_sorted_by_kind() {
        let (found, good) = ignored(&[
            "192.0.2.1",
            "2001:db8::/32",
            "198.51.100.0/255.255.255.128",
            "gw.example.org",
            "localhost",
            "file:/etc/ignore",
            "file:///etc/more",
        ]);
        assert!(good.into_iter().all(|good| good));
        let keys: Vec<_> = found.keys.iter().map(ToString::to_string).collect();
        assert_eq!(keys, ["192.0.2.1", "2001:db8::/32", "198.51.100.0/25"]);
        assert_eq!(found.hosts, ["gw.example.org", "localhost"]);
        assert_eq!(found.files, [PathBuf::from("/etc/ignore"), "/etc/more".into()]);
    }

    #[test]
    fn a_mistyped_address_is_no_host_name() {
        for entry in [
            "192.0.2.256",
            "192.0.2",
            "192.0.2.1/33",
            "192.0.2.0/255.0.255.0",
            "192.0.2.0/",
            "2001:db8::/200",
            "fe80::1%eth0",
            "file:relative",
            "a..b",
            "-a.example.org",
            "a b",
            "%(x)s",
            "1234",
        ] {
            assert_eq!(ignored(&[entry]).1, [false], "{entry}");
        }
    }
}
