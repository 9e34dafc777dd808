//! A regex that runs away on a line is stopped, counted and named; the line is passed over and the scan goes on.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use std::sync::Arc;

use stockade_core::Timestamp;
use stockade_filter::{Filter, FilterSpec, Scanner, Verdict};

/// Runs away where there are many `a`.
const HOSTILE: &str = "knocked by (?!(?:a|aa)*b)";

fn spec() -> FilterSpec {
    FilterSpec { failregex: vec![r"^ door: knocked by \S+ from <HOST>$".into()], ..FilterSpec::default() }
}

fn log() -> String {
    let line = |n: u8, who: &str| format!("2026-11-22 10:00:0{n} door: knocked by {who} from 192.0.2.{n}\n");
    let many = "a".repeat(200);
    [line(1, "eve"), line(2, &many), line(3, "eve"), line(4, &many)].concat()
}

fn scanned(spec: &FilterSpec) -> (Scanner, Vec<String>) {
    let mut scanner =
        support::scanner(Arc::new(Filter::compile(spec).unwrap_or_else(|e| panic!("{}", e[0]))));
    let now = Timestamp::from_secs(1_795_341_600);
    let keys = support::scan(&mut scanner, log().as_bytes(), now, |hit| hit.key.to_string());
    (scanner, keys)
}

#[test]
fn whichever_regex_runs_away_the_line_is_passed_over() {
    let hostile = format!(r"^ door: {HOSTILE}\S+ from <HOST>$");
    let prefix = format!("^ door: {HOSTILE}<F-CONTENT>.+</F-CONTENT>$");
    let ignore = format!("{HOSTILE}zzz");
    let [first] = <[_; 1]>::try_from(spec().failregex).unwrap();
    for (regex, spec) in [
        (&hostile, FilterSpec { failregex: vec![hostile.as_str().into(), first], ..spec() }),
        (
            &prefix,
            FilterSpec {
                prefregex: Some(prefix.as_str().into()),
                failregex: vec![r"\S+ from <HOST>$".into()],
                ..spec()
            },
        ),
        (&ignore, FilterSpec { ignoreregex: vec![ignore.as_str().into()], ..spec() }),
    ] {
        let (scanner, keys) = scanned(&spec);
        assert_eq!(keys, ["192.0.2.1", "192.0.2.3"], "{regex}");
        assert_eq!(scanner.stats().exhausted, 2, "{regex}");
        assert_eq!(scanner.exhausted().collect::<Vec<_>>(), [(0, regex.as_str(), 2)]);
    }
}

#[test]
fn an_explanation_names_the_regex_that_was_stopped() {
    let hostile = format!(r"^ door: {HOSTILE}\S+ from <HOST>$");
    let (mut scanner, _) = scanned(&FilterSpec { failregex: vec![hostile.as_str().into()], ..spec() });
    let log = log();
    let verdict = |scanner: &mut Scanner, line: &str| {
        scanner.explain(line.as_bytes(), None, Timestamp::from_secs(1_795_341_600)).remove(0).verdict
    };
    let lines: Vec<&str> = log.lines().collect();
    assert!(matches!(verdict(&mut scanner, lines[0]), Verdict::Matched { .. }));
    assert_eq!(verdict(&mut scanner, lines[1]), Verdict::Exhausted { text: hostile });
}
