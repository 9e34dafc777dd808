//! What the daemon counted since it started, for `status` and `jails`.

use std::collections::VecDeque;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;
use std::time::Duration;

use stockade_core::{Jails, StreamName, Timestamp};

/// How many warnings are kept for `status`.
const MAX_WARNINGS: usize = 20;

/// Counters.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) since: Timestamp,
    pub(crate) lines: u64,
    pub(crate) refused: u64,
    /// Notices and repairs that were decided.
    pub(crate) told: u64,
    pub(crate) streams: BTreeMap<StreamName, StreamTally>,
    pub(crate) warnings: VecDeque<String>,
    /// On how many lines a regex was stopped, by filter and regex.
    exhausted: BTreeMap<(Arc<str>, String), u64>,
    per_jail: Vec<JailTally>,
}

/// The numbers of one jail.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct JailTally {
    pub(crate) matches: u64,
    pub(crate) bans: u64,
    /// Bans that were found in force at the start.
    pub(crate) restored: u64,
}

/// The numbers of one stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamTally {
    pub(crate) jails: Vec<Arc<str>>,
    pub(crate) lines: u64,
    pub(crate) skew_seconds: Option<i64>,
    pub(crate) problem: Option<String>,
}

impl Tally {
    pub(crate) fn new(jails: usize, now: Timestamp) -> Self {
        Self {
            since: now,
            lines: 0,
            refused: 0,
            told: 0,
            streams: BTreeMap::new(),
            warnings: VecDeque::new(),
            exhausted: BTreeMap::new(),
            per_jail: vec![JailTally::default(); jails],
        }
    }

    /// The same for other jails, after a reload: those that are still there go on counting.
    pub(crate) fn carry_over(self, before: &Jails, after: &Jails) -> Self {
        let of =
            |jail: &stockade_core::Jail| before.find(&jail.name).map(|at| self.jail(at)).unwrap_or_default();
        let per_jail = after.iter().map(of).collect();
        Self { streams: BTreeMap::new(), per_jail, ..self }
    }

    pub(crate) fn restored(&mut self, jail: usize) {
        if let Some(tally) = self.per_jail.get_mut(jail) {
            tally.restored += 1;
        }
    }

    pub(crate) fn matched(&mut self, jail: usize) {
        if let Some(tally) = self.per_jail.get_mut(jail) {
            tally.matches += 1;
        }
    }

    pub(crate) fn banned(&mut self, jail: usize, extended: bool) {
        if let Some(tally) = self.per_jail.get_mut(jail) {
            tally.bans += u64::from(!extended);
        }
    }

    pub(crate) fn jail(&self, jail: usize) -> JailTally {
        self.per_jail.get(jail).copied().unwrap_or_default()
    }

    pub(crate) fn totals(&self) -> JailTally {
        self.per_jail.iter().fold(JailTally::default(), |sum, one| JailTally {
            matches: sum.matches + one.matches,
            bans: sum.bans + one.bans,
            restored: sum.restored + one.restored,
        })
    }

    /// Counts lines. The first time a stream's dates differ much from the clock, a person is told what it looks like.
    pub(crate) fn read(&mut self, stream: &StreamName, lines: u64, skew: Option<(Duration, bool)>) {
        self.lines += lines;
        let tally = self.streams.entry(stream.clone()).or_default();
        tally.lines += lines;
        tally.problem = None;
        let Some((skew, ahead)) = skew else { return };
        let seconds = i64::try_from(skew.as_secs()).unwrap_or(i64::MAX);
        let first =
            tally.skew_seconds.is_none_or(|known| known.unsigned_abs() <= crate::lanes::MAX_SKEW.as_secs());
        tally.skew_seconds = Some(if ahead { -seconds } else { seconds });
        if first && skew > crate::lanes::MAX_SKEW {
            let warning = skew_warning(stream, seconds, ahead);
            tracing::warn!(stream = &**stream, skew_seconds = seconds, ahead, "{warning}");
            self.warn(warning);
        }
    }

    /// Counts lines on which a regex took too many steps. The first time a person is told.
    pub(crate) fn exhausted(&mut self, filter: Arc<str>, regex: String, lines: u64) {
        let count = match self.exhausted.entry((filter, regex)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let (filter, regex) = new.key();
                tracing::warn!(
                    filter = &**filter,
                    regex,
                    "a regex took too many steps: its line is passed over"
                );
                new.insert(0)
            }
        };
        *count += lines;
    }

    /// All that a person should know.
    pub(crate) fn all_warnings(&self) -> Vec<String> {
        let stopped = self.exhausted.iter().map(|((filter, regex), lines)| {
            format!(
                "{lines} lines were passed over by filter `{filter}`: a regex took too many steps: `{regex}`"
            )
        });
        self.warnings.iter().cloned().chain(stopped).collect()
    }

    pub(crate) fn warn(&mut self, warning: String) {
        if self.warnings.back() == Some(&warning) {
            return;
        }
        if self.warnings.len() >= MAX_WARNINGS {
            self.warnings.pop_front();
        }
        self.warnings.push_back(warning);
    }
}

/// A difference near whole quarters of an hour is a time zone; anything else is a clock.
fn skew_warning(stream: &str, seconds: i64, ahead: bool) -> String {
    const QUARTER: i64 = 900;
    let quarters = (seconds + QUARTER / 2) / QUARTER;
    let side = if ahead { "ahead of" } else { "behind" };
    let said =
        format!("dates in `{stream}` are {seconds} s {side} the clock: the time of arrival counts instead");
    if quarters == 0 || (seconds - quarters * QUARTER).abs() > 120 || quarters > 14 * 4 {
        return format!("{said}; check the clock of what writes it");
    }
    let (hours, minutes) = (quarters / 4, quarters % 4 * 15);
    // Dates that are behind were written in a zone west of the one they were read in.
    let direction = if ahead { "east" } else { "west" };
    format!(
        "{said}; it looks like a zone {hours:02}:{minutes:02} {direction} of the one assumed: set `logtimezone`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skew_of_whole_hours_is_named_a_zone() {
        assert!(skew_warning("x", 7_203, true).contains("02:00 east"));
        assert!(skew_warning("x", 19_800, false).contains("05:30 west"));
        assert!(skew_warning("x", 400, false).contains("check the clock"));
        assert!(skew_warning("x", 90_000_000, false).contains("check the clock"));
    }
}
