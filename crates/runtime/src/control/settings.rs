//! What the commands may ask about settings, and what they may change until the next reload.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stockade_core::{Key, Timestamp};

/// Everything about one jail: its numbers and its settings as they are in effect now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JailDetail {
    /// Its name.
    pub name: Arc<str>,
    /// Keys with a match that counts now.
    pub failing: u64,
    /// Matches since the daemon started.
    pub matches: u64,
    /// Bans in force.
    pub live_bans: u64,
    /// Bans since the daemon started, and those that it found in force.
    pub bans: u64,
    /// The files that it reads.
    pub files: Vec<String>,
    /// Whether it reads the journal and no files.
    pub reads_journal: bool,
    /// What it asks the journal for: alternatives, each a list of words.
    pub journalmatch: Vec<Vec<String>>,
    /// Whether its matches do not count for the time being.
    pub idle: bool,
    /// `ignoreself`.
    pub ignore_self: bool,
    /// `ignoreip`: networks, host names and files, then addresses.
    pub ignore: Vec<String>,
    /// `ignorecommand`.
    pub ignore_command: Option<String>,
    /// `findtime`, in seconds.
    pub findtime_seconds: u64,
    /// `bantime`, in seconds; `None` for ever.
    pub bantime_seconds: Option<u64>,
    /// `maxretry`.
    pub maxretry: u32,
    /// `maxlines`.
    pub maxlines: u64,
    /// `usedns`.
    pub usedns: String,
    /// `prefregex`, with its tags.
    pub prefregex: Option<String>,
    /// `failregex`, with their tags.
    pub failregex: Vec<String>,
    /// `ignoreregex`, with their tags.
    pub ignoreregex: Vec<String>,
    /// `datepattern`; `None` for all known ones.
    pub datepattern: Option<String>,
    /// `logtimezone`.
    pub zone: Option<String>,
    /// Who carries its bans out.
    pub responders: Vec<Arc<str>>,
    /// Its options as the files and the commands wrote them.
    pub options: BTreeMap<String, String>,
}

/// A change of a jail's settings, until the next reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "set")]
#[non_exhaustive]
pub enum JailChange {
    /// Whether its matches do not count for the time being.
    Idle {
        /// They do not.
        on: bool,
    },
    /// `ignoreself`.
    IgnoreSelf {
        /// The addresses of this machine are ignored.
        on: bool,
    },
    /// More entries of `ignoreip`.
    Ignore {
        /// Addresses, networks, host names, `file:/path`.
        entries: Vec<String>,
    },
    /// An entry of `ignoreip` goes.
    DoNotIgnore {
        /// As it is listed.
        entry: String,
    },
    /// `ignorecommand`.
    IgnoreCommand {
        /// Empty for none.
        command: String,
    },
    /// `findtime`.
    FindTime {
        /// Above zero.
        seconds: u64,
    },
    /// `bantime`.
    BanTime {
        /// Above zero; `None` for ever.
        seconds: Option<u64>,
    },
    /// `maxretry`.
    MaxRetry {
        /// How many matches ban.
        times: NonZeroU32,
    },
    /// An option of `bantime.`: `increment`, `factor`, `multipliers`, `maxtime`, `rndtime`, `overalljails`.
    Growth {
        /// Without `bantime.`.
        option: String,
        /// As it stands in a file.
        value: String,
    },
    /// One more pattern of `logpath`.
    AddLog {
        /// Absolute, with `*`, `?` and `[…]`.
        glob: String,
        /// Without what the file holds already.
        tail: bool,
    },
    /// A pattern of `logpath` goes.
    RemoveLog {
        /// As it was given.
        glob: String,
    },
    /// One more alternative of `journalmatch`.
    AddJournal {
        /// `FIELD=value` and `+`.
        words: Vec<String>,
    },
    /// An alternative of `journalmatch` goes.
    RemoveJournal {
        /// As it was given.
        words: Vec<String>,
    },
    /// `usedns`.
    UseDns {
        /// `yes`, `warn`, `no` or `raw`.
        mode: String,
    },
    /// `maxlines`.
    MaxLines {
        /// How many lines a regex sees.
        lines: u32,
    },
    /// `datepattern`.
    DatePattern {
        /// `None` for all known ones.
        pattern: Option<String>,
    },
    /// `logtimezone`.
    Zone {
        /// Its name or difference.
        name: String,
    },
    /// `prefregex`.
    PrefRegex {
        /// With tags.
        regex: String,
    },
    /// One more `failregex`.
    AddFailRegex {
        /// With tags.
        regex: String,
    },
    /// A `failregex` goes.
    RemoveFailRegex {
        /// Its place, from 0.
        at: usize,
    },
    /// One more `ignoreregex`.
    AddIgnoreRegex {
        /// With tags.
        regex: String,
    },
    /// An `ignoreregex` goes.
    RemoveIgnoreRegex {
        /// Its place, from 0.
        at: usize,
    },
    /// An option that does nothing here and is only told when it is asked for.
    Note {
        /// Its name.
        option: String,
        /// Its value.
        value: String,
    },
}

/// Settings of the daemon as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonSettings {
    /// The log in fail2ban's format; `None` where there is none.
    pub log_file: Option<PathBuf>,
    /// What is less important is left out of it: `critical`, `error`, `warning`, `notice`, `info` or `debug`.
    pub log_level: String,
    /// Where is remembered; `None` for in memory only.
    pub store: Option<String>,
    /// How long bans that are over are kept, in seconds.
    pub keep_bans_seconds: u64,
    /// How many lines of evidence are kept.
    pub max_matches: u64,
}

/// A change of the daemon's settings, until the next reload. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonChange {
    /// Writes the log in fail2ban's format here; empty: nowhere.
    #[serde(default)]
    pub log_file: Option<PathBuf>,
    /// Its level.
    #[serde(default)]
    pub log_level: Option<String>,
    /// How long bans that are over are kept, in seconds.
    #[serde(default)]
    pub keep_bans_seconds: Option<u64>,
}

/// A ban in another program's records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignBan {
    /// In which jail of ours.
    pub jail: Arc<str>,
    /// Whom.
    pub key: Key,
    /// Since when.
    pub since: Timestamp,
    /// For how long, in seconds: below zero for ever, `None` for as long as our jail bans.
    pub seconds: Option<i64>,
    /// The how-manieth ban it is, from 1.
    pub times: u32,
}

/// What becomes of a ban of another program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "fate")]
#[non_exhaustive]
pub enum Fate {
    /// It runs and is taken over.
    Ban {
        /// Until then; `None` for ever.
        until: Option<Timestamp>,
    },
    /// It is over; its count is taken over.
    Count,
    /// We know at least as much.
    Known,
    /// It is not taken over.
    Left {
        /// Why.
        reason: String,
    },
}
