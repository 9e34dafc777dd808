//! fail2ban's own sample lines against the filters of Debian's fail2ban: whether a line matches, whom it speaks
//! against, when, and which user was tried. Each record alone, and all records of a filter one after the other.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use serde::Deserialize;
use stockade_core::Timestamp;
use stockade_filter::date::Zone;
use stockade_filter::{Filter, FilterSet, Lines, Scanner, Undated};
use support::records::{Expected, Input, NOW, Record, ZONE, records};
use support::stock::Stock;

/// What is known to differ, each with its reason.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    #[serde(default)]
    exception: Vec<Exception>,
    #[serde(default)]
    unknown: Vec<Unknown>,
}

/// A filter with parameters that Debian's version of it does not know.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unknown {
    filter: String,
    options: BTreeMap<String, String>,
    /// What the error says.
    error: String,
    #[serde(rename = "reason")]
    _reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    /// Of the records.
    ids: Vec<String>,
    /// Why, and who is right.
    #[serde(rename = "reason")]
    _reason: String,
}

/// What a line came to.
#[derive(Debug)]
struct Found {
    key: String,
    time: f64,
    user: Option<String>,
}

/// One way to feed a filter.
struct Engine {
    filter: Arc<Filter>,
    scanner: Scanner,
    offset: u64,
}

impl Engine {
    fn new(filter: &Arc<Filter>) -> Self {
        let (set, _) = FilterSet::new(vec![Arc::clone(filter)]);
        let scanner = Scanner::new(Arc::new(set), &Zone::parse(ZONE).unwrap(), None, Undated::IsNow).unwrap();
        Self { filter: Arc::clone(filter), scanner, offset: 0 }
    }

    fn feed(&mut self, line: &str, input: Input) -> Vec<Found> {
        let now = Timestamp::from_secs(NOW);
        let bytes = format!("{line}\n").into_bytes();
        let known = [now];
        let times = (input == Input::Journal).then_some(&known[..]);
        let mut found = Vec::new();
        self.scanner.scan(Lines { bytes: &bytes, offset: self.offset, times }, now, |hit| {
            found.push(Found {
                key: hit.key.to_string(),
                time: hit.time.as_millis() as f64 / 1000.0,
                user: hit.user.map(|user| String::from_utf8_lossy(user).into_owned()),
            });
        });
        self.offset += bytes.len() as u64;
        found
    }
}

type Case<'r> = (&'r str, &'r BTreeMap<String, String>, Input);

#[test]
fn every_record_means_what_fail2ban_says() {
    let (Some(records), Some(stock)) = (records(), Stock::find()) else { return };
    let listed =
        std::fs::read_to_string(support::root().join("crates/filter/tests/differences/samples.toml"));
    let listed: Exceptions = toml::from_str(&listed.unwrap()).unwrap();
    let unknown = &listed.unknown;
    let listed: BTreeSet<&str> =
        listed.exception.iter().flat_map(|exception| &exception.ids).map(String::as_str).collect();
    let mut cases: BTreeMap<Case<'_>, Vec<&Record>> = BTreeMap::new();
    let (mut missing, mut wrong) = (BTreeMap::new(), BTreeMap::new());
    for record in &records {
        if !stock.has(&record.filter) {
            *missing.entry(record.filter.as_str()).or_insert(0) += 1;
            continue;
        }
        for options in &record.options {
            cases.entry((record.filter.as_str(), options, record.input)).or_default().push(record);
        }
    }
    let (mut runs, mut refused) = ([0; 2], BTreeSet::new());
    for ((name, options, input), mut of_case) in cases {
        of_case.sort_by_key(|record| record.seq);
        let mut complain = |record: &Record, how: &str, what: String| {
            let text = format!("{} {how} {name}{options:?}: {what}\n    {}", record.id, record.line());
            wrong.entry(record.id.clone()).or_insert_with(Vec::new).push(text);
        };
        let unknown = unknown.iter().find(|unknown| unknown.filter == name && unknown.options == *options);
        let filter = match (stock.filter(name, options, of_case[0].backend()), unknown) {
            (Ok(_), Some(_)) => panic!("{name}{options:?} is listed as unknown, but it is known"),
            (Err(error), Some(unknown)) if error.contains(&unknown.error) => {
                refused.insert(&unknown.filter);
                continue;
            }
            (Ok(filter), None) => filter,
            (Err(error), _) => {
                of_case.iter().for_each(|record| complain(record, "cannot be compiled", error.clone()));
                continue;
            }
        };
        let mut stateful = Engine::new(&filter);
        for record in of_case {
            let mut isolated = Engine::new(&filter);
            let mut last = Vec::new();
            record.lines.iter().for_each(|line| last = isolated.feed(line, input));
            for (n, (how, found)) in
                [("alone", last), ("in order", stateful.feed(record.line(), input))].into_iter().enumerate()
            {
                runs[n] += 1;
                if let Some(problem) = compare(&record.expect, &found) {
                    complain(record, how, problem);
                }
            }
        }
        assert!(stateful.filter.failregexes().count() > 0);
    }
    let unexplained: Vec<&String> =
        wrong.iter().filter(|(id, _)| !listed.contains(id.as_str())).flat_map(|(_, texts)| texts).collect();
    let outdated: Vec<&&str> = listed.iter().filter(|id| !wrong.contains_key(**id)).collect();
    eprintln!(
        "{} records, {} runs alone, {} in order, {} exceptions; filters that Debian has not: {missing:?}",
        records.len(),
        runs[0],
        runs[1],
        listed.len()
    );
    assert!(
        unexplained.is_empty(),
        "{} of {} records:\n{}",
        wrong.keys().filter(|id| !listed.contains(id.as_str())).count(),
        records.len(),
        unexplained.iter().map(|text| text.as_str()).collect::<Vec<_>>().join("\n")
    );
    assert!(records.len() > 1_000 && runs[0] > 1_000, "too few: {} records, {} runs", records.len(), runs[0]);
    assert_eq!(refused.len(), unknown.len(), "a filter is listed as unknown that no record is for");
    assert!(outdated.is_empty(), "listed as exceptions, but they pass: {outdated:?}");
}

/// What is wrong with what was found, if anything is.
fn compare(expected: &Expected, found: &[Found]) -> Option<String> {
    let found = match (expected.matches, found) {
        (false, []) => return None,
        (true, [one]) => one,
        _ => return Some(format!("wanted {}, got {found:?}", u8::from(expected.matches))),
    };
    let host = expected.host.as_ref().is_none_or(|host| same(host, &found.key));
    let time = expected.epoch.is_none_or(|epoch| (epoch - found.time.trunc()).abs() < 0.5);
    // A user without a name is no user.
    let user = expected.user.as_ref().is_none_or(|user| *user == found.user.clone().unwrap_or_default());
    let users = expected.users.as_ref();
    let users = users.is_none_or(|users| found.user.as_ref().is_some_and(|user| users.contains(user)));
    (!(host && time && user && users)).then(|| format!("wanted {expected:?}, got {found:?}"))
}

/// Addresses are compared as addresses, anything else as text.
fn same(wanted: &str, got: &str) -> bool {
    match (wanted.parse::<IpAddr>(), got.parse::<IpAddr>()) {
        (Ok(wanted), Ok(got)) => wanted.to_canonical() == got.to_canonical(),
        _ => wanted == got,
    }
}
