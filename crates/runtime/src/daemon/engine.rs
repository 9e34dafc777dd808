//! The loop: wait for something to happen, take in all that has, commit, hand out.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use stockade_config::{Config, Problems, Severity};
use stockade_core::ports::{Clock, Retention, Store};

use super::answers::Health;
use super::assembly::{Assembled, guards, open_store};
use super::carried::{Carried, begin_log};
use super::due::Due;
use super::input::{Input, Wish};
use super::responders::Kept;
use super::threads::{Replace, Threads, signals};
use super::turn::Turn;
use super::{DaemonError, RunOptions};
use crate::control::{Asked, Server};
use crate::fail2ban_log::Fail2banLog;
use crate::repair::Schedule;
use crate::store::StoreOptions;

/// How often the daemon looks up even if nothing happens.
const TICK: Duration = Duration::from_secs(1);
/// How often what is over is forgotten.
pub(super) const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// How many things are taken in before a commit.
const MAX_PER_COMMIT: usize = 256;

/// What to do about a jail that cannot be used.
const CHECK: &str = "`stockade check` shows every problem with its place";

/// Why the loop ended.
pub(crate) enum End {
    Stop {
        flush: bool,
    },
    Reload(Box<Config>),
    /// The same for a change that a command made: what others changed stays.
    Rebuild(Box<Config>),
}

pub(crate) fn run(
    load: &dyn Fn() -> Result<Config, Problems>,
    options: &RunOptions,
    clock: &Arc<dyn Clock>,
) -> Result<(), DaemonError> {
    let mut config = options.configured(load().map_err(DaemonError::Config)?)?;
    let store_options = StoreOptions::of(&config.program, options.store.as_ref());
    let (mut store, store_shown) = open_store(&store_options, clock.now(), warn)?;
    // The socket and the signals outlive a reload: a command that comes in the middle of one waits for its end.
    let (inputs, events) = channel();
    let socket = options.socket.clone().unwrap_or_else(|| config.program.socket.clone());
    let _server = listen(&socket, &inputs);
    let signals =
        signals(inputs.clone()).map_err(|error| DaemonError::System { what: "listen to signals", error })?;
    let kept = RefCell::default();
    let log = Arc::new(Fail2banLog::off());
    let mut carried = None;
    loop {
        let life = Life {
            load,
            options,
            clock,
            inputs: &inputs,
            events: &events,
            store_shown: &store_shown,
            kept: &kept,
            log: &log,
        };
        let (end, returned, carry) = serve(&config, &life, store, carried.take())?;
        match end {
            End::Stop { .. } => {
                log.server("Exiting");
                signals.close();
                return Ok(());
            }
            End::Reload(fresh) => {
                tracing::info!("configuration reloaded");
                config = *fresh;
                carried = Some(carry.without_changes());
            }
            End::Rebuild(fresh) => {
                config = *fresh;
                carried = Some(carry);
            }
        }
        store = returned;
    }
}

/// What outlives a reload.
pub(crate) struct Life<'d> {
    pub(super) load: &'d dyn Fn() -> Result<Config, Problems>,
    pub(super) options: &'d RunOptions,
    pub(super) clock: &'d Arc<dyn Clock>,
    pub(super) inputs: &'d Sender<Input>,
    pub(super) events: &'d Receiver<Input>,
    pub(super) store_shown: &'d str,
    log: &'d Arc<Fail2banLog>,
    pub(super) kept: &'d RefCell<Kept>,
}

