//! A log of changes in one partition: each record whole or not at all, in one order, whoever writes.
//!
//! | `sk` | |
//! |---|---|
//! | `head` | which snapshot holds, and up to which record it goes |
//! | `log#` number | one change; a large one in parts |
//! | `part#` number `#` token `#` nth | a part of a change |
//! | `snap#` number `#` token `#` nth | a part of a snapshot of everything |
//!
//! A record is there when its one item is: it is put on the condition that its number is free, after its parts. Parts
//! without a record mean nothing. Whoever finds the number taken reads what the other wrote and takes the next one, so
//! two processes of one host may write side by side, though they should not.
//!
//! A try whose answer never came may have worked. Its caller was told that it failed, so the next record cancels it.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure};
use stockade_aws::{Fault, FaultKind};
use stockade_core::ports::{StoreError, StoreErrorKind};

use super::KEYS;
use super::batch::Write;
use super::item::{Item, number, number_of, text, text_of, unreadable};
use super::table::{Table, random};

/// The most that one item holds of a change or a snapshot. DynamoDB takes 400 KB; what is smaller is sooner repeated.
const PART_BYTES: usize = 32 << 10;
/// How many times a number is found taken, or the log changed while it was read, before that is an error.
const TRIES: u32 = 50;
/// The layout that this version writes.
const LAYOUT: u64 = 1;

/// The log of one host.
#[derive(Debug)]
pub(super) struct HostLog {
    pub(super) table: Table,
    pub(super) partition: String,
    /// The snapshot that holds.
    pub(super) head: Head,
    /// The last record that was read or written.
    pub(super) last: u64,
    /// Records and bytes since the snapshot.
    pub(super) records: u64,
    pub(super) bytes: usize,
    /// Tokens of records that may be there, and of which the caller was told that they are not.
    uncertain: HashSet<String>,
}

/// Which snapshot holds. By default none, from before the first record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// The last record in it.
    pub(super) last: u64,
    pub(super) token: String,
    pub(super) parts: usize,
}

/// What was read anew: everything, or what came since.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Whether what is known must be forgotten first.
    pub(super) anew: bool,
    /// The snapshot, if there is one and it was read.
    pub(super) snapshot: Option<Vec<u8>>,
    /// Changes, in their order.
    pub(super) changes: Vec<Vec<u8>>,
}

/// What became of one try to append.
pub(super) enum Appended {
    Yes,
    /// Others wrote meanwhile: this must be taken in first, then tried again.
    After(Read),
}

struct Record {
    number: u64,
    token: String,
    cancels: Vec<String>,
    data: Vec<u8>,
}

impl HostLog {
    /// Reads nothing yet.
    pub(super) fn new(table: Table, host: &str) -> Self {
        Self {
            table,
            partition: format!("host#{host}"),
            head: Head::default(),
            last: 0,
            records: 0,
            bytes: 0,
            uncertain: HashSet::new(),
        }
    }

    /// Everything: the snapshot and all that came after it.
    pub(super) async fn read_all(&mut self) -> Result<Read, StoreError> {
        for _ in 0..TRIES {
            let head = self.read_head().await?;
            let snapshot = match head.parts {
                0 => None,
                _ => match self.read_parts(&snapshot_place(&head), head.parts).await? {
                    Some(snapshot) => Some(snapshot),
                    None => continue,
                },
            };
            let Some(records) = self.read_records(head.last).await? else { continue };
            // Whoever makes a snapshot takes the head first and records away after that: with the same head as before,
            // nothing was missed.
            if self.read_head().await? != head {
                continue;
            }
            (self.last, self.records, self.bytes) = (head.last, 0, 0);
            self.head = head;
            let changes = self.take_in(records);
            return Ok(Read { anew: true, snapshot, changes });
        }
        Err(self.busy("read"))
    }

    /// What others wrote since.
    pub(super) async fn read_on(&mut self) -> Result<Read, StoreError> {
        if self.read_head().await? != self.head {
            return self.read_all().await;
        }
        let Some(records) = self.read_records(self.last).await? else { return self.read_all().await };
        if self.read_head().await? != self.head {
            return self.read_all().await;
        }
        let tokens: HashSet<&str> = records.iter().map(|record| record.token.as_str()).collect();
        if records.iter().flat_map(|record| &record.cancels).any(|token| !tokens.contains(token.as_str())) {
            // What is cancelled may have been taken in here.
            return self.read_all().await;
        }
        let changes = self.take_in(records);
        Ok(Read { changes, ..Read::default() })
    }

