//! What holds for a record.

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
fn a_line_whose_writer_died_at_once_is_known_to_its_repair() {
    let (mut shelf, _) = record(2);
    let kept: Vec<_> = [HEAD.to_owned(), lines_of("p01-0")]
        .into_iter()
        .map(|key| (shelf.get(&key).unwrap().unwrap(), key))
        .collect();
    append(&mut shelf, Timestamp::from_secs(0), "notice", "p01-0", Value::Null).unwrap();
    for (stored, key) in kept {
        let version = shelf.get(&key).unwrap().unwrap().version;
        shelf.put_if_version(&key, Some(&stored.value), version).unwrap();
    }
    assert_eq!(length(&mut shelf).unwrap(), 2, "nobody knows of the third");
    let seqs: Vec<u64> = of_repair(&mut shelf, "p01-0").unwrap().iter().map(|entry| entry.seq).collect();
    assert_eq!((seqs, length(&mut shelf).unwrap()), (vec![1, 3], 3));
    assert_eq!(verify(&mut shelf).unwrap().unwrap().lines, 3);
}

#[test]
fn a_repair_that_never_works_has_a_short_list_of_lines() {
    let mut lines = Lines::default();
    for seq in 1..=10_000 {
        lines.add(seq);
        lines.add(seq);
    }
    assert_eq!(lines.seqs.len(), MAX_LINES);
    assert_eq!((lines.seqs[FIRST_LINES - 1], lines.seqs[FIRST_LINES]), (100, 9701));
}

/// Counts what is asked of the shelf below.
struct Counted(MemoryShelf, u64);

impl Shelf for Counted {
    fn get(&mut self, key: &str) -> Result<Option<crate::Stored>, ShelfError> {
        self.1 += 1;
        self.0.get(key)
    }

    fn put_if_version(
        &mut self,
        key: &str,
        value: Option<&[u8]>,
        expected: u64,
    ) -> Result<Option<u64>, ShelfError> {
        self.1 += 1 + value.map_or(0, <[u8]>::len) as u64 / 10_000;
        self.0.put_if_version(key, value, expected)
    }

    fn list(&mut self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, ShelfError> {
        self.1 += 1;
        self.0.list(prefix, after, limit)
    }
}

#[test]
fn a_line_costs_the_same_however_long_the_record_is() {
    let mut shelf = Counted(MemoryShelf::default(), 0);
    let mut costs = Vec::new();
    for nth in 0..3000 {
        let before = shelf.1;
        append(&mut shelf, Timestamp::from_secs(0), "notice", &format!("p01-{nth}"), Value::Null).unwrap();
        costs.push(shelf.1 - before);
    }
    assert_eq!((costs[1], costs[2999]), (costs[10], costs[10]), "{costs:?}");
    assert!(costs[10] <= 7, "{}", costs[10]);
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

/// A record of `STOCKADE_TEST_LINES` lines in a file: read once, a page at a time; one more line costs as little as the first.
#[cfg(feature = "sqlite")]
#[test]
fn a_long_record_is_verified_page_by_page() {
    use std::time::{Duration, Instant};

    let lines: u64 =
        std::env::var("STOCKADE_TEST_LINES").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("repairs.db");
    let mut shelf = crate::SqliteShelf::open(&file).unwrap();
    // As `append` leaves it, without waiting for the disk after each line.
    let mut connection = rusqlite::Connection::open(&file).unwrap();
    let all = connection.transaction().unwrap();
    let mut put = all.prepare("INSERT INTO repair_shelf (key, version, value) VALUES (?1, 1, ?2)").unwrap();
    let mut last = Head::default();
    for seq in 1..=lines {
        let at = when(Timestamp::from_secs(1_790_000_000));
        let body = json!({"says": "x".repeat(600)});
        let entry =
            Entry { seq, prev: last.hash.clone(), at, kind: "notice".into(), id: String::new(), body };
        let (line, hash) = line(&entry).unwrap();
        put.execute(rusqlite::params![key(seq), line.as_bytes()]).unwrap();
        last = Head { seq, hash };
    }
    put.execute(rusqlite::params![HEAD, serde_json::to_vec(&last).unwrap()]).unwrap();
    drop(put);
    all.commit().unwrap();
    let began = Instant::now();
    let verified = verify(&mut shelf).unwrap().unwrap();
    let reading = began.elapsed();
    assert_eq!(verified, Verified { lines, head: last.hash });
    let began = Instant::now();
    for _ in 0..20 {
        append(&mut shelf, Timestamp::from_secs(0), "notice", "p01-x", Value::Null).unwrap();
    }
    let each = began.elapsed() / 20;
    eprintln!("{lines} lines: verified in {reading:?}, one more in {each:?}");
    assert!(each < Duration::from_millis(500), "{each:?}");
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    eprintln!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
}

#[test]
fn a_torn_last_line_in_a_folder_is_told_and_nothing_is_written_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut shelf = crate::FolderShelf::open(folder.path()).unwrap();
    for _ in 0..3 {
        append(&mut shelf, Timestamp::from_secs(0), "notice", "", Value::Null).unwrap();
    }
    // Whoever dies while he writes leaves half a file beside, which the next writes over.
    std::fs::write(folder.path().join(".new"), "1\n{\"ha").unwrap();
    append(&mut shelf, Timestamp::from_secs(0), "notice", "", Value::Null).unwrap();
    assert_eq!(verify(&mut shelf).unwrap().unwrap().lines, 4);
    // A file that a dying disk cut short is no line, and no shelf's own work.
    let last = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with("000000000004"))
        .unwrap();
    let whole = std::fs::read(&last).unwrap();
    std::fs::write(&last, &whole[..whole.len() - 9]).unwrap();
    assert_eq!(verify(&mut shelf).unwrap().unwrap_err().line, 4);
    // The end is known from before, so what comes next follows it and the fault stays where it is.
    append(&mut shelf, Timestamp::from_secs(0), "notice", "", Value::Null).unwrap();
    assert_eq!(verify(&mut shelf).unwrap().unwrap_err().line, 4);
}
