//! Whole gzip files in one step.
//!
//! libdeflate unpacks a file of 40 CloudTrail records three times as fast as any decoder that streams, but its Rust
//! interface does not say where a member ended, and forged records may stand in a second one. A member ends with its
//! length; where these four bytes occur once, that is its end. Where they occur twice, as in one file of a billion, the
//! caller takes a decoder that streams.

use libdeflater::{DecompressionError, Decompressor};
use memchr::memmem;

use super::limits::{MAX_WHOLE_BYTES, MAX_WHOLE_MEMBERS, MAX_WHOLE_PACKED_BYTES};

/// The header of a member, without what is optional.
const HEADER: usize = 10;
/// The first buffer: many files of CloudTrail fit.
const FIRST_BYTES: usize = 256 * 1024;

/// Unpacks small gzip files.
pub(super) struct Inflater {
    /// Made when the first file comes.
    decompressor: Option<Decompressor>,
    /// The longest text.
    max_bytes: usize,
}

impl Default for Inflater {
    fn default() -> Self {
        Self { decompressor: None, max_bytes: MAX_WHOLE_BYTES }
    }
}

impl Inflater {
    /// Unpacks all members into `text`, which only grows. Returns the length of what was unpacked and the number of
    /// members; `None` where a decoder that streams must look: at what is damaged, large or ambiguous.
    pub(super) fn unpack(&mut self, packed: &[u8], text: &mut Vec<u8>) -> Option<(usize, u64)> {
        if packed.len() > MAX_WHOLE_PACKED_BYTES {
            return None;
        }
        let last_length = packed.last_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes))?;
        grow(text, FIRST_BYTES.max(usize::try_from(last_length).ok()?.min(self.max_bytes)));
        let (mut rest, mut length, mut members) = (packed, 0, 0);
        while members == 0 || rest.iter().any(|byte| *byte != 0) {
            if members == MAX_WHOLE_MEMBERS {
                return None;
            }
            let unpacked = self.member(rest, text, length)?;
            rest = rest.get(only_end(rest, unpacked)?..)?;
            length += unpacked;
            members += 1;
        }
        Some((length, members))
    }

    /// Unpacks the first member to where `length` says. Returns how long it is.
    fn member(&mut self, packed: &[u8], text: &mut Vec<u8>, length: usize) -> Option<usize> {
        let decompressor = self.decompressor.get_or_insert_with(Decompressor::new);
        loop {
            let room = text.len();
            match decompressor.gzip_decompress(packed, text.get_mut(length..)?) {
                Ok(unpacked) => return Some(unpacked),
                Err(DecompressionError::InsufficientSpace) if room < self.max_bytes => {
                    grow(text, room.saturating_mul(4).min(self.max_bytes));
                }
                Err(_) => return None,
            }
        }
    }
}

/// Where the member ends that unpacked to so many bytes, if only one place can be it.
fn only_end(packed: &[u8], unpacked: usize) -> Option<usize> {
    let length = u32::try_from(unpacked).ok()?.to_le_bytes();
    let body = packed.get(HEADER..)?;
    let first = memmem::find(body, &length)?;
    match memmem::find(body.get(first + 1..)?, &length) {
        None => Some(HEADER + first + length.len()),
        Some(_) => None,
    }
}

fn grow(text: &mut Vec<u8>, length: usize) {
    if text.len() < length {
        text.resize(length, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(text).unwrap();
        gzip.finish().unwrap()
    }

    fn unpack(packed: &[u8]) -> Option<(Vec<u8>, u64)> {
        let mut text = Vec::new();
        let (length, members) = Inflater::default().unpack(packed, &mut text)?;
        text.truncate(length);
        Some((text, members))
    }

    #[test]
    fn files_of_one_and_of_several_members() {
        let long: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!(unpack(&gzip(&long)), Some((long.clone(), 1)));
        let two = [gzip(&long), gzip(b"forged")].concat();
        assert_eq!(unpack(&two), Some(([&long[..], b"forged"].concat(), 2)));
        assert_eq!(unpack(&[gzip(&long), vec![0; 512]].concat()), Some((long, 1)));
    }

    #[test]
    fn what_is_doubtful_is_left_to_others() {
        let text = b"The same text, so the same length.".repeat(9);
        assert_eq!(unpack(&gzip(&text).repeat(2)), None, "the first may end at either length");
        assert_eq!(unpack(&[gzip(&text), b"rest".to_vec()].concat()), None);
        let packed = gzip(&text);
        for end in (0..packed.len()).step_by(5) {
            assert_eq!(unpack(&packed[..end]), None, "cut at {end}");
        }
        let mut damaged = packed.clone();
        damaged[15] ^= 1;
        assert_eq!(unpack(&damaged), None);
        let members: Vec<u8> = (0..).take(17).flat_map(|n| gzip(&vec![b'x'; 1000 + n])).collect();
        assert_eq!(unpack(&members), None);
    }

    #[test]
    fn a_bomb_is_left_to_the_window() {
        const MAX: usize = 4 << 20;
        let bomb = gzip(&vec![b' '; MAX + 1]);
        assert!(bomb.len() < 10_000);
        let mut inflater = Inflater { max_bytes: MAX, ..Inflater::default() };
        let mut text = Vec::new();
        assert_eq!(inflater.unpack(&bomb, &mut text), None);
        assert_eq!(text.len(), MAX);
        assert_eq!(inflater.unpack(&gzip(&vec![b' '; MAX]), &mut text), Some((MAX, 1)));
        // The length at the end may lie, either way.
        let mut packed = gzip(&[b'x'; 1000]);
        let end = packed.len() - 4;
        packed[end..].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(unpack(&packed), None);
    }
}
