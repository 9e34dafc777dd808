//! Against fail2ban itself, where it is installed.
//!
//! Run with `cargo test -p stockade-filter -- --ignored oracle`. The program is the judge of every date it finds; the
//! known differences are listed in [`excused`], each with its reason.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use stockade_core::Timestamp;

use super::super::{DateReader, FoundDate, Zone};
use super::lines::{self, Random};

/// The zone and the reference time of fail2ban's own tests.
const ZONE: &str = "CET-01CEST-02,M3.5.0,M10.5.0";
const NOW: i64 = 1_124_013_600;

/// Asks one fresh detector per line and prints `start end milliseconds` of what it finds, else `none`; `error` where
/// it fails.
const DRIVER: &str = r#"
import os, re, sys, time
pattern, zone, now, logzone = sys.argv[1:5]
os.environ["TZ"] = zone
time.tzset()
sys.path.insert(0, "/usr/lib/python3/dist-packages")
from fail2ban.server.mytime import MyTime
MyTime.setAlternateNow(float(now))
MyTime.setTime(float(now))
from fail2ban.server import strptime
strptime._updateTimeRE()
from fail2ban.server.datedetector import DateDetector

def answer(line):
    detector = DateDetector()
    detector.default_tz = logzone or None
    for part in pattern.splitlines():
        detector.appendTemplate(part.strip())
    match = detector.matchTime(line)
    if match[0] is None:
        return "none"
    start, end = match[0].span(1)
    try:
        found = detector.getTime(line[start:end], match) if end > start else None
    except Exception:
        found = None
    at = [len(line[:n].encode()) for n in (start, end)]
    return "%d %d %s" % (at[0], at[1], "-" if found is None else int(found[0] * 1000))

for line in sys.stdin:
    line = bytes.fromhex(line.strip()).decode("utf-8", "replace")
    try:
        print(answer(line))
    except IndexError:
        print("error")
"#;

fn is_installed() -> bool {
    let import = "import sys; sys.path.insert(0, '/usr/lib/python3/dist-packages'); import fail2ban";
    let status = Command::new("/usr/bin/python3").args(["-c", import]).stderr(Stdio::null()).status();
    let installed = status.is_ok_and(|status| status.success());
    if !installed {
        eprintln!("skipped: fail2ban's Python module is not installed");
    }
    installed
}

fn ask(pattern: &str, log_zone: &str, lines: &[Vec<u8>]) -> Vec<String> {
    let mut child = Command::new("/usr/bin/python3")
        .args(["-c", DRIVER, pattern, ZONE, &NOW.to_string(), log_zone])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let hex = |line: &Vec<u8>| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n";
    let input: String = lines.iter().map(hex).collect();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answers: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), lines.len(), "the driver failed");
    answers
}

