//! How a check sees a place: reads that its permissions allow, last good states, and where to look.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::finding::Subject;
use super::kind::{Baseline, Kind, Thing};
use super::permission::{Access, Permission};
use crate::{Api, ApiCall, ApiFault, Blame, Own, Place};

/// Where an event says to look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// In which region; in all if none.
    pub region: Option<String>,
    /// At which thing, by its id or name; at all if none.
    pub thing: Option<String>,
    /// What the event says that cannot be seen afterwards.
    pub note: Option<String>,
    /// Whether the event is about one thing and does not say which: who caused it need not be who did what is found.
    pub vague: bool,
}

impl Hint {
    /// At everything in a region; everywhere if its name is empty.
    pub fn region(region: &str) -> Self {
        let region = Some(region).filter(|region| !region.is_empty()).map(str::to_owned);
        Self { region, ..Self::default() }
    }

    /// Everywhere.
    pub fn everywhere() -> Self {
        Self::default()
    }

    /// The same, at one thing.
    #[must_use]
    pub fn thing(self, thing: &str) -> Self {
        Self { thing: Some(thing).filter(|thing| !thing.is_empty()).map(str::to_owned), ..self }
    }

    /// The same, at the one thing that the event is about; vague where it names none.
    #[must_use]
    pub fn only(self, thing: &str) -> Self {
        Self { vague: thing.is_empty(), ..self.thing(thing) }
    }

    /// The same, with what cannot be seen afterwards.
    #[must_use]
    pub fn note(self, note: &str) -> Self {
        Self { note: Some(note.to_owned()), ..self }
    }
}

/// A thing that could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Trouble {
    /// Where.
    pub place: Place,
    /// What, if it is known.
    pub what: String,
    /// Why.
    pub fault: ApiFault,
}

/// What one pass over a place shares: answers that were given already.
pub(crate) type Answers = BTreeMap<String, Result<Value, ApiFault>>;

/// What a check sees.
pub struct Look<'a> {
    pub(crate) api: &'a mut dyn Api,
    pub(crate) place: &'a Place,
    pub(crate) own: &'a Own,
    pub(crate) permissions: &'static [Permission],
    pub(crate) hints: &'a [Hint],
    /// The ARN of our own session; empty for playbooks that are not global.
    pub(crate) us: &'a str,
    /// What of this playbook was not good at the last look.
    pub(crate) remembered: &'a [Subject],
    /// By kind, then by id.
    pub(crate) baselines: &'a HashMap<&'static str, Vec<Baseline>>,
    /// Whether a repair of this subject began and did not end.
    pub(crate) open: &'a dyn Fn(&Subject) -> bool,
    pub(crate) answers: &'a mut Answers,
    pub(crate) troubles: &'a mut Vec<Trouble>,
}

/// More pages of a listing are not read.
const MAX_PAGES: usize = 200;

