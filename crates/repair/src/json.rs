//! Small questions to JSON values, and the hashes of them. Nothing here fails: what is not there is empty.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The text at a name; empty where there is none.
pub(crate) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The text at a JSON pointer; empty where there is none.
pub(crate) fn at<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Whether `true` stands at a name, as JSON or as a text.
pub(crate) fn is(value: &Value, name: &str) -> bool {
    match value.get(name) {
        Some(Value::Bool(is)) => *is,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

/// The list at a name; one value that is no list counts as a list of one.
pub(crate) fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    match value.get(name) {
        Some(Value::Array(all)) => all,
        Some(Value::Null) | None => &[],
        Some(Value::String(text)) if text.is_empty() => &[],
        Some(one) => std::slice::from_ref(one),
    }
}

/// The texts of a list at a name.
pub(crate) fn texts<'v>(value: &'v Value, name: &str) -> Vec<&'v str> {
    list(value, name).iter().filter_map(Value::as_str).collect()
}

/// All texts at a path of names, through lists on the way: as EventBridge looks at an event.
pub(crate) fn every<'v>(value: &'v Value, path: &[&str]) -> Vec<&'v str> {
    let mut there = vec![value];
    for name in path {
        there = there.into_iter().flat_map(|value| list(value, name)).collect();
    }
    there.into_iter().filter_map(Value::as_str).collect()
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The hash of a value, the same for equal values: objects count in the order of their names, whatever order they have.
pub(crate) fn digest(value: &Value) -> String {
    fn written(value: &Value, text: &mut String) {
        match value {
            Value::Object(fields) => {
                text.push('{');
                let mut names: Vec<_> = fields.iter().collect();
                names.sort_by_key(|(name, _)| *name);
                for (name, value) in names {
                    text.push_str(&Value::from(name.as_str()).to_string());
                    text.push(':');
                    written(value, text);
                    text.push(',');
                }
                text.push('}');
            }
            Value::Array(all) => {
                text.push('[');
                for value in all {
                    written(value, text);
                    text.push(',');
                }
                text.push(']');
            }
            _ => text.push_str(&value.to_string()),
        }
    }
    let mut text = String::new();
    written(value, &mut text);
    sha256(text.as_bytes())
}

/// Small hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_values_have_equal_hashes_whatever_their_order() {
        let one: Value = serde_json::from_str(r#"{"a": 1, "b": [2]}"#).unwrap();
        let two: Value = serde_json::from_str(r#"{"b": [2], "a": 1}"#).unwrap();
        assert_eq!(digest(&one), digest(&two));
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn one_value_is_a_list_of_one() {
        let value = json!({"one": "a", "many": ["a", "b"], "none": null, "empty": ""});
        assert_eq!(texts(&value, "one"), ["a"]);
        assert_eq!(texts(&value, "many"), ["a", "b"]);
        assert!(texts(&value, "none").is_empty() && texts(&value, "empty").is_empty());
    }

    #[test]
    fn a_path_goes_through_lists() {
        let value = json!({"a": [{"b": {"c": "1"}}, {"b": [{"c": "2"}, {"c": 3}, "x"]}, "y", null]});
        assert_eq!(every(&value, &["a", "b", "c"]), ["1", "2"]);
        assert!(every(&value, &["b"]).is_empty() && every(&json!("a"), &["a"]).is_empty());
    }
}
