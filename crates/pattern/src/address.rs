//! Addresses as EventBridge reads them.
//!
//! IPv4: four decimal groups up to 255, leading zeros allowed and decimal. IPv6: hexadecimal groups and `::`, no zone, no
//! dotted part. An IPv4-mapped IPv6 address is the IPv4 one. The families never mix: `0.0.0.0/0` is all of IPv4.

use crate::swar::{HIGH, below, bits, equal};

/// An address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Address {
    V4(u32),
    V6(u128),
}

/// A network; an address alone is the network of all its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Cidr {
    pub(crate) base: Address,
    pub(crate) bits: u8,
}

impl Address {
    /// Reads an address; `None` if the text is none.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        match text.first()? {
            b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b':' => {}
            _ => return None,
        }
        if let Some(address) = usual_v4(text) {
            return Some(Self::V4(address));
        }
        // A v4 group is decimal: a point comes before anything that only IPv6 has.
        if memchr::memchr(b':', text).is_some() { parse_v6(text) } else { parse_v4(text).map(Self::V4) }
    }
}

impl Cidr {
    pub(crate) fn single(address: Address) -> Self {
        Self { base: address, bits: if matches!(address, Address::V4(_)) { 32 } else { 128 } }
    }

    pub(crate) fn contains(&self, address: Address) -> bool {
        match (self.base, address) {
            (Address::V4(base), Address::V4(address)) => {
                u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0) & (base ^ address) == 0
            }
            (Address::V6(base), Address::V6(address)) => {
                u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0) & (base ^ address) == 0
            }
            _ => false,
        }
    }

    /// Reads `address/bits`; the error is AWS's text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        // Java's split: empty parts at the end do not count.
        let mut parts: Vec<&str> = text.split('/').collect();
        while parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
        let &[ip, bits] = parts.as_slice() else {
            return Err("Malformed CIDR, one '/' required".into());
        };
        let bits: i32 =
            bits.parse().map_err(|_| "Malformed CIDR, mask bits must be an integer".to_owned())?;
        let bits =
            u32::try_from(bits).map_err(|_| "Malformed CIDR, mask bits must not be negative".to_owned())?;
        let address = match Address::parse(ip.as_bytes()) {
            Some(address) => address,
            None if looks_like_address(ip) => return Err(format!("Invalid IP address: {ip}")),
            None => return Err(format!("Nonstandard IP address: {ip}")),
        };
        let (most, family) = if matches!(address, Address::V4(_)) { (32, "IPv4") } else { (128, "IPv6") };
        match u8::try_from(bits) {
            Ok(bits) if u32::from(bits) < most => Ok(Self { base: address, bits }.masked()),
            _ => Err(format!("{family} mask bits must be < {most}")),
        }
    }

    fn masked(self) -> Self {
        let bits = u32::from(self.bits);
        let base = match self.base {
            Address::V4(base) => Address::V4(base & u32::MAX.checked_shl(32 - bits).unwrap_or(0)),
            Address::V6(base) => Address::V6(base & u128::MAX.checked_shl(128 - bits).unwrap_or(0)),
        };
        Self { base, bits: self.bits }
    }
}

/// Four groups of decimal digits, or hexadecimal digits with a colon.
fn looks_like_address(text: &str) -> bool {
    let groups: Vec<&str> = text.split('.').collect();
    let v4 = groups.len() == 4
        && groups.iter().all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()));
    v4 || text.contains(':') && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
}

/// The same as [`parse_v4`] for what most addresses are, 8 to 15 bytes and groups of up to three digits: without a branch
/// that depends on where the points are. `None`: another address, or none.
fn usual_v4(text: &[u8]) -> Option<u32> {
    let (head, tail) = (text.first_chunk::<8>()?, text.last_chunk::<8>()?);
    let behind = text.len().checked_sub(8).filter(|behind| *behind < 8)? * 8;
    let (head, tail) = (u64::from_le_bytes(*head), u64::from_le_bytes(*tail));
    let (head_dots, tail_dots) = (equal(head, b'.'), equal(tail, b'.'));
    let digits = |word, dots| dots | (below(word, b':') & !below(word, b'0'));
    if digits(head, head_dots) & digits(tail, tail_dots) & HIGH != HIGH {
        return None;
    }
    // Both are the same where they overlap.
    let all = u128::from(head) | u128::from(tail) << behind;
    let mut dots = bits(head_dots) | bits(tail_dots) << (behind / 8);
    if dots.count_ones() != 3 {
        return None;
    }
    let (mut address, mut start, mut wrong) = (0u32, 0u32, false);
    for _ in 0..4 {
        let end = if dots == 0 { text.len() as u32 & 0xF } else { dots.trailing_zeros() };
        dots &= dots.wrapping_sub(1);
        let digits = end.wrapping_sub(start);
        // The group's digits in the upper three bytes, the last one highest.
        let group = ((all >> (start * 8 & 127)) as u32).wrapping_shl(32 - digits.min(4) * 8);
        let value = (group >> 24 & 0xF) + (group >> 16 & 0xF) * 10 + (group >> 8 & 0xF) * 100;
        wrong |= digits.wrapping_sub(1) > 2 || value > 255;
        address = address << 8 | value & 0xFF;
        start = end + 1;
    }
    (!wrong).then_some(address)
}

