//! Items: attributes by name, their sizes, and what is read of them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use stockade_core::ports::{StoreError, StoreErrorKind};

/// An item as DynamoDB has it.
pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The text of an attribute.
pub(super) fn text_of<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// The number of an attribute.
pub(super) fn number_of<N: std::str::FromStr>(item: &Item, name: &str) -> Option<N> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// What an item is billed as, in bytes, as AWS describes it: names and texts by their length in UTF-8, a number by
/// its digits, one byte for a truth value.
pub(super) fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        // Two digits a byte, and one more; at most 21 bytes.
        AttributeValue::N(digits) => (digits.len().div_ceil(2) + 1).min(21),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        _ => 1,
    }
}

/// The error for an item that does not hold what Stockade writes there.
pub(super) fn unreadable(what: &str, item: &Item) -> StoreError {
    let key = |name| text_of(item, name).unwrap_or("?");
    let (pk, sk) = (key("pk"), key("sk"));
    StoreError {
        kind: StoreErrorKind::Corrupt,
        message: format!("cannot read the {what} of the item `{}`, `{}`", short(pk), short(sk)),
        hint: Some(
            "delete that item if nothing but Stockade may write to the table; nothing else was changed"
                .into(),
        ),
    }
}

/// Enough of a key to find it by.
fn short(text: &str) -> &str {
    const SHOWN: usize = 200;
    super::text::cut(text, SHOWN)
}

/// An item of a stream's record: `{"pk": {"S": "…"}, "ttl": {"N": "…"}}`. What is of another type is left out.
pub(super) fn from_image(image: &serde_json::Value) -> Item {
    let attribute = |(name, value): (&String, &serde_json::Value)| {
        let (kind, value) = value.as_object()?.iter().next()?;
        let value = match kind.as_str() {
            "S" => AttributeValue::S(value.as_str()?.to_owned()),
            "N" => AttributeValue::N(value.as_str()?.to_owned()),
            "BOOL" => AttributeValue::Bool(value.as_bool()?),
            _ => return None,
        };
        Some((name.clone(), value))
    };
    image.as_object().into_iter().flatten().filter_map(attribute).collect()
}
