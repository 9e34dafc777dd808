//! `numeric`: an equality, a bound, or a range from below to above.

use super::{Parser, TOO_MANY_ELEMENTS};
use crate::condition::Condition;
use crate::error::PatternError;
use crate::json::Token;
use crate::number::{Bound, Number, Range};

impl Parser<'_, '_> {
    pub(super) fn numeric(&mut self) -> Result<Condition, PatternError> {
        if self.reader.next()? != Token::ArrayStart {
            return Err(self.invalid("Value of numeric must be an array."));
        }
        let operator = match self.reader.next()? {
            Token::String(operator) => String::from_utf8_lossy(&operator).into_owned(),
            other => {
                return Err(self.invalid(format!("Invalid member in numeric match: {}", written(&other))));
            }
        };
        match operator.as_str() {
            "=" => {
                let number = self.operand("equals")?;
                self.end_array(TOO_MANY_ELEMENTS)?;
                self.comparable(&number)?;
                Ok(Condition::Number(number))
            }
            "<" | "<=" => {
                let number = self.operand(&operator)?;
                self.end_array(TOO_MANY_ELEMENTS)?;
                self.comparable(&number)?;
                Ok(Condition::Range(Range {
                    low: None,
                    high: Some(Bound { number, inclusive: operator == "<=" }),
                }))
            }
            ">" | ">=" => {
                let number = self.operand(&operator)?;
                let low = Bound { number, inclusive: operator == ">=" };
                match self.reader.next()? {
                    Token::ArrayEnd => {
                        self.comparable(&low.number)?;
                        Ok(Condition::Range(Range { low: Some(low), high: None }))
                    }
                    Token::String(operator) => self.upper(low, &String::from_utf8_lossy(&operator)),
                    other => Err(self.invalid(format!("Bad value in numeric range: {}", written(&other)))),
                }
            }
            _ => Err(self.invalid(format!("Unrecognized numeric range operator: {operator}"))),
        }
    }

    fn upper(&mut self, low: Bound, operator: &str) -> Result<Condition, PatternError> {
        if operator != "<" && operator != "<=" {
            return Err(self.invalid(format!("Bad numeric range operator: {operator}")));
        }
        let number = self.operand(operator)?;
        self.end_array("Too many terms in numeric range expression")?;
        self.comparable(&low.number)?;
        self.comparable(&number)?;
        if low.number.decimal() >= number.decimal() {
            return Err(self.invalid("Bottom must be less than top"));
        }
        Ok(Condition::Range(Range {
            low: Some(low),
            high: Some(Bound { number, inclusive: operator == "<=" }),
        }))
    }

    fn operand(&mut self, of: &str) -> Result<Number, PatternError> {
        match self.reader.next()? {
            Token::Number(lexeme) => Ok(Number::new(&lexeme)),
            _ => Err(self.invalid(format!("Value of {of} must be numeric"))),
        }
    }

    fn end_array(&mut self, otherwise: &str) -> Result<(), PatternError> {
        match self.reader.next()? {
            Token::ArrayEnd => Ok(()),
            _ => Err(self.invalid(otherwise)),
        }
    }

    pub(super) fn comparable(&self, number: &Number) -> Result<(), PatternError> {
        if number.is_comparable() {
            return Ok(());
        }
        Err(self.invalid(format!("Cannot compare number : {}", number.lexeme)))
    }
}

/// A token as it stands in an error.
fn written(token: &Token) -> String {
    match token {
        Token::ObjectStart => "{".into(),
        Token::ObjectEnd => "}".into(),
        Token::ArrayStart => "[".into(),
        Token::ArrayEnd => "]".into(),
        Token::Key(text) | Token::String(text) => String::from_utf8_lossy(text).into_owned(),
        Token::Number(lexeme) => lexeme.clone(),
        Token::True => "true".into(),
        Token::False => "false".into(),
        Token::Null => "null".into(),
    }
}
