//! What Python's `re` says of a regex, ours says too: whether it is one, whether it matches, and where its groups do.

use std::cell::{Cell, RefCell};

use proptest::prelude::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::generate::{Case, cases, scraps};
use super::oracle::{Answer, Python, Spans};
use crate::regex::parser::parse;
use crate::regex::{Budget, Program, Room, UNSET};

/// Where the groups of a case match: `Err` where our engine is out of steps.
fn ours(case: &Case, groups: usize) -> Result<Option<Spans>, &'static str> {
    let parsed = parse(&case.pattern, case.multiline).map_err(|_| "refused")?;
    let program = Program::new(&parsed.hir).ok_or("too large")?;
    let mut room = Room::default();
    let mut steps = Budget::of_line(case.text.len()).steps;
    let found =
        program.search_within(&mut room, case.text.as_bytes(), &mut steps).map_err(|_| "out of steps")?;
    let slot = |n: usize| room.slots.get(n).copied().filter(|&place| place != UNSET);
    Ok(found.then(|| (1..=groups).map(|n| slot(n * 2).zip(slot(n * 2 + 1))).collect()))
}

/// How many cases were compared, how many of them match, and how many are no regex.
#[derive(Debug, Default)]
struct Counts {
    compared: Cell<usize>,
    matched: Cell<usize>,
    refused: Cell<usize>,
}

fn more(counter: &Cell<usize>) {
    counter.set(counter.get() + 1);
}

impl Counts {
    fn compare(&self, python: &mut Python, case: &Case) -> Result<(), TestCaseError> {
        // Python before 3.14 holds that there is no `\B` in an empty text.
        if case.text.is_empty() && case.pattern.contains(r"\B") {
            return Ok(());
        }
        let theirs = match python.answer(case) {
            Answer::NotARegex(error) => {
                more(&self.refused);
                return match parse(&case.pattern, case.multiline) {
                    Err(_) => Ok(()),
                    Ok(_) => Err(TestCaseError::fail(format!("Python refuses it: {error}"))),
                };
            }
            Answer::TooSlow => return Ok(()),
            Answer::NoMatch => None,
            Answer::Match(spans) => Some(spans),
        };
        let groups = theirs.as_ref().map_or(0, Vec::len);
        match ours(case, groups) {
            Err("out of steps") => return Ok(()),
            Err(problem) => return Err(TestCaseError::fail(format!("{problem}, though Python takes it"))),
            Ok(ours) if ours != theirs => {
                return Err(TestCaseError::fail(format!("ours {ours:?}, Python's {theirs:?}")));
            }
            Ok(_) => more(&self.compared),
        }
        if theirs.is_some() {
            more(&self.matched);
        }
        Ok(())
    }
}

fn compare(cases: u32, of: impl Strategy<Value = Case>) -> Option<Counts> {
    let python = RefCell::new(Python::start()?);
    let counts = Counts::default();
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
        .run(&of, |case| counts.compare(&mut python.borrow_mut(), &case))
        .unwrap_or_else(|error| panic!("{error}"));
    Some(counts)
}

#[test]
fn our_engine_gives_the_groups_of_python() {
    let Some(counts) = compare(4_000, cases(false)) else { return };
    assert!(counts.compared.get() > 3_500 && counts.matched.get() > 1_000, "{counts:?}");
}

#[test]
fn what_is_no_regex_to_python_is_none_to_us() {
    let Some(counts) = compare(4_000, scraps()) else { return };
    assert!(counts.compared.get() > 300 && counts.refused.get() > 1_000, "{counts:?}");
}
