//! The journal, read from real journal files that are written while we read.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stockade_core::Position;
use stockade_source::{Event, Journal, JournalMatch, JournalSpec, JournalStart, Source};

const REMOTE: &str = "/lib/systemd/systemd-journal-remote";

/// Writes a journal from entries in the export format.
struct Writer(Child);

impl Writer {
    fn start(folder: &Path) -> Option<Self> {
        if !Path::new(REMOTE).exists() {
            eprintln!("skipped: {REMOTE} is not installed");
            return None;
        }
        let mut command = Command::new(REMOTE);
        command.arg(format!("--output={}/test.journal", folder.display())).arg("-");
        let child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Some(Self(child))
    }

    fn write(&mut self, number: u64, unit: &str, message: &[u8]) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
        let mut text = format!(
            "__REALTIME_TIMESTAMP={now}\n__MONOTONIC_TIMESTAMP={number}\n_BOOT_ID=0123456789abcdef0123456789abcdef\n\
             _HOSTNAME=web01\nSYSLOG_IDENTIFIER=sshd\n_PID=4242\n_UID=0\n_SYSTEMD_UNIT={unit}\nMESSAGE\n"
        )
        .into_bytes();
        text.extend((message.len() as u64).to_le_bytes());
        text.extend(message);
        text.extend(b"\n\n");
        let input = self.0.stdin.as_mut().unwrap();
        input.write_all(&text).unwrap();
        input.flush().unwrap();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn spec(folder: &Path) -> JournalSpec {
    let matches = ["_SYSTEMD_UNIT=ssh.service + _COMM=sshd", "_UID=0 _SYSTEMD_UNIT=dovecot.service"];
    let mut spec = JournalSpec::default();
    spec.matches = matches.iter().map(|text| JournalMatch::parse(text).unwrap()).collect();
    spec.directory = Some(folder.to_owned());
    spec
}

/// Reads until `count` lines have come; each with who wants it. The position is that behind the last.
fn read(journal: &mut Journal, count: usize) -> (Vec<(String, Vec<usize>)>, Option<Position>) {
    let (mut lines, mut position) = (Vec::new(), None);
    let began = Instant::now();
    while lines.len() < count {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "only {} of {count} lines came: {lines:?}",
            lines.len()
        );
        journal
            .next(Duration::from_millis(200), &mut |event| {
                if let Event::Block(block) = event {
                    assert_eq!(block.times.unwrap().len(), block.bytes.split(|b| *b == b'\n').count() - 1);
                    let text = String::from_utf8_lossy(block.bytes).into_owned();
                    lines.extend(text.lines().map(|line| (line.to_owned(), block.wanted_by.to_vec())));
                    position = Some(block.position(None));
                }
            })
            .unwrap();
    }
    (lines, position)
}

#[test]
fn entries_come_live_and_a_restart_goes_on_behind_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut writer) = Writer::start(folder.path()) else { return };
    writer.write(1, "ssh.service", b"Failed password for root from 192.0.2.1 port 1 ssh2");
    writer.write(2, "cron.service", b"nobody wants this");
    writer.write(3, "dovecot.service", b"two\nlines \xff");
    std::thread::sleep(Duration::from_millis(500));

    let mut journal = Journal::new(spec(folder.path()), &[]).unwrap();
    let (lines, _) = read(&mut journal, 2);
    assert_eq!(lines[0].0, "web01 sshd[4242]: Failed password for root from 192.0.2.1 port 1 ssh2");
    assert_eq!((lines[0].1.clone(), lines[1].1.clone()), (vec![0], vec![1]));
    assert_eq!(lines[1].0, "web01 sshd[4242]: two\\nlines \u{fffd}");

    for number in 4..24 {
        writer.write(number, "ssh.service", format!("line {number}").as_bytes());
    }
    let (lines, position) = read(&mut journal, 20);
    assert_eq!(lines[19].0, "web01 sshd[4242]: line 23");
    drop(journal);

    for number in 24..34 {
        writer.write(number, "ssh.service", format!("line {number}").as_bytes());
    }
    let mut journal = Journal::new(spec(folder.path()), &[position.unwrap()]).unwrap();
    let (lines, _) = read(&mut journal, 10);
    let wanted: Vec<String> = (24..34).map(|n| format!("web01 sshd[4242]: line {n}")).collect();
    assert_eq!(lines.into_iter().map(|(line, _)| line).collect::<Vec<_>>(), wanted, "each once, none lost");
}

