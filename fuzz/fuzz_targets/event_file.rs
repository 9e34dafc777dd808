//! Files of events: any bytes, packed or not. What is given out is an object, and a good line behind it all is found.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use stockade_pattern::{Part, Pattern, RuleSet, Scratch};
use stockade_source::events::{EventReader, Found};

const GOOD: &[u8] = br#"{"eventVersion":"1.08","eventID":"the last one"}"#;

thread_local! {
    /// As the daemon has it: one for all files, and nothing of one is seen in the next.
    static READER: RefCell<EventReader> = RefCell::new(EventReader::new());
    static RULES: RuleSet = RuleSet::new([
        &Pattern::parse(r#"{"detail": {"eventName": [{"exists": true}]}}"#).expect("a valid pattern"),
    ]);
}

fuzz_target!(|file: &[u8]| READER.with_borrow_mut(|reader| check(reader, file)));

fn check(reader: &mut EventReader, file: &[u8]) {
    let read = |reader: &mut EventReader, file: &[u8]| {
        let mut last = Vec::new();
        if reader.load("file", file.to_vec()).is_ok() {
            while let Some(found) = reader.next_event() {
                if let Found::Event(event) = found {
                    assert!(event.text.starts_with(b"{") && event.text.ends_with(b"}") && event.line() > 0);
                    last = event.text.to_vec();
                }
            }
        }
        last
    };
    read(reader, file);
    RULES.with(|rules| in_one_pass(reader, rules, file));
    let plain = file.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n'));
    let begins_plain = plain && !file.starts_with(b"BZh") && !file.starts_with(b"PK");
    let opens = file.iter().any(|byte| matches!(byte, b'{' | b'['));
    if begins_plain && !opens {
        assert_eq!(read(reader, &[file, b"\n", GOOD].concat()), GOOD);
    }
}

/// As the daemon reads: whoever matches an event says how long it is. Every step goes on, and not past the end.
fn in_one_pass(reader: &mut EventReader, set: &RuleSet, file: &[u8]) {
    let mut scratch = Scratch::new();
    if reader.load("file", file.to_vec()).is_err() {
        return;
    }
    let mut last = None;
    loop {
        let (byte, length) = match reader.peek() {
            None => return,
            Some(Found::Problem(_)) => continue,
            Some(Found::Event(event)) => {
                let part = Part { path: "detail", json: event.text };
                (event.byte, set.matches_first(part, &mut scratch).map(|(_, length)| (length, event.text.len())))
            }
        };
        assert!(last < Some(byte), "it goes on");
        last = Some(byte);
        match length {
            Ok((length, whole)) => {
                assert!(0 < length && length <= whole);
                reader.advance(length);
            }
            Err(error) => drop(reader.pass_over(&error)),
        }
    }
}
