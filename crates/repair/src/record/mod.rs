//! The record: what happened, in lines of JSON, each with the hash of the one before.
//!
//! ```text
//! {"hash":"…64 digits…","entry":{"seq":2,"prev":"…","at":"2026-09-21T14:13:20Z","kind":"repair","id":"p01-…",…}}
//! ```
//!
//! `hash` is SHA-256 of the bytes of `entry`, and `prev` the hash of the line before, so nothing in the middle can be
//! changed, taken out or put in without every later line changing. What no chain can show by itself is that its end
//! was cut off: for that each run returns the newest hash ([`crate::Run::head`]), which belongs into notices, where an attacker does
//! not reach it.
//!
//! The lines are kept on the shelf, one a key, and appended by writing a key that must not be there yet: two writers
//! never have the same number. [`crate::Engine::export`] writes them as a file.

mod verify;

use serde::{Deserialize, Serialize};

use serde_json::Value;
use stockade_core::Timestamp;

use crate::json::sha256;
use crate::shelf::{Shelf, ShelfError};
use crate::state;
pub use verify::{Broken, Verified, Verifier, verify_lines};

/// One line of the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 1.
    pub seq: u64,
    /// The hash of the line before; 64 zeros for the first.
    pub prev: String,
    /// When it was written, in UTC.
    pub at: String,
    /// What it tells: `began`, `repair`, `good`, `undo`, `plan`, `notice`, `approval`, `own`, `attempt`, `passed`, `limit`,
    /// `escalation`, `accept`, `hold`, `trial`.
    pub kind: String,
    /// The repair it belongs to; empty if to none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// All of it.
    pub body: Value,
}

/// The hash before the first line.
pub const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// A longer line leaves out the event, whose hash stays.
pub(crate) const MAX_LINE_BYTES: usize = 320 << 10;

const HEAD: &str = "record-head";
const LINES: &str = "record/";
const OPENING: &str = r#"{"hash":""#;
const MIDDLE: &str = r#"","entry":"#;
/// How often a line is tried to be appended while others append.
const TRIES: u32 = 1000;

/// Where the record ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    seq: u64,
    hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self { seq: 0, hash: START.to_owned() }
    }
}

/// The numbers of the lines that belong to a repair.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Lines {
    seqs: Vec<u64>,
}

/// Of how many lines of a repair it is known which they are: the first, which tell how it began, and the newest. A repair
/// that never works is tried for ever, and this is what keeps its list short; the lines stay in the record.
const MAX_LINES: usize = 400;
/// How many of those are the first.
const FIRST_LINES: usize = 100;

impl Lines {
    fn add(&mut self, seq: u64) {
        let Err(at) = self.seqs.binary_search(&seq) else { return };
        self.seqs.insert(at, seq);
        while self.seqs.len() > MAX_LINES {
            self.seqs.remove(FIRST_LINES);
        }
    }
}

fn key(seq: u64) -> String {
    format!("{LINES}{seq:012}")
}

fn lines_of(id: &str) -> String {
    format!("lines/{id}")
}

/// The line of an entry, with its hash.
fn line(entry: &Entry) -> Result<(String, String), ShelfError> {
    let entry = serde_json::to_string(entry)
        .map_err(|error| ShelfError::stays(format!("cannot write the record: {error}")))?;
    let hash = sha256(entry.as_bytes());
    Ok((format!("{OPENING}{hash}{MIDDLE}{entry}}}"), hash))
}

/// The entry of a line with its hash, or what is wrong with the line.
pub(crate) type Opened = Result<(Entry, String), String>;

/// The entry of a line whose hash is right.
fn opened(line: &str) -> Opened {
    let wrong = || "is no line of a record".to_owned();
    let rest = line.strip_prefix(OPENING).ok_or_else(wrong)?;
    let (hash, rest) = rest.split_at_checked(START.len()).ok_or_else(wrong)?;
    let entry = rest.strip_prefix(MIDDLE).and_then(|rest| rest.strip_suffix('}')).ok_or_else(wrong)?;
    if sha256(entry.as_bytes()) != hash {
        return Err("was changed: its hash is another".to_owned());
    }
    let parsed = serde_json::from_str(entry).map_err(|error| format!("cannot be read: {error}"))?;
    Ok((parsed, hash.to_owned()))
}

