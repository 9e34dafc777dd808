//! What the commands and the daemon say to each other: one JSON object a line, over a local socket.
//!
//! The socket's file rights are the access control. The protocol is stable: fields are only added.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stockade_core::ports::LoggedDecision;
use stockade_core::{BanTime, Key, Match, Timestamp};

use super::settings::{DaemonChange, DaemonSettings, Fate, ForeignBan, JailChange, JailDetail};

/// What a command asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ask")]
#[non_exhaustive]
pub enum Request {
    /// Is anybody there?
    Ping,
    /// How is the daemon, and what has it done?
    Status,
    /// The jails with their numbers.
    Jails,
    /// The live bans, of one jail only if one is named.
    Bans {
        /// The jail.
        jail: Option<String>,
    },
    /// Ban these keys.
    Ban {
        /// Addresses or networks.
        keys: Vec<Key>,
        /// In which jail; the first one that is not `recidive` if none is named.
        jail: Option<String>,
        /// For how long; the jail's `bantime` if nothing is said.
        span: Option<BanTime>,
        /// A person's reason.
        reason: String,
    },
    /// Lift bans.
    Unban {
        /// Whose; empty with `all`.
        keys: Vec<Key>,
        /// Every ban there is.
        all: bool,
        /// In this jail only.
        jail: Option<String>,
        /// A person's reason.
        reason: String,
    },
    /// Why is, was or will this key be banned?
    Why {
        /// Whom.
        key: Key,
        /// How many lines of evidence at most.
        limit: usize,
    },
    /// How is this jail set, and what did it do?
    Jail {
        /// The jail.
        jail: String,
    },
    /// Change a setting of a jail, until the next reload.
    SetJail {
        /// The jail.
        jail: String,
        /// What.
        change: JailChange,
    },
    /// Read the files again for one jail. Nothing changes if they have an error.
    ReloadJail {
        /// The jail.
        jail: String,
    },
    /// Stop using a jail, until the next reload. Its bans are lifted and come back with it.
    StopJail {
        /// The jail.
        jail: String,
    },
    /// Count a failure that no log tells of.
    Attempt {
        /// In which jail.
        jail: String,
        /// Whose.
        key: Key,
        /// The lines that tell of it, each counts; none counts once.
        lines: Vec<String>,
    },
    /// How is the daemon set?
    Settings,
    /// Change settings of the daemon, until the next reload.
    Set {
        /// What.
        change: DaemonChange,
    },
    /// Open log files again by their names: they were rotated.
    FlushLogs,
    /// Take over bans of another program.
    Import {
        /// Which.
        bans: Vec<ForeignBan>,
        /// Only say what would become of them.
        dry_run: bool,
    },
    /// Read the configuration again. Nothing changes if it has an error.
    Reload,
    /// Stop. Bans stay in force unless `flush`.
    Stop {
        /// Lift every ban from the firewall first.
        flush: bool,
    },
}

/// What the daemon answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "answer")]
#[non_exhaustive]
pub enum Response {
    /// Done; nothing to tell but this.
    Done {
        /// A sentence for people.
        message: String,
    },
    /// To [`Request::Status`].
    Status(Box<Status>),
    /// To [`Request::Jails`].
    Jails {
        /// In the order of the configuration.
        jails: Vec<JailStatus>,
    },
    /// To [`Request::Bans`].
    Bans {
        /// Those that end first come first.
        bans: Vec<LiveBan>,
    },
    /// To [`Request::Ban`] and [`Request::Unban`].
    Changed {
        /// One per key and jail that was asked for.
        changes: Vec<Change>,
    },
    /// To [`Request::Why`].
    Why(Box<Why>),
    /// To [`Request::Jail`] and [`Request::SetJail`].
    Jail(Box<JailDetail>),
    /// To [`Request::Settings`] and [`Request::Set`].
    Settings(DaemonSettings),
    /// To [`Request::Import`].
    Imported {
        /// One per ban, in their order.
        fates: Vec<Fate>,
    },
    /// It cannot be done.
    Error {
        /// What was tried, on what, and what happened.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

/// How the daemon is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// When it started.
    pub since: Timestamp,
    /// What carries its decisions out; `dry-run` says that nothing does.
    pub responders: Vec<ResponderStatus>,
    /// Where it reads.
    pub sources: Vec<SourceStatus>,
    /// Where it remembers.
    pub store: String,
    /// Lines read since the start.
    pub lines: u64,
    /// Matches found since the start.
    pub matches: u64,
    /// Bans decided since the start.
    pub bans: u64,
    /// Bans in force.
    pub live_bans: u64,
    /// Decisions that a guard refused since the start.
    pub refused: u64,
    /// Decisions that wait to be carried out.
    pub outbox: u64,
    /// What a person should know, the newest last: a file that cannot be read, a clock that differs, a limit reached.
    pub warnings: Vec<String>,
}

/// How a responder is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponderStatus {
    /// Its name.
    pub name: String,
    /// What is wrong with it, if anything.
    pub problem: Option<String>,
}

/// How a stream is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Its name: a path, `journal`, `stdin`.
    pub stream: String,
    /// The jails that read it.
    pub jails: Vec<Arc<str>>,
    /// Lines read since the start.
    pub lines: u64,
    /// How far the dates of its lines are from the time they arrive, in seconds; above zero: the log is behind.
    pub skew_seconds: Option<i64>,
    /// What is wrong with it, if anything.
    pub problem: Option<String>,
}

/// A jail with its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JailStatus {
    /// Its name.
    pub name: Arc<str>,
    /// The filter, with its parameters; `None` for one that counts bans.
    pub filter: Option<String>,
    /// How many matches ban.
    pub maxretry: u32,
    /// Within how many seconds.
    pub findtime_seconds: u64,
    /// For how many seconds; `None` for ever.
    pub bantime_seconds: Option<u64>,
    /// What it reads.
    pub streams: Vec<String>,
    /// Keys that it watches now.
    pub watching: u64,
    /// Matches since the start.
    pub matches: u64,
    /// Bans in force.
    pub live_bans: u64,
    /// Bans since the start.
    pub bans: u64,
    /// The ports its bans close; empty: all.
    pub ports: Vec<(u16, u16)>,
    /// Who carries its bans out.
    pub responders: Vec<Arc<str>>,
}

/// A ban in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveBan {
    /// Whom.
    pub key: Key,
    /// In which jail.
    pub jail: Arc<str>,
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None` for ever.
    pub until: Option<Timestamp>,
    /// The how-manieth ban of this key in this jail.
    pub nth: u32,
    /// Why, as a sentence.
    pub reason: String,
}

/// What became of a ban or unban that a person asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Whom.
    pub key: Key,
    /// In which jail.
    pub jail: Arc<str>,
    /// Whether it was done.
    pub done: bool,
    /// What was done, or why not.
    pub note: String,
}

/// All that is known of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// Whom.
    pub key: Key,
    /// One per jail.
    pub jails: Vec<Standing>,
    /// The lines that did it, the newest first.
    pub matches: Vec<Match>,
    /// What was decided, the newest first, and what came of it.
    pub decisions: Vec<LoggedDecision>,
}

/// How a key stands in one jail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The jail.
    pub jail: Arc<str>,
    /// The entry of `ignoreip`, or the guard, that keeps it from being banned here.
    pub ignored_by: Option<String>,
    /// Matches that count now.
    pub counted: u32,
    /// How many ban.
    pub maxretry: u32,
    /// Within how many seconds.
    pub findtime_seconds: u64,
    /// The ban that is in force.
    pub ban: Option<LiveBan>,
    /// How often it was banned here.
    pub times_banned: u32,
}
