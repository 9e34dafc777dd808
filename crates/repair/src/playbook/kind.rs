//! Kinds of things whose last good state is kept, so that a lost or weakened one comes back as it was.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stockade_core::Timestamp;

use super::look::Look;
use crate::ApiFault;

/// Tags by name.
pub type Tags = BTreeMap<String, String>;

/// A thing as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thing {
    /// Its ARN, or the name that is as good.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// All of it that a repair could need.
    pub state: Value,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// A thing as it was when it was last good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// When it was so.
    pub taken: Timestamp,
    /// The thing.
    #[serde(flatten)]
    pub thing: Thing,
}

/// One field that is weaker than it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weakness {
    /// Its name.
    pub field: String,
    /// What happened, for people.
    pub says: String,
    /// Whether it is another and not less: a new key or bucket may be meant, so a person decides.
    pub changed: bool,
}

impl Weakness {
    /// A field that lost something.
    pub fn lost(field: &str, says: impl Into<String>) -> Self {
        Self { field: field.to_owned(), says: says.into(), changed: false }
    }

    /// A field that is another.
    pub fn changed(field: &str, says: impl Into<String>) -> Self {
        Self { field: field.to_owned(), says: says.into(), changed: true }
    }
}

/// A kind of thing: how all of it in a place is read, and when one is weaker than it was.
///
/// What is not weaker becomes the new baseline by itself: on the schedule, and when an event tells of a change that
/// the check finds good. What is weaker becomes it only when a person accepts it.
pub trait Kind: fmt::Debug + Send + Sync {
    /// Its name, which is also the class of its things: `trail`.
    fn name(&self) -> &'static str;

    /// All things of this kind in the place, as they are.
    ///
    /// # Errors
    /// If none can be read. One that cannot is told to [`Look::trouble`] and left out.
    fn read(&self, look: &mut Look<'_>) -> Result<Vec<Thing>, ApiFault>;

    /// In what `now` is weaker than `base` was.
    fn weaker(&self, base: &Value, now: &Value) -> Vec<Weakness>;
}