/// Appends an entry; its hash is returned when it is durable.
pub(crate) fn append(
    shelf: &mut dyn Shelf,
    now: Timestamp,
    kind: &str,
    id: &str,
    mut body: Value,
) -> Result<String, ShelfError> {
    if body.to_string().len() > MAX_LINE_BYTES
        && let Some(event) = body.get_mut("event")
    {
        *event = Value::String("left out: too long".to_owned());
    }
    let mut head: Head = state::read(shelf, HEAD)?.unwrap_or_default();
    for _ in 0..TRIES {
        let entry = Entry {
            seq: head.seq + 1,
            prev: head.hash.clone(),
            at: when(now),
            kind: kind.to_owned(),
            id: id.to_owned(),
            body: body.clone(),
        };
        let (line, hash) = line(&entry)?;
        let mine = shelf.put_if_version(&key(entry.seq), Some(line.as_bytes()), 0)?.is_some();
        let (entry, hash) = if mine {
            (entry, hash)
        } else {
            // Somebody else wrote this line, and perhaps died before the head was moved.
            let there = read_line(shelf, entry.seq)?;
            opened(&there).map_err(|why| {
                ShelfError::stays(format!("cannot append to the record: line {} {why}", entry.seq))
            })?
        };
        settle(shelf, &entry, &hash)?;
        if mine {
            return Ok(hash);
        }
        head = Head { seq: entry.seq, hash };
    }
    Err(ShelfError::passes("cannot append to the record: others did so all the time".to_owned()))
}

/// Makes known a line that is there: to its repair, and then, as the last step, that the record ends with it. Whoever finds a line
/// beyond the end does this for whoever died in between, so it may happen twice.
fn settle(shelf: &mut dyn Shelf, entry: &Entry, hash: &str) -> Result<(), ShelfError> {
    if !entry.id.is_empty() {
        state::update(shelf, &lines_of(&entry.id), |lines: &mut Lines| lines.add(entry.seq))?;
    }
    state::update(shelf, HEAD, |head: &mut Head| {
        if head.seq < entry.seq {
            *head = Head { seq: entry.seq, hash: hash.to_owned() };
        }
    })
}

/// Settles lines beyond the end, whose writers died.
fn settle_all(shelf: &mut dyn Shelf) -> Result<(), ShelfError> {
    let mut head: Head = state::read(shelf, HEAD)?.unwrap_or_default();
    while let Some(stored) = shelf.get(&key(head.seq + 1))? {
        let Ok((entry, hash)) = opened(&String::from_utf8_lossy(&stored.value)) else { break };
        settle(shelf, &entry, &hash)?;
        head = Head { seq: entry.seq, hash };
    }
    Ok(())
}

fn read_line(shelf: &mut dyn Shelf, seq: u64) -> Result<String, ShelfError> {
    let stored = shelf.get(&key(seq))?;
    let stored = stored.ok_or_else(|| ShelfError::stays(format!("line {seq} of the record is gone")))?;
    String::from_utf8(stored.value)
        .map_err(|_| ShelfError::stays(format!("line {seq} of the record is no text")))
}

/// The entries of a repair, in their order.
pub(crate) fn of_repair(shelf: &mut dyn Shelf, id: &str) -> Result<Vec<Entry>, ShelfError> {
    settle_all(shelf)?;
    let lines: Lines = state::read(shelf, &lines_of(id))?.unwrap_or_default();
    let mut entries = Vec::with_capacity(lines.seqs.len());
    for seq in lines.seqs {
        let line = read_line(shelf, seq)?;
        let (entry, _) =
            opened(&line).map_err(|why| ShelfError::stays(format!("line {seq} of the record {why}")))?;
        entries.push(entry);
    }
    Ok(entries)
}