fn parse_v4(text: &[u8]) -> Option<u32> {
    let mut address = 0u32;
    let mut groups = 0;
    for group in text.split(|byte| *byte == b'.') {
        groups += 1;
        if group.is_empty() || groups > 4 {
            return None;
        }
        let mut value = 0u32;
        for byte in group {
            value = value * 10 + u32::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
            if value > 255 {
                return None;
            }
        }
        address = address << 8 | value;
    }
    (groups == 4).then_some(address)
}

fn parse_v6(text: &[u8]) -> Option<Address> {
    let mut groups = [0u16; 8];
    let mut count = 0usize;
    let mut gap = None;
    let mut rest = text;
    if let Some(after) = rest.strip_prefix(b"::") {
        gap = Some(0);
        rest = after;
    }
    while !rest.is_empty() {
        let end = memchr::memchr(b':', rest).unwrap_or(rest.len());
        let group = rest.get(..end)?;
        if group.is_empty() {
            return None;
        }
        let mut value = 0u32;
        for byte in group {
            value = value << 4 | char::from(*byte).to_digit(16)?;
            if value > 0xFFFF {
                return None;
            }
        }
        *groups.get_mut(count)? = u16::try_from(value).ok()?;
        count += 1;
        rest = rest.get(end..)?;
        if let Some(after) = rest.strip_prefix(b"::") {
            if gap.replace(count).is_some() {
                return None;
            }
            rest = after;
        } else if let Some(after) = rest.strip_prefix(b":") {
            if after.is_empty() {
                return None;
            }
            rest = after;
        }
    }
    let mut address = 0u128;
    match gap {
        None if count != 8 => return None,
        None => groups.iter().for_each(|group| address = address << 16 | u128::from(*group)),
        Some(_) if count == 8 => return None,
        Some(gap) => {
            let (before, after) = groups.get(..count)?.split_at_checked(gap)?;
            before.iter().for_each(|group| address = address << 16 | u128::from(*group));
            address = address.checked_shl(u32::try_from(16 * (8 - count)).ok()?).unwrap_or(0);
            after.iter().for_each(|group| address = address << 16 | u128::from(*group));
        }
    }
    if address >> 32 == 0xFFFF {
        return u32::try_from(address & 0xFFFF_FFFF).ok().map(Address::V4);
    }
    Some(Address::V6(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn spellings() {
        let v4 = |text: &str| Address::parse(text.as_bytes());
        assert_eq!(v4("010.0.0.1"), v4("10.0.0.1"));
        assert_eq!(v4("::ffff:0a00:0001"), v4("10.0.0.1"));
        assert_eq!(v4("::1"), v4("0:0:0:0:0:0:0:1"));
        for none in [
            "",
            "10.0.0",
            "10.0.0.256",
            "1.2.3.4.5",
            "10.0.0.1 ",
            "fe80::1%eth0",
            "2001:db8:::1",
            "::ffff:10.0.0.1",
            ":",
            "1:",
            ":1",
            "1::2::3",
            "12:30:45",
            "1:2:3:4:5:6:7:8:9",
            "1:2:3:4:5:6:7:8::",
            "g::",
            "12345::",
        ] {
            assert_eq!(v4(none), None, "{none}");
        }
        assert_eq!(v4("::"), Some(Address::V6(0)));
        assert!(v4("1:2:3:4:5:6:7::").is_some());
    }

    #[test]
    fn families_do_not_mix() {
        let all_v4 = Cidr::parse("0.0.0.0/0").unwrap();
        let all_v6 = Cidr::parse("::/0").unwrap();
        let (v4, v6) = (Address::parse(b"192.0.2.1").unwrap(), Address::parse(b"2001:db8::1").unwrap());
        assert!(all_v4.contains(v4) && !all_v4.contains(v6) && all_v6.contains(v6) && !all_v6.contains(v4));
    }

    proptest! {
        #[test]
        fn usual_is_what_is_read_slowly(text in "[0-9]{1,4}(\\.[0-9]{1,3}){2,4}|[0-9.]{0,20}|[0-9.]{4,9}[0-9.:/a]{0,9}") {
            let usual = usual_v4(text.as_bytes());
            prop_assert!(usual.is_none() || usual == parse_v4(text.as_bytes()));
            let groups: Vec<&str> = text.split('.').collect();
            let is_usual = (8..16).contains(&text.len()) && groups.iter().all(|group| group.len() < 4);
            prop_assert!(!is_usual || usual == parse_v4(text.as_bytes()));
        }

        #[test]
        fn reads_what_the_standard_library_writes(v4 in any::<u32>(), v6 in any::<u128>(), zeros in any::<u128>(), bits in 0u32..128) {
            prop_assert_eq!(Address::parse(Ipv4Addr::from(v4).to_string().as_bytes()), Some(Address::V4(v4)));
            let v6 = v6 & zeros | 1 << 127;
            prop_assert_eq!(Address::parse(Ipv6Addr::from(v6).to_string().as_bytes()), Some(Address::V6(v6)));
            let cidr = Cidr::parse(&format!("{}/{bits}", Ipv6Addr::from(v6))).unwrap();
            prop_assert!(cidr.contains(Address::V6(v6)));
            let other = v6 ^ (1 << (127 - bits));
            prop_assert!(cidr.contains(Address::V6(v6 ^ u128::from(bits < 127))));
            prop_assert!(bits == 0 || !cidr.contains(Address::V6(v6 ^ (1 << (128 - bits)))));
            prop_assert!(cidr.contains(Address::V6(other)));
        }
    }
}
