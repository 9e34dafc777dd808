//! The attributes of an SNS message, in any of the ways in which people have them at hand.

use serde_json::Value;
use stockade_pattern::sns::Attribute;

/// Attributes with their types.
#[derive(Debug, PartialEq)]
pub(super) struct Attributes(Vec<(String, Type, String)>);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Type {
    String,
    Number,
    Array,
    Binary,
}

/// What is expected, for messages.
const SHAPE: &str =
    r#"expected `{"NAME": {"DataType": "String", "StringValue": "…"}}`, or values alone: `{"NAME": "…"}`"#;

impl Attributes {
    /// Reads them as a publisher writes them (`DataType`, `StringValue`), as a subscriber gets them (`Type`, `Value`, also
    /// the whole notification), or as plain values.
    pub(super) fn read(json: &[u8]) -> Result<Self, String> {
        let value: Value =
            serde_json::from_slice(json).map_err(|error| format!("the attributes are not JSON: {error}"))?;
        let of_notification = value.get("MessageAttributes").filter(|attributes| attributes.is_object());
        let Some(object) = of_notification.unwrap_or(&value).as_object() else {
            return Err(format!("the attributes are not an object: {SHAPE}"));
        };
        let attributes = object.iter().map(|(name, value)| {
            let (kind, text) = attribute(value)
                .ok_or_else(|| format!("attribute `{name}` is of no type that SNS has: {SHAPE}"))?;
            Ok((name.clone(), kind, text))
        });
        attributes.collect::<Result<_, String>>().map(Self)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Attribute<'_>)> {
        self.0.iter().map(|(name, kind, text)| {
            let attribute = match kind {
                Type::String => Attribute::String(text),
                Type::Number => Attribute::Number(text),
                Type::Array => Attribute::StringArray(text),
                Type::Binary => Attribute::Binary,
            };
            (name.as_str(), attribute)
        })
    }
}

fn attribute(value: &Value) -> Option<(Type, String)> {
    match value {
        Value::String(text) => Some((Type::String, text.clone())),
        Value::Number(number) => Some((Type::Number, number.to_string())),
        Value::Array(_) => Some((Type::Array, value.to_string())),
        Value::Object(typed) => {
            let name = typed.get("DataType").or_else(|| typed.get("Type"))?.as_str()?;
            let text = typed.get("StringValue").or_else(|| typed.get("Value")).and_then(Value::as_str);
            // A publisher may add a label to each type: `Number.int`.
            let kind = match name.split_once('.') {
                Some(("String", "Array")) => Type::Array,
                _ if name.starts_with("String") => Type::String,
                _ if name.starts_with("Number") => Type::Number,
                _ if name.starts_with("Binary") => return Some((Type::Binary, String::new())),
                _ => return None,
            };
            Some((kind, text?.to_owned()))
        }
        Value::Bool(_) | Value::Null => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_writing_them_is_read() {
        let plain = Attributes::read(br#"{"a": "x", "n": 1.50, "l": ["y", 2]}"#).unwrap();
        let sent = br#"{"a": {"DataType": "String.label", "StringValue": "x"}, "n": {"DataType": "Number", "StringValue": "1.5"},
                        "l": {"DataType": "String.Array", "StringValue": "[\"y\",2]"}}"#;
        assert_eq!(Attributes::read(sent).unwrap(), plain);
        let got = br#"{"Type": "Notification", "Message": "m", "MessageAttributes": {"a": {"Type": "String", "Value": "x"},
                       "n": {"Type": "Number", "Value": "1.5"}, "l": {"Type": "String.Array", "Value": "[\"y\",2]"}}}"#;
        assert_eq!(Attributes::read(got).unwrap(), plain);
        for wrong in [&b"[]"[..], b"{", br#"{"a": true}"#, br#"{"a": {"DataType": "Blob"}}"#] {
            assert!(Attributes::read(wrong).is_err());
        }
    }
}
