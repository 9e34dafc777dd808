//! Every filter of Debian's fail2ban against deformed lines of its own: nothing panics, no address is found that is not
//! there, and a line that would take too long is given up. How long is measured by the example `mutated`.

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

use stockade_core::limits::MAX_LINE_BYTES;
use stockade_core::{Key, Timestamp, parse_addr};
use stockade_filter::date::Zone;
use stockade_filter::{Filter, FilterSet, Lines, ScanStats, Scanner, Undated};
use support::mutations;
use support::records::{NOW, Record, ZONE, records};
use support::stock::Stock;

/// Records of each filter whose lines are made long.
const LONG_RECORDS: usize = 2;
/// The longest text of an address.
const MAX_ADDRESS_BYTES: usize = 45;

#[test]
fn a_deformed_line_is_survived_and_says_nothing_that_is_not_in_it() {
    let (Some(records), Some(stock)) = (records(), Stock::find()) else { return };
    let mut of_filter: BTreeMap<(&str, &BTreeMap<String, String>), Vec<&Record>> = BTreeMap::new();
    for record in records.iter().filter(|record| stock.has(&record.filter)) {
        of_filter.entry((&record.filter, &record.options[0])).or_default().push(record);
    }
    let (mut total, mut exhausted) = (ScanStats::default(), BTreeMap::new());
    for ((name, options), records) in &of_filter {
        let Ok(filter) = stock.filter(name, options, records[0].backend()) else { continue };
        for (n, record) in records.iter().enumerate() {
            let mut lines = mutations::short(record.line());
            if n < LONG_RECORDS {
                lines.extend(mutations::long(record.line()));
            }
            let stats = judge(&filter, record, &lines);
            total.lines += stats.lines;
            total.matched += stats.matched;
            total.overlong += stats.overlong;
            if stats.exhausted > 0 {
                *exhausted.entry(*name).or_insert(0) += stats.exhausted;
            }
        }
    }
    eprintln!(
        "{} lines, {} matched, {} too long; given up: {exhausted:?}",
        total.lines, total.matched, total.overlong
    );
    let given_up: u64 = exhausted.values().sum();
    assert!(
        given_up * 100 < total.lines,
        "a filter is worth nothing if its lines are given up: {exhausted:?}"
    );
    assert!(total.lines > 20_000 && total.matched > 1_000 && total.overlong > 50, "{total:?}");
}

/// Feeds the lines to a fresh scanner, after those that must have come before.
fn judge(filter: &Arc<Filter>, record: &Record, mutated: &[String]) -> ScanStats {
    let (set, _) = FilterSet::new(vec![Arc::clone(filter)]);
    let mut scanner = Scanner::new(Arc::new(set), &Zone::parse(ZONE).unwrap(), None, Undated::IsNow).unwrap();
    let before = &record.lines[..record.lines.len() - 1];
    let mut seen = BTreeSet::new();
    let mut offset = 0;
    for line in before.iter().chain(mutated) {
        let bytes = format!("{line}\n").into_bytes();
        let mut found = Vec::new();
        scanner.scan(Lines { bytes: &bytes, offset, times: None }, Timestamp::from_secs(NOW), |hit| {
            assert!(line.len() <= MAX_LINE_BYTES && hit.count > 0);
            found.push(hit.key);
        });
        // An earlier line of the connection, or of the same match, may have said it.
        if line.len() < 1_000 {
            seen.extend(addresses(line));
        }
        for key in found {
            let there = match &key {
                Key::Addr(addr) => seen.contains(addr) || addresses(line).any(|other| other == *addr),
                Key::Net(net) => addresses(line).any(|addr| net.contains(&addr)),
                Key::Name(_) => true,
            };
            assert!(there, "{}: {key} is not in {line:?}", record.id);
        }
        offset += bytes.len() as u64;
    }
    scanner.stats()
}

/// Every address that some part of a line can be read as.
fn addresses(line: &str) -> impl Iterator<Item = IpAddr> {
    let bytes = line.as_bytes();
    let part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':');
    let starts = (0..bytes.len()).filter(move |&at| part(&bytes[at]));
    starts.flat_map(move |start| {
        let rest = &bytes[start..bytes.len().min(start + MAX_ADDRESS_BYTES)];
        let length = rest.iter().take_while(|byte| part(byte)).count();
        (2..=length).filter_map(move |end| parse_addr(&rest[..end]))
    })
}
