//! `commit`: one batch, one transaction.

use std::collections::HashMap;

use deadpool_postgres::Transaction;
use stockade_core::ports::{Batch, WindowRecord};
use stockade_core::{Key, Match, Position, Timestamp};

use super::error::Fault;
use super::hosts::{self, Me};
use super::link::Client;
use super::purge::{drop_oldest_decisions, drop_oldest_matches};
use super::read::key_column;
use super::text::to_sql;
use super::{bans, orders};
use crate::totals::Added;
use crate::{Limits, codec};

/// Where hosts are told that there is something new.
pub(super) const CHANNEL: &str = "stockade";

/// A commit of which nobody heard whether it took place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) attempt: i64,
    /// How many orders are on record if it did…
    pub(super) orders: usize,
    /// …and if it did not.
    pub(super) before: usize,
}

/// What a commit knows besides the batch.
#[derive(Debug)]
pub(super) struct Commit<'c> {
    pub(super) me: &'c Me,
    pub(super) limits: Limits,
    /// The number of this one.
    pub(super) attempt: i64,
    pub(super) pending: Option<Pending>,
    /// Up to which commit the bans of others are known here.
    pub(super) known: i64,
    pub(super) now: Timestamp,
}

/// Stores the batch and drops what is above the limits. Returns how many matches were new. `sent` is called when from
/// there on it may have been committed whatever is heard, with how many orders were on record before.
pub(super) async fn commit(
    client: &mut Client,
    batch: &Batch,
    with: &Commit<'_>,
    sent: impl FnOnce(usize),
) -> Result<u64, Fault> {
    let tx = client.transaction().await?;
    let shared = !batch.matches.is_empty() || !batch.bans.is_empty() || !batch.orders.is_empty();
    // A commit of which nobody heard may still be under way: until it is not, it holds the head.
    let early = if shared && with.pending.is_some() { Some(Head::take(&tx).await?) } else { None };
    let done = match with.pending {
        Some(pending) if hosts::has_committed(&tx, with.me, pending.attempt).await? => pending.orders,
        Some(pending) => pending.before,
        None => 0,
    };
    let seen = batch.seen.map_or(0, |seen| i64::try_from(seen).unwrap_or(i64::MAX));
    hosts::sign(&tx, with.me, with.attempt, seen, with.now).await?;
    put_windows(&tx, with.me, &batch.windows).await?;
    put_positions(&tx, with.me, &batch.positions).await?;
    let mut new = 0;
    if shared {
        // What others want to know is written by one host at a time: from here on they wait.
        let head = match early {
            Some(head) => head,
            None => Head::take(&tx).await?,
        };
        let mut added = Added::default();
        new = insert_matches(&tx, with.me, &batch.matches, &mut added).await?;
        let merged = bans::put(&tx, with, &batch.bans, &batch.orders, head.serial).await?;
        let left = batch.orders.get(done..).unwrap_or_default();
        let decisions = orders::insert(&tx, with.me, left, &merged, &mut added).await?;
        add_totals(&tx, &added).await?;
        head.count(&tx, with.limits, new, decisions).await?;
        if new > 0 || !batch.bans.is_empty() {
            tx.execute("SELECT pg_notify($1, $2)", &[&CHANNEL, &with.me.host]).await?;
        }
    }
    sent(done);
    tx.commit().await?;
    Ok(new)
}

/// The row that makes commits wait for each other.
#[derive(Debug)]
pub(super) struct Head {
    serial: i64,
    pub(super) matches: u64,
    pub(super) decisions: u64,
}

impl Head {
    pub(super) async fn take(tx: &Transaction<'_>) -> Result<Self, Fault> {
        let sql = "UPDATE head SET serial = serial + 1 RETURNING serial, matches, decisions";
        let row = tx.query_one(&tx.prepare_cached(sql).await?, &[]).await?;
        let count = |at| row.get::<_, i64>(at).max(0).cast_unsigned();
        Ok(Self { serial: row.get(0), matches: count(1), decisions: count(2) })
    }

    /// Adds what came, and drops what is above the limits.
    async fn count(
        mut self,
        tx: &Transaction<'_>,
        limits: Limits,
        matches: u64,
        decisions: u64,
    ) -> Result<(), Fault> {
        let before = (self.matches, self.decisions);
        self.matches += matches;
        self.decisions += decisions;
        let surplus = limits.surplus_matches(self.matches, matches);
        self.matches = self.matches.saturating_sub(drop_oldest_matches(tx, surplus).await?);
        let surplus = limits.surplus_decisions(self.decisions, decisions);
        self.decisions = self.decisions.saturating_sub(drop_oldest_decisions(tx, surplus).await?);
        if before == (self.matches, self.decisions) { Ok(()) } else { self.put(tx).await }
    }

    pub(super) async fn put(&self, tx: &Transaction<'_>) -> Result<(), Fault> {
        let counts = (self.matches.cast_signed(), self.decisions.cast_signed());
        let statement = tx.prepare_cached("UPDATE head SET matches = $1, decisions = $2").await?;
        tx.execute(&statement, &[&counts.0, &counts.1]).await?;
        Ok(())
    }
}

