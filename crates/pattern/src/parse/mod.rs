//! Reads patterns: objects, arrays and `$or`.
//!
//! The order of checks is that of a reader that goes through the text once, so that of several errors the same one is told
//! as by EventBridge.

mod anything_but;
mod extension;
mod matcher;
mod numeric;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::address::{Address, Cidr};
use crate::condition::{Condition, Literal};
use crate::error::{PatternError, PatternErrorKind, Position};
use crate::json::{Reader, Token};
use crate::limits::{
    AWS_PATTERN_CHARS, MAX_FIELDS, MAX_OR_COMBINATIONS, MAX_PATTERN_BYTES, MAX_PATTERN_CONDITIONS,
    MAX_SNS_COMBINATIONS, MAX_SNS_KEYS,
};
use crate::number::Number;
use crate::pattern::{Branch, Dialect, Field, Lint, Pattern};
use crate::sns::Scope;

/// What a field inside an `$or` may not be called.
const RESERVED_IN_OR: [&[u8]; 23] = [
    b"equals-ignore-case",
    b"prefix",
    b"suffix",
    b"anything-but",
    b"exists",
    b"wildcard",
    b"numeric",
    b"cidr",
    b"=",
    b"<",
    b"<=",
    b">",
    b">=",
    b"regex",
    b"not-wildcard",
    b"not-equals-ignore-case",
    b"date-after",
    b"date-on-or-after",
    b"date-before",
    b"date-on-or-before",
    b"in-date-range",
    b"ip-address-in-range",
    b"ip-address-not-in-range",
];

/// Reads a pattern.
pub(crate) fn parse(text: &str, dialect: Dialect) -> Result<Pattern, PatternError> {
    if text.len() > MAX_PATTERN_BYTES {
        let reason = format!("longer than {MAX_PATTERN_BYTES} bytes");
        return Err(PatternError::new(
            PatternErrorKind::Limit,
            reason,
            Position { byte: 0, line: 1, column: 1 },
        ));
    }
    let mut parser = Parser::new(Reader::new(text), dialect, 0);
    if parser.reader.next()? != Token::ObjectStart {
        return Err(parser.invalid("Filter is not an object"));
    }
    let mut pattern = parser.pattern()?;
    parser.reader.finish()?;
    let chars = text.chars().count();
    if chars > AWS_PATTERN_CHARS {
        pattern.lints.push(Lint::TooLongForAws { chars });
    }
    Ok(pattern)
}

/// Reads an SNS filter policy.
pub(crate) fn parse_sns(text: &str, scope: Scope) -> Result<Pattern, PatternError> {
    let start = Position { byte: 0, line: 1, column: 1 };
    let limit = |reason: &str| PatternError::new(PatternErrorKind::Limit, reason, start);
    if text.len() > MAX_PATTERN_BYTES {
        return Err(limit("longer than a filter policy may be"));
    }
    let mut parser = Parser::new(Reader::new(text), Dialect::EventBridge, 0);
    parser.sns = Some(scope);
    if parser.reader.next()? != Token::ObjectStart {
        return Err(parser.invalid("Filter is not an object"));
    }
    let pattern = parser.pattern()?;
    parser.reader.finish()?;
    if parser.top_keys.len() > MAX_SNS_KEYS {
        return Err(limit("Filter policy can not have more than 5 keys"));
    }
    if parser.combinations > MAX_SNS_COMBINATIONS {
        return Err(limit("Filter policy is too complex"));
    }
    Ok(pattern)
}

/// A combination while it is read.
type Fields = BTreeMap<Arc<[u8]>, Arc<[Condition]>>;

pub(super) struct Parser<'r, 't> {
    reader: ReaderRef<'r, 't>,
    dialect: Dialect,
    branches: Vec<Fields>,
    path: Vec<u8>,
    depth: usize,
    lints: Vec<Lint>,
    /// How many `json` conditions this one lies in.
    in_json: usize,
    /// It is an SNS filter policy, which has limits of its own.
    sns: Option<Scope>,
    top_keys: BTreeSet<Vec<u8>>,
    /// As SNS counts them: the product of the number of values and the depth of each field; branches of an `$or` add.
    combinations: u64,
}

