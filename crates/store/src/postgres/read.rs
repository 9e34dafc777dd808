//! What is asked of the database: the snapshot at start, and the questions of people.

use std::collections::HashSet;
use std::sync::Arc;

use deadpool_postgres::Transaction;
use stockade_core::ports::{LoggedDecision, Snapshot, WindowRecord};
use stockade_core::{BanRecord, Decision, Key, Match, MatchId, Outcome, Position, Timestamp};
use tokio_postgres::{IsolationLevel, Row};

use super::error::Fault;
use super::link::Client;
use super::{outbox, text};
use crate::JailTotals;
use crate::codec::{self, Unreadable};

/// All that this host goes on with, and the number of the newest commit that is in it.
pub(super) async fn snapshot(client: &mut Client, host: &str) -> Result<(Snapshot, i64), Fault> {
    let tx = steady(client).await?;
    let serial = tx.query_one("SELECT serial FROM head", &[]).await?.get(0);
    let snapshot = Snapshot {
        positions: positions(&tx, host).await?,
        windows: windows(&tx, host).await?,
        bans: bans(&tx).await?,
    };
    tx.commit().await?;
    Ok((snapshot, serial))
}

/// A transaction that sees one moment.
pub(super) async fn steady(client: &mut Client) -> Result<Transaction<'_>, Fault> {
    let begin = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    Ok(begin.start().await?)
}

async fn positions(tx: &Transaction<'_>, host: &str) -> Result<Vec<Position>, Fault> {
    let sql = "SELECT stream, generation, \"offset\", replay_from, cursor FROM positions WHERE host = $1";
    let rows = tx.query(sql, &[&host]).await?;
    let one = |row: &Row| Position {
        stream: name(row, 0),
        generation: text::from_sql(row.get(1)).into_owned(),
        offset: row.get::<_, i64>(2).cast_unsigned(),
        replay_from: row.get::<_, i64>(3).cast_unsigned(),
        cursor: row.get::<_, Option<&str>>(4).map(|cursor| text::from_sql(cursor).into_owned()),
    };
    Ok(rows.iter().map(one).collect())
}

async fn windows(tx: &Transaction<'_>, host: &str) -> Result<Vec<WindowRecord>, Fault> {
    let sql = "SELECT jail, key, times FROM windows WHERE host = $1 ORDER BY jail, key";
    let mut jails = Names::default();
    let rows = tx.query(sql, &[&host]).await?;
    let one = |row: &Row| {
        let times = codec::times_from(row.get(2))?;
        Ok(WindowRecord { jail: jails.shared(row.get(0)), key: key(row, 1)?, times })
    };
    rows.iter().map(one).collect()
}

/// The columns of a ban, for [`ban_from`].
pub(super) const BAN: &str = "b.jail, b.key, b.times, b.since, b.until, b.live, b.reason, b.lifted";

async fn bans(tx: &Transaction<'_>) -> Result<Vec<BanRecord>, Fault> {
    let rows = tx.query(&format!("SELECT {BAN} FROM bans b ORDER BY jail, key"), &[]).await?;
    let mut jails = Names::default();
    rows.iter().map(|row| ban_from(row, &mut jails)).collect()
}

/// A ban from a row that begins with [`BAN`].
pub(super) fn ban_from(row: &Row, jails: &mut Names) -> Result<BanRecord, Fault> {
    Ok(BanRecord {
        jail: jails.shared(row.get(0)),
        key: key(row, 1)?,
        times: number(row, 2)?,
        since: time(row, 3),
        until: time(row, 4),
        live: row.get(5),
        reason: codec::reason_from(row.get(6))?,
    })
}

pub(super) async fn matches_of(
    client: &mut Client,
    host: &str,
    wanted: &Key,
    limit: usize,
) -> Result<Vec<Match>, Fault> {
    let sql =
        format!("SELECT {MATCH} FROM matches m WHERE m.key = $1 ORDER BY m.at DESC, m.seq DESC LIMIT $2");
    let statement = client.prepare_cached(&sql).await?;
    let rows = client.query(&statement, &[&key_column(wanted), &sql_limit(limit)]).await?;
    rows.iter().map(|row| match_from(row, host)).collect()
}

/// Of hosts that are not forgotten, and of several that have one the first: see [`known`].
pub(super) async fn matches_by_id(
    client: &mut Client,
    host: &str,
    ids: &[MatchId],
) -> Result<Vec<Match>, Fault> {
    let sql = format!(
        "SELECT DISTINCT ON (m.id) {MATCH} FROM unnest($1::bytea[]) a (id), hosts h
         JOIN matches m ON m.host = h.name WHERE m.id = a.id ORDER BY m.id, m.seq"
    );
    let statement = client.prepare_cached(&sql).await?;
    let bytes: Vec<[u8; 16]> = ids.iter().map(|id| id.0.to_be_bytes()).collect();
    let bytes: Vec<&[u8]> = bytes.iter().map(<[u8; 16]>::as_slice).collect();
    let rows = client.query(&statement, &[&bytes]).await?;
    rows.iter().map(|row| match_from(row, host)).collect()
}

/// The columns of a match, for [`match_from`].
const MATCH: &str = "m.id, m.jail, m.key, m.at, m.count, m.\"user\", m.stream, m.line, m.host";

/// A match from a row of [`MATCH`]. The stream of another host has that host's name before it.
fn match_from(row: &Row, host: &str) -> Result<Match, Fault> {
    let (stream, of): (_, &str) = (text::from_sql(row.get(6)), row.get(8));
    Ok(Match {
        id: match_id(row, 0)?,
        jail: name(row, 1),
        key: key(row, 2)?,
        time: time(row, 3),
        count: number(row, 4)?,
        user: row.get::<_, Option<&str>>(5).map(|user| text::from_sql(user).into()),
        stream: if of == host { stream.into() } else { format!("{of}:{stream}").into() },
        line: text::from_sql(row.get(7)).into(),
    })
}

