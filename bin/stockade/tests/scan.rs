//! `stockade scan`, through the real binary.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;

use common::{fixture, run, run_with_input, shown, stockade};
use insta::assert_snapshot;

#[test]
fn a_table_for_people() {
    assert_snapshot!(run(&["scan", "auth.log", "--jail", "sshd", "--year", "2026"]));
}

#[test]
fn the_jail_is_sshd_if_none_is_named() {
    let named = run(&["scan", "auth.log", "--jail", "sshd", "--year", "2026"]);
    assert_eq!(run(&["scan", "auth.log", "--year", "2026"]), named);
}

#[test]
fn colours_where_they_are_wanted() {
    assert_snapshot!(run(&["scan", "door.log", "--jail", "door", "--color", "always"]));
}

#[test]
fn one_json_object_for_programs() {
    assert_snapshot!(run(&[
        "scan", "auth.log", "door.log", "--jail", "sshd", "--jail", "recidive", "--year", "2026", "--json"
    ]));
}

#[test]
fn the_json_object_is_json() {
    let output = stockade().args(["scan", "auth.log", "--year", "2026", "--json"]).output().unwrap();
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["offenders"][0]["key"], "203.0.113.9");
    assert_eq!(value["summary"]["lines"], 20);
}

#[test]
fn comma_separated_values_are_safe_for_spreadsheets() {
    assert_snapshot!(run(&["scan", "auth.log", "--year", "2026", "--csv"]));
}

#[test]
fn the_jail_ssh_24h_is_there_though_it_is_not_enabled() {
    assert_snapshot!(run(&["scan", "auth.log", "--jail", "ssh-24h", "--maxretry", "2", "--year", "2026"]));
}

#[test]
fn top_says_how_many_are_not_shown() {
    assert_snapshot!(run(&["scan", "auth.log", "--year", "2026", "--top", "1"]));
    assert_snapshot!(run(&["scan", "auth.log", "--year", "2026", "--banned", "--csv"]));
}

#[test]
fn what_counts_can_be_typed() {
    let args =
        ["scan", "door.log", "--jail", "door", "--findtime", "10m", "--maxretry", "3", "--bantime", "-1"];
    assert_snapshot!(run(&args));
    assert_snapshot!(run(&["scan", "door.log", "--filter", "door"]));
    assert_snapshot!(run(&[
        "scan",
        "auth.log",
        "--filter",
        "sshd[mode=aggressive]",
        "--maxretry",
        "1",
        "--year",
        "2026",
        "--csv"
    ]));
}

#[test]
fn times_can_be_typed() {
    let args = [
        "scan",
        "door.log",
        "--jail",
        "door",
        "--since",
        "2026-11-22 10:00:10",
        "--until",
        "2026-11-22 10:30",
    ];
    assert_snapshot!(run(&args));
    assert_snapshot!(run(&[
        "scan",
        "auth.log",
        "--year",
        "1999",
        "--timezone",
        "Europe/Berlin",
        "--csv",
        "--top",
        "1"
    ]));
}

/// Writes one log in four parts, each packed in another way, with the newest part named like the log.
fn write_parts(folder: &Path, lines: &[&str]) {
    let write = |name: &str, bytes: Vec<u8>| fs::write(folder.join(name), bytes).unwrap();
    let text = |at: usize| format!("{}\n", lines[at]).into_bytes();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 6);
    xz.write_all(&text(0)).unwrap();
    write("door.log.3.xz", xz.finish().unwrap());
    write("door.log.2.zst", zstd::encode_all(text(1).as_slice(), 3).unwrap());
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(&text(2)).unwrap();
    write("door.log.1.gz", gz.finish().unwrap());
    write("door.log", text(3));
}

#[test]
fn packed_and_rotated_parts_are_read_in_the_right_order_however_they_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(fixture("door.log")).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("203.0.113.20")).take(4).collect();
    write_parts(folder.path(), &lines);
    let scan = |args: &[&str]| {
        let mut command = stockade();
        command.current_dir(folder.path()).args([
            "scan",
            "--jail",
            "door",
            "--maxretry",
            "3",
            "--findtime",
            "10m",
            "--csv",
        ]);
        shown(&command.args(args).output().unwrap())
    };
    let wanted = scan(&["door.log*"]);
    assert_snapshot!(wanted);
    assert_eq!(scan(&["."]), wanted, "a folder");
    assert_eq!(scan(&["door.log", "--rotated"]), wanted, "the log and its older parts");
    let shuffled = ["door.log", "door.log.1.gz", "door.log.3.xz", "door.log.2.zst", "./door.log"];
    assert_eq!(scan(&shuffled), wanted, "in any order, and one twice");
}

#[test]
fn standard_input_is_read_as_it_comes() {
    let text = fs::read(fixture("door.log")).unwrap();
    assert_snapshot!(run_with_input(&["scan", "-", "--jail", "door", "--top", "1"], &text));
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::copy(fixture("door.log"), at("door.log")).unwrap();
    fs::write(at("door.log.1.gz"), b"\x1f\x8b\x08\0damaged").unwrap();
    fs::write(at("old.log.bz2"), b"BZh91AY&SY").unwrap();
    let mut command = stockade();
    command.current_dir(folder.path());
    command.args([
        "scan",
        "door.log",
        "door.log.1.gz",
        "old.log.bz2",
        "gone.log",
        "*.txt",
        "--jail",
        "door",
        "--csv",
    ]);
    assert_snapshot!(shown(&command.output().unwrap()));
}

#[test]
fn where_nothing_can_be_read_it_fails() {
    assert_snapshot!(run(&["scan", "gone.log", "/dev/null", "nothing-here/*"]));
}

#[test]
fn no_match_at_all_is_no_error() {
    assert_snapshot!(run(&["scan", "door.log"]));
}

#[test]
fn who_stops_reading_is_no_error() {
    let mut child = stockade().args(["scan", "auth.log", "--json"]).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Every line from another address with another user: what an attacker can do to fill the tables.
#[test]
fn memory_stays_below_50_mb_whatever_is_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for n in 0..120_000_u32 {
        let addr = std::net::Ipv4Addr::from(0x0b00_0000 + n);
        let user = format!("{n:050}");
        text += &format!("2026-11-22T10:00:00Z gate door: knocked by {user} from {addr}\n");
    }
    fs::write(folder.path().join("door.log"), text).unwrap();
    let mut command = stockade();
    command.current_dir(folder.path());
    command.args(["scan", "door.log", "--jail", "door", "--maxretry", "1", "--bantime", "-1", "--json"]);
    let output = command.output().unwrap();
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let kinds: Vec<_> = value["notes"].as_array().unwrap().iter().map(|note| note["kind"].clone()).collect();
    assert_eq!(kinds, ["offenders-dropped", "bans-forgotten"], "the limits were reached, and told");
    assert_eq!(value["jails"][0]["bans"], 120_000);
    let peak = value["summary"]["peak_memory_bytes"].as_u64().unwrap();
    // The code of a program that is not optimised takes as much room as it has features.
    let code = if cfg!(debug_assertions) {
        fs::write(folder.path().join("door.log"), "").unwrap();
        let value: serde_json::Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        value["summary"]["peak_memory_bytes"].as_u64().unwrap()
    } else {
        0
    };
    assert!(peak < 50_000_000 + code, "{peak} with {code} for the code");
}