impl<'a> Look<'a> {
    /// Where.
    pub fn place(&self) -> &'a Place {
        self.place
    }

    /// What is our own.
    pub fn own(&self) -> &'a Own {
        self.own
    }

    /// The ARN of the session that we call AWS with, for playbooks that are global.
    pub fn us(&self) -> &'a str {
        self.us
    }

    /// What of this playbook was not good at the last look: what only an event told is looked at again by this.
    pub fn remembered(&self) -> impl Iterator<Item = &'a Subject> {
        self.remembered.iter()
    }

    /// Whether a thing is asked for, by its id or name.
    pub fn wanted(&self, id: &str, name: &str) -> bool {
        let named = |hint: &Hint| hint.thing.as_deref().is_none_or(|thing| thing == id || thing == name);
        self.hints.is_empty() || self.hints.iter().any(named)
    }

    /// What the event says of a thing that cannot be seen afterwards.
    pub fn notes(&self, id: &str, name: &str) -> impl Iterator<Item = &'a str> {
        let (id, name) = (id.to_owned(), name.to_owned());
        let of = move |hint: &&Hint| hint.thing.as_deref().is_some_and(|thing| thing == id || thing == name);
        self.hints.iter().filter(of).filter_map(|hint| hint.note.as_deref())
    }

    /// The things that are asked for by id or name.
    pub fn asked(&self) -> impl Iterator<Item = &'a str> {
        self.hints.iter().filter_map(|hint| hint.thing.as_deref())
    }

    /// The same where nothing else is asked for: those, and no others, have to be looked at.
    pub fn only_asked(&self) -> Option<Vec<&'a str>> {
        let asked: Vec<&str> = self.asked().collect();
        (!asked.is_empty() && asked.len() == self.hints.len()).then_some(asked)
    }

    /// Whether an event brought us here, and not the schedule.
    pub fn is_told(&self) -> bool {
        !self.hints.is_empty()
    }

    /// Asks AWS, unless the same was asked in this pass.
    ///
    /// # Errors
    /// What it answered. A call that the playbook's permissions do not name, or that is not for reading, is never made.
    pub fn ask(&mut self, service: &str, operation: &str, parameters: Value) -> Result<Value, ApiFault> {
        self.ask_all(vec![(service, operation, parameters)]).pop().unwrap_or(Ok(Value::Null))
    }

    /// Asks several things that do not depend on each other, one answer each.
    pub fn ask_all(&mut self, questions: Vec<(&str, &str, Value)>) -> Vec<Result<Value, ApiFault>> {
        let calls: Vec<ApiCall> = questions
            .into_iter()
            .map(|(service, operation, parameters)| ApiCall::new(self.place, service, operation, parameters))
            .collect();
        // What this playbook may not ask is refused to it alone, whatever another was answered in this pass.
        let keys: Vec<Result<String, ApiFault>> = calls
            .iter()
            .map(|call| self.allowed(call).map(|()| format!("{}{}", call.name(), call.parameters)))
            .collect();
        let mut new: Vec<(String, ApiCall)> = Vec::new();
        for (key, call) in keys.iter().zip(calls) {
            let Ok(key) = key else { continue };
            if !self.answers.contains_key(key) && !new.iter().any(|(known, _)| known == key) {
                new.push((key.clone(), call));
            }
        }
        let asked: Vec<ApiCall> = new.iter().map(|(_, call)| call.clone()).collect();
        let answers = if asked.is_empty() { Vec::new() } else { self.api.calls(&asked) };
        for ((key, _), answer) in new.into_iter().zip(answers) {
            self.answers.insert(key, answer.map(|answer| answer.body));
        }
        let answer =
            |key: Result<String, ApiFault>| self.answers.get(&key?).cloned().unwrap_or(Ok(Value::Null));
        keys.into_iter().map(answer).collect()
    }

    /// All pages of a listing, joined: `list` names what is listed, `token` the field that an answer has while there is
    /// more, and the parameter that asks for it.
    ///
    /// # Errors
    /// What AWS answered to any of them, or that there is no end.
    pub fn pages(
        &mut self,
        service: &str,
        operation: &str,
        parameters: &Value,
        list: &str,
        token: &str,
    ) -> Result<Vec<Value>, ApiFault> {
        self.pages_by(service, operation, parameters, list, (token, token))
    }

    /// The same where answer and parameter name the token differently, in this order. A `list` that begins with `/` is a
    /// JSON pointer.
    ///
    /// # Errors
    /// As [`Look::pages`].
    pub fn pages_by(
        &mut self,
        service: &str,
        operation: &str,
        parameters: &Value,
        list: &str,
        (token, parameter): (&str, &str),
    ) -> Result<Vec<Value>, ApiFault> {
        let (mut all, mut parameters) = (Vec::new(), parameters.clone());
        for _ in 0..MAX_PAGES {
            let mut page = self.ask(service, operation, parameters.clone())?;
            let (holder, name) = list.rsplit_once('/').unwrap_or(("", list));
            let listed = page.pointer(holder).map_or(&[][..], |holder| crate::json::list(holder, name));
            all.extend_from_slice(listed);
            let more = page.get_mut(token).map(Value::take).unwrap_or_default();
            if more.as_str().is_none_or(str::is_empty) {
                return Ok(all);
            }
            if let Some(fields) = parameters.as_object_mut() {
                fields.insert(parameter.to_owned(), more);
            } else {
                parameters = Value::Object(Map::from_iter([(parameter.to_owned(), more)]));
            }
        }
        let message = format!("cannot list all of {service}:{operation}: more than {MAX_PAGES} pages");
        Err(ApiFault::local(Blame::Other, message))
    }

    /// All things of a kind, as they are.
    ///
    /// # Errors
    /// If none can be read.
    pub fn things(&mut self, kind: &dyn Kind) -> Result<Vec<Thing>, ApiFault> {
        kind.read(self)
    }

    /// The last good states of a kind in this place.
    pub fn baselines(&self, kind: &dyn Kind) -> &'a [Baseline] {
        self.baselines.get(kind.name()).map_or(&[], Vec::as_slice)
    }

    /// The last good state of one thing.
    pub fn baseline(&self, kind: &dyn Kind, id: &str) -> Option<&'a Baseline> {
        self.baselines(kind).iter().find(|baseline| baseline.thing.id == id)
    }

    /// Whether a repair of it began and did not end, so that what is there may be half of it.
    pub fn is_open(&self, subject: &Subject) -> bool {
        (self.open)(subject)
    }

    /// Reports a thing that could not be looked at; the check goes on.
    pub fn trouble(&mut self, what: &str, fault: ApiFault) {
        let trouble = Trouble { place: self.place.clone(), what: what.to_owned(), fault };
        if !self.troubles.contains(&trouble) {
            self.troubles.push(trouble);
        }
    }

    /// Whether a thing could not be looked at.
    pub fn is_troubled(&self, what: &str) -> bool {
        self.troubles.iter().any(|trouble| trouble.what == what && trouble.place == *self.place)
    }

    fn allowed(&self, call: &ApiCall) -> Result<(), ApiFault> {
        let name = call.name();
        if self.permissions.iter().any(|one| one.access == Access::Read && one.serves(&name)) {
            return Ok(());
        }
        let message = format!("cannot call {name}: no permission of the playbook names it for reading");
        Err(ApiFault::local(Blame::Other, message))
    }
}

