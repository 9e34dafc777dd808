//! The store of a fleet: one PostgreSQL database for several hosts.
//!
//! Matches, bans and decisions are everybody's; positions, windows and the outbox are each host's own. Every host judges
//! the matches of all, and takes over the bans of all: see [`stockade_core::shared`]. Whoever writes what others want to
//! know holds the row `head` until it is committed, so the order of numbers is the order in which they become visible.
//!
//! Top to bottom: `address` (with `passfile` and `tls`) and `link` lead to a server that may be away; `schema` and
//! `hosts` make a database that this process may write to; `write` (with `bans`, `merge` and `orders`), `outbox`,
//! `read`, `news` and `purge` are the verbs of [`Store`]; `listen` hears of the others. `values` is a table by itself.

mod address;
mod bans;
mod error;
mod hosts;
mod link;
mod listen;
mod merge;
mod news;
mod orders;
mod outbox;
mod passfile;
mod purge;
mod read;
mod schema;
mod text;
mod tls;
mod values;
mod write;

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stockade_core::ports::{
    Batch, Listener, LoggedDecision, News, OutboxItem, Retention, Settlement, Snapshot, Store, StoreError,
};
use stockade_core::{Key, Match, MatchId, Timestamp};

pub use schema::POSTGRES_SCHEMA_VERSION;
pub use values::{PostgresValues, Value as PostgresValue};

use crate::{JailTotals, Limits};
use address::Address;
use hosts::Me;
use link::Link;
use news::Heard;
use write::{Commit, Pending};

/// Where the tables are.
const SCHEMA: &str = "stockade";
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long anything that is asked of the server may take; then the connection is given up.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long another host is waited for.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// After how much silence it is asked whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// The name of this host among those that share the database; empty: the machine's.
    pub host: String,
    /// How much the database may hold between two purges.
    pub limits: Limits,
    /// Whether every commit must be on the server's disk, whatever the server's own settings say.
    pub durable: bool,
}

/// Remembers in a PostgreSQL database that several hosts share.
///
/// A server that is away makes calls fail at once or after seconds, never hang; each call tries again by itself, with
/// pauses. A commit of which the answer was lost is looked up before it is repeated.
#[derive(Debug)]
pub struct PostgresStore {
    link: Link,
    address: Address,
    me: Me,
    limits: Limits,
    heard: Heard,
    /// The number of the last commit that was tried.
    attempt: i64,
    pending: Option<Pending>,
}

impl PostgresStore {
    /// Opens a database and brings its tables up to date. `url` is what libpq takes, `shown` the same without
    /// passwords, for messages.
    ///
    /// # Errors
    /// Where it cannot be reached or used, was written by a newer Stockade, or another process that lives writes under
    /// the same host name.
    pub fn open(
        url: &str,
        shown: &str,
        options: &PostgresOptions,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let address = Address::parse(url, shown, options.durable, &|name| std::env::var(name).ok())?;
        let me = Me { host: host_name(&options.host), instance: random() };
        let mut link = Link::new(&address)?;
        let heard = link.run("open", async |client| {
            schema::bring_up(client).await?;
            hosts::take(client, &me, now).await?;
            Ok(Heard { serial: 0, seq: hosts::seen(client, &me).await? })
        })?;
        Ok(Self { link, address, me, limits: options.limits, heard, attempt: 0, pending: None })
    }

    /// What is remembered for this host, without changing anything; `None` where nothing ever was.
    ///
    /// # Errors
    /// As [`PostgresStore::open`].
    pub fn look(url: &str, shown: &str, host: &str) -> Result<Option<Snapshot>, StoreError> {
        let address = Address::parse(url, shown, false, &|name| std::env::var(name).ok())?;
        let host = host_name(host);
        Link::new(&address)?.run("read the state from", async |client| {
            if !schema::is_there(client).await? {
                return Ok(None);
            }
            Ok(Some(read::snapshot(client, &host).await?.0))
        })
    }

