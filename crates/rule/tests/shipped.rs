//! The rules that come with Stockade: what each says of itself holds.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use stockade_core::Target;
use stockade_pattern::{Lint, Pattern};
use stockade_rule::export::{Export, Options};
use stockade_rule::{Event, Rule, RuleBook, RulePattern, TestEvent};
use support::shipped;

#[test]
fn the_tests_in_every_file_pass() {
    let mut failures = String::new();
    for rule in shipped() {
        for outcome in rule.run_tests() {
            if let Some(failure) = outcome.failure {
                failures += &format!("{}:{}: {}: {failure}\n", rule.file, outcome.place, outcome.name);
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn every_pattern_is_matched_by_a_test_and_every_rule_left_alone_by_one() {
    for rule in shipped() {
        let mut unmatched: BTreeSet<usize> = (0..rule.patterns.len()).collect();
        for (at, pattern) in rule.patterns.iter().enumerate() {
            let book = alone(&rule, pattern.clone());
            for test in &rule.tests {
                if !support::read(&book, test.event.as_event()).unwrap().is_empty() {
                    unmatched.remove(&at);
                }
            }
        }
        let names: Vec<_> = unmatched.iter().map(|at| rule.patterns[*at].name.as_deref()).collect();
        assert!(names.is_empty(), "{}: no test for {names:?}", rule.name);
        assert!(rule.tests.iter().any(|test| !test.matches), "{}: nothing that must not match", rule.name);
    }
}

/// A book of a rule with one of its patterns: of several that match, a book tells the first.
fn alone(rule: &Arc<Rule>, pattern: RulePattern) -> RuleBook {
    let mut alone = Rule::clone(rule);
    alone.patterns = vec![pattern];
    RuleBook::new(vec![Arc::new(alone)])
}

/// The same call, refused: no rule finds anything, but those that ask for failures.
#[test]
fn no_rule_takes_a_failed_call_for_success() {
    let rules: Vec<_> = shipped().into_iter().filter(|rule| !rule.failed_calls).collect();
    let mut refused = 0;
    for rule in &rules {
        let book = RuleBook::new(vec![Arc::clone(rule)]);
        for test in rule.tests.iter().filter(|test| test.matches) {
            let TestEvent::Record(record) = &test.event else { continue };
            let failed = record.replacen('{', r#"{"errorCode": "AccessDenied", "#, 1);
            let found = support::read(&book, Event::Record(failed.as_bytes())).unwrap();
            assert!(found.is_empty(), "{}: {failed}", rule.name);
            refused += 1;
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn every_playbook_has_its_trigger_and_only_those_that_can_act_do() {
    let rules = shipped();
    let mut playbooks: Vec<_> = rules.iter().filter_map(|rule| rule.playbook.as_deref()).collect();
    playbooks.sort_unstable();
    playbooks.dedup();
    let all: Vec<String> =
        (1..=30).map(|n| format!("P{n:02}")).chain((31..=33).map(|n| format!("X{n}"))).collect();
    assert_eq!(playbooks, all);
    let of = |target: Target| -> Vec<&str> {
        let mut names: Vec<_> =
            rules.iter().filter(|rule| rule.target == target).map(|rule| &*rule.name).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(
        of(Target::Repair),
        [
            "access-key-leaked",
            "cloudtrail-deleted",
            "cloudtrail-stopped",
            "cloudtrail-weakened",
            "ebs-snapshot-shared",
            "guardduty-weakened",
            "kms-key-disabled",
            "s3-account-public-access",
            "s3-bucket-public-access",
            "security-group-open",
            "stockade-tampered",
        ]
    );
    assert_eq!(of(Target::Ban), ["console-login-failures", "guardduty-bruteforce"]);
    assert!(rules.iter().all(|rule| rule.enabled));
}

/// What `stockade rules export` hands to EventBridge: valid, short enough, and never narrower than the rule.
#[test]
fn every_rule_can_be_fed_by_eventbridge() {
    let mut extended = 0;
    for rule in shipped() {
        let export = Export::new([&*rule], Options::default());
        let mut text = "description = 'x'\nfailed_calls = true\nkey = { resource = 'account' }\n".to_owned();
        for exported in &export.rules {
            let json = exported.pattern();
            let lints = Pattern::parse(&json).unwrap().lints().to_vec();
            assert!(lints.is_empty(), "{}: {lints:?}", rule.name);
            text += &format!("[[pattern]]\njson = '''{json}'''\n");
        }
        let wider = RuleBook::new(vec![support::rule("wider", &text)]);
        for pattern in &rule.patterns {
            extended += usize::from(pattern.pattern.lints().contains(&Lint::NotEventBridge));
            let own = alone(&rule, pattern.clone());
            for test in &rule.tests {
                let event = test.event.as_event();
                let found = support::read(&own, event).unwrap().len();
                assert!(
                    found == 0 || !support::read(&wider, event).unwrap().is_empty(),
                    "{}: {:?}",
                    rule.name,
                    test.name
                );
            }
        }
    }
    // Access keys and passwords of others (2), administrators (1), roles (2), policies inside strings (5).
    assert_eq!(extended, 10, "extensions are for what EventBridge cannot say");
}
