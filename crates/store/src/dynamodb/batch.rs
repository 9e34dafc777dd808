//! Many writes at once: `BatchWriteItem` in 25s, and all that it sends back again until it is done.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::{DeleteRequest, PutRequest, ReturnConsumedCapacity, WriteRequest};
use futures_util::StreamExt as _;
use stockade_aws::{Fault, FaultKind};

use super::item::{Item, text_of};
use super::table::{AT_ONCE, Table};

/// The most that `BatchWriteItem` takes.
const MAX_WRITES: usize = 25;
/// A batch of larger items is sent in parts: DynamoDB takes 16 MB, and a smaller part is sooner repeated.
const MAX_BYTES: usize = 2 << 20;

/// One write of a whole item.
#[derive(Clone, Debug)]
pub(super) enum Write {
    /// Puts it there, whatever was there.
    Put(Item),
    /// Takes the item with this key away.
    Delete(Item),
}

impl Write {
    fn item(&self) -> &Item {
        match self {
            Self::Put(item) | Self::Delete(item) => item,
        }
    }

    fn request(&self) -> Result<WriteRequest, Fault> {
        let wrong = |error: aws_sdk_dynamodb::error::BuildError| {
            Fault::local(FaultKind::Other, format!("cannot make a request of an item: {error}"))
        };
        let request = WriteRequest::builder();
        Ok(match self {
            Self::Put(item) => request
                .put_request(PutRequest::builder().set_item(Some(item.clone())).build().map_err(wrong)?),
            Self::Delete(key) => request
                .delete_request(DeleteRequest::builder().set_key(Some(key.clone())).build().map_err(wrong)?),
        }
        .build())
    }
}

/// Who is written: the two key attributes.
pub(super) type KeyNames = (&'static str, &'static str);

impl Table {
    /// Writes all, several batches at once. Says which are not written after all tries, by their place, and why; of
    /// several with one key the last is written, and all of them fail with it.
    pub(super) async fn write_all(&self, keys: KeyNames, writes: Vec<Write>) -> Vec<(usize, Fault)> {
        let mut last: HashMap<(String, String), Vec<usize>> = HashMap::new();
        for (nth, write) in writes.iter().enumerate() {
            last.entry(key_of(keys, write.item())).or_default().push(nth);
        }
        let wanted: HashSet<usize> = last.values().filter_map(|places| places.last().copied()).collect();
        let writes = writes.into_iter().enumerate().filter(|(nth, _)| wanted.contains(nth));
        let batches = batches(writes);
        let failed = futures_util::stream::iter(batches)
            .map(|batch| self.write_batch(keys, batch))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        let same_key: HashMap<usize, &Vec<usize>> =
            last.values().filter_map(|places| Some((*places.last()?, places))).collect();
        let with_all = |(nth, fault): (usize, Fault)| {
            let places = same_key.get(&nth).map_or(vec![nth], |places| (*places).clone());
            places.into_iter().map(move |nth| (nth, fault.clone())).collect::<Vec<_>>()
        };
        failed.into_iter().flatten().flat_map(with_all).collect()
    }

    /// Writes a batch of different keys to the end.
    async fn write_batch(&self, keys: KeyNames, mut batch: Vec<(usize, Write)>) -> Vec<(usize, Fault)> {
        let tried = format!("write {} items to the table `{}`", batch.len(), self.name);
        let mut waits = self.waits();
        loop {
            let fault = match self.write_once(&tried, keys, &mut batch).await {
                Ok(_) if batch.is_empty() => return Vec::new(),
                Ok(written) => {
                    if written > 0 {
                        waits.progress();
                    }
                    Fault::local(
                        FaultKind::Throttled,
                        format!("cannot {tried}: {} were sent back", batch.len()),
                    )
                }
                Err(fault) => fault,
            };
            match fault.kind {
                FaultKind::Throttled | FaultKind::Unreachable => {
                    self.note(|spent| spent.setbacks += 1);
                    if !waits.wait().await {
                        return batch.into_iter().map(|(nth, _)| (nth, fault.clone())).collect();
                    }
                }
                // One of them is wrong, and DynamoDB refuses all for it: the others shall not suffer.
                FaultKind::Other if batch.len() > 1 => {
                    let mut failed = Vec::new();
                    for one in batch {
                        failed.extend(Box::pin(self.write_batch(keys, vec![one])).await);
                    }
                    return failed;
                }
                _ => return batch.into_iter().map(|(nth, _)| (nth, fault.clone())).collect(),
            }
        }
    }

    /// Sends a batch once and leaves in it what was sent back. Returns how many were written.
    async fn write_once(
        &self,
        tried: &str,
        keys: KeyNames,
        batch: &mut Vec<(usize, Write)>,
    ) -> Result<usize, Fault> {
        let requests = batch.iter().map(|(_, write)| write.request()).collect::<Result<Vec<_>, _>>()?;
        self.note(|spent| spent.requests += 1);
        let answer = self
            .client
            .batch_write_item()
            .request_items(&*self.name, requests)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| Fault::of(tried, &error))?;
        self.note_written(answer.consumed_capacity().first());
        let back = answer.unprocessed_items.unwrap_or_default();
        let back = back.values().flatten().filter_map(|request| {
            let put = request.put_request().map(PutRequest::item);
            put.or_else(|| request.delete_request().map(DeleteRequest::key)).map(|item| key_of(keys, item))
        });
        let back: HashSet<_> = back.collect();
        let before = batch.len();
        batch.retain(|(_, write)| back.contains(&key_of(keys, write.item())));
        Ok(before - batch.len())
    }
}

fn key_of(keys: KeyNames, item: &Item) -> (String, String) {
    let part = |name| text_of(item, name).unwrap_or_default().to_owned();
    (part(keys.0), part(keys.1))
}

fn batches(writes: impl Iterator<Item = (usize, Write)>) -> Vec<Vec<(usize, Write)>> {
    let mut batches = Vec::new();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for (nth, write) in writes {
        let size = super::item::size(write.item());
        if batch.len() == MAX_WRITES || (bytes + size > MAX_BYTES && !batch.is_empty()) {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        batch.push((nth, write));
        bytes += size;
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}
