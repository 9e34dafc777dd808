//! The few rules we need, as the kernel's expressions, byte for byte as nft writes them.

use stockade_core::ports::Protocol;

use super::names::{BASE_CHAIN, Family, SetKind, Slug, TABLE, fnv1a};
use super::uapi::{expr, msg, nl, proto, rule};
use super::wire::Writer;

/// The kind of user data under which a rule carries the hash of what it was made of; nft passes over it.
const UDATA_FINGERPRINT: u8 = 0x53;
/// `IPPROTO_TCP`.
const IPPROTO_TCP: u8 = 6;
/// `IPPROTO_UDP`.
const IPPROTO_UDP: u8 = 17;

/// One rule: its expressions, and by which it is known again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    expressions: Vec<u8>,
    fingerprint: u64,
}

impl Rule {
    /// `tcp dport 22 jump jail-sshd`, `udp dport 80-90 jump jail-sshd`.
    pub(super) fn jump_for_ports(protocol: Protocol, (low, high): (u16, u16), slug: &Slug) -> Self {
        Self::new(|w| {
            let number = match protocol {
                Protocol::Tcp => IPPROTO_TCP,
                Protocol::Udp => IPPROTO_UDP,
            };
            meta(w, expr::META_L4PROTO);
            compare(w, expr::CMP_EQ, &[number]);
            payload(w, expr::TRANSPORT_HEADER, 2, 2);
            if low == high {
                compare(w, expr::CMP_EQ, &low.to_be_bytes());
            } else {
                compare(w, expr::CMP_GTE, &low.to_be_bytes());
                compare(w, expr::CMP_LTE, &high.to_be_bytes());
            }
            jump(w, &slug.chain());
        })
    }

    /// `jump jail-sshd`.
    pub(super) fn jump_always(slug: &Slug) -> Self {
        Self::new(|w| jump(w, &slug.chain()))
    }

    /// `ip saddr @addr4-sshd counter drop`, `ip saddr & 255.255.255.0 @net4-24-sshd counter drop`.
    pub(super) fn drop_members(kind: SetKind, slug: &Slug) -> Self {
        Self::new(|w| {
            let SetKind { family, prefix } = kind;
            meta(w, expr::META_NFPROTO);
            compare(w, expr::CMP_EQ, &[family.nfproto()]);
            payload(w, expr::NETWORK_HEADER, family.source_offset(), family.address_bytes());
            if !kind.is_addresses() {
                keep_prefix(w, family, prefix);
            }
            expression(w, "lookup", |w| {
                w.text(expr::LOOKUP_SET, &kind.name(slug));
                w.u32(expr::LOOKUP_SREG, expr::REG_1);
            });
            expression(w, "counter", |w| {
                w.u64(expr::COUNTER_BYTES, 0);
                w.u64(expr::COUNTER_PACKETS, 0);
            });
            verdict(w, |w| w.u32(expr::VERDICT_CODE, expr::NF_DROP));
        })
    }

    fn new(fill: impl FnOnce(&mut Writer)) -> Self {
        let mut w = Writer::default();
        fill(&mut w);
        let expressions = w.as_bytes().to_vec();
        let fingerprint = fnv1a(&expressions);
        Self { expressions, fingerprint }
    }

    /// By which the rule is known again; another rule has another one.
    pub(super) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Asks for this rule at the end of a chain.
    pub(super) fn append_to(&self, w: &mut Writer, chain: &str) {
        w.message(msg::NEWRULE, nl::F_CREATE | nl::F_APPEND, proto::INET, |w| {
            w.text(rule::TABLE, TABLE);
            w.text(rule::CHAIN, chain);
            w.nest(rule::EXPRESSIONS, |w| w.append(&self.expressions));
            let mut udata = vec![UDATA_FINGERPRINT, 8];
            udata.extend_from_slice(&self.fingerprint.to_be_bytes());
            w.bytes(rule::USERDATA, &udata);
        });
    }
}

/// Asks for a chain to be emptied of its rules.
pub(super) fn clear_chain(w: &mut Writer, chain: &str) {
    w.message(msg::DELRULE, 0, proto::INET, |w| {
        w.text(rule::TABLE, TABLE);
        w.text(rule::CHAIN, chain);
    });
}

/// The fingerprint in a rule's user data; `None` for a rule that is not ours.
pub(super) fn fingerprint_in(udata: &[u8]) -> Option<u64> {
    let mut rest = udata;
    while let [kind, length, tail @ ..] = rest {
        let (value, after) = tail.split_at_checked(usize::from(*length))?;
        if *kind == UDATA_FINGERPRINT {
            return value.try_into().ok().map(u64::from_be_bytes);
        }
        rest = after;
    }
    None
}

