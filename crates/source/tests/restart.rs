//! Crashes and restarts: whatever was committed is not read again, and nothing else is lost.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a test may fail loudly"
)]

mod common;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use common::{PATIENCE, Reader, Rng, Writer, assert_sequence, line, numbered, pack};
use stockade_core::Position;
use stockade_source::{Event, FollowSpec, Follower, Pattern, Source, Start};

const LINES: u64 = 20_000;

/// Reads what a thread writes and rotates, and crashes all the time: before a commit, between two, and for long enough
/// that several rotations pass.
fn crash_all_the_time(seed: u64, rotate: impl Fn(&mut Writer) + Send + 'static) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let mut writer = Writer::new(&path, seed);
    let mut reader = Reader::new(&[&path], Start::Beginning);
    let mut rng = Rng::new(seed + 1000);
    // A first position is stored: before it there is nothing to resume, and of an empty file nothing is known.
    writer.whole_line();
    reader.read_until(1);
    let writing = thread::spawn(move || {
        let mut next_rotation = 1000;
        while writer.next < LINES {
            writer.chunk();
            if writer.next.is_multiple_of(50) {
                thread::sleep(Duration::from_micros(400));
            }
            if writer.next >= next_rotation && writer.next < LINES {
                next_rotation += 500 + writer.rng.below(2500);
                rotate(&mut writer);
            }
        }
        writer.finish_line();
        writer.next
    });
    let give_up = Instant::now() + PATIENCE;
    let (mut crashes, mut written) = (0, None);
    let mut writing = Some(writing);
    while written.is_none_or(|written| (reader.lines.len() as u64) < written) {
        assert!(
            Instant::now() < give_up,
            "{} lines came, {}; {:#?}",
            reader.lines.len(),
            reader.jumps(),
            reader.notices
        );
        if writing.as_ref().is_some_and(thread::JoinHandle::is_finished) {
            written = writing.take().map(|thread| thread.join().unwrap());
        }
        let batch = reader.uncommitted(Duration::from_millis(20));
        match rng.below(6) {
            0 => {
                drop(batch); // The store never heard of it.
                crashes += 1;
                reader.restart();
            }
            1 => {
                reader.commit(batch);
                crashes += 1;
                reader.restart();
                thread::sleep(Duration::from_millis(rng.below(60)));
            }
            _ => reader.commit(batch),
        }
    }
    reader.read_until_quiet(Duration::from_millis(200));
    assert!(crashes > 0, "no crash happened");
    assert!(!reader.notices.iter().any(|n| n.contains("lost")), "{:#?}", reader.notices);
    assert_sequence(&reader.numbers(), written.unwrap());
}

#[test]
fn crashes_while_renaming() {
    crash_all_the_time(1, |writer| writer.rotate_by_rename(50, true));
}

#[test]
fn crashes_while_renaming_and_packing() {
    crash_all_the_time(2, |writer| {
        writer.rotate_by_rename(50, false);
        pack(&numbered(&writer.path, 1));
    });
}

#[test]
fn crashes_while_copying_and_cutting() {
    crash_all_the_time(3, |writer| writer.rotate_by_copy(50));
}

#[test]
fn crashes_while_copying_cutting_and_packing() {
    crash_all_the_time(4, |writer| {
        writer.rotate_by_copy(50);
        pack(&numbered(&writer.path, 1));
    });
}

#[test]
#[ignore = "takes seconds per seed; set STOCKADE_SOAK"]
fn soak() {
    let seeds: u64 = std::env::var("STOCKADE_SOAK").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let from: u64 = std::env::var("STOCKADE_SOAK_FROM").ok().and_then(|n| n.parse().ok()).unwrap_or(100);
    for seed in from..from + seeds {
        println!("seed {seed}");
        crash_all_the_time(seed, |writer| {
            for _ in 0..1 + writer.rng.below(3) * writer.rng.below(2) {
                if writer.rng.below(2) == 0 {
                    writer.rotate_by_copy(60);
                } else {
                    let create = writer.rng.below(2) == 0;
                    writer.rotate_by_rename(60, create);
                }
                if writer.rng.below(3) == 0 && writer.packable() {
                    pack(&numbered(&writer.path, 1));
                }
            }
        });
    }
}

fn write_lines(path: &Path, numbers: std::ops::Range<u64>) {
    use std::io::Write;
    common::append(path).write_all(numbers.map(line).collect::<String>().as_bytes()).unwrap();
}

#[test]
fn the_rest_of_a_dated_sibling_is_read_before_the_new_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    write_lines(&path, 0..10);
    let mut reader = Reader::new(&[&path], Start::Beginning);
    reader.read_until(10);
    write_lines(&path, 10..20);
    fs::rename(&path, dir.path().join("a.log-20261101")).unwrap();
    write_lines(&path, 20..30);
    fs::rename(&path, dir.path().join("a.log-20261102")).unwrap();
    write_lines(&path, 30..40);
    reader.restart();
    reader.read_until(40);
    assert_sequence(&reader.numbers(), 40);
}

