//! What a rule found in an event, and the evidence of it.

use std::sync::Arc;

use serde_json::Value;
use stockade_core::limits::MAX_EVIDENCE_BYTES;
use stockade_core::{Key, Match, MatchId, StreamName, Target, Timestamp};
use stockade_pattern::Part;

use crate::event::whole;
use crate::known::Known;
use crate::limits::MAX_EVENT_BYTES;
use crate::rule::Rule;

/// What a rule found in an event: one key that it speaks against.
#[derive(Debug)]
#[non_exhaustive]
pub struct Found<'f> {
    /// The place of the rule in its [`RuleBook`](crate::RuleBook).
    pub rule: usize,
    /// The place of the pattern in the rule.
    pub pattern: usize,
    /// Which key of the event it is for this rule, from 0.
    pub nth: u32,
    /// Whom or what it speaks against.
    pub key: Key,
    /// When it happened.
    pub time: Timestamp,
    /// What tells the event from every other, the same by whatever way it is delivered.
    pub identity: &'f str,
    /// Who acted, or was tried.
    pub user: Option<&'f str>,
    /// Whether the fields of the pattern that matched lie in the same elements of arrays could not be decided within bounds.
    pub undecided: bool,
    /// What the rule's `once_per` groups events by, if the event has it.
    pub(crate) once: Option<String>,
    pub(crate) of: &'f Arc<Rule>,
    pub(crate) known: &'f Known<'f, 'f>,
    pub(crate) parts: &'f [Part<'f>],
}

impl Found<'_> {
    /// The id of the match: the same for an event that is delivered again, and for all that `once_per` makes one.
    pub fn match_id(&self) -> MatchId {
        match &self.once {
            Some(once) => MatchId::derive(&self.of.name, "once", once, 0, 0),
            None => MatchId::derive(&self.of.name, "event", self.identity, 0, self.nth),
        }
    }

    /// The match, in a stream that says where the event came from: a queue, a file.
    ///
    /// Its line is a JSON object of one line: a digest of the event for people, at most [`MAX_EVIDENCE_BYTES`]; of a rule
    /// whose target is a repair the whole event as EventBridge would deliver it, because the repair is planned from it, unless
    /// that is longer than [`MAX_EVENT_BYTES`].
    pub fn to_match(&self, stream: &StreamName) -> Match {
        Match {
            id: self.match_id(),
            jail: Arc::clone(self.of.jail_name()),
            key: self.key.clone(),
            time: self.time,
            count: 1,
            user: self.user.map(|user| Key::name(user).to_string().into()),
            stream: Arc::clone(stream),
            line: self.line().into(),
        }
    }

    fn line(&self) -> String {
        let length: usize = self.parts.iter().map(|part| part.json.len()).sum();
        if self.of.target == Target::Repair && length <= MAX_EVENT_BYTES {
            return whole(self.parts);
        }
        self.digest()
    }

    /// What people want to know of the event: a JSON object of one line. What does not fit is cut or left out.
    pub fn digest(&self) -> String {
        let known = self.known;
        let pattern = self.of.patterns.get(self.pattern).and_then(|pattern| pattern.name.as_deref());
        let fields = [
            ("rule", Some(&*self.of.name)),
            ("pattern", pattern),
            ("name", known.name()),
            ("source", known.source()),
            ("account", known.account()),
            ("region", known.region()),
            ("id", Some(self.identity)),
            ("actor", known.actor()),
            ("user", self.user.filter(|user| Some(*user) != known.actor())),
            ("invoked_by", known.invoked_by()),
            ("address", known.address()),
            ("error", known.error()),
            ("agent", known.agent()),
        ];
        let mut digest = String::from("{");
        let mut add = |name: &str, value: &str| {
            let comma = if digest.len() > 1 { "," } else { "" };
            let field = format!("{comma}\"{name}\":{value}");
            if digest.len() + field.len() < MAX_EVIDENCE_BYTES {
                digest.push_str(&field);
            }
        };
        for (name, value) in fields {
            if let Some(value) = value {
                add(name, &Value::from(cut(value)).to_string());
            }
        }
        if self.undecided {
            add("undecided", "true");
        }
        digest.push('}');
        digest
    }
}

/// The beginning of a value.
fn cut(value: &str) -> String {
    const KEEP: usize = 160;
    match value.char_indices().nth(KEEP) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value.to_owned(),
    }
}
