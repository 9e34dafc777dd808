//! What a notice cannot know by itself: what the rules are for.

use std::collections::HashMap;
use std::sync::Arc;

use stockade_core::Severity;

/// What a rule says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// In one sentence, what it finds.
    pub description: Box<str>,
    /// How bad that is.
    pub severity: Severity,
    /// The entry of the catalogue of repairs that it triggers.
    pub playbook: Option<Box<str>>,
}

/// All rules, by their names, and what is told of whoever tells.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// The rules. A rule that is not here is told by its name.
    pub rules: HashMap<Arc<str>, About>,
    /// Who tells: this host's name; empty: it is not told.
    pub host: String,
    /// By jail, the entries of the catalogue of repairs that its rules trigger.
    pub repairs: HashMap<Arc<str>, Vec<Box<str>>>,
}
