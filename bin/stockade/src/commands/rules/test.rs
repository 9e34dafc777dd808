//! `stockade rules test`: the tests that stand in the rules.

use std::io::{self, Write};
use std::sync::Arc;

use serde::Serialize;
use stockade_rule::{PatternExplanation, Rule, RuleTest, TestOutcome};

use super::{chosen, events};
use crate::cli::{Global, RulesTestArgs};
use crate::exit::{Exit, Outcome};
use crate::output;
use crate::output::explanation;
use crate::output::style::{BAD, FAINT, GOOD, NOTE};
use crate::output::text::{count, shown};

/// How many patterns of a rule are explained, those that came nearest.
const MAX_PATTERNS: usize = 2;

#[derive(Serialize)]
struct Answer<'r> {
    passed: usize,
    failed: usize,
    rules: Vec<Tested<'r>>,
}

#[derive(Serialize)]
struct Tested<'r> {
    rule: &'r str,
    passed: usize,
    failed: usize,
    failures: Vec<Failed>,
}

#[derive(Serialize)]
struct Failed {
    test: String,
    file: String,
    line: u32,
    column: u32,
    reason: String,
}

pub(super) fn run(global: &Global, args: &RulesTestArgs) -> Outcome {
    let rules = chosen::rules(global, &args.names)?;
    if let Some(file) = &args.events {
        return events::run(global, rules, file);
    }
    let ran: Vec<(&Arc<Rule>, Vec<TestOutcome>)> =
        rules.iter().map(|rule| (rule, rule.run_tests())).collect();
    let failed = |outcomes: &[TestOutcome]| outcomes.iter().filter(|test| test.failure.is_some()).count();
    let total: usize = ran.iter().map(|(_, outcomes)| outcomes.len()).sum();
    let bad: usize = ran.iter().map(|(_, outcomes)| failed(outcomes)).sum();
    if global.json {
        let told = ran.iter().map(|(rule, outcomes)| Tested::of(rule, outcomes)).collect();
        output::json::print(&Answer { passed: total - bad, failed: bad, rules: told })?;
    } else {
        let mut out = output::out();
        for (rule, outcomes) in &ran {
            tell(&mut out, rule, outcomes, global.verbose > 0)?;
        }
        let of = format!("{} of {}", count(total as u64, "test"), count(ran.len() as u64, "rule"));
        match bad {
            0 => writeln!(out, "{of}: {GOOD}all pass{GOOD:#}")?,
            bad => writeln!(out, "{of}: {BAD}{bad} failed{BAD:#}")?,
        }
        out.flush()?;
    }
    Ok(if bad == 0 { Exit::Done } else { Exit::Failed })
}

fn tell(out: &mut impl Write, rule: &Rule, outcomes: &[TestOutcome], each: bool) -> io::Result<()> {
    let name = shown(&rule.name);
    let failed = outcomes.iter().filter(|test| test.failure.is_some()).count();
    let all = count(outcomes.len() as u64, "test");
    match (outcomes.len(), failed) {
        (0, _) => writeln!(out, "{NOTE}none{NOTE:#}    {name}: {FAINT}no tests{FAINT:#}"),
        (_, 0) => writeln!(out, "{GOOD}ok{GOOD:#}      {name}: {all}"),
        (_, failed) => writeln!(out, "{BAD}FAILED{BAD:#}  {name}: {failed} of {all}"),
    }?;
    for (outcome, test) in outcomes.iter().zip(&rule.tests) {
        let place = format!("{}:{}", shown(&rule.file), outcome.place);
        match &outcome.failure {
            None if each => writeln!(out, "  {GOOD}ok{GOOD:#}      {}", shown(&outcome.name))?,
            None => {}
            Some(failure) => {
                let reason = failure.lines().next().unwrap_or_default();
                writeln!(out, "  {BAD}FAILED{BAD:#}  {} {FAINT}({place}){FAINT:#}", shown(&outcome.name))?;
                writeln!(out, "          {}", shown(reason))?;
                why(out, rule, test)?;
            }
        }
    }
    Ok(())
}

/// Which fields were not as a pattern wants them: of the patterns that came nearest.
fn why(out: &mut impl Write, rule: &Rule, test: &RuleTest) -> io::Result<()> {
    let Ok(explained) = rule.explain(test.event.as_event()) else { return Ok(()) };
    let mut patterns: Vec<(usize, &PatternExplanation)> = explained.patterns.iter().enumerate().collect();
    patterns.sort_by_key(|(_, pattern)| explanation::distance(&pattern.fields));
    let only_those_that_match = !test.matches;
    let of_interest =
        patterns.into_iter().filter(|(_, pattern)| !only_those_that_match || pattern.fields.matched);
    for (at, pattern) in of_interest.take(MAX_PATTERNS) {
        let name = pattern.name.as_ref().map(|name| format!(" ({})", shown(name))).unwrap_or_default();
        let verdict = if pattern.fields.matched { "matches" } else { "does not match" };
        writeln!(out, "          pattern {}{name} {verdict}", at + 1)?;
        explanation::reasons(out, &pattern.fields, "          ", false)?;
        let keys: Vec<String> = pattern.keys.iter().map(|key| shown(&key.to_string()).into_owned()).collect();
        if keys.is_empty() {
            writeln!(out, "            {BAD}no key{BAD:#}   {}", shown(&pattern.key))?;
            for (path, value) in &pattern.no_keys {
                writeln!(out, "                     {} is {}", shown(path), shown(value))?;
            }
        } else {
            writeln!(out, "            {GOOD}key{GOOD:#}      {}", keys.join(", "))?;
        }
    }
    Ok(())
}

impl<'r> Tested<'r> {
    fn of(rule: &'r Rule, outcomes: &[TestOutcome]) -> Self {
        let failures: Vec<Failed> = outcomes
            .iter()
            .filter_map(|outcome| {
                Some(Failed {
                    test: outcome.name.clone(),
                    file: rule.file.to_string(),
                    line: outcome.place.line,
                    column: outcome.place.column,
                    reason: outcome.failure.clone()?,
                })
            })
            .collect();
        Self { rule: &rule.name, passed: outcomes.len() - failures.len(), failed: failures.len(), failures }
    }
}
