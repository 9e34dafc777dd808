//! From the text of a file to a rule, or to all that is wrong with it.

mod document;
mod pattern;
mod test;
mod value;

use std::sync::Arc;

use stockade_core::nearest::nearest;
use stockade_core::{Severity, Target};
use toml::de::{DeTable, DeValue};

use crate::limits::{MAX_NAME_BYTES, MAX_PROBLEMS, MAX_RULE_BYTES};
use crate::problem::{Place, RuleProblem, RuleProblemKind};
use crate::rule::{Rule, RuleJail};
use document::{Entry, Text, entries};

const RULE_KEYS: &[&str] = &[
    "description",
    "severity",
    "target",
    "playbook",
    "failed_calls",
    "once_per",
    "enabled",
    "key",
    "jail",
    "pattern",
    "test",
];
const JAIL_KEYS: &[&str] = &["name", "maxretry", "findtime", "bantime"];
const TARGETS: [(&str, Target); 3] =
    [("ban", Target::Ban), ("notify", Target::Notify), ("repair", Target::Repair)];

/// Reads a rule.
pub(crate) fn parse(file: &str, source: &str) -> Result<Rule, Vec<RuleProblem>> {
    let name = file.rsplit('/').next().unwrap_or(file);
    let name = name.strip_suffix(".toml").unwrap_or(name);
    if source.len() > MAX_RULE_BYTES {
        let kind = RuleProblemKind::TooMany { what: "bytes", limit: MAX_RULE_BYTES };
        return Err(vec![Text::new(file, "").problem(Place::default(), None, kind)]);
    }
    let text = Text::new(file, source);
    let (table, syntax) = text.parse();
    let mut reader = Reader { text: &text, problems: Vec::new(), set: Vec::new() };
    if !value::is_name(name) {
        let expected = format!("a file name of at most {MAX_NAME_BYTES} letters, digits and `-_`");
        reader.push(Place::default(), None, RuleProblemKind::bad_value(expected, name));
    }
    let rule = reader.rule(name, &table);
    let mut problems = reader.problems;
    // What could not be read as TOML leaves half a value behind, and a broken `[table]` its keys, about which nothing
    // more is to be said; and who knows whether what is missing is not what could not be read.
    let follows = |problem: &RuleProblem| {
        let line = problem.place.line;
        let missing = matches!(problem.kind, RuleProblemKind::Missing { .. });
        missing
            || syntax.iter().any(|bad| {
                bad.place.line == line || bad.place.line < line && text.line(bad.place.line).starts_with('[')
            })
    };
    if !syntax.is_empty() {
        problems.retain(|problem| !follows(problem));
        problems.extend(syntax);
    }
    // What is about the whole file comes last: it may follow from what is before.
    problems.sort_by_key(|problem| (problem.place.line == 0, problem.place));
    problems.truncate(MAX_PROBLEMS);
    match rule {
        Some(rule) if problems.is_empty() => Ok(rule),
        _ => Err(problems),
    }
}

/// What is being read.
struct Reader<'r, 't> {
    text: &'r Text<'t>,
    problems: Vec<RuleProblem>,
    set: Vec<(String, Place)>,
}

