//! The turn: what was found is judged, remembered, and only then carried out.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use stockade_core::bans::Ban;
use stockade_core::ports::{Batch, Clock, Order, Store, StoreError};
use stockade_core::{Decision, Jails, Key, Match, Seen, States, Timestamp, Verdict, step};

use super::evidence::Captures;
use super::hands::Hand;
use super::live::Live;
use super::outbox::InFlight;
use super::tally::Tally;
use crate::fail2ban_log::Fail2banLog;
use crate::guards::{Guarded, Guards};
use crate::ignoring::Ignoring;

/// How many matches may wait for a store that does not work before reading stops.
pub(crate) const MAX_WAITING_MATCHES: usize = 50_000;

/// The one owner of what the jails remember and of the store.
pub(crate) struct Turn {
    pub(crate) jails: Jails,
    /// Who carries out each jail's decisions, by the jail's place.
    pub(crate) responders_of: Vec<Vec<Arc<str>>>,
    pub(crate) states: States,
    pub(crate) store: Box<dyn Store>,
    pub(crate) hands: Vec<Hand>,
    pub(crate) guards: Guards,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tally: Tally,
    /// Whom each jail ignores, and why.
    pub(crate) ignoring: Vec<Ignoring>,
    /// What commands changed in each jail that the configuration has no place for.
    pub(crate) live: Vec<Live>,
    /// The log in fail2ban's format.
    pub(crate) log: Arc<Fail2banLog>,
    /// What the filters capture in a line that is on record.
    pub(crate) captures: Captures,
    /// Bans of the fleet that are not in force here, by the jail's place: a guard or `ignoreip` of this host forbids it.
    pub(super) withheld: HashSet<(usize, Key)>,
    /// What the next commit will remember.
    pub(super) batch: Batch,
    /// Whose ban has changed since the last commit.
    touched: HashSet<(usize, Key)>,
    /// Outbox lines that a responder is working on.
    pub(super) in_flight: HashMap<i64, InFlight>,
    /// What the messages of a queue wait for.
    #[cfg(feature = "aws")]
    pub(crate) tracker: Option<crate::agent::tracker::Tracker>,
    /// What messages with events wait for.
    #[cfg(feature = "aws")]
    pub(crate) messages: crate::events::taken::Messages,
    /// When the store is tried again after a failure.
    retry_store_at: Option<Timestamp>,
    /// How many orders of the waiting batch were handed out before they were stored.
    pub(super) acted_from_memory: usize,
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").field("tally", &self.tally).finish_non_exhaustive()
    }
}

impl Turn {
    /// Takes up what the store remembers. Windows and bans of jails that no longer exist are left where they are.
    pub(crate) fn new(
        jails: Jails,
        responders_of: Vec<Vec<Arc<str>>>,
        mut store: Box<dyn Store>,
        guards: Guards,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Vec<stockade_core::Position>), StoreError> {
        let snapshot = store.load()?;
        let now = clock.now();
        let mut states = States::new(&jails);
        for window in &snapshot.windows {
            if let Some(at) = jails.find(&window.jail) {
                states.restore_window(&jails, at, &window.key, &window.times, now);
            }
        }
        for ban in snapshot.bans {
            if let Some(jail) = jails.find(&ban.jail) {
                let live = stockade_core::bans::Ban {
                    jail,
                    times: ban.times,
                    since: ban.since,
                    until: ban.until,
                    live: ban.live,
                    reason: ban.reason,
                };
                states.bans.put(&ban.key, live);
            }
        }
        states.track_changes();
        let tally = Tally::new(jails.len(), now);
        let turn = Self {
            ignoring: vec![Ignoring::default(); jails.len()],
            live: vec![Live::default(); jails.len()],
            log: Arc::new(Fail2banLog::off()),
            jails,
            responders_of,
            states,
            store,
            hands: Vec::new(),
            guards,
            clock,
            tally,
            captures: Captures::default(),
            withheld: HashSet::new(),
            batch: Batch::default(),
            touched: HashSet::new(),
            in_flight: HashMap::new(),
            #[cfg(feature = "aws")]
            tracker: None,
            #[cfg(feature = "aws")]
            messages: crate::events::taken::Messages::default(),
            retry_store_at: None,
            acted_from_memory: 0,
        };
        Ok((turn, snapshot.positions))
    }

    /// Judges what a source found.
    pub(crate) fn take(&mut self, matches: Vec<(usize, Match)>, position: stockade_core::Position) {
        self.count(matches);
        self.batch.positions.retain(|known| known.stream != position.stream);
        self.batch.positions.push(position);
    }

    /// Judges matches, wherever they come from.
    pub(crate) fn count(&mut self, matches: Vec<(usize, Match)>) {
        let now = self.clock.now();
        let mut decisions = Vec::new();
        for (at, found) in matches {
            if self.live.get(at).is_some_and(|live| live.idle) {
                continue;
            }
            let before = self
                .jails
                .get(at)
                .filter(|jail| jail.growth.is_some())
                .map_or(0, |jail| step::offences(jail, at, &self.states.bans, &found.key));
            let seen = step::observe(
                &self.jails,
                &mut self.states,
                at,
                &found.key,
                found.time,
                found.count,
                now,
                &mut decisions,
            );
            step::attest(&self.jails, at, seen, &found, &mut decisions);
            self.tell_seen(at, &found, seen, before);
            if seen == Seen::Ignored {
                continue;
            }
            self.tally.matched(at);
            tracing::debug!(jail = &*found.jail, key = %found.key, "found");
            self.batch.matches.push(found);
        }
        for decision in decisions {
            self.decide(decision, true, now);
        }
    }

