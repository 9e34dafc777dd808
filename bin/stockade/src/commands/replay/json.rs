//! The answer of a replay as one JSON object. It is interface: fields are only added.

use serde::Serialize;
use serde_json::Value;
use stockade_core::{Timestamp, Verdict};
use stockade_runtime::replay::events::{Decided, EventRow, RuleTally};

use super::Answer;
use super::event::Shown;
use crate::exit::Failure;
use crate::output;
use crate::output::time::utc;

pub(super) fn print(answer: &Answer<'_>) -> Result<(), Failure> {
    let report = answer.report;
    let summary = &report.summary;
    let seconds = answer.elapsed.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a speed")]
    let events_per_second = (summary.events as f64 / seconds.max(1e-6)).round();
    output::json::print(&Replay {
        summary: Summary {
            files: answer.files,
            events: summary.events,
            bytes: summary.bytes,
            broken: summary.broken,
            duplicates: summary.duplicates,
            decisions: summary.decisions,
            unlisted_matches: summary.unlisted,
            late_matches: summary.late,
            first: summary.span.and_then(|span| utc(span.0)),
            last: summary.span.and_then(|span| utc(span.1)),
            seconds,
            events_per_second,
        },
        rules: report.rules.iter().map(RuleAnswer::of).collect(),
        keys: answer.rows().take(answer.top).map(|row| KeyAnswer::of(answer, row)).collect(),
        decisions: report
            .decisions
            .iter()
            .take(answer.top)
            .map(|one| DecisionAnswer::of(answer, one))
            .collect(),
        problems: answer.problems,
    })
}

#[derive(Serialize)]
struct Replay<'a> {
    summary: Summary,
    rules: Vec<RuleAnswer<'a>>,
    keys: Vec<KeyAnswer<'a>>,
    decisions: Vec<DecisionAnswer<'a>>,
    problems: &'a [String],
}

#[derive(Serialize)]
struct Summary {
    files: u64,
    events: u64,
    bytes: u64,
    broken: u64,
    duplicates: u64,
    decisions: u64,
    unlisted_matches: u64,
    late_matches: u64,
    first: Option<String>,
    last: Option<String>,
    seconds: f64,
    events_per_second: f64,
}

#[derive(Serialize)]
struct RuleAnswer<'a> {
    rule: &'a str,
    severity: &'static str,
    target: &'static str,
    playbook: Option<&'a str>,
    matches: u64,
    ignored: u64,
    decisions: u64,
}

#[derive(Serialize)]
struct KeyAnswer<'a> {
    rule: &'a str,
    key: String,
    matches: u64,
    first: Option<String>,
    last: Option<String>,
    decisions: u64,
    decision: Option<&'static str>,
    /// Why none of them would be repaired.
    #[serde(skip_serializing_if = "Option::is_none")]
    exempt: Option<&'a str>,
    /// The digest of the first event.
    event: Value,
}

#[derive(Serialize)]
struct DecisionAnswer<'a> {
    time: Option<String>,
    decision: &'static str,
    /// Of a ban; `null`: for ever, or no ban.
    until: Option<String>,
    rule: &'a str,
    severity: &'static str,
    playbook: Option<&'a str>,
    key: String,
    reason: String,
    /// Why it would be told and not repaired.
    #[serde(skip_serializing_if = "Option::is_none")]
    exempt: Option<&'a str>,
    /// The digest of the event that crossed the threshold.
    event: Value,
    from: &'a str,
}

impl<'a> RuleAnswer<'a> {
    fn of(tally: &'a RuleTally) -> Self {
        let RuleTally { rule, matches, ignored, decisions, .. } = tally;
        Self {
            rule: &rule.name,
            severity: rule.severity.name(),
            target: rule.target.name(),
            playbook: rule.playbook.as_deref(),
            matches: *matches,
            ignored: *ignored,
            decisions: *decisions,
        }
    }
}

impl<'a> KeyAnswer<'a> {
    fn of(answer: &'a Answer<'_>, row: &'a EventRow) -> Self {
        Self {
            rule: &answer.rule(row.rule).name,
            key: row.key.to_string(),
            matches: row.matches,
            first: utc(row.span.0),
            last: utc(row.span.1),
            decisions: row.decisions,
            decision: row.verdict.map(name),
            exempt: row.exempt.as_deref(),
            event: Shown::of(&row.event).into_value(),
        }
    }
}

impl<'a> DecisionAnswer<'a> {
    fn of(answer: &'a Answer<'_>, decided: &'a Decided) -> Self {
        let rule = answer.rule(decided.rule);
        let decision = &decided.decision;
        let until = match decision.verdict {
            Verdict::Ban { until, .. } => until,
            _ => Timestamp::MAX,
        };
        Self {
            time: utc(decision.at),
            decision: name(decision.verdict),
            until: utc(until),
            rule: &rule.name,
            severity: rule.severity.name(),
            playbook: rule.playbook.as_deref(),
            key: decision.key.to_string(),
            reason: decision.reason.to_string(),
            exempt: decided.exempt.as_deref(),
            event: Shown::of(&decided.event).into_value(),
            from: &decided.from,
        }
    }
}

fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ban { .. } => "ban",
        Verdict::Unban => "unban",
        Verdict::Repair => "repair",
        _ => "notify",
    }
}
