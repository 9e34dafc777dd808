//! The outbox of this host: decisions that its responders have yet to carry out.

use stockade_core::ports::{OutboxItem, Settlement};
use stockade_core::{Outcome, Timestamp};
use tokio_postgres::Row;

use super::error::Fault;
use super::link::Client;
use super::read::{decision_from, name, number, sql_limit};
use super::text;
use crate::codec::Unreadable;

const WAITING: i16 = 0;
const FAILED: i16 = 1;
const DONE: i16 = 2;
const REFUSED: i16 = 3;

pub(super) async fn due(
    client: &mut Client,
    host: &str,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<OutboxItem>, Fault> {
    let sql = "SELECT d.jail, d.key, d.verdict, d.until, d.at, d.reason, d.nth, o.id, o.responder, o.attempts
               FROM outbox o JOIN decisions d ON d.id = o.decision
               WHERE o.host = $1 AND o.state < 2 AND (o.due IS NULL OR o.due <= $2) ORDER BY o.id LIMIT $3";
    let statement = client.prepare_cached(sql).await?;
    let rows = client.query(&statement, &[&host, &now.as_millis(), &sql_limit(limit)]).await?;
    let item = |row: &Row| {
        Ok(OutboxItem {
            decision: decision_from(row, 0)?,
            id: row.get(7),
            responder: name(row, 8),
            attempts: number(row, 9)?,
        })
    };
    rows.iter().map(item).collect()
}

/// Settles lines in the order in which they are told of: in rounds, where one is told of more than once.
pub(super) async fn settle(client: &mut Client, host: &str, settled: &[Settlement]) -> Result<(), Fault> {
    let tx = client.transaction().await?;
    let statement = tx
        .prepare_cached(
            "WITH told AS (
                 SELECT * FROM unnest($2::bigint[], $3::smallint[], $4::text[], $5::bigint[])
                     AS t (id, state, detail, due)
             ), changed AS (
                 -- A line that is settled stays as it is, whatever is said of it later.
                 UPDATE outbox o SET state = t.state, detail = t.detail, due = t.due,
                     attempts = least(o.attempts + (t.state = 1)::int, 4294967295)
                 FROM told t WHERE o.id = t.id AND o.host = $1 AND o.state < 2
                 RETURNING o.decision, o.state
             )
             UPDATE decisions d SET open = d.open - c.lines
             FROM (SELECT decision, count(*) AS lines FROM changed WHERE state >= 2 GROUP BY decision) c
             WHERE d.id = c.decision",
        )
        .await?;
    let mut rest: Vec<&Settlement> = settled.iter().collect();
    let lines: Vec<i64> = settled.iter().map(|one| one.id).collect();
    tx.execute(
        "SELECT FROM decisions WHERE id IN (SELECT decision FROM outbox WHERE id = ANY ($1) AND host = $2)
         ORDER BY id FOR UPDATE", // In their order, so that no two hosts wait for each other.
        &[&lines, &host],
    )
    .await?;
    while !rest.is_empty() {
        let mut told = std::collections::HashSet::new();
        let (round, later): (Vec<_>, Vec<_>) = rest.into_iter().partition(|one| told.insert(one.id));
        rest = later;
        let mut columns = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for one in round {
            let (state, detail, due) = state_of(one)?;
            columns.0.push(one.id);
            columns.1.push(state);
            columns.2.push(detail.map(text::to_sql));
            columns.3.push(due);
        }
        tx.execute(&statement, &[&host, &columns.0, &columns.1, &columns.2, &columns.3]).await?;
    }
    Ok(tx.commit().await?)
}

fn state_of(settlement: &Settlement) -> Result<(i16, Option<&str>, Option<i64>), Fault> {
    Ok(match &settlement.outcome {
        Outcome::Done => (DONE, None, None),
        Outcome::Failed { error } => (FAILED, Some(error), Some(settlement.retry_at.as_millis())),
        Outcome::Refused { reason } => (REFUSED, Some(reason), None),
        Outcome::Later { .. } => (WAITING, None, Some(settlement.retry_at.as_millis())),
        other => return Err(Unreadable::new("outcome", &format!("{other:?}")).into()),
    })
}

/// What came of a line, from its columns `state` and `detail`; `None` while it waits.
pub(super) fn outcome_from(row: &Row, state: usize, detail: usize) -> Result<Option<Outcome>, Fault> {
    let said = || row.get::<_, Option<&str>>(detail).map(text::from_sql).unwrap_or_default().into_owned();
    Ok(match row.get::<_, i16>(state) {
        WAITING => None,
        FAILED => Some(Outcome::Failed { error: said() }),
        DONE => Some(Outcome::Done),
        REFUSED => Some(Outcome::Refused { reason: said() }),
        other => return Err(Unreadable::new("outbox state", &other.to_string()).into()),
    })
}
