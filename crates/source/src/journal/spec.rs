//! Which journal to read, and what of it.

use std::path::PathBuf;
use std::time::Duration;

use super::JournalMatch;

/// Where to start in a journal of which nothing is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JournalStart {
    /// At its first entry, however old.
    Beginning,
    /// At entries that are no older than this: fail2ban goes back a `findtime`.
    Recent(Duration),
    /// After its last entry.
    End,
}

/// Which journal to read, and what of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JournalSpec {
    /// What is wanted; [`crate::Block::wanted_by`] names them by index. One reader serves all. None at all, or one
    /// that is empty, wants every entry.
    pub matches: Vec<JournalMatch>,
    /// Where to start if nothing is stored.
    pub start: JournalStart,
    /// The stream's name: `journal`. Two sources of one daemon need two.
    pub stream: String,
    /// Read the journal files in this folder instead of the machine's own.
    pub directory: Option<PathBuf>,
    /// Read these journal files instead.
    pub files: Vec<PathBuf>,
    /// Read this journal namespace instead of the default one.
    pub namespace: Option<String>,
    /// The program that reads: `journalctl`, found by the path.
    pub program: String,
}

/// Everything in the machine's own journal, from a day ago on.
impl Default for JournalSpec {
    fn default() -> Self {
        Self {
            matches: Vec::new(),
            start: JournalStart::Recent(Duration::from_secs(24 * 60 * 60)),
            stream: "journal".into(),
            directory: None,
            files: Vec::new(),
            namespace: None,
            program: "journalctl".into(),
        }
    }
}

impl JournalSpec {
    /// The matches as arguments; none if all is wanted.
    pub(super) fn arguments(&self) -> Vec<&str> {
        if self.matches.iter().any(JournalMatch::is_everything) {
            return Vec::new();
        }
        let mut arguments = Vec::new();
        for wanted in &self.matches {
            if !arguments.is_empty() {
                arguments.push("+");
            }
            arguments.extend(wanted.arguments());
        }
        arguments
    }

    /// Which of the matches want an entry, ascending; without any there is one that wants all.
    pub(super) fn wanted_by(&self, has: impl Fn(&str, &[u8]) -> bool, wanted_by: &mut Vec<usize>) {
        wanted_by.clear();
        wanted_by
            .extend((0..self.matches.len()).filter(|n| self.matches.get(*n).is_some_and(|m| m.wants(&has))));
        if self.matches.is_empty() {
            wanted_by.push(0);
        }
    }
}
