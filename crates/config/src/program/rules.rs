//! `[rules]` and `[rules.NAME]`: which rules of events are used, and what is other than their files say.

use std::num::NonZeroU32;
use std::time::Duration;

use stockade_core::{BanTime, Target};
use toml::de::{DeTable, DeValue};

use super::document::{Entry, Text, entries};
use super::read::Reader;
use super::value::{Kind, Parsed};
use crate::limits::{MAX_RULE_NAME_BYTES, MAX_RULE_SETTINGS};
use crate::origin::Origin;
use crate::problem::{Problem, ProblemKind};
use stockade_core::nearest::nearest;

/// The table of the rules.
pub(super) const RULES: &str = "rules";

/// Which rules of events are used, and what is other than their files say.
#[derive(Clone, Debug, Default, Eq)]
pub struct RuleSettings {
    /// `disabled`: names of rules that are not used.
    pub disabled: Vec<String>,
    /// Where that is set.
    pub disabled_at: Origin,
    /// `[rules.NAME]`, in the order of the file; names differ.
    pub each: Vec<RuleSetting>,
}

/// Where something was set makes no difference.
impl PartialEq for RuleSettings {
    fn eq(&self, other: &Self) -> bool {
        (&self.disabled, &self.each) == (&other.disabled, &other.each)
    }
}

/// `[rules.NAME]`. What is `None` is as the rule's file has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleSetting {
    /// NAME.
    pub name: String,
    /// `enabled`.
    pub enabled: Option<bool>,
    /// `target`.
    pub target: Option<Target>,
    /// `maxretry`.
    pub maxretry: Option<NonZeroU32>,
    /// `findtime`.
    pub findtime: Option<Duration>,
    /// `bantime`.
    pub bantime: Option<BanTime>,
    /// `action`: the names of those that carry out what it decides; not empty.
    pub action: Option<Vec<String>>,
    /// Where the keys are set, and the table itself under the empty key.
    origins: Vec<(&'static str, Origin)>,
}

const KEYS: [(&str, Kind); 6] = [
    ("enabled", Kind::Flag),
    ("target", Kind::Word(&["ban", "notify", "repair"])),
    ("maxretry", Kind::Count { min: 1, max: 0xffff_ffff }),
    ("findtime", Kind::Span { min: Duration::from_secs(1) }),
    ("bantime", Kind::BanTime),
    ("action", Kind::Texts),
];

impl RuleSetting {
    /// Where a key is set; of the empty key, or of one that is not set, where the table begins.
    pub fn origin(&self, key: &str) -> Origin {
        let of = |wanted: &str| self.origins.iter().find(|(key, _)| *key == wanted);
        of(key).or_else(|| of("")).map(|(_, origin)| origin.clone()).unwrap_or_default()
    }

    /// Whether a key is set.
    pub(crate) fn sets(&self, key: &str) -> bool {
        self.origins.iter().any(|(set, _)| *set == key)
    }

    fn take(&mut self, key: &str, value: Parsed) {
        match (key, value) {
            ("enabled", Parsed::Flag(flag)) => self.enabled = Some(flag),
            ("target", Parsed::Word(word)) => self.target = Target::parse(word),
            ("maxretry", Parsed::Count(count)) => {
                self.maxretry = u32::try_from(count).ok().and_then(NonZeroU32::new);
            }
            ("findtime", Parsed::Span(span)) => self.findtime = Some(span),
            ("bantime", Parsed::BanTime(time)) => self.bantime = Some(time),
            ("action", Parsed::Texts(names)) => self.action = Some(names),
            _ => {}
        }
    }
}

/// Reads an entry of `[rules]` that is no setting of its own: the table of one rule.
pub(super) fn read_one(reader: &mut Reader, entry: &Entry<'_>, text: &Text<'_>) {
    let DeValue::Table(table) = entry.value else {
        return unknown(reader, RULES, entry, ["disabled"].iter().copied(), text);
    };
    let key = format!("{RULES}.{}", entry.key);
    if !is_name(entry.key) {
        let expected = format!("a rule's name: letters, digits, `-` and `_`, at most {MAX_RULE_NAME_BYTES}");
        return reader.wrong(&key, &expected, entry.key_span.clone(), text, None);
    }
    if reader.program.rules.each.len() >= MAX_RULE_SETTINGS {
        let expected = format!("settings of at most {MAX_RULE_SETTINGS} rules");
        return reader.wrong(RULES, &expected, entry.key_span.clone(), text, None);
    }
    let one = read_table(reader, &key, entry, table, text);
    reader.program.rules.each.push(one);
}

fn read_table(
    reader: &mut Reader,
    key: &str,
    header: &Entry<'_>,
    table: &DeTable<'_>,
    text: &Text<'_>,
) -> RuleSetting {
    let origins = vec![("", text.place(header.key_span.start))];
    let mut one = RuleSetting { name: header.key.to_owned(), origins, ..RuleSetting::default() };
    for entry in entries(table) {
        let Some((name, kind)) = KEYS.iter().find(|(name, _)| *name == entry.key) else {
            unknown(reader, key, &entry, KEYS.iter().map(|(name, _)| *name), text);
            continue;
        };
        let whole = format!("{key}.{name}");
        let Some(value) = reader.value(&whole, *kind, &entry, text) else { continue };
        if value == Parsed::Texts(Vec::new()) {
            let expected = "at least one name, such as `[\"log\"]`";
            reader.wrong(&whole, expected, entry.value_span.clone(), text, None);
            continue;
        }
        one.take(name, value);
        one.origins.push((name, text.place(entry.key_span.start)));
    }
    one
}

fn unknown<'n>(
    reader: &mut Reader,
    table: &str,
    entry: &Entry<'_>,
    known: impl Iterator<Item = &'n str> + Clone,
    text: &Text<'_>,
) {
    let problem = ProblemKind::Unknown {
        what: "setting",
        name: entry.key.to_owned(),
        nearest: nearest(entry.key, known.clone()),
        known: known.map(str::to_owned).collect(),
    };
    reader.push(Problem::error(problem, text.place(entry.key_span.start)).key(table));
}

/// As files in `rule.d` may be called.
fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.len() <= MAX_RULE_NAME_BYTES && name.chars().all(allowed)
}
