//! The tables, their version, and the way from an old version to this one.

use rusqlite::{Connection, TransactionBehavior};

/// The schema that this version writes. Files of an older one are brought up to it when they are opened; one that is
/// newer is left alone.
pub const SCHEMA_VERSION: i64 = 1;

/// `STKD`: marks the file as Stockade's, so that another program's database is never taken for a damaged one of ours.
pub(super) const APPLICATION_ID: i64 = 0x5354_4b44;

/// The step to each version, in order: the first makes schema 1 from nothing.
const STEPS: [&str; 1] = [include_str!("schema/v1.sql")];

const _: () = assert!(STEPS.len() as i64 == SCHEMA_VERSION, "a step for each version");

/// Whose file it is, as its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Nothing is in it yet.
    Nobody,
    /// Ours, of this version.
    Stockade(i64),
    /// Another program's.
    Other,
}

pub(super) fn owner(conn: &Connection) -> rusqlite::Result<Owner> {
    let id: i64 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (id, version) {
        (APPLICATION_ID, version) => Owner::Stockade(version),
        (0, 0) if tables == 0 => Owner::Nobody,
        _ => Owner::Other,
    })
}

/// Takes the steps from `version` (0: nothing there) to [`SCHEMA_VERSION`], all or none.
pub(super) fn bring_up(conn: &mut Connection, version: i64) -> rusqlite::Result<()> {
    if version >= SCHEMA_VERSION {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in STEPS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        tx.execute_batch(step)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    tx.commit()
}