/// The reader is the parser's own, or lent by the parser of the pattern around it.
enum ReaderRef<'r, 't> {
    Own(Reader<'t>),
    Lent(&'r mut Reader<'t>),
}

impl<'t> std::ops::Deref for ReaderRef<'_, 't> {
    type Target = Reader<'t>;
    fn deref(&self) -> &Reader<'t> {
        match self {
            Self::Own(reader) => reader,
            Self::Lent(reader) => reader,
        }
    }
}

impl<'t> std::ops::DerefMut for ReaderRef<'_, 't> {
    fn deref_mut(&mut self) -> &mut Reader<'t> {
        match self {
            Self::Own(reader) => reader,
            Self::Lent(reader) => reader,
        }
    }
}

impl<'r, 't> Parser<'r, 't> {
    fn new(reader: Reader<'t>, dialect: Dialect, in_json: usize) -> Self {
        Self::over(ReaderRef::Own(reader), dialect, in_json)
    }

    fn lent(reader: &'r mut Reader<'t>, dialect: Dialect, in_json: usize) -> Self {
        Self::over(ReaderRef::Lent(reader), dialect, in_json)
    }

    fn over(reader: ReaderRef<'r, 't>, dialect: Dialect, in_json: usize) -> Self {
        Self {
            reader,
            dialect,
            branches: Vec::new(),
            path: Vec::new(),
            depth: 0,
            lints: Vec::new(),
            in_json,
            sns: None,
            top_keys: BTreeSet::new(),
            combinations: 1,
        }
    }

    /// Reads what follows the opening brace, up to the closing one.
    fn pattern(&mut self) -> Result<Pattern, PatternError> {
        self.object(false)?;
        let branches = std::mem::take(&mut self.branches).into_iter().map(|fields| Branch {
            fields: fields.into_iter().map(|(path, conditions)| Field { path, conditions }).collect(),
        });
        Ok(Pattern { branches: branches.collect(), lints: std::mem::take(&mut self.lints) })
    }

    fn object(&mut self, in_or: bool) -> Result<(), PatternError> {
        let mut empty = true;
        while let Token::Key(key) = self.reader.next()? {
            empty = false;
            if self.sns.is_some() && self.depth == 0 && !in_or {
                self.top_keys.insert(key.clone());
            }
            if key == b"$or" {
                self.or()?;
                continue;
            }
            if in_or && RESERVED_IN_OR.contains(&key.as_slice()) {
                let key = String::from_utf8_lossy(&key);
                return Err(self
                    .invalid(format!("{key} is Ruler reserved fieldName which cannot be used inside $or.")));
            }
            let outer = self.path.len();
            if self.depth > 0 {
                self.path.push(b'.');
            }
            self.path.extend_from_slice(&key);
            self.depth += 1;
            match self.reader.next()? {
                Token::ObjectStart if self.sns == Some(Scope::MessageAttributes) => {
                    return Err(self.invalid(
                        "Filter policy scope MessageAttributes does not support nested filter policy",
                    ));
                }
                Token::ObjectStart => self.object(in_or)?,
                Token::ArrayStart => self.field()?,
                _ => {
                    let key = String::from_utf8_lossy(&key);
                    return Err(self.invalid(format!("\"{key}\" must be an object or an array")));
                }
            }
            self.depth -= 1;
            self.path.truncate(outer);
        }
        if empty { Err(self.invalid("Empty objects are not allowed")) } else { Ok(()) }
    }

