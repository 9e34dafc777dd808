//! Where evidence comes from: streams, positions in them, and matches.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Key, Timestamp};

/// The name of one ordered stream of records: a file's path, `journal`, `stdin`, a log group and stream.
pub type StreamName = Arc<str>;

/// Up to where a stream has been read, in the source's own terms.
///
/// The store keeps it as it is and hands it back at start; only the source that made it reads it. Positions are
/// committed together with the matches found before them, so after a crash each record is judged exactly once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Which stream.
    pub stream: StreamName,
    /// The incarnation of the stream: for a file its inode and a fingerprint of its first bytes, so that a rotated
    /// successor of the same name starts anew. Empty where a stream has one life.
    pub generation: String,
    /// The first byte, or the cursor, that has not been judged.
    pub offset: u64,
    /// Where to start reading again so that open connections are remembered: at most `offset`. Records between
    /// here and `offset` are read for their context only; what they prove was counted before.
    pub replay_from: u64,
    /// An opaque resume token where an offset does not say enough: the journal's cursor.
    pub cursor: Option<String>,
}

/// Tells one match from every other: a redelivered record gives the same id again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MatchId(pub u128);

/// 32 hexadecimal digits: many readers of JSON know no number of 128 bits.
impl Serialize for MatchId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", self.0))
    }
}

impl<'de> Deserialize<'de> for MatchId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

impl MatchId {
    /// The id of the match of `jail` in the record at `offset` of one incarnation of a stream.
    ///
    /// A 128-bit FNV-1a hash: stable across versions and machines, which a store needs and `std`'s hasher is not.
    pub fn derive(jail: &str, stream: &str, generation: &str, offset: u64, nth: u32) -> Self {
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013B;
        let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        let mut feed = |bytes: &[u8]| {
            for &byte in bytes {
                hash = (hash ^ u128::from(byte)).wrapping_mul(PRIME);
            }
        };
        for part in [jail, stream, generation] {
            feed(part.as_bytes());
            feed(&[0]);
        }
        feed(&offset.to_be_bytes());
        feed(&nth.to_be_bytes());
        Self(hash)
    }
}

/// Evidence: this record speaks against this key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// Its identity, the same however often the record is delivered.
    pub id: MatchId,
    /// The jail that counts it.
    pub jail: Arc<str>,
    /// Whom it speaks against.
    pub key: Key,
    /// When it happened, as the record says.
    pub time: Timestamp,
    /// How many times: more than one where the log says `message repeated N times`.
    pub count: u32,
    /// The user that was tried, if the filter captured one.
    pub user: Option<Box<str>>,
    /// The stream that the record came from.
    pub stream: StreamName,
    /// The record itself, invalid UTF-8 replaced, cut to [`crate::limits::MAX_EVIDENCE_BYTES`].
    pub line: Box<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_id_depends_on_every_part_and_on_nothing_else() {
        let base = MatchId::derive("sshd", "/var/log/auth.log", "7-a", 10, 0);
        assert_eq!(base, MatchId::derive("sshd", "/var/log/auth.log", "7-a", 10, 0));
        for other in [
            MatchId::derive("ssh", "d/var/log/auth.log", "7-a", 10, 0),
            MatchId::derive("sshd", "/var/log/auth.log", "7-b", 10, 0),
            MatchId::derive("sshd", "/var/log/auth.log", "7-a", 11, 0),
            MatchId::derive("sshd", "/var/log/auth.log", "7-a", 10, 1),
        ] {
            assert_ne!(base, other);
        }
    }

    /// The id is written into stores: a changed hash would count old matches again.
    #[test]
    fn a_match_id_stays_what_it_was() {
        assert_eq!(MatchId::derive("j", "s", "g", 1, 2).0, 0x49da5499dfcf36ec5e911f5b2eeabede);
    }
}
