//! One value of a pattern's array: what it asks of a leaf of the event.

use std::borrow::Cow;

use crate::address::{Address, Cidr};
use crate::case::Folded;
use crate::number::{Decimal, Number, Range};
use crate::pattern::Pattern;
use crate::wildcard::Wildcard;

/// `true`, `false` or `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Literal {
    True,
    False,
    Null,
}

/// A leaf of an event. Strings are decoded; a surrogate that stands alone is its three bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    String(Cow<'a, [u8]>),
    Number(&'a [u8]),
    Literal(Literal),
}

/// One alternative.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Condition {
    String(Box<[u8]>),
    Number(Number),
    Literal(Literal),
    Prefix(Box<[u8]>),
    PrefixIgnoreCase(Folded),
    Suffix(Box<[u8]>),
    SuffixIgnoreCase(Folded),
    EqualsIgnoreCase(Folded),
    Wildcard(Wildcard),
    Range(Range),
    Cidr(Cidr),
    Exists,
    Absent,
    AnythingBut(Excluded),
    Compare(Compare),
    /// The string is JSON, and the pattern matches it.
    Json(Box<Pattern>),
}

/// What `anything-but` leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Excluded {
    Strings(Box<[Box<[u8]>]>),
    Numbers(Box<[Number]>),
    Prefixes(Box<[Box<[u8]>]>),
    Suffixes(Box<[Box<[u8]>]>),
    Wildcards(Box<[Wildcard]>),
    IgnoreCase(Box<[Folded]>),
}

/// A condition between two fields: what Stockade adds to the language.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Compare {
    pub(crate) relation: Relation,
    /// The other field's path from the top, joined with dots.
    pub(crate) other: Box<[u8]>,
}

/// How two fields may stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Relation {
    Equals,
    Differs,
    EqualsIgnoreCase,
    DiffersIgnoreCase,
    Prefix,
    Suffix,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    /// Whether a leaf fulfils it by itself. `exists: false` is fulfilled by no leaf, and a comparison needs two.
    pub(crate) fn holds(&self, value: &Value<'_>) -> bool {
        let string = if let Value::String(text) = value { Some(&**text) } else { None };
        match self {
            Self::String(wanted) => string.is_some_and(|text| text == &**wanted),
            Self::Number(wanted) => {
                matches!(value, Value::Number(lexeme) if Decimal::parse(lexeme) == wanted.decimal())
            }
            Self::Literal(wanted) => matches!(value, Value::Literal(literal) if literal == wanted),
            Self::Prefix(wanted) => string.is_some_and(|text| text.starts_with(wanted)),
            Self::PrefixIgnoreCase(wanted) => string.is_some_and(|text| wanted.begins(text)),
            Self::Suffix(wanted) => string.is_some_and(|text| text.ends_with(wanted)),
            Self::SuffixIgnoreCase(wanted) => string.is_some_and(|text| wanted.finishes(text)),
            Self::EqualsIgnoreCase(wanted) => string.is_some_and(|text| wanted.equals(text)),
            Self::Wildcard(wanted) => string.is_some_and(|text| wanted.fits(text)),
            Self::Range(range) => {
                matches!(value, Value::Number(lexeme) if range.contains(Decimal::parse(lexeme)))
            }
            Self::Cidr(cidr) => string.and_then(Address::parse).is_some_and(|address| cidr.contains(address)),
            Self::Exists => true,
            Self::Absent | Self::Compare(_) => false,
            Self::AnythingBut(excluded) => !excluded.contains(value),
            Self::Json(pattern) => string.is_some_and(|text| crate::inner::matches(pattern, text)),
        }
    }
}

impl Excluded {
    pub(crate) fn contains(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Numbers(numbers), Value::Number(lexeme)) => {
                let decimal = Decimal::parse(lexeme);
                numbers.iter().any(|number| number.decimal() == decimal)
            }
            (Self::Strings(texts), Value::String(text)) => texts.iter().any(|wanted| **wanted == **text),
            (Self::Prefixes(texts), Value::String(text)) => {
                texts.iter().any(|wanted| text.starts_with(wanted))
            }
            (Self::Suffixes(texts), Value::String(text)) => texts.iter().any(|wanted| text.ends_with(wanted)),
            (Self::Wildcards(texts), Value::String(text)) => texts.iter().any(|wanted| wanted.fits(text)),
            (Self::IgnoreCase(texts), Value::String(text)) => texts.iter().any(|wanted| wanted.equals(text)),
            _ => false,
        }
    }
}

impl Relation {
    /// The names by which patterns call it.
    pub(crate) const ALL: [(&'static str, Self); 10] = [
        ("equals", Self::Equals),
        ("differs", Self::Differs),
        ("equals-ignore-case", Self::EqualsIgnoreCase),
        ("differs-ignore-case", Self::DiffersIgnoreCase),
        ("prefix", Self::Prefix),
        ("suffix", Self::Suffix),
        ("<", Self::Less),
        ("<=", Self::LessOrEqual),
        (">", Self::Greater),
        (">=", Self::GreaterOrEqual),
    ];

    /// Whether it asks that *no* value of the other field be equal.
    pub(crate) fn is_negative(self) -> bool {
        matches!(self, Self::Differs | Self::DiffersIgnoreCase)
    }

    /// Whether this field's leaf stands so to the other's; for the negative ones, whether the two are equal.
    pub(crate) fn holds(self, this: &Value<'_>, other: &Value<'_>) -> bool {
        match (this, other) {
            (Value::String(this), Value::String(other)) => match self {
                Self::Equals | Self::Differs => this == other,
                Self::EqualsIgnoreCase | Self::DiffersIgnoreCase => Folded::new(other).equals(this),
                Self::Prefix => this.starts_with(other),
                Self::Suffix => this.ends_with(other),
                _ => false,
            },
            (Value::Number(this), Value::Number(other)) => {
                let order = Decimal::parse(this).cmp(&Decimal::parse(other));
                match self {
                    Self::Less => order.is_lt(),
                    Self::LessOrEqual => order.is_le(),
                    Self::Greater => order.is_gt(),
                    Self::GreaterOrEqual => order.is_ge(),
                    Self::Prefix | Self::Suffix => false,
                    _ => order.is_eq(),
                }
            }
            (Value::Literal(this), Value::Literal(other)) => {
                let compares = matches!(
                    self,
                    Self::Equals | Self::Differs | Self::EqualsIgnoreCase | Self::DiffersIgnoreCase
                );
                compares && this == other
            }
            _ => false,
        }
    }
}
