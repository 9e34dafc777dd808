//! A rule's pattern as EventBridge can be given it.

use serde_json::{Map, Value};

use crate::rule::RulePattern;

/// What matches every event that EventBridge has.
const EVERYTHING: &str = r#"{"source":[{"prefix":""}]}"#;

impl RulePattern {
    /// The pattern for a rule of EventBridge that feeds this one: JSON without spaces, in nothing but EventBridge's language.
    ///
    /// It matches whatever the pattern itself matches, and may match more, which Stockade then leaves out: of what
    /// only Stockade understands (`compare`, `json`) there remains that the field is there. Conditions that something is
    /// *not* there are left out below requests and answers, where lists are: EventBridge decides them before it knows
    /// which element of a list is meant, and would keep back events that the pattern is about.
    pub fn for_eventbridge(&self) -> String {
        let Ok(Value::Object(pattern)) = serde_json::from_str(&self.json) else { return self.json.clone() };
        let wider = wider(pattern, "");
        if wider.is_empty() { EVERYTHING.to_owned() } else { Value::from(wider).to_string() }
    }
}

/// An object of a pattern without what EventBridge cannot be asked; empty if nothing remains.
fn wider(object: Map<String, Value>, path: &str) -> Map<String, Value> {
    let mut out = Map::new();
    for (key, value) in object {
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let value = match value {
            Value::Array(branches) if key == "$or" => alternatives(branches, path),
            Value::Array(conditions) => field(conditions, &below),
            Value::Object(object) => some(wider(object, &below)),
            other => Some(other),
        };
        if let Some(value) = value {
            out.insert(key, value);
        }
    }
    out
}

/// The branches of an `$or`, unless one of them asks for nothing any more.
fn alternatives(branches: Vec<Value>, path: &str) -> Option<Value> {
    let branch = |branch| match branch {
        Value::Object(object) => some(wider(object, path)),
        other => Some(other),
    };
    branches.into_iter().map(branch).collect::<Option<Vec<_>>>().map(Value::from)
}

fn some(object: Map<String, Value>) -> Option<Value> {
    (!object.is_empty()).then(|| Value::from(object))
}

/// The alternatives for a field, unless they say nothing that EventBridge decides as we do.
fn field(conditions: Vec<Value>, path: &str) -> Option<Value> {
    let lists = ["detail.requestParameters.", "detail.responseElements."];
    let absent = conditions.iter().any(|condition| condition.get("exists") == Some(&Value::Bool(false)));
    if absent && lists.iter().any(|list| path.starts_with(list)) {
        return None;
    }
    let ours = |condition: &Value| ["compare", "json"].iter().any(|name| condition.get(name).is_some());
    if !conditions.iter().any(ours) {
        return Some(conditions.into());
    }
    (!absent).then(|| serde_json::json!([{ "exists": true }]))
}

#[cfg(test)]
mod tests {
    use stockade_pattern::Pattern;

    fn exported(pattern: &str) -> String {
        let text = format!(
            "description = 'x'\nfailed_calls = true\nkey = {{ resource = 'account' }}\n[[pattern]]\njson = '''{pattern}'''"
        );
        let rule = crate::Rule::parse("x.toml", &text).unwrap();
        let json = rule.patterns[0].for_eventbridge();
        Pattern::parse(&json).unwrap();
        json
    }

    #[test]
    fn what_eventbridge_understands_stays() {
        let plain = r#"{"detail":{"$or":[{"a":[{"exists":false}]},{"b":[1,{"prefix":"x"}]}],"errorCode":[{"exists":false}]},"source":["s"]}"#;
        assert_eq!(exported(plain), plain);
    }

    #[test]
    fn of_extensions_remains_that_the_field_is_there() {
        let pattern =
            r#"{"detail": {"a": [{"compare": {"differs": "detail.b"}}], "c": ["x", {"json": {"d": [1]}}]}}"#;
        assert_eq!(exported(pattern), r#"{"detail":{"a":[{"exists":true}],"c":[{"exists":true}]}}"#);
        let or_absent = r#"{"source": ["s"], "detail": {"a": [{"exists": false}, {"json": {"d": [1]}}]}}"#;
        assert_eq!(exported(or_absent), r#"{"source":["s"]}"#);
    }

    #[test]
    fn absence_inside_requests_is_not_asked_of_eventbridge() {
        let pattern =
            r#"{"detail": {"requestParameters": {"s": {"c": [{"exists": false}], "e": ["Allow"]}}}}"#;
        assert_eq!(exported(pattern), r#"{"detail":{"requestParameters":{"s":{"e":["Allow"]}}}}"#);
        let or = r#"{"detail": {"n": [1], "$or": [{"requestParameters": {"c": [{"exists": false}]}}, {"x": [1]}]}}"#;
        assert_eq!(exported(or), r#"{"detail":{"n":[1]}}"#, "one alternative asks for nothing any more");
        assert_eq!(
            exported(r#"{"detail": {"requestParameters": {"c": [{"exists": false}]}}}"#),
            super::EVERYTHING
        );
    }
}