impl Reader<'_, '_> {
    fn rule(&mut self, name: &str, table: &DeTable<'_>) -> Option<Rule> {
        let (mut description, mut severity, mut target, mut playbook) = (None, None, None, None);
        let (mut failed_calls, mut once_per, mut enabled) = (None, None, None);
        let (mut key, mut jail) = (None, None);
        let (mut patterns, mut tests): (Option<Entry<'_>>, Option<Entry<'_>>) = (None, None);
        for entry in entries(table) {
            match entry.key {
                "description" => {
                    description = self.text_value("description", &entry, "a sentence", value::is_sentence);
                }
                "severity" => {
                    severity = self.word("severity", &entry, &Severity::ALL.map(|one| (one.name(), one)));
                }
                "target" => target = self.word("target", &entry, &TARGETS),
                "playbook" => {
                    playbook = self.text_value("playbook", &entry, "a name such as `P01`", value::is_name);
                }
                "failed_calls" => failed_calls = self.flag("failed_calls", &entry),
                "once_per" => once_per = self.paths("once_per", &entry),
                "enabled" => enabled = self.flag("enabled", &entry),
                "key" => key = self.key("key", &entry),
                "jail" => jail = self.jail(&entry),
                "pattern" => patterns = Some(entry.clone()),
                "test" => tests = Some(entry.clone()),
                _ => {
                    self.unknown("", &entry, RULE_KEYS);
                    continue;
                }
            }
            self.set.push((entry.key.to_owned(), self.text.place(entry.key_span.start)));
        }
        if description.is_none() && !self.is_set("description") {
            self.missing("description", "a sentence that says what is found");
        }
        let failed_calls = failed_calls.unwrap_or(false);
        let patterns = match patterns {
            Some(entry) => self.patterns(&entry, key.as_ref(), failed_calls),
            None => {
                self.missing("pattern", "at least one `[[pattern]]`");
                Vec::new()
            }
        };
        let tests = tests.map(|entry| self.tests(&entry)).unwrap_or_default();
        Some(Rule {
            name: name.into(),
            file: Arc::clone(&self.text.file),
            description: description?.into(),
            severity: severity.unwrap_or_default(),
            target: target.unwrap_or(Target::Notify),
            playbook: playbook.map(String::into_boxed_str),
            failed_calls,
            once_per: once_per.unwrap_or_default(),
            enabled: enabled.unwrap_or(true),
            jail,
            patterns: Some(patterns).filter(|patterns| !patterns.is_empty())?,
            tests,
            set: std::mem::take(&mut self.set),
        })
    }

    fn jail(&mut self, entry: &Entry<'_>) -> Option<RuleJail> {
        let table = self.table("jail", entry)?;
        let mut jail = RuleJail::default();
        for entry in entries(table) {
            let key = format!("jail.{}", entry.key);
            match entry.key {
                "name" => {
                    let name = self.text_value(&key, &entry, "a jail's name", value::is_name);
                    jail.name = name.map(Into::into);
                }
                "maxretry" => jail.maxretry = self.count(&key, &entry),
                "findtime" => jail.findtime = self.span(&key, &entry),
                "bantime" => jail.bantime = self.bantime(&key, &entry),
                _ => {
                    self.unknown("jail", &entry, JAIL_KEYS);
                    continue;
                }
            }
            self.set.push((key, self.text.place(entry.key_span.start)));
        }
        Some(jail)
    }

    // === what all parts share ===

    fn is_set(&self, key: &str) -> bool {
        self.set.iter().any(|(set, _)| set == key)
    }

    fn push(&mut self, place: Place, key: Option<&str>, kind: RuleProblemKind) {
        // One more than is shown, so that the first in the file are not crowded out by the order of reading.
        if self.problems.len() < 10 * MAX_PROBLEMS {
            self.problems.push(self.text.problem(place, key, kind));
        }
    }

    fn missing(&mut self, key: &str, expected: &str) {
        self.push(Place::default(), Some(key), RuleProblemKind::Missing { expected: expected.into() });
    }

    fn unknown(&mut self, table: &str, entry: &Entry<'_>, known: &'static [&'static str]) {
        let name = crate::problem::cut(entry.key);
        let kind =
            RuleProblemKind::UnknownKey { nearest: nearest(entry.key, known.iter().copied()), name, known };
        let place = self.text.place(entry.key_span.start);
        self.push(place, Some(table).filter(|table| !table.is_empty()), kind);
    }

    /// What stands there is not what should.
    fn bad(&mut self, key: &str, entry: &Entry<'_>, expected: impl Into<String>) {
        let found = match entry.value {
            DeValue::Table(_) => "a table".to_owned(),
            _ => format!("`{}`", self.text.quote(entry.span.clone())),
        };
        let kind = RuleProblemKind::BadValue { expected: expected.into(), found, hint: None };
        self.push(self.text.place(entry.span.start), Some(key), kind);
    }
}
