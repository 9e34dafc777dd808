//! Filters over several lines against fail2ban's own engine, on streams of interleaved messages.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

mod support;

use std::sync::Arc;

use stockade_filter::Filter;
use support::engine::{self, Job, Random};

/// 2026-11-21T00:00:00Z.
const NOW: i64 = 1_795_219_200;
const STREAMS: u64 = 100;

/// What the lines say; together they make the matches of [`FILTERS`], in every order.
const WORDS: [&str; 12] = [
    "open 192.0.2.1",
    "open 192.0.2.2",
    "open 192.0.2.2 as eve",
    "shut",
    "shut 198.51.100.3",
    "bad",
    "bad",
    "gone 7",
    "7 from 203.0.113.4",
    "no",
    "x",
    "",
];

/// `maxlines`, prefregex, failregexes, ignoreregexes.
type Shape = (usize, Option<&'static str>, &'static [&'static str], &'static [&'static str]);

const FILTERS: [Shape; 10] = [
    (4, None, &["^ open <HOST>$<SKIPLINES>^ shut$"], &[]),
    (4, None, &["^ open <HOST>$<SKIPLINES>^ shut$", "^ bad\n shut <HOST>"], &["no$"]),
    (3, None, &["^ open <HOST>$\n[^\n]*\n shut"], &["^ x", "bad$"]),
    (2, None, &["^ open <HOST>", "shut <HOST>", "from <HOST>", "bad <HOST>"], &["^ no"]),
    (5, None, &["^ bad<SKIPLINES>^ open <HOST>(?: as <F-USER>\\S+</F-USER>)?$<SKIPLINES> no"], &[]),
    (6, None, &["^ open <HOST>\n shut$", "^ bad<SKIPLINES>^ shut <HOST>$"], &[]),
    (5, None, &["^ gone (?:\\d)<SKIPLINES>^ \\d from <HOST>$", "\\bopen <HOST>\\s+bad"], &[]),
    (3, None, &["^ open <HOST>$<SKIPLINES>^ <F-MLFID>bad</F-MLFID>$", "^ <F-MLFID>bad</F-MLFID>$"], &[]),
    (3, Some("^ <F-CONTENT>(?:open|shut) .+</F-CONTENT>"), &["<HOST>$", "^open <HOST>"], &[]),
    (3, Some("<F-CONTENT>(?:open|bad)[\\s\\S]+</F-CONTENT>no"), &["open <HOST>\\s+(?:shut|bad)"], &[]),
];

fn stream(seed: u64) -> Vec<String> {
    let mut random = Random(seed);
    let count = 5 + random.below(40);
    let word =
        |n: usize| format!("2026-11-20 22:{:02}:{:02} {}", n / 60, n % 60, WORDS[random.below(WORDS.len())]);
    (0..count).map(word).collect()
}

#[test]
fn interleaved_messages_give_what_fail2ban_gives() {
    if !engine::is_installed() {
        return;
    }
    let mut jobs = Vec::new();
    for (maxlines, prefregex, failregex, ignoreregex) in FILTERS {
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        for seed in 0..STREAMS {
            jobs.push(Job {
                maxlines,
                prefregex: prefregex.map(str::to_owned),
                failregex: texts(failregex),
                ignoreregex: texts(ignoreregex),
                lines: stream(seed),
                ..Job::default()
            });
        }
    }
    let per_filter = usize::try_from(STREAMS).unwrap();
    let filters: Vec<Arc<Filter>> = jobs.iter().step_by(per_filter).map(Job::compile).collect();
    let (mut wrong, mut found) = (Vec::new(), vec![0; FILTERS.len()]);
    for (n, (job, theirs)) in jobs.iter().zip(engine::ask(&jobs, NOW)).enumerate() {
        let ours = job.ours(Arc::clone(&filters[n / per_filter]), NOW);
        found[n / per_filter] += theirs.len();
        if ours != theirs {
            wrong.push(format!(
                "{:?} {:?}\n{}\n ours {ours:?}\n theirs {theirs:?}",
                job.prefregex,
                job.failregex,
                job.lines.join("\n")
            ));
        }
    }
    eprintln!("{} streams, matches by filter: {found:?}", jobs.len());
    assert!(wrong.is_empty(), "{} of {} differ, such as\n{}", wrong.len(), jobs.len(), wrong[0]);
    assert!(found.iter().all(|&count| count > 10), "{found:?}");
}
