//! Matches to bans: remembers, recalls, judges, puts, announces.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use stockade_core::ledger::{Answer, LedgerBan, Question};
use stockade_core::ports::StoreError;
use stockade_core::{BanRecord, Decision, Match, MatchId, Outcome, Seen, Timestamp, Verdict, step};

use super::announce::{Announcer, Say};
use super::counts::Counts;
use super::reading::Case;
use super::restore::{Own, Pair, Restored, at_hand};
use super::setup::Setup;
use super::table::FunctionLedger;
use super::tellers::Tellers;
use crate::guards::{Guarded, Guards};

/// How many keys are asked about in one call of the ledger.
const ASKED_AT_ONCE: usize = 500;
/// How many matches at hand a question about their key allows for. With more of them the ban stands anyway, and only its
/// beginning may be that of a later one.
const MAX_RECALLED: u32 = 10_000;
/// How often it is decided again because another function was first.
const MAX_RACES: usize = 8;

/// What judging works with.
pub(super) struct Judging<'j> {
    pub(super) setup: &'j Setup,
    pub(super) ledger: &'j mut dyn FunctionLedger,
    pub(super) announcer: &'j mut dyn Announcer,
    pub(super) tellers: &'j mut Tellers,
    pub(super) guards: &'j mut Guards,
    pub(super) counts: &'j mut Counts,
    pub(super) now: Timestamp,
    /// The records that are to be delivered again.
    pub(super) failed: BTreeSet<usize>,
}

/// A ban that counts in the jails that count bans.
struct Offence {
    pair: Pair,
    time: Timestamp,
    nth: u32,
    record: usize,
}

/// What follows from the matches of one pair.
struct Change {
    pair: Pair,
    record: BanRecord,
    seen: u64,
    /// Whether the world is to be told.
    tell: bool,
    extends: bool,
    /// The record to be delivered again if it cannot be put.
    from: usize,
}

