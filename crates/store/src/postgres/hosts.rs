//! The hosts that share the database: which process writes in whose name, and how far each has seen.

use std::time::{Duration, Instant};

use deadpool_postgres::Transaction;
use stockade_core::Timestamp;

use super::error::Fault;
use super::link::Client;

/// The class of the advisory locks that say that a host's daemon lives; the other half is the hash of its name.
const LOCK_CLASS: i32 = 0x5354_4b44;
/// How long the connection of a daemon that was killed may take to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often that is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// In whose name this process writes.
#[derive(Clone, Debug)]
pub(super) struct Me {
    pub(super) host: String,
    /// Tells this process from any other.
    pub(super) instance: i64,
}

/// Takes the host's name, unless a process that lives has it. A new host has seen all that there is: bans it learns
/// from the snapshot, and old matches had their answer.
pub(super) async fn take(client: &mut Client, me: &Me, now: Timestamp) -> Result<(), Fault> {
    let until = Instant::now() + PATIENCE;
    while !alive(client, me).await? {
        if Instant::now() >= until {
            return Err(Fault::Taken(me.host.clone()));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    client
        .execute(
            "INSERT INTO hosts (name, instance, seen, at)
             VALUES ($1, $2, (SELECT coalesce(max(seq), 0) FROM matches), $3)
             ON CONFLICT (name) DO UPDATE SET instance = excluded.instance, attempt = 0, at = excluded.at",
            &[&me.host, &me.instance, &now.as_millis()],
        )
        .await?;
    Ok(())
}

/// Says that this process lives, for as long as its connection does. `false` if another says so of the same host.
pub(super) async fn alive(client: &Client, me: &Me) -> Result<bool, Fault> {
    let sql = "SELECT pg_try_advisory_lock($1, hashtext($2))";
    Ok(client.query_one(sql, &[&LOCK_CLASS, &me.host]).await?.get(0))
}

/// The last match of others that this host has judged.
pub(super) async fn seen(client: &Client, me: &Me) -> Result<i64, Fault> {
    Ok(client.query_one("SELECT seen FROM hosts WHERE name = $1", &[&me.host]).await?.get(0))
}

/// Whether the commit of this number took place.
pub(super) async fn has_committed(tx: &Transaction<'_>, me: &Me, attempt: i64) -> Result<bool, Fault> {
    let sql = "SELECT FROM hosts WHERE name = $1 AND instance = $2 AND attempt = $3";
    Ok(tx.query_opt(sql, &[&me.host, &me.instance, &attempt]).await?.is_some())
}

/// Notes that this host lives, also where it has nothing to say.
pub(super) async fn heard_of(tx: &Transaction<'_>, me: &Me, now: Timestamp) -> Result<(), Fault> {
    let sql = "UPDATE hosts SET at = $3 WHERE name = $1 AND instance = $2";
    tx.execute(sql, &[&me.host, &me.instance, &now.as_millis()]).await?;
    Ok(())
}

/// Puts this process's name under a commit; an error if another has taken it over.
pub(super) async fn sign(
    tx: &Transaction<'_>,
    me: &Me,
    attempt: i64,
    seen: i64,
    now: Timestamp,
) -> Result<(), Fault> {
    let statement = tx
        .prepare_cached(
            "INSERT INTO hosts (name, instance, attempt, seen, at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (name) DO UPDATE SET attempt = excluded.attempt, at = excluded.at,
                 seen = greatest(hosts.seen, excluded.seen)
             WHERE hosts.instance = excluded.instance",
        )
        .await?;
    match tx.execute(&statement, &[&me.host, &me.instance, &attempt, &seen, &now.as_millis()]).await? {
        0 => Err(Fault::Taken(me.host.clone())),
        _ => Ok(()),
    }
}