    /// Appends a change, if nobody else wrote since. After an error it is not there, or will be cancelled.
    pub(super) async fn append(&mut self, change: &[u8]) -> Result<Appended, StoreError> {
        let tried = self.tried("write to");
        let number = self.last + 1;
        let token = token();
        let mut item = self.item(record_place(number), &token);
        if change.len() <= PART_BYTES {
            item.insert("data".into(), AttributeValue::B(Blob::new(change)));
        } else {
            let parts = self.write_parts(&part_place(number, &token), change).await?;
            item.insert("parts".into(), super::item::number(parts));
        }
        if !self.uncertain.is_empty() {
            item.insert("cancels".into(), AttributeValue::Ss(self.uncertain.iter().cloned().collect()));
        }
        let put = self.put(item).condition_expression("attribute_not_exists(pk)");
        let outcome = match self.put_once(&tried, &put, &token).await {
            Ok(false) => return Ok(Appended::After(self.read_on().await?)),
            // A number below the snapshot's is free again, and what is put there is not read.
            Ok(true) => self.read_head().await.map(|head| head.last < number),
            Err(fault) => Err(fault.into()),
        };
        match outcome {
            Ok(true) => {
                self.uncertain.clear();
                (self.last, self.records, self.bytes) = (number, self.records + 1, self.bytes + change.len());
                Ok(Appended::Yes)
            }
            Ok(false) => Ok(Appended::After(self.read_all().await?)),
            Err(error) => {
                self.uncertain.insert(token);
                Err(error)
            }
        }
    }

    /// The changes in records that follow what was read; those whose callers were told otherwise are passed over.
    fn take_in(&mut self, records: Vec<Record>) -> Vec<Vec<u8>> {
        let cancelled: HashSet<String> = records.iter().flat_map(|record| record.cancels.clone()).collect();
        let mut changes = Vec::new();
        for record in records {
            self.last = record.number;
            self.records += 1;
            self.bytes += record.data.len();
            if !cancelled.contains(&record.token) && !self.uncertain.contains(&record.token) {
                changes.push(record.data);
            }
        }
        changes
    }

    /// The records after a number; `None` if one is missing, as it is when a snapshot was made meanwhile.
    async fn read_records(&self, after: u64) -> Result<Option<Vec<Record>>, StoreError> {
        let range = (record_place(after.saturating_add(1)), record_place(u64::MAX));
        let mut records = Vec::new();
        for item in self.range(&range, false).await? {
            let record = self.record_of(&item).await?;
            match record {
                Some(record) if record.number == after + 1 + records.len() as u64 => records.push(record),
                _ => return Ok(None),
            }
        }
        Ok(Some(records))
    }

    async fn record_of(&self, item: &Item) -> Result<Option<Record>, StoreError> {
        let bad = || unreadable("record", item);
        let number =
            text_of(item, "sk").and_then(|sk| sk.strip_prefix("log#")?.parse().ok()).ok_or_else(bad)?;
        let token = text_of(item, "token").ok_or_else(bad)?.to_owned();
        let cancels = item.get("cancels").and_then(|value| value.as_ss().ok()).cloned().unwrap_or_default();
        let data = match item.get("data").map(AttributeValue::as_b) {
            Some(Ok(data)) => Some(data.as_ref().to_vec()),
            _ => {
                let parts = number_of(item, "parts").ok_or_else(bad)?;
                self.read_parts(&part_place(number, &token), parts).await?
            }
        };
        Ok(data.map(|data| Record { number, token, cancels, data }))
    }

    pub(super) async fn read_head(&self) -> Result<Head, StoreError> {
        let tried = self.tried("read");
        let request = self
            .table
            .client
            .get_item()
            .table_name(&*self.table.name)
            .key("pk", text(&self.partition))
            .key("sk", text("head"))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = self
            .table
            .patiently(|| async { request.clone().send().await.map_err(|error| Fault::of(&tried, &error)) })
            .await?;
        self.table.note(|spent| spent.read_units_by_size += 1.0);
        let Some(item) = answer.item else { return Ok(Head::default()) };
        if number_of(&item, "layout").is_none_or(|layout: u64| layout > LAYOUT) {
            return Err(StoreError {
                kind: StoreErrorKind::TooNew,
                message: format!(
                    "cannot read `{}` in the table `{}`: a newer Stockade wrote it",
                    self.partition, self.table.name
                ),
                hint: Some("start the Stockade that wrote it, or name another table".into()),
            });
        }
        let head = (|| {
            Some(Head {
                last: number_of(&item, "last")?,
                token: text_of(&item, "token")?.to_owned(),
                parts: number_of(&item, "parts")?,
            })
        })();
        head.ok_or_else(|| unreadable("head", &item))
    }

