//! Matches of jails that do not ban: what is told, and how it is known that it was.
//!
//! A match that its jail answers by itself is written down after it was told: what the ledger knows was told. Where a
//! jail counts to more, a record that is not live says up to when matches had their answer; it is put by a condition,
//! like a ban, so one of two functions tells. Who dies in between leaves what the next delivery, or `expire`, tells.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use stockade_core::ledger::{LedgerBan, Question};
use stockade_core::ports::Notice;
use stockade_core::{
    Decision, Match, MatchId, Outcome, Reason, Seen, States, Target, Timestamp, Verdict, step,
};

use super::judging::Judging;
use super::reading::Case;
use super::restore::{Pair, Restored, at_hand};

/// How many matches of one key are looked through for one that was told already.
const LOOKED_THROUGH: u32 = 1_000;
/// How many notices are given at once: a repair's has its whole event with it.
const AT_ONCE: usize = 100;
/// How often it is decided again because another function was first.
const MAX_RACES: usize = 8;

/// A notice that is to be given.
struct Due {
    notice: Notice,
    /// The jail's place.
    at: usize,
    /// The record to be delivered again if it cannot be given.
    record: usize,
    /// What is noted when it was.
    then: Then,
}

enum Then {
    /// Its match is written down.
    Remember(Box<Case>),
    /// This version of the key's record is announced.
    Note(u64),
}

