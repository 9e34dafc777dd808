//! All that one daemon remembers, in DynamoDB: a log of its changes there, and what they come to in memory.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use stockade_aws::Aws;
use stockade_core::ports::{
    Batch, LoggedDecision, OutboxItem, Retention, Settlement, Snapshot, Store, StoreError, StoreErrorKind,
};
use stockade_core::{Key, Match, MatchId, Timestamp};

use super::DEFAULT_TABLE;
use super::create::{create_if_missing, is_there};
use super::log::{Appended, HostLog, Read};
use super::table::{Spent, Table};
use crate::doc::{Change, ChangeDoc};
use crate::memory::Image;
use crate::{JailTotals, Limits, MemoryStore};

/// The most that one change or snapshot may be when it is unpacked.
const MAX_UNPACKED_BYTES: u64 = 1 << 30;
/// The longest host name that is used; the rest is cut.
const MAX_HOST_BYTES: usize = 256;

/// How a store is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// The table's name.
    pub table: String,
    /// Whose store it is: the host's name. Daemons of one name share a store, which keeps it whole but makes each do
    /// the other's work.
    pub host: String,
    /// How much is kept. It is held in memory as well, and read at start.
    pub limits: Limits,
    /// How long what passes by itself (throttling, no answer) is tried again. The daemon waits that long.
    pub patience: Duration,
}

impl StoreOptions {
    /// How many matches, and how many decisions, stay unless configured: about 10 MB in memory.
    pub const DEFAULT_LIMIT: u64 = 20_000;

    /// How long a daemon waits in one call unless configured. It bans meanwhile no more, and by itself tries again what
    /// failed: less than a function waits.
    pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);

    /// The defaults for a host.
    pub fn of_host(host: &str) -> Self {
        Self {
            table: DEFAULT_TABLE.to_owned(),
            host: super::text::cut(host, MAX_HOST_BYTES).to_owned(),
            limits: Limits { max_matches: Self::DEFAULT_LIMIT, max_decisions: Self::DEFAULT_LIMIT },
            patience: Self::DEFAULT_PATIENCE,
        }
    }
}

/// Remembers what one daemon remembers in a DynamoDB table, which it may share with functions and other hosts.
///
/// Every change is one record of a log, whole or not at all however large it is; all questions are answered from
/// memory. A snapshot takes the place of the log now and then. So a change costs a write unit for each KB of it,
/// packed, and as much again for snapshots at most; questions cost nothing; a start reads everything once.
#[derive(Debug)]
pub struct DynamoStore {
    log: HostLog,
    limits: Limits,
    memory: MemoryStore,
    /// How large the last snapshot was, packed.
    snapshot_bytes: usize,
}

impl DynamoStore {
    /// Opens the store of a host, and makes the table if there is none.
    ///
    /// # Errors
    /// If the table cannot be reached, or what is in it cannot be read.
    pub fn open(aws: &Aws, options: &StoreOptions) -> Result<Self, StoreError> {
        let table = Table::new(aws, &options.table, options.patience);
        if !is_there(&table)? {
            create_if_missing(aws, &options.table)?;
        }
        Self::read(table, options)
    }

    /// What a host's store holds, without changing anything; `None` if there is no table.
    ///
    /// # Errors
    /// As [`DynamoStore::open`].
    pub fn look(aws: &Aws, options: &StoreOptions) -> Result<Option<Snapshot>, StoreError> {
        let table = Table::new(aws, &options.table, options.patience);
        if !is_there(&table)? {
            return Ok(None);
        }
        Self::read(table, options)?.memory.load().map(Some)
    }

    fn read(table: Table, options: &StoreOptions) -> Result<Self, StoreError> {
        let mut store = Self {
            log: HostLog::new(table, &options.host),
            limits: options.limits,
            memory: MemoryStore::new(options.limits),
            snapshot_bytes: 0,
        };
        let read = store.wait(async |log| log.read_all().await)?;
        store.take_in(&read)?;
        Ok(store)
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        &self.log.table.name
    }

    /// What each jail has counted, by jail.
    pub fn totals(&self) -> Vec<JailTotals> {
        self.memory.totals()
    }

    /// What this store cost so far.
    pub fn spent(&self) -> Spent {
        self.log.table.spent()
    }

    fn wait<T>(&mut self, work: impl AsyncFnOnce(&mut HostLog) -> T) -> T {
        let table = self.log.table.clone();
        table.block_on(work(&mut self.log))
    }

