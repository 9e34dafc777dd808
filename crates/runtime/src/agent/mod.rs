//! The agent of a host: takes bans that others decided, from a queue and a snapshot, and carries them out here.
//!
//! It is the daemon with another source: the same turn, store, guards, responders and control socket. A message of the
//! queue becomes decisions; they are stored, then carried out, and only when they are in force at every responder
//! is the message deleted. Whatever dies in between, the message comes again, or the outbox of the store
//! has it, or both; what is known already is not done twice.
//!
//! The key decision: **the order of arrival means nothing**. SNS and SQS deliver late, twice and in any order, and the
//! snapshot is older than the newest messages. So each ban keeps the version and the time that its sender gave it, and
//! what is not newer than what is known changes nothing ([`Notice::is_newer_than`]). An unban that
//! arrives before its ban is remembered for it.
//!
//! Bans that come by message count against `max_bans_per_minute`; what is above it waits in the queue, so that nothing
//! is lost. The snapshot does not count: it is one object that only who holds the store may write, it comes with
//! a checksum, and a host that was off must not be left open because there is much to catch up on. Every other guard
//! stands before both.
//!
//! [`Notice::is_newer_than`]: stockade_aws::wire::Notice::is_newer_than

mod arrival;
pub(crate) mod crew;
mod hear;
pub(crate) mod held;
pub(crate) mod receive;
mod site;
mod snapshot;
pub(crate) mod tracker;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use stockade_aws::{Aws, Fault};
use stockade_config::{Config, Problems};
use stockade_core::ports::RespondError;
use stockade_source::aws::queue::{Poll, Queue};

pub use stockade_source::aws::queue::{Dead, Left};

pub(crate) use arrival::Arrival;
pub(crate) use hear::Learnt;
pub(crate) use site::access;

use crate::control::{Client, Request};
use crate::daemon::input::Input;
use crate::daemon::{self, DaemonError, RunOptions};
use crew::Crew;
use held::Held;
use receive::{RECEIVERS, Shared, Stop};
use snapshot::Place;
use tracker::{End, Token};

/// What the command line adds to the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentOptions {
    /// Take in the snapshot and what is in the queue now, carry it out, and end.
    pub once: bool,
}

/// Why the agent could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// AWS refused or did not answer.
    #[error("{0}")]
    Aws(Fault),
    /// A responder that is to be used is not configured.
    #[error("there is no responder `{name}`")]
    NoResponder {
        /// Its name.
        name: String,
    },
    /// fail2ban is to say which jails there are, and does not.
    #[error("{error}")]
    Fail2ban {
        /// Why.
        error: RespondError,
    },
    /// The place of the snapshot is none.
    #[error("not a place of a snapshot: `{text}`: expected `s3://bucket/key`")]
    NoPlace {
        /// What is configured.
        text: String,
    },
    /// A daemon runs on this host, whose table in the firewall is the same.
    #[error("a daemon runs on this host and holds the firewall's table already")]
    Daemon,
}

impl AgentError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Aws(fault) => fault.hint.clone(),
            Self::NoResponder { .. } => {
                Some("`responders` in the table `[agent]` names tables in `[responders]`".to_owned())
            }
            Self::Fail2ban { error } => error.hint.clone(),
            Self::NoPlace { .. } => Some("set `snapshot` in the table `[aws]`".to_owned()),
            Self::Daemon => Some("stop it first, or let the agent ban by another responder".to_owned()),
        }
    }
}

impl From<Fault> for AgentError {
    fn from(fault: Fault) -> Self {
        Self::Aws(fault)
    }
}

/// Runs until a signal or a command says stop. `load` reads the configuration, at the start and at each reload.
///
/// # Errors
/// When it cannot start. Once it runs, everything that can be mended later is told and tried again.
pub fn run(
    load: &dyn Fn() -> Result<Config, Problems>,
    options: &AgentOptions,
    run: &RunOptions,
) -> Result<(), DaemonError> {
    let config = load().map_err(DaemonError::Config)?;
    let config = site::for_agent(config).map_err(DaemonError::Agent)?;
    let socket = run.socket.clone().unwrap_or_else(|| config.program.socket.clone());
    let answers = || Client::connect(&socket).ok()?.ask(&Request::Ping).ok();
    if !run.dry_run && site::uses_nftables(&config) && answers().is_some() {
        return Err(DaemonError::Agent(AgentError::Daemon));
    }
    let run = RunOptions { agent: Some(options.clone()), ..run.clone() };
    daemon::run(load, &run)
}

/// Removes this host's subscription, queue and, if it is empty, its dead-letter queue. Bans stay in force.
///
/// # Errors
/// If the queue's name cannot be one, or AWS refuses or does not answer.
pub fn leave(config: &Config) -> Result<(String, Left), AgentError> {
    let aws = Aws::new(&site::access(&config.program))?;
    let spec = site::queue(config);
    let left = Queue::leave(&aws, &spec)?;
    Ok((spec.name, left))
}

