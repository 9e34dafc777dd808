//! What a replay of events found.

use std::collections::HashMap;
use std::sync::Arc;

use stockade_core::{Decision, Key, Timestamp, Verdict};
use stockade_rule::Rule;

use super::Finding;
use super::limits::{MAX_DECISIONS, MAX_ROWS};

/// What a replay of events found.
#[derive(Debug, Default)]
pub struct EventReport {
    /// What was read and counted.
    pub summary: EventSummary,
    /// One per rule, in their order.
    pub rules: Vec<RuleTally>,
    /// One per rule and key, those with most decisions first, then those with most matches.
    pub rows: Vec<EventRow>,
    /// The decisions in the order of time, at most [`MAX_DECISIONS`].
    pub decisions: Vec<Decided>,
    pub(super) index: HashMap<(usize, Key), usize>,
}

/// What was read and counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventSummary {
    /// Events read.
    pub events: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Texts that are no event: told one by one by who read them.
    pub broken: u64,
    /// Matches that were seen before: one event, delivered twice.
    pub duplicates: u64,
    /// Events that tell of what we did ourselves.
    pub own: u64,
    /// Matches outside of the time that was asked for.
    pub out_of_range: u64,
    /// Decisions, those that are not listed one by one included.
    pub decisions: u64,
    /// Matches whose rule and key are not listed, for want of room.
    pub unlisted: u64,
    /// Matches that came too late to be put in the order of time: there were more than can wait.
    pub late: u64,
    /// The times of the first and the last match.
    pub span: Option<(Timestamp, Timestamp)>,
}

/// What one rule counted.
#[derive(Clone, Debug)]
pub struct RuleTally {
    /// The rule.
    pub rule: Arc<Rule>,
    /// Matches, each event once for each key.
    pub matches: u64,
    /// Matches of keys that the jail ignores; not among `matches`.
    pub ignored: u64,
    /// Decisions.
    pub decisions: u64,
}

/// What one key did to one rule.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// The rule's place in [`EventReport::rules`].
    pub rule: usize,
    /// Whom it is about.
    pub key: Key,
    /// Its matches.
    pub matches: u64,
    /// The first and the last of them.
    pub span: (Timestamp, Timestamp),
    /// How many decisions followed.
    pub decisions: u64,
    /// The last of them; a repair, if there is one among them.
    pub verdict: Option<Verdict>,
    /// Why no repair would be made, where each of them is exempt.
    pub exempt: Option<Box<str>>,
    /// The digest of the first event.
    pub event: Box<str>,
}

/// One decision, with the event that led to it.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The rule's place in [`EventReport::rules`].
    pub rule: usize,
    /// What would have been decided.
    pub decision: Decision,
    /// The event that crossed the threshold, as a digest: one JSON object.
    pub event: Box<str>,
    /// Where it was read: a file, an object.
    pub from: Arc<str>,
    /// Why it would be told and not repaired.
    pub exempt: Option<Box<str>>,
}

impl EventReport {
    /// Nothing found yet.
    pub(super) fn new(rules: &[Arc<Rule>]) -> Self {
        let tally =
            |rule: &Arc<Rule>| RuleTally { rule: Arc::clone(rule), matches: 0, ignored: 0, decisions: 0 };
        Self { rules: rules.iter().map(tally).collect(), ..Self::default() }
    }

    pub(super) fn count(&mut self, finding: &Finding) {
        let Some(tally) = self.rules.get_mut(finding.rule) else { return };
        tally.matches += 1;
        let time = finding.time;
        let (first, last) = self.summary.span.get_or_insert((time, time));
        (*first, *last) = ((*first).min(time), (*last).max(time));
        let room = self.rows.len() < MAX_ROWS;
        match self.index.get(&(finding.rule, finding.key.clone())).and_then(|at| self.rows.get_mut(*at)) {
            Some(row) => {
                row.matches += 1;
                row.span = (row.span.0.min(time), row.span.1.max(time));
            }
            None if room => {
                self.index.insert((finding.rule, finding.key.clone()), self.rows.len());
                self.rows.push(EventRow {
                    rule: finding.rule,
                    key: finding.key.clone(),
                    matches: 1,
                    span: (time, time),
                    decisions: 0,
                    verdict: None,
                    exempt: None,
                    event: finding.digest.clone(),
                });
            }
            None => self.summary.unlisted += 1,
        }
    }

    pub(super) fn decided(&mut self, finding: &Finding, decision: Decision) {
        self.summary.decisions += 1;
        if let Some(tally) = self.rules.get_mut(finding.rule) {
            tally.decisions += 1;
        }
        let row = self.index.get(&(finding.rule, finding.key.clone())).and_then(|at| self.rows.get_mut(*at));
        if let Some(row) = row {
            if row.decisions == 0 {
                row.exempt.clone_from(&finding.exempt);
            } else if finding.exempt.is_none() && row.exempt.take().is_some() {
                // Who is shown is who is not exempt.
                row.event.clone_from(&finding.digest);
            }
            row.decisions += 1;
            if row.verdict != Some(Verdict::Repair) {
                row.verdict = Some(decision.verdict);
            }
        }
        if self.decisions.len() < MAX_DECISIONS {
            let (event, from) = (finding.digest.clone(), Arc::clone(&finding.from));
            let exempt = finding.exempt.clone();
            self.decisions.push(Decided { rule: finding.rule, decision, event, from, exempt });
        }
    }

    /// Puts the rows in the order in which people want them.
    pub(super) fn sort(&mut self) {
        self.index.clear();
        self.rows.sort_by(|a, b| {
            let weight = |row: &EventRow| (row.decisions, row.matches);
            weight(b).cmp(&weight(a)).then_with(|| a.span.0.cmp(&b.span.0)).then_with(|| a.key.cmp(&b.key))
        });
    }
}
