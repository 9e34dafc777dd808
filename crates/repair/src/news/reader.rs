//! Up to where somebody was told, and who tells it now.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stockade_core::Timestamp;

use crate::json::sha256;
use crate::state::Lease;

/// How long one may tell before another may take over from it: as long as an e-mail and its retries take.
const LEASE: Duration = Duration::from_secs(120);

/// Where a reader is kept.
pub(crate) fn key(name: &str) -> String {
    const PLAIN: usize = 100;
    if name.len() <= PLAIN { format!("reader/{name}") } else { format!("reader/{}", sha256(name.as_bytes())) }
}

/// What is kept of a reader.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Reader {
    /// Whether it ever read.
    pub(crate) begun: bool,
    /// The last line up to which all is settled.
    pub(crate) upto: u64,
    /// That line's hash; empty where it is not known.
    pub(crate) hash: String,
    /// Lines behind it that are settled, with their hashes.
    pub(crate) beyond: BTreeMap<u64, String>,
    /// Who tells now.
    lease: Option<Lease>,
}

impl Reader {
    /// Takes the reader for `by`, or says until when another has it.
    pub(crate) fn take(&mut self, by: &str, now: Timestamp) -> Result<(), Timestamp> {
        // A lease that is longer than leases are is of a clock that went back.
        let held = self.lease.as_ref().filter(|lease| lease.by != by);
        if let Some(lease) = held.filter(|lease| now < lease.until && lease.until <= now.plus(LEASE)) {
            return Err(lease.until);
        }
        self.lease = Some(Lease { by: by.to_owned(), until: now.plus(LEASE), turn: 0 });
        Ok(())
    }

    /// Gives it back.
    pub(crate) fn give_back(&mut self, by: &str) {
        self.lease.take_if(|lease| lease.by == by);
    }

    /// These lines are settled.
    pub(crate) fn settle(&mut self, lines: impl Iterator<Item = (u64, String)>) {
        self.beyond.extend(lines.filter(|(seq, _)| *seq > self.upto));
        while let Some(hash) = self.beyond.remove(&(self.upto + 1)) {
            self.upto += 1;
            self.hash = hash;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(seqs: &[u64]) -> impl Iterator<Item = (u64, String)> {
        seqs.iter().map(|seq| (*seq, format!("h{seq}"))).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn what_is_settled_in_any_order_counts_once_the_gap_closes() {
        let mut reader = Reader::default();
        reader.settle(lines(&[2, 4]));
        assert_eq!((reader.upto, reader.beyond.len()), (0, 2));
        reader.settle(lines(&[1]));
        assert_eq!((reader.upto, reader.hash.as_str()), (2, "h2"));
        // Another told the same meanwhile.
        reader.settle(lines(&[1, 2, 3]));
        assert_eq!((reader.upto, reader.hash.as_str(), reader.beyond.len()), (4, "h4", 0));
    }

    #[test]
    fn one_tells_at_a_time_and_whoever_died_loses_it() {
        let at = Timestamp::from_secs;
        let mut reader = Reader::default();
        assert_eq!(reader.take("one", at(0)), Ok(()));
        assert_eq!(reader.take("two", at(1)), Err(at(120)));
        assert_eq!(reader.take("one", at(1)), Ok(()), "the next life of the same");
        assert_eq!(reader.take("two", at(121)), Ok(()));
        reader.give_back("one");
        assert_eq!(reader.take("one", at(122)), Err(at(241)));
        reader.give_back("two");
        assert_eq!(reader.take("one", at(122)), Ok(()));
        assert_eq!(reader.take("two", at(-1000)), Ok(()), "a clock that went back");
    }
}
