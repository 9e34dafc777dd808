//! The items of a log, written and read.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure};
use stockade_aws::Fault;
use stockade_core::ports::{StoreError, StoreErrorKind};

use super::KEYS;
use super::batch::Write;
use super::item::{Item, number, number_of, text, text_of, unreadable};
use super::log::{Head, HostLog, Record};
use super::table::random;

/// The most that one item holds of a change or a snapshot. DynamoDB takes 400 KB; what is smaller is sooner repeated.
pub(super) const PART_BYTES: usize = 32 << 10;
/// The layout that this version writes.
const LAYOUT: u64 = 1;

impl HostLog {
    /// The records after a number; `None` if one is missing, as it is when a snapshot was made meanwhile.
    pub(super) async fn read_records(&self, after: u64) -> Result<Option<Vec<Record>>, StoreError> {
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
    pub(super) async fn read_parts(&self, place: &str, parts: usize) -> Result<Option<Vec<u8>>, StoreError> {
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

    pub(super) fn item(&self, place: String, token: &str) -> Item {
        HashMap::from([
            ("pk".to_owned(), text(&self.partition)),
            ("sk".to_owned(), text(place)),
            ("token".to_owned(), text(token)),
        ])
    }

    pub(super) fn put(&self, item: Item) -> PutItemFluentBuilder {
        let client = &self.table.client;
        client
            .put_item()
            .table_name(&*self.table.name)
            .set_item(Some(item))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// Puts an item with a token on its condition. `false` if that does not hold because of another's item.
    pub(super) async fn put_once(
        &self,
        tried: &str,
        put: &PutItemFluentBuilder,
        token: &str,
    ) -> Result<bool, Fault> {
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
