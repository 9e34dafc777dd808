//! What is followed, and what a follower does with lines that are torn, long or strange.

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
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, Instant};

use common::{Reader, append, line};
use stockade_source::{Event, FollowSpec, Follower, Notice, Pattern, Source, Start};

const QUIET: Duration = Duration::from_millis(60);

#[test]
fn a_glob_finds_files_that_appear_later_also_in_new_folders() {
    let dir = tempfile::tempdir().unwrap();
    let glob = dir.path().join("*/logs/*.log");
    let mut reader = Reader::new(&[&glob], Start::End);
    reader.turn(QUIET);
    assert!(reader.notices[0].starts_with("no such log file yet"), "{:?}", reader.notices);
    for site in ["a", "b"] {
        fs::create_dir_all(dir.path().join(site).join("logs")).unwrap();
        fs::write(dir.path().join(site).join("logs/x.log"), format!("{site} 1\n")).unwrap();
    }
    fs::write(dir.path().join("a/logs/not-a-log.txt"), "no\n").unwrap();
    reader.read_until(2);
    writeln!(append(&dir.path().join("b/logs/x.log")), "b 2").unwrap();
    reader.read_until(3);
    reader.read_until_quiet(QUIET);
    let mut texts = reader.texts();
    texts.sort();
    assert_eq!(texts, ["a 1", "b 1", "b 2"], "files that appear later are read from their first line");
}

#[test]
fn a_path_that_is_missing_is_told_once_and_waited_for_while_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (there, missing) = (dir.path().join("there.log"), dir.path().join("sub/missing.log"));
    fs::write(&there, "1\n").unwrap();
    let mut reader = Reader::new(&[&there, &missing], Start::Beginning);
    reader.read_until(1);
    reader.read_until_quiet(Duration::from_millis(1300)); // A tick passes.
    assert_eq!(
        reader.notices.iter().filter(|n| n.contains("no such log file yet")).count(),
        1,
        "{:?}",
        reader.notices
    );
    fs::create_dir(dir.path().join("sub")).unwrap();
    fs::write(&missing, "2\n").unwrap();
    reader.read_until(2);
}

#[test]
fn one_file_by_many_names_is_one_stream_for_all_who_want_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("real.log"), "").unwrap();
    symlink(path("real.log"), path("a-link.log")).unwrap();
    fs::hard_link(path("real.log"), path("hard.log")).unwrap();
    let patterns = ["a-link.log", "*.log", "real.log", "other.log", "h*.log"];
    let patterns: Vec<Pattern> =
        patterns.iter().map(|p| Pattern::new(path(p).to_str().unwrap(), Start::Beginning).unwrap()).collect();
    let mut follower = Follower::new(FollowSpec::new(patterns), &[]).unwrap();
    let mut seen = Vec::new();
    for text in ["", "1\n", "2\n"] {
        append(&path("hard.log")).write_all(text.as_bytes()).unwrap();
        let until = Instant::now() + QUIET;
        while Instant::now() < until {
            let sink = &mut |event: Event<'_>| {
                if let Event::Block(block) = event {
                    seen.push((block.bytes.to_vec(), block.wanted_by.to_vec()));
                }
            };
            follower.next(Duration::from_millis(5), sink).unwrap();
        }
    }
    let who = vec![0, 1, 2, 4];
    assert_eq!(seen, [(b"1\n".to_vec(), who.clone()), (b"2\n".to_vec(), who)]);
}

#[test]
fn a_link_that_is_switched_to_a_new_file_is_a_rotation() {
    let dir = tempfile::tempdir().unwrap();
    let (link, first, second) =
        (dir.path().join("current"), dir.path().join("log-one"), dir.path().join("log-two"));
    fs::write(&first, "1\n").unwrap();
    symlink(&first, &link).unwrap();
    let mut reader = Reader::new(&[&link], Start::Beginning);
    reader.read_until(1);
    writeln!(append(&first), "2").unwrap();
    fs::write(&second, "3\n").unwrap();
    fs::remove_file(&link).unwrap();
    symlink(&second, &link).unwrap();
    reader.read_until(3);
    assert_eq!(reader.texts(), ["1", "2", "3"]);
}

/// A pattern such as `auth.log*` finds the rotated parts too. They are read through their log, not once more.
#[test]
fn rotated_parts_that_a_glob_finds_are_no_streams_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("a.log");
    fs::write(dir.path().join("a.log.1"), "old\n").unwrap();
    fs::write(dir.path().join("a.log.2.gz"), "packed\n").unwrap();
    fs::write(&log, "1\n").unwrap();
    let mut reader = Reader::new(&[&dir.path().join("a.log*")], Start::Beginning);
    reader.read_until(1);
    common::shift(&log, 9);
    fs::rename(&log, common::numbered(&log, 1)).unwrap();
    fs::write(&log, "2\n").unwrap();
    reader.read_until(2);
    reader.read_until_quiet(Duration::from_millis(1300)); // A tick passes.
    assert_eq!(reader.texts(), ["1", "2"]);
}

