//! How values of the core are written into columns, and read back exactly; the same in every database.

use std::borrow::Cow;
use std::time::Duration;

use stockade_core::{Key, Reason, Timestamp, Verdict};

/// What stands before a name, so that a name which looks like an address is read back as a name.
const NAME_MARK: char = '@';

/// A column that does not hold what Stockade writes there.
#[derive(Debug, thiserror::Error)]
#[error("unreadable {what}: `{text}`")]
pub(crate) struct Unreadable {
    what: &'static str,
    text: String,
}

impl Unreadable {
    pub(crate) fn new(what: &'static str, text: &str) -> Self {
        /// Enough of a damaged value to recognise it in a message, in characters.
        const SHOWN: usize = 40;
        Self { what, text: text.chars().take(SHOWN).collect() }
    }
}

/// A value that has no form in a column.
#[derive(Debug, thiserror::Error)]
#[error("unwritable value: {0}")]
pub(crate) struct Unwritable(#[from] serde_json::Error);

pub(crate) fn key_text(key: &Key) -> String {
    match key {
        Key::Addr(_) | Key::Net(_) => key.to_string(),
        Key::Name(name) => format!("{NAME_MARK}{name}"),
    }
}

pub(crate) fn key_from(text: &str) -> Result<Key, Unreadable> {
    match text.strip_prefix(NAME_MARK) {
        Some(name) => Ok(Key::Name(name.into())),
        None => Key::parse_addr_or_net(text).ok_or_else(|| Unreadable::new("key", text)),
    }
}

/// A verdict's word and expiry. One that this version has no word for is written as JSON.
pub(crate) fn verdict_columns(verdict: &Verdict) -> Result<(Cow<'static, str>, Option<i64>), Unwritable> {
    Ok(match verdict {
        Verdict::Ban { until, extends: false } => ("ban".into(), Some(until.as_millis())),
        Verdict::Ban { until, extends: true } => ("extend".into(), Some(until.as_millis())),
        Verdict::Unban => ("unban".into(), None),
        Verdict::Notify => ("notify".into(), None),
        Verdict::Repair => ("repair".into(), None),
        other => (json(other)?.into(), None),
    })
}

pub(crate) fn verdict_from(word: &str, until: Option<i64>) -> Result<Verdict, Unreadable> {
    match (word, until) {
        ("ban", Some(until)) => Ok(Verdict::Ban { until: Timestamp::from_millis(until), extends: false }),
        ("extend", Some(until)) => Ok(Verdict::Ban { until: Timestamp::from_millis(until), extends: true }),
        ("unban", None) => Ok(Verdict::Unban),
        ("notify", None) => Ok(Verdict::Notify),
        ("repair", None) => Ok(Verdict::Repair),
        _ => serde_json::from_str(word).map_err(|_| Unreadable::new("verdict", word)),
    }
}

/// A reason: the usual one short (`5/600`, with nanoseconds behind a dot if there are any), all others as JSON.
pub(crate) fn reason_text(reason: &Reason) -> Result<String, Unwritable> {
    Ok(match reason {
        Reason::Threshold { matches, findtime } if findtime.subsec_nanos() == 0 => {
            format!("{matches}/{}", findtime.as_secs())
        }
        Reason::Threshold { matches, findtime } => {
            format!("{matches}/{}.{:09}", findtime.as_secs(), findtime.subsec_nanos())
        }
        other => json(other)?,
    })
}

pub(crate) fn reason_from(text: &str) -> Result<Reason, Unreadable> {
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|_| Unreadable::new("reason", text));
    }
    threshold(text).ok_or_else(|| Unreadable::new("reason", text))
}

fn threshold(text: &str) -> Option<Reason> {
    let (matches, findtime) = text.split_once('/')?;
    let (secs, nanos) = findtime.split_once('.').unwrap_or((findtime, "0"));
    let nanos: u32 = nanos.parse().ok()?;
    if nanos >= 1_000_000_000 {
        return None;
    }
    Some(Reason::Threshold {
        matches: matches.parse().ok()?,
        findtime: Duration::new(secs.parse().ok()?, nanos),
    })
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Unwritable> {
    Ok(serde_json::to_string(value)?)
}

/// Times as the zigzag varints of their differences: about 3 bytes each instead of 8.
pub(crate) fn times_blob(times: &[Timestamp]) -> Vec<u8> {
    let mut blob = Vec::with_capacity(6 + times.len() * 3);
    let mut last = 0_i64;
    for time in times {
        let step = time.as_millis().wrapping_sub(last);
        last = time.as_millis();
        let mut rest = ((step << 1) ^ (step >> 63)).cast_unsigned();
        while rest >= 0x80 {
            blob.push(low_bits(rest) | 0x80);
            rest >>= 7;
        }
        blob.push(low_bits(rest));
    }
    blob
}

pub(crate) fn times_from(blob: &[u8]) -> Result<Vec<Timestamp>, Unreadable> {
    let bad = || Unreadable::new("times", &format!("{} bytes", blob.len()));
    let mut times = Vec::with_capacity(blob.iter().filter(|b| **b < 0x80).count());
    let (mut last, mut value, mut shift) = (0_i64, 0_u64, 0_u32);
    for &byte in blob {
        if shift > 63 {
            return Err(bad());
        }
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            let step = (value >> 1).cast_signed() ^ -((value & 1).cast_signed());
            last = last.wrapping_add(step);
            times.push(Timestamp::from_millis(last));
            (value, shift) = (0, 0);
        }
    }
    if shift == 0 { Ok(times) } else { Err(bad()) }
}

fn low_bits(value: u64) -> u8 {
    u8::try_from(value & 0x7f).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn times_survive_whatever_their_order(times in prop::collection::vec(any::<i64>(), 0..20)) {
            let times: Vec<_> = times.into_iter().map(Timestamp::from_millis).collect();
            prop_assert_eq!(times_from(&times_blob(&times)).unwrap(), times);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(blob in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = times_from(&blob);
        }

        #[test]
        fn a_name_is_read_back_as_that_name(name in ".*") {
            let key = Key::Name(name.into());
            prop_assert_eq!(key_from(&key_text(&key)).unwrap(), key);
        }

        #[test]
        fn a_threshold_survives(matches: u32, secs: u64, nanos in 0_u32..1_000_000_000) {
            let reason = Reason::Threshold { matches, findtime: Duration::new(secs, nanos) };
            prop_assert_eq!(reason_from(&reason_text(&reason).unwrap()).unwrap(), reason);
        }
    }

    #[test]
    fn a_name_that_looks_like_an_address_stays_a_name() {
        let name = Key::Name("192.0.2.1".into());
        assert_eq!(key_from(&key_text(&name)).unwrap(), name);
        let addr: Key = "192.0.2.1".parse().unwrap();
        assert_ne!(key_text(&name), key_text(&addr));
        assert_eq!(key_from("192.0.2.1").unwrap(), addr);
    }

    #[test]
    fn what_stockade_never_wrote_is_an_error() {
        assert!(key_from("root").is_err());
        assert!(reason_from("five").is_err());
        assert!(reason_from("5/600.9999999999").is_err());
        assert!(reason_from("{\"why\":\"no such\"}").is_err());
        assert!(verdict_from("ban", None).is_err());
        assert!(times_from(&[0x80]).is_err());
    }

    #[test]
    fn a_minute_apart_costs_three_bytes() {
        let times: Vec<_> = (0..5).map(|i| Timestamp::from_secs(1_700_000_000 + 60 * i)).collect();
        assert_eq!(times_blob(&times).len(), 6 + 4 * 3);
    }
}
