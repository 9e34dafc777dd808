//! The responders that tell people and other programs: their settings.

use std::path::PathBuf;
use std::time::Duration;

use super::{AwsPlace, Secret};

/// How often one responder may tell, and how long it waits for more of the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// `group`: what comes so soon after a message about the same is told in one; zero: each by itself.
    pub group: Duration,
    /// `messages`: so many at once; above zero…
    pub messages: u32,
    /// `per`: …and so many again in this time.
    pub per: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { group: Duration::from_secs(60), messages: 20, per: Duration::from_secs(600) }
    }
}

/// `kind = "webhook"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookConfig {
    /// `url`: where it goes.
    pub url: Secret,
    /// `secret`: what signs it; `None`: nothing does.
    pub secret: Option<Secret>,
    /// `timeout`: how long a request may take.
    pub timeout: Duration,
    /// `ca`: certificates of authorities that are trusted beside the machine's.
    pub ca: Option<PathBuf>,
    /// How often; of notices alone.
    pub pace: Pace,
}

/// `kind = "slack"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlackConfig {
    /// `url`: that of an incoming webhook.
    pub url: Secret,
    /// `unban`: the ends of bans are told, too.
    pub unban: bool,
    /// `timeout`: how long a request may take.
    pub timeout: Duration,
    /// How often.
    pub pace: Pace,
}

/// `kind = "email"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailConfig {
    /// `server`: the mail server's name or address.
    pub host: String,
    /// Its port, of `server` or as `tls` has it.
    pub port: u16,
    /// `tls`: how it is spoken to.
    pub tls: MailTls,
    /// `from`: who sends.
    pub from: String,
    /// `to`: who gets it; never empty.
    pub to: Vec<String>,
    /// `user` and `password`: where the server wants to know who it is.
    pub login: Option<(String, Secret)>,
    /// `unban`: the ends of bans are told, too.
    pub unban: bool,
    /// `timeout`: how long one answer of the server may take.
    pub timeout: Duration,
    /// `ca`: certificates of authorities that are trusted beside the machine's.
    pub ca: Option<PathBuf>,
    /// How often.
    pub pace: Pace,
}

/// How a mail server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// `none`: in the clear, only on this machine.
    None,
    /// `starttls`: encrypted after the greeting, or not at all.
    StartTls,
    /// `tls`: encrypted from the beginning.
    Tls,
}

/// `kind = "sns-notice"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnsNoticeConfig {
    /// `topic`: its name or its ARN.
    pub topic: String,
    /// `unban`: the ends of bans are told, too.
    pub unban: bool,
    /// In which AWS.
    pub place: AwsPlace,
    /// How often.
    pub pace: Pace,
}

impl MailTls {
    pub(super) const WORDS: &'static [&'static str] = &["none", "starttls", "tls"];

    /// Its name in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::StartTls => "starttls",
            Self::Tls => "tls",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        [Self::None, Self::StartTls, Self::Tls].into_iter().find(|tls| tls.name() == word)
    }

    /// The port that mail is handed in at.
    pub const fn port(self) -> u16 {
        match self {
            Self::None => 25,
            Self::StartTls => 587,
            Self::Tls => 465,
        }
    }
}
