//! What becomes of a damaged file: it is moved aside, and a new one is begun with the bans that can still be read.
//!
//! Only the bans: each of them is true by itself. Windows without their positions, or positions without their windows,
//! would make matches count twice or not at all.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use stockade_core::ports::{Batch, StoreError};
use stockade_core::{BanRecord, Timestamp};

use super::error::failed;
use super::open::{Started, connect, start};
use super::place::Place;
use super::{SqliteOptions, read, write};

/// The most rows that are looked at for bans, in each direction: a damaged tree may have no end.
const MAX_SALVAGED_ROWS: usize = 1_000_000;

/// Moves the damaged file aside and begins a new one. If that fails the old one is put back, for the next attempt.
/// Returns what a person should know as well.
pub(super) fn begin_anew(
    place: &Place,
    options: &SqliteOptions,
    damage: &StoreError,
    now: Timestamp,
) -> Result<(Started, String), StoreError> {
    let aside = place.move_aside(&utc_name(now))?;
    let bans = readable_bans(&aside);
    let notice = format!(
        "{}; the damaged file was moved to `{}` and a new database was begun with the {} bans that could be read; \
         windows, matches and read positions start anew",
        damage.message,
        aside.display(),
        bans.len()
    );
    match start_with(place, options, bans) {
        Ok(started) => Ok((started, notice)),
        Err(error) => {
            place.put_back(&aside)?;
            Err(error)
        }
    }
}

fn start_with(place: &Place, options: &SqliteOptions, bans: Vec<BanRecord>) -> Result<Started, StoreError> {
    place.create()?;
    let mut started = start(place, options)?;
    let batch = Batch { bans, ..Batch::default() };
    write::commit(&mut started.conn, &batch, options.limits, started.counts)
        .map_err(|e| failed("take the readable bans over to", place.path(), &e))?;
    started.state.bans = batch.bans;
    Ok(started)
}

/// What can be read of the bans of a damaged file: from the front to the damage, and from the back to it.
fn readable_bans(aside: &Path) -> Vec<BanRecord> {
    let Ok(conn) = connect(aside, OpenFlags::SQLITE_OPEN_READ_ONLY, Duration::ZERO) else {
        return Vec::new();
    };
    let mut bans = BTreeMap::new();
    for sql in [read::BANS, read::BANS_BACKWARDS] {
        let Ok(mut query) = conn.prepare(sql) else { continue };
        let Ok(mut rows) = query.query([]) else { continue };
        let mut jails = read::Names::default();
        for _ in 0..MAX_SALVAGED_ROWS {
            let Ok(Some(row)) = rows.next() else { break };
            if let Ok(ban) = read::ban_from(row, &mut jails) {
                bans.insert((ban.jail.clone(), ban.key.clone()), ban);
            }
        }
    }
    bans.into_values().collect()
}

/// `20250131T235959Z`; the bare number of seconds where the calendar ends.
fn utc_name(now: Timestamp) -> String {
    let secs = now.as_secs();
    Connection::open_in_memory()
        .and_then(|conn| {
            conn.query_row("SELECT strftime('%Y%m%dT%H%M%SZ', ?1, 'unixepoch')", [secs], |row| row.get(0))
        })
        .unwrap_or_else(|_| secs.to_string())
}
