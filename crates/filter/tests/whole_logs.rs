//! Whole logs: what every filter of Debian's fail2ban finds in them is what fail2ban's own engine finds.
//!
//! Our engine reads every file with every filter. fail2ban's is a thousand times slower: it reads whole files where ours
//! finds something, and elsewhere the first lines.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use stockade_core::Timestamp;
use stockade_filter::date::Zone;
use stockade_filter::{FilterSet, Lines, Scanner, Undated};
use support::engine::{self, Failure, Job};
use support::stock::Stock;

/// 2026-11-21T00:00:00Z: the year of dates that have none.
const NOW: i64 = 1_795_219_200;
/// How many lines fail2ban reads where we find nothing.
const WITHOUT_HITS: usize = 150;
/// The longest file that fail2ban reads as a whole, in bytes.
const MAX_FILE_BYTES: usize = 2 << 20;

/// Modes that are not the default.
const MODES: [(&str, &str, &[&str]); 8] = [
    ("sshd", "mode", &["aggressive", "ddos", "extra"]),
    ("postfix", "mode", &["aggressive", "auth", "ddos", "errors", "rbl", "more"]),
    ("dovecot", "mode", &["aggressive"]),
    ("exim", "mode", &["aggressive"]),
    ("sendmail-reject", "mode", &["extra"]),
    ("apache-auth", "mode", &["aggressive"]),
    ("nginx-http-auth", "mode", &["aggressive", "fallback"]),
    ("traefik-auth", "mode", &["aggressive", "ddos"]),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Differences {
    #[serde(default)]
    class: Vec<Class>,
    #[serde(default)]
    difference: Vec<Difference>,
}

/// A kind of line that only we read.
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
    file: String,
    filters: Vec<String>,
    lines: Vec<usize>,
    /// Why, and who is right.
    #[serde(rename = "reason")]
    _reason: String,
}

/// A filter with a parameter.
type Chosen = (String, BTreeMap<String, String>);

fn label((name, options): &Chosen) -> String {
    let options: String = options.iter().map(|(key, value)| format!("[{key}={value}]")).collect();
    format!("{name}{options}")
}

fn chosen(stock: &Stock) -> Vec<Chosen> {
    let mut all: Vec<Chosen> = stock.names().into_iter().map(|name| (name, BTreeMap::new())).collect();
    for (name, option, values) in MODES {
        let with = |value: &&str| (name.to_owned(), [(option.to_owned(), (*value).to_owned())].into());
        all.extend(values.iter().map(with));
    }
    all
}

fn logs(folder: &Path) -> Vec<PathBuf> {
    let files =
        ["sshd", "mail", "web"].into_iter().flat_map(|kind| std::fs::read_dir(folder.join(kind)).unwrap());
    let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_none_or(|extension| extension != "csv" && extension != "tsv"));
    files.sort();
    files
}

/// What our filters find in a file, by filter. A last line that is not ended is left out: fail2ban waits for its end.
fn ours(set: &Arc<FilterSet>, bytes: &[u8], only_ours: &[Class]) -> Vec<Vec<Failure>> {
    let end = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let mut found = vec![Vec::new(); set.filters().len()];
    let (mut line, mut counted) = (1, 0);
    let mut scanner = Scanner::new(Arc::clone(set), &Zone::UTC, None, Undated::IsAsBefore).unwrap();
    let lines = Lines { bytes: &bytes[..end], offset: 0, times: None };
    scanner.scan(lines, Timestamp::from_secs(NOW), |hit| {
        let offset = usize::try_from(hit.offset).unwrap();
        line += bytes[counted..offset].iter().filter(|&&byte| byte == b'\n').count();
        counted = offset;
        let text = String::from_utf8_lossy(hit.line);
        if !only_ours.iter().any(|class| text.contains(&class.contains)) {
            found[hit.filter].push(Failure {
                line,
                id: hit.key.to_string(),
                time: Some(hit.time.as_secs()),
                user: hit.user.map(|user| String::from_utf8_lossy(user).into_owned()),
            });
        }
    });
    found
}