    /// Puts a new head in the place of the one that holds. `false` if another holds by now.
    pub(super) async fn put_head(&self, head: &Head) -> Result<bool, StoreError> {
        let mut item = self.item("head".into(), &head.token);
        item.insert("layout".into(), number(LAYOUT));
        item.insert("last".into(), number(head.last));
        item.insert("parts".into(), number(head.parts));
        let put = match self.head.parts {
            0 => self.put(item).condition_expression("attribute_not_exists(pk)"),
            _ => self
                .put(item)
                .condition_expression("#token = :old")
                .expression_attribute_names("#token", "token")
                .expression_attribute_values(":old", text(&self.head.token)),
        };
        Ok(self.put_once(&self.tried("write to"), &put, &head.token).await?)
    }

    /// Writes data in parts and returns how many.
    pub(super) async fn write_parts(&self, place: &str, data: &[u8]) -> Result<usize, StoreError> {
        let writes: Vec<Write> = data
            .chunks(PART_BYTES)
            .enumerate()
            .map(|(nth, part)| {
                let mut item = self.item(format!("{place}{nth:06}"), "");
                item.remove("token");
                item.insert("data".into(), AttributeValue::B(Blob::new(part)));
                Write::Put(item)
            })
            .collect();
        let parts = writes.len();
        match self.table.write_all(KEYS, writes).await.pop() {
            None => Ok(parts),
            Some((_, fault)) => Err(fault.into()),
        }
    }

    /// The data in its parts; `None` if one is missing.
    async fn read_parts(&self, place: &str, parts: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let items = self.range(&(place.to_owned(), format!("{place}~")), false).await?;
        let data = items.iter().filter_map(|item| item.get("data")?.as_b().ok());
        let data: Vec<u8> = data.flat_map(AsRef::<[u8]>::as_ref).copied().collect();
        Ok((items.len() == parts).then_some(data))
    }

    /// All items in a range of places, or only their keys.
    pub(super) async fn range(&self, range: &(String, String), keys: bool) -> Result<Vec<Item>, StoreError> {
        let tried = self.tried("read");
        let query = self
            .table
            .client
            .query()
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", text(&self.partition))
            .expression_attribute_values(":from", text(&range.0))
            .expression_attribute_values(":to", text(&range.1));
        let query = if keys { query.projection_expression("pk, sk") } else { query };
        let (mut all, mut from) = (Vec::new(), None);
        loop {
            let (items, next) = self.table.page(&tried, &query, true, from).await?;
            all.extend(items);
            from = next;
            if from.is_none() {
                return Ok(all);
            }
        }
    }

    fn item(&self, place: String, token: &str) -> Item {
        HashMap::from([
            ("pk".to_owned(), text(&self.partition)),
            ("sk".to_owned(), text(place)),
            ("token".to_owned(), text(token)),
        ])
    }

    fn put(&self, item: Item) -> PutItemFluentBuilder {
        let client = &self.table.client;
        client
            .put_item()
            .table_name(&*self.table.name)
            .set_item(Some(item))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// Puts an item with a token on its condition. `false` if that does not hold because of another's item.
    async fn put_once(&self, tried: &str, put: &PutItemFluentBuilder, token: &str) -> Result<bool, Fault> {
        let done = self.table.patiently(|| async {
            match put.clone().send().await {
                Ok(answer) => {
                    self.table.note_written(answer.consumed_capacity());
                    Ok(true)
                }
                Err(error) => match error.as_service_error() {
                    Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                        // An earlier try whose answer got lost may have worked.
                        Ok(failed.item().and_then(|item| text_of(item, "token")) == Some(token))
                    }
                    _ => Err(Fault::of(tried, &error)),
                },
            }
        });
        done.await
    }

    fn tried(&self, what: &str) -> String {
        format!("{what} `{}` in the table `{}`", self.partition, self.table.name)
    }

    pub(super) fn busy(&self, what: &str) -> StoreError {
        let tried = self.tried(what);
        let message = format!("cannot {tried}: others changed it {TRIES} times meanwhile");
        let fault = Fault::local(FaultKind::Conflict, message);
        fault
            .hint("only one daemon of this host name may use it: stop the other, or give one another name")
            .into()
    }

    /// How many times to try what others get in the way of.
    pub(super) const fn tries() -> u32 {
        TRIES
    }
}

pub(super) fn record_place(number: u64) -> String {
    format!("log#{number:020}")
}

pub(super) fn part_place(number: u64, token: &str) -> String {
    format!("part#{number:020}#{token}#")
}

pub(super) fn snapshot_place(head: &Head) -> String {
    format!("snap#{:020}#{}#", head.last, head.token)
}

/// Tells one write from every other.
pub(super) fn token() -> String {
    format!("{:016x}{:016x}", random(), random())
}
