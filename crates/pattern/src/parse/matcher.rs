//! Conditions that are written as objects: `{"prefix": "x"}`.

use super::{CASE_IS_STRING, ONLY_ONE_KEY, Parser, TOO_MANY_ELEMENTS};
use crate::address::Cidr;
use crate::case::Folded;
use crate::condition::Condition;
use crate::error::PatternError;
use crate::json::Token;
use crate::pattern::{Dialect, Lint};
use crate::wildcard::Wildcard;

/// More stars than this in one wildcard, and AWS is likely to say "Rule is too complex": its limit on states that are
/// active at once lies between 8 and 11, a star with a text that repeats costs about two.
const AWS_STARS: usize = 5;

impl Parser<'_, '_> {
    /// Reads what follows the opening brace, up to the closing one.
    pub(super) fn matcher(&mut self) -> Result<Condition, PatternError> {
        let Token::Key(name) = self.reader.next()? else {
            return Err(self.invalid("Match expression name not found"));
        };
        match name.as_slice() {
            b"exactly" => {
                let text = self.string("exact match pattern must be a string")?;
                self.end_object(ONLY_ONE_KEY)?;
                Ok(Condition::String(text.into()))
            }
            b"prefix" => self.affix("prefix"),
            b"suffix" => self.affix("suffix"),
            b"equals-ignore-case" => {
                let text = self.string(CASE_IS_STRING)?;
                self.end_object(ONLY_ONE_KEY)?;
                Ok(Condition::EqualsIgnoreCase(Folded::new(&text)))
            }
            b"wildcard" => {
                let text = self.string("wildcard match pattern must be a string")?;
                let wildcard = self.wildcard(&text)?;
                self.end_object(ONLY_ONE_KEY)?;
                Ok(Condition::Wildcard(wildcard))
            }
            b"cidr" => {
                let text = self.string("prefix match pattern must be a string")?;
                let cidr =
                    Cidr::parse(&String::from_utf8_lossy(&text)).map_err(|reason| self.invalid(reason))?;
                self.end_object(ONLY_ONE_KEY)?;
                Ok(Condition::Cidr(cidr))
            }
            b"exists" => {
                let condition = match self.reader.next()? {
                    Token::True => Condition::Exists,
                    Token::False => Condition::Absent,
                    _ => return Err(self.invalid("exists match pattern must be either true or false.")),
                };
                self.end_object(ONLY_ONE_KEY)?;
                Ok(condition)
            }
            b"numeric" => {
                let condition = self.numeric()?;
                self.end_object(TOO_MANY_ELEMENTS)?;
                Ok(condition)
            }
            b"anything-but" => self.anything_but(),
            b"compare" if self.dialect == Dialect::Stockade => self.compare(),
            b"json" if self.dialect == Dialect::Stockade => self.json(),
            _ => Err(self.invalid(format!("Unrecognized match type {}", String::from_utf8_lossy(&name)))),
        }
    }

    fn affix(&mut self, which: &str) -> Result<Condition, PatternError> {
        let prefix = which == "prefix";
        match self.reader.next()? {
            Token::String(text) => {
                self.end_object(ONLY_ONE_KEY)?;
                Ok(if prefix { Condition::Prefix(text.into()) } else { Condition::Suffix(text.into()) })
            }
            Token::ObjectStart => {
                let capital = if prefix { "Prefix" } else { "Suffix" };
                let Token::Key(name) = self.reader.next()? else {
                    return Err(self.invalid(format!("{capital} expression name not found")));
                };
                if name != b"equals-ignore-case" {
                    let name = String::from_utf8_lossy(&name);
                    return Err(self.invalid(format!("Unsupported {which} pattern: {name}")));
                }
                let folded = Folded::new(&self.string(CASE_IS_STRING)?);
                self.end_object(ONLY_ONE_KEY)?;
                self.end_object(ONLY_ONE_KEY)?;
                Ok(if prefix {
                    Condition::PrefixIgnoreCase(folded)
                } else {
                    Condition::SuffixIgnoreCase(folded)
                })
            }
            _ => Err(self.invalid(format!("{which} match pattern must be a string"))),
        }
    }

    pub(super) fn wildcard(&mut self, text: &[u8]) -> Result<Wildcard, PatternError> {
        let wildcard = Wildcard::parse(text).map_err(|reason| self.invalid(reason))?;
        let stars = wildcard.stars();
        if stars > AWS_STARS {
            self.lints.push(Lint::WildcardTooComplexForAws { stars });
        }
        Ok(wildcard)
    }
}
