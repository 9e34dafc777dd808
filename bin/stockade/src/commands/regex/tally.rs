//! What a trial counted, and the lines to list.

use std::time::{Duration, Instant};

use stockade_core::Timestamp;
use stockade_filter::Trial;
use stockade_filter::trial::{Failure as Accusation, Fields, Id, TrialDate, TrialResult};

use crate::cli::TrialArgs;

/// How many lines of a kind are listed, unless all are asked for.
pub(crate) const MAX_LISTED: usize = 20;
/// How many captures of one regex are kept for those who want to see them.
const MAX_CAPTURES: usize = 10_000;

/// What a trial came to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) tested: u64,
    pub(crate) ignored: Listed,
    pub(crate) matched: Listed,
    pub(crate) missed: Listed,
    /// Lines too long to be tried, passed over.
    pub(crate) overlong: u64,
    /// How often each failregex spoke against somebody.
    pub(crate) fail: Vec<Accused>,
    /// How often each ignoreregex matched.
    pub(crate) ignore: Vec<u64>,
    /// How often the prefregex matched.
    pub(crate) prefix: u64,
    /// What it captured in the last line on which it was tried.
    last_prefix: Option<Fields>,
    /// What it captured in the first lines.
    pub(crate) prefix_groups: Vec<Fields>,
    /// How often each date template was found, by its place.
    pub(crate) dates: Vec<u64>,
    pub(crate) elapsed: Duration,
}

/// Lines of a kind: how many there are, and those that are listed.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(crate) count: u64,
    pub(crate) lines: Vec<Line>,
    /// How many may be kept.
    most: usize,
}

/// A line to list.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) whole: String,
    /// Without its date.
    pub(crate) text: String,
}

/// What a failregex did.
#[derive(Debug, Default)]
pub(crate) struct Accused {
    pub(crate) count: u64,
    /// Whom it spoke against, when, and whether several regexes matched the line.
    pub(crate) whom: Vec<(Id, Option<Timestamp>, bool)>,
}

/// What is kept while lines are tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keep {
    pub(crate) matched: bool,
    pub(crate) missed: usize,
    pub(crate) ignored: usize,
    /// Captures, for those who want to see them.
    pub(crate) captures: bool,
    /// What the prefregex captured, in so many lines.
    pub(crate) prefix: usize,
    /// Counts what fail2ban counts, even where that is a slip.
    pub(crate) as_fail2ban: bool,
}

impl Keep {
    /// What the options ask for. One line more than is listed is kept, which shows that there are too many.
    pub(crate) fn new(args: &TrialArgs, listed: usize, captures: bool) -> Self {
        let most = |none: bool, all: bool| match (none, all) {
            (true, _) => 0,
            (_, true) => usize::MAX,
            _ => listed + 1,
        };
        Self {
            matched: args.print_all_matched,
            missed: most(args.print_no_missed, args.print_all_missed),
            ignored: most(args.print_no_ignored, args.print_all_ignored),
            captures,
            prefix: listed,
            as_fail2ban: false,
        }
    }
}

impl Tally {
    pub(crate) fn new(trial: &Trial, keep: Keep) -> Self {
        let listed = |most| Listed { most, ..Listed::default() };
        Self {
            fail: trial.failregexes().map(|_| Accused::default()).collect(),
            ignore: trial.ignoreregexes().map(|_| 0).collect(),
            dates: vec![0; trial.templates().len()],
            matched: listed(if keep.matched { usize::MAX } else { 0 }),
            missed: listed(keep.missed),
            ignored: listed(keep.ignored),
            ..Self::default()
        }
    }

    /// Tries a line and counts what came of it; gives its date. Empty lines and comments are passed over.
    pub(crate) fn line(
        &mut self,
        trial: &mut Trial,
        keep: Keep,
        line: &[u8],
        known: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<TrialDate> {
        if is_passed_over(line) && known.is_none() {
            return None;
        }
        let began = Instant::now();
        let result = trial.line(line, known, now);
        self.elapsed += began.elapsed();
        self.tested += 1;
        if let Some(count) = result.date.as_ref().and_then(|date| self.dates.get_mut(date.template)) {
            *count += 1;
        }
        self.accusations(&result, keep.captures);
        for at in &result.ignored_by {
            self.ignore.get_mut(*at).into_iter().for_each(|count| *count += 1);
        }
        // fail2ban counts the match before once more where an ignoreregex went first, and the prefregex was not asked.
        let asked = result.content.is_some() || result.ignored_by.is_empty();
        if asked || !keep.as_fail2ban {
            self.last_prefix.clone_from(&result.prefix);
        }
        if let Some(groups) = &self.last_prefix {
            self.prefix += 1;
            if keep.captures && self.prefix_groups.len() < keep.prefix {
                self.prefix_groups.push(groups.clone());
            }
        }
        self.done(&result);
        let list = if result.is_ignored() {
            &mut self.ignored
        } else if result.failures.is_empty() {
            &mut self.missed
        } else {
            &mut self.matched
        };
        list.count += 1;
        if list.lines.len() < list.most {
            list.lines.push(Line { whole: lossy(line), text: lossy(&result.text) });
        }
        result.date
    }

    /// Earlier lines that this one completed did match after all.
    fn done(&mut self, result: &TrialResult) {
        for line in &result.done {
            let whole = lossy(&line.whole());
            if let Some(at) = self.missed.lines.iter().position(|missed| missed.whole == whole) {
                self.missed.lines.remove(at);
            }
            self.missed.count = self.missed.count.saturating_sub(1);
            self.matched.count += 1;
            if self.matched.lines.len() < self.matched.most {
                self.matched.lines.push(Line { whole, text: lossy(&line.text()) });
            }
        }
    }

    fn accusations(&mut self, result: &TrialResult, captures: bool) {
        let mut before = 0;
        for failure in &result.failures {
            let Some(accused) = self.fail.get_mut(failure.regex) else { continue };
            accused.count += 1;
            if captures && accused.whom.len() < MAX_CAPTURES {
                // As fail2ban counts: those before it, and only if there are two of them.
                accused.whom.push((failure.id.clone(), failure.time, before > 1));
            }
            before += usize::from(!Accusation::helps(failure));
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether a line is passed over: an empty one, or a comment.
pub(crate) fn is_passed_over(line: &[u8]) -> bool {
    line.is_empty() || line.starts_with(b"#")
}
