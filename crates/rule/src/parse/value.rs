//! The values of keys.

use std::num::NonZeroU32;
use std::time::Duration;

use stockade_core::BanTime;
use stockade_filter::conf::value::{TimeSpan, parse_time};
use toml::de::{DeTable, DeValue};

use super::Reader;
use super::document::{Entry, entries};
use crate::limits::{MAX_KEY_PATHS, MAX_NAME_BYTES};
use crate::rule::{KeyKind, KeySpec};

const KEY_KINDS: &[&str] = &["address", "user", "principal", "resource"];
const KEY: &str = "a kind and a path, such as `{ address = \"detail.sourceIPAddress\" }`";
const PATHS: &str = "a path such as `\"detail.sourceIPAddress\"`, or a list of them";

/// Whether a text can be a name: of a rule, a jail, a playbook.
pub(super) fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(fits)
}

/// Whether a text says something in one line.
pub(super) fn is_sentence(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= 1_000 && !text.chars().any(char::is_control)
}

/// Whether a text can be a path: names that are not empty, joined with dots.
fn is_path(text: &str) -> bool {
    text.len() <= 500
        && text.split('.').all(|name| !name.is_empty() && !name.chars().any(char::is_whitespace))
}

impl Reader<'_, '_> {
    /// A table, or a problem.
    pub(super) fn table<'e>(&mut self, key: &str, entry: &Entry<'e>) -> Option<&'e DeTable<'e>> {
        if let DeValue::Table(table) = entry.value {
            return Some(table);
        }
        self.bad(key, entry, "a table");
        None
    }

    /// The tables of `[[key]]`, each as an entry, or a problem.
    pub(super) fn tables<'e>(&mut self, entry: &Entry<'e>) -> Vec<(Entry<'e>, &'e DeTable<'e>)> {
        let key = entry.key;
        let mut tables = Vec::new();
        if let DeValue::Array(array) = entry.value {
            for item in array {
                let item = Entry { value: item.get_ref(), span: item.span(), ..entry.clone() };
                match item.value {
                    DeValue::Table(table) => tables.push((item.clone(), table)),
                    _ => self.bad(key, &item, format!("a table `[[{key}]]`")),
                }
            }
        } else {
            let kind = crate::problem::RuleProblemKind::BadValue {
                expected: format!("`[[{key}]]`, one table for each"),
                found: if entry.value.is_table() {
                    format!("`[{key}]`")
                } else {
                    format!("`{}`", self.text.quote(entry.span.clone()))
                },
                hint: entry.value.is_table().then(|| format!("write `[[{key}]]` with two brackets")),
            };
            self.push(self.text.place(entry.key_span.start), Some(key), kind);
        }
        tables
    }

    pub(super) fn text_value(
        &mut self,
        key: &str,
        entry: &Entry<'_>,
        expected: &str,
        fits: fn(&str) -> bool,
    ) -> Option<String> {
        match entry.value.as_str() {
            Some(text) if fits(text) => return Some(text.to_owned()),
            _ => self.bad(key, entry, expected),
        }
        None
    }

    pub(super) fn word<T: Copy>(&mut self, key: &str, entry: &Entry<'_>, words: &[(&str, T)]) -> Option<T> {
        let text = entry.value.as_str();
        let found = words.iter().find(|(word, _)| text == Some(word)).map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            self.bad(key, entry, format!("one of `{}`", words.join("`, `")));
        }
        found
    }

    pub(super) fn flag(&mut self, key: &str, entry: &Entry<'_>) -> Option<bool> {
        if let DeValue::Boolean(flag) = entry.value {
            return Some(*flag);
        }
        self.bad(key, entry, "`true` or `false`");
        None
    }

    pub(super) fn count(&mut self, key: &str, entry: &Entry<'_>) -> Option<NonZeroU32> {
        let count =
            integer(entry.value).and_then(|count| u32::try_from(count).ok()).and_then(NonZeroU32::new);
        if count.is_none() {
            self.bad(key, entry, "a whole number, at least 1");
        }
        count
    }

    /// A length of time that ends, longer than nothing.
    pub(super) fn span(&mut self, key: &str, entry: &Entry<'_>) -> Option<Duration> {
        let span = time(entry.value).and_then(TimeSpan::duration).filter(|span| !span.is_zero());
        if span.is_none() {
            self.bad(key, entry, "a length of time such as `10m`");
        }
        span
    }

    pub(super) fn bantime(&mut self, key: &str, entry: &Entry<'_>) -> Option<BanTime> {
        match time(entry.value) {
            Some(TimeSpan::Forever) => return Some(BanTime::Forever),
            Some(TimeSpan::Seconds(seconds)) if seconds > 0.0 => {
                return TimeSpan::Seconds(seconds).duration().map(BanTime::For);
            }
            _ => self.bad(key, entry, "a length of time such as `1h`, or `-1` for ever"),
        }
        None
    }

    /// `{ KIND = PATHS }`
    pub(super) fn key(&mut self, key: &str, entry: &Entry<'_>) -> Option<KeySpec> {
        let DeValue::Table(table) = entry.value else {
            self.bad(key, entry, KEY);
            return None;
        };
        let all = entries(table);
        let mut specs = Vec::new();
        for entry in &all {
            match KeyKind::ALL.iter().find(|(word, _)| *word == entry.key) {
                Some((_, kind)) => {
                    let name = format!("{key}.{}", entry.key);
                    specs.extend(self.paths(&name, entry).map(|paths| KeySpec { kind: *kind, paths }));
                }
                None => self.unknown(key, entry, KEY_KINDS),
            }
        }
        if all.len() != 1 {
            self.bad(key, entry, KEY);
            return None;
        }
        specs.pop()
    }

    /// A path or several.
    pub(super) fn paths(&mut self, key: &str, entry: &Entry<'_>) -> Option<Vec<Box<str>>> {
        let path = |value: &DeValue<'_>| value.as_str().filter(|path| is_path(path)).map(Box::from);
        let paths: Option<Vec<Box<str>>> = match entry.value {
            DeValue::Array(array) if (1..=MAX_KEY_PATHS).contains(&array.len()) => {
                array.iter().map(|item| path(item.get_ref())).collect()
            }
            value => path(value).map(|path| vec![path]),
        };
        if paths.is_none() {
            self.bad(key, entry, PATHS);
        }
        paths
    }
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let DeValue::Integer(integer) = value else { return None };
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn time(value: &DeValue<'_>) -> Option<TimeSpan> {
    match value {
        DeValue::String(text) => parse_time(text).ok(),
        DeValue::Integer(_) => parse_time(&integer(value)?.to_string()).ok(),
        _ => None,
    }
}
