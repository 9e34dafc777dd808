//! Decisions and the lines of the outbox. What several hosts carry out is one decision with lines of each.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::Transaction;
use stockade_core::Reason;
use stockade_core::ports::Order;

use super::bans::Id;
use super::error::Fault;
use super::hosts::Me;
use super::read::key_column;
use super::text::to_sql;
use crate::codec;
use crate::totals::Added;

/// How far apart two hosts may notice that a ban is over, in milliseconds.
const CLOCKS_DIFFER: i64 = 60_000;

/// Logs orders and posts their lines. Returns how many decisions were new. Bans of which another host knew before are
/// not counted again.
pub(super) async fn insert<'a>(
    tx: &Transaction<'_>,
    me: &Me,
    orders: &'a [Order],
    merged: &HashSet<Id>,
    added: &mut Added<'a>,
) -> Result<u64, Fault> {
    if orders.is_empty() {
        return Ok(0);
    }
    let known = of_others(tx, me, orders).await?;
    let places: Vec<usize> = (0..orders.len()).filter(|place| !known.contains_key(place)).collect();
    let ids = log(tx, me, orders, &places).await?;
    let mut decision_of: HashMap<usize, i64> = known.clone();
    decision_of.extend(places.iter().copied().zip(ids));
    for order in places.iter().filter_map(|place| orders.get(*place)) {
        let id = (order.decision.jail.clone(), order.decision.key.clone());
        if !merged.contains(&id) {
            added.ordered(order);
        }
    }
    let (mut decisions, mut responders, mut joined) = (Vec::new(), Vec::new(), HashMap::<i64, i64>::new());
    for (place, order) in orders.iter().enumerate().filter(|(_, order)| order.refused.is_none()) {
        let Some(decision) = decision_of.get(&place) else { continue };
        for responder in &order.responders {
            decisions.push(*decision);
            responders.push(to_sql(responder));
        }
        if known.contains_key(&place) {
            *joined.entry(*decision).or_default() +=
                i64::try_from(order.responders.len()).unwrap_or(i64::MAX);
        }
    }
    join(tx, &joined).await?;
    if !decisions.is_empty() {
        let sql = "INSERT INTO outbox (host, decision, responder)
                   SELECT $1, o.* FROM unnest($2::bigint[], $3::text[]) o";
        tx.execute(&tx.prepare_cached(sql).await?, &[&me.host, &decisions, &responders]).await?;
    }
    Ok(places.len() as u64)
}

/// The columns of decisions.
#[derive(Default)]
struct Columns {
    jails: Vec<String>,
    keys: Vec<String>,
    verdicts: Vec<String>,
    untils: Vec<Option<i64>>,
    times: Vec<i64>,
    reasons: Vec<String>,
    nths: Vec<i64>,
}

impl Columns {
    fn push(&mut self, order: &Order) -> Result<(), Fault> {
        let decision = &order.decision;
        let (verdict, until) = codec::verdict_columns(&decision.verdict)?;
        self.jails.push(to_sql(&decision.jail).into_owned());
        self.keys.push(key_column(&decision.key));
        self.verdicts.push(verdict.into_owned());
        self.untils.push(until);
        self.times.push(decision.at.as_millis());
        self.reasons.push(codec::reason_text(&decision.reason)?);
        self.nths.push(i64::from(decision.nth));
        Ok(())
    }
}

