//! One thing that is wrong, where, and what may be done about it.

use std::fmt;

use stockade_filter::conf;
use stockade_filter::date::ZoneError;
use thiserror::Error;

use crate::origin::Origin;

pub use stockade_filter::conf::Severity;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether what was read can be used in spite of it.
    pub severity: Severity,
    /// The place to look at; [`Origin::Default`] if there is none.
    pub origin: Origin,
    /// The section of the jail files.
    pub section: Option<String>,
    /// The option, or the setting with its table: `guards.protect_own`.
    pub key: Option<String>,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// Found by the reader of fail2ban's files.
    #[error("{kind}")]
    Conf {
        /// What is wrong.
        kind: Box<conf::ProblemKind>,
        /// What may be done about it.
        hint: Option<String>,
    },
    /// Found in the file of a rule.
    #[error("{kind}")]
    Rule {
        /// What is wrong.
        kind: Box<stockade_rule::RuleProblemKind>,
        /// What may be done about it.
        hint: Option<String>,
    },
    /// Rules whose target is a repair, and nobody who repairs.
    #[error("no responder repairs: you are told instead, by {}", rules.join(", "))]
    NothingRepairs {
        /// Their names.
        rules: Vec<String>,
    },
    /// The directory that was asked for is not there.
    #[error("cannot read configuration directory: {error}")]
    NoDirectory {
        /// What the system said.
        error: String,
    },
    /// A file that is there and cannot be read.
    #[error("cannot read file: {error}")]
    Unreadable {
        /// What the system said.
        error: String,
    },
    /// The file is not TOML.
    #[error("not valid TOML: {message}")]
    Syntax {
        /// What is wrong with it.
        message: String,
    },
    /// A name that means nothing where it stands.
    #[error("unknown {what} `{name}`")]
    Unknown {
        /// `setting`, `option`, `responder`, …
        what: &'static str,
        /// The name.
        name: String,
        /// The known name that is spelled most like it.
        nearest: Option<String>,
        /// The known names, if they are few.
        known: Vec<String>,
    },
    /// A setting that has to be there is not.
    #[error("expected {expected}, got nothing")]
    Missing {
        /// What could be.
        expected: String,
    },
    /// A value that cannot be what it should.
    #[error("expected {expected}, got: {found}")]
    BadValue {
        /// What could be.
        expected: String,
        /// What is, cut short, in backticks.
        found: String,
        /// What is wrong with it or what to write instead, if more can be said.
        hint: Option<String>,
    },
    /// A `logtimezone` that no one knows.
    #[error("{0}")]
    BadZone(ZoneError),
    /// The growth of bans is fixed; its formula is not a program.
    #[error("expected fail2ban's own formula, got: `{formula}`")]
    Formula {
        /// What is written, cut short.
        formula: String,
    },
    /// An action of fail2ban's whose file is not here.
    #[error("action `{name}` is a file of commands, and `action.d/{name}.conf` does not exist")]
    NoActionFile {
        /// Its name.
        name: String,
        /// The responders there are.
        responders: Vec<String>,
    },
    /// An action that is a class in Python.
    #[error("action `{name}` is a Python class, which only fail2ban can run")]
    PythonAction {
        /// Its name.
        name: String,
        /// The responders there are.
        responders: Vec<String>,
    },
    /// A parameter of a firewall action that the responder for the firewall does not use.
    #[error("`{param}` of `{action}` has no effect: {reason}")]
    IgnoredParam {
        /// The action.
        action: String,
        /// The parameter.
        param: String,
        /// Why.
        reason: &'static str,
    },
    /// An action for the firewall, and no responder for it.
    #[error("action `{name}` means the firewall, but no responder is of kind `nftables`")]
    NoFirewall {
        /// Its name.
        name: String,
    },
    /// The jail would read nothing.
    #[error("nothing to read: {missing}")]
    NoLogs {
        /// Which options are not set.
        missing: &'static str,
    },
    /// The filter would find nothing.
    #[error("filter `{filter}` has no `failregex`")]
    NoFailregex {
        /// Its name with its parameters.
        filter: String,
    },
    /// An option that is understood and does nothing.
    #[error("has no effect: {reason}")]
    NoEffect {
        /// Why.
        reason: &'static str,
    },
    /// A jail that read fail2ban's own log and need not any more.
    #[error("counts the bans of the other jails instead of reading fail2ban's log")]
    CountsBans,
    /// A filter that reads fail2ban's own log.
    #[error("reads fail2ban's log, which Stockade does not write")]
    ReadsFail2banLog,
    /// Nothing is enabled.
    #[error("no jail is enabled")]
    NothingEnabled,
    /// All that is enabled is broken.
    #[error("none of the enabled jails can be used")]
    NothingUsable,
}

