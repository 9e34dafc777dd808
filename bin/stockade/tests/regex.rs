//! `stockade regex`, through the real binary.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::io::Write as _;

use common::{fixture, run, run_with_input, stockade};
use insta::assert_snapshot;

/// What came of `stockade regex`, without the times.
fn regex(args: &[&str]) -> String {
    without_times(&run(&[&["regex"], args].concat()))
}

/// Every length of time becomes `…`, as wide as it was.
fn without_times(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut words = line.split(' ').peekable();
        let mut shown: Vec<String> = Vec::new();
        while let Some(word) = words.next() {
            let unit = words.peek().filter(|unit| ["ns", "µs", "ms", "s"].contains(unit));
            let number = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            if unit.is_some() && number {
                // Numbers of the same column are of different widths.
                while shown.last().is_some_and(String::is_empty) {
                    shown.pop();
                }
                words.next();
                shown.push("…".into());
            } else if word.starts_with("\"seconds\":") {
                shown.push("\"seconds\": …".into());
                break;
            } else {
                shown.push(word.into());
            }
        }
        out += shown.join(" ").trim_end();
        out.push('\n');
    }
    out
}

const LINE: &str = "2026-11-22T10:00:00Z gate door: knocked by eve from 203.0.113.20";

#[test]
fn a_filter_is_tried_on_a_log() {
    assert_snapshot!(regex(&["door.log", "door"]));
    assert_snapshot!(regex(&["door.log", "door", "-v", "--print-all-matched", "--print-no-missed"]));
}

#[test]
fn a_regex_is_tried_on_a_line() {
    assert_snapshot!(regex(&[LINE, "knocked by <F-USER>.*</F-USER> from <HOST>", "mallory"]));
    assert_snapshot!(regex(&[LINE, "pushed by <HOST>", "-D"]));
}

#[test]
fn one_json_object_for_programs() {
    assert_snapshot!(regex(&["door.log", "door", "--json", "-v"]));
}

#[test]
fn a_filter_is_found_by_name_by_path_and_by_jail() {
    for args in [
        &["door.log", "conf/filter.d/door.conf"][..],
        &["door.log", "./conf/filter.d/door"],
        &["door.log", "door.conf"],
        &["door.log", "sshd[mode=aggressive]"],
        &["door.log", "ssh-24h"],
    ] {
        let text = regex(args);
        assert!(text.starts_with("exit: 0\n") && text.contains("7 lines"), "{args:?}: {text}");
    }
    assert!(regex(&["door.log", "ssh-24h"]).contains("of the jail"));
    assert_snapshot!(regex(&["door.log", "dor"]));
    assert_snapshot!(regex(&["door.log", "sshd[mode=\"x\"y=z]"]));
}

#[test]
fn a_regex_that_cannot_be_used_is_refused_with_the_reason() {
    assert_snapshot!(regex(&[LINE, "knocked by (<HOST>"]));
    assert_snapshot!(regex(&[LINE, "knocked by .*"]));
    assert_snapshot!(regex(&[LINE, "<HOST>", "-d", "%Q"]));
    assert_snapshot!(regex(&[LINE, "<HOST>", "-e", "morse"]));
}

#[test]
fn packed_logs_and_standard_input_are_logs_too() {
    let log = std::fs::read(fixture("door.log")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let packed = dir.path().join("door.log.gz");
    let mut gzip =
        flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    gzip.write_all(&log).unwrap();
    gzip.finish().unwrap();
    let wanted = run(&["regex", "door.log", "door", "-o", "<ip> <F-USER>"]);
    assert_eq!(wanted.lines().count(), 7, "{wanted}");
    assert_eq!(run(&["regex", packed.to_str().unwrap(), "door", "-o", "<ip> <F-USER>"]), wanted);
    assert_eq!(run_with_input(&["regex", "-", "door", "-o", "<ip> <F-USER>"], &log), wanted);
}

#[test]
fn every_form_of_out() {
    for what in
        ["id", "ip", "msg", "row", "user", "nothing", "<time> <fid> <family> <ip-rev> <F-NONE>|<x>", "<msg>!"]
    {
        assert_snapshot!(
            format!("out-{}", what.replace(['<', '>', '|', ' ', '!'], "_")),
            run(&["regex", LINE, "by <F-USER>\\S+</F-USER> from <HOST>", "-o", what])
        );
    }
    assert_snapshot!("out-invert", run(&["regex", "door.log", "door", "-o", "msg", "-i"]));
}

#[test]
fn logs_have_encodings() {
    let mut line = b"2026-11-22T10:00:00Z gate door: knocked by ren\xe9 from 203.0.113.20\n".to_vec();
    line.extend_from_slice(b"\n# a comment\n\r\n");
    let out = |encoding: &str| {
        run_with_input(
            &["regex", "-", "by <F-USER>\\S+</F-USER> from <HOST>", "-o", "user", "-e", encoding],
            &line,
        )
    };
    assert!(out("latin-1").ends_with("\nrené\n"), "{}", out("latin-1"));
    assert!(out("utf-8").ends_with("\nren\u{fffd}\n"));
}

#[test]
fn names_of_hosts_are_taken_only_where_they_are_wanted() {
    let line = "2026-11-22T10:00:00Z knocked from host.example";
    let out = |more: &[&str]| run(&[&["regex", line, "from <HOST>$", "-o", "id"], more].concat());
    assert_eq!(out(&[]), "exit: 0\n");
    assert_eq!(out(&["--usedns", "yes"]), "exit: 0\n----- stdout\nhost.example\n");
    assert_eq!(out(&["--raw"]), "exit: 0\n----- stdout\nhost.example\n");
}

#[test]
fn nothing_an_attacker_wrote_reaches_the_terminal_as_a_command() {
    let line = b"2026-11-22T10:00:00Z gate door: \x1b[2Jknocked\n";
    let text = run_with_input(&["regex", "-", "from <HOST>"], line);
    assert!(text.contains("\\u{1b}[2Jknocked") && !text.contains('\x1b'), "{text}");
}

#[test]
fn a_log_that_cannot_be_read_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let damaged = dir.path().join("damaged.gz");
    std::fs::write(&damaged, b"\x1f\x8b\x08\x00damaged").unwrap();
    let output = stockade().args(["regex"]).arg(&damaged).arg("door").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
}
