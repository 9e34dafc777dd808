//! What is said of each address of a message, as an attribute for all of them.

use std::sync::Arc;

use serde_json::Value;
use stockade_core::Timestamp;

use super::notice::tidy;
use super::{MAX_ID_BYTES, Notice, Told, WireError};

/// The attributes beside `jail`, each with what its value says. All are of the type `String`.
///
/// Times are milliseconds since 1970.
pub const ATTRIBUTES: [(&str, &str); 7] = [
    ("until", "when the ban ends; -1: never"),
    ("at", "when the ban began, or ended"),
    ("version", "the version of the ban in the store that announces it: of two the higher is newer"),
    ("nth", "the how-manieth ban of this address in this jail"),
    ("failures", "how many matches led to it"),
    ("reason", "why, for people"),
    ("id", "the ban's id, for finding it in logs"),
];

/// As an end it means that there is none.
const NEVER: i64 = -1;

/// The end of a ban in milliseconds, as it is sent.
pub(super) fn end_in(until: Timestamp) -> i64 {
    if until == Timestamp::MAX { NEVER } else { until.as_millis().max(0) }
}

/// The end of a ban of milliseconds that were sent.
pub(super) fn end_of(millis: i64) -> Timestamp {
    if millis == NEVER { Timestamp::MAX } else { Timestamp::from_millis(millis) }
}

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Until,
    At,
    Version,
    Nth,
    Failures,
    Reason,
    Id,
}

impl Field {
    /// In the order of [`ATTRIBUTES`].
    pub(super) const ALL: [Self; 7] =
        [Self::Until, Self::At, Self::Version, Self::Nth, Self::Failures, Self::Reason, Self::Id];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Until => "until",
            Self::At => "at",
            Self::Version => "version",
            Self::Nth => "nth",
            Self::Failures => "failures",
            Self::Reason => "reason",
            Self::Id => "id",
        }
    }

    /// What the notice says, `Null` for nothing.
    pub(super) fn of(self, notice: &Notice) -> Value {
        let text = |text: &Option<Arc<str>>| text.as_deref().map_or(Value::Null, Value::from);
        match self {
            Self::Until => match notice.told {
                Told::Ban { until: Some(until) } => end_in(until).into(),
                Told::Ban { until: None } | Told::Unban => Value::Null,
            },
            Self::At => notice.at.map_or(Value::Null, |at| at.as_millis().into()),
            Self::Version => notice.version.map_or(Value::Null, Value::from),
            Self::Nth => notice.nth.map_or(Value::Null, Value::from),
            Self::Failures => notice.failures.map_or(Value::Null, Value::from),
            Self::Reason => text(&notice.reason),
            Self::Id => text(&notice.id),
        }
    }

    /// Lets the notice say it. An error if it is nothing that this attribute can say.
    fn set(self, notice: &mut Notice, value: &Value) -> Result<(), WireError> {
        let wrong = WireError::BadAttribute { name: self.name(), why: "holds a value of another kind" };
        if value.is_null() {
            return Ok(());
        }
        let small = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        match self {
            Self::Until => {
                let until = end_of(value.as_i64().ok_or(wrong)?);
                if let Told::Ban { until: place } = &mut notice.told {
                    *place = Some(until);
                }
            }
            Self::At => notice.at = Some(Timestamp::from_millis(value.as_i64().ok_or(wrong)?)),
            Self::Version => notice.version = Some(value.as_u64().ok_or(wrong)?),
            Self::Nth => notice.nth = Some(small(value).ok_or(wrong)?),
            Self::Failures => notice.failures = Some(small(value).ok_or(wrong)?),
            Self::Reason => notice.reason = tidy(value.as_str().ok_or(wrong)?),
            Self::Id => {
                let id = value.as_str().filter(|id| id.len() <= MAX_ID_BYTES).ok_or(wrong)?;
                notice.id = tidy(id);
            }
        }
        Ok(())
    }

    /// Reads an attribute into the notices of a message. What is wrong with it leaves the rest as it is.
    pub(super) fn read(self, text: &str, notices: &mut [Notice]) -> Result<(), WireError> {
        let name = self.name();
        if text.starts_with('[') {
            let values: Vec<Value> = serde_json::from_str(text)
                .map_err(|_| WireError::BadAttribute { name, why: "holds no list that can be read" })?;
            if values.len() != notices.len() {
                return Err(WireError::BadAttribute {
                    name,
                    why: "holds another number of values than addresses",
                });
            }
            let each = notices.iter_mut().zip(&values).map(|(notice, value)| self.set(notice, value));
            return each.fold(Ok(()), Result::and);
        }
        let value = match self {
            Self::Reason | Self::Id => Value::from(text),
            _ => serde_json::from_str(text)
                .map_err(|_| WireError::BadAttribute { name, why: "holds no number" })?,
        };
        notices.iter_mut().map(|notice| self.set(notice, &value)).fold(Ok(()), Result::and)
    }
}

/// One attribute of a message that is being written.
#[derive(Clone, Debug)]
pub(super) struct Column {
    field: Field,
    cells: Vec<Value>,
    /// Whether all of them are equal.
    uniform: bool,
    /// The length of the list, brackets and commas included.
    list_bytes: usize,
}

impl Column {
    pub(super) fn new(field: Field) -> Self {
        Self { field, cells: Vec::new(), uniform: true, list_bytes: 1 }
    }

    /// What it would weigh with one more value.
    pub(super) fn bytes_with(&self, cell: &Value) -> usize {
        let uniform = self.uniform && self.cells.first().is_none_or(|first| first == cell);
        weigh(self.field, uniform.then_some(cell), self.list_bytes + cell_bytes(cell))
    }

    pub(super) fn push(&mut self, cell: Value) {
        self.uniform = self.uniform && self.cells.first().is_none_or(|first| *first == cell);
        self.list_bytes += cell_bytes(&cell);
        self.cells.push(cell);
    }

    /// Its name and value; `None` if it says nothing.
    pub(super) fn write(&self) -> Option<(&'static str, String)> {
        let first = self.cells.first()?;
        let value = match self.uniform.then(|| scalar(first)) {
            Some(None) => return None,
            Some(Some(text)) if !text.starts_with('[') => text,
            _ => Value::from(self.cells.clone()).to_string(),
        };
        Some((self.field.name(), value))
    }
}

/// The text of one value that is all; `None` for nothing.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Name, type and value.
fn weigh(field: Field, all: Option<&Value>, list_bytes: usize) -> usize {
    let value = match all.map(scalar) {
        Some(None) => return 0,
        Some(Some(text)) if !text.starts_with('[') => text.len(),
        _ => list_bytes,
    };
    field.name().len() + super::pack::STRING.len() + value
}

/// The value and the comma, or bracket, behind it.
fn cell_bytes(cell: &Value) -> usize {
    cell.to_string().len() + 1
}
