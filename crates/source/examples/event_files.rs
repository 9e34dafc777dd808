//! How fast CloudTrail's files are read: events a second, unpacked and split, on one core.
//!
//! `cargo run --release -p stockade-source --example event_files EVENTS.JSONL [RECORDS A FILE]`, with events in
//! EventBridge's envelope whose last field is `detail`, one a line. They are written into files as CloudTrail does.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_precision_loss,
    reason = "a measurement, run by hand"
)]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use stockade_source::events::{EventReader, Found, find};

const ROUNDS: usize = 7;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let events = fs::read_to_string(arguments.next().expect("a file of events")).unwrap();
    let in_each = arguments.next().map_or(40, |text| text.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let (packed, text) = write(dir.path(), &events, in_each);
    let files: Vec<PathBuf> = find(&[dir.path()]).files.into_iter().map(|file| file.path).collect();
    let count = events.lines().count();
    println!(
        "{count} records in {} files of {in_each}: {:.1} MB, unpacked {:.1} MB",
        files.len(),
        packed as f64 / 1e6,
        text as f64 / 1e6
    );
    let rate = |name: &str, mut times: Vec<Duration>| {
        times.sort();
        let middle = times[times.len() / 2].as_secs_f64();
        println!(
            "{name:32} {:>10.0} events/s {:>8.0} MB/s",
            count as f64 / middle,
            text as f64 / middle / 1e6
        );
    };
    let mut reader = EventReader::new();
    rate(
        "open, unpack, split",
        times(
            || {
                files
                    .iter()
                    .map(|file| {
                        reader.open(file).unwrap();
                        split(&mut reader)
                    })
                    .sum()
            },
            count,
        ),
    );
    rate(
        "open, unpack (peek only)",
        times(
            || {
                files.iter().for_each(|file| {
                    reader.open(file).unwrap();
                    assert!(reader.peek().is_some());
                });
                count
            },
            count,
        ),
    );
    rate(
        "the same through a window",
        times(
            || {
                files
                    .iter()
                    .map(|file| {
                        reader.read_from(file, Box::new(File::open(file).unwrap())).unwrap();
                        split(&mut reader)
                    })
                    .sum()
            },
            count,
        ),
    );
    let lines = dir.path().join("events.jsonl");
    fs::write(&lines, &events).unwrap();
    rate(
        "one a line, split",
        times(
            || {
                reader.open(&lines).unwrap();
                split(&mut reader)
            },
            count,
        ),
    );
}

/// Writes the records into files. Returns their size, and that of their text.
fn write(dir: &Path, events: &str, in_each: usize) -> (usize, usize) {
    let records: Vec<&str> =
        events.lines().map(|line| &line[line.find("\"detail\":").unwrap() + 9..line.len() - 1]).collect();
    let (mut packed, mut unpacked) = (0, 0);
    for (nth, records) in records.chunks(in_each).enumerate() {
        let text = format!("{{\"Records\":[{}]}}", records.join(","));
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(text.as_bytes()).unwrap();
        let bytes = gzip.finish().unwrap();
        (packed, unpacked) = (packed + bytes.len(), unpacked + text.len());
        let name = format!(
            "111122223333_CloudTrail_us-east-1_20261101T{:02}{:02}Z_{nth:016}.json.gz",
            nth / 60 % 24,
            nth % 60
        );
        fs::write(dir.join(name), bytes).unwrap();
    }
    (packed, unpacked)
}

fn split(reader: &mut EventReader) -> usize {
    let mut events = 0;
    while let Some(found) = reader.next_event() {
        match found {
            Found::Event(_) => events += 1,
            Found::Problem(problem) => panic!("{problem}"),
        }
    }
    events
}

fn times(mut run: impl FnMut() -> usize, wanted: usize) -> Vec<Duration> {
    let one = |_| {
        let start = Instant::now();
        assert_eq!(run(), wanted);
        start.elapsed()
    };
    (0..ROUNDS).map(one).collect()
}
