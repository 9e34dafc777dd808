//! Notices as messages.

use std::collections::HashMap;

use serde_json::Value;
use stockade_core::Key;

use super::column::{Column, Field};
use super::error::cut;
use super::notice::is_sendable;
use super::{
    JAIL_ATTRIBUTE, MAX_JAIL_BYTES, MAX_KEYS, MAX_MESSAGE_BYTES, Notice, Told, UNBAN_PREFIX, WireError,
};

/// The type of every attribute.
pub(super) const STRING: &str = "String";

/// One attribute of a message, of the type `String`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// Its value, never empty.
    pub value: String,
}

/// One SNS message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The `Message`: JSON text.
    pub body: String,
    /// The attributes, `jail` first; at most ten.
    pub attributes: Vec<Attribute>,
    /// Which notices it carries, by their place in what was packed.
    pub notices: Vec<usize>,
}

impl Message {
    /// What it weighs by SNS's count: body, names, types and values of attributes.
    pub fn bytes(&self) -> usize {
        let each = |attribute: &Attribute| attribute.name.len() + STRING.len() + attribute.value.len();
        self.body.len() + self.attributes.iter().map(each).sum::<usize>()
    }
}

/// What became of notices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// The messages, in the order of the first notice of each jail; bans and unbans apart.
    pub messages: Vec<Message>,
    /// Notices that no message can carry, by their place, and why.
    pub refused: Vec<(usize, WireError)>,
}

/// Writes notices into as few messages as SNS's limits allow: those of one jail share messages, bans and unbans apart.
pub fn pack(notices: &[Notice]) -> Packed {
    let mut packed = Packed::default();
    let mut topics: Vec<Draft> = Vec::new();
    let mut places: HashMap<(&str, bool), usize> = HashMap::new();
    for (place, notice) in notices.iter().enumerate() {
        if let Err(error) = sendable(notice) {
            packed.refused.push((place, error));
            continue;
        }
        let id = (&*notice.jail, notice.told == Told::Unban);
        let nth = *places.entry(id).or_insert_with(|| {
            topics.push(Draft::new(id));
            topics.len() - 1
        });
        let Some(draft) = topics.get_mut(nth) else { continue };
        if !draft.takes(notice) {
            packed.messages.push(std::mem::replace(draft, Draft::new(id)).write());
        }
        draft.push(place, notice);
    }
    packed.messages.extend(topics.into_iter().map(Draft::write));
    packed
}

/// Whether the wire can say it.
fn sendable(notice: &Notice) -> Result<(), WireError> {
    let bad = |why| Err(WireError::BadJail { jail: cut(&notice.jail), why });
    if notice.jail.is_empty() {
        return bad("it is empty");
    }
    if notice.jail.len() > MAX_JAIL_BYTES {
        return bad("it is too long");
    }
    if notice.jail.starts_with(UNBAN_PREFIX) {
        return bad("it begins as an unban does");
    }
    if !notice.jail.chars().all(is_sendable) {
        return bad("it holds control characters");
    }
    match &notice.key {
        Key::Addr(_) | Key::Net(_) => Ok(()),
        Key::Name(name) => Err(WireError::NotAnAddress { jail: notice.jail.to_string(), text: cut(name) }),
    }
}

/// A message that is being written.
struct Draft {
    /// The value of the attribute `jail`.
    topic: String,
    /// The body up to its end `]}`.
    body: String,
    columns: [Column; 7],
    notices: Vec<usize>,
}

impl Draft {
    fn new((jail, unban): (&str, bool)) -> Self {
        let topic = format!("{}{jail}", if unban { UNBAN_PREFIX } else { "" });
        let body = format!("{{{}: [", Value::from(topic.as_str()));
        Self { topic, body, columns: Field::ALL.map(Column::new), notices: Vec::new() }
    }

    /// Whether one more fits.
    fn takes(&self, notice: &Notice) -> bool {
        let body = self.body.len() + format!(", \"{}\"]}}", notice.key).len();
        let topic = JAIL_ATTRIBUTE.len() + STRING.len() + self.topic.len();
        let columns = self.columns.iter().zip(Field::ALL);
        let columns: usize = columns.map(|(column, field)| column.bytes_with(&field.of(notice))).sum();
        self.notices.is_empty()
            || (self.notices.len() < MAX_KEYS && body + topic + columns <= MAX_MESSAGE_BYTES)
    }

    fn push(&mut self, place: usize, notice: &Notice) {
        let comma = if self.notices.is_empty() { "" } else { ", " };
        self.body.push_str(&format!("{comma}\"{}\"", notice.key));
        for (column, field) in self.columns.iter_mut().zip(Field::ALL) {
            column.push(field.of(notice));
        }
        self.notices.push(place);
    }

    fn write(mut self) -> Message {
        self.body.push_str("]}");
        let mut attributes = vec![Attribute { name: JAIL_ATTRIBUTE, value: self.topic }];
        let columns = self.columns.iter().filter_map(Column::write);
        attributes.extend(columns.map(|(name, value)| Attribute { name, value }));
        Message { body: self.body, attributes, notices: self.notices }
    }
}