/// The first entry of a repair.
pub(crate) fn first_of_repair(shelf: &mut dyn Shelf, id: &str) -> Result<Option<Entry>, ShelfError> {
    let lines: Lines = state::read(shelf, &lines_of(id))?.unwrap_or_default();
    let Some(seq) = lines.seqs.first() else { return Ok(None) };
    Ok(line_at(shelf, *seq)?.and_then(Result::ok).map(|(entry, _)| entry))
}

/// Whether there is a line of this number.
pub(crate) fn has_line(shelf: &mut dyn Shelf, seq: u64) -> Result<bool, ShelfError> {
    Ok(shelf.get(&key(seq))?.is_some())
}

/// The line of a number with its hash, or what is wrong with it; `None` where there is none.
pub(crate) fn line_at(shelf: &mut dyn Shelf, seq: u64) -> Result<Option<Opened>, ShelfError> {
    let Some(stored) = shelf.get(&key(seq))? else { return Ok(None) };
    let read = opened(&String::from_utf8_lossy(&stored.value));
    Ok(Some(read.and_then(|(entry, hash)| {
        if entry.seq == seq { Ok((entry, hash)) } else { Err(format!("says that it is line {}", entry.seq)) }
    })))
}

/// The entries with numbers above `after`, in their order, at most `limit`.
pub(crate) fn after(shelf: &mut dyn Shelf, after: u64, limit: usize) -> Result<Vec<Entry>, ShelfError> {
    let mut entries = Vec::new();
    let mut from = key(after);
    while entries.len() < limit {
        let values = shelf.values(LINES, &from, limit - entries.len())?;
        let Some((last, _)) = values.last() else { break };
        from.clone_from(last);
        for (key, stored) in values {
            let line = String::from_utf8_lossy(&stored.value);
            let (entry, _) = opened(&line).map_err(|why| ShelfError::stays(format!("`{key}` {why}")))?;
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// The number of the last line.
pub(crate) fn length(shelf: &mut dyn Shelf) -> Result<u64, ShelfError> {
    Ok(state::read::<Head>(shelf, HEAD)?.unwrap_or_default().seq)
}

/// All lines in their order, each given to `each`, until it fails.
pub(crate) fn each_line<E: From<ShelfError>>(
    shelf: &mut dyn Shelf,
    mut each: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    const AT_ONCE: usize = 200;
    let mut after = String::new();
    loop {
        let values = shelf.values(LINES, &after, AT_ONCE)?;
        let Some((last, _)) = values.last() else { return Ok(()) };
        after.clone_from(last);
        for (_, stored) in values {
            each(&String::from_utf8_lossy(&stored.value))?;
        }
    }
}

/// Checks the record on the shelf, also that it ends where it is said to.
pub(crate) fn verify(shelf: &mut dyn Shelf) -> Result<Result<Verified, Broken>, ShelfError> {
    enum Stop {
        Broken(Broken),
        Shelf(ShelfError),
    }
    impl From<ShelfError> for Stop {
        fn from(error: ShelfError) -> Self {
            Self::Shelf(error)
        }
    }
    let head: Head = state::read(shelf, HEAD)?.unwrap_or_default();
    let mut verifier = Verifier::default();
    match each_line(shelf, |line| verifier.line(line).map_err(Stop::Broken)) {
        Ok(()) => {}
        Err(Stop::Broken(broken)) => return Ok(Err(broken)),
        Err(Stop::Shelf(error)) => return Err(error),
    }
    let verified = verifier.end();
    if verified.lines < head.seq {
        let why = format!("is missing: the record ended with line {}", head.seq);
        return Ok(Err(Broken { line: verified.lines + 1, why }));
    }
    Ok(Ok(verified))
}

/// The newest hash.
pub(crate) fn head(shelf: &mut dyn Shelf) -> Result<String, ShelfError> {
    Ok(state::read::<Head>(shelf, HEAD)?.unwrap_or_default().hash)
}

/// A time for people, in UTC.
pub(crate) fn when(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis()).map_or_else(|_| format!("{at:?}"), |at| at.to_string())
}

/// What a line says, if its hash is right.
pub(crate) fn entry(line: &str) -> Option<Entry> {
    opened(line).ok().map(|(entry, _)| entry)
}

#[cfg(test)]
mod tests;
