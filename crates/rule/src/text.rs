//! JSON that is handled as text: so its numbers stay as they are written, and nothing is lost.

use stockade_pattern::{EventError, RuleSet, Scratch};

/// What calls that succeeded have in common.
const SUCCESS: &str = r#""errorCode":[{"exists":false}]"#;

/// JSON without the spaces around its parts. The text is known to be JSON.
pub(crate) fn minified(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if in_string {
            out.push(c);
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if !matches!(c, ' ' | '\t' | '\n' | '\r') {
            in_string = c == '"';
            out.push(c);
        }
    }
    out
}

/// Whether a text is a JSON object.
pub(crate) fn check(event: &str) -> Result<(), EventError> {
    RuleSet::new([]).matches(event.as_bytes(), &mut Scratch::new()).map(|_| ())
}

/// Whether a pattern may match what CloudTrail says: not if it asks for another `detail-type` or for a `source` whose
/// events are no calls.
pub(crate) fn may_be_cloudtrail(pattern: &str) -> bool {
    let Ok(serde_json::Value::Object(top)) = serde_json::from_str(pattern) else { return true };
    let Some(serde_json::Value::Array(kinds)) = top.get("detail-type") else { return true };
    kinds.iter().any(|kind| kind.as_str().is_none_or(|kind| kind.ends_with("via CloudTrail")))
}

/// The pattern, minified, with the condition that the call did not fail. Where the pattern, or one combination of its
/// `$or`s, speaks of errors itself, that stays: of two conditions on one path the last one counts.
pub(crate) fn with_success(pattern: &str) -> String {
    let detail = "\"detail\":{";
    let rest = pattern.get(1..).unwrap_or_default();
    match top_level(pattern, detail) {
        Some(at) => {
            let (head, tail) = pattern.split_at(at);
            format!("{head}{SUCCESS},{tail}")
        }
        None => format!("{{\"detail\":{{{SUCCESS}}},{rest}"),
    }
}

/// Where what follows `wanted`, a key of the object itself, begins. The text is minified and not an empty object.
fn top_level(json: &str, wanted: &str) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in json.bytes().enumerate() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => {
                if depth == 1 && json.get(at..).is_some_and(|rest| rest.starts_with(wanted)) {
                    return Some(at + wanted.len());
                }
                in_string = true;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}
