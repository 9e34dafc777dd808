//! Connection memory against fail2ban's own engine, on streams of interleaved connections.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

mod support;

use std::sync::Arc;

use support::engine::{self, Failure, Job, Random};

/// 2026-11-21T00:00:00Z.
const NOW: i64 = 1_795_219_200;
const STREAMS: u64 = 250;

/// Each message with the regex that reads it: every tag of a connection, alone and with others.
const MESSAGES: [(&str, &str); 16] = [
    ("came from 192.0.2.$N", r"^<F-NOFAIL>came</F-NOFAIL> from <HOST>$"),
    ("came by 2001:db8::$N", r"^<F-NOFAIL>came</F-NOFAIL> by <ADDR>$"),
    ("named host$N.example", r"^<F-NOFAIL>named</F-NOFAIL> <HOST>$"),
    ("tries $U", r"^<F-NOFAIL>tries</F-NOFAIL> <F-USER>\S+</F-USER>$"),
    ("wrong for $U", r"^wrong for <F-USER>\S+</F-USER>$"),
    ("wrong from 192.0.2.$N", r"^wrong from <HOST>$"),
    ("wrong for $U from 192.0.2.$N", r"^wrong for <F-USER>\S+</F-USER> from <HOST>$"),
    ("wrong at host$N.example", r"^wrong at <HOST>$"),
    ("wrong id session-$N", r"^wrong id <F-ID/>$"),
    ("bad", r"^(?P<bad>bad)$"),
    ("welcome $U", r"^<F-MLFGAINED>welcome</F-MLFGAINED> <F-USER>\S+</F-USER>$"),
    ("welcome from 192.0.2.$N", r"^<F-MLFGAINED>welcome</F-MLFGAINED> from <HOST>$"),
    ("bye", r"^<F-NOFAIL><F-MLFFORGET>bye</F-MLFFORGET></F-NOFAIL>$"),
    ("thrown out", r"^<F-MLFFORGET>thrown out</F-MLFFORGET>$"),
    ("lost from 192.0.2.$N", r"^<F-MLFFORGET>lost</F-MLFFORGET> from <HOST>$"),
    ("nothing", r"^something else$"),
];

/// What a line begins with: the connection.
const PREFIX: &str = r"^<F-MLFID> web app\[\d+\]: </F-MLFID><F-CONTENT>.+</F-CONTENT>$";
/// The same where the connection may have no name.
const MAYBE: &str = r"^<F-MLFID>(?: web app\[\d+\]: )?</F-MLFID>\s*<F-CONTENT>\S.*</F-CONTENT>$";
/// The same without a connection: then every line stands for itself.
const ALONE: &str = r"^ web app\[\d+\]: <F-CONTENT>.+</F-CONTENT>$";

fn stream(seed: u64) -> Vec<String> {
    let mut random = Random(seed);
    let users = ["root", "eve", "adm"];
    let line = |n: usize| {
        let (text, _) = MESSAGES[random.below(MESSAGES.len())];
        let text =
            text.replace("$U", users[random.below(3)]).replace("$N", &(1 + random.below(3)).to_string());
        let (head, family) = match (random.below(12), 7 + random.below(3)) {
            (0, _) => (" ".to_owned(), "192.0.2."),
            // All addresses of a connection are of one family: where they are not, we differ on purpose.
            (_, 9) => (" web app[9]: ".to_owned(), "2001:db8::"),
            (_, number) => (format!(" web app[{number}]: "), "192.0.2."),
        };
        let text = text.replace("192.0.2.", family).replace("2001:db8::", family);
        format!("2026-11-20 22:{:02}:{:02}{head}{text}", n / 60, n % 60)
    };
    (0..60).map(line).collect()
}

#[test]
fn lines_of_one_connection_mean_what_they_mean_to_fail2ban() {
    if !engine::is_installed() {
        return;
    }
    let prefixes = [PREFIX, MAYBE, ALONE];
    let mut jobs = Vec::new();
    for prefix in prefixes {
        for seed in 0..STREAMS {
            // Without a connection a regex must say itself whom it is about.
            let names = |regex: &str| ["<HOST>", "<ADDR>", "<F-ID/>"].iter().any(|tag| regex.contains(tag));
            let regexes = MESSAGES.iter().map(|&(_, regex)| regex.to_owned());
            jobs.push(Job {
                prefregex: Some(prefix.to_owned()),
                failregex: regexes.filter(|regex| prefix != ALONE || names(regex)).collect(),
                maxlines: 1,
                lines: stream(seed),
                ..Job::default()
            });
        }
    }
    let per_prefix = usize::try_from(STREAMS).unwrap();
    let filters: Vec<_> = jobs.iter().step_by(per_prefix).map(Job::compile).collect();
    let (mut wrong, mut found) = (Vec::new(), vec![0; prefixes.len()]);
    for (n, (job, mut theirs)) in jobs.iter().zip(engine::ask(&jobs, NOW)).enumerate() {
        if job.prefregex.as_deref() == Some(ALONE) {
            // There fail2ban takes for failures what says of itself that it is none: we do not.
            let helps = |line: &str| ["came", "named", "welcome"].iter().any(|word| line.contains(word));
            theirs.retain(|failure| !helps(&job.lines[failure.line - 1]));
        }
        let ours = job.ours(Arc::clone(&filters[n / per_prefix]), NOW);
        found[n / per_prefix] += theirs.len();
        if ours != theirs {
            wrong.push((job, ours, theirs));
        }
    }
    eprintln!("{} streams, failures by prefix: {found:?}", jobs.len());
    if let Some((job, ours, theirs)) = wrong.iter().min_by_key(|(_, ours, theirs)| first(ours, theirs)) {
        let line = first(ours, theirs);
        let of =
            |failures: &[Failure]| failures.iter().filter(|f| f.line == line).cloned().collect::<Vec<_>>();
        panic!(
            "{} of {} streams differ, such as {}\n{}\nours   {:?}\ntheirs {:?}",
            wrong.len(),
            jobs.len(),
            job.prefregex.as_deref().unwrap_or_default(),
            job.lines[..line].join("\n"),
            of(ours),
            of(theirs)
        );
    }
    assert!(found.iter().all(|&count| count > 1_000), "{found:?}");
}

/// The first line on which they differ.
fn first(ours: &[Failure], theirs: &[Failure]) -> usize {
    let same = ours.iter().zip(theirs).take_while(|(ours, theirs)| ours == theirs).count();
    let line = |failures: &[Failure]| failures.get(same).map_or(usize::MAX, |failure| failure.line);
    line(ours).min(line(theirs))
}
