//! The program's own settings: `stockade.toml`, with the environment over it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use stockade_core::{Key, Target};

mod agent;
mod aws;
mod document;
mod events;
mod example;
mod notices;
mod read;
mod repair;
mod repair_env;
mod repair_read;
mod responder_aws;
mod responder_notice;
mod responders;
mod rules;
mod schema;
mod secret;
mod store;
mod value;

pub use agent::Agent;
pub use aws::{AwsSettings, LogGroup};
pub use events::Events;
pub use example::example;
pub use notices::{EmailConfig, MailTls, Pace, SlackConfig, SnsNoticeConfig, WebhookConfig};
pub(crate) use read::{FILE, read};
pub use repair::{Repair, RepairAccount};
pub use rules::{RuleSetting, RuleSettings};
pub(crate) use schema::SETTINGS;
pub use secret::{Secret, SecretError};
pub use store::{PostgresUrl, StoreConfig};
pub(crate) use value::span_text;

/// The settings of the program. Its default is what `stockade.toml` says that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// `store`: what remembers.
    pub store: StoreConfig,
    /// `host`: the name of this host among those that share a store; empty: the machine's.
    pub host: String,
    /// `durability`: when a commit reaches the disk.
    pub durability: Durability,
    /// `socket`: where the daemon is told what to do.
    pub socket: PathBuf,
    /// `reconcile_every`: how often what is in force is compared with what should be.
    pub reconcile_every: Duration,
    /// `[guards]`: what stands before every responder.
    pub guards: Guards,
    /// `[retention]`: what is remembered for how long.
    pub retention: Retention,
    /// `[limits]`: how much may be held at once.
    pub limits: Limits,
    /// `[fail2ban_log]`: a log for programs that read fail2ban's.
    pub fail2ban_log: Fail2banLog,
    /// `[aws]`: what is used in AWS.
    pub aws: AwsSettings,
    /// `[agent]`: what `stockade agent` does.
    pub agent: Agent,
    /// `[events]`: where events come from.
    pub events: Events,
    /// `[rules]`: which rules of events are used, and how.
    pub rules: RuleSettings,
    /// `[repair]`: what is put back in AWS, and how far that may go.
    pub repair: Repair,
    /// `[responders.NAME]`: what makes decisions true; never empty, names differ, in the order of the file. One
    /// called `nftables` if the file has none; otherwise those of the file and no others.
    pub responders: Vec<ResponderConfig>,
}

/// When a commit reaches the disk itself and not only the operating system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// At checkpoints: a power cut may take back the newest commits, whose log lines are then read again.
    #[default]
    Normal,
    /// At every commit.
    Full,
}

/// Whom and how much a responder is never asked to ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guards {
    /// `protect`: addresses and networks that are never banned, whatever the jails say.
    pub protect: Vec<Key>,
    /// `protect_own`: the addresses of this machine are never banned.
    pub protect_own: bool,
    /// `protect_gateway`: the gateways of its routes are never banned.
    pub protect_gateway: bool,
    /// `protect_sessions`: the addresses that somebody is logged in from are never banned.
    pub protect_sessions: bool,
    /// `max_bans_per_minute`: more are refused; above zero.
    pub max_bans_per_minute: u32,
    /// `min_prefix_v4`: the widest IPv4 network that may be banned, as its prefix length, 0 to 32.
    pub min_prefix_v4: u8,
    /// `min_prefix_v6`: the widest IPv6 network that may be banned, as its prefix length, 0 to 128.
    pub min_prefix_v6: u8,
}

/// What is remembered for how long, and how much of it at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// `matches`: the lines that spoke against a key.
    pub matches: Duration,
    /// `decisions`: what was decided and what came of it.
    pub decisions: Duration,
    /// `bans`: bans that are over, which make the next one longer.
    pub bans: Duration,
    /// `max_matches`: the oldest go when there are more; above zero.
    pub max_matches: u64,
    /// `max_decisions`: the oldest that are carried out go when there are more; above zero.
    pub max_decisions: u64,
}

/// How much may be held at once, whatever an attacker makes the logs say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `max_tracked_keys`: how many keys each jail watches; above zero.
    pub max_tracked_keys: usize,
}

/// A log in fail2ban's format beside our own, for `recidive` filters, exporters and reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fail2banLog {
    /// `file`: where it is written; `None`: nowhere.
    pub file: Option<PathBuf>,
    /// `level`: what is less important is left out.
    pub level: LogLevel,
}

/// How important a line of fail2ban's log is, the most important first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing goes on.
    Critical,
    /// Something could not be done.
    Error,
    /// Something is not as it should be.
    Warning,
    /// `Ban` and `Unban`.
    Notice,
    /// `Found` and `Ignore`.
    #[default]
    Info,
    /// Everything.
    Debug,
}

/// One thing that makes decisions true, `[responders.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponderConfig {
    /// NAME, which `action` in a jail refers to.
    pub name: Arc<str>,
    /// What it does.
    pub kind: ResponderKind,
}

