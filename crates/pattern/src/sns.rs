//! SNS filter policies: the same language with other limits, matched against a message's attributes or its body.
//!
//! ```
//! use stockade_pattern::sns::{Attribute, FilterPolicy, Scope};
//!
//! let policy = FilterPolicy::parse(r#"{"store": ["example"], "price": [{"numeric": [">=", 100]}]}"#, Scope::MessageAttributes)?;
//! assert!(policy.matches_attributes([("store", Attribute::String("example")), ("price", Attribute::Number("100.50"))]));
//! // A string is no number, whatever it looks like.
//! assert!(!policy.matches_attributes([("store", Attribute::String("example")), ("price", Attribute::String("100"))]));
//!
//! let policy = FilterPolicy::parse(r#"{"order": {"items": {"sku": ["A1"]}}}"#, Scope::MessageBody)?;
//! assert!(policy.matches_body(br#"{"order": {"items": [{"sku": "A1"}, {"sku": "B2"}]}}"#));
//! assert!(!policy.matches_body(b"not JSON"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Differences from event patterns, all of them SNS's own: at most [`MAX_SNS_KEYS`](crate::limits::MAX_SNS_KEYS) keys and
//! [`MAX_SNS_COMBINATIONS`](crate::limits::MAX_SNS_COMBINATIONS) combinations; no nesting for attributes; `anything-but` takes
//! values and `prefix`, nothing else. `wildcard`, about which SNS's documentation is silent, is read. `anything-but` on an
//! array of strings holds if any element is not excluded, as everywhere.

use std::borrow::Cow;

use crate::condition::Value;
use crate::error::{EventError, PatternError};
use crate::explain::Explanation;
use crate::leaves::Leaves;
use crate::limits::MAX_CONSISTENCY_STEPS;
use crate::paths::Paths;
use crate::pattern::{Lint, Pattern};
use crate::scan::{Walker, is_number};

/// What a filter policy is matched against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// The attributes of the message: SNS's default.
    #[default]
    MessageAttributes,
    /// The body of the message, which must be a JSON object.
    MessageBody,
}

/// A message attribute, by its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attribute<'a> {
    /// `String`: a text, also if it looks like a number.
    String(&'a str),
    /// `Number`: as it was sent. What JSON does not call a number matches nothing.
    Number(&'a str),
    /// `String.Array`: a JSON array, whose scalar elements are alternatives.
    StringArray(&'a str),
    /// `Binary`: never matched.
    Binary,
}

/// An SNS filter policy that was read and found valid.
#[derive(Debug, Clone)]
pub struct FilterPolicy {
    pattern: Pattern,
    paths: Paths,
    scope: Scope,
}

impl FilterPolicy {
    /// Reads a filter policy.
    ///
    /// # Errors
    /// Whatever SNS rejects, with its reason; [`subscribe_message`] has the form in which `Subscribe` says it.
    pub fn parse(text: &str, scope: Scope) -> Result<Self, PatternError> {
        let pattern = crate::parse::parse_sns(text, scope)?;
        let mut paths = Paths::new();
        pattern.add_paths(&mut paths);
        Ok(Self { pattern, paths, scope })
    }

    /// Returns what is noteworthy about it.
    pub fn lints(&self) -> &[Lint] {
        self.pattern.lints()
    }

    /// Returns what it is matched against.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Whether a message with these attributes is delivered.
    pub fn matches_attributes<'a>(
        &self,
        attributes: impl IntoIterator<Item = (&'a str, Attribute<'a>)>,
    ) -> bool {
        self.with_attributes(attributes, |leaves| self.decide(leaves))
    }

    /// Explains why a message with these attributes is delivered, or is not. Slow: for people.
    pub fn explain_attributes<'a>(
        &self,
        attributes: impl IntoIterator<Item = (&'a str, Attribute<'a>)>,
    ) -> Explanation {
        self.with_attributes(attributes, |leaves| self.pattern.explain_leaves(leaves, &self.paths))
    }

    fn with_attributes<'a, T>(
        &self,
        attributes: impl IntoIterator<Item = (&'a str, Attribute<'a>)>,
        then: impl FnOnce(&Leaves<'_>) -> T,
    ) -> T {
        let attributes: Vec<_> = attributes.into_iter().collect();
        let arrays: Vec<Option<String>> = attributes
            .iter()
            .map(|(_, attribute)| match attribute {
                Attribute::StringArray(text) if text.trim_start().starts_with('[') => {
                    Some(format!("{{\"\":{text}}}"))
                }
                _ => None,
            })
            .collect();
        let mut elements = Paths::new();
        let element = elements.add(b"");
        let mut leaves = Leaves::new(self.paths.len());
        for ((name, attribute), array) in attributes.iter().zip(&arrays) {
            let Some(field) = self.paths.find(name.as_bytes()) else { continue };
            match attribute {
                Attribute::String(text) => leaves.push(field, Value::String(Cow::Borrowed(text.as_bytes()))),
                Attribute::Number(lexeme) if is_number(lexeme.as_bytes()) => {
                    leaves.push(field, Value::Number(lexeme.as_bytes()));
                }
                Attribute::StringArray(_) => {
                    let read = array
                        .as_ref()
                        .map(|text| Leaves::read(text.as_bytes(), &elements, &mut Walker::default()));
                    if let Some(Ok(mut read)) = read {
                        let scalars = read.take(element).into_iter().filter(|leaf| leaf.context == 0);
                        scalars.for_each(|leaf| leaves.push(field, leaf.value));
                    }
                }
                Attribute::Number(_) | Attribute::Binary => {}
            }
        }
        then(&leaves)
    }

    /// Whether a message with this body is delivered; not if it is no JSON object.
    pub fn matches_body(&self, body: &[u8]) -> bool {
        Leaves::read(body, &self.paths, &mut Walker::default()).is_ok_and(|leaves| self.decide(&leaves))
    }

    /// Explains why a message with this body is delivered, or is not. Slow: for people.
    ///
    /// # Errors
    /// The body is not a JSON object: it is not delivered.
    pub fn explain_body(&self, body: &[u8]) -> Result<Explanation, EventError> {
        self.pattern.explain(body)
    }

    fn decide(&self, leaves: &Leaves<'_>) -> bool {
        let mut steps = MAX_CONSISTENCY_STEPS;
        self.pattern.decide(leaves, &self.paths, &mut steps).unwrap_or(true)
    }
}

/// Returns the message with which `Subscribe` rejects a filter policy.
pub fn subscribe_message(error: &PatternError) -> String {
    format!("Invalid parameter: Attributes Reason: FilterPolicy: {}", error.reason())
}

/// Returns the message with which `SetSubscriptionAttributes` rejects a filter policy.
pub fn set_attributes_message(error: &PatternError) -> String {
    format!("Invalid parameter: FilterPolicy: {}", error.reason())
}
