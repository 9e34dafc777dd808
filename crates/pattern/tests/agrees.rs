//! The fast matcher, the plain one and the reference say the same of generated patterns and events.

#[path = "support/reference.rs"]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
mod reference;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use reference::{Json, Member, Object, Test};
use stockade_pattern::{Dialect, Pattern, RuleSet, Scratch};

fn key() -> impl Strategy<Value = String> {
    select(vec!["a", "b", "c", "a.b", "b.c", "é"]).prop_map(str::to_owned)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[xyé]{0,4}",
        2 => "[xXyYÉß/\"\\\\]{0,3}",
        1 => select(vec!["10.0.0.1", "10.0.0.2", "192.0.2.1", "2001:db8::1", "2001:DB8::1", "::1", "x😀", "SS", "true", "1"]).prop_map(str::to_owned),
    ]
}

fn scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        4 => text().prop_map(Json::String),
        2 => select(vec!["0", "-0.0", "1", "1.0", "10e-1", "2", "2.5", "25E-1", "-3", "100"]).prop_map(|lexeme| Json::Number(lexeme.into())),
        1 => select(vec!["true", "false", "null"]).prop_map(Json::Literal),
    ]
}

fn json() -> impl Strategy<Value = Json> {
    scalar().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            3 => vec((key(), inner.clone()), 0..4).prop_map(Json::Object),
            2 => vec(inner, 0..4).prop_map(Json::Array),
        ]
    })
}

fn wildcard() -> impl Strategy<Value = String> {
    vec(select(vec!["*", "x", "y", "xy", "\\*", "\\\\", "é"]), 0..5).prop_map(|mut pieces| {
        pieces.dedup_by(|left, right| *left == "*" && *right == "*");
        pieces.concat()
    })
}

fn test() -> impl Strategy<Value = Test> {
    let numeric =
        (-2i32..3, 1i32..3, any::<bool>(), any::<bool>()).prop_map(|(low, width, open_low, open_high)| {
            Test::Numeric(vec![
                (if open_low { ">" } else { ">=" }, low),
                (if open_high { "<" } else { "<=" }, low + width),
            ])
        });
    let nested = prop_oneof![
        (select(vec!["prefix", "suffix"]), vec("[xyé]{1,2}", 1..3)),
        (Just("equals-ignore-case"), vec(text(), 1..3)),
        (Just("wildcard"), vec(wildcard(), 1..3)),
    ];
    prop_oneof![
        6 => scalar().prop_map(Test::Value),
        2 => text().prop_map(Test::Prefix),
        2 => text().prop_map(Test::Suffix),
        1 => text().prop_map(Test::PrefixIgnoreCase),
        1 => text().prop_map(Test::SuffixIgnoreCase),
        2 => text().prop_map(Test::EqualsIgnoreCase),
        3 => wildcard().prop_map(Test::Wildcard),
        3 => any::<bool>().prop_map(Test::Exists),
        2 => numeric,
        1 => (select(vec!["<", "<=", ">", ">=", "="]), -3i32..4).prop_map(|term| Test::Numeric(vec![term])),
        2 => select(vec![("10.0.0.0", 8), ("10.0.0.0", 31), ("0.0.0.0", 0), ("2001:db8::", 32), ("::", 0)]).prop_map(|(base, bits)| Test::Cidr(base, bits)),
        2 => vec(text().prop_map(Json::String), 1..3).prop_map(Test::AnythingBut),
        1 => vec(select(vec!["1", "2.0", "100"]).prop_map(|lexeme| Json::Number(lexeme.into())), 1..3).prop_map(Test::AnythingBut),
        2 => nested.prop_map(|(form, texts)| Test::AnythingButTexts(form, texts)),
    ]
}