/// Of hosts that are not forgotten: the index is by host and id, and there are few of them.
pub(super) async fn known(client: &mut Client, ids: &[MatchId]) -> Result<HashSet<MatchId>, Fault> {
    let sql = "SELECT DISTINCT a.id FROM unnest($1::bytea[]) a (id), hosts h
               WHERE EXISTS (SELECT FROM matches m WHERE m.host = h.name AND m.id = a.id)";
    let statement = client.prepare_cached(sql).await?;
    let bytes: Vec<[u8; 16]> = ids.iter().map(|id| id.0.to_be_bytes()).collect();
    let bytes: Vec<&[u8]> = bytes.iter().map(<[u8; 16]>::as_slice).collect();
    let rows = client.query(&statement, &[&bytes]).await?;
    rows.iter().map(|row| match_id(row, 0)).collect()
}

pub(super) async fn decisions(
    client: &mut Client,
    host: &str,
    wanted: Option<&Key>,
    limit: usize,
) -> Result<Vec<LoggedDecision>, Fault> {
    let of_key = if wanted.is_some() { "WHERE key = $2" } else { "WHERE $2::text IS NULL" };
    let statement = client
        .prepare_cached(&format!(
            "SELECT d.jail, d.key, d.verdict, d.until, d.at, d.reason, d.nth, d.refused, d.id,
                    o.responder, o.state, o.detail, o.host
             FROM (SELECT * FROM decisions {of_key} ORDER BY id DESC LIMIT $1) d
             LEFT JOIN outbox o ON o.decision = d.id ORDER BY d.id DESC, o.id"
        ))
        .await?;
    let rows = client.query(&statement, &[&sql_limit(limit), &wanted.map(key_column)]).await?;
    let mut log: Vec<(i64, LoggedDecision)> = Vec::new();
    for row in &rows {
        let id = row.get(8);
        if log.last().is_none_or(|(last, _)| *last != id) {
            let refused = row.get::<_, Option<&str>>(7).map(|reason| text::from_sql(reason).into_owned());
            let outcomes = refused
                .map(|reason| (Arc::from(crate::GUARD), Some(Outcome::Refused { reason })))
                .into_iter()
                .collect();
            log.push((id, LoggedDecision { decision: decision_from(row, 0)?, outcomes }));
        }
        if let (Some(responder), Some((_, entry))) = (row.get::<_, Option<&str>>(9), log.last_mut()) {
            let (responder, of): (_, &str) = (text::from_sql(responder), row.get(12));
            let responder = if of == host { responder.into() } else { format!("{of}: {responder}").into() };
            entry.outcomes.push((responder, outbox::outcome_from(row, 10, 11)?));
        }
    }
    Ok(log.into_iter().map(|(_, entry)| entry).collect())
}

pub(super) async fn totals(client: &mut Client) -> Result<Vec<JailTotals>, Fault> {
    let rows = client.query("SELECT jail, matches, bans FROM totals ORDER BY jail", &[]).await?;
    let one = |row: &Row| JailTotals {
        jail: name(row, 0),
        matches: row.get::<_, i64>(1).cast_unsigned(),
        bans: row.get::<_, i64>(2).cast_unsigned(),
    };
    Ok(rows.iter().map(one).collect())
}

/// A decision from the columns jail, key, verdict, until, at, reason and nth, from `first` on.
pub(super) fn decision_from(row: &Row, first: usize) -> Result<Decision, Fault> {
    Ok(Decision {
        jail: name(row, first),
        key: key(row, first + 1)?,
        verdict: codec::verdict_from(row.get(first + 2), row.get(first + 3))?,
        at: time(row, first + 4),
        reason: codec::reason_from(row.get(first + 5))?,
        nth: number(row, first + 6)?,
    })
}

pub(super) fn key_column(key: &Key) -> String {
    text::to_sql(&codec::key_text(key)).into_owned()
}

fn match_id(row: &Row, at: usize) -> Result<MatchId, Fault> {
    let id: &[u8] = row.get(at);
    let id = id.try_into().map_err(|_| Unreadable::new("match id", &format!("{} bytes", id.len())))?;
    Ok(MatchId(u128::from_be_bytes(id)))
}

pub(super) fn key(row: &Row, at: usize) -> Result<Key, Fault> {
    Ok(codec::key_from(&text::from_sql(row.get(at)))?)
}

pub(super) fn name(row: &Row, at: usize) -> Arc<str> {
    text::from_sql(row.get(at)).into()
}

pub(super) fn time(row: &Row, at: usize) -> Timestamp {
    Timestamp::from_millis(row.get(at))
}

pub(super) fn number(row: &Row, at: usize) -> Result<u32, Fault> {
    let number: i64 = row.get(at);
    Ok(u32::try_from(number).map_err(|_| Unreadable::new("number", &number.to_string()))?)
}

pub(super) fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Shares one allocation among the rows of a jail, which come one after the other.
#[derive(Debug, Default)]
pub(super) struct Names(Option<Arc<str>>);

impl Names {
    pub(super) fn shared(&mut self, column: &str) -> Arc<str> {
        let name = text::from_sql(column);
        match &self.0 {
            Some(last) if **last == *name => Arc::clone(last),
            _ => Arc::clone(self.0.insert(name.into())),
        }
    }
}
