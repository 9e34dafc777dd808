//! What real attacks cost in DynamoDB: their matches go the way that functions send them, and DynamoDB's own count of
//! write units is read from its answers. Read units are computed from the size of what was read, because the emulator
//! says the same for every query.
//!
//!     benches/run.sh cost
#![cfg(feature = "dynamodb")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "a test may fail"
)]

mod emulator;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use stockade_core::bans::Ban;
use stockade_core::ledger::{Answer, Ledger as _, Question};
use stockade_core::{Jail, Jails, Key, Match, MatchId, States, Timestamp, step};
use stockade_store::dynamodb::{DynamoLedger, LedgerOptions, Reads, create_if_missing};

/// The CloudWatch agent collects the lines of a log for so long, and a function gets what was collected.
const COLLECTED: Duration = Duration::from_secs(5);
/// How often `expire` runs.
const EXPIRES_EVERY: Duration = Duration::from_secs(60);

/// What the matches of one log came to.
#[derive(Debug, Default)]
struct Cost {
    matches: usize,
    questions: usize,
    changes: usize,
    write_matches: f64,
    write_bans: f64,
    read: f64,
}

#[test]
fn a_few_logs_cost_what_they_may() {
    measure(&["AdityaMitra5102", "CYBERBUGJR", "logpai__loghub__OpenSSH"], &["normal"]);
}

#[test]
#[ignore = "takes minutes"]
fn all_logs_cost_what_they_may() {
    measure(&[""], &["normal", "aggressive"]);
}

