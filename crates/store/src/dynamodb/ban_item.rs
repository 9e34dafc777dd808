//! Bans as items: one of each region, in the partition of its key.
//!
//! While the world has to be told or reminded of a ban, its item is in the index `bans` too, ordered by its end.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use stockade_core::ledger::LedgerBan;
use stockade_core::{BanRecord, Reason, Timestamp};

use super::item::{Item, number_of, text_of};
use super::text::{BAN, cut, time_text, whose};
use crate::codec::{reason_from, reason_text};

/// Over how many partitions the index is spread: one takes 1,000 writes a second.
pub(super) const SHARDS: u64 = 4;
/// The longest note of a person that is kept; the rest is cut.
const MAX_NOTE_BYTES: usize = 512;

/// The sort key of a region's ban.
pub(super) fn ban_place(region: &str) -> String {
    format!("{BAN}{region}")
}

/// The partition of the index that a ban is in. The hash is that of one version of Rust and one place of the item:
/// whoever lists bans asks all partitions.
pub(super) fn shard(region: &str, partition: &str) -> String {
    let mut hasher = DefaultHasher::new();
    partition.hash(&mut hasher);
    shard_name(region, hasher.finish() % SHARDS)
}

/// All partitions of the index.
pub(super) fn shards(region: &str) -> impl Iterator<Item = String> {
    (0..SHARDS).map(move |n| shard_name(region, n))
}

fn shard_name(region: &str, n: u64) -> String {
    format!("bans#{region}#{n}")
}

/// Where in the index a ban is: by its end.
pub(super) fn end_place(until: Timestamp, partition: &str) -> String {
    // A sort key has at most 1024 bytes; a partition key of ours is shorter.
    format!("{}#{partition}", time_text(until))
}

/// What is greater than the place of each ban that ends at `time` or before, and less than all others.
pub(super) fn after_end(time: Timestamp) -> String {
    format!("{}$", time_text(time))
}

/// When an item may go: `keep` after the end; never for a ban without end.
pub(super) fn gone(ban: &BanRecord, keep: Duration) -> Option<i64> {
    (ban.until != Timestamp::MAX).then(|| ban.until.plus(keep).as_secs())
}

/// A reason as text; a long note is cut.
pub(super) fn short_reason(reason: &Reason) -> String {
    let short = match reason {
        Reason::Manual { note } => Reason::Manual { note: cut(note, MAX_NOTE_BYTES).to_owned() },
        other => other.clone(),
    };
    // JSON of a derived type with text and numbers always can be written.
    reason_text(&short).unwrap_or_default()
}

/// The ban in an item.
pub(super) fn ban_from(item: &Item) -> Option<LedgerBan> {
    let (jail, key) = whose(text_of(item, "pk")?)?;
    Some(LedgerBan {
        record: BanRecord {
            jail: jail.into(),
            key,
            times: number_of(item, "times")?,
            since: Timestamp::from_millis(number_of(item, "since")?),
            until: Timestamp::from_millis(number_of(item, "until")?),
            live: is_live(item)?,
            reason: reason_from(text_of(item, "reason")?).ok()?,
        },
        version: number_of(item, "version")?,
        announced: number_of(item, "announced")?,
    })
}

fn is_live(item: &Item) -> Option<bool> {
    item.get("live").map(AttributeValue::as_bool)?.ok().copied()
}
