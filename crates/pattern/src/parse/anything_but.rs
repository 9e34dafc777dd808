//! `anything-but`, in all its forms.

use super::{Parser, TOO_MANY_ELEMENTS};
use crate::case::Folded;
use crate::condition::{Condition, Excluded};
use crate::error::PatternError;
use crate::json::Token;
use crate::number::Number;

const NOT_IN_LIST: &str = "Inside anything but list, start|null|boolean is not supported.";
const MIXED: &str =
    "Inside anything but list, either all values are number or string, mixed type is not supported";
const NEITHER: &str = "Value of anything-but must be an array or single string/number value.";

/// What stands inside `anything-but`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Prefix,
    Suffix,
    Wildcard,
    IgnoreCase,
}

impl Parser<'_, '_> {
    pub(super) fn anything_but(&mut self) -> Result<Condition, PatternError> {
        let first = self.reader.next()?;
        let excluded = if first == Token::ObjectStart {
            let excluded = self.nested()?;
            self.end_object(TOO_MANY_ELEMENTS)?;
            excluded
        } else {
            self.plain(first)?
        };
        self.end_object(TOO_MANY_ELEMENTS)?;
        Ok(Condition::AnythingBut(excluded))
    }

    /// A value or a list of values, all strings or all numbers.
    fn plain(&mut self, first: Token) -> Result<Excluded, PatternError> {
        match first {
            Token::String(text) => return Ok(Excluded::Strings([text.into()].into())),
            Token::Number(lexeme) => {
                let number = Number::new(&lexeme);
                self.comparable(&number)?;
                return Ok(Excluded::Numbers([number].into()));
            }
            Token::ArrayStart => {}
            _ => return Err(self.invalid(NEITHER)),
        }
        let (mut texts, mut numbers) = (Vec::new(), Vec::new());
        loop {
            match self.reader.next()? {
                Token::ArrayEnd => break,
                Token::String(text) => texts.push(text.into_boxed_slice()),
                Token::Number(lexeme) => {
                    let number = Number::new(&lexeme);
                    self.comparable(&number)?;
                    numbers.push(number);
                }
                _ => return Err(self.invalid(NOT_IN_LIST)),
            }
        }
        match (texts.is_empty(), numbers.is_empty()) {
            (false, true) => Ok(Excluded::Strings(texts.into())),
            (true, false) => Ok(Excluded::Numbers(numbers.into())),
            _ => Err(self.invalid(MIXED)),
        }
    }

    /// `{"prefix": …}` and its like.
    fn nested(&mut self) -> Result<Excluded, PatternError> {
        let Token::Key(name) = self.reader.next()? else {
            return Err(self.invalid("Anything-But expression name not found"));
        };
        let form = match name.as_slice() {
            b"prefix" => Form::Prefix,
            _ if self.sns.is_some() => {
                let name = String::from_utf8_lossy(&name);
                return Err(self.invalid(format!("Unsupported anything-but pattern: {name}")));
            }
            b"suffix" => Form::Suffix,
            b"wildcard" => Form::Wildcard,
            b"equals-ignore-case" => Form::IgnoreCase,
            _ => {
                return Err(self.invalid(format!(
                    "Unsupported anything-but pattern: {}",
                    String::from_utf8_lossy(&name)
                )));
            }
        };
        let mut texts = Vec::new();
        match self.reader.next()? {
            Token::String(text) => texts.push(self.checked(form, text)?),
            Token::ArrayStart => loop {
                match self.reader.next()? {
                    Token::ArrayEnd => break,
                    Token::String(text) => texts.push(self.checked(form, text)?),
                    _ => return Err(self.not_a_string(form)),
                }
            },
            Token::Number(_) => return Err(self.not_a_string(form)),
            _ => return Err(self.invalid(NEITHER)),
        }
        if texts.is_empty() {
            // event-ruler fails with an error of its own making here.
            return Err(self.invalid("Empty arrays are not allowed"));
        }
        Ok(match form {
            Form::Prefix => Excluded::Prefixes(texts.into()),
            Form::Suffix => Excluded::Suffixes(texts.into()),
            Form::IgnoreCase => Excluded::IgnoreCase(texts.iter().map(|text| Folded::new(text)).collect()),
            Form::Wildcard => {
                let wildcards: Result<Vec<_>, _> = texts.iter().map(|text| self.wildcard(text)).collect();
                Excluded::Wildcards(wildcards?.into())
            }
        })
    }

    fn checked(&mut self, form: Form, text: Vec<u8>) -> Result<Box<[u8]>, PatternError> {
        match form {
            Form::Prefix | Form::Suffix if text.is_empty() => {
                Err(self.invalid("Null prefix/suffix not allowed"))
            }
            Form::Wildcard => crate::wildcard::Wildcard::parse(&text)
                .map_err(|reason| self.invalid(reason))
                .map(|_| text.into()),
            _ => Ok(text.into()),
        }
    }

    fn not_a_string(&self, form: Form) -> PatternError {
        self.invalid(match form {
            Form::Prefix | Form::Suffix => "prefix/suffix match pattern must be a string",
            Form::Wildcard => "wildcard match pattern must be a string",
            Form::IgnoreCase => {
                "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
            }
        })
    }
}
