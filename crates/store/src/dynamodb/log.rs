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

use std::collections::HashSet;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use stockade_aws::{Fault, FaultKind};
use stockade_core::ports::StoreError;

use super::log_items::{PART_BYTES, part_place, record_place, snapshot_place, token};
use super::table::Table;

/// How many times a number is found taken, or the log changed while it was read, before that is an error.
const TRIES: u32 = 50;

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

/// One change, as it is in the table.
pub(super) struct Record {
    pub(super) number: u64,
    pub(super) token: String,
    pub(super) cancels: Vec<String>,
    pub(super) data: Vec<u8>,
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
            Ok(true) => self.read_head().await,
            Err(fault) => Err(fault.into()),
        };
        match outcome {
            // A number below the snapshot's is free again, and what is put there is not read.
            Ok(head) if head.last >= number => Ok(Appended::After(self.read_all().await?)),
            Ok(head) => {
                self.uncertain.clear();
                if head != self.head {
                    // Somebody else made a snapshot of what is known here as well.
                    (self.records, self.bytes) = (self.last - head.last, 0);
                    self.head = head;
                }
                (self.last, self.records, self.bytes) = (number, self.records + 1, self.bytes + change.len());
                Ok(Appended::Yes)
            }
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

    pub(super) fn tried(&self, what: &str) -> String {
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
