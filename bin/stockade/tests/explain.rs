//! `stockade explain`, through the real binary.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use common::{run, run_with_input};
use insta::assert_snapshot;

const KNOCK: &str = "2026-11-22T10:00:00Z gate door: knocked by eve from 203.0.113.20";

#[test]
fn lines_add_up_to_a_ban() {
    let second = "2026-11-22T10:00:30Z gate door: knocked by eve from 203.0.113.20";
    let third =
        "2026-11-22T10:00:40Z gate door: message repeated 2 times: [ knocked by eve from 203.0.113.20]";
    assert_snapshot!(run(&["explain", "--jail", "door", KNOCK, second, third]));
}

#[test]
fn the_nearest_regex_is_shown_with_the_place_where_it_stopped() {
    let line = "2026-11-22T10:00:00Z gate door: knocked by eve and mallory from 203.0.113.20";
    assert_snapshot!(run(&["explain", "--jail", "door", line]));
    assert_snapshot!(run(&["explain", "--jail", "door", "2026-11-22T10:00:00Z gate window: knocked"]));
}

#[test]
fn who_is_ignored_is_told_with_the_reason() {
    let line = "2026-11-22T10:00:00Z gate door: knocked by eve from 192.0.2.77";
    assert_snapshot!(run(&["explain", "--jail", "door", line]));
    assert_snapshot!(run(&[
        "explain",
        "--jail",
        "door",
        "2026-11-22T10:00:00Z gate door: knocked by trent from 203.0.113.20"
    ]));
}

#[test]
fn every_enabled_jail_is_asked_if_none_is_named() {
    let line = "Nov 22 10:00:00 web sshd[7]: Failed password for root from 203.0.113.9 port 22 ssh2";
    let text = run(&["explain", "--year", "2026", line]);
    assert!(text.contains("match     jail sshd") && text.contains("in jail door"), "{text}");
}

#[test]
fn a_line_of_a_connection_helps_the_others() {
    let failed =
        "Nov 22 10:06:00 web sshd[7]: error: AuthorizedKeysCommand /usr/bin/keys bob failed, status 1";
    let text = run(&["explain", "--jail", "sshd", "--year", "2026", failed]);
    assert!(text.contains("helps     it speaks against nobody by itself"), "{text}");
}

#[test]
fn lines_come_from_standard_input_and_may_hold_anything() {
    let mut input = format!("{KNOCK}\r\n\n").into_bytes();
    input.extend_from_slice(b"2026-11-22T10:00:00Z gate door: knocked by \x1b[2J\xff from 203.0.113.20");
    assert_snapshot!(run_with_input(&["explain", "--jail", "door", "-"], &input));
}

#[test]
fn one_json_object_for_programs() {
    let near = "2026-11-22T10:00:00Z gate door: pushed hard by eve";
    assert_snapshot!(run(&["explain", "--jail", "door", "--json", KNOCK, near, "--", "-no date"]));
}

#[test]
fn pasted_lines_are_several() {
    let text = run(&["explain", "--jail", "door", &format!("{KNOCK}\n{KNOCK}\n")]);
    assert!(text.contains("so far    1 of 2") && text.contains("so far    banned"), "{text}");
}

#[test]
fn a_line_too_long_is_refused() {
    let line = vec![b'x'; 100_000];
    assert_snapshot!(run_with_input(&["explain", "--jail", "door", "-"], &line));
}

#[test]
fn a_jail_that_reads_no_lines_cannot_explain_one() {
    assert_snapshot!(run(&["explain", "--jail", "recidive", KNOCK]));
}