    /// Ends the bans that are over.
    pub(crate) fn expire(&mut self) {
        let now = self.clock.now();
        for decision in step::expire(&self.jails, &mut self.states, now) {
            self.decide(decision, true, now);
        }
    }

    /// Takes a decision into the next commit, unless a guard stands in the way. `counted`: it counts against the
    /// limit of bans a minute. Returns the guard's reason.
    pub(crate) fn decide(&mut self, decision: Decision, counted: bool, now: Timestamp) -> Option<String> {
        let at = self.jails.find(&decision.jail)?;
        let key = decision.key.clone();
        let mut refused = None;
        let mut responders = self.responders_of.get(at).cloned().unwrap_or_default();
        match decision.verdict {
            Verdict::Ban { until, .. } if until <= now => {
                // Read so late that it is over: an offence all the same.
                responders.clear();
                tracing::info!(jail = &*decision.jail, key = %key, "ban is over before it begins");
            }
            Verdict::Ban { until, extends } => {
                refused = match self.guards.judge(&key, counted && !extends, now) {
                    Guarded::Pass => None,
                    Guarded::Refuse(reason) => Some(reason),
                    Guarded::Alarm(reason) => {
                        tracing::error!(reason, "bans are stopped: something is wrong, or very wrong");
                        self.tally.warn(format!("bans were stopped: {reason}"));
                        Some(reason)
                    }
                };
                match &refused {
                    Some(reason) => {
                        self.tally.refused += 1;
                        self.states.bans.end(at, &key, now);
                        tracing::warn!(jail = &*decision.jail, key = %key, reason, "ban refused");
                    }
                    None => {
                        self.tally.banned(at, extends);
                        let until = crate::show_time(until);
                        tracing::info!(jail = &*decision.jail, key = %key, until, reason = %decision.reason, "ban");
                    }
                }
            }
            Verdict::Unban => {
                tracing::info!(jail = &*decision.jail, key = %key, reason = %decision.reason, "unban");
            }
            // Nobody is kept out, so there is nobody whom a guard would have to let in.
            other => {
                self.tally.told += 1;
                let what = if other == Verdict::Repair { "repair" } else { "notice" };
                tracing::info!(jail = &*decision.jail, key = %key, reason = %decision.reason, "{what}");
            }
        }
        self.tell_decision(at, &decision, refused.is_some(), now);
        if refused.is_none() {
            self.withheld.remove(&(at, key.clone()));
        }
        #[cfg(feature = "aws")]
        if let (Some(tracker), None) = (&mut self.tracker, &refused) {
            tracker.owe(&decision.jail, &key, responders.len());
        }
        self.touched.insert((at, key));
        self.batch.orders.push(Order { decision, responders, refused: refused.clone() });
        refused
    }

    /// Remembers a ban that was not decided here.
    pub(crate) fn remember(&mut self, key: &Key, ban: Ban) {
        self.touched.insert((ban.jail, key.clone()));
        self.states.bans.put(key, ban);
    }

    /// Remembers a position that nothing was found before: where reading began.
    pub(crate) fn note_position(&mut self, position: stockade_core::Position) {
        self.batch.positions.push(position);
    }

    /// Nothing waits for the store any more.
    fn remembered(&mut self) {
        #[cfg(feature = "aws")]
        self.messages.committed();
    }

    /// Whether so much waits for the store that reading must stop.
    pub(crate) fn is_full(&self) -> bool {
        self.batch.matches.len() >= MAX_WAITING_MATCHES
    }

    /// Remembers everything since the last commit, or nothing of it; then hands out what is due.
    ///
    /// While the store does not work, bans are carried out from memory: nobody may get in by filling the disk. What
    /// was found waits; since its positions are not stored either, a crash makes it be read and judged again.
    pub(crate) fn commit(&mut self) {
        let now = self.clock.now();
        self.batch.windows.extend(self.states.take_changed_windows(&self.jails));
        for (at, key) in self.touched.drain() {
            self.batch.bans.extend(self.states.ban_record(&self.jails, at, &key));
        }
        let waiting = self.retry_store_at.is_some_and(|at| now < at);
        if !self.batch.is_empty() && !waiting {
            match self.store.commit(&self.batch) {
                Ok(_) => {
                    if self.retry_store_at.take().is_some() {
                        tracing::info!("the store works again");
                    }
                    self.batch = Batch::default();
                    self.remembered();
                }
                Err(error) => self.store_failed(&error, now),
            }
        }
        if self.batch.is_empty() {
            self.remembered();
        }
        if self.retry_store_at.is_some() {
            self.act_from_memory();
        } else {
            self.hand_out();
        }
    }

    /// When the next ban is over.
    pub(crate) fn next_expiry(&self) -> Option<Timestamp> {
        self.states.bans.next_expiry()
    }

    /// How many decisions wait to be carried out.
    pub(crate) fn waiting(&self) -> u64 {
        (self.in_flight.len() + self.batch.orders.len()) as u64
    }

    /// Whether the store failed just now.
    pub(super) fn waits_for_store(&self) -> bool {
        self.retry_store_at.is_some()
    }

    pub(crate) fn store_failed(&mut self, error: &StoreError, now: Timestamp) {
        if self.retry_store_at.is_none() {
            self.acted_from_memory = 0;
            self.tally.warn(error.message.clone());
            tracing::error!(error = %error, hint = error.hint, "the store does not work; bans go on from memory");
        }
        self.retry_store_at = Some(now.plus(Duration::from_secs(1)));
    }
}
