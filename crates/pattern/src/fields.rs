//! Values at given paths of an event, read as patterns read them.

use std::borrow::Cow;
use std::fmt;

use crate::condition::Literal;
use crate::error::EventError;
use crate::json::unescape;
use crate::limits::MAX_FIELD_VALUES;
use crate::paths::{FieldId, Paths};
use crate::scan::{Quoted, Raw, Sink, Walker};
use crate::set::Part;

/// Paths of which the values are wanted: what a rule's key or an event's identity is.
///
/// A path is the names joined with dots, as in patterns: `detail.userIdentity.arn`. Arrays add nothing to a path, `{"a.b": 1}`
/// and `{"a": {"b": 1}}` are one path, and of keys that occur twice every value counts: what a pattern matched can be read
/// here, and nothing else. Only scalars are values; objects and arrays are none. No time is spent on values that nobody
/// asks for, but JSON that is malformed anywhere is an error.
///
/// ```
/// use stockade_pattern::{Fields, Part, Value};
///
/// let fields = Fields::new(["detail.sourceIPAddress", "detail.items.port", "account"]);
/// let record = br#"{"sourceIPAddress": "192.0.2.7", "items": [{"port": 22}, {"port": 4.43e2}, {"port": null}]}"#;
/// let values = fields.read(&[
///     Part { path: "", json: br#"{"account": "111122223333"}"# },
///     Part { path: "detail", json: record },
/// ])?;
/// assert_eq!(values.of(0), [Value::String("192.0.2.7".into())]);
/// assert_eq!(values.of(1), [Value::Number("22"), Value::Number("4.43e2"), Value::Null]);
/// assert_eq!(values.first_str(2), Some("111122223333"));
/// # Ok::<(), stockade_pattern::EventError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Fields {
    paths: Paths,
    /// In the order in which the paths were given.
    fields: Vec<FieldId>,
}

/// What an event has at the paths of [`Fields`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values<'e> {
    /// By the place of the path.
    fields: Vec<FieldId>,
    found: Vec<Found<'e>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Found<'e> {
    values: Vec<Value<'e>>,
    cut: bool,
}

/// A scalar of an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value<'e> {
    /// A string, its escapes decoded. A surrogate that stands alone, which no text can hold, is U+FFFD.
    String(Cow<'e, str>),
    /// A number as the event writes it.
    Number(&'e str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

impl Fields {
    /// Takes paths; they are known by their place in this order. The same path may be given twice.
    pub fn new<'p>(paths: impl IntoIterator<Item = &'p str>) -> Self {
        let mut tree = Paths::new();
        let fields = paths.into_iter().map(|path| tree.add(path.as_bytes())).collect();
        Self { paths: tree, fields }
    }

    /// Returns how many paths there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether no path was given.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Reads the values of an event; one that comes in one piece is one [`Part`] with an empty path, or that of the object
    /// that it is. At most [`MAX_FIELD_VALUES`] are kept of each path.
    ///
    /// # Errors
    /// A part is not a JSON object; the byte is that in the part.
    pub fn read<'e>(&self, parts: &[Part<'e>]) -> Result<Values<'e>, EventError> {
        let mut found = vec![Found::default(); self.paths.len()];
        let mut walker = Walker::default();
        walker.begin();
        for part in parts {
            let root = self.paths.root(part.path);
            walker.walk(part.json, &self.paths, root, &mut Reading { found: &mut found })?;
        }
        Ok(Values { fields: self.fields.clone(), found })
    }
}

impl<'e> Values<'e> {
    /// Returns the values at a path, known by its place, in the order of the event; of parts, in the order of the parts.
    pub fn of(&self, path: usize) -> &[Value<'e>] {
        self.found(path).map_or(&[], |found| &found.values)
    }

    /// Returns the first value at a path that is a string.
    pub fn first_str(&self, path: usize) -> Option<&str> {
        self.of(path).iter().find_map(Value::as_str)
    }

    /// Whether the event has more values at a path than the [`MAX_FIELD_VALUES`] that were kept.
    pub fn is_cut(&self, path: usize) -> bool {
        self.found(path).is_some_and(|found| found.cut)
    }

    fn found(&self, path: usize) -> Option<&Found<'e>> {
        self.found.get(self.fields.get(path)?.0 as usize)
    }
}

impl Value<'_> {
    /// Returns the text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns a value that does not borrow the event, as text: see [`Display`](fmt::Display).
    pub fn into_text(self) -> String {
        match self {
            Self::String(text) => text.into_owned(),
            other => other.to_string(),
        }
    }
}

/// A string as it is, without quotes; everything else as JSON has it.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => f.pad(text),
            Self::Number(lexeme) => f.pad(lexeme),
            Self::Bool(value) => f.pad(if *value { "true" } else { "false" }),
            Self::Null => f.pad("null"),
        }
    }
}

struct Reading<'a, 'e> {
    found: &'a mut [Found<'e>],
}

impl<'e> Sink<'e> for Reading<'_, 'e> {
    fn leaf(&mut self, field: FieldId, value: Raw<'e>, _inside: bool) {
        let Some(found) = self.found.get_mut(field.0 as usize) else { return };
        if found.values.len() >= MAX_FIELD_VALUES {
            found.cut = true;
            return;
        }
        found.values.push(match value {
            Raw::String(Quoted { piece, escaped: false }) => {
                Value::String(String::from_utf8_lossy(piece.text()))
            }
            Raw::String(Quoted { piece, .. }) => Value::String(Cow::Owned(decoded(piece.text()))),
            // Its form was checked: it is ASCII.
            Raw::Number(lexeme) => Value::Number(std::str::from_utf8(lexeme).unwrap_or_default()),
            Raw::Literal(Literal::Null) => Value::Null,
            Raw::Literal(literal) => Value::Bool(literal == Literal::True),
        });
    }
}

/// The text of a string with escapes.
fn decoded(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    unescape(text, &mut bytes);
    let mut rest = bytes.as_slice();
    let mut decoded = String::with_capacity(bytes.len());
    // As `from_utf8_lossy`, but a surrogate alone, three bytes, is one replacement and not three.
    loop {
        match std::str::from_utf8(rest) {
            Ok(text) => {
                decoded.push_str(text);
                return decoded;
            }
            Err(error) => {
                let (valid, bad) = rest.split_at_checked(error.valid_up_to()).unwrap_or((rest, &[]));
                decoded.push_str(std::str::from_utf8(valid).unwrap_or_default());
                decoded.push(char::REPLACEMENT_CHARACTER);
                rest = bad.get(3..).unwrap_or_default();
            }
        }
    }
}
