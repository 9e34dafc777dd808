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

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stockade_core::Timestamp;

use crate::json::sha256;
use crate::shelf::{Shelf, ShelfError};
use crate::state;

/// One line of the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 1.
    pub seq: u64,
    /// The hash of the line before; 64 zeros for the first.
    pub prev: String,
    /// When it was written, in UTC.
    pub at: String,
    /// What it tells: `began`, `repair`, `good`, `undo`, `plan`, `notice`, `approval`, `own`, `attempt`, `limit`, `escalation`,
    /// `accept`, `hold`, `trial`.
    pub kind: String,
    /// The repair it belongs to; empty if to none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// All of it.
    pub body: Value,
}

/// A record without a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How many lines.
    pub lines: u64,
    /// The hash of the last.
    pub head: String,
}

/// The first fault of a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the record: {why}")]
pub struct Broken {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: String,
}

/// The hash before the first line.
pub const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// A longer line leaves out the event, whose hash stays.
pub const MAX_LINE_BYTES: usize = 320 << 10;

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

/// The entry of a line whose hash is right.
fn opened(line: &str) -> Result<(Entry, String), String> {
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
        if shelf.put_if_version(&key(entry.seq), Some(line.as_bytes()), 0)?.is_some() {
            let new = Head { seq: entry.seq, hash: hash.clone() };
            state::update(shelf, HEAD, |head: &mut Head| {
                if head.seq < new.seq {
                    *head = new.clone();
                }
            })?;
            if !id.is_empty() {
                state::update(shelf, &lines_of(id), |lines: &mut Lines| lines.seqs.push(entry.seq))?;
            }
            return Ok(hash);
        }
        // Somebody else wrote this line, and perhaps died before the head was moved.
        let there = read_line(shelf, entry.seq)?;
        let (_, hash) = opened(&there).map_err(|why| {
            ShelfError::stays(format!("cannot append to the record: line {} {why}", entry.seq))
        })?;
        head = Head { seq: entry.seq, hash };
    }
    Err(ShelfError::passes("cannot append to the record: others did so all the time".to_owned()))
}

fn read_line(shelf: &mut dyn Shelf, seq: u64) -> Result<String, ShelfError> {
    let stored = shelf.get(&key(seq))?;
    let stored = stored.ok_or_else(|| ShelfError::stays(format!("line {seq} of the record is gone")))?;
    String::from_utf8(stored.value)
        .map_err(|_| ShelfError::stays(format!("line {seq} of the record is no text")))
}

