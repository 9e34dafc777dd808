//! What the groups of a regex captured, in their order.

use std::sync::Arc;

use indexmap::IndexMap;

use super::result::LineParts;

/// Named values, in the order in which they were first set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(IndexMap<Arc<str>, FieldValue>);

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// The group took no part in the match.
    Nothing,
    /// What the group captured.
    Text(Vec<u8>),
    /// What several groups captured that are one value together, as `<F-TUPLE_ID>` has it.
    Tuple(Vec<Option<Vec<u8>>>),
    /// The users that were tried on one connection, each once.
    Users(Vec<Vec<u8>>),
    /// The lines that belong to a failure.
    Lines(Vec<LineParts>),
    /// The address, where the id is another.
    Address(String),
    /// It is so.
    Flag,
}

impl FieldValue {
    /// Whether it says anything: a text that is not empty, or one that is no text.
    pub(super) fn counts(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Text(text) => !text.is_empty(),
            Self::Lines(lines) => !lines.is_empty(),
            _ => true,
        }
    }
}

impl Fields {
    /// The value of a field, under the name that the group has in the regex: `fid`, `ip4`, `user`, …
    pub fn get(&self, name: &str) -> Option<&FieldValue> {
        self.0.get(name)
    }

    /// The text that a group captured.
    pub fn text(&self, name: &str) -> Option<&[u8]> {
        match self.get(name)? {
            FieldValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The lines that belong to the failure.
    pub fn matches(&self) -> &[LineParts] {
        match self.get(MATCHES) {
            Some(FieldValue::Lines(lines)) => lines,
            _ => &[],
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &FieldValue)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// Whether it is set, and not to nothing.
    pub(super) fn says(&self, name: &str) -> bool {
        self.get(name).is_some_and(FieldValue::counts)
    }

    pub(super) fn set(&mut self, name: &str, value: FieldValue) {
        match self.0.get_mut(name) {
            Some(old) => *old = value,
            None => {
                self.0.insert(name.into(), value);
            }
        }
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<FieldValue> {
        self.0.shift_remove(name)
    }

    pub(super) fn take_lines(&mut self, name: &str) -> Vec<LineParts> {
        match self.remove(name) {
            Some(FieldValue::Lines(lines)) => lines,
            _ => Vec::new(),
        }
    }

    /// Takes over each value of `later` that is one.
    pub(super) fn overlay(&mut self, later: Self) {
        for (name, value) in later.0 {
            if value != FieldValue::Nothing {
                self.set(&name, value);
            }
        }
    }

    /// The same, and the names of the others where there is no such field yet.
    pub(super) fn update(&mut self, later: Self) {
        for (name, value) in later.0 {
            if value != FieldValue::Nothing || !self.0.contains_key(&name) {
                self.set(&name, value);
            }
        }
    }

    /// Fills what other groups stand in for, and joins what belongs together: `alt_user` is the user where none was captured,
    /// `tuple_id` is part of the id.
    pub(super) fn complete(&mut self) {
        let mut names: Vec<_> = self.0.keys().cloned().collect();
        names.sort();
        for name in &names {
            if let Some(of) = name.strip_prefix("alt_").map(stands_for)
                && let Some(value) = self.get(name).filter(|value| value.counts()).cloned()
                && !self.says(of)
            {
                self.set(of, value);
            }
        }
        for name in &names {
            if let Some(of) = name.strip_prefix("tuple_").map(stands_for) {
                let part = self.text(name).map(<[u8]>::to_vec);
                let mut parts = match self.get(of) {
                    Some(FieldValue::Tuple(parts)) => parts.clone(),
                    Some(FieldValue::Text(text)) => vec![Some(text.clone())],
                    _ => vec![None],
                };
                parts.push(part);
                self.set(of, FieldValue::Tuple(parts));
            }
        }
    }
}

impl FromIterator<(Arc<str>, FieldValue)> for Fields {
    fn from_iter<T: IntoIterator<Item = (Arc<str>, FieldValue)>>(fields: T) -> Self {
        Self(fields.into_iter().collect())
    }
}

/// The field of the matched lines.
pub(super) const MATCHES: &str = "matches";

/// The field that `name` belongs to: without a number behind `_`, and `id` and `port` as the groups are called.
fn stands_for(name: &str) -> &str {
    let number = |end: &str| !end.is_empty() && end.bytes().all(|b| b.is_ascii_digit());
    let name = match name.rsplit_once('_') {
        Some((name, end)) if number(end) => name,
        _ => name,
    };
    match name {
        "id" => "fid",
        "port" => "fport",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(values: &[(&str, Option<&str>)]) -> Fields {
        let value = |text: &str| FieldValue::Text(text.as_bytes().to_vec());
        values.iter().map(|(name, text)| ((*name).into(), text.map_or(FieldValue::Nothing, value))).collect()
    }

    #[test]
    fn others_stand_in_where_nothing_was_captured() {
        let mut found = fields(&[("user", Some("")), ("alt_user_2", Some("b")), ("alt_user", None)]);
        found.complete();
        assert_eq!(found.text("user"), Some(&b"b"[..]));
        let mut found = fields(&[("user", Some("a")), ("alt_user", Some("b")), ("alt_user1", Some("c"))]);
        found.complete();
        assert_eq!((found.text("user"), found.text("user1")), (Some(&b"a"[..]), Some(&b"c"[..])));
    }

    #[test]
    fn parts_are_joined_in_the_order_of_their_names() {
        let mut found = fields(&[("fid", Some("i")), ("tuple_id_2", Some("b")), ("tuple_id", None)]);
        found.complete();
        let wanted = vec![Some(b"i".to_vec()), None, Some(b"b".to_vec())];
        assert_eq!(found.get("fid"), Some(&FieldValue::Tuple(wanted)));
    }

    #[test]
    fn what_a_later_regex_did_not_capture_stays() {
        let mut found = fields(&[("a", Some("1")), ("b", Some("2"))]);
        found.update(fields(&[("b", None), ("a", Some("3")), ("c", None)]));
        assert_eq!(found, fields(&[("a", Some("3")), ("b", Some("2")), ("c", None)]));
    }
}
