//! Events and patterns made to be expensive, or to be misread: bounded time, and the right answer where there is one.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::{Duration, Instant};

use stockade_pattern::limits::{MAX_EVENT_BYTES, MAX_EVENT_DEPTH, MAX_OR_COMBINATIONS, MAX_PATTERN_DEPTH};
use stockade_pattern::{Dialect, EventErrorKind, Pattern, PatternErrorKind, RuleSet, Scratch};

/// Far more than any of these needs in a build without optimisation on a busy machine, far less than an explosion takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the plain matcher and a set say of an event; they must agree. The third is whether it was left undecided.
fn both(pattern: &str, event: &[u8]) -> Result<(bool, bool), EventErrorKind> {
    let start = Instant::now();
    let pattern = Pattern::parse_as(pattern, Dialect::Stockade).unwrap();
    let set = RuleSet::new([&pattern]);
    let mut scratch = Scratch::new();
    let matches = set.matches(event, &mut scratch).map_err(|error| error.kind());
    let plain = pattern.matches(event).map_err(|error| error.kind());
    assert!(start.elapsed() < PATIENCE, "took {:?}", start.elapsed());
    let of_set = matches.map(|matches| (!matches.is_empty(), !matches.undecided().is_empty()));
    assert_eq!(plain, of_set.map(|(matched, _)| matched));
    of_set
}

const YES: Result<(bool, bool), EventErrorKind> = Ok((true, false));
const NO: Result<(bool, bool), EventErrorKind> = Ok((false, false));

