//! What a jail is aimed at: what it decides once its threshold is reached.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a jail decides at its threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The key is kept out for the jail's `bantime`.
    #[default]
    Ban,
    /// Somebody is told. Nothing in the world changes, so nothing expires.
    Notify,
    /// What was done is undone, or contained, by a repair. Nothing expires: a repair has its own way back.
    Repair,
}

impl Target {
    /// All of them, in the order in which they are explained.
    pub const ALL: [Self; 3] = [Self::Ban, Self::Notify, Self::Repair];

    /// Its name in rules and configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ban => "ban",
            Self::Notify => "notify",
            Self::Repair => "repair",
        }
    }

    /// The target of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == name)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
