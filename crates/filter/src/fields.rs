//! What the groups of a match say: whom it speaks against, and about which connection.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use ipnet::IpNet;
use stockade_core::{Key, parse_addr};

use crate::groups::{MAX_ID_PARTS, tuple_text};

/// What a group means, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// `<F-ID>`: the key itself, before any address.
    Id,
    /// An IPv4 address.
    Ip4,
    /// An IPv6 address.
    Ip6,
    /// A host name.
    Dns,
    /// The prefix length of a network.
    Cidr,
    /// `<F-USER>`.
    User,
    /// `<F-TUPLE_ID>` and its numbered companions: together with [`Field::Id`] they are the key.
    IdPart {
        /// Which of them it is.
        part: usize,
        /// How many there are.
        of: usize,
    },
    /// `<F-ALT_NAME>` and its numbered companions: the field where no other group has it.
    Alternate(Box<Field>),
    /// `<F-ALT_USER>` and its numbered companions: the user where no other group has one.
    AltUser,
    /// `<F-MLFID>`: which connection the line belongs to.
    ConnectionId,
    /// `<F-NOFAIL>`: a line that only helps.
    NoFail,
    /// `<F-MLFFORGET>`: the connection ends here.
    Forget,
    /// `<F-MLFGAINED>`: the connection succeeded.
    Gained,
    /// `<SKIPLINES>`: whole lines between those that belong together.
    Skipped,
    /// `<F-CONTENT>`: what the failregexes see.
    Content,
    /// Any other group.
    Other(Arc<str>),
}

impl Field {
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "fid" => Self::Id,
            "ip4" => Self::Ip4,
            "ip6" => Self::Ip6,
            "dns" => Self::Dns,
            "cidr" => Self::Cidr,
            "user" => Self::User,
            "mlfid" => Self::ConnectionId,
            "nofail" => Self::NoFail,
            "mlfforget" => Self::Forget,
            "mlfgained" => Self::Gained,
            "content" => Self::Content,
            name if name.starts_with("skiplines") => Self::Skipped,
            name if name.starts_with("alt_user") => Self::AltUser,
            other => Self::Other(other.into()),
        }
    }

    /// The name of the group in the regex.
    pub fn name(&self) -> &str {
        match self {
            Self::Id => "id",
            Self::IdPart { .. } => "tuple_id",
            Self::Alternate(field) => field.name(),
            Self::Ip4 => "ip4",
            Self::Ip6 => "ip6",
            Self::Dns => "dns",
            Self::Cidr => "cidr",
            Self::User => "user",
            Self::AltUser => "alt_user",
            Self::ConnectionId => "mlfid",
            Self::NoFail => "nofail",
            Self::Forget => "mlfforget",
            Self::Gained => "mlfgained",
            Self::Skipped => "skiplines",
            Self::Content => "content",
            Self::Other(name) => name,
        }
    }
}

/// The fields of one line that decide something. A field that matched nothing, or the empty text, is `None`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Captured<'t> {
    pub(crate) id: Option<&'t [u8]>,
    /// What makes a tuple of the id, and how many there are.
    pub(crate) id_parts: [Option<&'t [u8]>; MAX_ID_PARTS],
    pub(crate) id_parts_len: usize,
    pub(crate) ip4: Option<IpAddr>,
    pub(crate) ip6: Option<IpAddr>,
    pub(crate) cidr: Option<&'t [u8]>,
    pub(crate) dns: Option<&'t [u8]>,
    pub(crate) user: Option<&'t [u8]>,
    pub(crate) alt_user: Option<&'t [u8]>,
    pub(crate) connection: Option<&'t [u8]>,
    pub(crate) nofail: bool,
    pub(crate) forget: bool,
    pub(crate) gained: bool,
    /// An address was captured that is none: the line proves nothing.
    pub(crate) spoiled: bool,
}

impl<'t> Captured<'t> {
    /// Takes in one group. A later group of the same name replaces an earlier one.
    pub(crate) fn take(&mut self, field: &Field, text: &'t [u8], at: Range<usize>) {
        let Some(value) = text.get(at.clone()) else { return };
        if let Field::IdPart { part, of } = field {
            self.id_parts_len = *of;
            if let Some(place) = self.id_parts.get_mut(*part) {
                *place = Some(value);
            }
            return;
        }
        // A connection may be the one without a name.
        if value.is_empty() && *field != Field::ConnectionId {
            return;
        }
        match field {
            Field::Id => self.id = Some(value),
            Field::Alternate(field) if self.lacks(field) => self.take(field, text, at),
            Field::Ip4 | Field::Ip6 => {
                let addr = parse_addr(value).filter(|_| ends_there(text, at.end));
                self.spoiled |= addr.is_none();
                match field {
                    Field::Ip4 => self.ip4 = addr,
                    _ => self.ip6 = addr,
                }
            }
            Field::Dns => self.dns = Some(value),
            Field::Cidr => self.cidr = Some(value),
            Field::User => self.user = Some(value),
            Field::AltUser => self.alt_user = self.alt_user.or(Some(value)),
            Field::ConnectionId => self.connection = Some(value),
            Field::NoFail => self.nofail = true,
            Field::Forget => self.forget = true,
            Field::Gained => self.gained = true,
            Field::IdPart { .. } | Field::Alternate(_) => {}
            Field::Skipped | Field::Content | Field::Other(_) => {}
        }
    }