fn measure(logs: &[&str], modes: &[&str]) {
    let Some(url) = emulator::url() else { return };
    let Some(shared) = std::env::var_os("STOCKADE_SHARED").map(PathBuf::from) else {
        return eprintln!(
            "skipped: STOCKADE_SHARED is not set, which names the folder with logs of real attacks"
        );
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(shared.join("data/logs/oracle"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            let wanted = logs.iter().any(|log| name.starts_with(log));
            wanted
                && modes.iter().any(|mode| {
                    name.ends_with(&format!("log.{mode}.tsv"))
                        || name.ends_with(&format!("secure.{mode}.tsv"))
                })
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no logs in {}", shared.display());
    eprintln!("| log | matches | questions | write | read | latest | changes | bans |");
    eprintln!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for path in files {
        let matches = matches_of(&path);
        if matches.is_empty() {
            continue;
        }
        let cost = feed(&url, &matches);
        let per = |units: f64| units / cost.matches as f64;
        let name = path.file_stem().unwrap().to_string_lossy().replace("auth.log.", "").replace("__", " ");
        eprintln!(
            "| {name} | {} | {} | {:.3} | {:.3} | {:.3} | {} | {:.3} |",
            cost.matches,
            cost.questions,
            per(cost.write_matches),
            per(cost.read),
            // Each answer fits into 4 KB: a unit for each question.
            per(cost.questions as f64),
            cost.changes,
            per(cost.write_bans),
        );
        assert!(per(cost.write_matches) <= 1.1, "{name}: {cost:?}");
        assert!(per(cost.read) <= 0.5, "{name}: {cost:?}");
    }
}

/// The matches that fail2ban's own sshd filter finds in a log: an address and a time each. The line is as long as one.
fn matches_of(path: &std::path::Path) -> Vec<Match> {
    let rows = std::fs::read_to_string(path).unwrap();
    let mut matches = Vec::new();
    for (nth, row) in rows.lines().enumerate() {
        let mut columns = row.split('\t');
        let address: Key = columns.next().unwrap().parse().unwrap();
        let secs: f64 = columns.next().unwrap().parse().unwrap();
        let time = Timestamp::from_millis(format!("{:.0}", secs * 1000.0).parse().unwrap());
        matches.push(Match {
            // As long as the id of a log event's match.
            id: MatchId::derive("sshd", "Auth", "", nth as u64, 0),
            jail: "sshd".into(),
            line: format!(
                "Nov 30 06:39:00 ip-192-0-2-153 sshd[22087]: Failed password for invalid user administrator from \
                 {address} port 51132 ssh2"
            )
            .into(),
            key: address,
            time,
            count: 1,
            user: Some("administrator".into()),
            stream: "Auth/i-0123456789abcdef0".into(),
        });
    }
    matches
}

fn feed(url: &str, matches: &[Match]) -> Cost {
    let aws = emulator::aws(url, "eu-central-1");
    let table = emulator::name("cost");
    create_if_missing(&aws, &table).unwrap();
    let keep_matches = Duration::from_secs(86_400 * 36_500); // The logs are old: nothing shall go meanwhile.
    let options = LedgerOptions {
        table,
        reads: Reads::Recent,
        keep_matches,
        keep_bans: keep_matches,
        ..LedgerOptions::default()
    };
    let mut function = Function {
        ledger: DynamoLedger::new(&aws, options),
        jails: Jails::new(vec![Jail::new("sshd")]),
        cost: Cost::default(),
    };
    let mut from = 0;
    let mut expired = matches[0].time;
    while from < matches.len() {
        let end = matches[from].time.plus(COLLECTED);
        let upto = matches[from..].iter().take_while(|m| m.time < end).count().max(1) + from;
        function.deliver(&matches[from..upto], end);
        if end.since(expired) >= EXPIRES_EVERY {
            function.expire(end);
            expired = end;
        }
        from = upto;
    }
    function.cost
}

/// A function's way with the ledger, and nothing else of it.
struct Function {
    ledger: DynamoLedger,
    jails: Jails,
    cost: Cost,
}

impl Function {
    /// Writes everything, then asks about the keys at hand and no others, each once.
    fn deliver(&mut self, matches: &[Match], now: Timestamp) {
        let before = self.ledger.spent();
        self.ledger.remember(matches).unwrap();
        let mut by_key: BTreeMap<&Key, Vec<&Match>> = BTreeMap::new();
        for m in matches {
            by_key.entry(&m.key).or_default().push(m);
        }
        let threshold = self.jails.get(0).unwrap().threshold;
        let question = |(key, own): (&&Key, &Vec<&Match>)| Question {
            jail: "sshd".into(),
            key: (*key).clone(),
            since: own.iter().map(|m| m.time).min().unwrap().minus(threshold.findtime),
            limit: threshold.maxretry.get(),
        };
        let questions: Vec<Question> = by_key.iter().map(question).collect();
        let written = self.ledger.spent();
        let answers = self.ledger.recall(&questions).unwrap();
        let after = self.ledger.spent();
        self.cost.matches += matches.len();
        self.cost.questions += questions.len();
        self.cost.write_matches += written.write_units - before.write_units;
        self.cost.read += after.read_units_by_size - written.read_units_by_size;
        for ((key, own), answer) in by_key.into_iter().zip(answers) {
            self.judge(key, &own, &answer, now);
        }
        self.cost.write_bans += self.ledger.spent().write_units - after.write_units;
    }

    fn judge(&mut self, key: &Key, own: &[&Match], answer: &Answer, now: Timestamp) {
        let jail = self.jails.get(0).unwrap().clone();
        let mut states = States::new(&self.jails);
        let mut spent = None;
        let seen = answer.ban.as_ref().map_or(0, |ban| ban.version);
        if let Some(ban) = &answer.ban {
            let ban = &ban.record;
            states.bans.put(
                key,
                Ban {
                    jail: 0,
                    times: ban.times,
                    since: ban.since,
                    until: ban.until,
                    live: ban.live,
                    reason: ban.reason.clone(),
                },
            );
            // The match that made it or made it longer, and all before that one.
            let times = answer.matches.iter().map(|past| past.time).chain(own.iter().map(|m| m.time));
            spent = times.filter(|time| jail.ban_until(key, *time, 0) == ban.until).max().or(Some(ban.since));
        }
        let own_ids: HashMap<MatchId, ()> = own.iter().map(|m| (m.id, ())).collect();
        let past = answer.matches.iter().filter(|past| !own_ids.contains_key(&past.id));
        let times: Vec<_> =
            past.map(|past| past.time).filter(|time| spent.is_none_or(|spent| *time > spent)).collect();
        states.restore_window(&self.jails, 0, key, &times, now);
        let mut decisions = Vec::new();
        for m in own.iter().filter(|m| spent.is_none_or(|spent| m.time > spent)) {
            step::observe(&self.jails, &mut states, 0, key, m.time, 1, now, &mut decisions);
        }
        if !decisions.is_empty() {
            let record = states.ban_record(&self.jails, 0, key).unwrap();
            assert!(self.ledger.put_ban(&record, seen).unwrap());
            self.ledger.note_announced(&[(Arc::from("sshd"), key.clone(), seen + 1)]).unwrap();
            self.cost.changes += 1;
        }
    }

    fn expire(&mut self, now: Timestamp) {
        let before = self.ledger.spent().write_units;
        for ban in self.ledger.over(now, 1_000).unwrap() {
            let mut record = ban.record;
            record.live = false;
            assert!(self.ledger.put_ban(&record, ban.version).unwrap());
            self.ledger.note_announced(&[(record.jail, record.key, ban.version + 1)]).unwrap();
            self.cost.changes += 1;
        }
        self.cost.write_bans += self.ledger.spent().write_units - before;
    }
}
