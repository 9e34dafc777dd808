//! Several logs, read side by side and put together by the times of their lines.
//!
//! A jail that reads two logs counts what happened in both. Read one behind the other, everything in the second would
//! come too late for its window.

use std::collections::VecDeque;
use std::path::Path;

use stockade_core::{Key, Timestamp};
use stockade_source::archive::LogFile;

use super::judge::{Evidence, Judge};
use super::limits::SIDE_BY_SIDE_BYTES;
use super::log::{Account, Log};

/// The parts of one log, from the oldest to the newest.
pub(super) type Parts = Vec<LogFile>;

/// Files that follow each other and belong to the same log are its parts.
pub(super) fn by_log(files: &[LogFile]) -> Vec<Parts> {
    files.chunk_by(|one, next| one.base == next.base).map(<[_]>::to_vec).collect()
}

/// Logs in groups that can be read side by side.
pub(super) fn groups(logs: Vec<Parts>) -> Vec<Vec<Parts>> {
    let mut groups: Vec<Vec<Parts>> = Vec::new();
    let mut room = 0;
    for log in logs {
        let cost = log.iter().map(|part| cost(&part.path)).max().unwrap_or(0);
        match groups.last_mut().filter(|_| cost <= room) {
            Some(group) => group.push(log),
            None => {
                groups.push(vec![log]);
                room = SIDE_BY_SIDE_BYTES;
            }
        }
        room = room.saturating_sub(cost);
    }
    groups
}

/// What reading a file takes, in bytes: a block, a scanner, and what its decoder looks back at. Measured: eight plain
/// logs of 15 MB take 11 MB more than one.
fn cost(path: &Path) -> usize {
    const PLAIN: usize = 3 << 19;
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("xz") => SIDE_BY_SIDE_BYTES,
        Some("zst") => PLAIN + (8 << 20),
        _ => PLAIN,
    }
}

/// A log with the matches that were found in its last block and wait for their turn.
struct Waiting<'p> {
    log: Log<'p>,
    found: VecDeque<Found>,
    users: Vec<u8>,
    more: bool,
    /// The newest time that this log told.
    clock: Timestamp,
}

struct Found {
    jail: usize,
    key: Key,
    time: Timestamp,
    /// The newest time that its log had told by then: this is where it belongs.
    clock: Timestamp,
    count: u32,
    user: Option<(usize, usize)>,
}

/// Judges the matches of all logs in the order of time. `after_block` is told after every block.
pub(super) fn judge_together(
    logs: Vec<Log<'_>>,
    judge: &mut Judge<'_>,
    account: &mut Account,
    mut after_block: impl FnMut(&Account),
) {
    let mut waiting: Vec<Waiting<'_>> = logs.into_iter().map(Waiting::new).collect();
    loop {
        for one in &mut waiting {
            while one.found.is_empty() && one.more {
                one.read(account);
                after_block(account);
            }
        }
        waiting.retain(|one| !one.found.is_empty());
        let mut fronts: Vec<Timestamp> = waiting.iter().filter_map(Waiting::front).collect();
        fronts.sort_unstable();
        let (Some(&least), next) = (fronts.first(), fronts.get(1)) else { return };
        let Some(one) = waiting.iter_mut().find(|one| one.front() == Some(least)) else { return };
        one.judge_up_to(next.copied().unwrap_or(Timestamp::MAX), judge);
    }
}

impl<'p> Waiting<'p> {
    fn new(log: Log<'p>) -> Self {
        Self { log, found: VecDeque::new(), users: Vec::new(), more: true, clock: Timestamp::MIN }
    }

    fn front(&self) -> Option<Timestamp> {
        self.found.front().map(|found| found.clock)
    }

    /// Reads a block; only when none of its matches wait.
    fn read(&mut self, account: &mut Account) {
        self.users.clear();
        let (found, users, clock) = (&mut self.found, &mut self.users, &mut self.clock);
        self.more = self.log.advance(account, |jail, hit| {
            *clock = (*clock).max(hit.time);
            let user = hit.user.map(|user| {
                let start = users.len();
                users.extend_from_slice(user);
                (start, users.len())
            });
            let (key, time, count) = (hit.key.clone(), hit.time, hit.count);
            found.push_back(Found { jail, key, time, clock: *clock, count, user });
        });
    }

    fn judge_up_to(&mut self, limit: Timestamp, judge: &mut Judge<'_>) {
        while let Some(found) = self.found.pop_front_if(|found| found.clock <= limit) {
            let user = found.user.and_then(|(start, end)| self.users.get(start..end));
            let Found { jail, ref key, time, count, .. } = found;
            judge.judge(Evidence { jail, key, time, count, user });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn file(path: &str, base: &str) -> LogFile {
        LogFile { path: PathBuf::from(path), base: PathBuf::from(base), bytes: 1 }
    }

    #[test]
    fn parts_of_one_log_stay_together() {
        let files = [file("a.1", "a"), file("a", "a"), file("b", "b")];
        let logs = by_log(&files);
        assert_eq!(logs.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn what_is_read_side_by_side_is_bounded() {
        let many = (0..20).map(|n| vec![file(&format!("{n}.log"), "x")]).collect();
        assert_eq!(groups(many).iter().map(Vec::len).collect::<Vec<_>>(), [8, 8, 4]);
        let packed = vec![vec![file("a.xz", "a")], vec![file("b.xz", "b")], vec![file("c", "c")]];
        assert_eq!(groups(packed).len(), 3);
    }
}