async fn insert_matches<'a>(
    tx: &Transaction<'_>,
    me: &Me,
    matches: &'a [Match],
    added: &mut Added<'a>,
) -> Result<u64, Fault> {
    if matches.is_empty() {
        return Ok(0);
    }
    let statement = tx
        .prepare_cached(
            "INSERT INTO matches (host, id, jail, key, at, count, \"user\", stream, line)
             SELECT $1, m.* FROM unnest($2::bytea[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[],
                 $8::text[], $9::text[]) m
             ON CONFLICT (host, id) DO NOTHING RETURNING id",
        )
        .await?;
    let ids: Vec<_> = matches.iter().map(|m| m.id.0.to_be_bytes().to_vec()).collect();
    let jails: Vec<_> = matches.iter().map(|m| to_sql(&m.jail)).collect();
    let keys: Vec<_> = matches.iter().map(|m| key_column(&m.key)).collect();
    let times: Vec<_> = matches.iter().map(|m| m.time.as_millis()).collect();
    let counts: Vec<_> = matches.iter().map(|m| i64::from(m.count)).collect();
    let users: Vec<_> = matches.iter().map(|m| m.user.as_deref().map(to_sql)).collect();
    let streams: Vec<_> = matches.iter().map(|m| to_sql(&m.stream)).collect();
    let lines: Vec<_> = matches.iter().map(|m| to_sql(&m.line)).collect();
    let rows = tx
        .query(&statement, &[&me.host, &ids, &jails, &keys, &times, &counts, &users, &streams, &lines])
        .await?;
    // Of two with one id in a batch the first is stored.
    let mut by_id: HashMap<[u8; 16], &Match> = HashMap::with_capacity(matches.len());
    for m in matches {
        by_id.entry(m.id.0.to_be_bytes()).or_insert(m);
    }
    for row in &rows {
        if let Some(m) = <[u8; 16]>::try_from(row.get::<_, &[u8]>(0)).ok().and_then(|id| by_id.get(&id)) {
            added.matched(&m.jail, m.count);
        }
    }
    Ok(rows.len() as u64)
}

async fn put_windows(tx: &Transaction<'_>, me: &Me, windows: &[WindowRecord]) -> Result<(), Fault> {
    let last: HashMap<(&str, &Key), &WindowRecord> =
        windows.iter().map(|w| ((&*w.jail, &w.key), w)).collect();
    let (gone, there): (Vec<_>, Vec<_>) = last.into_values().partition(|w| w.times.is_empty());
    let columns = |list: &[&WindowRecord]| -> (Vec<String>, Vec<String>) {
        list.iter().map(|w| (to_sql(&w.jail).into_owned(), key_column(&w.key))).unzip()
    };
    if !there.is_empty() {
        let (jails, keys) = columns(&there);
        let times: Vec<_> = there.iter().map(|w| codec::times_blob(&w.times)).collect();
        let sql = "INSERT INTO windows (host, jail, key, times)
                   SELECT $1, w.* FROM unnest($2::text[], $3::text[], $4::bytea[]) w
                   ON CONFLICT (host, jail, key) DO UPDATE SET times = excluded.times";
        tx.execute(&tx.prepare_cached(sql).await?, &[&me.host, &jails, &keys, &times]).await?;
    }
    if !gone.is_empty() {
        let (jails, keys) = columns(&gone);
        let sql = "DELETE FROM windows w USING unnest($2::text[], $3::text[]) g (jail, key)
                   WHERE w.host = $1 AND w.jail = g.jail AND w.key = g.key";
        tx.execute(&tx.prepare_cached(sql).await?, &[&me.host, &jails, &keys]).await?;
    }
    Ok(())
}

async fn put_positions(tx: &Transaction<'_>, me: &Me, positions: &[Position]) -> Result<(), Fault> {
    let last: HashMap<&str, &Position> = positions.iter().map(|p| (&*p.stream, p)).collect();
    if last.is_empty() {
        return Ok(());
    }
    let last: Vec<&Position> = last.into_values().collect();
    let streams: Vec<_> = last.iter().map(|p| to_sql(&p.stream)).collect();
    let generations: Vec<_> = last.iter().map(|p| to_sql(&p.generation)).collect();
    let offsets: Vec<_> = last.iter().map(|p| p.offset.cast_signed()).collect();
    let replays: Vec<_> = last.iter().map(|p| p.replay_from.cast_signed()).collect();
    let cursors: Vec<_> = last.iter().map(|p| p.cursor.as_deref().map(to_sql)).collect();
    let sql = "INSERT INTO positions (host, stream, generation, \"offset\", replay_from, cursor)
               SELECT $1, p.* FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[]) p
               ON CONFLICT (host, stream) DO UPDATE SET generation = excluded.generation,
                   \"offset\" = excluded.\"offset\", replay_from = excluded.replay_from, cursor = excluded.cursor";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&me.host, &streams, &generations, &offsets, &replays, &cursors]).await?;
    Ok(())
}

async fn add_totals(tx: &Transaction<'_>, added: &Added<'_>) -> Result<(), Fault> {
    let (mut jails, mut matches, mut bans) = (Vec::new(), Vec::new(), Vec::new());
    for (jail, matched, banned) in added.iter() {
        jails.push(to_sql(jail));
        matches.push(matched.cast_signed());
        bans.push(banned.cast_signed());
    }
    if jails.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO totals AS t (jail, matches, bans) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
               ON CONFLICT (jail) DO UPDATE SET matches = t.matches + excluded.matches, bans = t.bans + excluded.bans";
    tx.execute(&tx.prepare_cached(sql).await?, &[&jails, &matches, &bans]).await?;
    Ok(())
}