#[test]
fn a_file_renamed_to_another_name_that_is_followed_is_not_read_twice() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.log"), "1\n2\n").unwrap();
    let mut reader = Reader::new(&[&dir.path().join("*.log")], Start::Beginning);
    reader.read_until(2);
    reader.restart();
    fs::rename(dir.path().join("a.log"), dir.path().join("b.log")).unwrap();
    writeln!(append(&dir.path().join("b.log")), "3").unwrap();
    reader.read_until(3);
    reader.read_until_quiet(QUIET);
    assert_eq!(reader.texts(), ["1", "2", "3"]);
}

#[test]
fn a_torn_line_waits_for_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let mut file = append(&path);
    let mut reader = Reader::new(&[&path], Start::Beginning);
    for piece in ["one\ntw", "o", "", " and a half", "\nthree"] {
        file.write_all(piece.as_bytes()).unwrap();
        reader.read_until_quiet(QUIET);
    }
    assert_eq!(reader.texts(), ["one", "two and a half"]);
    reader.restart();
    file.write_all(b" in all\n").unwrap();
    reader.read_until(3);
    assert_eq!(reader.texts()[2], "three in all");
}

#[test]
fn starting_at_the_end_does_not_start_in_the_middle_of_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    fs::write(&path, "old\nFailed password for root from 192.0.2.1").unwrap();
    let mut reader = Reader::new(&[&path], Start::End);
    reader.read_until_quiet(QUIET);
    writeln!(append(&path), "99\nnew").unwrap();
    reader.read_until(2);
    assert_eq!(reader.texts(), ["Failed password for root from 192.0.2.199", "new"]);
}

#[test]
fn a_line_of_a_megabyte_is_counted_and_passed_over_also_in_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    fs::write(&path, format!("before\n{}\nafter\n", "x".repeat(1_000_000))).unwrap();
    let mut reader = Reader::new(&[&path], Start::Beginning);
    reader.read_until(2);
    let mut file = append(&path);
    for _ in 0..100 {
        file.write_all(&[b'y'; 10_000]).unwrap();
        reader.turn(Duration::from_millis(1));
    }
    // A restart in the middle of it starts it again, but not in the middle.
    reader.restart();
    reader.turn(QUIET);
    file.write_all(b"\nlast\n").unwrap();
    reader.read_until(3);
    assert_eq!(reader.texts(), ["before", "after", "last"]);
    let passed: Vec<_> = reader.notices.iter().filter(|n| n.contains("passed over")).collect();
    assert_eq!(passed.len(), 2, "{passed:?}");
    assert!(passed.iter().all(|n| n.starts_with("line of 1000001 bytes passed over")), "{passed:?}");
    assert!(passed[0].ends_with("at byte 7") && passed[1].ends_with("at byte 1000014"), "{passed:?}");
}

#[test]
fn the_longest_line_that_is_allowed_comes_whole_even_byte_by_byte_at_its_end() {
    let limit = stockade_core::limits::MAX_LINE_BYTES;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let mut file = append(&path);
    let mut reader = Reader::new(&[&path], Start::Beginning);
    file.write_all(&vec![b'z'; limit - 5]).unwrap();
    for byte in *b"zzzzz\n" {
        reader.turn(Duration::from_millis(5));
        assert_eq!(reader.lines.len(), 0);
        file.write_all(&[byte]).unwrap();
    }
    reader.read_until(1);
    assert_eq!(reader.lines[0].1.len(), limit + 1);
}

#[test]
fn any_bytes_but_the_line_end_pass_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let strange = b"nul \0 latin1 \xe9 cr \r half \xf0\x9f\r\n\n\xff\n";
    fs::write(&path, strange).unwrap();
    let mut reader = Reader::new(&[&path], Start::Beginning);
    reader.read_until(3);
    assert_eq!(reader.lines.iter().flat_map(|(_, l)| l.clone()).collect::<Vec<_>>(), strange);
}

#[test]
fn a_file_that_may_not_be_read_is_told_once_and_read_when_it_may() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    fs::write(&path, "1\n").unwrap();
    let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o000);
    if fs::File::open(&path).is_ok() {
        // Root may read everything. A folder in the place of the file gives the same kind of trouble.
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
    }
    let patterns = vec![Pattern::new(path.to_str().unwrap(), Start::Beginning).unwrap()];
    let mut follower = Follower::new(FollowSpec::new(patterns), &[]).unwrap();
    let (mut hints, mut lines) = (Vec::new(), 0);
    let mut turn = |follower: &mut Follower, millis| {
        let until = Instant::now() + Duration::from_millis(millis);
        while Instant::now() < until {
            let sink = &mut |event: Event<'_>| match event {
                Event::Notice(notice @ Notice::Failed { .. }) => hints.push(notice.hint().unwrap()),
                Event::Notice(_) => {}
                Event::Block(block) => lines += block.bytes.len() / 2,
            };
            follower.next(Duration::from_millis(10), sink).unwrap();
        }
        (hints.len(), lines)
    };
    assert_eq!(turn(&mut follower, 1200), (1, 0));
    if path.is_dir() {
        fs::remove_dir(&path).unwrap();
        fs::write(&path, "1\n").unwrap();
    }
    mode(0o644);
    assert_eq!(turn(&mut follower, 100), (1, 1));
}