/// The decisions of other hosts that are the same as these, by the places of these: this host was told of them, and
/// has not taken part in them yet.
async fn of_others(tx: &Transaction<'_>, me: &Me, orders: &[Order]) -> Result<HashMap<usize, i64>, Fault> {
    let mut columns = Columns::default();
    let (mut places, mut from, mut to) = (Vec::new(), Vec::new(), Vec::new());
    for (place, order) in orders.iter().enumerate().filter(|(_, order)| order.refused.is_none()) {
        let at = order.decision.at.as_millis();
        let slack = if order.decision.reason == Reason::Expired { CLOCKS_DIFFER } else { 0 };
        columns.push(order)?;
        places.push(i64::try_from(place).unwrap_or(i64::MAX));
        from.push(at.saturating_sub(slack));
        to.push(at.saturating_add(slack));
    }
    let sql = "SELECT o.place, max(d.id)
               FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bigint[],
                   $8::bigint[], $9::bigint[]) o (place, jail, key, verdict, until, reason, nth, since, till)
               JOIN decisions d ON d.key = o.key AND d.jail = o.jail AND d.verdict = o.verdict
                   AND d.until IS NOT DISTINCT FROM o.until AND d.reason = o.reason AND d.nth = o.nth
                   AND d.at BETWEEN o.since AND o.till AND d.host <> $10 AND d.refused IS NULL
                   AND NOT EXISTS (SELECT FROM outbox l WHERE l.decision = d.id AND l.host = $10)
               GROUP BY o.place";
    let statement = tx.prepare_cached(sql).await?;
    let Columns { jails, keys, verdicts, untils, reasons, nths, .. } = &columns;
    let rows = tx
        .query(&statement, &[&places, jails, keys, verdicts, untils, reasons, nths, &from, &to, &me.host])
        .await?;
    let one = |row: &tokio_postgres::Row| Some((usize::try_from(row.get::<_, i64>(0)).ok()?, row.get(1)));
    Ok(rows.iter().filter_map(one).collect())
}

/// Logs the orders at these places. Returns their numbers, in the same order.
async fn log(tx: &Transaction<'_>, me: &Me, orders: &[Order], places: &[usize]) -> Result<Vec<i64>, Fault> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let count = i64::try_from(places.len()).unwrap_or(i64::MAX);
    let sql = "SELECT nextval('decisions_id_seq') FROM generate_series(1, $1::bigint)";
    let rows = tx.query(&tx.prepare_cached(sql).await?, &[&count]).await?;
    let mut ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    ids.sort_unstable();
    let mut columns = Columns::default();
    let (mut refused, mut open) = (Vec::new(), Vec::new());
    for order in places.iter().filter_map(|place| orders.get(*place)) {
        columns.push(order)?;
        refused.push(order.refused.as_deref().map(to_sql));
        let lines = if order.refused.is_some() { 0 } else { order.responders.len() };
        open.push(i64::try_from(lines).unwrap_or(i64::MAX));
    }
    let sql = "INSERT INTO decisions (host, id, jail, key, verdict, until, at, reason, nth, refused, open)
               SELECT $1, d.* FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
                   $8::text[], $9::bigint[], $10::text[], $11::bigint[]) d";
    let statement = tx.prepare_cached(sql).await?;
    let Columns { jails, keys, verdicts, untils, times, reasons, nths } = &columns;
    tx.execute(
        &statement,
        &[&me.host, &ids, jails, keys, verdicts, untils, times, reasons, nths, &refused, &open],
    )
    .await?;
    Ok(ids)
}

/// Adds lines to decisions of other hosts.
async fn join(tx: &Transaction<'_>, joined: &HashMap<i64, i64>) -> Result<(), Fault> {
    if joined.is_empty() {
        return Ok(());
    }
    let (ids, lines): (Vec<i64>, Vec<i64>) = joined.iter().map(|(id, lines)| (*id, *lines)).unzip();
    // In their order, so that no two hosts wait for each other.
    tx.execute("SELECT FROM decisions WHERE id = ANY ($1) ORDER BY id FOR UPDATE", &[&ids]).await?;
    let sql =
        "UPDATE decisions d SET open = d.open + j.lines FROM unnest($1::bigint[], $2::bigint[]) j (id, lines)
               WHERE d.id = j.id";
    tx.execute(&tx.prepare_cached(sql).await?, &[&ids, &lines]).await?;
    Ok(())
}
