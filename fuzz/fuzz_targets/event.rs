//! Events: any bytes. What is taken is JSON, what is JSON is taken, whether or not anybody asks for its fields.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_pattern::{EventErrorKind, Pattern, RuleSet, Scratch};

fuzz_target!(|event: &[u8]| {
    let patterns = [
        r#"{"a": [{"exists": true}], "b": {"a": [{"anything-but": "x"}], "b": [{"exists": false}]}}"#,
        r#"{"a": {"a": [{"numeric": [">", 0]}, {"wildcard": "*a*b*"}, {"cidr": "10.0.0.0/8"}, {"equals-ignore-case": "é"}]}}"#,
    ];
    let patterns = patterns.map(|text| Pattern::parse(text).expect("a valid pattern"));
    let (none, some) = (RuleSet::new(&[]), RuleSet::new(&patterns));
    let mut scratch = Scratch::new();
    let skipped = none.matches(event, &mut scratch).map(|_| ());
    let read = some.matches(event, &mut scratch).map(|_| ());
    assert_eq!(skipped.map_err(|error| error.kind()), read.map_err(|error| error.kind()));
    if let Err(error) = read {
        assert!(error.byte() <= event.len());
        let too_deep = error.kind() == EventErrorKind::Depth;
        assert!(too_deep || serde_json::from_slice::<serde::de::IgnoredAny>(event).is_err() || !starts_an_object(event) || odd(event));
    }
});

fn starts_an_object(event: &[u8]) -> bool {
    event.trim_ascii_start().first() == Some(&b'{')
}

/// What serde_json passes over unread: bytes in strings that are no UTF-8.
fn odd(event: &[u8]) -> bool {
    std::str::from_utf8(event).is_err()
}
