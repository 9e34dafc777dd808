//! Bans are everybody's: a row is written as this host says, unless another changed it meanwhile.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use deadpool_postgres::Transaction;
use stockade_core::ports::Order;
use stockade_core::{BanRecord, Key, Reason, Verdict};

use super::error::Fault;
use super::merge::{Ban, Ending, merge};
use super::read::{BAN, Names, ban_from, key_column};
use super::text::to_sql;
use super::write::Commit;
use crate::codec;

/// The host of a row that no host wrote as it is: all of them are to learn of it.
const NOBODY: &str = "";

/// Whose ban.
pub(super) type Id = (Arc<str>, Key);

/// Writes the bans of a batch. Returns those of which another host had written something that this one did not know.
pub(super) async fn put(
    tx: &Transaction<'_>,
    with: &Commit<'_>,
    bans: &[BanRecord],
    orders: &[Order],
    serial: i64,
) -> Result<HashSet<Id>, Fault> {
    let last: HashMap<Id, &BanRecord> =
        bans.iter().map(|ban| ((ban.jail.clone(), ban.key.clone()), ban)).collect();
    let mut merged = HashSet::new();
    if last.is_empty() {
        return Ok(merged);
    }
    let stored = stored(tx, &last).await?;
    let mut endings: HashMap<Id, Ending> = HashMap::new();
    for order in orders {
        let decision = &order.decision;
        endings.insert((decision.jail.clone(), decision.key.clone()), ending(order));
    }
    let mut rows: Vec<(Ban, &str)> = Vec::with_capacity(last.len());
    for (id, new) in last {
        let ending = endings.get(&id).copied().unwrap_or(Ending::ByTime);
        let mine = Ban { record: new.clone(), lifted: !new.live && ending == Ending::ByHand };
        match stored.get(&id) {
            Some(known) if known.serial > with.known && known.host != with.me.host => {
                let result = merge(&known.ban, new, ending);
                if result != known.ban {
                    rows.push(if result == mine { (mine, &with.me.host) } else { (result, NOBODY) });
                }
                merged.insert(id);
            }
            // A guard of this host speaks for this host alone.
            Some(known)
                if ending == Ending::Refused && known.ban.record.live && known.host != with.me.host => {}
            _ => rows.push((mine, &with.me.host)),
        }
    }
    upsert(tx, &rows, serial).await?;
    Ok(merged)
}

fn ending(order: &Order) -> Ending {
    match (&order.decision.verdict, &order.decision.reason) {
        _ if order.refused.is_some() => Ending::Refused,
        (Verdict::Unban, Reason::Manual { .. }) => Ending::ByHand,
        _ => Ending::ByTime,
    }
}

struct Stored {
    ban: Ban,
    host: String,
    serial: i64,
}

async fn stored(tx: &Transaction<'_>, bans: &HashMap<Id, &BanRecord>) -> Result<HashMap<Id, Stored>, Fault> {
    let (jails, keys): (Vec<_>, Vec<_>) =
        bans.keys().map(|(jail, key)| (to_sql(jail).into_owned(), key_column(key))).unzip();
    let sql = format!(
        "SELECT {BAN}, b.host, b.serial FROM bans b
         JOIN unnest($1::text[], $2::text[]) n (jail, key) ON b.jail = n.jail AND b.key = n.key"
    );
    let rows = tx.query(&tx.prepare_cached(&sql).await?, &[&jails, &keys]).await?;
    let mut names = Names::default();
    let mut stored = HashMap::with_capacity(rows.len());
    for row in &rows {
        let record = ban_from(row, &mut names)?;
        let id = (record.jail.clone(), record.key.clone());
        let ban = Ban { record, lifted: row.get(7) };
        stored.insert(id, Stored { ban, host: row.get(8), serial: row.get(9) });
    }
    Ok(stored)
}

async fn upsert(tx: &Transaction<'_>, rows: &[(Ban, &str)], serial: i64) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    let records: Vec<&BanRecord> = rows.iter().map(|(ban, _)| &ban.record).collect();
    let jails: Vec<_> = records.iter().map(|b| to_sql(&b.jail)).collect();
    let keys: Vec<_> = records.iter().map(|b| key_column(&b.key)).collect();
    let times: Vec<_> = records.iter().map(|b| i64::from(b.times)).collect();
    let since: Vec<_> = records.iter().map(|b| b.since.as_millis()).collect();
    let until: Vec<_> = records.iter().map(|b| b.until.as_millis()).collect();
    let live: Vec<_> = records.iter().map(|b| b.live).collect();
    let lifted: Vec<_> = rows.iter().map(|(ban, _)| ban.lifted).collect();
    let reasons = records.iter().map(|b| codec::reason_text(&b.reason)).collect::<Result<Vec<_>, _>>()?;
    let hosts: Vec<_> = rows.iter().map(|(_, host)| *host).collect();
    let sql = "INSERT INTO bans (jail, key, times, since, until, live, lifted, reason, host, serial)
               SELECT b.*, $10 FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[],
                   $6::boolean[], $7::boolean[], $8::text[], $9::text[]) b
               ON CONFLICT (jail, key) DO UPDATE SET times = excluded.times, since = excluded.since,
                   until = excluded.until, live = excluded.live, lifted = excluded.lifted, reason = excluded.reason,
                   host = excluded.host, serial = excluded.serial";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(
        &statement,
        &[&jails, &keys, &times, &since, &until, &live, &lifted, &reasons, &hosts, &serial],
    )
    .await?;
    Ok(())
}
