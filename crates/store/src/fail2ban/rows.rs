//! From fail2ban's tables to bans, with everything checked.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use stockade_core::{Key, Timestamp};

use super::{Fail2banBan, Fail2banRecords, MAX_FOREIGN_BANS};

/// The newest version that is known.
const VERSION: i64 = 4;
/// The longest name of a jail, in bytes.
const MAX_JAIL_BYTES: usize = 256;
/// How much of a value is shown, in characters.
const SHOWN: usize = 60;
/// How far in the future a ban may have begun: clocks differ.
const AHEAD: Duration = Duration::from_secs(86_400);
/// What fail2ban writes where it does not know how long an old ban was.
const UNKNOWN_LENGTH: i64 = -2;

pub(super) enum Unreadable {
    Sqlite(rusqlite::Error),
    Other(String),
}

impl From<rusqlite::Error> for Unreadable {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

pub(super) fn read(conn: &Connection, now: Timestamp) -> Result<Fail2banRecords, Unreadable> {
    let no_table = |table: &str| Unreadable::Other(format!("it has no table `{table}` of fail2ban"));
    if columns(conn, "fail2banDb")?.is_empty() {
        return Err(no_table("fail2banDb"));
    }
    let version: i64 = conn.query_row("SELECT version FROM fail2banDb LIMIT 1", [], |row| row.get(0))?;
    if version > VERSION {
        let why = format!("it has version {version}, and this Stockade knows up to {VERSION}");
        return Err(Unreadable::Other(why));
    }
    let mut records = Fail2banRecords { version, ..Fail2banRecords::default() };
    for (table, is_history) in [("bips", false), ("bans", true)] {
        let columns = columns(conn, table)?;
        if ["jail", "ip", "timeofban"].iter().all(|wanted| columns.iter().any(|column| column == wanted)) {
            read_table(conn, table, &columns, now, &mut records)?;
            if is_history {
                keep_newest(&mut records.bans);
            }
            return Ok(records);
        }
    }
    Err(no_table("bips"))
}

/// The columns of a table proper: a view, or a virtual table, could do anything when it is read.
fn columns(conn: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let real = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name = ?1";
    if conn.query_row(real, [table], |row| row.get::<_, i64>(0))? != 1 {
        return Ok(Vec::new());
    }
    let mut columns = conn.prepare("SELECT name FROM pragma_table_info(?1)")?;
    columns.query_map([table], |row| row.get(0))?.collect()
}

fn read_table(
    conn: &Connection,
    table: &'static str,
    columns: &[String],
    now: Timestamp,
    records: &mut Fail2banRecords,
) -> rusqlite::Result<()> {
    // Names from this source file alone stand in the query.
    let optional =
        |name: &'static str| if columns.iter().any(|column| column == name) { name } else { "NULL" };
    let (bantime, bancount) = (optional("bantime"), optional("bancount"));
    let query = format!("SELECT jail, ip, timeofban, {bantime}, {bancount} FROM {table}");
    let mut statement = conn.prepare(&query)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if records.bans.len() >= MAX_FOREIGN_BANS {
            records.skip(|| format!("more than {MAX_FOREIGN_BANS} bans: the rest was not read"));
            break;
        }
        let values = [row.get_ref(0)?, row.get_ref(1)?, row.get_ref(2)?, row.get_ref(3)?, row.get_ref(4)?];
        match ban(values, now) {
            Ok(ban) => records.bans.push(ban),
            Err(what) => {
                let [jail, ip, ..] = values;
                records.skip(|| format!("{what}, in jail `{}`: `{}`", shown(jail), shown(ip)));
            }
        }
    }
    Ok(())
}

/// A row as a ban, or what is wrong with it.
fn ban(
    [jail, ip, since, length, times]: [ValueRef<'_>; 5],
    now: Timestamp,
) -> Result<Fail2banBan, &'static str> {
    let jail = jail.as_str().ok().filter(|jail| (1..=MAX_JAIL_BYTES).contains(&jail.len()));
    let jail = jail.filter(|jail| !jail.contains(char::is_control)).ok_or("not a jail's name")?;
    let key = ip.as_str().ok().and_then(|ip| Key::parse_addr_or_net(ip.trim())).ok_or("not an address")?;
    let since = whole(since).map(Timestamp::from_secs).ok_or("not a time")?;
    if since > now.plus(AHEAD) || since <= Timestamp::from_secs(0) {
        return Err("a time that cannot be");
    }
    let seconds = match (whole(length), length) {
        (Some(UNKNOWN_LENGTH), _) | (None, ValueRef::Null) => None,
        (Some(seconds), _) => Some(seconds.max(-1)),
        (None, _) => return Err("not a length of time"),
    };
    let times = whole(times).map_or(1, |times| u32::try_from(times.max(1)).unwrap_or(u32::MAX));
    Ok(Fail2banBan { jail: jail.to_owned(), key, since, seconds, times })
}

/// A number, without its fraction. SQLite keeps what it is given, whatever the column says.
fn whole(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Integer(number) => Some(number),
        #[expect(clippy::cast_possible_truncation, reason = "its bounds were looked at")]
        ValueRef::Real(number) if number.abs() < 1e15 => Some(number as i64),
        ValueRef::Text(text) => std::str::from_utf8(text).ok()?.trim().parse().ok(),
        _ => None,
    }
}

/// Of a history the newest ban of each, with how many there were.
fn keep_newest(bans: &mut Vec<Fail2banBan>) {
    let mut places: HashMap<(String, Key), usize> = HashMap::new();
    let mut kept: Vec<Fail2banBan> = Vec::new();
    for ban in bans.drain(..) {
        match places.get(&(ban.jail.clone(), ban.key.clone())).and_then(|&at| kept.get_mut(at)) {
            Some(known) => {
                let times = known.times.saturating_add(1);
                if ban.since >= known.since {
                    *known = ban;
                }
                known.times = times;
            }
            None => {
                places.insert((ban.jail.clone(), ban.key.clone()), kept.len());
                kept.push(Fail2banBan { times: 1, ..ban });
            }
        }
    }
    *bans = kept;
}

fn shown(value: ValueRef<'_>) -> String {
    let text = match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            // Four bytes a character at most.
            String::from_utf8_lossy(bytes.get(..SHOWN * 4).unwrap_or(bytes)).into_owned()
        }
    };
    text.chars().take(SHOWN).map(|c| if c.is_control() { '?' } else { c }).collect()
}
