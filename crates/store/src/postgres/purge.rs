//! Forgetting, in slices.

use std::time::Duration;

use deadpool_postgres::Transaction;
use stockade_core::Timestamp;
use stockade_core::ports::Retention;
use tokio_postgres::types::ToSql;

use super::error::Fault;
use super::hosts::{self, Me};
use super::link::Client;
use super::write::Head;
use crate::Limits;

/// The most rows that one call takes away, so that it keeps the other hosts waiting for some tens of milliseconds.
const SLICE: u64 = 2_000;

/// A host is not forgotten earlier, however short bans are remembered: it may be off for repair.
const HOST_STAYS: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Takes one slice away. Returns how many rows went.
pub(super) async fn slice(
    client: &mut Client,
    me: &Me,
    keep: &Retention,
    limits: Limits,
    now: Timestamp,
) -> Result<u64, Fault> {
    let tx = client.transaction().await?;
    let mut head = Head::take(&tx).await?;
    let mut left = SLICE;
    let sql =
        "DELETE FROM matches WHERE seq IN (SELECT seq FROM matches WHERE at < $2 ORDER BY at, seq LIMIT $1)";
    let gone = drop_rows(&tx, sql, left, &[&keep.matches_before.as_millis()]).await?;
    (left, head.matches) = (left - gone, head.matches.saturating_sub(gone));
    let surplus = head.matches.saturating_sub(keep.max_matches.min(limits.max_matches));
    let gone = drop_oldest_matches(&tx, surplus.min(left)).await?;
    (left, head.matches) = (left - gone, head.matches.saturating_sub(gone));
    let sql = "DELETE FROM decisions WHERE id IN
               (SELECT id FROM decisions WHERE open = 0 AND at < $2 ORDER BY at, id LIMIT $1)";
    let gone = drop_rows(&tx, sql, left, &[&keep.decisions_before.as_millis()]).await?;
    (left, head.decisions) = (left - gone, head.decisions.saturating_sub(gone));
    let sql = "DELETE FROM bans WHERE (jail, key) IN
               (SELECT jail, key FROM bans WHERE NOT live AND until < $2 ORDER BY until LIMIT $1)";
    left -= drop_rows(&tx, sql, left, &[&keep.bans_before.as_millis()]).await?;
    head.put(&tx).await?;
    hosts::heard_of(&tx, me, now).await?;
    forget_hosts(&tx, me, keep.bans_before.min(now.minus(HOST_STAYS)).as_millis()).await?;
    tx.commit().await?;
    Ok(SLICE - left)
}

pub(super) async fn drop_oldest_matches(tx: &Transaction<'_>, rows: u64) -> Result<u64, Fault> {
    let sql = "DELETE FROM matches WHERE seq IN (SELECT seq FROM matches ORDER BY at, seq LIMIT $1)";
    drop_rows(tx, sql, rows, &[]).await
}

pub(super) async fn drop_oldest_decisions(tx: &Transaction<'_>, rows: u64) -> Result<u64, Fault> {
    let sql = "DELETE FROM decisions WHERE id IN
               (SELECT id FROM decisions WHERE open = 0 ORDER BY at, id LIMIT $1)";
    drop_rows(tx, sql, rows, &[]).await
}

/// What a host left that was not heard of since.
async fn forget_hosts(tx: &Transaction<'_>, me: &Me, before: i64) -> Result<(), Fault> {
    let sql = "DELETE FROM hosts WHERE at < $1 AND name <> $2 RETURNING name";
    for row in tx.query(sql, &[&before, &me.host]).await? {
        let gone: &str = row.get(0);
        for table in ["positions", "windows"] {
            tx.execute(&format!("DELETE FROM {table} WHERE host = $1"), &[&gone]).await?;
        }
        tx.execute(
            "WITH lines AS (DELETE FROM outbox WHERE host = $1 AND state < 2 RETURNING decision)
             UPDATE decisions d SET open = d.open - l.lines
             FROM (SELECT decision, count(*) AS lines FROM lines GROUP BY decision) l WHERE d.id = l.decision",
            &[&gone],
        )
        .await?;
    }
    Ok(())
}

async fn drop_rows(
    tx: &Transaction<'_>,
    sql: &str,
    rows: u64,
    more: &[&(dyn ToSql + Sync)],
) -> Result<u64, Fault> {
    if rows == 0 {
        return Ok(0);
    }
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    let params: Vec<&(dyn ToSql + Sync)> =
        std::iter::once(&rows as &(dyn ToSql + Sync)).chain(more.iter().copied()).collect();
    Ok(tx.execute(&tx.prepare_cached(sql).await?, &params).await?)
}
