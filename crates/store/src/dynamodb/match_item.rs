//! Matches as items, each of at most [`MAX_ITEM_BYTES`], so that each costs one write unit.

use std::time::Duration;

use stockade_core::ledger::Past;
use stockade_core::ports::{StoreError, StoreErrorKind};
use stockade_core::{Key, Match};

use super::item::{Item, from_image, number, number_of, size, text, text_of, unreadable};
use super::text::{cut, partition, place, placed, whose};

/// The largest item of a match: a write unit covers 1024 bytes, and the size of numbers is only about known.
pub const MAX_ITEM_BYTES: usize = 1_000;
/// The longest partition key: a longer one would leave no room for the match.
const MAX_PARTITION_BYTES: usize = 560;
/// The longest user that is kept; the rest is cut.
const MAX_USER_BYTES: usize = 128;
/// The longest stream that is kept; the rest is cut.
const MAX_STREAM_BYTES: usize = 200;

/// The item of a match, which goes by itself `keep` after it happened.
pub(super) fn match_item(m: &Match, keep: Duration) -> Result<Item, StoreError> {
    let mut item = Item::from([
        ("pk".to_owned(), text(checked_partition(&m.jail, &m.key)?)),
        ("sk".to_owned(), text(place(m.time, m.id))),
        ("ttl".to_owned(), number(m.time.plus(keep).as_secs())),
        ("stream".to_owned(), text(cut(&m.stream, MAX_STREAM_BYTES))),
    ]);
    if m.count != 1 {
        item.insert("count".to_owned(), number(m.count));
    }
    if let Some(user) = &m.user {
        item.insert("user".to_owned(), text(cut(user, MAX_USER_BYTES)));
    }
    let room = MAX_ITEM_BYTES.saturating_sub(size(&item) + "line".len());
    item.insert("line".to_owned(), text(cut(&m.line, room)));
    Ok(item)
}

/// The partition of a key that is short enough to be one.
pub(super) fn checked_partition(jail: &str, key: &Key) -> Result<String, StoreError> {
    let partition = partition(jail, key);
    if partition.len() <= MAX_PARTITION_BYTES {
        return Ok(partition);
    }
    Err(StoreError {
        kind: StoreErrorKind::Other,
        message: format!(
            "cannot keep the key `{}…` of the jail `{}`: together they have {} bytes",
            cut(&key.to_string(), 40),
            cut(jail, 40),
            partition.len()
        ),
        hint: Some(format!("give the jail a shorter name; at most {MAX_PARTITION_BYTES} bytes have room")),
    })
}

/// What counts of the match in an item; `None` if it is no match.
pub(super) fn past_from(item: &Item) -> Option<Past> {
    let (time, id) = placed(text_of(item, "sk")?)?;
    let count = if item.contains_key("count") { number_of(item, "count")? } else { 1 };
    Some(Past { id, time, count })
}

/// The match in a record of the table's stream: its `NewImage`, as JSON.
///
/// User, stream and line are as they were kept, so they may be cut.
///
/// # Errors
/// If it is not the item of a match.
pub fn match_from_image(image: &serde_json::Value) -> Result<Match, StoreError> {
    let item = from_image(image);
    match_from(&item).ok_or_else(|| unreadable("match", &item))
}

fn match_from(item: &Item) -> Option<Match> {
    let Past { id, time, count } = past_from(item)?;
    let (jail, key) = whose(text_of(item, "pk")?)?;
    Some(Match {
        id,
        jail: jail.into(),
        key,
        time,
        count,
        user: text_of(item, "user").map(Into::into),
        stream: text_of(item, "stream")?.into(),
        line: text_of(item, "line")?.into(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stockade_core::{MatchId, Timestamp};

    use super::*;

    fn image(item: &Item) -> serde_json::Value {
        let attribute = |value: &aws_sdk_dynamodb::types::AttributeValue| match (value.as_s(), value.as_n()) {
            (Ok(text), _) => serde_json::json!({ "S": text }),
            (_, Ok(number)) => serde_json::json!({ "N": number }),
            _ => panic!("{value:?}"),
        };
        item.iter().map(|(name, value)| (name.clone(), attribute(value))).collect()
    }

    proptest! {
        #[test]
        fn every_match_fits_and_comes_back(
            (jail, key, id, time, count) in (".{0,20}", ".{0,60}", any::<u128>(), any::<i64>(), any::<u32>()),
            (user, stream, line) in (prop::option::of(".{0,200}"), ".{0,300}", ".{0,2000}"),
        ) {
            let m = Match {
                id: MatchId(id), jail: jail.into(), key: Key::name(&key), time: Timestamp::from_millis(time), count,
                user: user.map(Into::into), stream: stream.into(), line: line.into(),
            };
            let item = match_item(&m, Duration::from_secs(86_400)).unwrap();
            prop_assert!(size(&item) <= MAX_ITEM_BYTES);
            let back = match_from_image(&image(&item)).unwrap();
            prop_assert!(m.line.starts_with(&*back.line) && m.stream.starts_with(&*back.stream));
            prop_assert_eq!(back.user.is_some(), m.user.is_some());
            let uncut = Match { user: m.user.clone(), stream: m.stream.clone(), line: m.line.clone(), ..back };
            prop_assert_eq!(uncut, m);
        }
    }

    #[test]
    fn the_longest_of_everything_fits() {
        let long: String = "é".repeat(100_000);
        let m = Match {
            id: MatchId(u128::MAX),
            jail: "j".repeat(280).into(),
            key: Key::name(&long),
            time: Timestamp::MIN,
            count: u32::MAX,
            user: Some(long.as_str().into()),
            stream: long.as_str().into(),
            line: long.as_str().into(),
        };
        let item = match_item(&m, Duration::MAX).unwrap();
        assert!(size(&item) <= MAX_ITEM_BYTES, "{}", size(&item));
        let error = match_item(&Match { jail: long.into(), ..m }, Duration::ZERO).unwrap_err();
        assert!(error.message.contains("200263 bytes"), "{error}");
    }

    #[test]
    fn what_is_no_match_is_an_error() {
        for image in [
            serde_json::json!(null),
            serde_json::json!({"pk": {"S": "jail#sshd#192.0.2.1"}, "sk": {"S": "ban#"}}),
        ] {
            assert_eq!(match_from_image(&image).unwrap_err().kind, StoreErrorKind::Corrupt);
        }
    }
}
