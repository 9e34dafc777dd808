//! Netlink messages: written one behind another into one buffer, and read back out of one.
//!
//! A message is a 16-byte header in host order, nfnetlink's 4 bytes (family, version, resource), and attributes of
//! length, kind and value, each padded to 4 bytes.

use super::uapi::{nfnl, nl, proto};

/// netlink's header.
const HEADER_BYTES: usize = 16;
/// nfnetlink's header behind it.
const NFGEN_BYTES: usize = 4;
/// The header of an attribute: length and kind.
const ATTR_BYTES: usize = 4;
/// Where a header keeps its flags.
const FLAGS_AT: usize = 6;
/// Where a header keeps its sequence number.
const SEQ_AT: usize = 8;

/// Messages under construction, one behind another.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    /// Where each finished message ends.
    ends: Vec<usize>,
    /// Set once something did not fit its length field; such a buffer is never sent.
    too_long: bool,
}

impl Writer {
    /// Writes an nftables message; `fill` writes its attributes.
    pub(super) fn message(&mut self, kind: u8, flags: u16, family: u8, fill: impl FnOnce(&mut Self)) {
        let kind = (nfnl::SUBSYS_NFTABLES << 8) | u16::from(kind);
        self.raw_message(kind, nl::F_REQUEST | flags, family, 0, fill);
    }

    /// Writes the message that opens (or closes) a transaction.
    pub(super) fn batch_mark(&mut self, kind: u16) {
        self.raw_message(kind, nl::F_REQUEST, proto::UNSPEC, nfnl::SUBSYS_NFTABLES, |_| ());
    }

    fn raw_message(
        &mut self,
        kind: u16,
        flags: u16,
        family: u8,
        resource: u16,
        fill: impl FnOnce(&mut Self),
    ) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]); // the length, patched below
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&flags.to_ne_bytes());
        self.bytes.extend_from_slice(&[0; 8]); // sequence number (set when sent) and port (0: the kernel fills it in)
        let [high, low] = resource.to_be_bytes();
        self.bytes.extend_from_slice(&[family, 0, high, low]);
        fill(self);
        let end = self.bytes.len();
        match u32::try_from(end - start) {
            Ok(length) => patch(&mut self.bytes, start, &length.to_ne_bytes()),
            Err(_) => self.too_long = true,
        }
        self.ends.push(end);
    }

    /// Attributes that were written elsewhere.
    pub(super) fn append(&mut self, attributes: &[u8]) {
        self.bytes.extend_from_slice(attributes);
    }

    /// An attribute of raw bytes.
    pub(super) fn bytes(&mut self, kind: u16, value: &[u8]) {
        self.attr(kind, |w| w.bytes.extend_from_slice(value));
    }

    /// An attribute of a text, with the NUL that nft writes too.
    pub(super) fn text(&mut self, kind: u16, value: &str) {
        self.attr(kind, |w| {
            w.bytes.extend_from_slice(value.as_bytes());
            w.bytes.push(0);
        });
    }

    /// An attribute of a 32-bit number.
    pub(super) fn u32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// An attribute of a 64-bit number.
    pub(super) fn u64(&mut self, kind: u16, value: u64) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// An attribute that holds attributes.
    pub(super) fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) {
        self.attr(kind | nl::ATTR_NESTED, fill);
    }

    fn attr(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 2]); // the length, patched below
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        fill(self);
        match u16::try_from(self.bytes.len() - start) {
            Ok(length) => patch(&mut self.bytes, start, &length.to_ne_bytes()),
            Err(_) => self.too_long = true,
        }
        let padded = self.bytes.len().next_multiple_of(4);
        self.bytes.resize(padded, 0);
    }

    /// Forgets all that was written.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.too_long = false;
    }

    /// Adds the messages of another.
    pub(super) fn extend(&mut self, other: Self) {
        let offset = self.bytes.len();
        self.ends.extend(other.ends.iter().map(|end| end + offset));
        self.bytes.extend(other.bytes);
        self.too_long |= other.too_long;
    }

    /// Numbers the messages upward from `first_seq`.
    pub(super) fn number(&mut self, first_seq: u32) {
        let mut start = 0;
        let mut seq = first_seq;
        for end in &self.ends {
            patch(&mut self.bytes, start + SEQ_AT, &seq.to_ne_bytes());
            seq = seq.wrapping_add(1);
            start = *end;
        }
    }

    /// Asks for an answer to the message that begins at `start`, whichever way it goes.
    pub(super) fn want_ack(&mut self, start: usize) {
        let Some(&[low, high]) = self.bytes.get(start + FLAGS_AT..start + FLAGS_AT + 2) else { return };
        let flags = u16::from_ne_bytes([low, high]) | nl::F_ACK;
        patch(&mut self.bytes, start + FLAGS_AT, &flags.to_ne_bytes());
    }

    /// All that was written.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where each message ends, ascending.
    pub(super) fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// Whether something did not fit its length field.
    pub(super) fn is_too_long(&self) -> bool {
        self.too_long
    }

    /// Whether nothing was written.
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// Overwrites what was reserved earlier.
fn patch(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

/// One message as the kernel sent it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    /// The whole kind: subsystem and message, or one of netlink's own.
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) seq: u32,
    /// In a notification: the port whose request it tells of.
    pub(super) port: u32,
    /// What follows netlink's header.
    body: &'a [u8],
}