#[test]
fn nesting_is_bounded_and_ten_thousand_levels_are_fine() {
    for wanted in ["a", "b"] {
        let deep = |levels: usize| {
            format!("{{\"{wanted}\":{}\"x\"{},\"c\":1}}", "[".repeat(levels), "]".repeat(levels))
        };
        let matched = if wanted == "a" { YES } else { NO };
        assert_eq!(both(r#"{"a": ["x"]}"#, deep(10_000).as_bytes()), matched);
        assert_eq!(both(r#"{"a": ["x"]}"#, deep(MAX_EVENT_DEPTH - 1).as_bytes()), matched);
        assert_eq!(both(r#"{"a": ["x"]}"#, deep(MAX_EVENT_DEPTH).as_bytes()), Err(EventErrorKind::Depth));
    }
    let objects = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    assert_eq!(both(r#"{"a": {"a": [{"exists": false}]}}"#, objects(10_000).as_bytes()), YES);
    assert_eq!(both(r#"{"b": [1]}"#, objects(10_000).as_bytes()), NO);
    let mixed = format!("{{\"x\":{}1{}}}", "[{\"y\":".repeat(5_000), "}]".repeat(5_000));
    assert_eq!(both(r#"{"a": [1]}"#, mixed.as_bytes()), NO);
    let cut = format!("{{\"x\":{}1{}]}}", "[{\"y\":".repeat(5_000), "}]".repeat(4_999));
    assert_eq!(both(r#"{"a": [1]}"#, cut.as_bytes()), Err(EventErrorKind::Unexpected));
}

#[test]
fn patterns_are_bounded() {
    let kind = |text: &str| Pattern::parse(text).map_or_else(|error| Some(error.kind()), |_| None);
    let deep = |levels: usize| format!("{}[1]{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    assert_eq!(kind(&deep(MAX_PATTERN_DEPTH - 1)), None);
    assert_eq!(kind(&deep(100_000)), Some(PatternErrorKind::Limit));
    assert_eq!(kind(&"[".repeat(100_000)), Some(PatternErrorKind::Invalid));
    let or = |factors: usize| {
        let ors: Vec<String> =
            (0..factors).map(|at| format!("\"$or\":[{{\"a{at}\":[1]}},{{\"b{at}\":[1]}}]")).collect();
        format!("{{{}}}", ors.join(","))
    };
    assert_eq!(Pattern::parse(&or(9)).unwrap().combinations(), 512);
    const { assert!(MAX_OR_COMBINATIONS < 1 << 10) };
    assert_eq!(kind(&or(10)), Some(PatternErrorKind::Limit));
    assert_eq!(kind(&or(10_000)), Some(PatternErrorKind::Limit));
    let json = |levels: usize| {
        format!("{}{{\"a\":[1]}}{}", "{\"a\":[{\"json\":".repeat(levels), "}]}".repeat(levels))
    };
    assert!(Pattern::parse_as(&json(4), Dialect::Stockade).is_ok());
    assert_eq!(Pattern::parse_as(&json(5), Dialect::Stockade).unwrap_err().kind(), PatternErrorKind::Limit);
    assert_eq!(kind(&format!("{{\"a\":[\"{}\"]}}", "x".repeat(2 << 20))), Some(PatternErrorKind::Limit));
}

#[test]
fn long_keys_and_values() {
    let long = "k".repeat(256 << 10);
    let event = format!("{{\"{long}\": \"{long}\", \"a\": \"x\"}}");
    assert_eq!(both(r#"{"a": ["x"]}"#, event.as_bytes()), YES);
    assert_eq!(both(&format!("{{\"{long}\": [\"{long}\"]}}"), event.as_bytes()), YES);
    assert_eq!(both(&format!("{{\"{long}\": [{{\"wildcard\": \"*k*k*k*k*x\"}}]}}"), event.as_bytes()), NO);
    let dots = format!("{{\"{}\": 1}}", ".".repeat(256 << 10));
    assert_eq!(both(r#"{"": {"": [1]}}"#, dots.as_bytes()), NO);
    let escapes = format!("{{\"{}\": 1}}", "\\u0061".repeat(40_000));
    assert_eq!(both(&format!("{{\"{}\": [1]}}", "a".repeat(40_000)), escapes.as_bytes()), YES);
    let too_long = format!("{{\"a\": \"{}\"}}", "x".repeat(MAX_EVENT_BYTES));
    assert_eq!(both(r#"{"a": ["x"]}"#, too_long.as_bytes()), Err(EventErrorKind::Size));
}

#[test]
fn keys_that_occur_twice() {
    let event = br#"{"a": "x", "a": "y", "b": {"c": 1}, "b": {"d": 2}, "b.e": 3}"#;
    assert_eq!(both(r#"{"a": ["x"], "b": {"c": [1], "d": [2], "e": [3]}}"#, event), YES);
    assert_eq!(both(r#"{"a": [{"anything-but": ["x", "y"]}]}"#, event), NO);
    assert_eq!(both(r#"{"a": [{"anything-but": ["y"]}]}"#, event), YES);
    let many = format!("{{{}\"b\": 1}}", "\"a\": \"x\",".repeat(20_000));
    assert_eq!(both(r#"{"a": ["y", {"exists": false}]}"#, many.as_bytes()), NO);
}

#[test]
fn surrogates_alone() {
    assert_eq!(both(r#"{"a": ["\ud83d"]}"#, br#"{"a": "\ud83d"}"#), YES);
    assert_eq!(both(r#"{"a": ["\ud83d"]}"#, br#"{"a": "\ud83e"}"#), NO);
    assert_eq!(both(r#"{"a": [{"prefix": "\ud83d"}]}"#, "{\"a\": \"😀\"}".as_bytes()), NO);
    assert_eq!(both(r#"{"a": ["?"]}"#, br#"{"a": "\ud83d"}"#), NO);
    assert_eq!(both(r#"{"\udfff": [1]}"#, br#"{"\udfff": 1}"#), YES);
    assert_eq!(both(r#"{"a": [{"equals-ignore-case": "x\ud83d"}]}"#, br#"{"a": "X\ud83d"}"#), YES);
    // The bytes of a surrogate are not UTF-8.
    assert_eq!(
        both(r#"{"a": ["x"]}"#, b"{\"b\": \"\xED\xA0\xBD\", \"a\": \"x\"}"),
        Err(EventErrorKind::Utf8)
    );
}

#[test]
fn numbers_of_a_thousand_digits() {
    let digits = "7".repeat(1_000);
    let event = format!("{{\"a\": {digits}, \"b\": 0.{digits}, \"c\": 1e{digits}, \"d\": -1E-{digits}}}");
    assert_eq!(both(r#"{"a": [{"numeric": [">", 1e300]}]}"#, event.as_bytes()), YES);
    assert_eq!(both(r#"{"b": [{"numeric": [">", 0.7, "<", 0.8]}]}"#, event.as_bytes()), YES);
    assert_eq!(both(r#"{"c": [{"numeric": [">", 1e308]}]}"#, event.as_bytes()), YES);
    assert_eq!(both(r#"{"d": [{"numeric": ["<", 0]}]}"#, event.as_bytes()), YES);
    assert_eq!(both(&format!("{{\"a\": [{digits}.0]}}"), event.as_bytes()), YES);
    assert_eq!(both(&format!("{{\"a\": [{digits}1]}}"), event.as_bytes()), NO);
    let reason = Pattern::parse(&format!("{{\"a\": [{{\"numeric\": [\"=\", {digits}]}}]}}")).unwrap_err();
    assert_eq!(reason.reason(), format!("Cannot compare number : {digits}"));
}

#[test]
fn large_arrays_are_decided() {
    let event = |last: &str| {
        let items: Vec<String> =
            (0..5_000).map(|at| format!("{{\"x\":\"{}\",\"y\":\"{}\"}}", at % 2, (at + 1) % 2)).collect();
        format!("{{\"items\":[{},{last}]}}", items.join(","))
    };
    let rule = r#"{"items": {"x": ["1"], "y": ["1"]}}"#;
    assert_eq!(both(rule, event("{}").as_bytes()), NO);
    assert_eq!(both(rule, event(r#"{"x":"1","y":"1"}"#).as_bytes()), YES);
    let absent = r#"{"items": {"x": ["1"], "y": [{"exists": false}]}}"#;
    assert_eq!(both(absent, event("{}").as_bytes()), NO, "every element that has x has y");
    assert_eq!(both(absent, event(r#"{"x":"1"}"#).as_bytes()), YES);
}

#[test]
fn arrays_that_explode_are_given_up_and_told() {
    // Every element offers every field, and what must be absent is never decided but by trying all: the fields of one
    // array each in an array of their own, so that nothing rules anything out.
    let fields: Vec<String> =
        (0..8).map(|at| format!("\"f{at}\":[{}{{}}]", "{\"v\":\"x\"},".repeat(60))).collect();
    let event = format!("{{{},\"z\":[{{\"q\":[{{\"w\":1}}]}}]}}", fields.join(","));
    let wanted: Vec<String> = (0..8).map(|at| format!("\"f{at}\":{{\"v\":[\"x\"]}}")).collect();
    let rule = format!("{{{},\"z\":{{\"q\":{{\"w\":[{{\"exists\":false}}]}}}}}}", wanted.join(","));
    assert_eq!(both(&rule, event.as_bytes()), Ok((true, true)), "given up: counted as matched, and told");
    // Without what must be absent, each array is a question of its own.
    let rule = format!("{{{}}}", wanted.join(","));
    assert_eq!(both(&rule, event.as_bytes()), YES);
    let mut wrong = wanted.clone();
    wrong.push("\"z\":{\"q\":{\"w\":[2]}}".into());
    assert_eq!(both(&format!("{{{}}}", wrong.join(",")), event.as_bytes()), NO);
}

#[test]
fn json_is_checked_where_nobody_looks() {
    let rule = r#"{"a": ["x"]}"#;
    for (event, kind) in [
        (r#"{"a":"x","b":{"c":[1,2}}"#, EventErrorKind::Unexpected),
        (r#"{"a":"x","b":{"c":[1 2]}}"#, EventErrorKind::Unexpected),
        (r#"{"a":"x","b":[1,]}"#, EventErrorKind::Unexpected),
        (r#"{"a":"x","b":{"c":1,}}"#, EventErrorKind::Unexpected),
        (r#"{"a":"x","b":{"c"}}"#, EventErrorKind::Unexpected),
        (r#"{"a":"x","b":{c:1}}"#, EventErrorKind::Unexpected),
        (r#"{"a":"x","b":[01]}"#, EventErrorKind::Number),
        (r#"{"a":"x","b":[1.]}"#, EventErrorKind::Number),
        (r#"{"a":"x","b":[-]}"#, EventErrorKind::Number),
        (r#"{"a":"x","b":[1e]}"#, EventErrorKind::Number),
        (r#"{"a":"x","b":[+1]}"#, EventErrorKind::Unexpected),
        (r#"{"a":"x","b":[truth]}"#, EventErrorKind::Unexpected),
        (r#"{"a":"x","b":[NaN]}"#, EventErrorKind::Unexpected),
        (r#"{"a":"x","b":"\x"}"#, EventErrorKind::Escape),
        (r#"{"a":"x","b":"\u12g4"}"#, EventErrorKind::Escape),
        ("{\"a\":\"x\",\"b\":\"\t\"}", EventErrorKind::Control),
        ("{\"a\":\"x\",\"b\":\"\0\"}", EventErrorKind::Control),
        (r#"{"a":"x" /*c*/}"#, EventErrorKind::Unexpected),
        (r#"{"a":"x"} junk"#, EventErrorKind::Trailing),
        (r#"{"a":"x"}{}"#, EventErrorKind::Trailing),
        (r#"{"a":"x""#, EventErrorKind::End),
        (r#"{"a":"x","b":"open"#, EventErrorKind::End),
        (r#"{"a":"x","b":[1"#, EventErrorKind::End),
        ("", EventErrorKind::NotAnObject),
        ("[]", EventErrorKind::NotAnObject),
        ("\u{feff}{}", EventErrorKind::NotAnObject),
        (",", EventErrorKind::NotAnObject),
        ("{,}", EventErrorKind::Unexpected),
        ("{]", EventErrorKind::Unexpected),
    ] {
        assert_eq!(both(rule, event.as_bytes()), Err(kind), "{event}");
    }
    assert_eq!(both(rule, b" \r\n\t{ \"b\" : [ ] , \"c\" : { } ,\n\t\"a\" : \"x\" } \n"), YES);
}
