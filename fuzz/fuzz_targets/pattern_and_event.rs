//! Patterns and an event: the set says what each pattern says alone, and the explanation says the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_pattern::{Dialect, Pattern, RuleSet, Scratch};

fuzz_target!(|data: (Vec<&str>, &[u8])| {
    let (texts, event) = data;
    let patterns: Vec<Pattern> = texts.iter().filter_map(|text| Pattern::parse_as(text, Dialect::Stockade).ok()).collect();
    let set = RuleSet::new(&patterns);
    let mut scratch = Scratch::new();
    let Ok(found) = set.matches(event, &mut scratch) else {
        assert!(patterns.iter().all(|pattern| pattern.matches(event).is_err()));
        return;
    };
    let alone: Vec<usize> = patterns
        .iter()
        .enumerate()
        .filter(|(_, pattern)| pattern.matches(event).expect("a valid event"))
        .map(|(at, _)| at)
        .collect();
    if found.undecided().is_empty() {
        assert_eq!(found.ids(), alone);
    }
    for (at, pattern) in patterns.iter().enumerate() {
        let why = pattern.explain(event).expect("a valid event");
        assert_eq!(why.matched, alone.contains(&at), "{why}");
    }
});
