//! Replays events: what the rules would have decided, had they seen them when they happened.
//!
//! The events go the same way as in the daemon and in a function: through [`RuleBook`] and [`stockade_core::step`]. The
//! time is taken from the events; nothing asks a clock.
//!
//! # Decisions
//!
//! - **Matches are put in the order of time before they are judged**, because files are not: CloudTrail delivers by
//!   account and region, minutes late. Matches are few, so all of them can wait ([`limits::MAX_WAITING_BYTES`]).
//! - **A repair is foreseen as far as the event allows.** What is exempt by who did it, where or when is a notice here as it
//!   would be there, and what we did ourselves is nothing. Whether the thing is bad, only a look at the account can say.
//! - **One event counts once**, however many files or deliveries hold it: two trails of one account write it twice.

#[cfg(feature = "aws")]
mod bucket;
mod known;
pub mod limits;
mod report;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use stockade_core::{
    Decision, Jail, Jails, Key, MatchId, Reason, Seen, States, Target, Timestamp, Verdict, step,
};
use stockade_pattern::EventError;
use stockade_repair::{Foreseen, Settings};
use stockade_rule::{Event, Found, Rule, RuleBook, Scratch};

#[cfg(feature = "aws")]
pub use bucket::{Fault, objects};
use known::Known;
use limits::{MAX_KNOWN, MAX_WAITING_BYTES};
pub use report::{Decided, EventReport, EventRow, EventSummary, RuleTally};

/// Rules, ready to replay events.
#[derive(Debug)]
pub struct EventReplay {
    book: RuleBook,
    scratch: Scratch,
    account: Account,
}

/// When matches count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// Matches before this do not count.
    pub since: Timestamp,
    /// Matches after this do not count.
    pub until: Timestamp,
    /// The time of events that tell none.
    pub now: Timestamp,
}

impl TimeRange {
    /// Everything counts.
    pub fn all(now: Timestamp) -> Self {
        Self { since: Timestamp::MIN, until: Timestamp::MAX, now }
    }
}

/// A match that waits to be judged.
#[derive(Debug)]
struct Finding {
    id: MatchId,
    rule: usize,
    key: Key,
    time: Timestamp,
    digest: Box<str>,
    from: Arc<str>,
    /// The reason, where no repair would be made of it.
    exempt: Option<Box<str>>,
}

#[derive(Debug)]
struct Account {
    repairs: Option<Settings>,
    jails: Jails,
    /// By the rule's place: its jail's.
    routes: Vec<usize>,
    states: States,
    known: Known,
    waiting: Vec<Finding>,
    waiting_bytes: usize,
    now: Timestamp,
    range: TimeRange,
    from: Arc<str>,
    report: EventReport,
}

impl EventReplay {
    /// Compiles rules; each is counted by the jail beside it. Of several jails with one name the first counts.
    pub fn new(rules: Vec<(Arc<Rule>, Jail)>, range: TimeRange) -> Self {
        let (mut jails, mut routes, mut list) = (Vec::<Jail>::new(), Vec::new(), Vec::new());
        for (rule, jail) in rules {
            let known = jails.iter().position(|other| other.name == jail.name);
            routes.push(known.unwrap_or(jails.len()));
            if known.is_none() {
                jails.push(jail);
            }
            list.push(rule);
        }
        let (report, jails) = (EventReport::new(&list), Jails::new(jails));
        let account = Account {
            repairs: None,
            states: States::new(&jails),
            jails,
            routes,
            known: Known::new(MAX_KNOWN),
            waiting: Vec::new(),
            waiting_bytes: 0,
            now: Timestamp::MIN,
            range,
            from: "".into(),
            report,
        };
        Self { book: RuleBook::new(list), scratch: Scratch::default(), account }
    }

    /// The same with what the installation says of repairs: whom it exempts, and who it is.
    #[must_use]
    pub fn with_repairs(mut self, settings: Settings) -> Self {
        self.account.repairs = Some(settings);
        self
    }

    /// Names what is read from now on: a file, an object.
    pub fn begin(&mut self, name: &str) {
        self.account.from = name.into();
    }

    /// Reads one event.
    ///
    /// # Errors
    /// It is no JSON object; it is counted as broken.
    pub fn take(&mut self, event: Event<'_>) -> Result<(), EventError> {
        let received = self.account.range.now;
        let account = &mut self.account;
        let read = self.book.read(event, received, &mut self.scratch, &mut |found| account.take(found));
        let (Event::Envelope(bytes) | Event::Record(bytes)) = event;
        account.note(read.as_ref().err(), bytes.len());
        read
    }

