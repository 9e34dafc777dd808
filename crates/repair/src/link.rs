//! Links that approve a repair: a word, the repair's id and an end, signed.
//!
//! A link is as good as the person who holds it, so it says what it may do and nothing else, ends with the approval it
//! is for, and works once, because an approval does.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use stockade_core::Timestamp;

use crate::json::hex;

/// What links are signed with.
#[derive(Clone)]
pub struct LinkKey(Vec<u8>);

/// What a link may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Approve the repair.
    Approve,
    /// Refuse it.
    Refuse,
}

impl Verb {
    /// Its name in links and commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Refuse => "refuse",
        }
    }
}

/// What a valid link says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What to do.
    pub verb: Verb,
    /// With which repair.
    pub id: String,
    /// Until when it is valid.
    pub until: Timestamp,
}

/// Why a link is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadLink {
    /// It is not one of ours, or was changed.
    #[error("the link is not valid")]
    Forged,
    /// Its time is over.
    #[error("the link's time is over")]
    Over,
}

/// The key is shorter than this: it could be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key for links is shorter than {} bytes: {length}", LinkKey::MIN_BYTES)]
pub struct ShortKey {
    /// Its length in bytes.
    pub length: usize,
}

impl LinkKey {
    /// The least length of a key, in bytes.
    pub const MIN_BYTES: usize = 32;
    /// A longer token is none.
    pub const MAX_TOKEN: usize = 256;
    /// By which name a token stands in an address.
    pub const PARAMETER: &'static str = "answer";

    /// A key of random bytes.
    ///
    /// # Errors
    /// If it is too short.
    pub fn new(key: &[u8]) -> Result<Self, ShortKey> {
        if key.len() < Self::MIN_BYTES { Err(ShortKey { length: key.len() }) } else { Ok(Self(key.to_vec())) }
    }

    /// The token of a link: letters, digits, dots and dashes.
    pub fn sign(&self, link: &Link) -> String {
        let said = format!("v1.{}.{}.{}", link.verb.name(), link.id, link.until.as_secs());
        let signature = self.mac(&said).map(|mac| hex(&mac.finalize().into_bytes())).unwrap_or_default();
        format!("{said}.{signature}")
    }

    /// The address of a link, for whoever answers at `base`.
    pub fn address(&self, base: &str, link: &Link) -> String {
        format!("{base}?{}={}", Self::PARAMETER, self.sign(link))
    }

    /// The token in what was copied out of a notice: a whole address, or the token alone.
    pub fn token_of(copied: &str) -> &str {
        let copied = copied.trim().trim_matches(['<', '>']);
        let query = copied.split_once('?').map_or("", |(_, query)| query);
        let named = query.split('&').find_map(|pair| pair.strip_prefix(Self::PARAMETER)?.strip_prefix('='));
        named.unwrap_or(copied)
    }

    /// What a token says, if it is valid now.
    ///
    /// # Errors
    /// If it is not.
    pub fn open(&self, token: &str, now: Timestamp) -> Result<Link, BadLink> {
        if token.len() > Self::MAX_TOKEN {
            return Err(BadLink::Forged);
        }
        let (said, signature) = token.rsplit_once('.').ok_or(BadLink::Forged)?;
        let signature = unhex(signature).ok_or(BadLink::Forged)?;
        let mac = self.mac(said).ok_or(BadLink::Forged)?;
        mac.verify_slice(&signature).map_err(|_| BadLink::Forged)?;
        let mut parts = said.split('.');
        let (Some("v1"), Some(verb), Some(id), Some(until), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(BadLink::Forged);
        };
        let verb = match verb {
            "approve" => Verb::Approve,
            "refuse" => Verb::Refuse,
            _ => return Err(BadLink::Forged),
        };
        let until = Timestamp::from_secs(until.parse().map_err(|_| BadLink::Forged)?);
        if now >= until { Err(BadLink::Over) } else { Ok(Link { verb, id: id.to_owned(), until }) }
    }

    fn mac(&self, said: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(said.as_bytes());
        Some(mac)
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey(…)")
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits?;
    if digits.len() % 2 != 0 {
        return None;
    }
    digits.chunks(2).map(|two| u8::try_from(two.first()? * 16 + two.get(1)?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> LinkKey {
        LinkKey::new(&[7; 32]).unwrap()
    }

    #[test]
    fn a_link_says_what_was_signed_until_its_end() {
        let link = Link { verb: Verb::Approve, id: "p01-abc".into(), until: Timestamp::from_secs(100) };
        let token = key().sign(&link);
        assert_eq!(key().open(&token, Timestamp::from_secs(99)), Ok(link));
        assert_eq!(key().open(&token, Timestamp::from_secs(100)), Err(BadLink::Over));
    }

    #[test]
    fn nothing_of_it_can_be_changed() {
        let link = Link { verb: Verb::Refuse, id: "p01-abc".into(), until: Timestamp::from_secs(100) };
        let token = key().sign(&link);
        let now = Timestamp::from_secs(1);
        for (from, to) in [("refuse", "approve"), ("p01", "p02"), ("100", "999"), ("v1", "v2"), (".", "")] {
            assert_eq!(key().open(&token.replacen(from, to, 1), now), Err(BadLink::Forged), "{from}");
        }
        for token in
            ["", "x", "a.b", "v1.approve.x.9.", &"a".repeat(10_000), "v1.approve.x.9.zz", "v1.approve.x.9.é"]
        {
            assert_eq!(key().open(token, now), Err(BadLink::Forged), "{token}");
        }
        let other = LinkKey::new(&[8; 32]).unwrap();
        assert_eq!(other.open(&token, now), Err(BadLink::Forged));
        assert_eq!(LinkKey::new(&[7; 31]).unwrap_err(), ShortKey { length: 31 });
    }
}