#[test]
fn a_busy_file_does_not_keep_a_quiet_one_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let (busy, quiet) = (dir.path().join("a-busy.log"), dir.path().join("quiet.log"));
    let many: String = (0..400_000).map(line).collect();
    fs::write(&busy, &many).unwrap();
    fs::write(&quiet, "here\n").unwrap();
    let mut reader = Reader::new(&[&busy, &quiet], Start::Beginning);
    let mut bytes = 0;
    while !reader.lines.iter().any(|(_, line)| line == b"here\n") {
        reader.turn(QUIET);
        bytes = reader.lines.iter().map(|(_, line)| line.len()).sum();
    }
    assert!(bytes < many.len() / 4, "{bytes} of {} bytes came before the quiet file's turn", many.len());
}

/// More files than descriptors: quiet ones are closed and opened again when they grow.
#[test]
fn more_files_than_may_be_open_are_all_followed() {
    let open = || fs::read_dir("/proc/self/fd").unwrap().count();
    let dir = tempfile::tempdir().unwrap();
    let path = |n: usize| dir.path().join(format!("{n:04}.log"));
    let count = 1500;
    (0..count).for_each(|n| fs::write(path(n), "1\n").unwrap());
    let before = open();
    let mut reader = Reader::new(&[&dir.path().join("*.log")], Start::Beginning);
    reader.read_until(count);
    let used = open().saturating_sub(before);
    assert!(used <= stockade_source::limits::MAX_OPEN_FILES + 50, "{used} descriptors");
    for n in (0..count).step_by(7) {
        writeln!(append(&path(n)), "2").unwrap();
    }
    fs::rename(path(3), dir.path().join("0003.log.1")).unwrap();
    fs::write(path(3), "3\n").unwrap();
    let expected = count + count.div_ceil(7) + 1;
    reader.read_until(expected);
    reader.read_until_quiet(Duration::from_millis(1300));
    assert_eq!(reader.lines.len(), expected);
}

#[test]
fn a_waker_ends_a_wait() {
    let dir = tempfile::tempdir().unwrap();
    let mut reader = Reader::new(&[&dir.path().join("*.log")], Start::Beginning);
    reader.turn(QUIET);
    let waker = reader.follower.waker();
    let start = Instant::now();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        waker.wake();
    });
    reader.turn(Duration::from_secs(30));
    assert!(start.elapsed() < Duration::from_secs(5));
    thread.join().unwrap();
}

#[test]
fn without_announcements_files_are_found_on_the_tick() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let mut spec = FollowSpec::new(vec![Pattern::new(path.to_str().unwrap(), Start::Beginning).unwrap()]);
    spec.watch = false;
    spec.tick = Duration::from_millis(20);
    let mut follower = Follower::new(spec, &[]).unwrap();
    let mut texts = Vec::new();
    for step in 0..4 {
        match step {
            0 => {}
            1 => fs::write(&path, "1\n").unwrap(),
            2 => writeln!(append(&path), "2").unwrap(),
            _ => {
                fs::rename(&path, dir.path().join("a.log.1")).unwrap();
                fs::write(&path, "3\n").unwrap();
            }
        }
        let until = Instant::now() + Duration::from_millis(150);
        while Instant::now() < until {
            let sink = &mut |event: Event<'_>| {
                if let Event::Block(block) = event {
                    texts.push(String::from_utf8(block.bytes.to_vec()).unwrap());
                }
            };
            follower.next(Duration::from_millis(10), sink).unwrap();
        }
    }
    assert_eq!(texts, ["1\n", "2\n", "3\n"]);
}

#[test]
fn lines_are_live_once_the_end_was_reached() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    fs::write(&path, "backlog\n").unwrap();
    let patterns = vec![Pattern::new(path.to_str().unwrap(), Start::Beginning).unwrap()];
    let mut follower = Follower::new(FollowSpec::new(patterns), &[]).unwrap();
    let mut live = Vec::new();
    for step in 0..3 {
        match step {
            0 => {}
            1 => writeln!(append(&path), "now").unwrap(),
            _ => {
                fs::rename(&path, dir.path().join("a.log.1")).unwrap();
                fs::write(&path, "after rotation\n").unwrap();
            }
        }
        let until = Instant::now() + QUIET;
        while Instant::now() < until {
            let sink = &mut |event: Event<'_>| {
                if let Event::Block(block) = event {
                    live.push(block.live);
                }
            };
            follower.next(Duration::from_millis(10), sink).unwrap();
        }
    }
    assert_eq!(live, [false, true, true]);
}

#[test]
fn a_deleted_folder_that_comes_back_is_followed_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("logs");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.log"), "1\n").unwrap();
    let mut reader = Reader::new(&[&folder.join("*.log")], Start::Beginning);
    reader.read_until(1);
    fs::remove_dir_all(&folder).unwrap();
    reader.turn(QUIET);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.log"), "2\n").unwrap();
    reader.read_until(2);
    assert_eq!(reader.texts(), ["1", "2"]);
}
