//! What a filter of several lines makes of a stream, however the stream comes in pieces.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::*;
use crate::date::Zone;
use crate::set::{Claims, FilterSet};
use crate::spec::FilterSpec;
use crate::{Scanner, Undated, Verdict};

const NOW: i64 = 1_795_305_600;

fn spec(maxlines: usize, failregex: &[&str], ignoreregex: &[&str]) -> FilterSpec {
    FilterSpec {
        failregex: failregex.iter().map(|&text| text.into()).collect(),
        ignoreregex: ignoreregex.iter().map(|&text| text.into()).collect(),
        maxlines,
        ..FilterSpec::default()
    }
}

/// Judges every line, instead of those that contain a text.
fn judging_all(mut set: FilterSet) -> FilterSet {
    set.always = Claims::MAX >> (128 - set.filters.len());
    set
}

fn compiled(specs: &[FilterSpec]) -> Vec<Arc<Filter>> {
    specs.iter().map(|spec| Arc::new(Filter::compile(spec).unwrap())).collect()
}

fn set(specs: &[FilterSpec]) -> FilterSet {
    FilterSet::new(compiled(specs)).0
}

fn scanner(set: FilterSet) -> Scanner {
    Scanner::new(Arc::new(set), &Zone::parse("UTC").unwrap(), None, Undated::IsAsBefore).unwrap()
}

type Found = (usize, String, u64, i64);

/// All hits; the stream comes in blocks of so many lines.
fn hits(scanner: &mut Scanner, lines: &[String], blocks: &[usize]) -> Vec<Found> {
    let mut sizes = blocks.iter().copied().cycle();
    let (mut offset, mut found, mut rest) = (0, Vec::new(), lines);
    while !rest.is_empty() {
        let (block, left) = rest.split_at(sizes.next().unwrap_or(usize::MAX).clamp(1, rest.len()));
        let bytes: Vec<u8> = block.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect();
        scanner.scan(Lines { bytes: &bytes, offset, times: None }, Timestamp::from_secs(NOW), |hit| {
            found.push((hit.filter, hit.key.to_string(), hit.offset, hit.time.as_secs()));
        });
        offset += bytes.len() as u64;
        rest = left;
    }
    found.sort();
    found
}

fn keys(failregex: &str, lines: &[&str]) -> Vec<String> {
    let lines: Vec<String> = lines.iter().map(|line| format!("Nov 21 22:00:00 {line}")).collect();
    let found = hits(&mut scanner(set(&[spec(4, &[failregex], &[])])), &lines, &[usize::MAX]);
    found.into_iter().map(|found| found.1).collect()
}

const TALK: &str = "^ open <HOST>$<SKIPLINES>^ shut$";

#[test]
fn a_match_takes_its_lines_and_leaves_those_between() {
    assert_eq!(keys(TALK, &["open 192.0.2.1", "x", "shut", "shut"]), ["192.0.2.1"]);
    // The second one was passed over, and the next end is its end.
    assert_eq!(keys(TALK, &["open 192.0.2.1", "open 192.0.2.2", "shut", "shut"]), ["192.0.2.1", "192.0.2.2"]);
    assert_eq!(keys(TALK, &["shut", "open 192.0.2.1", "shut"]), ["192.0.2.1"]);
}

#[test]
fn no_more_lines_are_seen_than_maxlines() {
    assert_eq!(keys(TALK, &["open 192.0.2.1", "x", "x", "shut"]), ["192.0.2.1"]);
    assert!(keys(TALK, &["open 192.0.2.1", "x", "x", "x", "shut"]).is_empty());
}

#[test]
fn an_entry_of_two_lines_has_the_date_of_its_first() {
    let spec = FilterSpec {
        datepattern: Some("{^LN-BEG}\n^WARN:()**".into()),
        ..spec(2, &[r"^.*\nWARN: <HOST>$"], &[])
    };
    let lines = ["Nov 20 10:00:00 x".to_owned(), "WARN: 192.0.2.1".to_owned()];
    for blocks in [1, 2] {
        let found = hits(&mut scanner(set(std::slice::from_ref(&spec))), &lines, &[blocks]);
        assert_eq!(found, [(0, "192.0.2.1".to_owned(), 18, 1_795_168_800)]);
    }
}

#[test]
fn what_may_still_be_part_of_a_match_is_read_again_after_a_restart() {
    let mut scanner = scanner(set(&[spec(3, &[TALK], &[])]));
    assert_eq!(scanner.replay_from(), None);
    let lines: Vec<String> = (0..9).map(|n| format!("Nov 21 22:00:0{n} open 192.0.2.{n}")).collect();
    let length = lines[0].len() as u64 + 1;
    hits(&mut scanner, &lines, &[2]);
    assert_eq!(scanner.replay_from(), Some(7 * length), "the last two, as the next line is the third");
    let shut = "Nov 21 22:00:10 shut".to_owned();
    let found = hits(&mut scanner, &[shut], &[1]);
    assert_eq!(found[0].1, "192.0.2.7");
}