/// The entries of a repair, in their order.
pub(crate) fn of_repair(shelf: &mut dyn Shelf, id: &str) -> Result<Vec<Entry>, ShelfError> {
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

/// The entries with numbers above `after`, in their order, at most `limit`.
pub(crate) fn after(shelf: &mut dyn Shelf, after: u64, limit: usize) -> Result<Vec<Entry>, ShelfError> {
    let keys = shelf.list(LINES, &key(after), limit)?;
    let mut entries = Vec::with_capacity(keys.len());
    for key in keys {
        let Some(stored) = shelf.get(&key)? else { continue };
        let line = String::from_utf8_lossy(&stored.value);
        let (entry, _) = opened(&line).map_err(|why| ShelfError::stays(format!("`{key}` {why}")))?;
        entries.push(entry);
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
    const AT_ONCE: usize = 500;
    let mut after = String::new();
    loop {
        let keys = shelf.list(LINES, &after, AT_ONCE)?;
        let Some(last) = keys.last().cloned() else { return Ok(()) };
        for key in keys {
            let stored = shelf.get(&key)?;
            let stored = stored.ok_or_else(|| ShelfError::stays(format!("`{key}` is gone")))?;
            each(&String::from_utf8_lossy(&stored.value))?;
        }
        after = last;
    }
}

/// Checks a record, line by line.
#[derive(Debug)]
pub struct Verifier {
    lines: u64,
    head: String,
}

impl Default for Verifier {
    fn default() -> Self {
        Self { lines: 0, head: START.to_owned() }
    }
}

impl Verifier {
    /// Checks the next line.
    ///
    /// # Errors
    /// If it was changed, or is not the one that followed.
    pub fn line(&mut self, line: &str) -> Result<(), Broken> {
        let nth = self.lines + 1;
        let broken = |why: String| Broken { line: nth, why };
        let (entry, hash) = opened(line).map_err(broken)?;
        if entry.seq != nth {
            return Err(broken(format!("is number {}: lines are missing or doubled", entry.seq)));
        }
        if entry.prev != self.head {
            return Err(broken("does not follow the line before".to_owned()));
        }
        (self.lines, self.head) = (nth, hash);
        Ok(())
    }

    /// The result, after the last line.
    pub fn end(self) -> Verified {
        Verified { lines: self.lines, head: self.head }
    }
}

/// Checks a record as it was exported.
///
/// # Errors
/// The first line that is wrong.
pub fn verify_lines<'l>(lines: impl IntoIterator<Item = &'l str>) -> Result<Verified, Broken> {
    let mut verifier = Verifier::default();
    for line in lines {
        verifier.line(line)?;
    }
    Ok(verifier.end())
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
mod tests {
    use serde_json::json;

    use super::*;
    use crate::shelf::MemoryShelf;

    fn record(lines: usize) -> (MemoryShelf, Vec<String>) {
        let mut shelf = MemoryShelf::default();
        for nth in 0..lines {
            let now = Timestamp::from_secs(1_790_000_000);
            append(&mut shelf, now, "notice", &format!("p01-{}", nth % 2), json!({"nth": nth})).unwrap();
        }
        let mut all = Vec::new();
        each_line(&mut shelf, |line| -> Result<(), ShelfError> {
            all.push(line.to_owned());
            Ok(())
        })
        .unwrap();
        (shelf, all)
    }

    fn verified(lines: &[String]) -> Result<Verified, Broken> {
        verify_lines(lines.iter().map(String::as_str))
    }

    #[test]
    fn an_untouched_record_is_whole() {
        let (mut shelf, lines) = record(5);
        assert_eq!(verified(&lines).unwrap().lines, 5);
        let whole = verify(&mut shelf).unwrap().unwrap();
        assert_eq!((whole.lines, &whole.head), (5, &head(&mut shelf).unwrap()));
        let seqs =
            |id| -> Vec<u64> { of_repair(&mut shelf.clone(), id).unwrap().iter().map(|e| e.seq).collect() };
        assert_eq!((seqs("p01-0"), seqs("p01-1"), seqs("none")), (vec![1, 3, 5], vec![2, 4], vec![]));
        assert_eq!(verified(&[]).unwrap(), Verified { lines: 0, head: START.to_owned() });
    }

    #[test]
    fn the_newest_lines_are_found_by_their_number() {
        let (mut shelf, _) = record(12);
        let mut seqs = |from, limit| -> Vec<u64> {
            after(&mut shelf, from, limit).unwrap().iter().map(|entry| entry.seq).collect()
        };
        assert_eq!((seqs(0, 2), seqs(9, 100), seqs(12, 5)), (vec![1, 2], vec![10, 11, 12], vec![]));
        assert_eq!(length(&mut shelf).unwrap(), 12);
    }

    #[test]
    fn no_line_can_be_changed_taken_out_put_in_or_moved() {
        let (_, lines) = record(4);
        let broken_at = |change: fn(&mut Vec<String>)| {
            let mut lines = lines.clone();
            change(&mut lines);
            verified(&lines).unwrap_err().line
        };
        assert_eq!(broken_at(|lines| lines[1] = lines[1].replace("\"nth\":1", "\"nth\":7")), 2);
        assert_eq!(broken_at(|lines| _ = lines.remove(1)), 2);
        assert_eq!(broken_at(|lines| _ = lines.remove(0)), 1);
        assert_eq!(broken_at(|lines| lines.insert(1, lines[1].clone())), 3);
        assert_eq!(broken_at(|lines| lines.swap(1, 2)), 2);
        assert_eq!(broken_at(|lines| lines[3].push(' ')), 4);
        assert_eq!(broken_at(|lines| lines[0].clear()), 1);
        // With a hash of its own it still does not follow.
        assert_eq!(
            broken_at(|lines| {
                let (mut entry, _) = opened(&lines[1]).unwrap();
                entry.body = json!({"nth": 7});
                lines[1] = line(&entry).unwrap().0;
            }),
            3
        );
    }

    #[test]
    fn an_end_that_was_cut_off_is_missed_by_the_head() {
        let (mut shelf, _) = record(3);
        shelf.put_if_version(&key(3), None, 1).unwrap();
        assert_eq!(verify(&mut shelf).unwrap().unwrap_err().line, 3);
    }

    #[test]
    fn whoever_dies_between_line_and_head_breaks_nothing() {
        let (mut shelf, lines) = record(2);
        let before = shelf.get(HEAD).unwrap().unwrap();
        append(&mut shelf, Timestamp::from_secs(0), "notice", "", Value::Null).unwrap();
        let version = shelf.get(HEAD).unwrap().unwrap().version;
        shelf.put_if_version(HEAD, Some(&before.value), version).unwrap();
        append(&mut shelf, Timestamp::from_secs(0), "notice", "", Value::Null).unwrap();
        assert_eq!(verify(&mut shelf).unwrap().unwrap().lines, 4);
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn two_writers_make_one_chain() {
        let shelf = MemoryShelf::default();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let mut shelf = shelf.clone();
                std::thread::spawn(move || {
                    for _ in 0..25 {
                        append(&mut shelf, Timestamp::from_secs(0), "notice", "x", Value::Null).unwrap();
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let mut shelf = shelf;
        assert_eq!(verify(&mut shelf).unwrap().unwrap().lines, 100);
        let mut seqs: Vec<u64> = of_repair(&mut shelf, "x").unwrap().iter().map(|entry| entry.seq).collect();
        seqs.sort_unstable();
        assert_eq!(seqs, (1..=100).collect::<Vec<_>>());
    }

    #[test]
    fn a_long_event_is_left_out_and_its_hash_stays() {
        let mut shelf = MemoryShelf::default();
        let body = json!({"event": "x".repeat(MAX_LINE_BYTES), "event_sha256": "h"});
        append(&mut shelf, Timestamp::from_secs(0), "repair", "x", body).unwrap();
        let entry = of_repair(&mut shelf, "x").unwrap().remove(0);
        assert_eq!(entry.body, json!({"event": "left out: too long", "event_sha256": "h"}));
    }
}
