//! A trial in Stockade's manner says of every line what the scanner says, though it asks all that the scanner passes over.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use stockade_core::Timestamp;
use stockade_filter::conf::{Directory, Reader};
use stockade_filter::date::Zone;
use stockade_filter::trial::{Failure, Trial, TrialOptions};
use stockade_filter::{Filter, FilterSet, FilterSpec, Scanner, Undated, UseDns};

const NOW: Timestamp = Timestamp::from_secs(1_795_341_600);

fn spec(folder: &Path, name: &str) -> Option<FilterSpec> {
    let files = Directory(folder.to_owned());
    let read = Reader::new(&files).filter(name, "auto");
    Some(FilterSpec::from_def(&read.into_result().ok()?.0, UseDns::No))
}

/// The lines against which both are: number of the line, whom it speaks against, which regex.
fn compare(name: &str, spec: &FilterSpec, text: &str) -> usize {
    let Ok(filter) = Filter::compile(spec) else { return 0 };
    let (set, _) = FilterSet::new(vec![Arc::new(filter)]);
    let zone = Zone::parse("UTC").unwrap();
    let mut scanner = Scanner::new(Arc::new(set), &zone, None, Undated::IsNow).unwrap();
    let options = TrialOptions { zone: Some(zone), first_only: true, ..TrialOptions::default() };
    let mut trial = Trial::new(spec, options).unwrap();
    let mut found = 0;
    for line in text.lines() {
        let scanned = support::scan(&mut scanner, format!("{line}\n").as_bytes(), NOW, |hit| {
            (hit.key.to_string(), hit.regex)
        });
        let result = trial.line(line.as_bytes(), None, NOW);
        let accused = result.failures.iter().filter(|failure| !failure.helps());
        let tried: Vec<_> = accused.map(|Failure { id, regex, .. }| (id.to_string(), *regex)).collect();
        assert_eq!(tried, scanned, "{name}: the trial is on the left: {line}\n{result:#?}");
        found += tried.len();
    }
    found
}

#[test]
fn stock_filters_on_their_own_lines() {
    let Some(corpus) = support::shared("data/fail2ban/corpus.jsonl") else { return };
    let stock = Path::new("/etc/fail2ban");
    if !stock.is_dir() {
        eprintln!("skipped: no fail2ban with its configuration in /etc/fail2ban");
        return;
    }
    let mut logs: BTreeMap<String, String> = BTreeMap::new();
    for line in fs::read_to_string(corpus).unwrap().lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        if record["input"] == "file" {
            let options = record["options"][0].as_object().unwrap();
            let options: String = options.iter().map(|(name, value)| format!("[{name}={value}]")).collect();
            let log = logs.entry(format!("{}{options}", record["filter"].as_str().unwrap())).or_default();
            *log += &format!("{}\n", record["line"].as_str().unwrap());
        }
    }
    let found: usize =
        logs.iter().filter_map(|(name, text)| Some(compare(name, &spec(stock, name)?, text))).sum();
    assert!(found > 500, "{found}");
}

#[test]
fn shipped_filters_on_logs_of_real_machines() {
    let Some(logs) = support::shared("data/logs/sshd") else { return };
    let conf = support::root().join("conf");
    let mut found = 0;
    for log in ["logpai__loghub__OpenSSH_OpenSSH_2k.log", "AdityaMitra5102__ML-TImeSeries__auth.log"] {
        let text = fs::read(logs.join(log)).unwrap();
        for name in ["sshd", "sshd[mode=aggressive]", "ssh-legacy"] {
            found += compare(name, &spec(&conf, name).unwrap(), &String::from_utf8_lossy(&text));
        }
    }
    assert!(found > 500, "{found}");
}
