//! The corpus of sample lines: fail2ban's own, annotated, as data.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::shared;

/// The clock of the corpus: 2005-08-14 10:00:00 UTC.
pub(crate) const NOW: i64 = 1_124_013_600;
/// Its zone.
pub(crate) const ZONE: &str = "CET-01CEST-02,M3.5.0,M10.5.0";

/// One line with what must come of it.
#[derive(Deserialize, Debug)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) filter: String,
    /// The order in which the lines of a filter are read by one scanner.
    pub(crate) seq: u32,
    pub(crate) input: Input,
    /// It holds for the filter with each of these.
    pub(crate) options: Vec<BTreeMap<String, String>>,
    /// The lines that must have been read before, and the line itself.
    pub(crate) lines: Vec<String>,
    pub(crate) expect: Expected,
}

#[derive(Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Input {
    /// A line of a file, with its date.
    File,
    /// A message of the journal, whose time is known.
    Journal,
}

#[derive(Deserialize, Debug)]
pub(crate) struct Expected {
    #[serde(rename = "match")]
    pub(crate) matches: bool,
    pub(crate) host: Option<String>,
    pub(crate) epoch: Option<f64>,
    pub(crate) user: Option<String>,
    /// All users of the connection so far.
    pub(crate) users: Option<Vec<String>>,
}

impl Record {
    /// The line itself.
    pub(crate) fn line(&self) -> &str {
        self.lines.last().unwrap()
    }

    /// The backend for which the filter is read.
    pub(crate) fn backend(&self) -> &'static str {
        match self.input {
            Input::File => "polling",
            Input::Journal => "systemd",
        }
    }
}

/// All records; `None`, with a line that says so, where they are missing.
pub(crate) fn records() -> Option<Vec<Record>> {
    let path = shared("data/fail2ban/corpus.jsonl")?;
    let text = std::fs::read_to_string(path).unwrap();
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    Some(text.lines().map(parse).collect())
}
