//! The tests in a rule's file, run.

use std::sync::Arc;

use stockade_core::Timestamp;

use crate::book::{RuleBook, Scratch};
use crate::event::Event;
use crate::problem::Place;
use crate::rule::{Rule, RuleTest, TestEvent};

/// What became of one test of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestOutcome {
    /// The test's name, or its number: `test 3`.
    pub name: String,
    /// Where it begins in the file.
    pub place: Place,
    /// What is wrong, for people, in several lines; `None`: it passed.
    pub failure: Option<String>,
}

impl Rule {
    /// Runs the tests of its file.
    pub fn run_tests(&self) -> Vec<TestOutcome> {
        let book = RuleBook::new(vec![Arc::new(self.clone())]);
        let mut scratch = Scratch::new();
        let outcome = |(number, test): (usize, &RuleTest)| TestOutcome {
            name: test.name.as_deref().map_or_else(|| format!("test {}", number + 1), str::to_owned),
            place: test.place,
            failure: self.run_test(test, &book, &mut scratch),
        };
        self.tests.iter().enumerate().map(outcome).collect()
    }

    fn run_test(&self, test: &RuleTest, book: &RuleBook, scratch: &mut Scratch) -> Option<String> {
        let mut keys = Vec::new();
        let event = test.event.as_event();
        let read =
            book.read(event, Timestamp::default(), scratch, &mut |found| keys.push(found.key.to_string()));
        if let Err(error) = read {
            return Some(error.to_string());
        }
        let why = || self.explain(event).map_or_else(|error| error.to_string(), |why| why.to_string());
        match (test.matches, &test.keys) {
            (true, _) if keys.is_empty() => Some(format!("expected a match, found nothing\n{}", why())),
            (false, _) if !keys.is_empty() => {
                Some(format!("expected no match, found `{}`\n{}", keys.join("`, `"), why()))
            }
            (true, Some(wanted)) => {
                let mut wanted = wanted.clone();
                wanted.sort_unstable();
                keys.sort_unstable();
                let differ = wanted != keys;
                differ.then(|| {
                    format!("expected keys `{}`, found `{}`", wanted.join("`, `"), keys.join("`, `"))
                })
            }
            _ => None,
        }
    }
}

impl TestEvent {
    /// The event as a book reads it.
    pub fn as_event(&self) -> Event<'_> {
        match self {
            Self::Envelope(json) => Event::Envelope(json.as_bytes()),
            Self::Record(json) => Event::Record(json.as_bytes()),
        }
    }
}
