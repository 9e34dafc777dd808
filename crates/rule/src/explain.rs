//! Why a rule finds something in an event, or does not.

use std::fmt;

use stockade_core::Key;
use stockade_pattern::{EventError, Explanation, Fields, Part};

use crate::event::{DETAIL, Envelopes, Event, whole};
use crate::key;
use crate::rule::{Rule, RulePattern};

/// Why a rule finds something in an event, or does not. Its text, by [`Display`](fmt::Display), is for people.
#[derive(Clone, Debug)]
pub struct RuleExplanation {
    /// Every pattern of the rule, in order.
    pub patterns: Vec<PatternExplanation>,
}

/// What became of one pattern.
#[derive(Clone, Debug)]
pub struct PatternExplanation {
    /// The pattern's name.
    pub name: Option<Box<str>>,
    /// Its fields.
    pub fields: Explanation,
    /// The keys that the event has, whether the pattern matches or not.
    pub keys: Vec<Key>,
    /// What stands at the key's paths and is no key of its kind: path and value, shortened.
    pub no_keys: Vec<(Box<str>, String)>,
    /// The key as the rule has it: kind and paths.
    pub key: String,
}

impl Rule {
    /// Explains why it finds something in an event, or does not. Slow: for people.
    ///
    /// # Errors
    /// The event is not a JSON object.
    pub fn explain(&self, event: Event<'_>) -> Result<RuleExplanation, EventError> {
        let mut envelope = Vec::new();
        let event = match event {
            Event::Envelope(json) => whole(&[Part { path: "", json }]),
            Event::Record(json) => {
                Envelopes::new().write(json, &mut envelope)?;
                whole(&[Part { path: "", json: &envelope }, Part { path: DETAIL, json }])
            }
        };
        let explain = |pattern| explain(pattern, event.as_bytes());
        Ok(RuleExplanation { patterns: self.patterns.iter().map(explain).collect::<Result<_, _>>()? })
    }
}

impl RuleExplanation {
    /// Whether the rule finds something.
    pub fn finds(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.fields.matched && !pattern.keys.is_empty())
    }
}

fn explain(pattern: &RulePattern, event: &[u8]) -> Result<PatternExplanation, EventError> {
    let fields = pattern.pattern.explain(event)?;
    let paths = &pattern.key.paths;
    let all = Fields::new(paths.iter().map(|path| &**path).chain(["account", "source"]));
    let values = all.read(&[Part { path: "", json: event }])?;
    let places: Vec<usize> = (0..paths.len()).collect();
    let otherwise = [paths.len(), paths.len() + 1];
    let (mut keys, mut no_keys) = (Vec::new(), Vec::new());
    key::collect(pattern.key.kind, &places, &otherwise, &values, &mut keys);
    for (place, path) in paths.iter().enumerate() {
        let wrong = values.of(place).iter().filter(|value| key::key(pattern.key.kind, value).is_none());
        no_keys.extend(wrong.map(|value| (path.clone(), crate::problem::cut(&value.to_string()))));
    }
    let key = format!("{} at `{}`", pattern.key.kind, paths.join("` or `"));
    Ok(PatternExplanation { name: pattern.name.clone(), fields, keys, no_keys, key })
}

impl fmt::Display for RuleExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, pattern) in self.patterns.iter().enumerate() {
            write!(f, "pattern {}", at + 1)?;
            if let Some(name) = &pattern.name {
                write!(f, " ({name})")?;
            }
            write!(f, ": {pattern}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PatternExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fields)?;
        let (kind, _) = self.key.split_once(' ').unwrap_or((&self.key, ""));
        for (path, value) in &self.no_keys {
            writeln!(f, "  {path}: `{value}` is no {kind}")?;
        }
        match &self.keys[..] {
            [] => writeln!(f, "  NO KEY: {}", self.key),
            keys => {
                let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
                writeln!(f, "  key: {}", keys.join(", "))
            }
        }
    }
}
