//! Responders by their names in configuration.

use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use stockade_core::ports::{RespondError, Responder};
use thiserror::Error;

use crate::command::Command;
use crate::dry_run::{DryAction, DryRun};
use crate::log::Log;
use crate::nftables::{Nftables, Watch};

/// Which responder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// [`Nftables`].
    Nftables,
    /// [`Command`].
    Command,
    /// [`Log`].
    Log,
    /// [`DryRun`].
    DryRun,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Nftables, Self::Command, Self::Log, Self::DryRun];

    /// Its name in configuration, outbox and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nftables => Nftables::NAME,
            Self::Command => Command::NAME,
            Self::Log => Log::NAME,
            Self::DryRun => DryRun::NAME,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// There is no responder of that name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown responder `{name}`: known are {}", Kind::ALL.map(|kind| format!("`{kind}`")).join(", "))]
pub struct UnknownResponder {
    /// What was asked for.
    pub name: String,
}

impl FromStr for Kind {
    type Err = UnknownResponder;

    fn from_str(name: &str) -> Result<Self, UnknownResponder> {
        let known = Self::ALL.into_iter().find(|kind| kind.name() == name);
        known.ok_or_else(|| UnknownResponder { name: name.to_owned() })
    }
}

/// What a responder needs to be opened.
#[non_exhaustive]
pub enum Setup {
    /// Nothing.
    Nftables,
    /// The program with its arguments, and how long one run may take.
    Command {
        /// The program and its arguments, passed on as they are.
        argv: Vec<OsString>,
        /// [`Command::DEFAULT_TIMEOUT`] if nothing else is wanted.
        timeout: Duration,
    },
    /// Nothing: it writes to standard output.
    Log,
    /// Who is told what would be done.
    DryRun {
        /// Called for every action.
        tell: Box<dyn FnMut(DryAction) + Send>,
    },
}

impl Setup {
    /// Which responder it is for.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Nftables => Kind::Nftables,
            Self::Command { .. } => Kind::Command,
            Self::Log => Kind::Log,
            Self::DryRun { .. } => Kind::DryRun,
        }
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nftables => f.write_str("Nftables"),
            Self::Log => f.write_str("Log"),
            Self::Command { argv, timeout } => {
                f.debug_struct("Command").field("argv", argv).field("timeout", timeout).finish()
            }
            Self::DryRun { .. } => f.debug_struct("DryRun").finish_non_exhaustive(),
        }
    }
}

/// A responder ready for use.
pub struct Opened {
    /// The responder.
    pub responder: Box<dyn Responder>,
    /// Tells when somebody else changes what it did, where that can be told.
    pub watch: Option<Watch>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("responder", &self.responder.name())
            .field("watch", &self.watch)
            .finish()
    }
}

/// Opens a responder. Nothing is changed before its [`Responder::prepare`].
///
/// # Errors
/// When it cannot work here: no right, no such part of the kernel, no program given.
pub fn open(setup: Setup) -> Result<Opened, RespondError> {
    let only = |responder: Box<dyn Responder>| Opened { responder, watch: None };
    Ok(match setup {
        Setup::Nftables => {
            let nftables = Nftables::open()?;
            let watch = Some(nftables.watch()?);
            Opened { responder: Box::new(nftables), watch }
        }
        Setup::Command { argv, timeout } => only(Box::new(Command::new(argv, timeout)?)),
        Setup::Log => only(Box::new(Log::stdout())),
        Setup::DryRun { tell } => only(Box::new(DryRun::new(tell))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_responder_has_its_name_and_an_unknown_one_lists_them() {
        for kind in Kind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!(
            "iptables".parse::<Kind>().unwrap_err().to_string(),
            "unknown responder `iptables`: known are `nftables`, `command`, `log`, `dry-run`"
        );
    }

    #[test]
    fn opening_gives_the_responder_of_that_name() {
        let opened = open(Setup::DryRun { tell: Box::new(|_| ()) }).unwrap();
        assert_eq!(opened.responder.name(), "dry-run");
        assert!(opened.watch.is_none());
        let error = open(Setup::Command { argv: vec![], timeout: Command::DEFAULT_TIMEOUT }).unwrap_err();
        assert!(error.permanent && error.hint.is_some());
    }
}