    /// Whether an address can be used; nobody is asked there.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(url: &str, shown: &str) -> Result<(), StoreError> {
        let address = Address::parse(url, shown, false, &|name| std::env::var(name).ok())?;
        Link::new(&address).map(drop)
    }

    /// The name under which it writes.
    pub fn host(&self) -> &str {
        &self.me.host
    }

    /// What each jail has counted on all hosts since the database was made, by jail.
    pub fn totals(&mut self) -> Result<Vec<JailTotals>, StoreError> {
        self.link.run("read the totals from", read::totals)
    }
}

impl Store for PostgresStore {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        let me = &self.me;
        let (snapshot, heard) = self.link.run("read the state from", async |client| {
            hosts::alive(client, me).await?;
            let (snapshot, serial) = read::snapshot(client, &me.host).await?;
            Ok((snapshot, Heard { serial, seq: hosts::seen(client, me).await? }))
        })?;
        self.heard = heard;
        self.pending = None;
        Ok(snapshot)
    }

    fn commit(&mut self, batch: &Batch) -> Result<u64, StoreError> {
        if batch.is_empty() {
            return Ok(0);
        }
        let Self { link, me, limits, heard, attempt, pending, .. } = self;
        let now = now();
        let new = link.run("write to", async |client| {
            *attempt += 1;
            let with = Commit {
                me,
                limits: *limits,
                attempt: *attempt,
                pending: *pending,
                known: heard.serial,
                now,
            };
            let orders = batch.orders.len();
            let sent = |before| *pending = Some(Pending { attempt: *attempt, orders, before });
            write::commit(client, batch, &with, sent).await
        })?;
        self.pending = None;
        Ok(new)
    }

    fn outbox(&mut self, now: Timestamp, limit: usize) -> Result<Vec<OutboxItem>, StoreError> {
        let host = &self.me.host;
        self.link.run("read the outbox from", async |client| outbox::due(client, host, now, limit).await)
    }

    fn settle(&mut self, settled: &[Settlement]) -> Result<(), StoreError> {
        if settled.is_empty() {
            return Ok(());
        }
        let host = &self.me.host;
        self.link.run("write outcomes to", async |client| outbox::settle(client, host, settled).await)
    }

    fn matches_of(&mut self, key: &Key, limit: usize) -> Result<Vec<Match>, StoreError> {
        let host = &self.me.host;
        self.link.run("read matches from", async |client| read::matches_of(client, host, key, limit).await)
    }

    fn known(&mut self, ids: &[MatchId]) -> Result<HashSet<MatchId>, StoreError> {
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        self.link.run("look matches up in", async |client| read::known(client, ids).await)
    }

    fn matches_by_id(&mut self, ids: &[MatchId]) -> Result<Vec<Match>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let host = &self.me.host;
        self.link.run("read matches from", async |client| read::matches_by_id(client, host, ids).await)
    }

    fn decisions(&mut self, key: Option<&Key>, limit: usize) -> Result<Vec<LoggedDecision>, StoreError> {
        let host = &self.me.host;
        self.link.run("read decisions from", async |client| read::decisions(client, host, key, limit).await)
    }

    fn purge(&mut self, keep: &Retention) -> Result<u64, StoreError> {
        let (me, limits) = (&self.me, self.limits);
        self.link.run("forget old rows in", async |client| {
            // Whoever reconnected may have had to leave this out.
            hosts::alive(client, me).await?;
            purge::slice(client, me, keep, limits, now()).await
        })
    }

    fn news(&mut self, limit: usize) -> Result<News, StoreError> {
        let (me, heard) = (&self.me, self.heard);
        let (news, heard) = self
            .link
            .run("read the news from", async |client| news::since(client, me, heard, limit).await)?;
        self.heard = heard;
        Ok(news)
    }

    fn listener(&mut self) -> Option<Box<dyn Listener>> {
        Some(Box::new(listen::Ear::new(self.address.clone(), self.me.host.clone())))
    }
}

/// The configured name, or the machine's.
fn host_name(configured: &str) -> String {
    if !configured.is_empty() {
        return configured.to_owned();
    }
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

/// A number that no other process has.
fn random() -> i64 {
    std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), std::process::id()).cast_signed()
}

/// When a host was last heard of: by its clock, as nothing is decided by it.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
