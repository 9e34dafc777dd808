//! Keys of items: whose they are, and where in time.

use stockade_core::{Key, MatchId, Timestamp};

use crate::codec::{key_from, key_text};

/// What the sort key of a match begins with; sorts before [`BAN`].
pub(super) const MATCH: &str = "at#";
/// What the sort key of a ban begins with.
pub(super) const BAN: &str = "ban#";
/// What the partition key of matches and bans begins with.
const JAIL: &str = "jail#";

/// The partition of one key in one jail. A `#` in a jail's name is written so that the first one ends it.
pub(super) fn partition(jail: &str, key: &Key) -> String {
    let jail = jail.replace('%', "%25").replace('#', "%23");
    format!("{JAIL}{jail}#{}", key_text(key))
}

/// Reads what [`partition`] wrote.
pub(super) fn whose(partition: &str) -> Option<(String, Key)> {
    let (jail, key) = partition.strip_prefix(JAIL)?.split_once('#')?;
    Some((jail.replace("%23", "#").replace("%25", "%"), key_from(key).ok()?))
}

/// The place of a match: ordered by time, and a function of the match alone.
pub(super) fn place(time: Timestamp, id: MatchId) -> String {
    format!("{MATCH}{}#{:032x}", time_text(time), id.0)
}

/// Reads what [`place`] wrote.
pub(super) fn placed(place: &str) -> Option<(Timestamp, MatchId)> {
    let (time, id) = place.strip_prefix(MATCH)?.split_once('#')?;
    if (time.len(), id.len()) != (16, 32) {
        return None;
    }
    let id = u128::from_str_radix(id, 16).ok()?;
    Some((time_from(time)?, MatchId(id)))
}

/// A time as 16 hexadecimal digits that sort as times do, before the epoch as well.
pub(super) fn time_text(time: Timestamp) -> String {
    format!("{:016x}", time.as_millis().cast_unsigned() ^ SIGN)
}

fn time_from(text: &str) -> Option<Timestamp> {
    let biased = u64::from_str_radix(text, 16).ok()?;
    Some(Timestamp::from_millis((biased ^ SIGN).cast_signed()))
}

const SIGN: u64 = 1 << 63;

/// At most `max` bytes of a text, cut between two characters.
pub(super) fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_partition_is_of_one_key_in_one_jail(jail in ".*", name in ".*", other_jail in "[#%23a5]*", other in "[#@a]*") {
            for (jail, name) in [(&jail, &name), (&other_jail, &other)] {
                let key = Key::Name(name.as_str().into());
                prop_assert_eq!(whose(&partition(jail, &key)), Some((jail.clone(), key)));
            }
        }

        #[test]
        fn places_sort_as_times_do(a: i64, b: i64, id: u128) {
            let [first, second] = [a, b].map(|ms| place(Timestamp::from_millis(ms), MatchId(id)));
            prop_assert_eq!(first.cmp(&second), a.cmp(&b));
            prop_assert_eq!(placed(&first), Some((Timestamp::from_millis(a), MatchId(id))));
            prop_assert!(first.as_str() < BAN);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in ".*", hex in "at#[0-9a-f+é]{16}#[0-9a-f+é]{32}") {
            let _ = (whose(&text), placed(&text), placed(&hex), cut(&text, 7));
        }
    }

    #[test]
    fn an_address_is_written_as_it_is() {
        let key: Key = "203.0.113.7".parse().unwrap();
        assert_eq!(partition("sshd", &key), "jail#sshd#203.0.113.7");
        assert_eq!(partition("a#b%", &Key::name("root")), "jail#a%23b%25#@root");
        assert_eq!(time_text(Timestamp::from_secs(1_700_000_000)), "8000018bcfe56800");
    }
}
