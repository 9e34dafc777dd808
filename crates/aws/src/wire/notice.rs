//! One thing that is said of one key.

use std::sync::Arc;

use stockade_core::ledger::LedgerBan;
use stockade_core::{Key, MatchId, Timestamp};

use super::MAX_REASON_BYTES;

/// What is said of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// It is kept out.
    Ban {
        /// Until when; [`Timestamp::MAX`] for ever; `None` if the sender did not say, as Cloud-Fail2Ban does not: then
        /// whoever bans uses the jail's own time.
        until: Option<Timestamp>,
    },
    /// It is let in again.
    Unban,
}

/// One ban or unban as it is announced. What is `None` was not said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The jail.
    pub jail: Arc<str>,
    /// Whom it is about: an address or a network, never a name.
    pub key: Key,
    /// What is said of it.
    pub told: Told,
    /// When it became so: for a ban its beginning, for an unban its end. Where the message does not say, the time at
    /// which SNS took the message.
    pub at: Option<Timestamp>,
    /// The version of the ban in the store that announces it: a higher one is newer.
    pub version: Option<u64>,
    /// The how-manieth ban of this key in this jail.
    pub nth: Option<u32>,
    /// How many matches led to it.
    pub failures: Option<u32>,
    /// Why, for people.
    pub reason: Option<Arc<str>>,
    /// What logs of sender and receiver have in common, see [`Notice::id_of`].
    pub id: Option<Arc<str>>,
}

impl Notice {
    /// A ban of which nothing else is known.
    pub fn ban(jail: Arc<str>, key: Key, since: Timestamp, until: Timestamp) -> Self {
        Self::new(jail, key, Told::Ban { until: Some(until) }, since)
    }

    /// The end of a ban.
    pub fn unban(jail: Arc<str>, key: Key, at: Timestamp) -> Self {
        Self::new(jail, key, Told::Unban, at)
    }

    fn new(jail: Arc<str>, key: Key, told: Told, at: Timestamp) -> Self {
        let id = Some(Self::id_of(&jail, &key, at));
        Self { jail, key, told, at: Some(at), version: None, nth: None, failures: None, reason: None, id }
    }

    /// What a ledger remembers, as it is announced: a ban while it is live, else its end.
    pub fn of(ban: &LedgerBan) -> Self {
        let record = &ban.record;
        let (jail, key) = (Arc::clone(&record.jail), record.key.clone());
        let mut notice = if record.live {
            Self::ban(jail, key, record.since, record.until)
        } else {
            Self::unban(jail, key, record.until)
        };
        notice.id = Some(Self::id_of(&record.jail, &record.key, record.since));
        notice.version = Some(ban.version);
        notice.nth = Some(record.times);
        notice.failures = Some(record.reason.matches()).filter(|failures| *failures > 0);
        notice.because(&record.reason.to_string())
    }

    /// The same with a reason; what is longer than [`MAX_REASON_BYTES`] is cut, control characters become spaces.
    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        self.reason = tidy(reason);
        self
    }

    /// The id of a ban that began at `since`: 16 hexadecimal digits, the same wherever it is made.
    pub fn id_of(jail: &str, key: &Key, since: Timestamp) -> Arc<str> {
        let since = since.as_millis().cast_unsigned();
        let whole = MatchId::derive(jail, &key.to_string(), "ban", since, 0).0;
        format!("{:016x}", whole >> 64).into()
    }

    /// Whether this was said after `other`, which is about the same key and jail. SNS and SQS deliver in no order.
    ///
    /// Versions decide where both have one, else times. Of what is equal an unban comes after the ban that it ends and
    /// a longer ban after a shorter; a repetition is not newer. What says no time is newer: its sender repeats nothing.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        if let (Some(mine), Some(theirs)) = (self.version, other.version)
            && mine != theirs
        {
            return mine > theirs;
        }
        match (self.at, other.at) {
            (Some(mine), Some(theirs)) if mine != theirs => return mine > theirs,
            (Some(_), Some(_)) => {}
            _ => return true,
        }
        match (self.told, other.told) {
            (Told::Ban { until: mine }, Told::Ban { until: theirs }) => mine > theirs,
            (Told::Unban, Told::Ban { .. }) => true,
            (_, Told::Unban) => false,
        }
    }
}

/// A text for people as it may stand in an attribute: SNS takes neither empty ones nor control characters.
pub(super) fn tidy(text: &str) -> Option<Arc<str>> {
    let mut end = text.len().min(MAX_REASON_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    let text: String = text.chars().map(|c| if is_sendable(c) { c } else { ' ' }).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.into())
}

/// Whether SNS and SQS take it: the characters of XML, without the controls.
pub(super) fn is_sendable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn ban(since: i64, until: i64) -> Notice {
        Notice::ban("sshd".into(), "192.0.2.1".parse().unwrap(), at(since), at(until))
    }

    fn unban(when: i64) -> Notice {
        Notice::unban("sshd".into(), "192.0.2.1".parse().unwrap(), at(when))
    }

    #[test]
    fn later_news_are_newer_and_repetitions_are_not() {
        assert!(unban(20).is_newer_than(&ban(10, 20)));
        assert!(!ban(10, 20).is_newer_than(&unban(20)));
        assert!(unban(10).is_newer_than(&ban(10, 20)), "lifted in the same millisecond");
        assert!(!ban(10, 20).is_newer_than(&unban(10)));
        assert!(ban(30, 40).is_newer_than(&unban(20)));
        assert!(ban(10, 90).is_newer_than(&ban(10, 20)), "made longer");
        assert!(!ban(10, 20).is_newer_than(&ban(10, 20)));
        assert!(!ban(10, 20).is_newer_than(&ban(10, 90)));
    }

    #[test]
    fn versions_stand_above_clocks() {
        let versioned = |notice: Notice, version| Notice { version: Some(version), ..notice };
        assert!(versioned(ban(5, 9), 3).is_newer_than(&versioned(unban(20), 2)));
        assert!(!versioned(ban(50, 90), 1).is_newer_than(&versioned(unban(20), 2)));
        assert!(ban(50, 90).is_newer_than(&versioned(unban(20), 2)), "one of them has none");
        let silent = Notice { at: None, ..ban(0, 0) };
        assert!(silent.is_newer_than(&unban(20)));
    }

    #[test]
    fn texts_are_tidied() {
        assert_eq!(tidy("a\nb\0"), Some("a b".into()));
        assert_eq!(tidy(" \u{1b} "), None);
        assert_eq!(tidy(&"é".repeat(400)).map(|text| text.len()), Some(MAX_REASON_BYTES));
    }
}
