//! Turns what `ignoreip` names (host names, files, ourselves) into addresses.

use std::collections::HashSet;
use std::fs;
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};

use stockade_core::{IgnoreSet, Key};

use crate::guards::own_addresses;

/// The largest `ignoreip` file, in bytes.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// What has to be looked up for one jail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookups {
    /// `ignoreself`: the addresses of this host.
    pub own: bool,
    /// Host names.
    pub hosts: Vec<String>,
    /// Files with one entry a line; `#` and `;` begin a comment.
    pub files: Vec<PathBuf>,
}

impl Lookups {
    /// Whether the answer can change or take long, so that it must be asked again.
    pub fn is_static(&self) -> bool {
        !self.own && self.hosts.is_empty() && self.files.is_empty()
    }

    /// Looks everything up. Blocks for as long as the name service takes. What cannot be found is told and left out.
    pub fn resolve(&self, warn: impl FnMut(String)) -> HashSet<Key> {
        let Found { own, listed, named } = self.find(warn);
        own.into_iter().chain(listed).chain(named).collect()
    }

    /// The same, by how it was found.
    pub(crate) fn find(&self, mut warn: impl FnMut(String)) -> Found {
        let mut found = Found::default();
        if self.own {
            found.own.extend(own_addresses().into_iter().map(Key::addr));
        }
        let mut hosts: Vec<String> = self.hosts.clone();
        for file in &self.files {
            match read(file) {
                Ok(entries) => {
                    for entry in entries {
                        match Key::parse_addr_or_net(&entry) {
                            Some(key) => _ = found.listed.insert(key),
                            None => hosts.push(entry),
                        }
                    }
                }
                Err(error) => warn(format!("cannot read ignoreip file: `{}`: {error}", file.display())),
            }
        }
        for host in hosts {
            match (host.as_str(), 0).to_socket_addrs() {
                Ok(addrs) => found.named.extend(addrs.map(|addr| Key::addr(addr.ip()))),
                Err(error) => warn(format!("cannot look up ignoreip host: `{host}`: {error}")),
            }
        }
        found
    }
}

/// What looking up gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Addresses of this host.
    own: HashSet<Key>,
    /// What files list.
    listed: HashSet<Key>,
    /// Addresses of host names.
    named: HashSet<Key>,
}

/// Whom a jail ignores, and why.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ignoring {
    /// What the configuration names itself.
    pub(crate) fixed: IgnoreSet,
    /// What had to be looked up.
    pub(crate) found: Found,
}

impl Ignoring {
    /// Everybody.
    pub(crate) fn set(&self) -> IgnoreSet {
        let mut set = self.fixed.clone();
        let Found { own, listed, named } = &self.found;
        set.extend(own.iter().chain(listed).chain(named).cloned());
        set
    }

    /// The addresses of this host are not ignored any more.
    pub(crate) fn forget_own(&mut self) {
        self.found.own.clear();
    }

    /// By what a key is ignored, in fail2ban's words.
    pub(crate) fn source(&self, key: &Key) -> &'static str {
        if self.found.own.contains(key) {
            "ignoreself rule"
        } else if self.found.named.contains(key) && !self.fixed.covers(key) {
            "dns"
        } else {
            "ip"
        }
    }
}

fn read(path: &Path) -> std::io::Result<Vec<String>> {
    let bytes = fs::metadata(path)?.len();
    if bytes > MAX_FILE_BYTES {
        return Err(std::io::Error::other(format!("{bytes} bytes, at most {MAX_FILE_BYTES} are read")));
    }
    let text = fs::read_to_string(path)?;
    let uncommented = text.lines().map(|line| line.split(['#', ';']).next().unwrap_or_default());
    Ok(uncommented
        .flat_map(|line| line.split([' ', '\t', ',']))
        .filter(|e| !e.is_empty())
        .map(str::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_hosts_and_ourselves() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ignore");
        fs::write(&file, "# friends\n192.0.2.1, 198.51.100.0/24 ; office\n\nlocalhost\n").unwrap();
        let lookups = Lookups {
            own: true,
            hosts: vec!["localhost".to_owned()],
            files: vec![file, folder.path().join("none")],
        };
        let mut warnings = Vec::new();
        let keys = lookups.resolve(|warning| warnings.push(warning));
        for wanted in ["192.0.2.1", "198.51.100.0/24", "127.0.0.1", "::1"] {
            assert!(keys.contains(&wanted.parse().unwrap()), "{wanted}");
        }
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("none`: No such file"), "{warnings:?}");
    }
}
