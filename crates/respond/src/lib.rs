//! What makes a decision true: nftables, command, action, log, dry-run.
//!
//! Each of them is a [`Responder`](stockade_core::ports::Responder): it is prepared for the jails, says what is in
//! force, and carries out a plan. [`open()`] makes one by name.
//!
//! ```
//! use std::time::Duration;
//! use stockade_core::ports::{Responder, Scope, Standing};
//! use stockade_core::{Outcome, Timestamp};
//! use stockade_respond::DryRun;
//!
//! let mut responder = DryRun::new(|action| println!("{action}"));
//! responder.prepare(&[Scope { jail: "sshd".into(), ports: vec![(22, 22)], protocols: vec![] }])?;
//!
//! let now = Timestamp::from_secs(1_700_000_000);
//! let until = now.plus(Duration::from_secs(600));
//! let wanted = [Standing { jail: "sshd".into(), key: "192.0.2.1".parse().unwrap(), until }];
//! let current = responder.current(now)?.unwrap_or_default();
//! let plan = responder.plan(&wanted, &current);
//! assert_eq!(responder.apply(&plan, now)?, [Outcome::Done]);
//! assert_eq!(responder.current(now)?, Some(wanted.to_vec()));
//! # Ok::<(), stockade_core::ports::RespondError>(())
//! ```
//!
//! The key decision is that nothing here runs another program to change the firewall: a ban is one message to the
//! kernel, a restart with 100,000 bans one transaction, and both are read back before they count as done. The
//! alternative, `nft` with a text, is quick enough in bulk but takes a hundred times as long for one ban, fails with
//! a sentence instead of a number, and is not installed everywhere.

#![cfg_attr(not(test), forbid(unsafe_code))]

pub mod action;
#[cfg(feature = "aws")]
pub mod aws;
pub mod command;
pub mod dry_run;
pub mod fail2ban_client;
pub mod log;
pub mod nftables;
pub mod notice;
mod open;
mod run;
mod scope;

pub use action::Action;
pub use command::Command;
pub use dry_run::{DryAction, DryRun};
pub use fail2ban_client::Fail2banClient;
pub use log::Log;
pub use nftables::{Change, Nftables, Watch};
pub use open::{Kind, Opened, Setup, UnknownResponder, open};
