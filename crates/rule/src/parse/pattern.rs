//! `[[pattern]]`: the JSON text that people paste from EventBridge, or the same as a table.

use stockade_pattern::{Dialect, Pattern};
use toml::de::DeValue;

use super::Reader;
use super::document::{Entry, entries};
use super::value::is_sentence;
use crate::limits::MAX_PATTERNS;
use crate::problem::{Place, RuleProblemKind};
use crate::rule::{KeySpec, RulePattern};
use crate::text::{may_be_cloudtrail, minified, with_success};

/// Where CloudTrail says why a call failed.
const ERROR_CODE: &str = "detail.errorCode";

const PATTERN_KEYS: &[&str] = &["name", "json", "event", "key"];

impl Reader<'_, '_> {
    pub(super) fn patterns(
        &mut self,
        entry: &Entry<'_>,
        key: Option<&KeySpec>,
        failed_calls: bool,
    ) -> Vec<RulePattern> {
        let tables = self.tables(entry);
        if tables.len() > MAX_PATTERNS {
            let kind = RuleProblemKind::TooMany { what: "patterns", limit: MAX_PATTERNS };
            self.push(self.text.place(entry.key_span.start), Some("pattern"), kind);
            return Vec::new();
        }
        let mut patterns = Vec::new();
        for (number, (table_entry, table)) in tables.iter().enumerate() {
            let prefix = format!("pattern[{}]", number + 1);
            let place = self.text.place(table_entry.span.start);
            let (mut name, mut own_key, mut read) = (None, None, None);
            let (mut json, mut event) = (false, false);
            let mut key_given = false;
            for entry in entries(table) {
                let key = format!("{prefix}.{}", entry.key);
                match entry.key {
                    "name" => name = self.text_value(&key, &entry, "a text of one line", is_sentence),
                    "json" => {
                        json = true;
                        read = self.json(&key, &entry);
                    }
                    "event" => {
                        event = true;
                        read = self.event(&key, &entry);
                    }
                    "key" => {
                        key_given = true;
                        own_key = self.key(&key, &entry);
                    }
                    _ => self.unknown(&prefix, &entry, PATTERN_KEYS),
                }
            }
            if json && event {
                self.push(place, Some(&prefix), RuleProblemKind::Both { one: "json", other: "event" });
            } else if !json && !event {
                let expected = "an event pattern: `json` or `event`".into();
                self.push(place, Some(&prefix), RuleProblemKind::Missing { expected });
            }
            if !key_given && key.is_none() && !self.is_set("key") {
                let expected = "a `key`, here or for the whole rule".into();
                self.push(place, Some(&prefix), RuleProblemKind::Missing { expected });
            }
            let (Some((pattern, json)), Some(key)) = (read, own_key.or_else(|| key.cloned())) else {
                continue;
            };
            let name = name.map(String::into_boxed_str);
            let (pattern, json) = if failed_calls { (pattern, json) } else { successful(pattern, json) };
            patterns.push(RulePattern { name, json, pattern, key, place });
        }
        patterns
    }

    /// The pattern as JSON text.
    fn json(&mut self, key: &str, entry: &Entry<'_>) -> Option<(Pattern, String)> {
        let Some(text) = entry.value.as_str() else {
            self.bad(key, entry, "an event pattern as a text, in three quotes `'''`");
            return None;
        };
        match Pattern::parse_as(text, Dialect::Stockade) {
            Ok(pattern) => Some((pattern, minified(text))),
            Err(error) => {
                let at = error.position();
                let place = self.text.place_in_string(&entry.span, text, at.byte);
                let within = if place.is_some() { None } else { Some(within(at)) };
                let kind = RuleProblemKind::Pattern { reason: error.reason().to_owned(), within };
                self.push(place.unwrap_or_else(|| self.text.place(entry.span.start)), Some(key), kind);
                None
            }
        }
    }

    /// The pattern as a table.
    fn event(&mut self, key: &str, entry: &Entry<'_>) -> Option<(Pattern, String)> {
        self.table(key, entry)?;
        let value = match to_json(entry.value) {
            Ok(value) => value,
            Err(found) => {
                let expected = "texts, numbers, `true`, `false`, lists and tables in a pattern";
                let kind = RuleProblemKind::bad_value(expected, &found);
                self.push(self.text.place(entry.span.start), Some(key), kind);
                return None;
            }
        };
        match Pattern::parse_as(&value, Dialect::Stockade) {
            Ok(pattern) => Some((pattern, value)),
            Err(error) => {
                let within = Some(within(error.position()));
                let kind = RuleProblemKind::Pattern { reason: error.reason().to_owned(), within };
                self.push(self.text.place(entry.span.start), Some(key), kind);
                None
            }
        }
    }
}

/// The same pattern for calls that succeeded, if it can match calls and does not speak of their errors itself.
fn successful(pattern: Pattern, json: String) -> (Pattern, String) {
    let says_itself = pattern.combinations() == 1 && pattern.paths().iter().any(|path| path == ERROR_CODE);
    if says_itself || !may_be_cloudtrail(&json) {
        return (pattern, json);
    }
    let with = with_success(&json);
    // Longer than a pattern may be: it cannot be added, which the limit on patterns makes a theory.
    match Pattern::parse_as(&with, Dialect::Stockade) {
        Ok(successful) => (successful, with),
        Err(_) => (pattern, json),
    }
}

fn within(at: stockade_pattern::Position) -> Place {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Place { line: number(at.line), column: number(at.column) }
}

/// A TOML value as JSON text, in the order of the file; an error is what JSON cannot say.
fn to_json(value: &DeValue<'_>) -> Result<String, String> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    Ok(match value {
        DeValue::String(text) => quoted(text),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_err(|_| integer.as_str().to_owned())?
            .to_string(),
        DeValue::Float(float) => match float.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => float.as_str().trim_start_matches('+').replace('_', ""),
            _ => return Err(float.as_str().to_owned()),
        },
        DeValue::Datetime(time) => return Err(time.to_string()),
        DeValue::Array(array) => {
            let items: Result<Vec<_>, _> = array.iter().map(|item| to_json(item.get_ref())).collect();
            format!("[{}]", items?.join(","))
        }
        DeValue::Table(table) => {
            let entry = |entry: Entry<'_>| Ok(format!("{}:{}", quoted(entry.key), to_json(entry.value)?));
            let items: Result<Vec<_>, String> = entries(table).into_iter().map(entry).collect();
            format!("{{{}}}", items?.join(","))
        }
    })
}