fn pattern() -> impl Strategy<Value = Object> {
    let values = vec(test(), 1..4).prop_map(Member::Values);
    let leaf = vec((key(), values), 1..4).prop_map(Object);
    leaf.prop_recursive(3, 16, 3, |inner| {
        let member = prop_oneof![
            2 => vec(test(), 1..4).prop_map(Member::Values),
            2 => inner.clone().prop_map(Member::Object),
            1 => vec(inner, 2..4).prop_map(Member::Or),
        ];
        vec((key(), member), 1..4).prop_map(Object)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn with_the_reference(
        patterns in vec(pattern(), 1..8),
        events in vec(vec((key(), json()), 0..5).prop_map(Json::Object), 1..6),
    ) {
        let compiled: Vec<Pattern> = patterns.iter().map(|pattern| {
            let text = pattern.text();
            Pattern::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
        }).collect();
        let set = RuleSet::new(&compiled);
        let mut scratch = Scratch::new();
        for event in &events {
            let text = event.text();
            let expected: Vec<usize> = (0..patterns.len()).filter(|at| patterns[*at].matches(event)).collect();
            for (at, pattern) in compiled.iter().enumerate() {
                prop_assert_eq!(pattern.matches(text.as_bytes()).unwrap(), expected.contains(&at), "plain: {} {}", patterns[at].text(), text);
            }
            let found = set.matches(text.as_bytes(), &mut scratch).unwrap();
            prop_assert!(found.undecided().is_empty());
            let texts: Vec<String> = patterns.iter().map(Object::text).collect();
            prop_assert_eq!(found.ids(), &expected[..], "set: {:?} {}", texts, text);
        }
    }
}

/// Events that are mostly arrays of objects, over few names and values, so that many rules hold and many nearly do.
fn arrays() -> impl Strategy<Value = Json> {
    let scalar = select(vec!["x", "y"]).prop_map(|text| Json::String(text.into()));
    let nested = scalar.prop_recursive(4, 40, 4, |inner| {
        let object =
            vec((select(vec!["a", "b"]).prop_map(str::to_owned), inner.clone()), 1..4).prop_map(Json::Object);
        prop_oneof![
            3 => object.clone(),
            5 => vec(object, 1..4).prop_map(Json::Array),
            1 => vec(inner, 1..3).prop_map(Json::Array),
        ]
    });
    vec((select(vec!["a", "b"]).prop_map(str::to_owned), nested), 1..4).prop_map(Json::Object)
}

/// Rules of a few fields over the same names.
fn fields() -> impl Strategy<Value = Object> {
    let path = vec(select(vec!["a", "b"]), 1..4).prop_map(|names| names.join(".")).boxed();
    let exact = |text: &str| Test::Value(Json::String(text.into()));
    let test = prop_oneof![
        4 => Just(exact("x")),
        4 => Just(exact("y")),
        3 => Just(Test::Exists(false)),
        1 => Just(Test::Exists(true)),
        2 => Just(Test::AnythingBut(vec![Json::String("x".into())])),
        1 => path.clone().prop_map(|path| Test::Compare("equals", path)),
        1 => path.clone().prop_map(|path| Test::Compare("differs", path)),
    ];
    vec((path, vec(test, 1..3).prop_map(Member::Values)), 2..5).prop_map(Object)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn on_arrays(patterns in vec(fields(), 1..12), events in vec(arrays(), 1..5)) {
        let compiled: Vec<Pattern> = patterns.iter().map(|pattern| Pattern::parse_as(&pattern.text(), Dialect::Stockade).unwrap()).collect();
        let set = RuleSet::new(&compiled);
        let mut scratch = Scratch::new();
        for event in &events {
            let text = event.text();
            let expected: Vec<usize> = (0..patterns.len()).filter(|at| patterns[*at].matches(event)).collect();
            let found = set.matches(text.as_bytes(), &mut scratch).unwrap();
            let texts: Vec<String> = patterns.iter().map(Object::text).collect();
            prop_assert_eq!(found.ids(), &expected[..], "set: {:?} {}", texts, text);
            for (at, pattern) in compiled.iter().enumerate() {
                prop_assert_eq!(pattern.matches(text.as_bytes()).unwrap(), expected.contains(&at), "plain: {} {}", texts[at], text);
            }
        }
    }
}
