//! Names inside the table: the jail's chain and its sets.
//!
//! A jail may be called anything; names in nftables are short and of few characters. So a plain name is used as it is
//! and any other becomes its plain beginning and a hash, joined by a dot, which plain names do not contain. The same
//! jail always gets the same names, so that a process that starts anew finds the sets of the one before it. The words
//! before the dash keep every name apart from nft's own keywords.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use stockade_core::Key;

use super::uapi::{proto, set};

/// The table, in the family `inet`.
pub(super) const TABLE: &str = "stockade";
/// The chain that sees every packet first.
pub(super) const BASE_CHAIN: &str = "prerouting";
/// A plain jail name of at most so many bytes is used as it is.
const MAX_PLAIN_BYTES: usize = 40;
/// How much of another name is kept before its hash.
const KEPT_BYTES: usize = 23;

/// A jail's name as nftables can hold it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Slug(Arc<str>);

impl Slug {
    pub(super) fn of(jail: &str) -> Self {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if !jail.is_empty() && jail.len() <= MAX_PLAIN_BYTES && jail.chars().all(is_plain) {
            return Self(jail.into());
        }
        let kept: String = jail.chars().filter(|c| is_plain(*c)).take(KEPT_BYTES).collect();
        Self(format!("{kept}.{:016x}", fnv1a(jail.as_bytes())).into())
    }

    /// The chain with the jail's rules.
    pub(super) fn chain(&self) -> String {
        format!("jail-{}", self.0)
    }
}

/// FNV-1a, 64 bits: fixed for ever, unlike the standard library's hashers.
pub(super) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    /// The length of an address in bits.
    pub(super) const fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    /// The length of an address in bytes.
    pub(super) const fn address_bytes(self) -> u32 {
        match self {
            Self::V4 => 4,
            Self::V6 => 16,
        }
    }

    /// `NFPROTO_*`.
    pub(super) const fn nfproto(self) -> u8 {
        match self {
            Self::V4 => proto::IPV4,
            Self::V6 => proto::IPV6,
        }
    }

    /// Where the source address lies in the network header.
    pub(super) const fn source_offset(self) -> u32 {
        match self {
            Self::V4 => 12,
            Self::V6 => 8,
        }
    }

    /// nft's number of its data type.
    pub(super) const fn nft_type(self) -> u32 {
        match self {
            Self::V4 => set::TYPE_IPV4_ADDR,
            Self::V6 => set::TYPE_IPV6_ADDR,
        }
    }

    const fn digit(self) -> char {
        match self {
            Self::V4 => '4',
            Self::V6 => '6',
        }
    }
}

/// What one set of a jail holds: addresses, or the networks of one prefix length, of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SetKind {
    pub(super) family: Family,
    /// The length of the prefix; that of the whole address for a set of addresses.
    pub(super) prefix: u8,
}

impl SetKind {
    /// The sets that every jail has from the start.
    pub(super) const ADDRESSES: [Self; 2] = [
        Self { family: Family::V4, prefix: Family::V4.bits() },
        Self { family: Family::V6, prefix: Family::V6.bits() },
    ];

    /// Which set a key belongs into, and as which address; `None` for a name.
    pub(super) fn of(key: &Key) -> Option<(Self, IpAddr)> {
        let net = key.to_net()?;
        let family = if net.addr().is_ipv4() { Family::V4 } else { Family::V6 };
        Some((Self { family, prefix: net.prefix_len() }, net.addr()))
    }

    /// The key that an element of such a set stands for.
    pub(super) fn key(self, address: IpAddr) -> Option<Key> {
        if self.is_addresses() {
            return Some(Key::Addr(address));
        }
        IpNet::new(address, self.prefix).ok().map(Key::net)
    }

    /// Whether it holds single addresses.
    pub(super) fn is_addresses(self) -> bool {
        self.prefix == self.family.bits()
    }

    /// The set's name for a jail.
    pub(super) fn name(self, slug: &Slug) -> String {
        format!("{self}-{}", slug.0)
    }

    /// Reads the kind off a set's name; `None` if it is not one of this jail.
    pub(super) fn from_name(name: &str, slug: &Slug) -> Option<Self> {
        let text = name.strip_suffix(&*slug.0)?.strip_suffix('-')?;
        let kind = match text.split_once('-') {
            None => Self::ADDRESSES.into_iter().find(|kind| kind.to_string() == text)?,
            Some((net, prefix)) => Self {
                family: if net == "net4" { Family::V4 } else { Family::V6 },
                prefix: prefix.parse().ok()?,
            },
        };
        // Written again it must be the same: no other word, no leading zero.
        (kind.prefix <= kind.family.bits() && kind.to_string() == text).then_some(kind)
    }
}

impl fmt::Display for SetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_addresses() {
            write!(f, "addr{}", self.family.digit())
        } else {
            write!(f, "net{}-{}", self.family.digit(), self.prefix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_stays_and_any_other_is_short_and_its_own() {
        assert_eq!(Slug::of("sshd").chain(), "jail-sshd");
        assert_eq!(Slug::of("nginx-http_auth2").chain(), "jail-nginx-http_auth2");
        let (long, longer) = ("x".repeat(500), "x".repeat(501));
        let odd = ["", "a b", "a\"b", "a\nb", "a.b", "ünïcode", "a/b", &long, &longer, "sshd; flush ruleset"];
        let slugs: std::collections::HashSet<Slug> = odd.iter().map(|jail| Slug::of(jail)).collect();
        assert_eq!(slugs.len(), odd.len(), "{slugs:?}");
        for slug in slugs {
            let chain = slug.chain();
            assert!(chain.len() <= 60, "{chain}");
            assert!(chain.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{chain}");
        }
    }

    #[test]
    fn names_never_change() {
        // A later version must find the sets of an earlier one.
        assert_eq!(Slug::of("a b").chain(), "jail-ab.e63f991904833892");
    }

    #[test]
    fn a_set_is_known_again_by_its_name() {
        for jail in ["sshd", "24-sshd", "4", "a b", "net4-24-sshd"] {
            let slug = Slug::of(jail);
            for key in ["192.0.2.1", "192.0.2.0/24", "2001:db8::1", "2001:db8::/64", "10.0.0.0/8"] {
                let (kind, _) = SetKind::of(&key.parse().unwrap()).unwrap();
                assert_eq!(SetKind::from_name(&kind.name(&slug), &slug), Some(kind), "{jail} {key}");
            }
        }
        let sshd = Slug::of("sshd");
        for name in
            ["addr4", "addr4-", "addr5-sshd", "net4-32-sshd", "net4-024-sshd", "net4-24-24-sshd", "sshd"]
        {
            assert_eq!(SetKind::from_name(name, &sshd), None, "{name}");
        }
    }

    #[test]
    fn a_key_comes_back_from_its_set() {
        for text in ["192.0.2.1", "192.0.2.0/24", "2001:db8::1", "2001:db8:0:1::/64"] {
            let key: Key = text.parse().unwrap();
            let (kind, address) = SetKind::of(&key).unwrap();
            assert_eq!(kind.key(address), Some(key));
        }
        assert_eq!(SetKind::of(&Key::name("root")), None);
    }
}