/// Where the two differ: line by line, what each of them says. A line without a date has a time only here.
fn compare(ours: &[Failure], theirs: &[Failure]) -> BTreeMap<usize, String> {
    let mut lines: BTreeMap<usize, [Vec<&Failure>; 2]> = BTreeMap::new();
    for (side, failures) in [ours, theirs].into_iter().enumerate() {
        failures.iter().for_each(|failure| lines.entry(failure.line).or_default()[side].push(failure));
    }
    let same = |ours: &Failure, theirs: &Failure| {
        let user = |failure: &Failure| failure.user.clone().unwrap_or_default();
        let time = theirs.time.is_none_or(|time| Some(time) == ours.time);
        ours.id == theirs.id && time && user(ours) == user(theirs)
    };
    lines.retain(|_, [ours, theirs]| {
        ours.len() != theirs.len() || ours.iter().zip(theirs).any(|(ours, theirs)| !same(ours, theirs))
    });
    let text = |[ours, theirs]: [Vec<&Failure>; 2]| format!("ours {ours:?} theirs {theirs:?}");
    lines.into_iter().map(|(line, sides)| (line, text(sides))).collect()
}

#[test]
fn whole_logs_give_the_matches_of_fail2ban() {
    let Some((folder, stock)) = support::shared("data/logs").zip(Stock::find()) else { return };
    if !engine::is_installed() {
        return;
    }
    let listed =
        std::fs::read_to_string(support::root().join("crates/filter/tests/differences/whole_logs.toml"));
    let listed: Differences = toml::from_str(&listed.unwrap()).unwrap();
    let chosen = chosen(&stock);
    let filters = chosen.iter().map(|(name, options)| stock.filter(name, options, "polling"));
    let filters: Vec<_> = filters
        .zip(&chosen)
        .map(|(filter, of)| filter.unwrap_or_else(|error| panic!("{}: {error}", label(of))))
        .collect();
    let (set, surplus) = FilterSet::new(filters);
    assert!(surplus.is_empty());
    let set = Arc::new(set);
    let (mut jobs, mut found) = (Vec::new(), BTreeMap::new());
    for file in logs(&folder) {
        let bytes = std::fs::read(&file).unwrap();
        let lines = bytes.iter().filter(|&&byte| byte == b'\n').count();
        for (of, failures) in chosen.iter().zip(ours(&set, &bytes, &listed.class)) {
            let whole = !failures.is_empty() && bytes.len() < MAX_FILE_BYTES;
            let every = if whole { 0 } else { lines / WITHOUT_HITS + 1 };
            let (filter, options) = (Some(of.0.clone()), of.1.clone());
            jobs.push(Job { filter, options, file: Some(file.clone()), every, ..Job::default() });
            found.insert((file.clone(), of.clone()), failures);
        }
    }
    // The long ones first, so that no process has them all.
    jobs.sort_by_key(|job| (job.every, job.filter.clone()));
    let whole = jobs.iter().filter(|job| job.every == 0).count();
    let (mut compared, mut unexplained, mut used) = (0, Vec::new(), BTreeSet::new());
    for (job, theirs) in engine::ask_many(jobs, NOW) {
        let (file, of) = (job.file.unwrap(), (job.filter.unwrap(), job.options));
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let theirs: Vec<Failure> = theirs;
        compared += theirs.len();
        for (line, text) in compare(&found[&(file, of.clone())], &theirs) {
            let lists =
                |d: &Difference| d.file == name && d.filters.contains(&label(&of)) && d.lines.contains(&line);
            match listed.difference.iter().position(lists) {
                Some(at) => _ = used.insert(at),
                None => unexplained.push(format!("{name}:{line} {}: {text}", label(&of))),
            }
        }
    }
    eprintln!(
        "{} files, {} filters; {whole} files read as a whole, {compared} matches",
        logs(&folder).len(),
        chosen.len()
    );
    assert!(
        unexplained.is_empty(),
        "{} differences:\n{}",
        unexplained.len(),
        unexplained.iter().take(60).map(String::as_str).collect::<Vec<_>>().join("\n")
    );
    assert_eq!(used.len(), listed.difference.len(), "a difference is listed that is none");
    assert!(compared > 20_000, "only {compared} matches were compared");
}
