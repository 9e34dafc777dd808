//! Files and environment to [`Config`], every value with its origin.
//!
//! Stockade is configured in two places. What the program does with its machine (store, socket, guards, responders)
//! stands in `stockade.toml`; which logs are read and who is banned stands in jails and filters, in fail2ban's files and
//! fail2ban's language, so that those who have them can bring them along:
//!
//! 1. the files built into the program ([`SHIPPED`]), which protect the ssh server;
//! 2. over them `jail.conf`, `jail.d/*.conf`, `jail.local`, `jail.d/*.local` and `filter.d` of the configuration
//!    directory, a file there replacing the built-in one of the same name, an option the same option of an earlier file;
//!    so fail2ban's own directory can be named as it is;
//! 3. for the settings of the program the environment ([`env_vars`]) over `stockade.toml` over the defaults.
//!
//! ```
//! use stockade_config::{Origin, load_files};
//! use stockade_filter::conf::Embedded;
//!
//! let files = Embedded(&[
//!     ("stockade.toml", "reconcile_every = \"5m\"\n"),
//!     ("jail.local", "[door]\nenabled = true\nfilter = door\nlogpath = /var/log/door.log\nmaxretry = 3\n"),
//!     ("filter.d/door.conf", "[Definition]\nfailregex = ^door: knocked by <HOST>$\n"),
//! ]);
//! let config = load_files(&files, "", &|_| None)?;
//! let door = config.jail("door").ok_or("no such jail")?;
//! assert_eq!(door.jail.threshold.maxretry.get(), 3);
//! let row = config.origin_table().iter().find(|row| row.key == "reconcile_every").ok_or("no such row")?;
//! assert_eq!((row.value.as_str(), row.origin.to_string().as_str()), ("\"5m\"", "(built in)/stockade.toml:1:1"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The key decision: **nothing is guessed**. A name that means nothing is an error with the name that was probably meant,
//! all errors are told at once, and one broken jail does not take the others with it, because a machine that is half
//! protected is better off than one that is not. What concerns all jails, an unknown option in `[DEFAULT]`
//! or a file that cannot be read, does stop the start: it may have been the line that keeps the operator from being banned.
//!
//! What needs the machine is left to others: which log files exist ([`resolve_sources`] is told), what a host name in
//! `ignoreip` resolves to, whether a regex compiles.
//!
//! # Differences from fail2ban
//!
//! | option | fail2ban | here |
//! | --- | --- | --- |
//! | unknown option | ignored | error, unless another option refers to it |
//! | `action`, `banaction` | files of `action.d` | names of responders, or files of `action.d`; all responders if not set. The stock actions for the firewall (`nftables*`, `iptables*`, `ipset*`, `firewallcmd*`, `ufw`) are the first responder of kind `nftables`, with their `port`, `protocol` and `…-allports`, unless their `blocktype` lets in or a `.local` file gives them other commands; Python actions are errors |
//! | unknown option in a directory of fail2ban's | ignored | a warning |
//! | `recidive` in a directory of fail2ban's | reads fail2ban's log | counts our bans, as `bans = all`, with a warning |
//! | `ignorecommand` | run for every failure | the same, an answer holds for a minute |
//! | `logtype` | `journal` with `backend = systemd` | also where the journal is read because there are no files |
//! | `bans = all` | `recidive` reads fail2ban's log | the jail counts the bans of the others |
//! | `port = 0:65535` | all ports of `protocol` | all packets, as `port = all` |
//! | `bantime.formula` | any Python expression | only fail2ban's default |
//! | `bantime.factor` | any Python expression | a number above zero |
//! | `backend = auto` | inotify, else polling | the log files that are there, else the journal |
//! | `ignoreip` | what is no address is looked up | a mistyped address, `192.0.2.300`, is an error |
//! | `usedns` | `warn` if not set | `no` if not set |
//! | `logtimezone` | a constant offset | also a zone with daylight saving, `Europe/Berlin` |
//! | `ignorecache`, `maxmatches`, `logencoding`, `skip_if_nologs`, `systemd_if_nologs`, `backend[…]` | used | a warning that it has no effect |
#![forbid(unsafe_code)]

mod config;
pub mod env_vars;
mod jail;
pub mod limits;
mod load;
mod origin;
pub mod problem;
mod problems;
mod program;
mod rules;
mod shipped;
mod sources;

pub use config::Config;
pub use jail::{Backend, IgnoreEntry, JailConfig, LogPath};
pub use load::{Paths, ReadRules, load, load_files, load_files_with, load_with};
pub use origin::{Origin, Row};
pub use problem::{Problem, ProblemKind, Severity};
pub use problems::Problems;
pub use program::{
    Agent, AwsPlace, AwsSettings, Durability, EmailConfig, Events, Fail2banLog, Guards, Limits, LogGroup,
    LogLevel, MailTls, Pace, PostgresUrl, Program, Repair, RepairAccount, ResponderConfig, ResponderKind,
    Retention, RuleSetting, RuleSettings, Secret, SecretError, SlackConfig, SnsNoticeConfig, StoreConfig,
    WebhookConfig, example,
};
pub use rules::{Rules, load_rules};
pub use shipped::{SHIPPED, SHIPPED_RULES};
pub use sources::{Sources, resolve_sources};
