//! Cloud-Fail2Ban's table: the matches of both systems count together while a fleet moves from one to the other.
//!
//! | attribute | |
//! |---|---|
//! | `Host` (S, partition) | the address |
//! | `MatchID` (S, sort) | uuid5 of the filter's uuid and the event id |
//! | `Filter` (S) | the path of the filter's Python class |
//! | `Timestamp`, `TTL` (N) | seconds; a day later it goes |
//! | `Source`, `EventID` (S) | the log stream and the event's id |
//!
//! Names and shapes are Cloud-Fail2Ban's, as its table has them.

use std::borrow::Cow;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use stockade_aws::Aws;
use stockade_core::ledger::{Past, Unwritten};
use stockade_core::ports::StoreError;
use stockade_core::{Key, Match, MatchId, Timestamp};
use uuid::Uuid;

use super::batch::{KeyNames, Write};
use super::item::{Item, from_image, number, number_of, text, text_of, unreadable};
use super::table::{AT_ONCE, Spent, Table};
use super::text::cut;

/// The key of the shared table.
pub(super) const SHARED_KEYS: KeyNames = ("Host", "MatchID");

/// The namespace of filters.
const FILTERS: Uuid = Uuid::from_u128(0xc1a8_20c0_5a1e_4d99_8234_1bdf_71ae_c514);
/// How long a match stays: every filter of Cloud-Fail2Ban keeps a day.
const KEPT_SECS: i64 = 86_400;
/// How many pages one question reads at most, of 1 MB each: about 15,000 matches of one address.
const MAX_PAGES: usize = 4;
/// The longest log stream and event id that are written; the rest is cut.
const MAX_TEXT_BYTES: usize = 512;

/// Stockade's filters and the classes that do the same in Cloud-Fail2Ban.
const PATHS: [(&str, &str); 4] = [
    ("sshd", "cloud_f2b.filters.auth.sshd.Sshd"),
    ("dovecot", "cloud_f2b.filters.syslog.dovecot.Dovecot"),
    ("postfix", "cloud_f2b.filters.syslog.postfix.Postfix"),
    ("roundcube", "cloud_f2b.filters.syslog.roundcube.Roundcube"),
];

/// The name of a filter in the shared table: the path of Cloud-Fail2Ban's class that does the same, or `stockade.` and
/// its name where there is none, which Cloud-Fail2Ban's jails do not count.
pub fn shared_filter_path(filter: &str) -> Cow<'static, str> {
    match PATHS.iter().find(|(name, _)| *name == filter) {
        Some((_, path)) => Cow::Borrowed(path),
        None => Cow::Owned(format!("stockade.{filter}")),
    }
}

/// The id of the match of a filter (`sshd`) in an event of a log stream, the same as Cloud-Fail2Ban gives it.
pub fn shared_id(filter: &str, event_id: &str) -> MatchId {
    MatchId(id_of(&shared_filter_path(filter), event_id).as_u128())
}

fn id_of(path: &str, event_id: &str) -> Uuid {
    Uuid::new_v5(&Uuid::new_v5(&FILTERS, path.as_bytes()), event_id.as_bytes())
}

/// A match with what the shared table wants to know of it.
#[derive(Clone, Copy, Debug)]
pub struct Shared<'a> {
    /// The match; its stream is the log stream.
    pub found: &'a Match,
    /// Stockade's filter: `sshd`.
    pub filter: &'a str,
    /// The event's id, if it has one; else the match's own id stands in, and is not written.
    pub event_id: Option<&'a str>,
}

/// What is asked about one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedQuestion {
    /// The key.
    pub key: Key,
    /// The filters whose matches count, by Stockade's names.
    pub filters: Vec<String>,
    /// Matches at this whole second or before do not count, as Cloud-Fail2Ban counts.
    pub since: Timestamp,
    /// At most so many matches are wanted.
    pub limit: u32,
}