/// The configuration as the daemon is to see it.
pub(crate) fn configured(config: Config) -> Result<Config, DaemonError> {
    site::for_agent(config).map_err(DaemonError::Agent)
}

/// The threads around the queue, for one life of the daemon.
#[derive(Debug)]
pub(crate) struct Agent {
    /// The queue's name, for people.
    pub(crate) name: String,
    /// Where the snapshot is, for people; empty if there is none.
    pub(crate) snapshot: String,
    /// Of each jail whether a snapshot's bans can be brought into force by a comparison.
    pub(crate) in_bulk: Vec<bool>,
    once: Option<Once>,
    shared: Option<Arc<Shared>>,
    crew: Crew,
}

/// What is left to do before an agent that runs once may end.
#[derive(Clone, Copy, Debug)]
struct Once {
    queue: bool,
    snapshot: bool,
}

impl Agent {
    /// Starts the threads. In a dry run the queue is left alone, and only the snapshot is read.
    pub(crate) fn start(
        config: &Config,
        options: &AgentOptions,
        dry_run: bool,
        inputs: &Sender<Input>,
    ) -> Result<Self, AgentError> {
        let text = &config.program.aws.snapshot;
        let place = match Place::parse(text) {
            None if !text.is_empty() => return Err(AgentError::NoPlace { text: text.clone() }),
            place => place,
        };
        let spec = site::queue(config);
        let aws = Aws::new(&site::access(&config.program))?;
        let (crew, ended, endings) = Crew::new();
        let shared = Arc::new(Shared {
            aws,
            spec: spec.clone(),
            queue: Arc::new(Mutex::new(None)),
            held: Arc::new(Held::default()),
            inputs: inputs.clone(),
            ended,
            once: options.once,
            ready: AtomicUsize::new(0),
            stop: Stop::default(),
            busy: AtomicBool::new(false),
        });
        if place.is_none() {
            tracing::warn!(
                "no snapshot of live bans is configured: what this host missed, it does not learn"
            );
        }
        let mut agent = Self {
            name: spec.name.clone(),
            snapshot: text.clone(),
            in_bulk: site::in_bulk(config),
            once: options.once.then_some(Once { queue: dry_run, snapshot: place.is_none() }),
            shared: Some(Arc::clone(&shared)),
            crew,
        };
        if dry_run {
            let (queue, jails) = (&spec.name, spec.jails.join(", "));
            tracing::info!(queue, topic = spec.topic, jails, "dry run: no message is taken from the queue");
            // The snapshot need not wait for it.
            shared.ready.fetch_add(1, Ordering::Relaxed);
        } else {
            if options.once {
                shared.make()?;
            }
            // Not the whole of what is shared: the end of the others is its end.
            agent.crew.keep("queue-keep", &shared.queue, &shared.held, endings);
            for nth in 0..if options.once { 1 } else { RECEIVERS } {
                let (shared, poll) = (Arc::clone(&shared), Poll::default());
                let of_taker = poll.clone();
                let taker = move || if nth == 0 { shared.receive(&of_taker) } else { shared.help(&of_taker) };
                agent.crew.take("queue-take", &poll, taker);
            }
        }
        if let Some(place) = place {
            let every = config.program.agent.snapshot_every;
            agent.crew.also("snapshot", move || snapshot::follow(&shared, &place, every));
        }
        Ok(agent)
    }

    /// What became of messages.
    pub(crate) fn tell(&self, ended: Vec<(Token, End)>) {
        self.crew.tell(ended);
    }

    /// Takes no messages for a while: there were too many bans.
    pub(crate) fn pause(&self) {
        if let Some(shared) = &self.shared {
            shared.held.pause(held::ROOM_AFTER);
            shared.busy.store(false, Ordering::Relaxed);
        }
    }

    /// Notes that there is no message left.
    pub(crate) fn drained(&mut self) {
        let _ = self.once.as_mut().map(|once| once.queue = true);
    }

    /// Notes that the snapshot was read, or cannot be.
    pub(crate) fn snapshot_read(&mut self) {
        let _ = self.once.as_mut().map(|once| once.snapshot = true);
    }

    /// Whether all is taken in that was to be taken in once.
    pub(crate) fn is_through(&self) -> bool {
        self.once.is_some_and(|once| once.queue && once.snapshot)
    }

    /// Takes no more messages.
    pub(crate) fn stop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.stop.stop();
            shared.held.close();
        }
        self.crew.stop();
        self.shared = None;
    }

    /// Deletes what is done with, and waits for that.
    pub(crate) fn finish(mut self, ended: Vec<(Token, End)>) {
        self.stop();
        self.crew.finish(ended);
    }
}