#[test]
fn a_match_over_several_lines_is_explained() {
    let mut scanner = scanner(set(&[spec(3, &[TALK], &[])]));
    let mut seen = |text: &str| {
        let line = format!("Nov 21 22:00:00 {text}");
        let told = scanner.explain(line.as_bytes(), None, Timestamp::from_secs(NOW)).swap_remove(0);
        (told.rest, matches!(told.verdict, Verdict::Matched { .. }))
    };
    assert_eq!(seen("open 192.0.2.1"), (" open 192.0.2.1".to_owned(), false));
    assert_eq!(seen("x"), (" open 192.0.2.1\n x".to_owned(), false));
    assert_eq!(seen("shut"), (" open 192.0.2.1\n x\n shut".to_owned(), true));
    assert_eq!(seen("shut"), (" x\n shut".to_owned(), false));
}

#[test]
fn the_memory_is_bounded() {
    let mut lines = LineBuffer::new(MAX_SPAN);
    let line = vec![b'x'; MAX_LINE_BYTES];
    for n in 0..100 {
        lines.push(&line, n, true);
    }
    assert_eq!(lines.held.len(), MAX_BUFFER_BYTES / MAX_LINE_BYTES);
    assert_eq!(lines.bytes, MAX_BUFFER_BYTES);
    assert!(Filter::compile(&spec(MAX_SPAN + 1, &[TALK], &[])).is_err());
}

/// Filters whose matches interleave, with texts in the first, the last and no line, and an ignoreregex of either kind.
fn filters() -> Vec<FilterSpec> {
    vec![
        spec(4, &["^ open <HOST>$<SKIPLINES>^ shut$", "^ bad\n <HOST>"], &["no$"]),
        spec(3, &["^ open <HOST>$\n(?P<x>[^\n]*)\n shut"], &[]),
        spec(2, &["^ open <HOST>", "shut <HOST>", "bad <HOST>", "<HOST>\n.*bad$"], &["^ no"]),
        spec(5, &["^ open <HOST>\n shut$", "^ bad<SKIPLINES>^ shut <HOST>$"], &[]),
        spec(5, &["^ bad<SKIPLINES>^ open <HOST>$<SKIPLINES> no"], &[]),
        spec(1, &["^ open <HOST>$"], &[]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, failure_persistence: None, ..ProptestConfig::default() })]

    /// The texts that decide which lines are judged, and the pieces in which a stream comes, change nothing.
    #[test]
    fn every_line_counts_whether_it_is_looked_at_or_not(
        words in prop::collection::vec(prop::sample::select(vec![
            "open 192.0.2.1", "shut", "shut 192.0.2.3", "bad", "bad", "192.0.2.4", "no", "x",
        ]), 1..60),
        blocks in prop::collection::vec(1_usize..9, 1..4),
    ) {
        let dated = |(n, word): (usize, &&str)| format!("2026-11-21 22:00:{:02} {word}", n % 60);
        let lines: Vec<String> = words.iter().enumerate().map(dated).collect();
        static FILTERS: LazyLock<Vec<Arc<Filter>>> = LazyLock::new(|| compiled(&filters()));
        let set = || FilterSet::new(FILTERS.clone()).0;
        let all = hits(&mut scanner(judging_all(set())), &lines, &[1]);
        prop_assert_eq!(&hits(&mut scanner(set()), &lines, &blocks), &all);
        for (n, filter) in FILTERS.iter().enumerate() {
            let alone = FilterSet::new(vec![Arc::clone(filter)]).0;
            let alone = hits(&mut scanner(alone), &lines, &[usize::MAX]);
            let of_all: Vec<Found> =
                all.iter().filter(|hit| hit.0 == n).map(|hit| (0, hit.1.clone(), hit.2, hit.3)).collect();
            prop_assert_eq!(alone, of_all);
        }
    }
    /// A restart that reads again from where it should finds what an uninterrupted run finds.
    #[test]
    fn a_restart_changes_nothing(
        words in prop::collection::vec(prop::sample::select(vec![
            "open 192.0.2.1", "open 192.0.2.2", "shut", "shut 192.0.2.3", "bad", "x",
        ]), 2..50),
        stop in any::<prop::sample::Index>(),
        which in 0..filters().len(),
    ) {
        static FILTERS: LazyLock<Vec<Arc<Filter>>> = LazyLock::new(|| compiled(&filters()));
        let new = || scanner(FilterSet::new(vec![Arc::clone(&FILTERS[which])]).0);
        let lines: Vec<String> = words.iter().map(|word| format!("2026-11-21 22:00:00 {word}")).collect();
        let starts: Vec<u64> = lines.iter().scan(0, |at, line| {
            let start = *at;
            *at += line.len() as u64 + 1;
            Some(start)
        }).collect();
        let stop = stop.index(lines.len());
        let mut first = new();
        hits(&mut first, &lines[..stop], &[usize::MAX]);
        let from = first.replay_from().map_or(stop, |offset| starts.iter().position(|start| *start == offset).unwrap());
        prop_assert!(from <= stop);
        let again: Vec<Found> = hits(&mut new(), &lines[from..], &[usize::MAX]).into_iter()
            .map(|(filter, key, offset, time)| (filter, key, offset + starts[from], time))
            .filter(|hit| hit.2 >= starts[stop]).collect();
        let all = hits(&mut new(), &lines, &[usize::MAX]).into_iter().filter(|hit| hit.2 >= starts[stop]);
        prop_assert_eq!(again, all.collect::<Vec<Found>>());
    }
}
