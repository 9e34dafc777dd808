//! Events: any bytes. What is taken is JSON, what is JSON is taken, whether or not anybody asks for its fields, whatever
//! follows it, and whoever reads it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use stockade_pattern::{EventError, EventErrorKind, Fields, Part, Pattern, RuleSet, Scratch};

/// What may follow an object in a file: nothing of it is to be looked at.
const TAILS: [&[u8]; 5] = [b"", b",{\"a\":1}]}", b"\"", b"\\\xff\0", &[b'"'; 130]];

static NONE: LazyLock<RuleSet> = LazyLock::new(|| RuleSet::new(&[]));
static FIELDS: LazyLock<Fields> = LazyLock::new(|| Fields::new(["a", "b.a"]));
static SOME: LazyLock<RuleSet> = LazyLock::new(|| {
    let patterns = [
        r#"{"a": [{"exists": true}], "b": {"a": [{"anything-but": "x"}], "b": [{"exists": false}]}}"#,
        r#"{"a": {"a": [{"numeric": [">", 0]}, {"wildcard": "*a*b*"}, {"cidr": "10.0.0.0/8"}, {"equals-ignore-case": "é"}]}}"#,
        r#"{"a": [{"exists": true}]}"#,
        r#"{"b": {"a": [{"exists": true}]}}"#,
    ];
    RuleSet::new(&patterns.map(|text| Pattern::parse(text).expect("a valid pattern")))
});

fuzz_target!(|event: &[u8]| {
    let (none, some, fields) = (&*NONE, &*SOME, &*FIELDS);
    let mut scratch = Scratch::new();
    let skipped = none.matches(event, &mut scratch).map(|_| ());
    let read = some.matches(event, &mut scratch).map(|found| found.ids().to_vec());
    let kind = |error: &EventError| error.kind();
    assert_eq!(skipped.as_ref().map_err(kind), read.as_ref().map(|_| &()).map_err(kind));
    if let Err(error) = &read {
        assert!(error.byte() <= event.len());
        let too_deep = error.kind() == EventErrorKind::Depth;
        assert!(too_deep || serde_json::from_slice::<serde::de::IgnoredAny>(event).is_err() || !starts_an_object(event) || odd(event));
    }

    let values = fields.read(&[Part { path: "", json: event }]);
    assert_eq!(values.as_ref().map(|_| ()).map_err(kind), read.as_ref().map(|_| ()).map_err(kind));
    if let (Ok(values), Ok(ids)) = (&values, &read) {
        assert_eq!(!values.of(0).is_empty(), ids.contains(&2));
        assert_eq!(!values.of(1).is_empty(), ids.contains(&3));
    }

    for tail in TAILS {
        let text = [event, tail].concat();
        let first = some.matches_first(Part { path: "", json: &text }, &mut scratch);
        let first = first.map(|(found, length)| (found.ids().to_vec(), length));
        match (&read, first) {
            (Ok(ids), Ok((found, length))) => {
                assert_eq!(*ids, found);
                assert!(event.get(length..).expect("inside the event").trim_ascii().is_empty());
            }
            (Ok(_), Err(error)) => panic!("what follows an event was looked at: {error}"),
            // There is more behind the object than space.
            (Err(_), Ok((found, length))) => {
                let alone = some.matches(&text[..length], &mut scratch).expect("an object by itself");
                assert_eq!(alone.ids(), found);
            }
            (Err(_), Err(error)) => assert!(error.byte() <= text.len()),
        }
    }
});

fn starts_an_object(event: &[u8]) -> bool {
    event.trim_ascii_start().first() == Some(&b'{')
}

/// What serde_json passes over unread: bytes in strings that are no UTF-8.
fn odd(event: &[u8]) -> bool {
    std::str::from_utf8(event).is_err()
}
