//! Replays finished logs: what would have happened, had Stockade read them when they were written.
//!
//! The lines go the same way as in the daemon, through [`stockade_filter::Scanner`] and [`stockade_core::step`], and the
//! time is taken from the records: it is the newest that any line told so far. Nothing asks a clock, so the same logs
//! and the same jails always give the same report.
//!
//! ```
//! use stockade_core::{Jail, Timestamp};
//! use stockade_filter::{FilterSpec, date::Zone};
//! use stockade_runtime::replay::{Options, Replay, ReplayJail};
//! use stockade_source::archive::expand;
//!
//! let filter = FilterSpec {
//!     name: "door".into(),
//!     failregex: vec![r"^ door: knocked by <F-USER>\w+</F-USER> from <HOST>$".into()],
//!     ..FilterSpec::default()
//! };
//! let jail = ReplayJail { jail: Jail::new("door"), filter: Some(filter), zone: Zone::UTC };
//! let replay = Replay::new(vec![jail], Options::at(Timestamp::from_secs(1_795_341_600)))?;
//! let report = replay.run(&expand(&["/var/log/door.log"], true).files, &mut |_| {});
//! for offender in report.offenders() {
//!     drop((offender.key(), offender.matches(), offender.bans()));
//! }
//! # Ok::<(), stockade_runtime::replay::ReplayError>(())
//! ```
//!
//! # Decisions
//!
//! - **Several logs are put together by time** (`merge`), because a jail that reads two logs counts what happened in
//!   both. The parts of one rotated log follow each other and share open connections.
//! - **A date without a year is relative to the time its file was last written to**, not to today: last year's log
//!   stays last year's.
//! - **Memory is bounded by tables with named limits** ([`limits`]), never by the size of the logs. Where a limit bites
//!   the report says so in a [`Note`].

pub mod events;
mod judge;
pub mod limits;
mod log;
mod merge;
mod names;
mod offenders;
mod plan;
mod report;
#[cfg(test)]
mod tests;

use stockade_core::{Feed, Key, Timestamp};
use stockade_source::archive::{LogFile, STDIN};

pub use offenders::BanSpan;
pub use plan::{Overrides, ReplayError, ReplayJail};
pub use report::{JailTally, Note, Offender, Report, Summary};

use judge::{Evidence, Judge};
use log::{Account, Log};
use merge::{by_log, groups, judge_together};
use plan::Plan;

/// What a replay is to look at, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The time now: no file was written to later, and standard input is being written now.
    pub now: Timestamp,
    /// Matches before this do not count.
    pub since: Option<Timestamp>,
    /// Matches after this do not count.
    pub until: Option<Timestamp>,
    /// The year of dates that have none.
    pub year: Option<i16>,
    /// Whether a second core may be used. The report is the same.
    pub two_cores: bool,
}

/// How far a replay has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the files that were read, packed as they are.
    pub taken: u64,
    /// The size of all files together; `None` if one of them has none.
    pub total: Option<u64>,
    /// Lines read.
    pub lines: u64,
}

/// Jails, ready to replay logs.
#[derive(Debug)]
pub struct Replay {
    plan: Plan,
    options: Options,
}

impl Options {
    /// Everything counts, at this time.
    pub fn at(now: Timestamp) -> Self {
        Self { now, since: None, until: None, year: None, two_cores: false }
    }
}

impl Replay {
    /// Compiles the filters of these jails. Those that have the same filter share its scan.
    ///
    /// # Errors
    ///
    /// See [`ReplayError`].
    pub fn new(jails: Vec<ReplayJail>, options: Options) -> Result<Self, ReplayError> {
        let replay = Self { plan: Plan::new(jails)?, options };
        // A scanner that cannot be made now could not be made later either.
        replay.open(Vec::new())?;
        Ok(replay)
    }

    /// Reads all files, which [`stockade_source::archive::expand`] put in order. `progress` is told after every block.
    pub fn run(&self, files: &[LogFile], progress: &mut dyn FnMut(Progress)) -> Report {
        let range =
            (self.options.since.unwrap_or(Timestamp::MIN), self.options.until.unwrap_or(Timestamp::MAX));
        let mut judge = Judge::new(&self.plan, range);
        let mut account = Account::default();
        let sized = !files.iter().any(|file| file.path.as_os_str() == STDIN);
        let total = sized.then(|| files.iter().map(|file| file.bytes).sum());
        let mut tell = |account: &Account| {
            progress(Progress { taken: account.taken, total, lines: account.summary.lines });
        };
        let groups = groups(by_log(files));
        let apart = groups.len();
        for group in groups {
            judge.start_anew();
            let mut logs: Vec<Log<'_>> =
                group.into_iter().filter_map(|parts| self.open(parts).ok()).collect();
            match logs.as_mut_slice() {
                // The usual case needs no queue.
                [log] => {
                    while log.advance(&mut account, |jail, hit| judge.judge(Evidence::of(jail, hit))) {
                        tell(&account);
                    }
                }
                _ => judge_together(logs, &mut judge, &mut account, &mut tell),
            }
        }
        self.report(judge, account, apart)
    }

    fn open(&self, parts: Vec<LogFile>) -> Result<Log<'_>, ReplayError> {
        Log::new(&self.plan, parts, &self.options).map_err(ReplayError::DatePattern)
    }

    fn report(&self, mut judge: Judge<'_>, account: Account, apart: usize) -> Report {
        judge.note_evictions();
        let (table, mut jails) = (judge.table, judge.tallies);
        for row in &table.rows {
            if let Some(tally) = jails.get_mut(row.jail) {
                tally.offenders += 1;
                tally.offenders_banned += u64::from(row.bans > 0);
            }
        }
        let counts_bans = |at: usize| self.plan.jails.get(at).is_some_and(|jail| jail.feed == Feed::Bans);
        let banned = table.rows.iter().filter(|row| row.bans > 0 && !counts_bans(row.jail));
        let mut banned: Vec<&Key> = banned.map(|row| &row.key).collect();
        banned.sort_unstable();
        banned.dedup();
        for (_, tally) in jails.iter_mut().enumerate().filter(|(at, _)| counts_bans(*at)) {
            tally.offenders = banned.len() as u64;
        }
        let late = jails.iter().map(|tally| tally.late).sum();
        let dropped = table.dropped;
        let notes = [
            (account.undated > 0, Note::Undated { lines: account.undated }),
            (late > 0, Note::Late { matches: late }),
            (
                account.long_lines > 0,
                Note::LongLines { lines: account.long_lines, bytes: account.long_bytes },
            ),
            (apart > 1, Note::CountedApart { groups: apart as u64 }),
            (dropped.rows > 0, Note::OffendersDropped { offenders: dropped.rows, matches: dropped.matches }),
            (judge.forgotten_bans > 0, Note::BansForgotten { bans: judge.forgotten_bans }),
            (judge.evicted_keys > 0, Note::KeysEvicted { keys: judge.evicted_keys }),
        ];
        let exhausted = account.exhausted.into_iter();
        let exhausted = exhausted.map(|((filter, regex), lines)| Note::Exhausted { filter, regex, lines });
        let notes = notes.into_iter().filter_map(|(bites, note)| bites.then_some(note));
        let notes = notes.chain(exhausted).collect();
        let order = table.sorted();
        Report { table, order, summary: account.summary, jails, problems: account.problems, notes }
    }
}
