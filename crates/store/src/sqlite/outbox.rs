//! The outbox: decisions that responders have yet to carry out.

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};
use stockade_core::ports::{OutboxItem, Settlement};
use stockade_core::{Outcome, Timestamp};

use super::read::{decision_from, sql_limit};
use crate::codec;

const WAITING: i64 = 0;
const FAILED: i64 = 1;
const DONE: i64 = 2;
const REFUSED: i64 = 3;

pub(super) fn due(conn: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<Vec<OutboxItem>> {
    // `CROSS JOIN` and `INDEXED BY` hold SQLite to walking the open lines in their order.
    let mut query = conn.prepare_cached(
        "SELECT d.jail, d.key, d.verdict, d.until, d.at, d.reason, d.nth, o.id, o.responder, o.attempts
         FROM outbox o INDEXED BY outbox_open CROSS JOIN decisions d ON d.id = o.decision
         WHERE o.state < 2 AND (o.due IS NULL OR o.due <= ?1) ORDER BY o.id LIMIT ?2",
    )?;
    let mut rows = query.query(params![now.as_millis(), sql_limit(limit)])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(OutboxItem {
            decision: decision_from(row)?,
            id: row.get(7)?,
            responder: row.get_ref(8)?.as_str()?.into(),
            attempts: row.get(9)?,
        });
    }
    Ok(items)
}

pub(super) fn settle(conn: &mut Connection, settled: &[Settlement]) -> rusqlite::Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for settlement in settled {
        settle_one(&tx, settlement)?;
    }
    tx.commit()
}

fn settle_one(tx: &Transaction<'_>, settlement: &Settlement) -> rusqlite::Result<()> {
    let (state, detail, due) = match &settlement.outcome {
        Outcome::Done => (DONE, None, None),
        Outcome::Failed { error } => (FAILED, Some(error), Some(settlement.retry_at.as_millis())),
        Outcome::Refused { reason } => (REFUSED, Some(reason), None),
        Outcome::Later { .. } => (WAITING, None, Some(settlement.retry_at.as_millis())),
        other => {
            let unknown = codec::Unreadable::new("outcome", &format!("{other:?}"));
            return Err(rusqlite::Error::ToSqlConversionFailure(Box::new(unknown)));
        }
    };
    // A line that is settled stays as it is, whatever is said of it later.
    let changed = tx
        .prepare_cached(
            "UPDATE outbox SET state = ?2, detail = ?3, due = ?4, attempts = min(attempts + (?2 = 1), 4294967295)
             WHERE id = ?1 AND state < 2",
        )?
        .execute(params![settlement.id, state, detail, due])?;
    if changed > 0 && state >= DONE {
        tx.prepare_cached(
            "UPDATE decisions SET open = open - 1 WHERE id = (SELECT decision FROM outbox WHERE id = ?1)",
        )?
        .execute([settlement.id])?;
    }
    Ok(())
}

/// What came of a line, from its columns `state` and `detail`; `None` while it waits.
pub(super) fn outcome_from(row: &Row<'_>, state: usize, detail: usize) -> rusqlite::Result<Option<Outcome>> {
    let text = || row.get::<_, Option<String>>(detail).map(Option::unwrap_or_default);
    Ok(match row.get::<_, i64>(state)? {
        WAITING => None,
        FAILED => Some(Outcome::Failed { error: text()? }),
        DONE => Some(Outcome::Done),
        REFUSED => Some(Outcome::Refused { reason: text()? }),
        other => return Err(codec::Unreadable::new("outbox state", &other.to_string()).into()),
    })
}
