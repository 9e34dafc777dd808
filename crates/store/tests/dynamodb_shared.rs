//! Cloud-Fail2Ban's table: its items as golden files, and its own calls beside ours in one table.
#![cfg(feature = "dynamodb")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail"
)]

mod emulator;

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use stockade_core::{Key, Match, MatchId, Timestamp};
use stockade_store::dynamodb::{
    Shared, SharedQuestion, SharedTable, create_shared_if_missing, shared_filter_path, shared_id,
    shared_match_from_image,
};

const MATCHES: &str = include_str!("shared_table/matches.json");
const ITEMS: &str = include_str!("shared_table/items.json");
const SSHD: &str = "cloud_f2b.filters.auth.sshd.Sshd";

/// A line of `matches.json` as Stockade has it.
struct Case {
    found: Match,
    filter: String,
    event_id: String,
}

fn cases() -> Vec<Case> {
    let lines: Vec<(String, String, i64, String, String)> = serde_json::from_str(MATCHES).unwrap();
    let filters = ["sshd", "dovecot", "postfix", "roundcube", "nginx-http-auth"];
    let case = |(host, path, ms, stream, event_id): (String, String, i64, String, String)| {
        let filter = filters.iter().find(|filter| shared_filter_path(filter) == path.as_str()).unwrap();
        Case {
            found: Match {
                id: shared_id(filter, &event_id),
                jail: "sshd".into(),
                key: host.parse().unwrap(),
                time: Timestamp::from_millis(ms),
                count: 1,
                user: None,
                stream: stream.into(),
                line: "a line".into(),
            },
            filter: (*filter).to_owned(),
            event_id,
        }
    };
    lines.into_iter().map(case).collect()
}

fn write(table: &mut SharedTable, cases: &[Case]) {
    let shared: Vec<_> = cases
        .iter()
        .map(|case| Shared { found: &case.found, filter: &case.filter, event_id: Some(&case.event_id) })
        .collect();
    table.remember(&shared).unwrap();
}

fn table() -> Option<(String, String, SharedTable)> {
    let url = emulator::url()?;
    let aws = emulator::aws(&url, "eu-central-1");
    let name = emulator::name("F2B");
    assert!(create_shared_if_missing(&aws, &name).unwrap());
    let table = SharedTable::new(&aws, &name, Duration::from_secs(60));
    Some((url, name, table))
}

fn question(host: &str, filters: &[&str], since: i64) -> SharedQuestion {
    SharedQuestion {
        key: host.parse().unwrap(),
        filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
        since: Timestamp::from_secs(since),
        limit: 100,
    }
}

#[test]
fn items_from_its_stream_are_read() {
    let items: Vec<Value> = serde_json::from_str(ITEMS).unwrap();
    for (item, case) in items.iter().zip(cases()) {
        let read = shared_match_from_image(item).unwrap();
        assert_eq!((read.key, read.id), (case.found.key, case.found.id));
        assert_eq!(read.filter, Some(case.filter));
        assert_eq!(read.time.as_millis(), case.found.time.as_millis() / 1000 * 1000);
    }
    for wrong in ["root", "198.51.100.7; reboot", "198.51.100.0/24", ""] {
        let mut item = items[0].clone();
        item["Host"]["S"] = wrong.into();
        assert!(shared_match_from_image(&item).is_err(), "`{wrong}` is no address");
    }
}

#[test]
fn matches_of_both_systems_count_once_together() {
    let Some((_, _, mut table)) = table() else { return };
    write(&mut table, &cases());
    write(&mut table, &cases());
    let mut count =
        |host, filters: &[&str], since| table.recall(&[question(host, filters, since)]).unwrap().remove(0);
    let found = count("198.51.100.7", &["sshd", "dovecot"], 3_999_999_999);
    let ids: Vec<_> = found.iter().map(|past| past.id).collect();
    assert_eq!(ids, [cases()[1].found.id, cases()[0].found.id], "newest first, each once");
    assert_eq!(found[0].time, Timestamp::from_secs(4_000_000_001));
    // Later than the bound, in whole seconds, as the other side counts.
    assert_eq!(count("198.51.100.7", &["sshd"], 4_000_000_000).len(), 1);
    assert_eq!(count("198.51.100.7", &["sshd"], 4_000_000_001).len(), 0);
    assert_eq!(count("198.51.100.7", &["postfix"], 0).len(), 0);
    assert_eq!(count("203.0.113.9", &["dovecot", "roundcube"], 0).len(), 2);
    assert_eq!(count("192.0.2.1", &["nginx-http-auth"], 0).len(), 1);
    assert_eq!(count("192.0.2.1", &[], 0).len(), 0);
}

