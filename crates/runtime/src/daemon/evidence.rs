//! What is told of a ban to those who tell others: its lines, what the filter captured in them, the jail's numbers.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use stockade_core::ports::{Evidence, JailCounts, OutboxItem, Standing, Wants};
use stockade_core::{Decision, Key, Match, MatchId, Reason};
use stockade_filter::date::Zone;
use stockade_filter::{Filter, FilterSet, Scanner, Undated, Verdict};

use super::turn::Turn;

/// How many lines are told of one key at most.
const MAX_LINES: usize = 100;

/// What the filters capture in a line that is on record. Only what decides something is kept with a match; whoever
/// wants the rest has it found again.
#[derive(Debug, Default)]
pub(crate) struct Captures {
    /// By the jail's place.
    scanners: Vec<Option<Scanner>>,
}

impl Captures {
    /// For the filters of some jails, by their places.
    pub(crate) fn new<'f>(filters: impl Iterator<Item = Option<(&'f Arc<Filter>, &'f Zone)>>) -> Self {
        let scanner = |(filter, zone): (&Arc<Filter>, &Zone)| {
            let (set, _) = FilterSet::new(vec![Arc::clone(filter)]);
            Scanner::new(Arc::new(set), zone, None, Undated::IsNow).ok()
        };
        Self { scanners: filters.map(|of_jail| of_jail.and_then(scanner)).collect() }
    }

    /// The groups of the filter in a match, by their names; empty if it does not match by itself.
    fn fields(&mut self, jail: usize, found: &Match) -> Vec<(Box<str>, Box<str>)> {
        let Some(scanner) = self.scanners.get_mut(jail).and_then(Option::as_mut) else { return Vec::new() };
        // A line of the journal has no date in it.
        for known in [None, Some(found.time)] {
            for explained in scanner.explain(found.line.as_bytes(), known, found.time) {
                if let Verdict::Matched { fields, .. } = explained.verdict {
                    let named = |(name, text): (String, String)| {
                        let name = if name == "id" { "fid".to_owned() } else { name };
                        (name.into_boxed_str(), text.into_boxed_str())
                    };
                    return fields.into_iter().map(named).collect();
                }
            }
        }
        Vec::new()
    }
}

impl Turn {
    /// What can be told of a decision.
    pub(super) fn evidence(&mut self, decision: &Decision, wants: Wants) -> Evidence {
        let evidence = Evidence::of(decision);
        self.with_lines(evidence, &decision.jail, &decision.key, wants)
    }

    /// The bans that should be in force at a responder, with what can be told of them.
    pub(super) fn wanted_with_evidence(
        &mut self,
        responder: &str,
        wants: Wants,
    ) -> Vec<(Standing, Evidence)> {
        let wanted = self.wanted(responder);
        let told = |standing: Standing| {
            let at = self.jails.find(&standing.jail)?;
            let ban = self.states.bans.get(at, &standing.key)?;
            let (since, nth, failures) = (ban.since, ban.times, ban.reason.matches());
            let reason = Some(ban.reason.clone());
            let evidence = Evidence { since, nth, failures, reason, ..Evidence::default() };
            let evidence = self.with_lines(evidence, &standing.jail, &standing.key, wants);
            Some((standing, evidence))
        };
        wanted.into_iter().filter_map(told).collect()
    }

    /// The matches that are answered each by one of these decisions, also those that the store could not be told of yet.
    pub(super) fn answered_by(&mut self, items: &[OutboxItem]) -> HashMap<MatchId, Match> {
        let mut wanted: HashSet<MatchId> = items.iter().filter_map(|item| answers(&item.decision)).collect();
        let mut found = HashMap::with_capacity(wanted.len());
        for waiting in &self.batch.matches {
            if wanted.remove(&waiting.id) {
                found.insert(waiting.id, waiting.clone());
            }
        }
        if wanted.is_empty() {
            return found;
        }
        let ids: Vec<MatchId> = wanted.into_iter().collect();
        match self.store.matches_by_id(&ids) {
            Ok(stored) => found.extend(stored.into_iter().map(|one| (one.id, one))),
            Err(error) => tracing::warn!(error = %error, "told without its records"),
        }
        found
    }

    /// What a decision that is no ban rests on, the newest match first.
    pub(super) fn grounds(&mut self, decision: &Decision, answered: &HashMap<MatchId, Match>) -> Evidence {
        let matches = match answers(decision) {
            Some(id) => answered.get(&id).cloned().into_iter().collect(),
            None => {
                let most = usize::try_from(decision.reason.matches()).unwrap_or(MAX_LINES).max(1);
                let mut matches = self.matches_of(&decision.key);
                matches.retain(|found| found.jail == decision.jail && found.time <= decision.at);
                matches.reverse();
                matches.truncate(most);
                matches
            }
        };
        Evidence { matches, ..Evidence::of(decision) }
    }

    fn with_lines(&mut self, mut evidence: Evidence, jail: &str, key: &Key, wants: Wants) -> Evidence {
        let Some(at) = self.jails.find(jail) else { return evidence };
        if wants.matches {
            evidence.matches = self.matches_of(key);
        }
        if wants.fields {
            let first = first_of_ban(&evidence, jail).cloned();
            evidence.fields = first.map(|found| self.captures.fields(at, &found)).unwrap_or_default();
        }
        if wants.counts {
            let tally = self.tally.jail(at);
            let live = self.states.bans.iter().filter(|(_, ban)| ban.live && ban.jail == at).count();
            evidence.counts = JailCounts {
                banned: live as u64,
                banned_total: tally.bans,
                found: self.states.windows(at).map_or(0, |windows| windows.len() as u64),
                found_total: tally.matches,
            };
        }
        evidence
    }

    /// The newest matches of a key, the oldest first, also those that the store could not be told of yet.
    fn matches_of(&mut self, key: &Key) -> Vec<Match> {
        let waiting = self.batch.matches.iter().rev().filter(|found| found.key == *key).cloned();
        let mut matches: Vec<Match> = waiting.take(MAX_LINES).collect();
        match self.store.matches_of(key, MAX_LINES - matches.len()) {
            Ok(stored) => matches.extend(stored),
            Err(error) => tracing::debug!(error = %error, "a ban is told without its lines"),
        }
        matches.reverse();
        matches
    }
}

/// The match that a decision answers by itself.
fn answers(decision: &Decision) -> Option<MatchId> {
    match decision.reason {
        Reason::Match { id } => Some(id),
        _ => None,
    }
}

/// The first of the matches that led to a ban.
fn first_of_ban<'e>(evidence: &'e Evidence, jail: &str) -> Option<&'e Match> {
    let before = |found: &&Match| &*found.jail == jail && found.time <= evidence.since;
    let of_ban = evidence.matches.iter().rev().filter(before);
    of_ban.take(usize::try_from(evidence.failures).unwrap_or(usize::MAX).max(1)).last()
}
