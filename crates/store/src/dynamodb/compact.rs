//! Snapshots: what a log says all together takes the place of its records, so that it stays short.

use stockade_core::ports::StoreError;

use super::KEYS;
use super::batch::Write;
use super::item::{Item, text_of};
use super::log::{Head, HostLog};
use super::log_items::{record_place, snapshot_place, token};

/// A log with fewer bytes since its snapshot, and fewer than [`MAX_RECORDS`], is left alone.
const MIN_BYTES: usize = 256 << 10;
/// With more records since its snapshot a log gets a new one: each costs time at start.
const MAX_RECORDS: u64 = 500;

impl HostLog {
    /// Whether a snapshot of about so many bytes is worth its price: at most as much again is written as without it.
    pub(super) fn is_long(&self, snapshot_bytes: usize) -> bool {
        self.records >= MAX_RECORDS || self.bytes >= snapshot_bytes.max(MIN_BYTES)
    }

    /// Makes what all records up to the last say the snapshot, and takes them away.
    ///
    /// Nothing is lost whenever it is interrupted: the old snapshot and the records hold until the head changes, and
    /// what is left behind is taken away the next time. Another process's snapshot that is under way was begun with
    /// the old head and finds that it no longer holds, or is of a later record and is not touched.
    pub(super) async fn put_snapshot(&mut self, snapshot: &[u8]) -> Result<(), StoreError> {
        if self.last <= self.head.last {
            return Ok(());
        }
        let mut head = Head { last: self.last, token: token(), parts: 0 };
        let place = snapshot_place(&head);
        head.parts = self.write_parts(&place, snapshot).await?;
        if !self.put_head(&head).await? {
            // Somebody else's snapshot holds; its next one takes these parts away.
            return Ok(());
        }
        (self.head, self.records, self.bytes) = (head, 0, 0);
        self.take_away(&place).await
    }

    async fn take_away(&self, kept: &str) -> Result<(), StoreError> {
        let last = self.head.last;
        let ranges = [
            ("log#".to_owned(), record_place(last)),
            ("part#".to_owned(), format!("part#{last:020}~")),
            ("snap#".to_owned(), format!("snap#{last:020}~")),
        ];
        let mut gone: Vec<Item> = Vec::new();
        for range in &ranges {
            let old = self.range(range, true).await?;
            gone.extend(
                old.into_iter().filter(|item| text_of(item, "sk").is_some_and(|sk| !sk.starts_with(kept))),
            );
        }
        let failed = self.table.write_all(KEYS, gone.into_iter().map(Write::Delete).collect()).await;
        failed.into_iter().next().map_or(Ok(()), |(_, fault)| Err(fault.into()))
    }
}