    /// The combinations so far, each once with every object of the array.
    fn or(&mut self) -> Result<(), PatternError> {
        let mut before = std::mem::take(&mut self.branches);
        if self.reader.next()? != Token::ArrayStart {
            return Err(self.invalid("It must be an Array followed with $or."));
        }
        if before.is_empty() {
            before.push(Fields::new());
        }
        let mut all = Vec::new();
        let mut objects = 0;
        let (combinations, mut sum) = (self.combinations, 0u64);
        loop {
            match self.reader.next()? {
                Token::ArrayEnd => break,
                Token::ObjectStart => {
                    objects += 1;
                    self.branches.clone_from(&before);
                    self.combinations = combinations;
                    self.object(true)?;
                    sum = sum.saturating_add(self.combinations);
                    all.append(&mut self.branches);
                    let fields: usize = all.iter().map(Fields::len).sum();
                    if all.len() > MAX_OR_COMBINATIONS || fields > MAX_PATTERN_CONDITIONS {
                        return Err(self.error(
                            PatternErrorKind::Limit,
                            format!("$or multiplies to more than {MAX_OR_COMBINATIONS} combinations"),
                        ));
                    }
                }
                _ => return Err(self.invalid("Only JSON object is allowed in array of $or relationship.")),
            }
        }
        if objects < 2 {
            return Err(self.invalid("There must have at least 2 Objects in $or relationship."));
        }
        self.branches = all;
        self.combinations = sum;
        Ok(())
    }

    /// The values of one field.
    fn field(&mut self) -> Result<(), PatternError> {
        let mut conditions = Vec::new();
        loop {
            conditions.push(match self.reader.next()? {
                Token::ArrayEnd => break,
                Token::ObjectStart => self.matcher()?,
                Token::String(text) => Address::parse(&text)
                    .map_or_else(|| Condition::String(text.into()), |ip| Condition::Cidr(Cidr::single(ip))),
                Token::Number(lexeme) => Condition::Number(Number::new(&lexeme)),
                Token::True => Condition::Literal(Literal::True),
                Token::False => Condition::Literal(Literal::False),
                Token::Null => Condition::Literal(Literal::Null),
                _ => return Err(self.invalid("Match value must be String, number, true, false, or null")),
            });
        }
        if conditions.is_empty() {
            return Err(self.invalid("Empty arrays are not allowed"));
        }
        let factor = (conditions.len() as u64).saturating_mul(self.depth as u64);
        self.combinations = self.combinations.saturating_mul(factor);
        let (path, conditions): (Arc<[u8]>, Arc<[Condition]>) =
            (self.path.as_slice().into(), conditions.into());
        if self.branches.is_empty() {
            self.branches.push(Fields::new());
        }
        let mut overridden = false;
        for branch in &mut self.branches {
            overridden |= branch.insert(Arc::clone(&path), Arc::clone(&conditions)).is_some();
        }
        if self.branches.iter().any(|branch| branch.len() > MAX_FIELDS) {
            return Err(self.error(PatternErrorKind::Limit, format!("more than {MAX_FIELDS} fields")));
        }
        if self.branches.iter().map(Fields::len).sum::<usize>() > MAX_PATTERN_CONDITIONS {
            let reason = format!("more than {MAX_PATTERN_CONDITIONS} fields in all combinations");
            return Err(self.error(PatternErrorKind::Limit, reason));
        }
        if overridden {
            self.lints.push(Lint::Overridden { path: String::from_utf8_lossy(&path).into_owned() });
        }
        Ok(())
    }

    // === what the readers of conditions share ===

    fn invalid(&self, reason: impl Into<String>) -> PatternError {
        self.error(PatternErrorKind::Invalid, reason)
    }

    fn error(&self, kind: PatternErrorKind, reason: impl Into<String>) -> PatternError {
        self.reader.error(kind, reason)
    }

    /// Reads a string, or says that it must be one.
    fn string(&mut self, otherwise: &str) -> Result<Vec<u8>, PatternError> {
        match self.reader.next()? {
            Token::String(text) => Ok(text),
            _ => Err(self.invalid(otherwise)),
        }
    }

    /// Reads the closing brace, or says what else is wrong.
    fn end_object(&mut self, otherwise: &str) -> Result<(), PatternError> {
        match self.reader.next()? {
            Token::ObjectEnd => Ok(()),
            _ => Err(self.invalid(otherwise)),
        }
    }
}

const ONLY_ONE_KEY: &str = "Only one key allowed in match expression";
const TOO_MANY_ELEMENTS: &str = "Too many elements in numeric expression";
const CASE_IS_STRING: &str = "equals-ignore-case match pattern must be a string";