impl Judging<'_> {
    /// Judges matches of jails that do not ban, and tells.
    pub(super) fn notify(&mut self, cases: Vec<Case>) {
        let cases = self.heard(cases);
        let answers_each =
            |case: &Case| self.setup.jails.get(case.at).is_some_and(stockade_core::Jail::answers_each);
        let (each, counted): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(answers_each);
        self.answer_each(each);
        self.write_down(&counted);
        let mut open = counted;
        for attempt in 0..MAX_RACES {
            if open.is_empty() {
                return;
            }
            let lost = self.count(&open, attempt == 0);
            open.retain(|case| lost.contains(&(case.at, case.found.key.clone())));
            self.counts.races += lost.len() as u64;
        }
        self.failed.extend(open.iter().map(|case| case.record));
    }

    /// Tells of every match that the ledger does not know.
    fn answer_each(&mut self, cases: Vec<Case>) {
        let (order, own) = at_hand(&cases);
        let known = match self.known(&order, &cases) {
            Ok(known) => known,
            Err(error) => {
                self.failed.extend(cases.iter().map(|case| case.record));
                return tracing::error!(error = %error, "what was told is not known");
            }
        };
        drop(own);
        let mut due = Vec::new();
        let mut states = States::new(&self.setup.jails);
        for case in cases {
            if known.contains(&case.found.id) {
                self.counts.repeated += 1;
                continue;
            }
            let mut decisions = Vec::new();
            let Case { at, found, record, .. } = &case;
            let jails = &self.setup.jails;
            let seen = step::observe(
                jails,
                &mut states,
                *at,
                &found.key,
                found.time,
                found.count,
                self.now,
                &mut decisions,
            );
            step::attest(jails, *at, seen, found, &mut decisions);
            let (at, record) = (*at, *record);
            let notice = |decision| Notice { decision, matches: vec![found.clone()] };
            for notice in decisions.into_iter().map(notice) {
                due.push(Due { notice, at, record, then: Then::Remember(Box::new(case.clone())) });
            }
        }
        self.give(&due);
    }

    /// Which of these matches the ledger knows.
    fn known(
        &mut self,
        order: &[Pair],
        cases: &[Case],
    ) -> Result<HashSet<MatchId>, stockade_core::ports::StoreError> {
        let mut earliest: HashMap<&Pair, Timestamp> = HashMap::new();
        let pairs: Vec<Pair> = cases.iter().map(|case| (case.at, case.found.key.clone())).collect();
        for (case, pair) in cases.iter().zip(&pairs) {
            let since = earliest.entry(pair).or_insert(case.found.time);
            *since = (*since).min(case.found.time);
        }
        let question = |pair: &Pair| {
            let jail = self.setup.jails.get(pair.0)?;
            let since = *earliest.get(pair)?;
            Some(Question { jail: Arc::clone(&jail.name), key: pair.1.clone(), since, limit: LOOKED_THROUGH })
        };
        let questions: Vec<Question> = order.iter().filter_map(question).collect();
        let mut known = HashSet::new();
        for part in questions.chunks(AT_ONCE) {
            let answers = self.ledger.recall(part)?;
            known.extend(answers.into_iter().flat_map(|answer| answer.matches).map(|past| past.id));
        }
        Ok(known)
    }

    /// Judges once, in jails that count. Returns the pairs for which another function was first.
    fn count(&mut self, cases: &[Case], first: bool) -> HashSet<Pair> {
        let (order, own) = at_hand(cases);
        let answers = self.recall(&order, &own, cases);
        let answered: HashSet<Pair> = answers.iter().map(|(pair, _)| pair.clone()).collect();
        let mut restored = Restored::new(&self.setup.jails, answers, &own, self.now);
        let mut decided: HashMap<Pair, Vec<(Decision, usize)>> = HashMap::new();
        let mut due = Vec::new();
        let mut again: HashSet<Pair> = HashSet::new();
        for case in cases {
            let Case { at, found, record, .. } = case;
            let pair = (*at, found.key.clone());
            if !answered.contains(&pair) {
                continue;
            }
            let time = found.time.min(self.now);
            let last = restored.bans.get(&pair);
            // The match that the last notice was given for: it is delivered again, and perhaps was not told.
            if let Some(ban) = last.filter(|ban| first && is_mark(ban) && ban.record.since == time)
                && ban.is_unannounced()
                && again.insert(pair.clone())
            {
                let (version, reason) = (ban.version, ban.record.reason.clone());
                let decision = self.decision(*at, found, time, reason);
                due.extend(decision.map(|decision| self.due(decision, *at, *record, version, cases)));
            }
            if restored.spent.get(&pair).is_some_and(|spent| time <= *spent) {
                continue;
            }
            let (jails, states, mut made) = (&self.setup.jails, &mut restored.states, Vec::new());
            let seen =
                step::observe(jails, states, *at, &found.key, found.time, found.count, self.now, &mut made);
            if seen == Seen::Decided {
                decided.entry(pair).or_default().extend(made.pop().map(|decision| (decision, *record)));
            }
        }
        let mut lost = HashSet::new();
        for pair in order {
            let Some(decisions) = decided.remove(&pair) else { continue };
            let Some(mark) = restored.states.ban_record(&self.setup.jails, pair.0, &pair.1) else { continue };
            let seen = restored.bans.get(&pair).map_or(0, |ban| ban.version);
            match self.ledger.put_ban(&mark, seen) {
                Ok(true) => {
                    for (decision, record) in decisions {
                        due.push(self.due(decision, pair.0, record, seen + 1, cases));
                    }
                }
                Ok(false) => _ = lost.insert(pair),
                Err(error) => {
                    self.failed.extend(decisions.iter().map(|(_, record)| *record));
                    tracing::error!(error = %error, hint = error.hint, "what was answered could not be put");
                }
            }
        }
        self.give(&due);
        lost
    }

    fn decision(&self, at: usize, found: &Match, time: Timestamp, reason: Reason) -> Option<Decision> {
        let jail = self.setup.jails.get(at)?;
        let verdict = if jail.target == Target::Repair { Verdict::Repair } else { Verdict::Notify };
        let (name, key) = (Arc::clone(&jail.name), found.key.clone());
        Some(Decision { jail: name, key, verdict, at: time, reason, nth: 0 })
    }

    /// A notice with those of its matches that are at hand.
    fn due(&self, decision: Decision, at: usize, record: usize, version: u64, cases: &[Case]) -> Due {
        let mine = cases.iter().filter(|case| case.at == at && case.found.key == decision.key);
        let mut matches: Vec<Match> =
            mine.map(|case| case.found.clone()).filter(|found| found.time <= decision.at).collect();
        matches.sort_by_key(|found| Reverse(found.time));
        matches.truncate(usize::try_from(decision.reason.matches()).unwrap_or(usize::MAX).max(1));
        Due { notice: Notice { decision, matches }, at, record, then: Then::Note(version) }
    }

    /// Gives notices, and notes which were.
    fn give(&mut self, due: &[Due]) {
        for part in due.chunks(AT_ONCE) {
            let to = |at: usize| self.setup.responders.get(at).map(Vec::as_slice).unwrap_or_default();
            let notices: Vec<(Notice, &[Arc<str>])> =
                part.iter().map(|due| (due.notice.clone(), to(due.at))).collect();
            let outcomes = self.tellers.tell(&notices, self.now);
            let (mut told, mut remembered) = (Vec::new(), Vec::new());
            for (due, outcome) in part.iter().zip(outcomes) {
                let decision = &due.notice.decision;
                match outcome {
                    Outcome::Failed { error } => {
                        self.counts.unannounced += 1;
                        self.failed.insert(due.record);
                        tracing::error!(jail = &*decision.jail, key = %decision.key, error, "not told, it is repeated");
                        continue;
                    }
                    Outcome::Later { .. } => {
                        self.failed.insert(due.record);
                        continue;
                    }
                    Outcome::Refused { reason } => {
                        self.counts.refused += 1;
                        tracing::warn!(jail = &*decision.jail, key = %decision.key, reason, "notice refused");
                    }
                    _ => {
                        self.counts.notices += 1;
                        let what = if decision.verdict == Verdict::Repair { "repair" } else { "notice" };
                        tracing::info!(jail = &*decision.jail, key = %decision.key, reason = %decision.reason, "{what}");
                    }
                }
                match &due.then {
                    Then::Remember(case) => remembered.push((**case).clone()),
                    Then::Note(version) => {
                        told.push((Arc::clone(&decision.jail), decision.key.clone(), *version));
                    }
                }
            }
            self.write_down(&remembered);
            if !told.is_empty() {
                self.note(&told);
            }
        }
    }
}

/// Whether a record only says up to when matches had their answer: it was never a ban.
pub(super) fn is_mark(ban: &LedgerBan) -> bool {
    let record = &ban.record;
    !record.live && record.times == 0 && record.since == record.until
}

/// A notice of a mark whose function died before it told. Its matches are not at hand.
pub(super) fn late_notice(ban: &LedgerBan, target: Option<Target>) -> Notice {
    let record = &ban.record;
    let verdict = if target == Some(Target::Repair) { Verdict::Repair } else { Verdict::Notify };
    let decision = Decision {
        jail: Arc::clone(&record.jail),
        key: record.key.clone(),
        verdict,
        at: record.since,
        reason: record.reason.clone(),
        nth: 0,
    };
    Notice { decision, matches: Vec::new() }
}