fn compare(pattern: &str, log_zone: &str, lines: &[Vec<u8>]) {
    if !is_installed() {
        return;
    }
    let answers = ask(pattern, log_zone, lines);
    let zone = if log_zone.is_empty() { ZONE } else { log_zone };
    let mut reader = DateReader::new(Some(pattern), Zone::parse(zone).unwrap()).unwrap();
    let mut wrong = Vec::new();
    // A letter outside of ASCII is part of a word there, and none here.
    let plain = |line: &[u8]| std::str::from_utf8(line).is_ok_and(|line| !line.contains('é'));
    for (line, answer) in lines.iter().zip(&answers).filter(|(line, _)| plain(line)) {
        let found = reader.find(line, Timestamp::from_secs(NOW));
        let ours = found.as_ref().map_or("none".to_owned(), |FoundDate { time, cut, .. }| {
            let time = time.map_or("-".to_owned(), |time| time.as_millis().to_string());
            format!("{} {} {time}", cut.start, cut.end)
        });
        let name = found.as_ref().map_or("", |found| reader.template_name(found.template));
        let text = found.as_ref().map_or(&b""[..], |found| &line[found.cut.clone()]);
        if ours != *answer && excused(name, line, text, answer, &ours, log_zone).is_none() {
            let template = found.map_or("", |found| reader.template_name(found.template));
            wrong.push(format!(
                "{:?}\n   fail2ban {answer}\n   ours     {ours}  {template}",
                String::from_utf8_lossy(line)
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} lines with {pattern:?} differ:\n{}",
        wrong.len(),
        lines.len(),
        wrong.join("\n")
    );
}

/// Why a date may be read differently. `name` is the template's, `text` what it cuts out of `line`, `answer`
/// fail2ban's.
fn excused(
    name: &str,
    line: &[u8],
    text: &[u8],
    answer: &str,
    ours: &str,
    log_zone: &str,
) -> Option<&'static str> {
    let text = String::from_utf8_lossy(text);
    let millis = |answer: &str| answer.rsplit(' ').next().and_then(|millis| millis.parse::<i128>().ok());
    let off = millis(answer).zip(millis(ours)).map(|(theirs, ours)| (theirs - ours).abs());
    let inferred_off = off.is_some_and(|off| [1, 365, 366].iter().any(|days| off == days * 86_400_000));
    let zoned = !log_zone.is_empty() || name.contains("%Z") || name.contains("%z") || name.contains("%Ex");
    if line.windows(4).any(|year| matches!(year, [b'2', b'0', b'3'..=b'9', b'0'..=b'9'])) {
        return Some("1.0.2 ends the years of %ExY with this decade");
    }
    if answer == "error" {
        return Some("its detector fails where an empty match is the last thing in the line");
    }
    if millis(answer).is_some_and(|time| !(0..253_402_300_800_000).contains(&time)) {
        return Some(
            "before 1970 the C library knows no summer, and after the year 9999 there is nothing here",
        );
    }
    if [":60", ":61", "60,", "61,", "60.", "61."].iter().any(|leap| text.contains(leap))
        && answer.ends_with('-')
    {
        return Some("a leap second is unreadable there, the next second here");
    }
    if off == Some(3_600_000) && text.contains("1:") {
        return Some("an hour that occurs twice is for the C library to choose there");
    }
    let small = ["z", "utc", "gmt"].iter().any(|zone| text.split(' ').any(|word| word == *zone));
    if name.contains("%ExY%Exm%Exd(?:-") && text.contains(['-', ':']) {
        return Some("1.0.2 does not know separators in this template yet");
    }
    if small && answer.ends_with('-') {
        return Some("fail2ban finds a zone in small letters but cannot read it");
    }
    if inferred_off && zoned {
        return Some(
            "where no year or no day is given, fail2ban takes those of another zone than the date's",
        );
    }
    None
}

#[test]
#[ignore = "needs fail2ban's Python module"]
fn oracle_default_templates() {
    for (seed, log_zone) in [(11, ""), (12, "UTC-0330"), (13, "PST")] {
        let mut random = Random(seed);
        let lines: Vec<_> = (0..LINES).map(|_| lines::line(&mut random)).collect();
        compare("{DEFAULT}", log_zone, &lines);
    }
}

#[test]
#[ignore = "needs fail2ban's Python module"]
fn oracle_patterns() {
    for (seed, pattern) in (200..).zip(PATTERNS) {
        let mut random = Random(seed);
        let lines: Vec<_> = (0..LINES / 10).map(|_| lines::line(&mut random)).collect();
        compare(pattern, "", &lines);
    }
}

/// Every line of the sample corpus that has a date, read with the datepattern of its filter.
#[test]
#[ignore = "needs fail2ban's Python module and its filters"]
fn oracle_corpus() {
    let shared = std::env::var("STOCKADE_SHARED").unwrap_or_else(|_| "../../../shared".to_owned());
    let corpus = format!("{shared}/data/fail2ban/corpus.jsonl");
    if !is_installed() || !std::path::Path::new(&corpus).exists() {
        eprintln!("skipped: no corpus at {corpus}, or no fail2ban");
        return;
    }
    let output = Command::new("/usr/bin/python3").args(["-c", CORPUS_DRIVER, &corpus]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut samples: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let (mut wrong, mut right) = (Vec::new(), 0);
    for record in String::from_utf8(output.stdout).unwrap().lines() {
        let [id, pattern, lines, epoch] = record.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{record}")
        };
        let pattern = String::from_utf8(unhex(pattern)).unwrap();
        let mut reader = DateReader::new(Some(&pattern), Zone::parse(ZONE).unwrap()).unwrap();
        let mut last = None;
        for line in lines.split(',').map(unhex) {
            // A line that may be without a date has that of the line before.
            last = reader.find(&line, Timestamp::from_secs(NOW)).and_then(|found| found.time).or(last);
            samples.entry(pattern.clone()).or_default().push(line);
        }
        if last.is_some_and(|time| time.as_secs() as f64 == epoch.parse::<f64>().unwrap()) {
            right += 1;
        } else {
            wrong.push(format!("{id}: {last:?} instead of {epoch}"));
        }
    }
    println!("{right} dates right with {} datepatterns", samples.len());
    assert!(wrong.is_empty() && right > 0, "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    for (pattern, lines) in samples {
        compare(if pattern.is_empty() { "{DEFAULT}" } else { &pattern }, "", &lines);
    }
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Prints `id, datepattern, lines, epoch` of every record with a date; the last of its lines is the one that counts.
const CORPUS_DRIVER: &str = r#"
import json, sys
sys.path.insert(0, "/usr/lib/python3/dist-packages")
from fail2ban.client.filterreader import FilterReader
patterns = {}
for record in map(json.loads, open(sys.argv[1], encoding="utf-8")):
    if record["input"] != "file" or "epoch" not in record["expect"]:
        continue
    for options in record["options"]:
        key = record["filter"], tuple(sorted(options.items()))
        if key not in patterns:
            reader = FilterReader(record["filter"], "test", dict(options), basedir="/etc/fail2ban")
            if not reader.read():
                patterns[key] = None
                continue
            reader.getOptions(None)
            patterns[key] = reader.getCombined().get("datepattern") or ""
        if patterns[key] is not None:
            lines = ",".join(line.encode().hex() for line in record["lines"])
            print(record["id"], patterns[key].encode().hex(), lines, record["expect"]["epoch"], sep="\t")
"#;

/// Lines per run.
const LINES: usize = 20_000;

/// Patterns of every form.
const PATTERNS: &[&str] = &[
    "{^LN-BEG}",
    "{^LN-BEG}TAI64N\n{^LN-BEG}",
    "{^LN-BEG}Epoch\n{^LN-BEG}",
    "EPOCH",
    "LEPOCH",
    "TAI64N",
    "^Epoch",
    "{^LN-BEG}lepoch",
    r"\[{EPOCH}\]",
    r"audit\({LEPOCH}",
    "^{DATE}",
    "^[^[]*\\[({DATE})\n{^LN-BEG}",
    r"^<\d+>\d?\s*{DATE}",
    r"^(?:%Y-)?%m-%d[ T]%H:%M:%S(?:\.%f)?\n{^LN-BEG}",
    "{^LN-BEG}%ExY(?P<s>[-/.])%m(?P=s)%d[T ]%H:%M:%S(?:[.,]%f)?(?:\\s*%z)?\n{^LN-BEG}",
    "%d/%b[^/]*/%Y:%H:%M:%S %z",
    "{UNB}%H:%M:%S",
    "**%H:%M",
    "%H:%M**",
    "%b %d",
    "%d/%m/%y %I:%M:%S %p",
    "%b %d, %Y %l:%M:%S %p",
    "%Y-%m-%d %H:%M:%S$",
    "%ExY-%Exm-%Exd[T ]%ExH:%ExM:%ExS",
    "%Exz %a %b %d %Exk:%M:%S",
    "%ExZ %a %b %d %k:%M:%S",
    "(%Y)-(%m)-(%d) %H",
    "%Y-(%m)-%d",
    "(?P<Y>[0-9]{4})/(?P<m>[0-9]{2})/(?P<d>[0-9]{2})",
    "%a",
    "{NONE}",
    r"^I\(()**",
    "%Y-%m-%d %H:%M:%S\n%d/%b/%Y\n{^LN-BEG}",
];
