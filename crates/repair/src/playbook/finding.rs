//! What a check found.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kind::{Baseline, Tags};
use crate::{Mode, Place};

/// What a finding is about, and by what it is known again: one thing, and which side of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// Where.
    pub place: Place,
    /// What sort of thing: `trail`, `rule`, `queue`.
    pub class: String,
    /// Its ARN, or the name that is as good.
    pub id: String,
    /// Which side of it, where a playbook judges several by themselves; mostly empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub aspect: String,
}

impl Subject {
    /// A thing as a whole.
    pub fn new(place: &Place, class: &str, id: &str) -> Self {
        Self { place: place.clone(), class: class.to_owned(), id: id.to_owned(), aspect: String::new() }
    }

    /// The same from one side.
    #[must_use]
    pub fn aspect(self, aspect: &str) -> Self {
        Self { aspect: aspect.to_owned(), ..self }
    }

    /// The same in one word, for keys.
    pub fn key(&self) -> String {
        let Self { place, class, id, aspect } = self;
        format!("{place}/{class}/{id}#{aspect}")
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

/// How a thing is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "verdict", content = "says")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Not as it should be; the sentence says how.
    Bad(String),
    /// Worth telling, and nothing that a repair could mend.
    Tell(String),
    /// Somebody else's, to whom the sentence points.
    NotOurs(String),
}

/// The most that may be done about a finding, whatever the playbook's mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ceiling {
    /// At most this.
    pub mode: Mode,
    /// Why.
    pub why: String,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about.
    pub subject: Subject,
    /// Its name for people.
    pub name: String,
    /// How it is.
    pub verdict: Verdict,
    /// At most this may be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<Ceiling>,
    /// The thing as it was read; `null` where it is gone.
    pub state: Value,
    /// Its last good state, for playbooks that need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// What people should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Finding {
    /// A finding without baseline, tags and ceiling.
    pub fn new(subject: Subject, name: &str, verdict: Verdict, state: Value) -> Self {
        Self {
            subject,
            name: name.to_owned(),
            verdict,
            ceiling: None,
            state,
            baseline: None,
            tags: Tags::new(),
            notes: Vec::new(),
        }
    }

    /// The same with tags.
    #[must_use]
    pub fn tags(self, tags: Tags) -> Self {
        Self { tags, ..self }
    }

    /// The same with the last good state.
    #[must_use]
    pub fn against(self, baseline: Baseline) -> Self {
        Self { baseline: Some(baseline), ..self }
    }

    /// The same with something that people should know.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// A mode under the ceiling, and why it is lower where it is.
    pub fn lowered(&self, mode: Mode) -> (Mode, Option<String>) {
        match &self.ceiling {
            Some(ceiling) if ceiling.mode < mode => (ceiling.mode, Some(ceiling.why.clone())),
            _ => (mode, None),
        }
    }

    /// The same, with at most this to be done.
    #[must_use]
    pub fn at_most(self, mode: Mode, why: &str) -> Self {
        Self { ceiling: Some(Ceiling { mode, why: why.to_owned() }), ..self }
    }
}

/// What a check saw in one place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sight {
    /// Each thing that was asked for.
    pub findings: Vec<Finding>,
    /// How many things of the class there are, asked for or not.
    pub seen: usize,
}