/// One life between two reloads.
fn serve(
    config: &Config,
    life: &Life<'_>,
    store: Box<dyn Store>,
    carried: Option<Carried>,
) -> Result<(End, Box<dyn Store>, Carried), DaemonError> {
    for problem in &config.problems {
        let hint = problem.hint();
        match problem.severity {
            Severity::Error => tracing::error!(hint, "{problem}"),
            _ => tracing::warn!(hint, "{problem}"),
        }
    }
    for jail in &config.broken {
        tracing::error!(hint = CHECK, "jail left out: `{jail}`");
    }
    let mut assembled = Assembled::new(config, warn)?;
    let (mut turn, stored) = Turn::new(
        assembled.jails.clone(),
        assembled.responders_of(),
        store,
        guards(&config.program.guards),
        Arc::clone(life.clock),
    )
    .map_err(DaemonError::Store)?;
    #[cfg(feature = "aws")]
    if life.options.agent.is_some() {
        turn.track().map_err(DaemonError::Store)?;
    }
    turn.log = Arc::clone(life.log);
    turn.ignoring = std::mem::take(&mut assembled.ignoring);
    begin_log(config, &turn, carried.is_none());
    match carried {
        None => turn.tell_restored(),
        Some(carried) => carried.give_to(&mut turn),
    }
    let (mut threads, permits) = Threads::new();
    if let Some(listener) = turn.store.listener() {
        turn.withhold();
        threads.listen(listener, life.inputs.clone());
    }
    let replace_lookups = threads.look_up(assembled.lookups.clone(), life.inputs.clone());
    let due = Due::new(config.program.reconcile_every);
    let mut engine = Engine {
        config: config.clone(),
        replace_lookups,
        reported: 0,
        life,
        assembled,
        turn,
        health: Vec::new(),
        permits: Some(permits),
        due,
        unanswered: Vec::new(),
        #[cfg(feature = "aws")]
        agent: None,
        #[cfg(feature = "aws")]
        events: None,
    };
    engine.start_responders(&mut threads)?;
    for feed in engine.assembled.feeds(life.options, &stored, warn)? {
        threads.read(feed, &stored, Arc::clone(life.clock), life.inputs.clone());
    }
    #[cfg(feature = "aws")]
    if let Some(agent) = &life.options.agent {
        let started = crate::agent::Agent::start(config, agent, life.options.dry_run, life.inputs);
        engine.agent = Some(started.map_err(DaemonError::Agent)?);
    }
    #[cfg(feature = "aws")]
    engine.start_events(&threads)?;
    let mut repairs = engine.start_repairs();
    let telling = repairs.as_ref().and_then(|_| engine.start_telling());
    ready(&engine.assembled);
    let end = engine.turn_until_told(&threads);
    // It ends while the rest is closed; a repair that it is making is waited for behind that.
    repairs.iter_mut().for_each(Schedule::end);
    let closed = engine.close(end, threads);
    drop(repairs);
    drop(telling);
    Ok(closed)
}

pub(crate) struct Engine<'c> {
    /// As it is used: with what commands changed.
    pub(super) config: Config,
    pub(super) replace_lookups: Replace,
    /// Failures that were reported by command.
    pub(super) reported: u64,
    pub(super) life: &'c Life<'c>,
    pub(super) assembled: Assembled,
    pub(super) turn: Turn,
    pub(super) health: Vec<Health>,
    pub(super) permits: Option<Receiver<()>>,
    due: Due,
    /// Questions that came while this life was ending.
    pub(super) unanswered: Vec<Asked>,
    /// The queue of bans that others decided.
    #[cfg(feature = "aws")]
    pub(super) agent: Option<crate::agent::Agent>,
    /// The queue of events.
    #[cfg(feature = "aws")]
    pub(super) events: Option<crate::events::queue::EventQueue>,
}

