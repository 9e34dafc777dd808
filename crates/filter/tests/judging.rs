//! Single lines against fail2ban's own engine: which regex wins, what it sees of a line, what an id is made of. The lines
//! are put together at random from what the regexes speak of.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

mod support;

use support::engine::{self, Job, Random};

/// 2026-11-21T00:00:00Z.
const NOW: i64 = 1_795_219_200;
const LINES: usize = 3_000;

const WORDS: [&str; 26] = [
    "app:",
    "from",
    "for",
    "user",
    "root",
    "eve",
    "192.0.2.1",
    "2001:db8::7",
    "[192.0.2.2]",
    "host.example",
    "198.51.100.9/24",
    "bad",
    "Bad",
    "ok",
    "[x]",
    "(",
    "\"",
    ":",
    "-",
    "a.b",
    "::ffff:203.0.113.5",
    "=7",
    "end",
    "err\t",
    "id",
    "",
];

/// Prefregex, failregexes, ignoreregexes.
type Shape = (Option<&'static str>, &'static [&'static str], &'static [&'static str]);

const SHAPES: [Shape; 17] = [
    // The first regex that matches anywhere wins, not the one that matches first in the line.
    (None, &["from <HOST>", "^ app: .*user <HOST>", "for <HOST>", "<HOST>$"], &[]),
    (None, &["user <F-USER>\\w+</F-USER> .*from <ADDR>", "bad .*<HOST>", "from <HOST>", "for <HOST>"], &[]),
    // The end of the line is a character, too.
    (None, &["from <HOST>\\s", "bad [^\\d]+<HOST>\\W", "for <HOST>[^:]"], &[]),
    (None, &["<HOST>(?:\\s+|$)end", "id <F-ID>[^\"]+</F-ID>\"", "<ADDR>\\s*$"], &[]),
    // What a prefix captures is of every match, unless the regex says otherwise.
    (
        Some("^ app: .*user <F-USER>\\w+</F-USER>"),
        &["from <HOST>", "bad <ADDR>", "for <F-USER>\\w+</F-USER> (?:\\S+ )*<ADDR>"],
        &[],
    ),
    (Some("^ app: <F-CONTENT>.+</F-CONTENT>$"), &["^from <HOST>", "^(?:bad|for) .*<HOST>", "<ADDR>$"], &[]),
    (Some("^ app: <F-CONTENT>.+?</F-CONTENT>(?: end)?$"), &["^from <HOST>$", "<HOST>\\s$", "<HOST>$"], &[]),
    (
        Some("app: <F-CONTENT>.*?</F-CONTENT>(?: \\[x\\]| end)"),
        &["from <HOST>$", "^bad <HOST>", "<HOST>"],
        &[],
    ),
    (Some("from <HOST>"), &["user <F-USER>\\w+</F-USER>", "bad", "ok"], &[]),
    // What looks ahead sees the end of the line, too.
    (None, &["from <HOST>(?=\\s)", "for <HOST> (?!\\s)\\W", "bad <HOST>(?=[^x.:]$)"], &[]),
    (
        None,
        &["(bad )?(?P<q>\")?from <HOST>(?(q)\"|\\s)", "for <F-USER>\\w+</F-USER> (?:(?!from )\\S+ )*<ADDR>"],
        &["(?=ok)ok\\s"],
    ),
    // Ids.
    (
        None,
        &[
            "id <F-ID>\\w+</F-ID> .*for <F-TUPLE_ID>\\w+</F-TUPLE_ID>",
            "user (?:<F-ALT_USER_1>eve</F-ALT_USER_1>|<F-ALT_USER_2>\\w+</F-ALT_USER_2>) .*from <HOST>",
        ],
        &[],
    ),
    (None, &["id <F-ID>\\S+</F-ID>", "for <F-ID/> .*from <ADDR>", "from <SUBNET>", "user <DNS>$"], &[]),
    (None, &["from <IP4>", "from \\[?<IP6>", "for <ADDR>/<CIDR>", "bad <DNS> "], &[]),
    (
        None,
        &[
            "(?:for <F-USER>\\w+</F-USER> )?(?:user <F-ALT_USER>\\S+</F-ALT_USER> )?from <HOST>",
            "(?i)bad <HOST>",
        ],
        &[],
    ),
    // What is excused.
    (None, &["from <HOST>", "for <HOST>", "user <HOST>", "bad <HOST>"], &["ok$"]),
    (None, &["from <HOST>", "for <HOST>"], &["ok", "^ app: bad"]),
];

fn lines() -> Vec<String> {
    let mut random = Random(7);
    let line = |n: usize| {
        let count = 2 + random.below(9);
        let head = if random.below(2) == 0 { "app: " } else { "" };
        let words: Vec<&str> = (0..count).map(|_| WORDS[random.below(WORDS.len())]).collect();
        let text = format!("{head}{}", words.join(" "));
        let date = format!("2026-11-20 {:02}:{:02}:{:02}", n / 3_600, n / 60 % 60, n % 60);
        match random.below(8) {
            0 => format!("[{date}] {text}"),
            1 => format!("{head}[{date}]{}", words.join(" ")),
            _ => format!("{date} {text}"),
        }
    };
    (0..LINES).map(line).collect()
}

#[test]
fn a_line_means_what_it_means_to_fail2ban() {
    if !engine::is_installed() {
        return;
    }
    let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
    let job = |(prefregex, failregex, ignoreregex): Shape| Job {
        prefregex: prefregex.map(str::to_owned),
        failregex: texts(failregex),
        ignoreregex: texts(ignoreregex),
        maxlines: 1,
        datepattern: Some("{^LN-BEG}\n^[^\\[]*\\[({DATE})".to_owned()),
        lines: lines(),
        ..Job::default()
    };
    let jobs: Vec<Job> = SHAPES.into_iter().map(job).collect();
    let (mut wrong, mut found) = (Vec::new(), Vec::new());
    for (job, theirs) in jobs.iter().zip(engine::ask(&jobs, NOW)) {
        found.push(theirs.len());
        let ours = job.ours(job.compile(), NOW);
        for (number, line) in job.lines.iter().enumerate() {
            let of = |all: &[engine::Failure]| {
                all.iter().filter(|f| f.line == number + 1).cloned().collect::<Vec<_>>()
            };
            let (ours, theirs) = (of(&ours), of(&theirs));
            if ours != theirs {
                wrong.push(format!(
                    "{:?} {:?} {:?}\n  {line:?}\n  ours   {ours:?}\n  theirs {theirs:?}",
                    job.prefregex, job.failregex, job.ignoreregex
                ));
            }
        }
    }
    eprintln!("{LINES} lines, failures by filter: {found:?}");
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.iter().step_by(wrong.len().div_ceil(40)).cloned().collect::<Vec<_>>().join("\n")
    );
    assert!(found.iter().all(|&count| count > 10), "{found:?}");
}
