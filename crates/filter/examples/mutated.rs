//! The dearest line of every filter of Debian's fail2ban, among the deformed lines of the test `mutated`.
//!
//! `STOCKADE_SHARED=… cargo run --release -p stockade-filter --example mutated [FILTER…]`
//!
//! Prints, for each filter and the dearest first: how long its dearest line took, how long that line is, how it begins,
//! and how many of its lines were given up because their budget of steps was spent.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for developers"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stockade_core::Timestamp;
use stockade_filter::date::Zone;
use stockade_filter::{Filter, FilterSet, Lines, Scanner, Undated};
use support::mutations;
use support::records::{NOW, Record, ZONE, records};
use support::stock::Stock;

/// Records of each filter whose lines are made long.
const LONG_RECORDS: usize = 10;
/// A line is dear if it is so every time: the best of these counts.
const TIMES: usize = 3;

/// The dearest line of a filter.
#[derive(Default)]
struct Dearest {
    took: Duration,
    line: String,
    lines: usize,
    given_up: u64,
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let (Some(records), Some(stock)) = (records(), Stock::find()) else { return };
    let mut of_filter: BTreeMap<(&str, &BTreeMap<String, String>), Vec<&Record>> = BTreeMap::new();
    for record in records.iter().filter(|record| stock.has(&record.filter)) {
        if wanted.is_empty() || wanted.contains(&record.filter) {
            of_filter.entry((&record.filter, &record.options[0])).or_default().push(record);
        }
    }
    let mut all = Vec::new();
    for ((name, options), records) in of_filter {
        let Ok(filter) = stock.filter(name, options, records[0].backend()) else { continue };
        let mut dearest = Dearest::default();
        for (n, record) in records.into_iter().enumerate() {
            let mut lines = mutations::short(record.line());
            if n < LONG_RECORDS {
                lines.extend(mutations::long(record.line()));
            }
            measure(&filter, &lines, &mut dearest);
        }
        all.push((dearest, format!("{name} {options:?}")));
    }
    all.sort_by_key(|(dearest, _)| std::cmp::Reverse(dearest.took));
    println!("      ms   bytes  lines  given up  filter, and how the line begins");
    for (Dearest { took, line, lines, given_up }, name) in all {
        let begins: String = line.chars().take(80).collect();
        let ms = took.as_secs_f64() * 1e3;
        println!("{ms:8.3} {:7} {lines:6} {given_up:9}  {name}  {begins:?}", line.len());
    }
}

fn measure(filter: &Arc<Filter>, lines: &[String], dearest: &mut Dearest) {
    let (set, _) = FilterSet::new(vec![Arc::clone(filter)]);
    let mut scanner = Scanner::new(Arc::new(set), &Zone::parse(ZONE).unwrap(), None, Undated::IsNow).unwrap();
    for line in lines {
        let bytes = format!("{line}\n").into_bytes();
        let mut once = || {
            let began = Instant::now();
            scanner.scan(Lines { bytes: &bytes, offset: 0, times: None }, Timestamp::from_secs(NOW), |_| {});
            began.elapsed()
        };
        let took = (0..TIMES).map(|_| once()).min().unwrap_or_default();
        dearest.lines += 1;
        if took > dearest.took {
            (dearest.took, dearest.line) = (took, line.clone());
        }
    }
    dearest.given_up += scanner.stats().exhausted / TIMES as u64;
}
