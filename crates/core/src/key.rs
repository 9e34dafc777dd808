//! What is counted and acted on.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is counted and acted on: an address, a network, or a name such as a user.
///
/// Addresses and networks are canonical: an IPv4 address written as IPv6 (`::ffff:192.0.2.1`) is the IPv4 address,
/// a network has no bits set behind its prefix, and a network of full length is the address. So equal things are
/// equal keys, however the log spelled them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// One address.
    Addr(IpAddr),
    /// A network with a prefix shorter than the address.
    Net(IpNet),
    /// Anything that is not an address: a user, a session, a resource. Never reaches a firewall.
    Name(Box<str>),
}

impl Key {
    /// The longest name that is kept; a longer one is cut at a character boundary.
    pub const MAX_NAME_BYTES: usize = 256;

    /// The key of an address, canonical.
    pub fn addr(addr: IpAddr) -> Self {
        Self::Addr(addr.to_canonical())
    }

    /// The key of a network, canonical.
    pub fn net(net: IpNet) -> Self {
        let net = fold_mapped(net.trunc());
        if net.prefix_len() == net.max_prefix_len() { Self::addr(net.addr()) } else { Self::Net(net) }
    }

    /// The key of a name; what is longer than [`Key::MAX_NAME_BYTES`] is cut.
    pub fn name(name: &str) -> Self {
        let mut end = name.len().min(Self::MAX_NAME_BYTES);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        Self::Name(name.get(..end).unwrap_or_default().into())
    }

    /// Reads an address or a network; `None` for anything else, so that a typing error never becomes a name.
    pub fn parse_addr_or_net(text: &str) -> Option<Self> {
        if let Ok(addr) = text.parse::<IpAddr>() {
            return Some(Self::addr(addr));
        }
        text.parse::<IpNet>().ok().map(Self::net)
    }

    /// The network that this key covers; an address is a network of full length. `None` for a name.
    pub fn to_net(&self) -> Option<IpNet> {
        match self {
            Self::Addr(addr) => Some(IpNet::from(*addr)),
            Self::Net(net) => Some(*net),
            Self::Name(_) => None,
        }
    }
}

/// A network of v4-mapped addresses is a network of IPv4 addresses.
fn fold_mapped(net: IpNet) -> IpNet {
    if let IpNet::V6(v6) = net
        && v6.prefix_len() >= 96
        && let Some(v4) = v6.addr().to_ipv4_mapped()
        && let Ok(folded) = IpNet::new(IpAddr::V4(v4), v6.prefix_len() - 96)
    {
        return folded;
    }
    net
}

impl From<IpAddr> for Key {
    fn from(addr: IpAddr) -> Self {
        Self::addr(addr)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addr(addr) => addr.fmt(f),
            Self::Net(net) => net.fmt(f),
            Self::Name(name) => f.pad(name),
        }
    }
}

/// Reads what [`Key`]'s `Display` writes: an address or network if it is one, a name otherwise.
impl FromStr for Key {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::parse_addr_or_net(text).unwrap_or_else(|| Self::name(text)))
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self::parse_addr_or_net(&text).unwrap_or_else(|| Self::name(&text)))
    }
}

/// Reads an address from bytes of a log line, strictly: no zone, no leading zeros, every part in range.
///
/// ASCII only, so digits of other scripts are never an address.
pub fn parse_addr(text: &[u8]) -> Option<IpAddr> {
    if let Some(v4) = parse_v4(text) {
        return Some(v4);
    }
    let v6: Ipv6Addr = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(IpAddr::V6(v6).to_canonical())
}

fn parse_v4(text: &[u8]) -> Option<IpAddr> {
    if text.len() > "255.255.255.255".len() {
        return None;
    }
    let (mut address, mut value, mut digits, mut dots) = (0_u32, 0_u32, 0, 0);
    for &b in text {
        if b == b'.' {
            if digits == 0 || value > 255 {
                return None;
            }
            address = address << 8 | value;
            (value, digits, dots) = (0, 0, dots + 1);
        } else {
            let digit = b.wrapping_sub(b'0');
            if digit > 9 || digits > 2 || (digits > 0 && value == 0) {
                return None;
            }
            (value, digits) = (value * 10 + u32::from(digit), digits + 1);
        }
    }
    (digits > 0 && value <= 255 && dots == 3).then(|| IpAddr::from((address << 8 | value).to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_things_are_equal_keys() {
        let key = |s: &str| s.parse::<Key>().unwrap();
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_eq!(key("192.0.2.77/24"), key("192.0.2.0/24"));
        assert_eq!(key("192.0.2.7/32"), key("192.0.2.7"));
        assert_eq!(key("::ffff:192.0.2.0/120"), key("192.0.2.0/24"));
        assert_eq!(key("2001:DB8::1"), key("2001:db8:0::1"));
    }

    #[test]
    fn a_mistyped_address_is_never_an_address() {
        for text in [
            "999.1.1.1",
            "999999999999999",
            "1111.1.1.1",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "1.2.3.4/33",
            "fe80::1%eth0",
            "1..2.3",
            "",
        ] {
            assert_eq!(Key::parse_addr_or_net(text), None, "{text}");
            assert_eq!(parse_addr(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_addr("\u{661}.\u{662}.\u{663}.\u{664}".as_bytes()), None);
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let Key::Name(name) = Key::name(&"é".repeat(200)) else { panic!("a name") };
        assert_eq!(name.len(), Key::MAX_NAME_BYTES);
    }

    #[test]
    fn the_fast_reader_agrees_with_the_standard_one() {
        for text in ["0.0.0.0", "255.255.255.255", "203.0.113.9", "::1", "2001:db8::", "::ffff:10.0.0.1"] {
            assert_eq!(parse_addr(text.as_bytes()), text.parse::<IpAddr>().ok().map(|a| a.to_canonical()));
        }
    }
}