/// A match of either system, from the shared table's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedMatch {
    /// The path of the filter's class.
    pub path: String,
    /// Stockade's filter that does the same, if there is one.
    pub filter: Option<String>,
    /// Whom it speaks against.
    pub key: Key,
    /// Its id.
    pub id: MatchId,
    /// When it happened.
    pub time: Timestamp,
}

/// Cloud-Fail2Ban's table.
#[derive(Clone, Debug)]
pub struct SharedTable {
    table: Table,
}

impl SharedTable {
    /// Asks nothing yet. `table` is usually `F2B`; what passes by itself is tried again for `patience`.
    pub fn new(aws: &Aws, table: &str, patience: Duration) -> Self {
        Self { table: Table::new(aws, table, patience) }
    }

    /// What this table cost so far.
    pub fn spent(&self) -> Spent {
        self.table.spent()
    }

    /// Writes matches of addresses; those of other keys are passed over, as Cloud-Fail2Ban bans nothing else.
    ///
    /// # Errors
    /// Which of them are not written, after all tries.
    pub fn remember(&mut self, matches: &[Shared<'_>]) -> Result<(), Unwritten> {
        let (ids, writes): (Vec<_>, Vec<_>) = matches
            .iter()
            .filter_map(|shared| Some((shared.found.id, Write::Put(shared_item(shared)?))))
            .unzip();
        let failed = self.table.block_on(self.table.write_all(SHARED_KEYS, writes));
        match failed.last() {
            None => Ok(()),
            Some((_, fault)) => Err(Unwritten {
                ids: failed.iter().filter_map(|(nth, _)| ids.get(*nth).copied()).collect(),
                error: fault.clone().into(),
            }),
        }
    }

    /// The matches of both systems, for each question in their order, newest first. Matches do not lie in the order of
    /// time here, so all of a key's day is read until as many are found as are asked for: of more, these need not be
    /// the newest, and there are enough to ban all the same.
    ///
    /// # Errors
    /// If one of them has no answer.
    pub fn recall(&mut self, questions: &[SharedQuestion]) -> Result<Vec<Vec<Past>>, StoreError> {
        self.table.block_on(
            futures_util::stream::iter(questions)
                .map(|question| self.answer(question))
                .buffered(AT_ONCE)
                .try_collect(),
        )
    }

    async fn answer(&self, question: &SharedQuestion) -> Result<Vec<Past>, StoreError> {
        let Key::Addr(address) = question.key else { return Ok(Vec::new()) };
        if question.filters.is_empty() {
            return Ok(Vec::new());
        }
        let tried = format!("ask the table `{}` about `{address}`", self.table.name);
        let mut query = self
            .table
            .client
            .query()
            .key_condition_expression("#host = :host")
            .expression_attribute_names("#host", "Host")
            .expression_attribute_names("#filter", "Filter")
            .expression_attribute_names("#time", "Timestamp")
            .expression_attribute_values(":host", text(address.to_string()))
            .expression_attribute_values(":since", number(question.since.as_secs()));
        let mut paths = Vec::new();
        // DynamoDB takes 100 values; a jail has a handful of filters.
        for (nth, filter) in question.filters.iter().take(90).enumerate() {
            let value = format!(":f{nth}");
            query = query.expression_attribute_values(&value, text(shared_filter_path(filter)));
            paths.push(value);
        }
        let query = query.filter_expression(format!("#filter IN ({}) AND #time > :since", paths.join(", ")));
        let limit = usize::try_from(question.limit).unwrap_or(usize::MAX);
        let (mut found, mut from) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let (items, next) = self.table.page(&tried, &query, true, from).await?;
            found.extend(items.iter().filter_map(past_from));
            from = next;
            if from.is_none() || found.len() >= limit {
                break;
            }
        }
        found.sort_by_key(|past: &Past| std::cmp::Reverse((past.time, past.id)));
        found.truncate(limit);
        Ok(found)
    }
}