impl<'a> Message<'a> {
    /// The nftables message it is, if it is one.
    pub(super) fn nftables_kind(&self) -> Option<u8> {
        let [subsystem, kind] = self.kind.to_be_bytes();
        (u16::from(subsystem) == nfnl::SUBSYS_NFTABLES).then_some(kind)
    }

    /// The address family of an nftables message.
    pub(super) fn family(&self) -> Option<u8> {
        self.body.first().copied()
    }

    /// The attributes of an nftables message.
    pub(super) fn attrs(&self) -> Attrs<'a> {
        Attrs(self.body.get(NFGEN_BYTES..).unwrap_or_default())
    }

    /// The (positive) error number that an `ERROR` or `DONE` message carries; 0 for "done, well".
    pub(super) fn errno(&self) -> i32 {
        self.body.first_chunk().map_or(0, |code| i32::from_ne_bytes(*code).saturating_neg())
    }

    /// The nftables message that an `ERROR` message is about.
    pub(super) fn error_about(&self) -> Option<u8> {
        let &[low, high] = self.body.get(8..10)? else { return None };
        let [subsystem, kind] = u16::from_ne_bytes([low, high]).to_be_bytes();
        (u16::from(subsystem) == nfnl::SUBSYS_NFTABLES).then_some(kind)
    }
}

/// The messages in what one `recv` returned. Stops at the first that is not whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Messages<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let header: &[u8; HEADER_BYTES] = self.0.first_chunk()?;
        let [l0, l1, l2, l3, k0, k1, f0, f1, s0, s1, s2, s3, p0, p1, p2, p3] = *header;
        let length = usize::try_from(u32::from_ne_bytes([l0, l1, l2, l3])).ok()?;
        let body = self.0.get(HEADER_BYTES..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Message {
            kind: u16::from_ne_bytes([k0, k1]),
            flags: u16::from_ne_bytes([f0, f1]),
            seq: u32::from_ne_bytes([s0, s1, s2, s3]),
            port: u32::from_ne_bytes([p0, p1, p2, p3]),
            body,
        })
    }
}

/// Attributes, in their order. Stops at the first that is not whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attrs<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Attrs<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let &[l0, l1, k0, k1] = self.0.first_chunk()?;
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let value = self.0.get(ATTR_BYTES..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_ne_bytes([k0, k1]) & nl::ATTR_TYPE_MASK, value))
    }
}

