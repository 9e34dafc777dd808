//! The tables, their version, and the way from an old version to this one.

use deadpool_postgres::Transaction;
use stockade_core::ports::StoreErrorKind;

use super::error::Fault;
use super::{SCHEMA, link::Client};

/// The schema that this version writes. A database of an older one is brought up to it when it is opened; one that is
/// newer is left alone.
pub const POSTGRES_SCHEMA_VERSION: i64 = 1;

/// The step to each version, in order: the first makes schema 1 from nothing.
const STEPS: [&str; 1] = [include_str!("schema/v1.sql")];

const _: () = assert!(STEPS.len() as i64 == POSTGRES_SCHEMA_VERSION, "a step for each version");

/// Held while the schema is looked at or changed, so that two daemons may start at once.
const LOCK: i64 = 0x5354_4b44_0001;

/// Takes the steps that are missing, all or none.
pub(super) async fn bring_up(client: &mut Client) -> Result<(), Fault> {
    let encoding: String = client.query_one("SHOW server_encoding", &[]).await?.get(0);
    if encoding != "UTF8" {
        let what = format!("the encoding of the database is `{encoding}`, and logs hold any character");
        let hint = "make a database of the encoding UTF8: `createdb -E UTF8 -T template0 …`";
        return Err(Fault::Refused { kind: StoreErrorKind::Other, what, hint });
    }
    let tx = client.transaction().await?;
    lock(&tx).await?;
    let version = version(&tx).await?;
    not_newer(version)?;
    if version == POSTGRES_SCHEMA_VERSION {
        return Ok(());
    }
    if version == 0 {
        tx.batch_execute("CREATE TABLE schema_version (version bigint NOT NULL)").await?;
        tx.batch_execute("INSERT INTO schema_version VALUES (0)").await?;
    }
    for step in STEPS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        tx.batch_execute(step).await?;
    }
    tx.execute("UPDATE schema_version SET version = $1", &[&POSTGRES_SCHEMA_VERSION]).await?;
    Ok(tx.commit().await?)
}

/// Makes the schema, if it is not there, and keeps others from changing it until the transaction ends.
pub(super) async fn lock(tx: &Transaction<'_>) -> Result<(), Fault> {
    tx.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let there: bool = tx.query_one("SELECT to_regnamespace($1::text) IS NOT NULL", &[&SCHEMA]).await?.get(0);
    if !there {
        tx.batch_execute(&format!("CREATE SCHEMA {SCHEMA}")).await?;
    }
    Ok(())
}

/// Whether there is anything, of this version; an error if it is of another.
pub(super) async fn is_there(client: &mut Client) -> Result<bool, Fault> {
    let version = version(&client.transaction().await?).await?;
    not_newer(version)?;
    if (1..POSTGRES_SCHEMA_VERSION).contains(&version) {
        let what = format!("it has schema {version}, older than {POSTGRES_SCHEMA_VERSION}");
        let hint = "start the daemon once: it brings the database up to date";
        return Err(Fault::Refused { kind: StoreErrorKind::Other, what, hint });
    }
    Ok(version > 0)
}

fn not_newer(version: i64) -> Result<(), Fault> {
    if version <= POSTGRES_SCHEMA_VERSION {
        return Ok(());
    }
    let what = format!("it has schema {version}, newer than {POSTGRES_SCHEMA_VERSION}");
    let hint = "run the Stockade that wrote it, or a newer one, on every host; nothing was changed";
    Err(Fault::Refused { kind: StoreErrorKind::TooNew, what, hint })
}

/// The version of what is there; 0: nothing.
async fn version(tx: &Transaction<'_>) -> Result<i64, Fault> {
    let name = format!("{SCHEMA}.schema_version");
    let there: bool = tx.query_one("SELECT to_regclass($1::text) IS NOT NULL", &[&name]).await?.get(0);
    if !there {
        return Ok(0);
    }
    Ok(tx.query_one("SELECT version FROM schema_version", &[]).await?.get(0))
}
