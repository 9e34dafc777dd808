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
