//! `[[test]]`: an event, and what the rule has to say to it.

use toml::de::DeValue;

use super::Reader;
use super::document::{Entry, entries};
use super::value::is_sentence;
use crate::limits::MAX_TESTS;
use crate::problem::{Place, RuleProblemKind};
use crate::rule::{RuleTest, TestEvent};

const TEST_KEYS: &[&str] = &["name", "event", "record", "matches", "keys"];

impl Reader<'_, '_> {
    pub(super) fn tests(&mut self, entry: &Entry<'_>) -> Vec<RuleTest> {
        let tables = self.tables(entry);
        if tables.len() > MAX_TESTS {
            let kind = RuleProblemKind::TooMany { what: "tests", limit: MAX_TESTS };
            self.push(self.text.place(entry.key_span.start), Some("test"), kind);
            return Vec::new();
        }
        let mut tests = Vec::new();
        for (number, (table_entry, table)) in tables.iter().enumerate() {
            let prefix = format!("test[{}]", number + 1);
            let place = self.text.place(table_entry.span.start);
            let (mut name, mut matches, mut keys) = (None, None, None);
            let (mut event, mut record) = (None, None);
            for entry in entries(table) {
                let key = format!("{prefix}.{}", entry.key);
                match entry.key {
                    "name" => name = self.text_value(&key, &entry, "a text of one line", is_sentence),
                    "event" => event = Some(self.test_event(&key, &entry)),
                    "record" => record = Some(self.test_event(&key, &entry)),
                    "matches" => matches = Some(self.flag(&key, &entry)),
                    "keys" => keys = self.keys(&key, &entry),
                    _ => self.unknown(&prefix, &entry, TEST_KEYS),
                }
            }
            let (event, matches) = match (event, record, matches) {
                (Some(event), None, Some(matches)) => (event.map(TestEvent::Envelope), matches),
                (None, Some(record), Some(matches)) => (record.map(TestEvent::Record), matches),
                (event, record, matches) => {
                    self.incomplete(&prefix, place, event.is_some(), record.is_some(), matches.is_some());
                    continue;
                }
            };
            let (Some(event), Some(matches)) = (event, matches) else { continue };
            tests.push(RuleTest { name: name.map(String::into_boxed_str), event, matches, keys, place });
        }
        tests
    }

    fn incomplete(&mut self, prefix: &str, place: Place, event: bool, record: bool, matches: bool) {
        if event && record {
            self.push(place, Some(prefix), RuleProblemKind::Both { one: "event", other: "record" });
        } else if !event && !record {
            let expected = "an event: `event` or `record`".into();
            self.push(place, Some(prefix), RuleProblemKind::Missing { expected });
        }
        if !matches {
            let expected = "`matches = true` or `matches = false`".into();
            self.push(place, Some(prefix), RuleProblemKind::Missing { expected });
        }
    }

    fn test_event(&mut self, key: &str, entry: &Entry<'_>) -> Option<String> {
        let Some(text) = entry.value.as_str() else {
            self.bad(key, entry, "an event as a text, in three quotes `'''`");
            return None;
        };
        if let Err(error) = crate::text::check(text) {
            let place = self.text.place_in_string(&entry.span, text, error.byte());
            let place = place.unwrap_or_else(|| self.text.place(entry.span.start));
            self.push(place, Some(key), RuleProblemKind::TestEvent { error });
            return None;
        }
        Some(text.to_owned())
    }

    fn keys(&mut self, key: &str, entry: &Entry<'_>) -> Option<Vec<String>> {
        let DeValue::Array(array) = entry.value else {
            self.bad(key, entry, "a list of keys such as `[\"203.0.113.7\"]`");
            return None;
        };
        let keys: Option<Vec<_>> =
            array.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect();
        if keys.is_none() {
            self.bad(key, entry, "a list of keys such as `[\"203.0.113.7\"]`");
        }
        keys
    }
}
