//! What Stockade adds: `compare` and `json`.

use super::{ONLY_ONE_KEY, Parser};
use crate::condition::{Compare, Condition, Relation};
use crate::error::{PatternError, PatternErrorKind};
use crate::json::Token;
use crate::limits::MAX_JSON_IN_JSON;
use crate::pattern::Lint;

impl Parser<'_, '_> {
    /// `{"compare": {"differs": "detail.userIdentity.userName"}}`
    pub(super) fn compare(&mut self) -> Result<Condition, PatternError> {
        if self.reader.next()? != Token::ObjectStart {
            return Err(
                self.extension("compare must be an object, as in {\"differs\": \"detail.other.field\"}")
            );
        }
        let Token::Key(name) = self.reader.next()? else {
            return Err(self.extension("relation of compare not found"));
        };
        let Some((_, relation)) = Relation::ALL.into_iter().find(|(known, _)| known.as_bytes() == name)
        else {
            let known: Vec<&str> = Relation::ALL.iter().map(|(known, _)| *known).collect();
            let name = String::from_utf8_lossy(&name);
            return Err(
                self.extension(format!("unknown relation `{name}` in compare: one of {}", known.join(", ")))
            );
        };
        let Token::String(other) = self.reader.next()? else {
            return Err(self.extension("compare takes the path of the other field as a string"));
        };
        self.end_object(ONLY_ONE_KEY)?;
        self.end_object(ONLY_ONE_KEY)?;
        self.not_eventbridge();
        Ok(Condition::Compare(Compare { relation, other: other.into() }))
    }

    /// `{"json": {…pattern…}}`
    pub(super) fn json(&mut self) -> Result<Condition, PatternError> {
        if self.in_json >= MAX_JSON_IN_JSON {
            return Err(self.error(
                PatternErrorKind::Limit,
                format!("json inside json more than {MAX_JSON_IN_JSON} times"),
            ));
        }
        if self.reader.next()? != Token::ObjectStart {
            return Err(self.extension("json must be an object: the pattern for what the string holds"));
        }
        let (dialect, in_json) = (self.dialect, self.in_json + 1);
        let mut inner = Parser::lent(&mut self.reader, dialect, in_json);
        let mut pattern = inner.pattern()?;
        self.end_object(ONLY_ONE_KEY)?;
        self.lints.append(&mut pattern.lints);
        self.not_eventbridge();
        Ok(Condition::Json(Box::new(pattern)))
    }

    fn not_eventbridge(&mut self) {
        if !self.lints.contains(&Lint::NotEventBridge) {
            self.lints.push(Lint::NotEventBridge);
        }
    }

    fn extension(&self, reason: impl Into<String>) -> PatternError {
        self.error(PatternErrorKind::Extension, reason)
    }
}
