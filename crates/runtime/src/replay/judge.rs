//! Judges matches in the order of time, and keeps account of what follows.

use std::cmp::Reverse;

use stockade_core::bans::Bans;
use stockade_core::windows::Windows;
use stockade_core::{Decision, Feed, Key, Seen, States, Timestamp, Verdict, step};
use stockade_filter::Hit;

use super::limits::MAX_BANS;
use super::offenders::{BanSpan, Offenders};
use super::plan::Plan;
use super::report::JailTally;

/// The jails at work. The time is the newest that a record told so far: nothing asks a clock.
#[derive(Debug)]
pub(super) struct Judge<'p> {
    plan: &'p Plan,
    states: States,
    pub(super) table: Offenders,
    pub(super) tallies: Vec<JailTally>,
    now: Timestamp,
    range: (Timestamp, Timestamp),
    decisions: Vec<Decision>,
    /// Bans that were begun or made longer since the last look at how many there are.
    fresh_bans: usize,
    pub(super) forgotten_bans: u64,
    pub(super) evicted_keys: u64,
}

/// Evidence, with the place of the jail that counts it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence<'e> {
    pub(super) jail: usize,
    pub(super) key: &'e Key,
    pub(super) time: Timestamp,
    pub(super) count: u32,
    pub(super) user: Option<&'e [u8]>,
}

impl<'e> Evidence<'e> {
    /// What a hit means to the jail at that place.
    pub(super) fn of(jail: usize, hit: &'e Hit<'_>) -> Self {
        Self { jail, key: &hit.key, time: hit.time, count: hit.count, user: hit.user }
    }
}

impl<'p> Judge<'p> {
    /// Nothing seen. Only matches from `range.0` to `range.1`, both included, will count.
    pub(super) fn new(plan: &'p Plan, range: (Timestamp, Timestamp)) -> Self {
        let tallies = plan.jails.iter().map(|jail| JailTally::new(jail.name.clone())).collect();
        Self {
            plan,
            states: States::new(&plan.jails),
            table: Offenders::new(),
            tallies,
            now: Timestamp::MIN,
            range,
            decisions: Vec::new(),
            fresh_bans: 0,
            forgotten_bans: 0,
            evicted_keys: 0,
        }
    }

    /// Forgets windows, bans and the time, for logs that are counted apart from those before.
    pub(super) fn start_anew(&mut self) {
        self.note_evictions();
        self.states = States::new(&self.plan.jails);
        self.now = Timestamp::MIN;
        self.fresh_bans = 0;
    }

    /// Judges one match.
    pub(super) fn judge(&mut self, found: Evidence<'_>) {
        let Evidence { jail, key, time, count, user } = found;
        let jails = &self.plan.jails;
        let (Some(tally), Some(rules)) = (self.tallies.get_mut(jail), jails.get(jail)) else { return };
        if time < self.range.0 || time > self.range.1 {
            return;
        }
        if time > self.now {
            self.now = time;
            // What it returns is of no interest here: a ban's end was told when it began.
            step::expire(jails, &mut self.states, time);
        }
        let (states, decisions) = (&mut self.states, &mut self.decisions);
        if step::observe(jails, states, jail, key, time, count, self.now, decisions) == Seen::Ignored {
            tally.ignored += u64::from(count);
            return;
        }
        tally.matches += u64::from(count);
        tally.late += u64::from(self.now.since(time) > rules.threshold.findtime);
        self.table.record(jail, key, time, count, user);
        if !self.decisions.is_empty() {
            self.take_decisions();
        }
    }

    /// Takes account of keys that the jails had to forget.
    pub(super) fn note_evictions(&mut self) {
        let places = 0..self.plan.jails.len();
        let evicted = places.filter_map(|at| self.states.windows(at)).map(Windows::evicted);
        self.evicted_keys += evicted.sum::<u64>();
    }

    fn take_decisions(&mut self) {
        let jails = &self.plan.jails;
        for decision in self.decisions.drain(..) {
            let (Verdict::Ban { until, extends }, Some(at)) = (decision.verdict, jails.find(&decision.jail))
            else {
                continue;
            };
            self.fresh_bans += 1;
            // A ban that had to be forgotten is in force all the same.
            let in_force =
                || self.table.last_ban(at, &decision.key).is_some_and(|ban| decision.at < ban.until);
            let extends = extends || (self.forgotten_bans > 0 && in_force());
            let span = BanSpan { from: decision.at, until };
            let feeds = |at: usize, feed| jails.get(at).is_some_and(|jail| jail.feed == feed);
            if feeds(at, Feed::Bans) && self.table.last_ban(at, &decision.key).is_none() {
                let others = (0..jails.len()).filter(|&other| feeds(other, Feed::Matches));
                self.table.ban_for_bans(at, &decision.key, span, others);
            } else {
                self.table.ban(at, &decision.key, span, extends);
            }
            if extends {
                continue;
            }
            if let Some(tally) = self.tallies.get_mut(at) {
                tally.bans += 1;
            }
            if feeds(at, Feed::Matches) {
                // What a jail that counts bans makes of it came as a decision of its own; its evidence is this ban.
                for (other, rules) in jails.iter().enumerate().filter(|(_, jail)| jail.feed == Feed::Bans) {
                    let Some(tally) = self.tallies.get_mut(other) else { continue };
                    if rules.ignore.covers(&decision.key) {
                        tally.ignored += 1;
                    } else {
                        tally.matches += 1;
                        self.table.count_ban(other, &decision.key, decision.at);
                    }
                }
            }
        }
        if self.fresh_bans >= MAX_BANS / 4 {
            self.fresh_bans = 0;
            self.trim_bans();
        }
    }

    /// Puts the bans into a new home, those that end last, at most three quarters of [`MAX_BANS`]. The old home also
    /// held every expiry that a longer one has replaced.
    fn trim_bans(&mut self) {
        let most = MAX_BANS - MAX_BANS / 4;
        let mut untils: Vec<_> = self.states.bans.iter().map(|(_, ban)| Reverse(ban.until)).collect();
        let (limit, mut at_limit) = match untils.len().checked_sub(most) {
            None | Some(0) => (Timestamp::MIN, 0),
            Some(_) => {
                let (later, Reverse(limit), _) = untils.select_nth_unstable(most);
                let limit = *limit;
                (limit, most - later.iter().filter(|Reverse(until)| *until > limit).count())
            }
        };
        drop(untils);
        let mut kept = Bans::default();
        for (key, ban) in self.states.bans.iter() {
            if ban.until <= limit && at_limit == 0 {
                self.forgotten_bans += 1;
                continue;
            }
            at_limit -= usize::from(ban.until == limit && at_limit > 0);
            if ban.until >= limit {
                kept.put(key, ban.clone());
            } else {
                self.forgotten_bans += 1;
            }
        }
        self.states.bans = kept;
    }
}
