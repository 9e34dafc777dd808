//! From the values of an event to the keys of a match.

use stockade_core::{Key, MatchId, parse_addr};
use stockade_pattern::{Value, Values};

use crate::limits::MAX_KEYS;
use crate::rule::KeyKind;

/// What CloudTrail writes in place of a name that it does not tell, lest it be a password typed into the wrong field.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Whether a text stands for a name that is not told.
pub(crate) fn is_hidden(text: &str) -> bool {
    text == HIDDEN
}

/// Gathers the keys of a match: those of the first path that has any. `places` are the places of the paths in `values`.
///
/// A match about a resource or a principal is not lost for want of a name: it counts against what the first of `otherwise`
/// has, which are the places of the account and of the source.
pub(crate) fn collect(
    kind: KeyKind,
    places: &[usize],
    otherwise: &[usize],
    values: &Values<'_>,
    keys: &mut Vec<Key>,
) {
    keys.clear();
    let otherwise = match kind {
        KeyKind::Address | KeyKind::User => &[],
        KeyKind::Principal | KeyKind::Resource => otherwise,
    };
    for place in places.iter().chain(otherwise) {
        for value in values.of(*place) {
            if let Some(key) = key(kind, value)
                && keys.len() < MAX_KEYS
                && !keys.contains(&key)
            {
                keys.push(key);
            }
        }
        if !keys.is_empty() {
            return;
        }
    }
}

/// The first value at a path that says something.
pub(crate) fn first(values: &Values<'_>, place: usize) -> Option<Key> {
    values.of(place).iter().find_map(|value| key(KeyKind::Resource, value))
}

/// The key that a value is, if it is one of this kind.
pub(crate) fn key(kind: KeyKind, value: &Value<'_>) -> Option<Key> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.as_ref().into(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
    };
    if kind == KeyKind::Address {
        return parse_addr(text.as_bytes()).map(Key::addr);
    }
    (!text.is_empty() && !is_hidden(&text)).then(|| name(kind, &text))
}

/// A name that stays a name and stays apart from others, whatever it is.
fn name(kind: KeyKind, text: &str) -> Key {
    // A user may call himself `192.0.2.1`. Keys are stored as text, and whoever reads that back must not find an address,
    // which could be banned.
    if Key::parse_addr_or_net(text).is_some() {
        return Key::name(&format!("{kind}:{text}"));
    }
    if text.len() <= Key::MAX_NAME_BYTES {
        return Key::name(text);
    }
    // What is cut would be one with all that begin alike.
    let hash = format!("~{:032x}", MatchId::derive(text, "", "", 0, 0).0);
    let mut end = Key::MAX_NAME_BYTES - hash.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Key::name(&format!("{}{hash}", text.get(..end).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: KeyKind, text: &str) -> Option<String> {
        key(kind, &Value::String(text.into())).map(|key| key.to_string())
    }

    #[test]
    fn an_address_is_an_address_and_nothing_else() {
        assert_eq!(of(KeyKind::Address, "203.0.113.7").as_deref(), Some("203.0.113.7"));
        assert_eq!(of(KeyKind::Address, "2001:DB8:0::1").as_deref(), Some("2001:db8::1"));
        for text in ["AWS Internal", "s3.amazonaws.com", "203.0.113.0/24", "203.0.113.7:443", "", HIDDEN] {
            assert_eq!(of(KeyKind::Address, text), None, "{text}");
        }
    }

    #[test]
    fn a_name_never_becomes_an_address_by_way_of_a_store() {
        for text in ["192.0.2.1", "2001:db8::1", "0.0.0.0/0"] {
            let name = of(KeyKind::User, text).unwrap();
            assert_eq!(name, format!("user:{text}"));
            assert!(matches!(name.parse::<Key>().unwrap(), Key::Name(_)));
        }
    }

    #[test]
    fn long_names_that_begin_alike_stay_apart() {
        let long = format!("arn:aws:iam::111122223333:role/{}", "é".repeat(300));
        let (one, other) = (
            of(KeyKind::Resource, &format!("{long}1")).unwrap(),
            of(KeyKind::Resource, &format!("{long}2")).unwrap(),
        );
        assert_ne!(one, other);
        assert!(one.len() <= Key::MAX_NAME_BYTES && one.starts_with("arn:aws:iam::111122223333:role/é"));
    }

    #[test]
    fn what_is_no_name() {
        assert_eq!(of(KeyKind::User, ""), None);
        assert_eq!(of(KeyKind::User, HIDDEN), None);
        assert_eq!(key(KeyKind::User, &Value::Null), None);
        assert_eq!(key(KeyKind::Resource, &Value::Number("42")), Some(Key::name("42")));
    }
}