impl Problem {
    pub(crate) fn error(kind: ProblemKind, origin: Origin) -> Self {
        Self { severity: Severity::Error, origin, section: None, key: None, kind }
    }

    pub(crate) fn warning(kind: ProblemKind, origin: Origin) -> Self {
        Self { severity: Severity::Warning, ..Self::error(kind, origin) }
    }

    pub(crate) fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    pub(crate) fn section(mut self, section: &str) -> Self {
        self.section = Some(section.to_owned());
        self
    }

    /// What the operator may try, if anything can be said.
    pub fn hint(&self) -> Option<String> {
        self.kind.hint()
    }
}

impl From<&conf::Problem> for Problem {
    fn from(problem: &conf::Problem) -> Self {
        Self {
            severity: problem.severity,
            origin: problem.origin.as_ref().map(Origin::from).unwrap_or_default(),
            section: problem.section.clone(),
            key: problem.key.clone(),
            kind: ProblemKind::Conf { kind: Box::new(problem.kind.clone()), hint: problem.hint() },
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.origin != Origin::Default {
            write!(f, "{}: ", self.origin)?;
        }
        if let Some(section) = &self.section {
            write!(f, "[{section}] ")?;
        }
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        write!(f, "{}", self.kind)
    }
}

impl std::error::Error for Problem {}

impl ProblemKind {
    /// `expected …, got …` of a text.
    pub(crate) fn bad_value(expected: impl Into<String>, found: &str) -> Self {
        Self::BadValue { expected: expected.into(), found: format!("`{}`", cut(found)), hint: None }
    }

    /// The same with a hint.
    pub(crate) fn bad_value_hint(expected: impl Into<String>, found: &str, hint: impl Into<String>) -> Self {
        Self::BadValue {
            expected: expected.into(),
            found: format!("`{}`", cut(found)),
            hint: Some(hint.into()),
        }
    }

    /// See [`Problem::hint`].
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Unknown { nearest: Some(name), .. } => format!("did you mean `{name}`?"),
            Self::Unknown { what, known, .. } if !known.is_empty() => {
                format!("known {what}s: `{}`", known.join("`, `"))
            }
            Self::Conf { hint, .. } | Self::Rule { hint, .. } | Self::BadValue { hint, .. } => {
                return hint.clone();
            }
            Self::BadZone(_) => "write a name such as `Europe/Berlin`, or `UTC+0200`".into(),
            Self::Formula { .. } => {
                "remove `bantime.formula`; `bantime.factor` and `bantime.multipliers` shape the growth".into()
            }
            Self::NoActionFile { responders, .. } => {
                let names = responders.join("`, `");
                format!("copy it from fail2ban's action.d, or use one of the responders: `{names}`")
            }
            Self::PythonAction { name, .. } if name.starts_with("smtp") => {
                "use one of the `sendmail-*` actions, or a responder of kind `command`".into()
            }
            Self::PythonAction { .. } => {
                "make it a program and run it by an action file or a responder of kind `command`".into()
            }
            Self::NoFirewall { .. } => {
                "add `[responders.nftables]` with `kind = \"nftables\"` to stockade.toml".into()
            }
            Self::NoDirectory { .. } => "create it, or leave `-c` and `STOCKADE_CONFIG` unset".into(),
            Self::NoLogs { .. } => "set `logpath`, or `backend = journal` with a `journalmatch`".into(),
            Self::ReadsFail2banLog => "set `bans = all` to count the bans of the other jails instead".into(),
            Self::NothingRepairs { .. } => {
                "set `mode` in `[repair]`; `stockade repair list` shows what it would come to".into()
            }
            Self::NothingEnabled => "set `enabled = true` in a jail of jail.local".into(),
            _ => return None,
        };
        Some(text)
    }
}

/// Cuts a text from the configuration down to what fits into one line of a message.
pub(crate) fn cut(text: &str) -> String {
    const KEEP: usize = 60;
    let mut cut: String =
        text.trim().chars().take(KEEP).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().chars().nth(KEEP).is_some() {
        cut.push('…');
    }
    cut
}