/// A name or a network is never written where another program takes every host for an address.
#[test]
fn only_addresses_are_written() {
    let Some((_, _, mut table)) = table() else { return };
    let mut cases = cases();
    cases[0].found.key = Key::name("$(reboot)");
    cases[1].found.key = "198.51.100.0/24".parse().unwrap();
    cases[2].found.key = Key::name("192.0.2.77");
    write(&mut table, &cases[..3]);
    let ask = |key| SharedQuestion { key, ..question("192.0.2.77", &["sshd", "postfix"], 0) };
    let asked = [
        ask(cases[0].found.key.clone()),
        ask(cases[1].found.key.clone()),
        ask("192.0.2.77".parse().unwrap()),
    ];
    assert_eq!(table.recall(&asked).unwrap(), [vec![], vec![], vec![]]);
}

#[test]
fn a_large_partition_is_read_page_by_page_until_there_is_enough() {
    let Some((_, _, mut table)) = table() else { return };
    let matches: Vec<_> = (0..1_200_u32)
        .map(|n| {
            let mut found = cases().remove(0).found;
            found.id = MatchId(u128::from(n));
            found.time = Timestamp::from_secs(4_000_000_000 + i64::from(n));
            found.stream = "s".repeat(512).into();
            (found, format!("{n:0512}"))
        })
        .collect();
    let shared: Vec<_> =
        matches.iter().map(|(found, id)| Shared { found, filter: "sshd", event_id: Some(id) }).collect();
    table.remember(&shared).unwrap();
    let before = table.spent().requests;
    let all = SharedQuestion { limit: 10_000, ..question("198.51.100.7", &["sshd"], 0) };
    assert_eq!(table.recall(std::slice::from_ref(&all)).unwrap()[0].len(), 1_200);
    let pages = table.spent().requests - before;
    assert!(pages > 1, "{pages} pages of 1 MB");
    assert_eq!(table.recall(&[SharedQuestion { limit: 3, ..all }]).unwrap()[0].len(), 3);
    assert_eq!(table.spent().requests - before, pages + 1, "one page has enough of them");
}

/// The other side's calls, made by Python and boto3.
#[test]
fn both_sides_write_the_same_items_and_count_each_other_s() {
    let Some((url, name, mut table)) = table() else { return };
    let Some(python) = python() else {
        return eprintln!("skipped: no Python with boto3 (STOCKADE_TEST_PYTHON names one)");
    };
    let reference = |arguments: &[&str], input: &str| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shared_table/reference.py");
        let mut child = Command::new(&python)
            .arg(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let sorted = |text: &str| {
        let mut items: Vec<Value> = serde_json::from_str(text).unwrap();
        items.sort_by_key(|item| (item["Host"]["S"].to_string(), item["MatchID"]["S"].to_string()));
        items
    };
    let golden = sorted(ITEMS);
    assert_eq!(
        sorted(&reference(&["golden"], MATCHES)),
        golden,
        "items.json is what reference.py makes of matches.json"
    );
    write(&mut table, &cases());
    assert_eq!(sorted(&reference(&["dump", &url, &name], "")), golden, "ours");
    reference(&["write", &url, &name], MATCHES);
    assert_eq!(sorted(&reference(&["dump", &url, &name], "")), golden, "theirs in the place of ours");
    // One more match by each: both sides count both.
    reference(
        &["write", &url, &name],
        &format!(r#"[["198.51.100.7", "{SSHD}", 4000000009000, "web01", "theirs"]]"#),
    );
    let mut ours = cases().remove(0);
    ours.event_id = "ours".into();
    ours.found.time = Timestamp::from_secs(4_000_000_010);
    write(&mut table, &[ours]);
    let counted = reference(&["count", &url, &name, "198.51.100.7", "4000000011", SSHD], "");
    let recalled = table.recall(&[question("198.51.100.7", &["sshd"], 4_000_000_011 - 3_600)]).unwrap();
    assert_eq!((counted.trim(), recalled[0].len()), ("4", 4));
    assert!(recalled[0].iter().any(|past| past.id == shared_id("sshd", "theirs")));
}

/// A Python that has boto3: the emulator's.
fn python() -> Option<String> {
    let has_boto3 = |python: &String| {
        let tried = Command::new(python).args(["-c", "import boto3"]).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    let of_emulator = || {
        let venv = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dev/venv");
        let output = Command::new(venv).arg("ministack").output().ok()?;
        Some(format!("{}/bin/python", String::from_utf8(output.stdout).ok()?.trim()))
    };
    std::env::var("STOCKADE_TEST_PYTHON").ok().or_else(of_emulator).filter(has_boto3)
}
