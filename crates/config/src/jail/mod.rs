//! One jail, ready for use.

use std::path::PathBuf;
use std::sync::Arc;

use stockade_core::action::ActionSpec;
use stockade_core::ports::Scope;
use stockade_filter::FilterSpec;
use stockade_rule::Rule;

mod action_file;
mod actions;
mod filter;
mod firewall;
mod ignore;
mod journal;
mod known;
mod logs;
mod options;
mod read;
mod scope;
mod services;
mod threshold;

pub(crate) use firewall::is_overlay;
pub use ignore::IgnoreEntry;
pub(crate) use journal::look_otherwise;
pub(crate) use known::{bad_enabled, translated};
pub(crate) use read::{Context, read, rows};
pub(crate) use services::Services;

/// One jail as the files configure it. What needs the machine (host names, files, which logs exist) is left to the
/// caller, so that one configuration means the same everywhere.
#[derive(Clone, Debug)]
pub struct JailConfig {
    /// When it bans, for how long, and whom it ignores as far as that is written as addresses and networks.
    ///
    /// The seed of its growth is 0: whoever runs the jail puts in a number of this installation, so that
    /// `bantime.rndtime` cannot be computed by others.
    pub jail: stockade_core::Jail,
    /// `ignoreself`: the addresses of this machine are ignored.
    pub ignore_self: bool,
    /// Host names in `ignoreip`, whose addresses are ignored.
    pub ignore_hosts: Vec<String>,
    /// `file:/path` in `ignoreip`: files of more such entries, absolute.
    pub ignore_files: Vec<PathBuf>,
    /// `ignorecommand`: a command that ends with status 0 for whom it ignores. What it is asked about are tags in it, as
    /// in those of actions.
    pub ignore_command: Option<String>,
    /// What it looks for in events; empty for a jail that reads logs or counts bans.
    pub rules: Vec<Arc<Rule>>,
    /// What it looks for in logs; `None` for a jail that counts bans, and for one of rules.
    pub filter: Option<FilterSpec>,
    /// The same for lines of the journal, where they are looked at otherwise (`logtype`); `None` if they are not.
    pub journal_filter: Option<FilterSpec>,
    /// `backend`: what is read.
    pub backend: Backend,
    /// `logpath`: the files, in order.
    pub logpaths: Vec<LogPath>,
    /// `journalmatch`: what the journal is asked for; each line is an alternative to the others, its words are
    /// `FIELD=value` and `+`, quoted as for a shell.
    pub journalmatch: Vec<String>,
    /// `logtimezone`: the zone of dates that name none, good for [`Zone::parse`](stockade_filter::date::Zone::parse);
    /// the machine's own if `None`.
    pub zone: Option<String>,
    /// `port` and `protocol`: which packets its bans keep out.
    pub scope: Scope,
    /// `action`: the names of those that carry out what it decides, each in
    /// [`Program::responders`](crate::Program::responders) or in `actions`; not empty but for a jail of rules whose
    /// target nobody carries out.
    pub responders: Vec<Arc<str>>,
    /// The files of `action.d` among them.
    pub actions: Vec<ActionSpec>,
}

/// In `action`: all responders of `stockade.toml`.
const ALL_RESPONDERS: &str = "responders";

/// What a jail reads: `backend`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// Log files if there are any, else the journal: see [`resolve_sources`](crate::resolve_sources).
    #[default]
    Auto,
    /// Log files, there or not: `files`, and fail2ban's `polling` and `pyinotify`.
    Files,
    /// The journal: `journal`, and fail2ban's `systemd`.
    Journal,
}

/// A line of `logpath`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPath {
    /// An absolute path with `*`, `?` and `[…]`.
    pub glob: String,
    /// Whether what a file holds already when it is first seen is left out.
    pub tail: bool,
}