#[test]
fn a_journal_that_is_not_there_is_told_and_tried_again() {
    if Command::new("journalctl").arg("--version").output().is_err() {
        eprintln!("skipped: journalctl is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::new(spec(&folder.path().join("none")), &[]).unwrap();
    let mut told = Vec::new();
    for _ in 0..20 {
        journal
            .next(Duration::from_millis(100), &mut |event| {
                if let Event::Notice(notice) = event {
                    told.push(notice.to_string());
                }
            })
            .unwrap();
    }
    assert!(told.iter().any(|notice| notice.contains("No such file")), "{told:?}");
}

/// Everything in one folder from its first entry on, the lines without what stands before the message.
fn everything(folder: &Path) -> JournalSpec {
    let mut spec = JournalSpec::default();
    spec.directory = Some(folder.to_owned());
    spec.start = JournalStart::Beginning;
    spec
}

fn messages(lines: &[(String, Vec<usize>)]) -> Vec<String> {
    lines.iter().map(|(line, _)| line.split_once(": ").unwrap().1.to_owned()).collect()
}

/// The children of this process that are `journalctl` and read this folder.
fn readers(folder: &Path) -> Vec<u32> {
    let folder = folder.to_str().unwrap();
    let mut found = Vec::new();
    for process in std::fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
        let Some(id) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let arguments = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments).into_owned();
        if arguments.starts_with("journalctl") && arguments.contains(folder) {
            found.push(id);
        }
    }
    found
}

/// Kills the reader again and again, forgets what was not committed, and begins anew: each entry comes once.
#[test]
fn nothing_is_lost_and_nothing_comes_twice_however_often_it_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut writer) = Writer::start(folder.path()) else { return };
    const ENTRIES: usize = 3000;
    let writing = std::thread::spawn(move || {
        for number in 0..ENTRIES as u64 {
            writer.write(number, "ssh.service", format!("line {number}").as_bytes());
            if number % 100 == 0 {
                std::thread::sleep(Duration::from_millis(60));
            }
        }
        writer
    });
    std::thread::sleep(Duration::from_millis(300));
    let mut journal = Journal::new(everything(folder.path()), &[]).unwrap();
    let (mut lines, mut stored): (Vec<String>, Option<Position>) = (Vec::new(), None);
    let (began, mut turns) = (Instant::now(), 0);
    while lines.len() < ENTRIES {
        assert!(began.elapsed() < Duration::from_secs(60), "{} lines came", lines.len());
        let (mut fresh, mut position) = (Vec::new(), stored.clone());
        journal
            .next(Duration::from_millis(50), &mut |event| {
                if let Event::Block(block) = event {
                    assert_eq!(block.generation, block.end.generation);
                    let text = String::from_utf8_lossy(block.bytes).into_owned();
                    fresh.extend(text.lines().map(|line| line.split_once(": ").unwrap().1.to_owned()));
                    position = Some(block.position(None));
                }
            })
            .unwrap();
        turns += 1;
        match turns % 12 {
            5 => {
                // A crash before the commit.
                let positions: Vec<Position> = stored.clone().into_iter().collect();
                journal = Journal::new(everything(folder.path()), &positions).unwrap();
                continue;
            }
            9 => {
                for id in readers(folder.path()) {
                    Command::new("kill").args(["-9", &id.to_string()]).status().unwrap();
                }
            }
            _ => {}
        }
        lines.extend(fresh);
        stored = position;
    }
    let expected: Vec<String> = (0..ENTRIES).map(|number| format!("line {number}")).collect();
    assert_eq!(lines, expected);
    drop(journal);
    assert_eq!(readers(folder.path()), [0; 0], "no reader outlives its use");
    drop(writing.join().unwrap());
}

