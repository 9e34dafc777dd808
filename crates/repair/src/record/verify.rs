//! Checks a record: on the shelf, or as it was exported.

use serde::Serialize;

use super::{START, opened};

/// A record without a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How many lines.
    pub lines: u64,
    /// The hash of the last.
    pub head: String,
}

/// The first fault of a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the record: {why}")]
pub struct Broken {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: String,
}

/// Checks a record, line by line.
#[derive(Debug)]
pub struct Verifier {
    lines: u64,
    head: String,
}

impl Default for Verifier {
    fn default() -> Self {
        Self { lines: 0, head: START.to_owned() }
    }
}

impl Verifier {
    /// Checks the next line.
    ///
    /// # Errors
    /// If it was changed, or is not the one that followed.
    pub fn line(&mut self, line: &str) -> Result<(), Broken> {
        let nth = self.lines + 1;
        let broken = |why: String| Broken { line: nth, why };
        let (entry, hash) = opened(line).map_err(broken)?;
        if entry.seq != nth {
            return Err(broken(format!("is number {}: lines are missing or doubled", entry.seq)));
        }
        if entry.prev != self.head {
            return Err(broken("does not follow the line before".to_owned()));
        }
        (self.lines, self.head) = (nth, hash);
        Ok(())
    }

    /// The result, after the last line.
    pub fn end(self) -> Verified {
        Verified { lines: self.lines, head: self.head }
    }
}

/// Checks a record as it was exported.
///
/// # Errors
/// The first line that is wrong.
pub fn verify_lines<'l>(lines: impl IntoIterator<Item = &'l str>) -> Result<Verified, Broken> {
    let mut verifier = Verifier::default();
    for line in lines {
        verifier.line(line)?;
    }
    Ok(verifier.end())
}