    /// Reads the CloudTrail record that a longer text begins with, and returns its length.
    ///
    /// # Errors
    /// It is no JSON object; it is counted as broken, and where it ends is not known.
    pub fn take_first(&mut self, text: &[u8]) -> Result<usize, EventError> {
        let received = self.account.range.now;
        let account = &mut self.account;
        let read = self.book.read_first(text, received, &mut self.scratch, &mut |found| account.take(found));
        account.note(read.as_ref().err(), read.as_ref().copied().unwrap_or(0));
        read
    }

    /// How much was read so far.
    pub fn so_far(&self) -> &EventSummary {
        &self.account.report.summary
    }

    /// Judges what still waits.
    pub fn finish(mut self) -> EventReport {
        let all = self.account.waiting.len();
        self.account.judge(all);
        self.account.report.sort();
        self.account.report
    }
}

impl Account {
    fn note(&mut self, error: Option<&EventError>, bytes: usize) {
        let summary = &mut self.report.summary;
        summary.bytes += bytes as u64;
        match error {
            None => summary.events += 1,
            Some(_) => summary.broken += 1,
        }
        if self.waiting_bytes > MAX_WAITING_BYTES {
            self.judge(self.waiting.len() / 2);
        }
    }

    fn take(&mut self, found: &Found<'_>) {
        if found.time < self.range.since || found.time > self.range.until {
            self.report.summary.out_of_range += 1;
            return;
        }
        let id = found.match_id();
        let exempt = match self.foreseen(found) {
            Foreseen::FailedCall => Some("the call failed".into()),
            Foreseen::Own => {
                self.report.summary.own += 1;
                return;
            }
            Foreseen::Exempt(exempt) => Some(exempt.reason.into_boxed_str()),
            _ => None,
        };
        if !self.known.is_new(id) {
            self.report.summary.duplicates += 1;
        } else {
            let digest = found.digest().into_boxed_str();
            self.waiting_bytes += size_of::<Finding>() + digest.len();
            let (rule, key, from) = (found.rule, found.key.clone(), Arc::clone(&self.from));
            self.waiting.push(Finding { id, rule, key, time: found.time, digest, from, exempt });
        }
    }

    /// What is known beforehand of a repair that a rule asks for.
    fn foreseen(&self, found: &Found<'_>) -> Foreseen {
        let of = self.report.rules.get(found.rule).map(|tally| &tally.rule);
        let (Some(settings), Some(rule)) = (&self.repairs, of) else { return Foreseen::Followed };
        let (Target::Repair, Some(playbook)) = (rule.target, &rule.playbook) else {
            return Foreseen::Followed;
        };
        let event = found.to_match(&self.from).line;
        settings.foresee(playbook, event.as_bytes(), found.time).unwrap_or(Foreseen::Followed)
    }

    /// Judges the oldest of what waits.
    fn judge(&mut self, many: usize) {
        // Stable: what happened at one instant stays in the order in which it was read.
        self.waiting.sort_by_key(|finding| finding.time);
        let oldest: Vec<Finding> = self.waiting.drain(..many).collect();
        self.waiting_bytes =
            self.waiting.iter().map(|finding| size_of::<Finding>() + finding.digest.len()).sum();
        let mut decisions: Vec<Decision> = Vec::new();
        for finding in oldest {
            let Some(&at) = self.routes.get(finding.rule) else { continue };
            if finding.time < self.now {
                self.report.summary.late += 1;
            } else {
                self.now = finding.time;
                step::expire(&self.jails, &mut self.states, self.now);
            }
            let (jails, states) = (&self.jails, &mut self.states);
            let seen =
                step::observe(jails, states, at, &finding.key, finding.time, 1, self.now, &mut decisions);
            if seen == Seen::Ignored {
                if let Some(tally) = self.report.rules.get_mut(finding.rule) {
                    tally.ignored += 1;
                }
                continue;
            }
            self.report.count(&finding);
            let alone = self.jails.get(at).is_some_and(Jail::answers_each);
            for mut decision in decisions.drain(..) {
                if alone {
                    decision.reason = Reason::Match { id: finding.id };
                }
                if finding.exempt.is_some() && decision.verdict == Verdict::Repair {
                    decision.verdict = Verdict::Notify;
                }
                self.report.decided(&finding, decision);
            }
        }
    }
}
