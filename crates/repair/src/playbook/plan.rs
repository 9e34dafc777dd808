//! What would mend a finding, as data: it is shown, approved, carried out, recorded and taken back from the same value.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ApiAnswer, ApiCall, Place, json};

/// The changes that mend a finding, in their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What is done, one after the other. The first that fails ends it; the next run goes on.
    pub changes: Vec<Change>,
    /// What people should know who read it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One call that changes something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What it does, for people: ``start logging of the trail `main` ``.
    pub says: String,
    /// The service.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// Its parameters: only what is meant.
    pub parameters: Value,
    /// What was there before.
    pub before: Value,
    /// How it is taken back.
    pub undo: Undo,
    /// Errors that mean that it is so already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub already: Vec<String>,
    /// Where a good answer says that it did not work: a JSON pointer to a list or number that is then not empty or zero.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub refused: String,
}

/// How a change is taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Undo {
    /// By this call to the same service. A parameter `{"$answer": "/pointer"}` is taken from the answer to the change.
    Call {
        /// The operation.
        operation: String,
        /// Its parameters.
        parameters: Value,
    },
    /// By taking back an earlier change of the same plan.
    Earlier,
    /// Not at all.
    Nothing {
        /// Why.
        why: String,
    },
}

/// Why a finding cannot be mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{why}")]
pub struct Cannot {
    /// The reason.
    pub why: String,
    /// What a person can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Cannot {
    /// For this reason.
    pub fn because(why: impl Into<String>) -> Self {
        Self { why: why.into(), hint: None }
    }

    /// The same with what a person can do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl Plan {
    /// Of these changes.
    pub fn of(changes: Vec<Change>) -> Self {
        Self { changes, notes: Vec::new() }
    }

    /// The hash of what would be called: an approval holds for these calls and no others.
    pub fn digest(&self) -> String {
        let calls = self.changes.iter().map(|change| {
            Value::Array(vec![
                Value::String(format!("{}:{}", change.service, change.operation)),
                change.parameters.clone(),
            ])
        });
        json::digest(&calls.collect())
    }
}

impl Change {
    /// A call; `before` is null and there is no way back until it is said.
    pub fn new(says: String, service: &str, operation: &str, parameters: Value) -> Self {
        let undo = Undo::Nothing { why: "nobody said how".to_owned() };
        let (service, operation) = (service.to_owned(), operation.to_owned());
        let (before, already, refused) = (Value::Null, Vec::new(), String::new());
        Self { says, service, operation, parameters, before, undo, already, refused }
    }

    /// The same with what was there before.
    #[must_use]
    pub fn before(self, before: Value) -> Self {
        Self { before, ..self }
    }

    /// The same, taken back by a call.
    #[must_use]
    pub fn undo(self, operation: &str, parameters: Value) -> Self {
        Self { undo: Undo::Call { operation: operation.to_owned(), parameters }, ..self }
    }

    /// The same, taken back with an earlier change.
    #[must_use]
    pub fn undone_earlier(self) -> Self {
        Self { undo: Undo::Earlier, ..self }
    }

    /// The same, with errors that mean that it is so already.
    #[must_use]
    pub fn already(self, codes: &[&str]) -> Self {
        Self { already: codes.iter().map(|code| (*code).to_owned()).collect(), ..self }
    }

    /// The same, with where a good answer says that it did not work: some calls answer 200 and list what failed.
    #[must_use]
    pub fn refused_at(self, pointer: &str) -> Self {
        Self { refused: pointer.to_owned(), ..self }
    }

    /// What a good answer says did not work.
    pub fn refusal<'a>(&self, answer: &'a ApiAnswer) -> Option<&'a Value> {
        let refused = answer.body.pointer(&self.refused).filter(|_| !self.refused.is_empty())?;
        let nothing = match refused {
            Value::Array(all) => all.is_empty(),
            Value::Number(number) => number.as_f64() == Some(0.0),
            _ => true,
        };
        (!nothing).then_some(&answer.body)
    }

    /// The call, for a repair.
    pub fn call(&self, place: &Place, action: &str) -> ApiCall {
        ApiCall {
            action: Some(action.to_owned()),
            ..ApiCall::new(place, &self.service, &self.operation, self.parameters.clone())
        }
    }

    /// The call that takes it back where its answer was never seen; none where it takes something from the answer.
    pub fn inverse_unseen(&self, place: &Place, action: &str) -> Option<ApiCall> {
        match &self.undo {
            Undo::Call { parameters, .. } if asks(parameters) => None,
            _ => self.inverse(place, action, &ApiAnswer::default()),
        }
    }

    /// The call that takes it back, once its answer is known.
    pub fn inverse(&self, place: &Place, action: &str, answer: &ApiAnswer) -> Option<ApiCall> {
        let Undo::Call { operation, parameters } = &self.undo else { return None };
        let parameters = filled(parameters, &answer.body);
        Some(ApiCall {
            action: Some(action.to_owned()),
            ..ApiCall::new(place, &self.service, operation, parameters)
        })
    }
}

/// Whether parameters take something from an answer.
fn asks(parameters: &Value) -> bool {
    match parameters {
        Value::Object(fields) => fields.contains_key("$answer") || fields.values().any(asks),
        Value::Array(all) => all.iter().any(asks),
        _ => false,
    }
}

/// Parameters with what they take from an answer. Recursion ends with the parameters, which are our own.
fn filled(parameters: &Value, answer: &Value) -> Value {
    match parameters {
        Value::Object(fields) => match fields.get("$answer").and_then(Value::as_str) {
            Some(pointer) => answer.pointer(pointer).cloned().unwrap_or_default(),
            None => fields
                .iter()
                .map(|(name, value)| (name.clone(), filled(value, answer)))
                .collect::<Map<_, _>>()
                .into(),
        },
        Value::Array(all) => all.iter().map(|value| filled(value, answer)).collect(),
        _ => parameters.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_way_back_may_need_the_answer() {
        let change = Change::new("make".into(), "x", "Create", json!({"A": 1}))
            .undo("Delete", json!({"Ids": [{"$answer": "/Made/0"}], "Why": "undo"}));
        let answer = ApiAnswer { body: json!({"Made": ["i-1"]}), request_id: String::new() };
        let call = change.inverse(&Place::new("1", "r"), "a", &answer).unwrap();
        assert_eq!(call.parameters, json!({"Ids": ["i-1"], "Why": "undo"}));
        assert_eq!((call.name().as_str(), call.action.as_deref()), ("x:Delete", Some("a")));
    }

    #[test]
    fn an_approval_is_for_the_calls_and_not_for_the_words() {
        let plan = |says: &str, a: u8| Plan::of(vec![Change::new(says.into(), "x", "Y", json!({"A": a}))]);
        assert_eq!(plan("one", 1).digest(), plan("two", 1).digest());
        assert_ne!(plan("one", 1).digest(), plan("one", 2).digest());
    }
}
