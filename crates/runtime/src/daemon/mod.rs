//! The daemon: sources and commands feed one turn, which owns all state; responders work on their own threads.
//!
//! One thread owns the jails' states and the store, so nothing is locked and every commit is one consistent batch.
//! Sources judge their blocks on their own threads and send on only what was found; a semaphore keeps them from
//! running ahead of the store. After a reload everything is built anew from the store: there is one way to start.

mod answers;
mod asked;
pub(crate) mod assembly;
mod carried;
mod closing;
mod due;
mod engine;
mod evidence;
mod fleet;
pub(crate) mod hands;
mod import;
pub(crate) mod input;
mod live;
mod notice;
mod outbox;
#[cfg(feature = "aws")]
mod outside;
pub(crate) mod reading;
mod responders;
mod settings;
mod tally;
mod threads;
mod told;
pub(crate) mod turn;
mod wanted;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use stockade_config::{Config, Problems, StoreConfig};
use stockade_core::Timestamp;
use stockade_core::ports::{Clock, RespondError, StoreError};

pub use crate::lanes::MAX_SKEW;
pub(crate) use assembly::{guards as guards_of, lookups as lookups_of};

/// What the command line adds to the configuration.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Change nothing in the world, whatever the configuration says.
    pub dry_run: bool,
    /// Read standard input instead of the configured logs; the daemon stops when it ends.
    pub stdin: bool,
    /// Lift every ban when the daemon stops.
    pub flush: bool,
    /// What remembers, in place of what is configured.
    pub store: Option<StoreConfig>,
    /// A folder of journal files, in place of the machine's own journal.
    pub journal: Option<PathBuf>,
    /// The control socket, in place of the configured one.
    pub socket: Option<PathBuf>,
    /// Take bans from a queue and a snapshot, and read no logs.
    #[cfg(feature = "aws")]
    pub agent: Option<crate::agent::AgentOptions>,
}

impl RunOptions {
    /// A configuration as it is used.
    pub(crate) fn configured(&self, config: Config) -> Result<Config, DaemonError> {
        #[cfg(feature = "aws")]
        if self.agent.is_some() {
            return crate::agent::configured(config);
        }
        Ok(config)
    }
}

/// Why the daemon could not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// The configuration has errors.
    #[error("cannot use the configuration")]
    Config(Problems),
    /// No jail is enabled, or none can be used.
    #[error("there is nothing to do: no jail is enabled")]
    NoJail,
    /// The store cannot be opened.
    #[error("{0}")]
    Store(StoreError),
    /// The agent cannot start.
    #[cfg(feature = "aws")]
    #[error("{0}")]
    Agent(crate::agent::AgentError),
    /// This build has no such responder.
    #[error("{0}")]
    Responder(RespondError),
    /// The operating system refused something that the daemon cannot do without.
    #[error("cannot {what}: {error}")]
    System {
        /// What.
        what: &'static str,
        /// Why.
        error: io::Error,
    },
}

impl DaemonError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Config(_) => Some("`stockade check` shows every problem with its place".to_owned()),
            Self::NoJail => Some("set `enabled = true` in a jail of jail.local".to_owned()),
            Self::Store(error) => error.hint.clone(),
            #[cfg(feature = "aws")]
            Self::Agent(error) => error.hint(),
            Self::Responder(error) => error.hint.clone(),
            Self::System { .. } => None,
        }
    }
}

/// The time of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Runs until a signal or a command says stop. `load` reads the configuration, at the start and at each reload.
///
/// # Errors
/// When it cannot start. Once it runs, everything that can be mended later is told and tried again.
pub fn run(load: &dyn Fn() -> Result<Config, Problems>, options: &RunOptions) -> Result<(), DaemonError> {
    engine::run(load, options, &(Arc::new(SystemClock) as Arc<dyn Clock>))
}
