//! Forgetting, in slices, and giving the room back to the file system.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use stockade_core::ports::Retention;

use super::write::Counts;
use crate::Limits;

/// The most rows that one call of `purge` takes away, so that it holds the store for some tens of milliseconds at most;
/// whoever wants all of it gone calls again until the answer is 0.
pub const PURGE_SLICE: u64 = 2_000;

/// The most pages of 4 KiB that one call of `purge` gives back to the file system.
pub const VACUUM_SLICE_PAGES: u32 = 512;

/// How many free pages stay in the file, so that its size does not swing with every purge.
pub const VACUUM_SLACK_PAGES: u32 = 256;

/// Takes one slice away. Returns how many rows went, and the counts after it.
pub(super) fn slice(
    conn: &mut Connection,
    keep: &Retention,
    limits: Limits,
    mut counts: Counts,
) -> rusqlite::Result<(u64, Counts)> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut left = PURGE_SLICE;
    let gone = drop_matches_before(&tx, keep.matches_before.as_millis(), left)?;
    (left, counts.matches) = (left - gone, counts.matches.saturating_sub(gone));
    let surplus = counts.matches.saturating_sub(keep.max_matches.min(limits.max_matches));
    let gone = drop_oldest_matches(&tx, surplus.min(left))?;
    (left, counts.matches) = (left - gone, counts.matches.saturating_sub(gone));
    let gone = drop_decisions_before(&tx, keep.decisions_before.as_millis(), left)?;
    (left, counts.decisions) = (left - gone, counts.decisions.saturating_sub(gone));
    left -= drop_bans_before(&tx, keep.bans_before.as_millis(), left)?;
    tx.commit()?;
    Ok((PURGE_SLICE - left, counts))
}

/// Gives free pages back: cuts them off the file's end, and the file itself at the checkpoint.
pub(super) fn give_back(conn: &Connection) -> rusqlite::Result<()> {
    let free: u32 = conn.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    let pages = free.saturating_sub(VACUUM_SLACK_PAGES).min(VACUUM_SLICE_PAGES);
    if pages > 0 {
        // One step frees one page.
        let mut vacuum = conn.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        let mut steps = vacuum.query([])?;
        while steps.next()?.is_some() {}
    }
    // Waits for nobody: what a reader still needs is left for the next time.
    conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

pub(super) fn drop_oldest_matches(tx: &Transaction<'_>, rows: u64) -> rusqlite::Result<u64> {
    drop_rows(
        tx,
        "DELETE FROM matches WHERE seq IN (SELECT seq FROM matches INDEXED BY matches_at ORDER BY at, seq LIMIT ?1)",
        None,
        rows,
    )
}

pub(super) fn drop_oldest_decisions(tx: &Transaction<'_>, rows: u64) -> rusqlite::Result<u64> {
    drop_rows(
        tx,
        "DELETE FROM decisions WHERE id IN
         (SELECT id FROM decisions INDEXED BY decisions_settled WHERE open = 0 ORDER BY at, id LIMIT ?1)",
        None,
        rows,
    )
}

fn drop_matches_before(tx: &Transaction<'_>, before: i64, rows: u64) -> rusqlite::Result<u64> {
    drop_rows(
        tx,
        "DELETE FROM matches WHERE seq IN
         (SELECT seq FROM matches INDEXED BY matches_at WHERE at < ?2 ORDER BY at LIMIT ?1)",
        Some(before),
        rows,
    )
}

fn drop_decisions_before(tx: &Transaction<'_>, before: i64, rows: u64) -> rusqlite::Result<u64> {
    drop_rows(
        tx,
        "DELETE FROM decisions WHERE id IN
         (SELECT id FROM decisions INDEXED BY decisions_settled WHERE open = 0 AND at < ?2 ORDER BY at LIMIT ?1)",
        Some(before),
        rows,
    )
}

fn drop_bans_before(tx: &Transaction<'_>, before: i64, rows: u64) -> rusqlite::Result<u64> {
    drop_rows(
        tx,
        "DELETE FROM bans WHERE (jail, key) IN
         (SELECT jail, key FROM bans INDEXED BY bans_over WHERE live = 0 AND until < ?2 ORDER BY until LIMIT ?1)",
        Some(before),
        rows,
    )
}

fn drop_rows(tx: &Transaction<'_>, sql: &str, before: Option<i64>, rows: u64) -> rusqlite::Result<u64> {
    if rows == 0 {
        return Ok(0);
    }
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    let mut delete = tx.prepare_cached(sql)?;
    let gone = match before {
        Some(before) => delete.execute(params![rows, before])?,
        None => delete.execute(params![rows])?,
    };
    Ok(gone as u64)
}