#[test]
fn the_rest_of_a_file_renamed_to_any_name_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    write_lines(&path, 0..10);
    let mut reader = Reader::new(&[&path], Start::Beginning);
    reader.read_until(10);
    write_lines(&path, 10..20);
    fs::rename(&path, dir.path().join("yesterday")).unwrap();
    reader.restart();
    reader.read_until(20);
    write_lines(&path, 20..30);
    reader.read_until(30);
    assert_sequence(&reader.numbers(), 30);
}

#[test]
fn a_position_whose_file_is_nowhere_is_told_and_the_new_file_read_from_its_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    write_lines(&path, 0..10);
    let mut reader = Reader::new(&[&path], Start::End);
    reader.read_until_quiet(Duration::from_millis(50));
    write_lines(&path, 10..20);
    reader.read_until(10);
    fs::remove_file(&path).unwrap();
    write_lines(&path, 100..110);
    reader.restart();
    reader.read_until(20);
    assert_eq!(reader.numbers(), (10..20).chain(100..110).collect::<Vec<_>>());
    assert!(reader.notices.iter().any(|n| n.contains("lines after byte")), "{:#?}", reader.notices);
}

/// What is written while nobody follows is not lost, even if no line ever came before.
#[test]
fn a_start_at_the_end_is_remembered_before_the_first_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    write_lines(&path, 0..10);
    let mut reader = Reader::new(&[&path], Start::End);
    reader.turn(Duration::from_millis(50));
    reader.restart();
    write_lines(&path, 10..20);
    reader.read_until(10);
    assert_eq!(reader.numbers(), (10..20).collect::<Vec<_>>());
}

/// The inode alone is no proof: file systems give it away again at once.
#[test]
fn another_file_with_the_same_inode_is_not_taken_for_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    write_lines(&path, 0..10);
    let mut reader = Reader::new(&[&path], Start::Beginning);
    reader.read_until(10);
    // Same inode, same first line, longer than before: only the bytes before the position tell.
    let other: String = std::iter::once(0).chain(100..200).map(line).collect();
    reader.restart();
    fs::write(&path, other).unwrap();
    reader.read_until(111);
    assert_eq!(reader.numbers()[10..], std::iter::once(0).chain(100..200).collect::<Vec<_>>());
}

#[test]
fn lines_before_the_position_are_read_again_for_their_context_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    write_lines(&path, 0..10);
    let pattern = || vec![Pattern::new(path.to_str().unwrap(), Start::Beginning).unwrap()];
    let stored = collect(&mut Follower::new(FollowSpec::new(pattern()), &[]).unwrap());
    let first = stored.first().unwrap();
    write_lines(&path, 10..20);
    let mut replay = first.position.clone();
    replay.replay_from = line(0).len() as u64;
    let seen = collect(&mut Follower::new(FollowSpec::new(pattern()), &[replay]).unwrap());
    let text: Vec<u8> = seen.iter().flat_map(|block| block.bytes.clone()).collect();
    assert_eq!(text, (1..20).map(line).collect::<String>().into_bytes());
    assert_eq!(seen[0].offset, line(0).len() as u64);
    assert_eq!(seen[0].generation, first.generation, "it is the same incarnation, so matches keep their ids");
}

#[test]
fn a_replay_point_is_kept_within_its_own_incarnation_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    write_lines(&path, 0..3);
    let pattern = vec![Pattern::new(path.to_str().unwrap(), Start::Beginning).unwrap()];
    let mut follower = Follower::new(FollowSpec::new(pattern), &[]).unwrap();
    let first = collect(&mut follower).remove(0);
    write_lines(&path, 3..6);
    let second = collect(&mut follower).remove(0);
    assert_eq!(second.with_replay(&first.begin).replay_from, first.begin.offset);
    fs::rename(&path, numbered(&path, 1)).unwrap();
    write_lines(&path, 6..9);
    let third = collect(&mut follower).remove(0);
    assert_eq!(third.with_replay(&first.begin).replay_from, third.position.offset);
}

/// A block, kept.
struct Kept {
    generation: String,
    offset: u64,
    bytes: Vec<u8>,
    begin: Position,
    position: Position,
}

impl Kept {
    /// What `Block::position` does with a replay point.
    fn with_replay(&self, replay: &Position) -> Position {
        let mut position = self.position.clone();
        if replay.generation == position.generation {
            position.replay_from = replay.offset;
        }
        position
    }
}

fn collect(follower: &mut Follower) -> Vec<Kept> {
    let mut kept: Vec<Kept> = Vec::new();
    let give_up = Instant::now() + PATIENCE;
    while kept.is_empty() {
        assert!(Instant::now() < give_up);
        follower
            .next(Duration::from_millis(100), &mut |event| {
                if let Event::Block(block) = event {
                    let earlier = kept.first().map(|first: &Kept| first.begin.clone());
                    let position = block.position(earlier.as_ref());
                    assert!(position.replay_from <= position.offset);
                    kept.push(Kept {
                        generation: block.generation.to_owned(),
                        offset: block.offset,
                        bytes: block.bytes.to_vec(),
                        begin: block.replay_point(),
                        position: block.position(None),
                    });
                }
            })
            .unwrap();
    }
    kept
}