#[test]
fn a_start_at_the_end_loses_nothing_between_two_starts() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut writer) = Writer::start(folder.path()) else { return };
    writer.write(1, "ssh.service", b"old");
    std::thread::sleep(Duration::from_millis(500));
    let mut spec = everything(folder.path());
    spec.start = JournalStart::End;
    let mut journal = Journal::new(spec.clone(), &[]).unwrap();
    let mut opened = Vec::new();
    journal
        .next(Duration::from_millis(300), &mut |event| match event {
            Event::Notice(stockade_source::Notice::Opened { position, .. }) => opened.push(position),
            other => panic!("{other:?}"),
        })
        .unwrap();
    drop(journal);
    writer.write(2, "ssh.service", b"while nobody read");
    let mut journal = Journal::new(spec, &opened).unwrap();
    assert_eq!(messages(&read(&mut journal, 1).0), ["while nobody read"]);
}

#[test]
fn lines_are_read_again_from_the_replay_point_with_the_same_offsets() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut writer) = Writer::start(folder.path()) else { return };
    let mut journal = Journal::new(everything(folder.path()), &[]).unwrap();
    let mut seen: Vec<(u64, String, Position)> = Vec::new();
    let mut replay: Option<Position> = None;
    for number in 0..3 {
        writer.write(number, "ssh.service", format!("line {number}").as_bytes());
        let began = Instant::now();
        while seen.len() as u64 <= number {
            assert!(began.elapsed() < Duration::from_secs(30));
            let sink = &mut |event: Event<'_>| {
                if let Event::Block(block) = event {
                    if block.bytes.ends_with(b"line 1\n") {
                        replay = Some(block.replay_point());
                    }
                    let text = String::from_utf8_lossy(block.bytes).into_owned();
                    seen.push((block.offset, text, block.position(replay.as_ref())));
                }
            };
            journal.next(Duration::from_millis(100), sink).unwrap();
        }
    }
    drop(journal);
    let position = seen[2].2.clone();
    assert_eq!((position.replay_from, position.offset), (seen[1].0, seen[2].0 + seen[2].1.len() as u64));
    let mut journal = Journal::new(everything(folder.path()), std::slice::from_ref(&position)).unwrap();
    let (mut again, began) = (Vec::new(), Instant::now());
    while again.iter().map(|(_, text): &(u64, String)| text.lines().count()).sum::<usize>() < 2 {
        assert!(began.elapsed() < Duration::from_secs(30));
        let sink = &mut |event: Event<'_>| {
            if let Event::Block(block) = event {
                assert_eq!(block.generation, position.generation);
                again.push((block.offset, String::from_utf8_lossy(block.bytes).into_owned()));
            }
        };
        journal.next(Duration::from_millis(100), sink).unwrap();
    }
    let text: String = again.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!((again[0].0, text), (seen[1].0, format!("{}{}", seen[1].1, seen[2].1)));
}

#[test]
fn a_cursor_that_is_none_is_told_and_reading_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut writer) = Writer::start(folder.path()) else { return };
    writer.write(1, "ssh.service", b"here");
    std::thread::sleep(Duration::from_millis(500));
    let stored = Position {
        stream: "journal".into(),
        generation: "g".into(),
        offset: 5,
        replay_from: 5,
        cursor: Some("--flush".into()),
    };
    let mut journal = Journal::new(everything(folder.path()), &[stored]).unwrap();
    assert_eq!(messages(&read(&mut journal, 1).0), ["here"]);
}

#[test]
fn a_message_that_is_too_long_is_counted_and_the_next_one_comes() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut writer) = Writer::start(folder.path()) else { return };
    writer.write(1, "ssh.service", &vec![b'x'; 100_000]);
    writer.write(2, "ssh.service", b"short");
    std::thread::sleep(Duration::from_millis(500));
    let mut journal = Journal::new(everything(folder.path()), &[]).unwrap();
    let (mut told, mut lines, began) = (Vec::new(), Vec::new(), Instant::now());
    while lines.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(30));
        let sink = &mut |event: Event<'_>| match event {
            Event::Block(block) => lines.push(String::from_utf8_lossy(block.bytes).into_owned()),
            Event::Notice(notice) => told.push(notice.to_string()),
        };
        journal.next(Duration::from_millis(100), sink).unwrap();
    }
    assert_eq!(lines, ["web01 sshd[4242]: short\n"]);
    assert!(told.iter().any(|notice| notice.starts_with("line of 100019 bytes passed over")), "{told:?}");
}
