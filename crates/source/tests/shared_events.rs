//! The events of the shared data: real ones, and as the benchmarks make them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a failed test, or why one was skipped"
)]

use std::path::PathBuf;

use stockade_source::events::{EventReader, Form, Found};

/// A file of the shared data. `None`, after a line that says so, where there is none.
fn shared(path: &str) -> Option<PathBuf> {
    let found =
        std::env::var_os("STOCKADE_SHARED").map(|shared| PathBuf::from(shared).join("data").join(path));
    let found = found.filter(|path| path.exists());
    if found.is_none() {
        eprintln!("skipped: no shared data: {path} (STOCKADE_SHARED names its folder)");
    }
    found
}

#[test]
fn every_line_of_the_collections_is_an_event() {
    let mut reader = EventReader::new();
    for name in ["stratus", "traildiscover_failed_calls", "panther_labelled"] {
        let Some(path) = shared(&format!("cloudtrail/{name}.jsonl")) else { return };
        let lines = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = lines.lines().collect();
        let mut records = 0;
        reader.open(&path).unwrap();
        while let Some(found) = reader.next_event() {
            if let Found::Event(event) = found {
                assert_eq!(
                    lines[usize::try_from(event.line()).unwrap() - 1].as_bytes(),
                    event.text,
                    "{name}"
                );
                records += u64::from(event.form == Form::Record);
            }
        }
        let counts = reader.counts();
        // Panther's lines hold a record beside the verdict on it: they are no events themselves.
        let others = if name == "panther_labelled" { lines.len() as u64 } else { 0 };
        assert_eq!((counts.events, counts.problems), (records, others), "{name}");
        assert_eq!(records + others, lines.len() as u64, "{name}");
    }
}
