//! What decides before a regex is run lets every text through that the regex matches.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use regex_automata::meta;
use regex_syntax::hir::Hir;

use super::generate::cases;
use crate::decide::{Decider, May};
use crate::dispatch::Dispatch;
use crate::fields::Field;
use crate::regex::{Budget, FieldRegex, Required, required_literals};
use crate::spec::UseDns;

fn automaton(hir: &Hir) -> meta::Regex {
    meta::Regex::builder().configure(meta::Config::new().utf8_empty(false)).build_from_hir(hir).unwrap()
}

fn contains_one(required: &Required, text: &str) -> bool {
    let text = if required.any_case { text.to_ascii_lowercase() } else { text.to_owned() };
    required.texts.iter().any(|one| memchr::memmem::find(text.as_bytes(), one).is_some())
}

fn may_match(prefix: Option<&Hir>, regex: &Hir, text: &str) -> bool {
    Decider::new(prefix, &[regex])
        .is_none_or(|decider| decider.ask(&mut decider.cache(), text.as_bytes()) != May::None)
}

fn content<'t>(prefix: &FieldRegex, text: &'t str) -> Option<&'t str> {
    let mut scratch = prefix.scratch();
    let mut groups = prefix.search(&mut scratch, &mut Budget::of_line(text.len()), text.as_bytes())?;
    groups.find(|(field, _)| **field == Field::Content).and_then(|(_, at)| text.get(at))
}

#[test]
fn no_line_is_kept_from_a_regex_that_matches_it() {
    let prefixes: Vec<FieldRegex> = [
        r"^[abc ]?<F-CONTENT>.+</F-CONTENT>$",
        r"^a*<F-CONTENT>.+?</F-CONTENT>b?$",
        r"(?:^|c)\b<F-CONTENT>.*</F-CONTENT>",
        r"^(?:a<F-CONTENT>.+</F-CONTENT>|b.*)",
        r"^(?!aa)(\w?)\1<F-CONTENT>.+</F-CONTENT>$",
    ]
    .iter()
    .map(|text| FieldRegex::new(text, UseDns::No, false).unwrap())
    .collect();
    let matched = Cell::new(0);
    let cases = (cases(false), 0..prefixes.len());
    TestRunner::new(Config { cases: 2_000, failure_persistence: None, ..Config::default() })
        .run(&cases, |(case, prefix)| {
            let Ok(regex) = FieldRegex::new(&case.pattern, UseDns::No, case.multiline) else { return Ok(()) };
            let matches = |text: &str| {
                let mut budget = Budget::of_line(text.len());
                regex.search(&mut regex.scratch(), &mut budget, text.as_bytes()).is_some()
            };
            if matches(&case.text) {
                matched.set(matched.get() + 1);
                prop_assert!(automaton(&regex.hir).is_match(&case.text));
                prop_assert!(may_match(None, &regex.hir, &case.text));
                for required in required_literals(&regex.hir) {
                    prop_assert!(contains_one(&required, &case.text), "{:?}", required);
                }
                if let Some(dispatch) = Dispatch::new(&[&regex.hir]) {
                    prop_assert_eq!(dispatch.candidates(case.text.as_bytes()).next(), Some(0));
                }
            }
            // Behind a prefix there is one line.
            let line = case.text.replace('\n', " ");
            if let Some(content) = content(&prefixes[prefix], &line)
                && matches(content)
            {
                prop_assert!(
                    may_match(Some(&prefixes[prefix].hir), &regex.hir, &line),
                    "content {:?}",
                    content
                );
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(matched.get() > 500, "only {} matched", matched.get());
}
