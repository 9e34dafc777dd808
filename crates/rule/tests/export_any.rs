//! Whatever the rules are: nothing that they match is missing from what EventBridge is asked for.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "support/export.rs"]
mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use stockade_rule::Rule;
use stockade_rule::export::{Export, Options};
use support::{check_limits, pattern_of, rule};

fn text() -> impl Strategy<Value = String> {
    select(vec!["x", "y", "xy", "Get", "10.0.0.1", "é", "x😀"]).prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => text().prop_map(|text| format!("\"{text}\"")),
        1 => select(vec!["1", "1.0", "2", "true", "null"]).prop_map(str::to_owned),
    ]
}

/// What EventBridge knows and takes.
fn plain() -> impl Strategy<Value = String> {
    let fixed = select(vec![
        r#"{"wildcard":"x*"}"#,
        r#"{"wildcard":"*x*"}"#,
        r#"{"exists":true}"#,
        r#"{"exists":false}"#,
        r#"{"numeric":["=",1]}"#,
        r#"{"numeric":[">",0,"<=",1]}"#,
        r#"{"cidr":"10.0.0.0/8"}"#,
    ]);
    prop_oneof![
        6 => scalar(),
        1 => text().prop_map(|text| format!(r#"{{"prefix":"{text}"}}"#)),
        1 => text().prop_map(|text| format!(r#"{{"suffix":"{text}"}}"#)),
        1 => vec(text(), 1..3).prop_map(|texts| format!(r#"{{"anything-but":{texts:?}}}"#)),
        3 => fixed.prop_map(str::to_owned),
    ]
}

/// The same, and what it does not.
fn condition(plain_only: bool) -> BoxedStrategy<String> {
    if plain_only {
        return plain().boxed();
    }
    let others = select(vec![
        r#"{"wildcard":"x*y*x*y*x*y*x"}"#,
        r#"{"wildcard":"*x*y*x*y*x*y*"}"#,
        r#"{"equals-ignore-case":"X😀"}"#,
        r#"{"compare":{"equals":"a"}}"#,
        r#"{"compare":{"differs":"detail.k"}}"#,
        r#"{"json":{"a":["x"]}}"#,
    ]);
    prop_oneof![3 => plain(), 1 => others.prop_map(str::to_owned)].boxed()
}

fn key() -> impl Strategy<Value = &'static str> {
    select(vec!["a", "b", "detail", "detail.a", "k", "prefix", "detail-type"])
}

fn object(depth: u32, plain_only: bool) -> BoxedStrategy<String> {
    let values =
        vec(condition(plain_only), 1..4).prop_map(|values| format!("[{}]", values.join(","))).boxed();
    let value = if depth == 0 {
        values
    } else {
        prop_oneof![3 => values, 2 => object(depth - 1, plain_only)].boxed()
    };
    let fields = vec((key(), value), 1..4);
    let or = if depth == 0 {
        Just(None).boxed()
    } else {
        proptest::option::weighted(0.3, vec(object(0, plain_only), 2..4)).boxed()
    };
    (fields, or)
        .prop_map(|(fields, or)| {
            let mut parts: Vec<String> =
                fields.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
            if let Some(alternatives) = or {
                parts.push(format!("\"$or\":[{}]", alternatives.join(",")));
            }
            format!("{{{}}}", parts.join(","))
        })
        .boxed()
}

/// The patterns of some rules; in half of the cases nothing but what EventBridge knows.
fn rules() -> impl Strategy<Value = Vec<Vec<String>>> {
    any::<bool>().prop_flat_map(|plain_only| {
        let pattern = object(2, plain_only).prop_filter("valid", |pattern| is_readable(pattern));
        vec(vec(pattern, 1..4), 1..4)
    })
}

fn is_readable(pattern: &str) -> bool {
    let text = format!(
        "description = 'x'\nfailed_calls = true\nkey = {{ user = 'who' }}\n[[pattern]]\njson = '''{pattern}'''\n"
    );
    Rule::parse("x.toml", &text).is_ok()
}

fn event() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        6 => scalar(),
        1 => Just("\"{\\\"a\\\":\\\"x\\\"}\"".to_owned()),
    ];
    let json = value.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            2 => vec((key(), inner.clone()), 0..4).prop_map(|fields| {
                let parts: Vec<String> = fields.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", parts.join(","))
            }),
            1 => vec(inner, 0..3).prop_map(|elements| format!("[{}]", elements.join(","))),
        ]
    });
    vec((key(), json), 0..5).prop_map(|fields| {
        let parts: String = fields.into_iter().map(|(key, value)| format!(",\"{key}\":{value}")).collect();
        format!("{{\"source\":\"s\"{parts}}}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_rule_matches_arrives_and_nothing_else_unless_told(
        patterns in rules(),
        events in vec(event(), 40),
        chars in select(vec![160, 400, 2_048]),
    ) {
        let rules: Vec<Rule> = patterns.iter().enumerate().map(|(n, patterns)| rule(&format!("r{n}"), patterns)).collect();
        let export = Export::new(&rules, Options { chars, ..Options::default() });
        let exported = check_limits(&export, chars);
        for event in &events {
            let wanted = rules.iter().flat_map(|rule| &rule.patterns).any(|one| one.pattern.matches(event.as_bytes()).unwrap());
            let arrives = exported.iter().any(|pattern| pattern.matches(event.as_bytes()).unwrap());
            prop_assert!(arrives || !wanted, "lost: {event}\n{patterns:#?}\n{:#?}", pattern_of(&export));
            prop_assert!(wanted || !arrives || !export.wider.is_empty(), "more: {event}\n{patterns:#?}\n{:#?}", pattern_of(&export));
        }
        prop_assert_eq!(export.cloudformation().unwrap(), Export::new(rules.iter().rev(), Options { chars, ..Options::default() }).cloudformation().unwrap());
    }

    /// So few fields and values that patterns cover each other and differ in one field all the time.
    #[test]
    fn merging_is_exact(
        patterns in vec(
            vec((select(vec!["a", "b", "c"]), vec(select(vec!["\"x\"", "\"y\"", "1", "{\"exists\":false}"]), 1..3)), 1..4),
            1..8,
        ),
        chars in select(vec![160, 2_048]),
    ) {
        let text = |fields: &Vec<(&str, Vec<&str>)>| {
            let parts: Vec<String> = fields.iter().map(|(key, values)| format!("\"{key}\":[{}]", values.join(","))).collect();
            format!("{{{}}}", parts.join(","))
        };
        let rules: Vec<Rule> =
            patterns.iter().enumerate().map(|(n, pattern)| rule(&format!("r{n}"), &[text(pattern)])).collect();
        let export = Export::new(&rules, Options { chars, ..Options::default() });
        prop_assert!(export.wider.is_empty());
        let exported = check_limits(&export, chars);
        // Every event there is: each field absent, or with one of four values.
        for number in 0..125_usize {
            let value = |at: u32| ["", "\"x\"", "\"y\"", "1", "\"z\""][number / 5_usize.pow(at) % 5];
            let fields = ["a", "b", "c"].into_iter().zip([value(0), value(1), value(2)]);
            let fields: String = fields.filter(|(_, value)| !value.is_empty()).map(|(key, value)| format!(",\"{key}\":{value}")).collect();
            let event = format!("{{\"source\":\"s\"{fields}}}");
            let wanted = rules.iter().any(|rule| rule.patterns[0].pattern.matches(event.as_bytes()).unwrap());
            let arrives = exported.iter().any(|pattern| pattern.matches(event.as_bytes()).unwrap());
            prop_assert_eq!(arrives, wanted, "{}\n{:#?}\n{:#?}", event, patterns.iter().map(text).collect::<Vec<_>>(), pattern_of(&export));
        }
    }
}