    /// Writes a change after all that others wrote, which is taken in.
    fn append(&mut self, change: &ChangeDoc) -> Result<(), StoreError> {
        let packed = pack(change)?;
        for _ in 0..HostLog::tries() {
            match self.wait(async |log| log.append(&packed).await)? {
                Appended::Yes => return Ok(()),
                Appended::After(read) => self.take_in(&read)?,
            }
        }
        Err(self.log.busy("write to"))
    }

    fn take_in(&mut self, read: &Read) -> Result<(), StoreError> {
        if read.anew {
            self.memory = match &read.snapshot {
                Some(snapshot) => {
                    self.snapshot_bytes = snapshot.len();
                    MemoryStore::from_image(unpack::<Image>(snapshot)?, self.limits)
                }
                None => MemoryStore::new(self.limits),
            };
        }
        for packed in &read.changes {
            match Change::from(unpack::<ChangeDoc>(packed)?) {
                Change::Commit(batch) => self.memory.commit(&batch).map(|_| ()),
                Change::Settle(settled) => self.memory.settle(&settled),
                Change::Purge(keep) => self.memory.purge(&keep).map(|_| ()),
            }?;
        }
        Ok(())
    }

    /// A snapshot that could not be made is made another time: nothing depends on it.
    fn keep_short(&mut self) {
        if !self.log.is_long(self.snapshot_bytes) {
            return;
        }
        if let Ok(packed) = pack(&self.memory.image()) {
            self.snapshot_bytes = packed.len();
            // What went wrong goes wrong again with the next change, and is told then.
            let _ = self.wait(async |log| log.put_snapshot(&packed).await);
        }
    }
}

impl Store for DynamoStore {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        let read = self.wait(async |log| log.read_on().await)?;
        self.take_in(&read)?;
        self.memory.load()
    }

    fn commit(&mut self, batch: &Batch) -> Result<u64, StoreError> {
        if batch.is_empty() {
            return Ok(0);
        }
        self.append(&ChangeDoc::Commit(batch.into()))?;
        let new = self.memory.commit(batch)?;
        self.keep_short();
        Ok(new)
    }

    fn outbox(&mut self, now: Timestamp, limit: usize) -> Result<Vec<OutboxItem>, StoreError> {
        self.memory.outbox(now, limit)
    }

    fn settle(&mut self, settled: &[Settlement]) -> Result<(), StoreError> {
        if settled.is_empty() {
            return Ok(());
        }
        self.append(&ChangeDoc::Settle(settled.iter().map(Into::into).collect()))?;
        self.memory.settle(settled)?;
        self.keep_short();
        Ok(())
    }

    fn matches_of(&mut self, key: &Key, limit: usize) -> Result<Vec<Match>, StoreError> {
        self.memory.matches_of(key, limit)
    }

    fn known(&mut self, ids: &[MatchId]) -> Result<HashSet<MatchId>, StoreError> {
        self.memory.known(ids)
    }

    fn matches_by_id(&mut self, ids: &[MatchId]) -> Result<Vec<Match>, StoreError> {
        self.memory.matches_by_id(ids)
    }

    fn decisions(&mut self, key: Option<&Key>, limit: usize) -> Result<Vec<LoggedDecision>, StoreError> {
        self.memory.decisions(key, limit)
    }

    fn purge(&mut self, keep: &Retention) -> Result<u64, StoreError> {
        // Forgotten here first: if that cannot be written, it is forgotten again after the next start.
        let gone = self.memory.purge(keep)?;
        if gone > 0 {
            self.append(&keep.into())?;
            self.keep_short();
        }
        Ok(gone)
    }
}

fn pack(value: &impl serde::Serialize) -> Result<Vec<u8>, StoreError> {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::default());
    let written = serde_json::to_writer(&mut packed, value).map_err(|error| error.to_string());
    let packed = written
        .and_then(|()| packed.flush().and_then(|()| packed.finish()).map_err(|error| error.to_string()));
    packed.map_err(|error| StoreError {
        kind: StoreErrorKind::Other,
        message: format!("cannot pack a change for DynamoDB: {error}"),
        hint: Some("report this: nothing was stored by this attempt".into()),
    })
}

fn unpack<T: serde::de::DeserializeOwned>(packed: &[u8]) -> Result<T, StoreError> {
    let reader = std::io::BufReader::new(DeflateDecoder::new(packed).take(MAX_UNPACKED_BYTES));
    serde_json::from_reader(reader).map_err(|error| StoreError {
        kind: StoreErrorKind::Corrupt,
        message: format!("cannot read what is stored in DynamoDB: {error}"),
        hint: Some("it was left as it is; give this host another name to begin anew".into()),
    })
}