impl<'a> Attrs<'a> {
    /// The first attribute of this kind.
    pub(super) fn get(mut self, kind: u16) -> Option<&'a [u8]> {
        self.find(|(k, _)| *k == kind).map(|(_, value)| value)
    }

    /// The attributes inside the first one of this kind; none if it is missing.
    pub(super) fn nested(self, kind: u16) -> Attrs<'a> {
        Attrs(self.get(kind).unwrap_or_default())
    }

    /// A 32-bit number.
    pub(super) fn u32(self, kind: u16) -> Option<u32> {
        self.get(kind)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// A text, up to its NUL.
    pub(super) fn text(self, kind: u16) -> Option<&'a str> {
        let value = self.get(kind)?;
        let end = value.iter().position(|b| *b == 0).unwrap_or(value.len());
        std::str::from_utf8(value.get(..end)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nftables::uapi::{msg, table};

    #[test]
    fn a_message_is_laid_out_as_nft_lays_it_out() {
        let mut w = Writer::default();
        w.message(msg::NEWTABLE, 0, proto::INET, |w| {
            w.text(table::NAME, "stockade");
            w.u32(table::FLAGS, 0);
            w.bytes(table::USERDATA, b"\x00\x06hello\x00");
        });
        w.number(1);
        // What `nft --debug=mnl add table inet stockade '{ comment "hello"; }'` shows.
        let mut golden = vec![56, 0, 0, 0, 0, 10, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
        golden.extend_from_slice(b"\x0d\0\x01\0stockade\0\0\0\0");
        golden.extend_from_slice(&[8, 0, 2, 0, 0, 0, 0, 0]);
        golden.extend_from_slice(b"\x0c\0\x06\0\0\x06hello\0");
        if cfg!(target_endian = "little") {
            assert_eq!(w.as_bytes(), golden);
        }
        assert_eq!(w.ends(), [56]);
    }

    #[test]
    fn what_is_written_is_read() {
        let mut w = Writer::default();
        w.batch_mark(nfnl::MSG_BATCH_BEGIN);
        w.message(msg::NEWSET, nl::F_CREATE, proto::INET, |w| {
            w.text(1, "odd");
            w.nest(2, |w| {
                w.u64(1, 7);
                w.u32(2, 8);
            });
        });
        w.number(u32::MAX);
        w.want_ack(w.ends()[0]);
        let messages: Vec<_> = Messages(w.as_bytes()).collect();
        assert_eq!(messages.len(), 2);
        assert_eq!((messages[0].kind, messages[0].seq), (nfnl::MSG_BATCH_BEGIN, u32::MAX));
        assert_eq!(messages[0].nftables_kind(), None);
        let set = messages[1];
        assert_eq!((set.nftables_kind(), set.family(), set.seq), (Some(msg::NEWSET), Some(proto::INET), 0));
        assert_eq!(set.flags, nl::F_REQUEST | nl::F_CREATE | nl::F_ACK);
        assert_eq!(set.attrs().text(1), Some("odd"));
        assert_eq!(set.attrs().nested(2).u32(2), Some(8));
        assert_eq!(set.attrs().nested(2).get(1), Some(&[0, 0, 0, 0, 0, 0, 0, 7][..]));
        assert_eq!(set.attrs().get(9), None);
    }

    #[test]
    fn what_does_not_fit_is_marked_and_not_wrapped() {
        let mut w = Writer::default();
        w.message(msg::NEWSET, 0, proto::INET, |w| w.bytes(1, &[0; 70_000]));
        assert!(w.is_too_long());
    }

    #[test]
    fn cut_or_false_lengths_end_the_reading() {
        let mut w = Writer::default();
        w.message(msg::NEWSET, 0, proto::INET, |w| w.text(1, "name"));
        let whole = w.as_bytes().to_vec();
        for cut in 0..whole.len() {
            assert_eq!(Messages(&whole[..cut]).count(), 0);
        }
        for length in [0_u32, 3, 15, u32::MAX] {
            let mut bad = whole.clone();
            bad[..4].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(Messages(&bad).count(), 0, "{length}");
        }
        assert_eq!(Attrs(&[3, 0, 1, 0, 9, 9, 9, 9]).count(), 0);
        assert_eq!(Attrs(&[9, 0, 1, 0, 9, 9, 9, 9]).count(), 0);
    }
}
