//! What a rule is: event patterns, the key that they count, and where a match leads.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use stockade_core::{BanTime, Jail, Severity, Target, Threshold};
use stockade_pattern::Pattern;

use crate::problem::{Place, RuleProblem};

/// A rule that was read: one file of `rule.d`.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The file's name without `.toml`; also its jail's, unless [`RuleJail::name`] says otherwise.
    pub name: Arc<str>,
    /// The file as it was given to [`Rule::parse`].
    pub file: Arc<str>,
    /// `description`: what it finds, in one sentence.
    pub description: Box<str>,
    /// `severity`.
    pub severity: Severity,
    /// `target`: what comes of a match; `notify` if the file does not say.
    pub target: Target,
    /// `playbook`: the entry of the catalogue of repairs that it triggers.
    pub playbook: Option<Box<str>>,
    /// `failed_calls`: whether events with `detail.errorCode` match. If not, the patterns that can match a CloudTrail
    /// event ask for its absence, unless they name it themselves.
    pub failed_calls: bool,
    /// `once_per`: paths in the event. Events that agree in the first of them that has a value, and in the key, are one
    /// match: a session's, a finding's. Empty: every event is one.
    pub once_per: Vec<Box<str>>,
    /// `enabled`.
    pub enabled: bool,
    /// `[jail]`: when it is enough. Without it one match is.
    pub jail: Option<RuleJail>,
    /// `[[pattern]]`: one is enough; never empty.
    pub patterns: Vec<RulePattern>,
    /// `[[test]]`.
    pub tests: Vec<RuleTest>,
    /// The keys that the file sets, with their places.
    pub(crate) set: Vec<(String, Place)>,
}

/// `[jail]`: options of jails; `None`: as the jail has it anyway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleJail {
    /// `name`: the jail, where it is not called as the rule. Several rules may feed one jail.
    pub name: Option<Arc<str>>,
    /// `maxretry`: how many matches are enough.
    pub maxretry: Option<NonZeroU32>,
    /// `findtime`: within which time.
    pub findtime: Option<Duration>,
    /// `bantime`: for how long it then bans, where the target is a ban.
    pub bantime: Option<BanTime>,
}

/// One event pattern of a rule.
#[derive(Clone, Debug)]
pub struct RulePattern {
    /// `name`.
    pub name: Option<Box<str>>,
    /// The pattern as EventBridge would be given it: JSON without spaces, with what `failed_calls` adds.
    pub json: String,
    /// The same, read.
    pub pattern: Pattern,
    /// `key`: its own, or the rule's.
    pub key: KeySpec,
    /// Where it begins in the file.
    pub place: Place,
}

/// `key = { KIND = PATHS }`: what a match is counted against.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeySpec {
    /// What sort of thing it is.
    pub kind: KeyKind,
    /// Paths in the event, names joined with dots. The first that has a value counts; if it has several values, each is
    /// a key. Where none has, a resource or principal is the account, or the event's source; an address or user is none,
    /// and the event no match.
    pub paths: Vec<Box<str>>,
}

/// What sort of thing a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// An address or network, strictly: what is no address is no key.
    Address,
    /// A user's name.
    User,
    /// An IAM principal: the ARN of a user or of a role's session.
    Principal,
    /// What the call was about: a trail, a bucket, a security group.
    Resource,
}

/// `[[test]]`: an event, and what the rule has to say to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTest {
    /// `name`.
    pub name: Option<Box<str>>,
    /// The event's JSON.
    pub event: TestEvent,
    /// `matches`.
    pub matches: bool,
    /// `keys`: exactly these, in any order; `None`: any.
    pub keys: Option<Vec<String>>,
    /// Where it begins in the file.
    pub place: Place,
}

/// The event of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestEvent {
    /// `event`: with EventBridge's envelope.
    Envelope(String),
    /// `record`: as it lies in a CloudTrail file.
    Record(String),
}

impl Rule {
    /// Reads a rule. Its name is the file's: what stands before `.toml` and behind the last `/`.
    ///
    /// ```
    /// use stockade_rule::{KeyKind, Rule};
    ///
    /// let rule = Rule::parse("rule.d/trail-deleted.toml", r#"
    ///     description = "A trail is deleted"
    ///     key = { resource = "detail.requestParameters.name" }
    ///     [[pattern]]
    ///     json = '{"source": ["aws.cloudtrail"], "detail": {"eventName": ["DeleteTrail"]}}'
    /// "#).map_err(|problems| problems[0].clone())?;
    /// assert_eq!(&*rule.name, "trail-deleted");
    /// assert_eq!(rule.patterns[0].key.kind, KeyKind::Resource);
    ///
    /// let problems = Rule::parse("rule.d/x.toml", "descripton = 'x'").unwrap_err();
    /// assert_eq!(problems[0].to_string(), "rule.d/x.toml:1:1: unknown key `descripton`");
    /// assert_eq!(problems[0].hint().as_deref(), Some("did you mean `description`?"));
    /// # Ok::<(), stockade_rule::RuleProblem>(())
    /// ```
    ///
    /// # Errors
    /// All that is wrong with it, in the order of the file; at most [`MAX_PROBLEMS`](crate::limits::MAX_PROBLEMS).
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<RuleProblem>> {
        crate::parse::parse(file, text)
    }

    /// The name of the jail that counts its matches.
    pub fn jail_name(&self) -> &Arc<str> {
        self.jail.as_ref().and_then(|jail| jail.name.as_ref()).unwrap_or(&self.name)
    }

    /// Its jail: what `[jail]` does not say is as in [`Jail::new`], and one match is enough without a `[jail]`.
    pub fn to_jail(&self) -> Jail {
        let mut jail = Jail::new(self.jail_name());
        jail.target = self.target;
        let Some(own) = &self.jail else {
            jail.threshold = Threshold { maxretry: NonZeroU32::MIN, ..jail.threshold };
            return jail;
        };
        jail.threshold.maxretry = own.maxretry.unwrap_or(jail.threshold.maxretry);
        jail.threshold.findtime = own.findtime.unwrap_or(jail.threshold.findtime);
        jail.bantime = own.bantime.unwrap_or(jail.bantime);
        jail
    }

    /// Where the file sets a key such as `severity` or `jail.maxretry`; `None` if it does not.
    pub fn place_of(&self, key: &str) -> Option<Place> {
        self.set.iter().find(|(set, _)| set == key).map(|(_, place)| *place)
    }
}

impl KeyKind {
    /// All of them with their words.
    pub const ALL: [(&'static str, Self); 4] = [
        ("address", Self::Address),
        ("user", Self::User),
        ("principal", Self::Principal),
        ("resource", Self::Resource),
    ];

    /// Its word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::User => "user",
            Self::Principal => "principal",
            Self::Resource => "resource",
        }
    }
}

impl std::fmt::Display for KeyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

impl TestEvent {
    /// The JSON.
    pub fn json(&self) -> &str {
        match self {
            Self::Envelope(json) | Self::Record(json) => json,
        }
    }
}
