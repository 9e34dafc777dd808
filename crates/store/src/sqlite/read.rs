//! What is asked of the database: the snapshot at start, and the questions of people.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::{Connection, Row, Rows, params};
use stockade_core::ports::{LoggedDecision, Snapshot, WindowRecord};
use stockade_core::{BanRecord, Decision, Key, Match, MatchId, Outcome, Position, Timestamp};

use super::outbox;
use crate::{JailTotals, codec};

/// All bans.
pub(super) const BANS: &str =
    "SELECT jail, key, times, since, until, live, reason FROM bans ORDER BY jail, key";

/// [`BANS`] from the other end.
pub(super) const BANS_BACKWARDS: &str =
    "SELECT jail, key, times, since, until, live, reason FROM bans ORDER BY jail DESC, key DESC";

pub(super) fn snapshot(conn: &Connection) -> rusqlite::Result<Snapshot> {
    let tx = conn.unchecked_transaction()?;
    let snapshot = Snapshot { positions: positions(&tx)?, windows: windows(&tx)?, bans: bans(&tx)? };
    tx.commit()?;
    Ok(snapshot)
}

fn positions(conn: &Connection) -> rusqlite::Result<Vec<Position>> {
    let mut query = conn.prepare("SELECT stream, generation, offset, replay_from, cursor FROM positions")?;
    collect(query.query([])?, |row| {
        Ok(Position {
            stream: row.get_ref(0)?.as_str()?.into(),
            generation: row.get(1)?,
            offset: row.get::<_, i64>(2)?.cast_unsigned(),
            replay_from: row.get::<_, i64>(3)?.cast_unsigned(),
            cursor: row.get(4)?,
        })
    })
}

fn windows(conn: &Connection) -> rusqlite::Result<Vec<WindowRecord>> {
    let mut query = conn.prepare("SELECT jail, key, times FROM windows ORDER BY jail, key")?;
    let mut jails = Names::default();
    collect(query.query([])?, |row| {
        Ok(WindowRecord {
            jail: jails.shared(row.get_ref(0)?.as_str()?),
            key: codec::key_from(row.get_ref(1)?.as_str()?)?,
            times: codec::times_from(row.get_ref(2)?.as_blob()?)?,
        })
    })
}

fn bans(conn: &Connection) -> rusqlite::Result<Vec<BanRecord>> {
    let mut query = conn.prepare(BANS)?;
    let mut jails = Names::default();
    collect(query.query([])?, |row| ban_from(row, &mut jails))
}

/// A ban from a row of [`BANS`].
pub(super) fn ban_from(row: &Row<'_>, jails: &mut Names) -> rusqlite::Result<BanRecord> {
    Ok(BanRecord {
        jail: jails.shared(row.get_ref(0)?.as_str()?),
        key: codec::key_from(row.get_ref(1)?.as_str()?)?,
        times: row.get(2)?,
        since: Timestamp::from_millis(row.get(3)?),
        until: Timestamp::from_millis(row.get(4)?),
        live: row.get(5)?,
        reason: codec::reason_from(row.get_ref(6)?.as_str()?)?,
    })
}

pub(super) fn matches_of(conn: &Connection, key: &Key, limit: usize) -> rusqlite::Result<Vec<Match>> {
    let mut query = conn.prepare_cached(
        "SELECT id, jail, key, at, count, user, stream, line FROM matches INDEXED BY matches_key
         WHERE key = ?1 ORDER BY at DESC, seq DESC LIMIT ?2",
    )?;
    collect(query.query(params![codec::key_text(key), sql_limit(limit)])?, match_from)
}

pub(super) fn matches_by_id(conn: &Connection, ids: &[MatchId]) -> rusqlite::Result<Vec<Match>> {
    let tx = conn.unchecked_transaction()?;
    let mut query =
        tx.prepare_cached("SELECT id, jail, key, at, count, user, stream, line FROM matches WHERE id = ?1")?;
    let mut matches = Vec::new();
    for id in ids.iter().collect::<HashSet<_>>() {
        matches.append(&mut collect(query.query(params![id.0.to_be_bytes()])?, match_from)?);
    }
    drop(query);
    tx.commit()?;
    Ok(matches)
}

