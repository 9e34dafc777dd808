//! What the tests of exported rules share.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use stockade_pattern::{Lint, Pattern};
use stockade_rule::Rule;
use stockade_rule::export::{Export, Exported};

/// A rule of these patterns.
pub(crate) fn rule(name: &str, patterns: &[String]) -> Rule {
    let mut text = "description = 'x'\nfailed_calls = true\nkey = { user = 'who' }\n".to_owned();
    for pattern in patterns {
        text += &format!("[[pattern]]\njson = '''{pattern}'''\n");
    }
    Rule::parse(&format!("{name}.toml"), &text).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
}

/// What of the exported is no EventBridge rule within the limits, or matches another set of events than the rules do.
pub(crate) fn check_limits(export: &Export, chars: usize) -> Vec<Pattern> {
    let read = |exported: &Exported| {
        let text = exported.pattern();
        assert!(text.chars().count() <= chars, "{text}");
        let pattern = Pattern::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let complex =
            |lint: &Lint| matches!(lint, Lint::WildcardTooComplexForAws { .. } | Lint::Overridden { .. });
        assert!(!pattern.lints().iter().any(complex), "{text}");
        assert!(product(&serde_json::from_str(&text).unwrap()) <= 1_000, "{text}");
        pattern
    };
    export.rules.iter().map(read).collect()
}

/// What the lengths of all `$or`s multiply to: that is how AWS counts combinations.
pub(crate) fn product(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Object(fields) => {
            let own = fields.get("$or").and_then(serde_json::Value::as_array).map_or(1, Vec::len);
            fields.values().map(product).product::<usize>() * own
        }
        serde_json::Value::Array(values) => values.iter().map(product).product(),
        _ => 1,
    }
}

pub(crate) fn pattern_of(export: &Export) -> Vec<String> {
    export.rules.iter().map(Exported::pattern).collect()
}
