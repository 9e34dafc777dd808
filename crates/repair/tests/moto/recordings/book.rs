//! The shipped rules, as the daemon and the functions ask them.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use stockade_core::Target;
use stockade_repair::Run;
use stockade_rule::{Event, Rule, RuleBook, Scratch};

use crate::world::{World, at};

/// What a rule found in a record.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) playbook: String,
    pub(super) target: Target,
    /// The event as the responder gets it, where a repair is meant.
    pub(super) event: String,
}

pub(super) struct Book(RuleBook);

impl Book {
    pub(super) fn shipped() -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conf/rule.d");
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let rules = files.iter().map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            Arc::new(Rule::parse(name, &std::fs::read_to_string(path).unwrap()).unwrap())
        });
        Self(RuleBook::new(rules.collect()))
    }

    /// What the rules find in a record of a file, or in an event with its envelope.
    pub(super) fn read(&self, event: &Value) -> Vec<Hit> {
        let text = event.to_string();
        let event = match event.get("detail") {
            Some(_) => Event::Envelope(text.as_bytes()),
            None => Event::Record(text.as_bytes()),
        };
        let mut hits = Vec::new();
        self.0
            .read(event, at(0), &mut Scratch::new(), &mut |found| {
                let rule = &self.0.rules()[found.rule];
                hits.push(Hit {
                    playbook: rule.playbook.as_deref().unwrap_or_default().to_owned(),
                    target: rule.target,
                    event: found.to_match(&"recording".into()).line.to_string(),
                });
            })
            .unwrap();
        hits
    }

    /// Hands a record to the engine for every rule that means a repair.
    pub(super) fn follow(&self, world: &mut World, event: &Value) -> Vec<(Hit, Run)> {
        let hits = self.read(event).into_iter().filter(|hit| hit.target == Target::Repair);
        hits.map(|hit| {
            let run = world.engine.event(&hit.playbook, hit.event.as_bytes()).unwrap();
            (hit, run)
        })
        .collect()
    }
}