fn match_from(row: &Row<'_>) -> rusqlite::Result<Match> {
    Ok(Match {
        id: MatchId(u128::from_be_bytes(row.get(0)?)),
        jail: row.get_ref(1)?.as_str()?.into(),
        key: codec::key_from(row.get_ref(2)?.as_str()?)?,
        time: Timestamp::from_millis(row.get(3)?),
        count: row.get(4)?,
        user: row.get::<_, Option<Box<str>>>(5)?,
        stream: row.get_ref(6)?.as_str()?.into(),
        line: row.get(7)?,
    })
}

pub(super) fn known(conn: &Connection, ids: &[MatchId]) -> rusqlite::Result<HashSet<MatchId>> {
    let tx = conn.unchecked_transaction()?;
    let mut known = HashSet::new();
    let mut query = tx.prepare_cached("SELECT 1 FROM matches WHERE id = ?1")?;
    for id in ids {
        if query.exists(params![id.0.to_be_bytes()])? {
            known.insert(*id);
        }
    }
    drop(query);
    tx.commit()?;
    Ok(known)
}

pub(super) fn decisions(
    conn: &Connection,
    key: Option<&Key>,
    limit: usize,
) -> rusqlite::Result<Vec<LoggedDecision>> {
    let of_key = if key.is_some() { "INDEXED BY decisions_key WHERE key = ?2" } else { "WHERE ?2 IS NULL" };
    let mut query = conn.prepare_cached(&format!(
        "SELECT d.jail, d.key, d.verdict, d.until, d.at, d.reason, d.nth, d.refused, d.id,
                o.responder, o.state, o.detail
         FROM (SELECT * FROM decisions {of_key} ORDER BY id DESC LIMIT ?1) d
         LEFT JOIN outbox o ON o.decision = d.id ORDER BY d.id DESC, o.id"
    ))?;
    let mut rows = query.query(params![sql_limit(limit), key.map(codec::key_text)])?;
    let mut log: Vec<(i64, LoggedDecision)> = Vec::new();
    while let Some(row) = rows.next()? {
        let id = row.get(8)?;
        if log.last().is_none_or(|(last, _)| *last != id) {
            let refused = row.get::<_, Option<String>>(7)?;
            let outcomes = refused
                .map(|reason| (Arc::from(crate::GUARD), Some(Outcome::Refused { reason })))
                .into_iter()
                .collect();
            log.push((id, LoggedDecision { decision: decision_from(row)?, outcomes }));
        }
        if let (Some(responder), Some((_, entry))) = (row.get_ref(9)?.as_str_or_null()?, log.last_mut()) {
            entry.outcomes.push((responder.into(), outbox::outcome_from(row, 10, 11)?));
        }
    }
    Ok(log.into_iter().map(|(_, entry)| entry).collect())
}

pub(super) fn totals(conn: &Connection) -> rusqlite::Result<Vec<JailTotals>> {
    let mut query = conn.prepare_cached("SELECT jail, matches, bans FROM totals ORDER BY jail")?;
    collect(query.query([])?, |row| {
        Ok(JailTotals {
            jail: row.get_ref(0)?.as_str()?.into(),
            matches: row.get::<_, i64>(1)?.cast_unsigned(),
            bans: row.get::<_, i64>(2)?.cast_unsigned(),
        })
    })
}

/// A decision from a row whose first columns are jail, key, verdict, until, at, reason and nth.
pub(super) fn decision_from(row: &Row<'_>) -> rusqlite::Result<Decision> {
    Ok(Decision {
        jail: row.get_ref(0)?.as_str()?.into(),
        key: codec::key_from(row.get_ref(1)?.as_str()?)?,
        verdict: codec::verdict_from(row.get_ref(2)?.as_str()?, row.get(3)?)?,
        at: Timestamp::from_millis(row.get(4)?),
        reason: codec::reason_from(row.get_ref(5)?.as_str()?)?,
        nth: row.get(6)?,
    })
}

pub(super) fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn collect<T>(
    mut rows: Rows<'_>,
    mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// Shares one allocation among the rows of a jail, which come one after the other.
#[derive(Debug, Default)]
pub(super) struct Names(Option<Arc<str>>);

impl Names {
    fn shared(&mut self, name: &str) -> Arc<str> {
        match &self.0 {
            Some(last) if **last == *name => Arc::clone(last),
            _ => Arc::clone(self.0.insert(name.into())),
        }
    }
}