impl std::fmt::Debug for Look<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Look").field("place", &self.place).field("hints", &self.hints).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ApiAnswer;

    /// Counts what it is asked.
    struct Counting(usize);

    impl Api for Counting {
        fn call(&mut self, _: &ApiCall) -> Result<ApiAnswer, ApiFault> {
            self.0 += 1;
            Ok(ApiAnswer { body: json!({"nth": self.0}), request_id: String::new() })
        }
    }

    #[test]
    fn the_same_is_asked_once_in_a_pass_and_only_by_those_who_may() {
        static MAY: [Permission; 1] = [Permission::read("cloudtrail:GetTrail", "*")];
        static MAY_NOT: [Permission; 1] = [Permission::repair("cloudtrail:GetTrail", "*")];
        let mut api = Counting(0);
        let (place, own) = (Place::new("111122223333", "eu-west-1"), Own::default());
        let (baselines, mut answers, mut troubles) = (HashMap::new(), Answers::new(), Vec::new());
        let mut ask = |permissions: &'static [Permission], name: &str| {
            let mut look = Look {
                api: &mut api,
                place: &place,
                own: &own,
                permissions,
                hints: &[],
                us: "",
                remembered: &[],
                baselines: &baselines,
                open: &|_| false,
                answers: &mut answers,
                troubles: &mut troubles,
            };
            look.ask("cloudtrail", "GetTrail", json!({"Name": name}))
        };
        assert!(ask(&MAY_NOT, "a").is_err(), "a permission to repair is none to look");
        assert_eq!(ask(&MAY, "a"), Ok(json!({"nth": 1})), "another's refusal is not ours");
        assert_eq!(ask(&MAY, "a"), Ok(json!({"nth": 1})), "asked once");
        assert_eq!(ask(&MAY, "b"), Ok(json!({"nth": 2})));
        assert!(ask(&MAY_NOT, "a").is_err(), "another's answer is not theirs");
    }
}
