//! What a notice says, made once for all roads.
//!
//! A [`Message`] tells one notice, several about the same, or sums up those there was no room for. The roads put it into
//! their own form: `text` (also in e-mail), `json`, `slack_form`. People get its `sheet`, programs the stories themselves.

use stockade_core::Timestamp;

use super::story::{Story, What};
use super::{clean, tally};
use stockade_core::Severity;

/// How many notices of a message are told in full where a program reads it.
pub(super) const MAX_STORIES: usize = 10;
/// How many keys of a message are named.
pub(super) const MAX_KEYS: usize = 5;
/// How long a title may be, in characters.
const MAX_TITLE: usize = 140;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageKind {
    /// One notice.
    One,
    /// Several about the same.
    Group,
    /// Several that have nothing in common but that there were too many.
    Summary,
}

impl MessageKind {
    /// Its name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "notice",
            Self::Group => "group",
            Self::Summary => "summary",
        }
    }
}

/// What is told at once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Of one notice, or of how many.
    pub kind: MessageKind,
    /// How bad the worst of them is.
    pub severity: Severity,
    /// What it comes to, in one line.
    pub title: String,
    /// The first `MAX_STORIES` of them, the worst first, then the oldest.
    pub stories: Vec<Story>,
    /// How many it tells of.
    pub count: usize,
    /// The first `MAX_KEYS` keys, each once, in the order of the stories.
    pub keys: Vec<String>,
    /// How many keys more there are.
    pub more_keys: usize,
    /// When the first happened.
    pub first: Timestamp,
    /// When the last happened.
    pub last: Timestamp,
    /// What is told of each rule, the worst first.
    pub(super) rules: tally::Tally,
    /// Who tells; empty: nobody says.
    pub host: String,
}

impl Message {
    /// A message of these, in any order; `sums_up` if they have nothing in common. Nothing comes of none.
    pub(super) fn of(mut stories: Vec<Story>, sums_up: bool, host: &str) -> Option<Self> {
        stories.sort_by_key(|story| (std::cmp::Reverse(story.severity()), story.at));
        let worst = stories.first()?;
        let count = stories.len();
        let kind = match count {
            1 => MessageKind::One,
            _ if sums_up => MessageKind::Summary,
            _ => MessageKind::Group,
        };
        let mut keys: Vec<String> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for story in &stories {
            if seen.insert(&story.key) && keys.len() < MAX_KEYS {
                keys.push(story.key_text());
            }
        }
        let more_keys = seen.len() - keys.len();
        let title = match kind {
            MessageKind::One => one(worst),
            MessageKind::Group => group(worst, count, &keys, more_keys),
            MessageKind::Summary => format!("{count} more notices were not sent one by one"),
        };
        let times = || stories.iter().map(|story| story.at);
        Some(Self {
            kind,
            severity: worst.severity(),
            title: clean::line(&title, MAX_TITLE),
            count,
            keys,
            more_keys,
            first: times().min().unwrap_or_default(),
            last: times().max().unwrap_or_default(),
            rules: tally::Tally::of(&stories),
            host: clean::line(host, MAX_TITLE),
            stories: stories.into_iter().take(MAX_STORIES).collect(),
        })
    }
}

/// What the rule finds, or its name.
pub(super) fn subject(story: &Story) -> &str {
    match &story.about {
        Some(about) if !about.description.trim().is_empty() => &about.description,
        _ => &story.rule,
    }
}

fn one(story: &Story) -> String {
    let key = story.key_text();
    match story.what {
        What::Ban { extends: false, .. } => format!("{key} was banned in jail {}", story.jail),
        What::Ban { extends: true, .. } => format!("{key} stays banned in jail {}", story.jail),
        What::Unban => format!("{key} was let in again in jail {}", story.jail),
        What::Notify | What::Repair => format!("{}: {key}", subject(story)),
        What::CameTo(_) => {
            let came_to = story.repair.as_ref().map(|repair| repair.came_to.as_str()).unwrap_or_default();
            format!("{}: {key} {came_to}", subject(story))
        }
    }
}

fn group(story: &Story, count: usize, keys: &[String], more: usize) -> String {
    match story.what {
        What::Ban { .. } => format!("{count} bans in jail {}", story.jail),
        What::Unban => format!("{count} were let in again in jail {}", story.jail),
        What::Notify | What::Repair | What::CameTo(_) => {
            let first = keys.first().map(String::as_str).unwrap_or_default();
            let others = keys.len().saturating_sub(1) + more;
            let others = if others > 0 { format!(" and {others} more") } else { String::new() };
            format!("{count} × {}: {first}{others}", subject(story))
        }
    }
}

#[cfg(test)]
mod tests;