fn expression(w: &mut Writer, name: &str, fill: impl FnOnce(&mut Writer)) {
    w.nest(super::uapi::elem::LIST_ELEM, |w| {
        w.text(expr::NAME, name);
        w.nest(expr::DATA, fill);
    });
}

fn meta(w: &mut Writer, key: u32) {
    expression(w, "meta", |w| {
        w.u32(expr::META_KEY, key);
        w.u32(expr::META_DREG, expr::REG_1);
    });
}

fn payload(w: &mut Writer, base: u32, offset: u32, length: u32) {
    expression(w, "payload", |w| {
        w.u32(expr::PAYLOAD_DREG, expr::REG_1);
        w.u32(expr::PAYLOAD_BASE, base);
        w.u32(expr::PAYLOAD_OFFSET, offset);
        w.u32(expr::PAYLOAD_LEN, length);
    });
}

fn compare(w: &mut Writer, operation: u32, with: &[u8]) {
    expression(w, "cmp", |w| {
        w.u32(expr::CMP_SREG, expr::REG_1);
        w.u32(expr::CMP_OP, operation);
        w.nest(expr::CMP_DATA, |w| w.bytes(expr::DATA_VALUE, with));
    });
}

fn keep_prefix(w: &mut Writer, family: Family, prefix: u8) {
    let all_ones = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
    let mask = all_ones.to_be_bytes();
    let length = usize::from(family.bits() / 8);
    expression(w, "bitwise", |w| {
        w.u32(expr::BITWISE_SREG, expr::REG_1);
        w.u32(expr::BITWISE_DREG, expr::REG_1);
        w.u32(expr::BITWISE_OP, expr::BITWISE_MASK_XOR);
        w.u32(expr::BITWISE_LEN, family.address_bytes());
        w.nest(expr::BITWISE_MASK, |w| w.bytes(expr::DATA_VALUE, mask.get(..length).unwrap_or_default()));
        w.nest(expr::BITWISE_XOR, |w| {
            w.bytes(expr::DATA_VALUE, [0; 16].get(..length).unwrap_or_default());
        });
    });
}

fn jump(w: &mut Writer, chain: &str) {
    verdict(w, |w| {
        w.u32(expr::VERDICT_CODE, expr::NFT_JUMP);
        w.text(expr::VERDICT_CHAIN, chain);
    });
}

fn verdict(w: &mut Writer, fill: impl FnOnce(&mut Writer)) {
    expression(w, "immediate", |w| {
        w.u32(expr::IMMEDIATE_DREG, expr::REG_VERDICT);
        w.nest(expr::IMMEDIATE_DATA, |w| w.nest(expr::DATA_VERDICT, fill));
    });
}

/// Ensures that the base chain cannot be taken for a jail's: those begin with `jail-`.
const _: () = assert!(!matches!(BASE_CHAIN.as_bytes(), [b'j', b'a', b'i', b'l', b'-', ..]));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_fingerprint_of_its_own() {
        let (a, b) = (Slug::of("a"), Slug::of("b"));
        let kind = |key: &str| SetKind::of(&key.parse().unwrap()).unwrap().0;
        let rules = [
            Rule::jump_always(&a),
            Rule::jump_always(&b),
            Rule::jump_for_ports(Protocol::Tcp, (22, 22), &a),
            Rule::jump_for_ports(Protocol::Udp, (22, 22), &a),
            Rule::jump_for_ports(Protocol::Tcp, (22, 23), &a),
            Rule::drop_members(kind("192.0.2.1"), &a),
            Rule::drop_members(kind("192.0.2.0/24"), &a),
            Rule::drop_members(kind("192.0.0.0/16"), &a),
            Rule::drop_members(kind("2001:db8::1"), &a),
        ];
        let fingerprints: std::collections::HashSet<u64> = rules.iter().map(Rule::fingerprint).collect();
        assert_eq!(fingerprints.len(), rules.len());
    }

    #[test]
    fn the_fingerprint_is_found_beside_a_comment_and_not_in_rubbish() {
        let mut udata = vec![0, 3, b'h', b'i', 0, UDATA_FINGERPRINT, 8];
        udata.extend_from_slice(&7_u64.to_be_bytes());
        assert_eq!(fingerprint_in(&udata), Some(7));
        assert_eq!(fingerprint_in(&udata[..udata.len() - 1]), None);
        assert_eq!(fingerprint_in(&[UDATA_FINGERPRINT, 1, 0]), None);
        assert_eq!(fingerprint_in(b"\0"), None);
        assert_eq!(fingerprint_in(b""), None);
    }
}
