//! Options whose kind is known: whether a value is one of its kind, and how Python would print it.

use super::keys::{Key, KeyKind};
use super::origin::Value;
use super::problem::{Problem, ProblemKind, cut};
use super::space::trim;
use super::value::{is_bool, parse_bool, parse_time};

/// What is wrong with the value of an option.
pub(crate) fn check(key: &Key, value: &Value) -> Option<Problem> {
    let text = value.text();
    let shown = || cut(text);
    let origin = Some(value.origin().clone());
    match key.kind {
        KeyKind::Text => None,
        // Anything but a word for true is false, so this is a slip, not an error.
        KeyKind::Bool if is_bool(text) => None,
        KeyKind::Bool => Some(Problem::warning(ProblemKind::BadBool { value: shown() }, origin)),
        KeyKind::Integer if parse_integer(text).is_some() => None,
        KeyKind::Integer => Some(Problem::error(ProblemKind::BadInteger { value: shown() }, origin)),
        KeyKind::Time => {
            let error = parse_time(text).err()?;
            Some(Problem::error(ProblemKind::BadTime { value: shown(), error }, origin))
        }
    }
}

/// What a filter or action sees of an option: `%(enabled)s` is `True`, `%(maxretry)s` is `5` even if written ` +5 `.
pub(crate) fn converted(key: &Key, value: &Value) -> Value {
    match key.kind {
        KeyKind::Bool => value.with_text(if parse_bool(value.text()) { "True" } else { "False" }),
        KeyKind::Integer => match parse_integer(value.text()) {
            Some(number) => value.with_text(number.to_string()),
            None => value.clone(),
        },
        KeyKind::Text | KeyKind::Time => value.clone(),
    }
}

/// A whole number with white space around it.
pub(crate) fn parse_integer(text: &str) -> Option<i64> {
    trim(text).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: KeyKind) -> Key {
        Key { name: "k", kind, default: None }
    }

    #[test]
    fn each_kind_is_checked() {
        let bad =
            |kind, text: &str| check(&key(kind), &Value::given(text, "test")).map(|p| p.kind.to_string());
        assert_eq!(bad(KeyKind::Text, "anything"), None);
        assert_eq!(bad(KeyKind::Integer, " -5 "), None);
        assert_eq!(bad(KeyKind::Integer, "5m").as_deref(), Some("expected a whole number, got: `5m`"));
        assert_eq!(bad(KeyKind::Bool, "Yes"), None);
        assert_eq!(bad(KeyKind::Bool, "ja").as_deref(), Some("expected `true` or `false`, got: `ja`"));
        assert_eq!(bad(KeyKind::Time, "10m"), None);
        assert!(bad(KeyKind::Time, "10 q").is_some_and(|text| text.ends_with("`q` is no unit of time")));
    }

    #[test]
    fn as_python_prints_it() {
        let printed = |kind, text: &str| converted(&key(kind), &Value::given(text, "test")).text().to_owned();
        assert_eq!(printed(KeyKind::Bool, "on"), "True");
        assert_eq!(printed(KeyKind::Bool, "x"), "False");
        assert_eq!(printed(KeyKind::Integer, " +05 "), "5");
        assert_eq!(printed(KeyKind::Time, " 5m"), " 5m");
    }
}
