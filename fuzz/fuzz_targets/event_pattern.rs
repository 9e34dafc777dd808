//! The reader of event patterns and filter policies: any text. What it rejects has a reason and a place in the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_pattern::sns::{FilterPolicy, Scope};
use stockade_pattern::{Dialect, Pattern};

fuzz_target!(|text: &str| {
    let plain = Pattern::parse(text);
    let extended = Pattern::parse_as(text, Dialect::Stockade);
    assert!(plain.is_err() || extended.is_ok(), "the larger language has all of the smaller one");
    for error in plain.err().iter().chain(extended.err().iter()) {
        assert!(!error.reason().is_empty());
        assert!(error.position().byte <= text.len());
        assert!(text.is_char_boundary(error.position().byte));
        let _ = error.aws_message(text);
    }
    let _ = FilterPolicy::parse(text, Scope::MessageAttributes);
    let _ = FilterPolicy::parse(text, Scope::MessageBody);
});
