//! What became of something that was decided, told when it is known.

use std::sync::Arc;

use crate::record::MatchId;
use crate::severity::Severity;
use crate::{Key, Timestamp};

/// What a repair came to, or what a person decided about one: what happened, what was done, how to undo it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The same whenever it is told.
    pub id: MatchId,
    /// What sort of thing it tells of. Reports of one topic about one thing, or one actor, may be told together.
    pub topic: Arc<str>,
    /// What the topic is, in words.
    pub description: Box<str>,
    /// The entry of the catalogue of repairs.
    pub playbook: Option<Box<str>>,
    /// How bad it is.
    pub severity: Severity,
    /// What it came to, in one word for programs: `repaired`, `failed`, `waiting`, …
    pub outcome: &'static str,
    /// The same for people, as the end of a sentence that begins with the thing: `was repaired, and looks so`.
    pub came_to: String,
    /// The repair's id; empty where it belongs to none.
    pub repair: String,
    /// The thing.
    pub key: Key,
    /// When it came to this.
    pub at: Timestamp,
    /// How the thing was found, in a sentence; empty where nobody looked.
    pub found: String,
    /// The digest of the event that led here, as a [`Match`](crate::Match) has it in `line`; empty where none did.
    pub event: String,
    /// What was done, or would be, in sentences.
    pub done: Vec<String>,
    /// What takes it back, as commands.
    pub undo: Vec<String>,
    /// What a person may answer: a word, and a link or a command.
    pub answers: Vec<(&'static str, String)>,
    /// What shows more of it, as a command.
    pub more: String,
    /// The number and the hash of the record's line: they show later that it is still there.
    pub mark: String,
}