/// What a responder does: `kind`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponderKind {
    /// `nftables`: keeps the sets of one table filled.
    Nftables {
        /// `table`: its name.
        table: String,
    },
    /// `command`: runs a program for each decision, without a shell.
    Command {
        /// `argv`: the program, an absolute path, and its arguments.
        argv: Vec<String>,
        /// `timeout`: it is ended when it takes longer.
        timeout: Duration,
    },
    /// `fail2ban-client`: has a fail2ban that is there already ban, in its own jails.
    Fail2banClient {
        /// `argv`: its client, an absolute path, and options such as `-s SOCKET`.
        argv: Vec<String>,
        /// `timeout`: it is ended when it takes longer.
        timeout: Duration,
    },
    /// `sns`: announces bans and their ends to all hosts.
    Sns {
        /// `topic`: its name or its ARN; empty: as `[aws]` says.
        topic: String,
        /// In which AWS.
        place: AwsPlace,
    },
    /// `lambda`: hands bans to a function.
    Lambda {
        /// `function`: its name or its ARN, with a version or alias if wanted.
        function: String,
        /// `unban`: also hands on the ends of bans.
        unban: bool,
        /// In which AWS.
        place: AwsPlace,
    },
    /// `webhook`: hands notices, bans and their ends to another program, signed.
    Webhook(WebhookConfig),
    /// `slack`: tells a channel of Slack.
    Slack(SlackConfig),
    /// `email`: sends mail.
    Email(Box<EmailConfig>),
    /// `sns-notice`: tells those who subscribed to a topic of SNS.
    SnsNotice(SnsNoticeConfig),
    /// `log`: writes every decision to standard output, a line of JSON each.
    Log,
    /// `repair`: puts back what was tampered with in AWS, as `[repair]` says.
    Repair,
    /// `dry-run`: says what would be done.
    DryRun,
}

/// Where a responder finds AWS, if not where `[aws]` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsPlace {
    /// `region`: empty: as `[aws]` says.
    pub region: String,
    /// `endpoint`: one address for all services; empty: as `[aws]` says.
    pub endpoint: String,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for Program {
    fn default() -> Self {
        Self {
            store: StoreConfig::File("/var/lib/stockade/stockade.db".into()),
            host: String::new(),
            durability: Durability::default(),
            socket: "/run/stockade/stockade.sock".into(),
            reconcile_every: Duration::from_secs(60),
            guards: Guards::default(),
            retention: Retention::default(),
            limits: Limits { max_tracked_keys: stockade_core::limits::MAX_TRACKED_KEYS },
            fail2ban_log: Fail2banLog::default(),
            aws: AwsSettings::default(),
            agent: Agent::default(),
            events: Events::default(),
            rules: RuleSettings::default(),
            repair: Repair::default(),
            responders: vec![ResponderConfig { name: "nftables".into(), kind: ResponderKind::nftables() }],
        }
    }
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            protect: Vec::new(),
            protect_own: true,
            protect_gateway: true,
            protect_sessions: true,
            max_bans_per_minute: 1000,
            min_prefix_v4: 16,
            min_prefix_v6: 32,
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            matches: DAY * 7,
            decisions: DAY * 90,
            bans: DAY * 90,
            max_matches: 250_000,
            max_decisions: 250_000,
        }
    }
}

impl ResponderKind {
    /// Whether it carries out decisions with this target. What is announced to others by SNS or Lambda are bans alone.
    pub fn takes(&self, target: Target) -> bool {
        match self {
            Self::Log | Self::Command { .. } | Self::Webhook(_) => target != Target::Repair,
            _ if self.tells_people() => target != Target::Repair,
            Self::Repair => target == Target::Repair,
            Self::DryRun => true,
            _ => target == Target::Ban,
        }
    }

    /// Whether it only tells people. Such a responder takes no other's place, and hears of the bans of a log's jail only
    /// if that jail names it.
    pub fn tells_people(&self) -> bool {
        matches!(self, Self::Slack(_) | Self::Email(_) | Self::SnsNotice(_))
    }

    /// Whether it keeps nobody out, whatever else it does: it takes no place of one that does.
    pub(crate) fn bans_nobody(&self) -> bool {
        self.tells_people() || matches!(self, Self::Repair)
    }

    /// The time that a message has to go out where none is set.
    pub const NOTICE_TIMEOUT: Duration = Duration::from_secs(10);
    /// The table of `kind = "nftables"` that names none.
    pub const DEFAULT_TABLE: &'static str = "stockade";
    /// What `kind = "fail2ban-client"` runs that names nothing.
    pub const FAIL2BAN_CLIENT: &'static str = "/usr/bin/fail2ban-client";
    /// The time that `kind = "fail2ban-client"` has that sets none.
    pub const FAIL2BAN_TIMEOUT: Duration = Duration::from_secs(60);
    /// The time that `kind = "command"` has that sets none.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

    fn nftables() -> Self {
        Self::Nftables { table: Self::DEFAULT_TABLE.to_owned() }
    }
}
