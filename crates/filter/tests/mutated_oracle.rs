//! Deformed lines mean to Debian's filters what they mean to them in fail2ban's own engine.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use stockade_core::{Key, parse_addr};
use support::engine::{self, Failure, Job};
use support::mutations;
use support::records::{Input, NOW, Record, records};
use support::stock::Stock;

/// Records whose deformed lines differ, with the reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Differences {
    difference: Vec<Difference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    records: BTreeSet<String>,
    #[serde(rename = "reason")]
    _reason: String,
}

/// Whom a line speaks against, and the user that was tried.
type Said = Vec<(String, String)>;

/// The longest user name that is remembered of a connection, in bytes.
const MAX_USER_BYTES: usize = 128;

#[test]
fn deformed_lines_mean_what_they_mean_to_fail2ban() {
    let (Some(records), Some(stock)) = (records(), Stock::find()) else { return };
    if !engine::is_installed() {
        return;
    }
    let listed = support::root().join("crates/filter/tests/differences/mutated.toml");
    let listed: Differences = toml::from_str(&std::fs::read_to_string(listed).unwrap()).unwrap();
    let listed: BTreeSet<&str> =
        listed.difference.iter().flat_map(|d| &d.records).map(String::as_str).collect();
    let mut of_filter: BTreeMap<(&str, &BTreeMap<String, String>), Vec<&Record>> = BTreeMap::new();
    for record in records.iter().filter(|r| r.input == Input::File && !r.filter.starts_with("zzz")) {
        of_filter.entry((&record.filter, &record.options[0])).or_default().push(record);
    }
    let mut jobs = Vec::new();
    for (&(name, options), records) in &of_filter {
        if stock.filter(name, options, "polling").is_ok() {
            let lines = records.iter().flat_map(|record| lines_of(record)).collect();
            jobs.push(Job {
                filter: Some(name.to_owned()),
                options: options.clone(),
                lines,
                ..Job::default()
            });
        }
    }
    let (mut lines, mut compared, mut excused, mut wrong) = (0, 0, 0, BTreeMap::new());
    for (job, theirs) in engine::ask_many(jobs, NOW) {
        let name = job.filter.clone().unwrap();
        let ours = job.ours(stock.filter(&name, &job.options, "polling").unwrap(), NOW);
        compared += theirs.len();
        let (ours, theirs) = (by_line(ours), by_line(theirs));
        let mut number = 0;
        for record in &of_filter[&(name.as_str(), &job.options)] {
            let mut seen: Vec<String> = Vec::new();
            for line in lines_of(record) {
                number += 1;
                lines += 1;
                let of = |all: &BTreeMap<usize, Said>| all.get(&number).cloned().unwrap_or_default();
                let (ours, theirs) = (of(&ours), of(&theirs));
                seen.push(line);
                if ours == theirs {
                    continue;
                }
                if is_bound(&ours, &theirs) || is_no_address(&theirs, &seen) {
                    excused += 1;
                } else {
                    let text = format!(
                        "{} ours {ours:?} theirs {theirs:?}\n    {:?}",
                        record.id,
                        seen.last().unwrap()
                    );
                    wrong.entry(record.id.as_str()).or_insert(text);
                }
            }
        }
    }
    eprintln!(
        "{lines} lines, {compared} failures, {excused} within known bounds, {} records differ",
        wrong.len()
    );
    let outdated: Vec<&&str> = listed.iter().filter(|id| !wrong.contains_key(**id)).collect();
    let new: Vec<&String> =
        wrong.iter().filter(|(id, _)| !listed.contains(**id)).map(|(_, text)| text).collect();
    assert!(
        new.is_empty(),
        "{} records:\n{}",
        new.len(),
        new.iter().map(|text| text.as_str()).collect::<Vec<_>>().join("\n")
    );
    assert!(outdated.is_empty(), "listed as differences, but they are none: {outdated:?}");
    assert!(lines > 20_000 && compared > 5_000 && excused < 100, "{lines} lines, {compared}, {excused}");
}

/// The lines that must have been read before, the line, and what can be made of it.
fn lines_of(record: &Record) -> Vec<String> {
    [record.lines.clone(), mutations::short(record.line())].concat()
}

fn by_line(failures: Vec<Failure>) -> BTreeMap<usize, Said> {
    let mut lines = BTreeMap::<usize, Said>::new();
    for failure in failures {
        lines.entry(failure.line).or_default().push((failure.id, failure.user.unwrap_or_default()));
    }
    lines
}

/// Long names are cut, a user without a name does not replace one with a name, and a line that took the engine too long
/// has no id there.
fn is_bound(ours: &Said, theirs: &Said) -> bool {
    let cut = |ours: &str, theirs: &str, most: usize| {
        ours == theirs || (ours.len() >= most - 3 && theirs.starts_with(ours))
    };
    theirs.iter().any(|(id, _)| id.is_empty())
        || ours.len() == theirs.len()
            && ours.iter().zip(theirs).all(|(ours, theirs)| {
                cut(&ours.0, &theirs.0, Key::MAX_NAME_BYTES)
                    && (theirs.1.is_empty() || cut(&ours.1, &theirs.1, MAX_USER_BYTES))
            })
}

/// What the engine took for an address is out of range, or part of a longer word.
fn is_no_address(theirs: &Said, seen: &[String]) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let stands = |line: &String, id: &str| {
        line.match_indices(id).any(|(at, _)| {
            let mut rest = line[at + id.len()..].chars();
            match rest.next() {
                Some('.' | '-') => !rest.next().is_some_and(word),
                next => !next.is_some_and(word),
            }
        })
    };
    theirs.iter().any(|(id, _)| {
        let shaped = id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'.' || b == b':');
        shaped && (parse_addr(id.as_bytes()).is_none() || !seen.iter().any(|line| stands(line, id)))
    })
}
