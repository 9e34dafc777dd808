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
use stockade_source::{Event, Journal, JournalMatch, JournalSpec, Source};

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