impl Engine<'_> {
    fn turn_until_told(&mut self, threads: &Threads) -> End {
        loop {
            let wait = self.wait();
            let mut next = match self.life.events.recv_timeout(wait) {
                Ok(input) => Some(input),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return End::Stop { flush: self.life.options.flush },
            };
            let mut taken = 0;
            while let Some(input) = next {
                if let Some(end) = self.take(input) {
                    return end;
                }
                taken += 1;
                next = if taken < MAX_PER_COMMIT { self.life.events.try_recv().ok() } else { None };
            }
            self.turn.expire();
            self.turn.commit();
            #[cfg(feature = "aws")]
            if let Some(end) = self.after_commit() {
                return end;
            }
            self.free_permits();
            self.periodic();
            if self.life.options.stdin && threads.sources_ended() && self.turn.waiting() == 0 {
                return End::Stop { flush: self.life.options.flush };
            }
        }
    }

    /// Takes in one thing. `Some` if it ends the loop.
    fn take(&mut self, input: Input) -> Option<End> {
        match input {
            Input::Reading(reading) => {
                let skew = reading.skew.map(|skew| (skew, reading.ahead));
                self.turn.tally.read(&reading.stream, reading.lines, skew);
                if reading.names_too_late > 0 {
                    let warning = format!(
                        "{}: host names were not looked up in time and count for nobody",
                        reading.stream
                    );
                    tracing::warn!(names = reading.names_too_late, "{warning}");
                    self.turn.tally.warn(warning);
                }
                for (filter, regex, lines) in reading.exhausted {
                    self.turn.tally.exhausted(filter, regex, lines);
                }
                for (jail, key) in &reading.ignored {
                    self.turn.log.ignored(jail, key, "command");
                }
                self.turn.take(reading.matches, reading.position);
                self.due.permits += 1;
            }
            Input::Notice(notice) => self.notice(&notice),
            Input::Opened { position, resumed, jails } => {
                tracing::info!(stream = &*position.stream, resumed, offset = position.offset, "reading");
                let tally = self.turn.tally.streams.entry(position.stream.clone()).or_default();
                tally.problem = None;
                tally.jails = jails;
                if !resumed {
                    self.turn.note_position(position);
                }
            }
            Input::SourceDied { source, problem } => {
                tracing::error!(source, problem, "cannot read, trying again");
                self.turn.tally.warn(format!("{source}: {problem}"));
            }
            Input::Asked(asked) => return self.answer(asked),
            Input::Settled(settled) => self.turn.settle(&settled),
            Input::Responder { at, problem } => {
                if let Some(health) = self.health.get_mut(at) {
                    health.problem = problem.or_else(|| health.reduced.clone());
                }
            }
            Input::GroundChanged { at, what } => {
                tracing::warn!(what, "somebody else changed the firewall: putting the bans back");
                if let Some(hand) = self.turn.hands.get(at) {
                    self.turn.reconcile(hand);
                }
            }
            Input::Ignore { jail, found, warnings } => {
                warnings.into_iter().for_each(|warning| self.turn.tally.warn(warning));
                if let (Some(ignoring), Some(jail)) =
                    (self.turn.ignoring.get_mut(jail), self.turn.jails.get_mut(jail))
                {
                    ignoring.found = found;
                    jail.ignore = ignoring.set();
                }
            }
            Input::News => {
                if self.turn.take_news() {
                    // What came meanwhile has its turn first.
                    let _ = self.life.inputs.send(Input::News);
                }
            }
            Input::Signal(Wish::Stop) => return Some(End::Stop { flush: self.life.options.flush }),
            Input::Signal(Wish::Reload) => return self.reload().ok(),
            #[cfg(feature = "aws")]
            Input::Arrival(arrival) => self.take_arrival(arrival),
            #[cfg(feature = "aws")]
            Input::Events(heard) => self.take_heard(heard),
            Input::Ended(stream) => tracing::info!(stream = &*stream, "the stream has ended"),
        }
        None
    }

    /// One more permit is to be given back.
    #[cfg(feature = "aws")]
    pub(super) fn permit(&mut self) {
        self.due.permits += 1;
    }

    fn wait(&self) -> Duration {
        let until = self.turn.next_expiry().map_or(TICK, |expiry| expiry.since(self.turn.clock.now()));
        until.min(TICK)
    }

    /// Lets sources read on, unless the store cannot take more.
    fn free_permits(&mut self) {
        while self.due.permits > 0 && !self.turn.is_full() {
            self.due.permits -= 1;
            let _ = self.permits.as_ref().map(Receiver::try_recv);
        }
    }

    fn periodic(&mut self) {
        let now = Instant::now();
        if now < self.due.tick {
            return;
        }
        self.due.tick = now + TICK;
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
        self.turn.hand_out();
        if now >= self.due.housekeeping {
            self.due.housekeeping = now + HOUSEKEEPING;
            self.forget_what_is_over();
        }
        if now >= self.due.reconcile {
            self.due.reconcile = now + self.config.program.reconcile_every;
            self.turn.release_withheld();
            for hand in &self.turn.hands {
                self.turn.reconcile(hand);
            }
        }
    }

    fn forget_what_is_over(&mut self) {
        let now = self.turn.clock.now();
        let keep = &self.config.program.retention;
        let retention = Retention {
            matches_before: now.minus(keep.matches),
            decisions_before: now.minus(keep.decisions),
            bans_before: now.minus(keep.bans),
            max_matches: keep.max_matches,
        };
        self.turn.states.sweep(&self.turn.jails, now);
        self.turn.states.bans.purge(retention.bans_before);
        // One slice each time: what is left waits for the next, so that nobody waits for the purge.
        match self.turn.store.purge(&retention) {
            Ok(0) => {}
            Ok(_) => self.due.housekeeping = Instant::now() + TICK,
            Err(error) => tracing::warn!(error = %error, "cannot forget what is over"),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a callback of that shape")]
pub(super) fn warn(warning: String) {
    tracing::warn!("{warning}");
}

/// Without its socket the daemon still protects; only the commands cannot reach it.
fn listen(path: &Path, inputs: &Sender<Input>) -> Option<Server> {
    Server::start(path, inputs.clone())
        .inspect_err(|error| tracing::warn!(path = %path.display(), %error, "no control socket: commands cannot reach this daemon"))
        .ok()
}

fn ready(assembled: &Assembled) {
    let jails: Vec<&str> = assembled.jails.iter().map(|jail| &*jail.name).collect();
    tracing::info!(jails = jails.join(", "), "running");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
}
