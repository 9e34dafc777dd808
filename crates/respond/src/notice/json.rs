//! A message for programs: what a webhook gets.

use serde_json::{Value, json};
use stockade_core::{Key, Timestamp};

use super::clean;
use super::message::{Message, subject};
use super::sheet::{done, text_of};
use super::story::{MAX_TEXT, Story, What, time_code};

/// The version of this form. It grows when something is taken away or means something else, not when something is added.
pub(super) const VERSION: u32 = 1;

impl Message {
    /// The message as JSON: `version`, `type` (`notice`, `group` or `summary`), `severity`, `title`, `text`, `count`,
    /// `keys`, `more_keys`, `first`, `last`, `host`, `rules`, and the first of its `notices` in full.
    pub fn json(&self) -> Value {
        let rules: Vec<Value> = self
            .rules
            .rules
            .iter()
            .map(|of| {
                json!({
                    "rule": &*of.rule, "verdict": of.verdict, "severity": of.severity.name(), "count": of.count,
                    "keys": of.keys, "more_keys": of.more_keys,
                })
            })
            .collect();
        json!({
            "version": VERSION,
            "type": self.kind.name(),
            "severity": self.severity.name(),
            "title": self.title,
            "text": self.text(),
            "count": self.count,
            "keys": self.keys,
            "more_keys": self.more_keys,
            "first": time_code(self.first),
            "last": time_code(self.last),
            "host": self.host,
            "rules": rules,
            "notices": self.stories.iter().map(Story::json).collect::<Vec<_>>(),
        })
    }
}

impl Story {
    /// The story as JSON.
    pub(super) fn json(&self) -> Value {
        let mut story = json!({
            "id": format!("{:032x}", self.id.0),
            "verdict": self.verdict(),
            "jail": &*self.jail,
            "rule": &*self.rule,
            "description": clean::line(subject(self), MAX_TEXT),
            "severity": self.severity().name(),
            "key": self.key.to_string(),
            "family": family(&self.key),
            "at": time_code(self.at),
            "matches": self.matches,
            "reason": self.reason,
            "event": self.facts,
            "evidence": self.evidence.map(|id| format!("{:032x}", id.0)),
            "done": done(self).iter().map(|pieces| text_of(pieces)).collect::<Vec<_>>(),
            "undo": self.ways_back(),
            "more": self.look(),
        });
        let mut add = |name: &str, value: Value| {
            if let Some(fields) = story.as_object_mut() {
                fields.insert(name.to_owned(), value);
            }
        };
        if let Some(playbook) = self.about.as_ref().and_then(|about| about.playbook.as_deref()) {
            add("playbook", playbook.into());
        }
        if let (What::CameTo(outcome), Some(repair)) = (self.what, &self.repair) {
            let answers = repair.answers.iter().map(|(word, how)| ((*word).to_owned(), how.as_str().into()));
            add("outcome", outcome.into());
            add("repair", repair.id.as_str().into());
            add("came_to", repair.came_to.as_str().into());
            add("answers", Value::Object(answers.collect()));
            add("record", repair.mark.as_str().into());
        }
        if let What::Ban { until, extends, nth } = self.what {
            add("until", if until == Timestamp::MAX { Value::Null } else { time_code(until).into() });
            add("extends", extends.into());
            add("nth", nth.into());
        }
        story
    }
}

/// What sort of key it is.
fn family(key: &Key) -> &'static str {
    match key.to_net() {
        None => "name",
        Some(net) if net.addr().is_ipv4() => "ipv4",
        Some(_) => "ipv6",
    }
}
