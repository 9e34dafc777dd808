//! Judging things against their last good state: what most playbooks do.
//!
//! A thing is judged from two sides. What it *lost* is given back by itself. What is *another* than it was may be meant,
//! so a person is asked ([`CHANGED`]).

use super::{Finding, Kind, Look, Subject, Thing, Verdict, Weakness};
use crate::Mode;

/// The side of a thing on which values are others and not less.
pub const CHANGED: &str = "changed";

/// How things of one kind are judged by one playbook.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// The kind.
    pub kind: &'static dyn Kind,
    /// Which weaknesses are this playbook's.
    pub relevant: fn(&Weakness) -> bool,
    /// Why a person is asked about what is another.
    pub ask: &'static str,
}

impl Comparison {
    /// One thing, from both sides. The second side is a finding of its own only where it is bad, or was asked for.
    pub fn judge(&self, look: &Look<'_>, thing: &Thing) -> Vec<Finding> {
        let Thing { id, name, state, tags } = thing;
        let noun = self.kind.name();
        let subject = Subject::new(look.place(), noun, id);
        let finding = |subject: Subject, verdict| {
            Finding::new(subject, name, verdict, state.clone()).tags(tags.clone())
        };
        let Some(base) = look.baseline(self.kind, id) else {
            let told = look.asked().any(|asked| asked == id || asked == name);
            let verdict = if told {
                Verdict::Bad(format!("the {noun} `{name}` was changed, and what it was is not known"))
            } else {
                Verdict::Good
            };
            return vec![finding(subject, verdict)];
        };
        let mut findings = Vec::new();
        for changed in [false, true] {
            let weak = self.of_side(&base.thing.state, state, changed);
            let says: Vec<&str> = weak.iter().map(|one| one.says.as_str()).collect();
            let verdict = if weak.is_empty() {
                Verdict::Good
            } else {
                Verdict::Bad(format!("the {noun} `{name}` was weakened: {}", says.join(", ")))
            };
            if !changed {
                findings.push(finding(subject.clone(), verdict).against(base.clone()));
            } else if verdict != Verdict::Good || look.is_told() {
                let one = finding(subject.clone().aspect(CHANGED), verdict).against(base.clone());
                // What the installation states is no question.
                let stated = base.taken == stockade_core::Timestamp::MIN;
                findings.push(if stated { one } else { one.at_most(Mode::Approve, self.ask) });
            }
        }
        findings
    }

    /// What a finding of [`Comparison::judge`] is about.
    pub fn weaknesses(&self, finding: &Finding) -> Vec<Weakness> {
        let Some(base) = &finding.baseline else { return Vec::new() };
        self.of_side(&base.thing.state, &finding.state, finding.subject.aspect == CHANGED)
    }

    /// Things whose last good state is known and which are gone. One that cannot be read is not gone.
    pub fn missing(&self, look: &Look<'_>, there: &[Thing]) -> Vec<Finding> {
        let noun = self.kind.name();
        let is_there = |id: &str| there.iter().any(|thing| thing.id == id) || look.is_troubled(id);
        let gone = look.baselines(self.kind).iter().filter(|base| !is_there(&base.thing.id));
        gone.filter(|base| look.wanted(&base.thing.id, &base.thing.name))
            .map(|base| {
                let Thing { id, name, tags, .. } = &base.thing;
                let verdict = Verdict::Bad(format!("the {noun} `{name}` is gone"));
                let subject = Subject::new(look.place(), noun, id);
                Finding::new(subject, name, verdict, serde_json::Value::Null)
                    .tags(tags.clone())
                    .against(base.clone())
            })
            .collect()
    }

    fn of_side(&self, base: &serde_json::Value, now: &serde_json::Value, changed: bool) -> Vec<Weakness> {
        let mut weak = self.kind.weaker(base, now);
        weak.retain(|one| one.changed == changed && (self.relevant)(one));
        weak
    }
}