impl Judging<'_> {
    /// Leaves out what jails ignore, and writes the rest down. Returns it.
    pub(super) fn remember(&mut self, cases: Vec<Case>) -> Vec<Case> {
        let cases = self.heard(cases);
        self.write_down(&cases);
        cases
    }

    /// Judges what is remembered, and what follows from it in the jails that count bans.
    pub(super) fn judge(&mut self, cases: Vec<Case>) {
        let offences = self.round(cases);
        let follow = self.follow_ups(&offences);
        if !follow.is_empty() {
            self.round(follow);
        }
    }

    /// What jails do not ignore; of two with one id the first.
    pub(super) fn heard(&mut self, cases: Vec<Case>) -> Vec<Case> {
        let mut seen = HashSet::with_capacity(cases.len());
        let mut heard = Vec::with_capacity(cases.len());
        for case in cases {
            let Some(jail) = self.setup.jails.get(case.at) else { continue };
            if jail.ignore.covers(&case.found.key) {
                self.counts.ignored += 1;
                tracing::debug!(jail = &*case.found.jail, key = %case.found.key, "ignored");
            } else if seen.insert((case.at, case.found.key.clone(), case.found.id)) {
                self.counts.matches += 1;
                tracing::debug!(jail = &*case.found.jail, key = %case.found.key, "found");
                heard.push(case);
            }
        }
        heard
    }

    /// Writes matches down, whoever judges them.
    pub(super) fn write_down(&mut self, cases: &[Case]) {
        if cases.is_empty() {
            return;
        }
        let matches: Vec<Match> = cases.iter().map(|case| case.found.clone()).collect();
        let events: Vec<_> = cases.iter().map(|case| case.event.clone()).collect();
        if let Err(unwritten) = self.ledger.remember_events(&matches, &events) {
            let ids: HashSet<MatchId> = unwritten.ids.into_iter().collect();
            let lost = cases.iter().filter(|case| ids.contains(&case.found.id)).map(|case| case.record);
            self.failed.extend(lost);
            self.trouble("matches could not be remembered", &unwritten.error);
        }
    }

    fn trouble(&self, what: &'static str, error: &StoreError) {
        tracing::error!(error = %error, hint = error.hint, "{what}");
    }

    /// Judges until no other function comes first. Returns the bans that count as offences.
    fn round(&mut self, cases: Vec<Case>) -> Vec<Offence> {
        let mut offences = Vec::new();
        let mut open = cases;
        for attempt in 0..MAX_RACES {
            if open.is_empty() {
                return offences;
            }
            let lost = self.sitting(&open, attempt == 0, &mut offences);
            open.retain(|case| lost.contains(&(case.at, case.found.key.clone())));
            self.counts.races += lost.len() as u64;
        }
        tracing::warn!(keys = open.len(), "other functions were always first");
        self.failed.extend(open.iter().map(|case| case.record));
        offences
    }

    /// Judges once. Returns the pairs for which another function was first.
    fn sitting(&mut self, cases: &[Case], first: bool, offences: &mut Vec<Offence>) -> HashSet<Pair> {
        let (order, own) = at_hand(cases);
        let answers = self.recall(&order, &own, cases);
        let answered: HashSet<Pair> = answers.iter().map(|(pair, _)| pair.clone()).collect();
        let mut restored = Restored::new(&self.setup.jails, answers, &own, self.now);
        let mut decisions: HashMap<Pair, (Vec<Decision>, usize)> = HashMap::new();
        let mut answered_for: HashMap<Pair, usize> = HashMap::new();
        let mut made = Vec::new();
        for case in cases {
            let pair = (case.at, case.found.key.clone());
            if !answered.contains(&pair) {
                continue;
            }
            let time = case.found.time.min(self.now);
            let since = restored.bans.get(&pair).map(|ban| ban.record.since);
            if since == Some(time) {
                // The match that the last ban was taken for: it is delivered again.
                answered_for.insert(pair.clone(), case.record);
            }
            if restored.spent.get(&pair).is_some_and(|spent| time <= *spent) {
                continue;
            }
            let (jails, states) = (&self.setup.jails, &mut restored.states);
            let Case { at, found, record, .. } = case;
            let seen =
                step::observe(jails, states, *at, &found.key, found.time, found.count, self.now, &mut made);
            if seen == Seen::Banned {
                let known = decisions.entry(pair).or_insert_with(|| (Vec::new(), *record));
                known.0.append(&mut made);
            }
            made.clear();
        }
        let mut says = Vec::new();
        if first {
            for (pair, record) in answered_for {
                if decisions.contains_key(&pair) {
                    continue;
                }
                if let Some(ban) = restored.bans.get(&pair) {
                    let (time, nth) = (ban.record.since, ban.record.times);
                    offences.push(Offence { pair: pair.clone(), time, nth, record });
                    // What was announced once and made longer since is being announced by who made it longer, or
                    // by `expire`.
                    if ban.announced == 0 && ban.record.live && ban.record.until > self.now {
                        self.counts.repeats += 1;
                        says.push(self.say(pair.0, ban.clone(), false));
                    }
                }
            }
        }
        let mut changes = Vec::new();
        let mut new_offences = Vec::new();
        for pair in order {
            let Some((decisions, from)) = decisions.remove(&pair) else { continue };
            let seen = restored.bans.get(&pair).map_or(0, |ban| ban.version);
            new_offences.extend(decisions.iter().filter_map(|decision| match decision.verdict {
                Verdict::Ban { extends: false, .. } => {
                    let (time, nth) = (decision.at, decision.nth);
                    Some(Offence { pair: pair.clone(), time, nth, record: from })
                }
                _ => None,
            }));
            changes.extend(self.change(&pair, &decisions, &mut restored, seen, from));
        }
        // Before the ban is put: whoever dies after that leaves the count right.
        let follow = self.follow_ups(&new_offences);
        self.write_down(&follow);
        let mut lost = HashSet::new();
        for change in changes {
            match self.ledger.put_ban(&change.record, change.seen) {
                Ok(true) => says.extend(self.put(change)),
                Ok(false) => _ = lost.insert(change.pair),
                Err(error) => {
                    self.failed.insert(change.from);
                    self.trouble("a ban could not be put", &error);
                }
            }
        }
        offences.extend(new_offences.into_iter().filter(|offence| !lost.contains(&offence.pair)));
        self.tell(&says);
        lost
    }

    /// What a pair's decisions come to: its last state, and whether the world is told.
    fn change(
        &mut self,
        pair: &Pair,
        decisions: &[Decision],
        restored: &mut Restored,
        seen: u64,
        from: usize,
    ) -> Option<Change> {
        let (at, key) = pair;
        let last = decisions.last()?;
        let extends = decisions.iter().all(|d| matches!(d.verdict, Verdict::Ban { extends: true, .. }));
        let jails = &self.setup.jails;
        let over = restored.states.bans.get(*at, key).is_none_or(|ban| !ban.live);
        let mut tell = !over;
        if over {
            tracing::info!(jail = &*last.jail, key = %key, "ban is over before it begins");
        } else if let Guarded::Refuse(reason) | Guarded::Alarm(reason) =
            self.guards.judge(key, !extends, self.now)
        {
            self.counts.refused += 1;
            restored.states.bans.end(*at, key, self.now);
            tell = false;
            tracing::warn!(jail = &*last.jail, key = %key, reason, "ban refused");
        }
        let record = restored.states.ban_record(jails, *at, key)?;
        Some(Change { pair: pair.clone(), record, seen, tell, extends, from })
    }

    /// A ban was put: whatever is to be said of it.
    fn put(&mut self, change: Change) -> Option<Say> {
        let Change { pair, record, seen, tell, extends, .. } = change;
        let version = seen + 1;
        if !tell {
            self.note(&[(Arc::clone(&record.jail), record.key.clone(), version)]);
            return None;
        }
        if extends {
            self.counts.extensions += 1;
        } else {
            self.counts.bans += 1;
        }
        let until = crate::show_time(record.until);
        tracing::info!(
            jail = &*record.jail, key = %record.key, until, reason = %record.reason, nth = record.times, extends, "ban"
        );
        Some(self.say(pair.0, LedgerBan { record, version, announced: 0 }, extends))
    }

    fn say(&self, at: usize, ban: LedgerBan, extends: bool) -> Say {
        Say { ban, extends, to: self.setup.responders.get(at).cloned().unwrap_or_default() }
    }

    /// Announces, and notes what was announced.
    fn tell(&mut self, says: &[Say]) {
        tell(says, self.announcer, self.ledger, self.counts, self.now);
    }

    pub(super) fn note(&mut self, told: &[(Arc<str>, stockade_core::Key, u64)]) {
        if let Err(error) = self.ledger.note_announced(told) {
            self.trouble("an announcement could not be noted, it is repeated", &error);
        }
    }

    /// What is known of these keys, and no others.
    pub(super) fn recall(
        &mut self,
        order: &[Pair],
        all: &HashMap<Pair, Own>,
        cases: &[Case],
    ) -> Vec<(Pair, Answer)> {
        let mut asked: Vec<(Pair, Question)> = Vec::with_capacity(order.len());
        let jails = &self.setup.jails;
        let mut others: HashSet<Pair> = HashSet::new();
        for pair in order {
            let (Some(jail), Some(at_hand)) = (jails.get(pair.0), all.get(pair)) else { continue };
            let earliest = at_hand.times.iter().min().copied().unwrap_or(self.now).min(self.now);
            let question = |jail: &stockade_core::Jail, since, limit| Question {
                jail: Arc::clone(&jail.name),
                key: pair.1.clone(),
                since,
                limit,
            };
            // What is at hand is written already and comes back with the rest: the newest beside it are wanted, one
            // less than ban by themselves.
            let own = u32::try_from(at_hand.ids.len()).unwrap_or(u32::MAX).min(MAX_RECALLED);
            let limit = jail.threshold.maxretry.get().saturating_add(own).saturating_sub(1).max(1);
            asked.push((pair.clone(), question(jail, earliest.minus(jail.threshold.findtime), limit)));
            if jail.growth.as_ref().is_some_and(|growth| growth.overalljails) {
                for (other, rules) in jails.iter().enumerate() {
                    let there = (other, pair.1.clone());
                    // Those at hand are asked about for their own sake.
                    if !all.contains_key(&there) && others.insert(there.clone()) {
                        asked.push((there, question(rules, self.now, 1)));
                    }
                }
            }
        }
        let mut answers = Vec::with_capacity(asked.len());
        for part in asked.chunks(ASKED_AT_ONCE) {
            let questions: Vec<Question> = part.iter().map(|(_, question)| question.clone()).collect();
            match self.ledger.recall(&questions) {
                Ok(found) => answers.extend(part.iter().map(|(pair, _)| pair.clone()).zip(found)),
                Err(error) => {
                    let pairs: HashSet<&Pair> = part.iter().map(|(pair, _)| pair).collect();
                    let of_them = |case: &&Case| pairs.contains(&(case.at, case.found.key.clone()));
                    self.failed.extend(cases.iter().filter(of_them).map(|case| case.record));
                    self.trouble("what is known could not be recalled", &error);
                }
            }
        }
        answers
    }

    /// The matches that bans are to the jails that count bans. The nth ban of a key in a jail is one match, whoever
    /// decides it and however often.
    fn follow_ups(&self, offences: &[Offence]) -> Vec<Case> {
        let jails = &self.setup.jails;
        let mut cases = Vec::new();
        for Offence { pair: (at, key), time, nth, record } in offences {
            let Some(from) = jails.get(*at).filter(|_| !self.setup.count_bans.contains(at)) else { continue };
            for &other in &self.setup.count_bans {
                let Some(jail) = jails.get(other).filter(|jail| !jail.ignore.covers(key)) else { continue };
                let id = MatchId::derive(&jail.name, &from.name, &key.to_string(), u64::from(*nth), 0);
                let found = Match {
                    id,
                    jail: Arc::clone(&jail.name),
                    key: key.clone(),
                    time: *time,
                    count: 1,
                    user: None,
                    stream: Arc::clone(&from.name),
                    line: format!("banned in the jail {}", from.name).into_boxed_str(),
                };
                cases.push(Case { at: other, found, record: *record, event: None });
            }
        }
        cases
    }
}

