//! Whole logs: the matches of the shipped `sshd` filter are fail2ban's, but for a list of differences with reasons.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use stockade_core::{Key, Timestamp};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Differences {
    #[serde(default)]
    difference: Vec<Difference>,
    #[serde(default)]
    class: Vec<Class>,
}

/// A kind of line that only ours reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    /// What such a line contains.
    contains: String,
    #[serde(rename = "reason")]
    _reason: String,
}

/// A line on which the two differ.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    /// The log, and the modes in which it holds.
    file: String,
    modes: Vec<String>,
    /// Whom it is about; how many matches of it ours has and theirs has not (below zero: the other way).
    key: String,
    time: i64,
    surplus: i64,
    /// Why, and who is right.
    #[serde(rename = "reason")]
    _reason: String,
}

/// 2026-11-21T00:00:00Z: the oracle took 2026 for dates without a year.
const NOW: i64 = 1_795_219_200;

#[test]
fn whole_logs_give_the_matches_of_fail2ban() {
    let Some(logs) = support::shared("data/logs") else { return };
    let listed =
        std::fs::read_to_string(support::root().join("corpus/sshd/differences.toml")).unwrap_or_default();
    let listed: Differences = toml::from_str(&listed).unwrap();
    let (mut unexplained, mut compared) = (Vec::new(), 0);
    for entry in std::fs::read_dir(logs.join("oracle")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let Some((file, mode)) = name.strip_suffix(".tsv").and_then(|stem| stem.rsplit_once('.')) else {
            continue;
        };
        let theirs = std::fs::read_to_string(entry.path()).unwrap();
        let mut balance: BTreeMap<(String, i64), i64> = BTreeMap::new();
        for row in theirs.lines() {
            let (key, time) = row.split_once('\t').unwrap();
            let key: Key = key.parse().unwrap();
            let seconds = time.split('.').next().unwrap().parse().unwrap();
            *balance.entry((key.to_string(), seconds)).or_default() -= 1;
            compared += 1;
        }
        for (key, time, count) in ours(&logs.join("sshd").join(file), mode, &listed.class) {
            *balance.entry((key, time)).or_default() += i64::from(count);
        }
        for difference in
            listed.difference.iter().filter(|d| d.file == file && d.modes.iter().any(|m| m == mode))
        {
            *balance.entry((difference.key.clone(), difference.time)).or_default() -= difference.surplus;
        }
        let of_file = balance.into_iter().filter(|(_, surplus)| *surplus != 0);
        unexplained.extend(
            of_file.map(|((key, time), surplus)| format!("{file} {mode}: {key} at {time}: {surplus:+}")),
        );
    }
    assert!(compared > 20_000, "only {compared} matches were compared");
    assert!(unexplained.is_empty(), "{} differences:\n{}", unexplained.len(), unexplained.join("\n"));
}

fn ours(log: &Path, mode: &str, only_ours: &[Class]) -> Vec<(String, i64, u32)> {
    let bytes = std::fs::read(log).unwrap();
    let filter = support::shipped("sshd", &[("mode".to_owned(), mode.to_owned())]);
    let mut scanner = support::scanner(filter);
    let hits = support::scan(&mut scanner, &bytes, Timestamp::from_secs(NOW), |hit| {
        let line = String::from_utf8_lossy(hit.line);
        let listed = only_ours.iter().any(|class| line.contains(&class.contains));
        (!listed).then(|| (hit.key.to_string(), hit.time.as_secs(), hit.count))
    });
    hits.into_iter().flatten().collect()
}