    /// Whether a field has no value yet.
    fn lacks(&self, field: &Field) -> bool {
        match field {
            Field::Id => self.id.is_none(),
            Field::Ip4 => self.ip4.is_none() && !self.spoiled,
            Field::Ip6 => self.ip6.is_none() && !self.spoiled,
            Field::Dns => self.dns.is_none(),
            Field::Cidr => self.cidr.is_none(),
            Field::ConnectionId => self.connection.is_none(),
            _ => true,
        }
    }

    /// The user, from wherever it was captured.
    pub(crate) fn user(&self) -> Option<&'t [u8]> {
        self.user.or(self.alt_user)
    }

    /// Whom the line speaks against.
    pub(crate) fn key(&self) -> Option<Key> {
        let mut who = Who::default();
        who.learn(self);
        who.key()
    }

    /// The id of several parts, as text.
    pub(crate) fn tuple(&self) -> Option<String> {
        let parts = self.id_parts.iter().take(self.id_parts_len);
        (self.id_parts_len > 0).then(|| tuple_text(std::iter::once(self.id).chain(parts.copied())))
    }
}

/// What is known of whom several lines are about. A later line replaces what it says itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Who {
    id: Option<Key>,
    ip4: Option<IpAddr>,
    ip6: Option<IpAddr>,
    /// The length of the prefix, where there is one; `None` inside where that is no number.
    bits: Option<Option<u8>>,
    name: Option<Key>,
}

impl Who {
    pub(crate) fn learn(&mut self, line: &Captured<'_>) {
        if let Some(tuple) = line.tuple() {
            self.id = Some(Key::name(&tuple));
        } else if let Some(id) = line.id {
            let text = String::from_utf8_lossy(id);
            // Often a client chose it: it may name one address, as in fail2ban, and never a whole network.
            self.id = Some(parse_addr(id).map_or_else(|| Key::name(&text), Key::addr));
        }
        // An address of another family is another address: who the line itself names is meant. (fail2ban keeps an IPv4
        // address that an earlier line named, and would count an IPv6 client's failure against it.)
        if line.ip4.is_some() || line.ip6.is_some() {
            (self.ip4, self.ip6, self.bits) = (line.ip4, line.ip6, None);
        }
        if let Some(cidr) = line.cidr {
            self.bits = Some(std::str::from_utf8(cidr).ok().and_then(|bits| bits.parse().ok()));
        }
        if let Some(name) = line.dns {
            self.name = Some(Key::name(&String::from_utf8_lossy(name)));
        }
    }

    /// The id, else the IPv4 address, else the IPv6 address, or the network of either, else the host name.
    pub(crate) fn key(&self) -> Option<Key> {
        if let Some(id) = &self.id {
            return Some(id.clone());
        }
        let Some(addr) = self.ip4.or(self.ip6) else { return self.name.clone() };
        match self.bits {
            None => Some(Key::addr(addr)),
            Some(bits) => IpNet::new(addr, bits?).ok().map(Key::net),
        }
    }
}

/// Whether an address that ends at `end` is not the beginning of a longer word: the `1.2.3.4` of
/// `1.2.3.4.example.org` is no address; in `1.2.3.4-5022;` a port follows.
fn ends_there(text: &[u8], end: usize) -> bool {
    let rest = text.get(end..).unwrap_or_default();
    match rest.split_first() {
        Some((b'-', port)) => {
            let digits = port.iter().take_while(|b| b.is_ascii_digit()).count();
            !goes_on(port.get(digits..).unwrap_or_default())
        }
        _ => !goes_on(rest),
    }
}

fn goes_on(rest: &[u8]) -> bool {
    let word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80;
    match rest {
        [b'.' | b'-', next, ..] => word(next),
        [next, ..] => word(next),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(fields: &[(&str, &str)]) -> Option<Key> {
        let text: String = fields.iter().map(|f| format!("{} ", f.1)).collect();
        let mut captured = Captured::default();
        let mut at = 0;
        for (name, value) in fields {
            captured.take(&Field::named(name), text.as_bytes(), at..at + value.len());
            at += value.len() + 1;
        }
        captured.key()
    }

    #[test]
    fn an_id_goes_before_an_address_and_an_address_before_a_name() {
        let all = [("ip4", "192.0.2.1"), ("dns", "host.example"), ("fid", "session-7")];
        assert_eq!(key(&all), Some(Key::name("session-7")));
        assert_eq!(key(&all[..2]), Some("192.0.2.1".parse().unwrap()));
        assert_eq!(key(&all[1..2]), Some(Key::name("host.example")));
        assert_eq!(key(&[("ip4", "192.0.2.9"), ("cidr", "24")]), Some("192.0.2.0/24".parse().unwrap()));
        assert_eq!(key(&[("ip4", "192.0.2.9"), ("cidr", "99")]), None);
        assert_eq!(key(&[("fid", "192.0.2.9")]), Some("192.0.2.9".parse().unwrap()));
        assert_eq!(
            key(&[("fid", "192.0.2.0/24")]),
            Some(Key::name("192.0.2.0/24")),
            "nobody bans a network by a name"
        );
    }

    #[test]
    fn part_of_a_longer_word_is_no_address() {
        for (text, wanted) in [
            ("192.0.2.1.example.org", false),
            ("192.0.2.1x", false),
            ("192.0.2.1.", true),
            ("192.0.2.1:80", true),
            ("192.0.2.1-80;", true),
            ("192.0.2.1-80.example.org", false),
            ("192.0.2.1-a", false),
        ] {
            let mut captured = Captured::default();
            captured.take(&Field::Ip4, text.as_bytes(), 0..9);
            assert_eq!(captured.ip4.is_some(), wanted, "{text}");
            assert_eq!(captured.spoiled, !wanted);
        }
    }
}