/// Announces, and notes what was announced. What was not stays in the ledger as not announced.
pub(super) fn tell(
    says: &[Say],
    announcer: &mut dyn Announcer,
    ledger: &mut dyn FunctionLedger,
    counts: &mut Counts,
    now: Timestamp,
) {
    if says.is_empty() {
        return;
    }
    let outcomes = announcer.announce(says, now);
    let mut told = Vec::with_capacity(says.len());
    for (nth, say) in says.iter().enumerate() {
        let record = &say.ban.record;
        match outcomes.get(nth) {
            Some(Outcome::Failed { error }) => {
                counts.unannounced += 1;
                tracing::error!(jail = &*record.jail, key = %record.key, error, "not announced, it is repeated");
            }
            // A name cannot be kept out by an address list: saying it again helps nobody.
            Some(Outcome::Refused { reason }) => {
                counts.refused += 1;
                tracing::warn!(jail = &*record.jail, key = %record.key, reason, "announcement refused");
                told.push((Arc::clone(&record.jail), record.key.clone(), say.ban.version));
            }
            // Nobody here would ask again; the next delivery, or `expire`, does.
            Some(Outcome::Later { .. }) | None => counts.unannounced += 1,
            Some(_) => told.push((Arc::clone(&record.jail), record.key.clone(), say.ban.version)),
        }
    }
    if !told.is_empty()
        && let Err(error) = ledger.note_announced(&told)
    {
        tracing::error!(error = %error, "an announcement could not be noted, it is repeated");
    }
}
