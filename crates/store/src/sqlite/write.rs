//! `commit`: one batch, one transaction.

use rusqlite::{CachedStatement, Connection, Transaction, TransactionBehavior, params};
use stockade_core::ports::{Batch, Order, WindowRecord};
use stockade_core::{BanRecord, Match, Position};

use super::purge::{drop_oldest_decisions, drop_oldest_matches};
use crate::totals::Added;
use crate::{Limits, codec};

/// How many rows the file holds, so that limits need no counting in each commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) matches: u64,
    pub(super) decisions: u64,
}

impl Counts {
    pub(super) fn read(conn: &Connection) -> rusqlite::Result<Self> {
        let count = |sql| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned);
        Ok(Self {
            matches: count("SELECT count(*) FROM matches")?,
            decisions: count("SELECT count(*) FROM decisions")?,
        })
    }
}

/// Stores the batch and drops what is above the limits. Returns how many matches were new, and the counts after it.
pub(super) fn commit(
    conn: &mut Connection,
    batch: &Batch,
    limits: Limits,
    mut counts: Counts,
) -> rusqlite::Result<(u64, Counts)> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut added = Added::default();
    let new = insert_matches(&tx, &batch.matches, &mut added)?;
    put_windows(&tx, &batch.windows)?;
    put_bans(&tx, &batch.bans)?;
    insert_orders(&tx, &batch.orders, &mut added)?;
    put_positions(&tx, &batch.positions)?;
    add_totals(&tx, &added)?;
    counts.matches += new;
    counts.decisions += batch.orders.len() as u64;
    let surplus = limits.surplus_matches(counts.matches, new);
    counts.matches -= drop_oldest_matches(&tx, surplus)?;
    let surplus = limits.surplus_decisions(counts.decisions, batch.orders.len() as u64);
    counts.decisions -= drop_oldest_decisions(&tx, surplus)?;
    tx.commit()?;
    Ok((new, counts))
}

fn insert_matches<'a>(
    tx: &Transaction<'_>,
    matches: &'a [Match],
    added: &mut Added<'a>,
) -> rusqlite::Result<u64> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO matches (id, jail, key, at, count, user, stream, line) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (id) DO NOTHING",
    )?;
    let mut new = 0;
    for m in matches {
        let rows = insert.execute(params![
            m.id.0.to_be_bytes(),
            &*m.jail,
            codec::key_text(&m.key),
            m.time.as_millis(),
            m.count,
            m.user.as_deref(),
            &*m.stream,
            &*m.line,
        ])?;
        if rows > 0 {
            new += 1;
            added.matched(&m.jail, m.count);
        }
    }
    Ok(new)
}

fn put_windows(tx: &Transaction<'_>, windows: &[WindowRecord]) -> rusqlite::Result<()> {
    let mut put = tx.prepare_cached(
        "INSERT INTO windows (jail, key, times) VALUES (?1, ?2, ?3)
         ON CONFLICT (jail, key) DO UPDATE SET times = excluded.times",
    )?;
    let mut remove = tx.prepare_cached("DELETE FROM windows WHERE jail = ?1 AND key = ?2")?;
    for w in windows {
        let key = codec::key_text(&w.key);
        if w.times.is_empty() {
            remove.execute(params![&*w.jail, key])?;
        } else {
            put.execute(params![&*w.jail, key, codec::times_blob(&w.times)])?;
        }
    }
    Ok(())
}

fn put_bans(tx: &Transaction<'_>, bans: &[BanRecord]) -> rusqlite::Result<()> {
    let mut put = tx.prepare_cached(
        "INSERT INTO bans (jail, key, times, since, until, live, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (jail, key) DO UPDATE SET times = excluded.times, since = excluded.since,
             until = excluded.until, live = excluded.live, reason = excluded.reason",
    )?;
    for b in bans {
        put.execute(params![
            &*b.jail,
            codec::key_text(&b.key),
            b.times,
            b.since.as_millis(),
            b.until.as_millis(),
            b.live,
            codec::reason_text(&b.reason)?,
        ])?;
    }
    Ok(())
}

fn insert_orders<'a>(
    tx: &Transaction<'_>,
    orders: &'a [Order],
    added: &mut Added<'a>,
) -> rusqlite::Result<()> {
    let mut log = tx.prepare_cached(
        "INSERT INTO decisions (jail, key, verdict, until, at, reason, nth, refused, open)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut post: CachedStatement<'_> =
        tx.prepare_cached("INSERT INTO outbox (decision, responder) VALUES (?1, ?2)")?;
    for order in orders {
        let d = &order.decision;
        let (verdict, until) = codec::verdict_columns(&d.verdict)?;
        let responders = if order.refused.is_some() { &[][..] } else { &order.responders };
        let open = i64::try_from(responders.len()).unwrap_or(i64::MAX);
        let id = log.insert(params![
            &*d.jail,
            codec::key_text(&d.key),
            verdict,
            until,
            d.at.as_millis(),
            codec::reason_text(&d.reason)?,
            d.nth,
            order.refused,
            open,
        ])?;
        for responder in responders {
            post.execute(params![id, &**responder])?;
        }
        added.ordered(order);
    }
    Ok(())
}

fn put_positions(tx: &Transaction<'_>, positions: &[Position]) -> rusqlite::Result<()> {
    let mut put = tx.prepare_cached(
        "INSERT INTO positions (stream, generation, offset, replay_from, cursor) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (stream) DO UPDATE SET generation = excluded.generation, offset = excluded.offset,
             replay_from = excluded.replay_from, cursor = excluded.cursor",
    )?;
    for p in positions {
        put.execute(params![
            &*p.stream,
            p.generation,
            p.offset.cast_signed(),
            p.replay_from.cast_signed(),
            p.cursor,
        ])?;
    }
    Ok(())
}

fn add_totals(tx: &Transaction<'_>, added: &Added<'_>) -> rusqlite::Result<()> {
    let mut add = tx.prepare_cached(
        "INSERT INTO totals (jail, matches, bans) VALUES (?1, ?2, ?3)
         ON CONFLICT (jail) DO UPDATE SET matches = matches + excluded.matches, bans = bans + excluded.bans",
    )?;
    for (jail, matches, bans) in added.iter() {
        add.execute(params![jail, matches.cast_signed(), bans.cast_signed()])?;
    }
    Ok(())
}