/// The item of a match, if it is one of an address.
fn shared_item(shared: &Shared<'_>) -> Option<Item> {
    let Key::Addr(address) = shared.found.key else { return None };
    let path = shared_filter_path(shared.filter);
    let own_id = format!("{:032x}", shared.found.id.0);
    let event_id = shared.event_id.map(|id| cut(id, MAX_TEXT_BYTES));
    let secs = whole_secs(shared.found.time);
    let mut item = Item::from([
        ("Host".to_owned(), text(address.to_string())),
        ("MatchID".to_owned(), text(id_of(&path, shared.event_id.unwrap_or(&own_id)).to_string())),
        ("Filter".to_owned(), text(path)),
        ("Timestamp".to_owned(), number(secs)),
        ("TTL".to_owned(), number(secs.saturating_add(KEPT_SECS))),
    ]);
    if !shared.found.stream.is_empty() {
        item.insert("Source".to_owned(), text(cut(&shared.found.stream, MAX_TEXT_BYTES)));
    }
    if let Some(event_id) = event_id.filter(|id| !id.is_empty()) {
        item.insert("EventID".to_owned(), text(event_id));
    }
    Some(item)
}

/// Whole seconds as Python's `int(ms / 1000)` gives them: towards zero.
fn whole_secs(time: Timestamp) -> i64 {
    time.as_millis() / 1000
}

fn past_from(item: &Item) -> Option<Past> {
    let id = MatchId(Uuid::parse_str(text_of(item, "MatchID")?).ok()?.as_u128());
    Some(Past { id, time: Timestamp::from_secs(number_of(item, "Timestamp")?), count: 1 })
}

/// The match in a record of the shared table's stream: its `NewImage`, as JSON.
///
/// # Errors
/// If it is not the item of a match of an address.
pub fn shared_match_from_image(image: &serde_json::Value) -> Result<SharedMatch, StoreError> {
    let item = from_image(image);
    shared_match_from(&item).ok_or_else(|| unreadable("shared match", &item))
}

fn shared_match_from(item: &Item) -> Option<SharedMatch> {
    let Past { id, time, .. } = past_from(item)?;
    let path = text_of(item, "Filter")?;
    let filter = match PATHS.iter().find(|(_, of_class)| *of_class == path) {
        Some((name, _)) => Some((*name).to_owned()),
        None => path.strip_prefix("stockade.").map(str::to_owned),
    };
    // What is no address never becomes a key: it would end in a firewall.
    let key = text_of(item, "Host")?.parse().map(Key::addr).ok()?;
    Some(SharedMatch { path: path.to_owned(), filter, key, id, time })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched() -> Match {
        Match {
            id: MatchId(7),
            jail: "sshd".into(),
            key: "198.51.100.7".parse().unwrap(),
            time: Timestamp::from_millis(4_000_000_000_999),
            count: 3,
            user: Some("root".into()),
            stream: "web01".into(),
            line: "a line".into(),
        }
    }

    #[test]
    fn an_item_is_as_cloud_fail2ban_writes_it() {
        let event_id = "31953106606966983378809025079804211143289615424298221568";
        let found = matched();
        let item = shared_item(&Shared { found: &found, filter: "sshd", event_id: Some(event_id) }).unwrap();
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/shared_table/items.json")).unwrap();
        assert_eq!(item, from_image(&golden[0]));
        assert_eq!(past_from(&item).unwrap().id, shared_id("sshd", event_id));
    }

    #[test]
    fn what_is_not_known_is_not_written() {
        let found = Match { stream: "".into(), ..matched() };
        let item = shared_item(&Shared { found: &found, filter: "sshd", event_id: None }).unwrap();
        assert_eq!((item.get("Source"), item.get("EventID"), item.len()), (None, None, 5));
        let other = Match { id: MatchId(8), ..found };
        let other = shared_item(&Shared { found: &other, filter: "sshd", event_id: None }).unwrap();
        assert_ne!(item.get("MatchID"), other.get("MatchID"), "two matches are two items");
    }

    #[test]
    fn a_filter_of_ours_alone_has_a_name_that_no_jail_of_theirs_counts() {
        assert_eq!(shared_filter_path("nginx"), "stockade.nginx");
        assert_ne!(shared_id("nginx", "1"), shared_id("sshd", "1"));
    }
}
