//! `stockade rules list`.

use std::io::Write as _;

use serde::Serialize;
use stockade_core::{BanTime, Target};
use stockade_rule::Rule;

use super::print_problems;
use crate::cli::Global;
use crate::config;
use crate::exit::{Exit, Outcome};
use crate::output;
use crate::output::style::{BAD, FAINT, NOTE, PLAIN};
use crate::output::table::{self, Cell};
use crate::output::text::{count, shown, span};

#[derive(Serialize)]
struct Listed<'r> {
    rules: Vec<Told<'r>>,
    /// Those that cannot be used.
    broken: &'r [String],
}

/// A rule, for programs.
#[derive(Serialize)]
struct Told<'r> {
    name: &'r str,
    enabled: bool,
    description: &'r str,
    severity: &'static str,
    target: &'static str,
    playbook: Option<&'r str>,
    key: Vec<String>,
    jail: &'r str,
    maxretry: u32,
    findtime_seconds: u64,
    /// `null`: for ever, or no ban.
    bantime_seconds: Option<u64>,
    patterns: usize,
    tests: usize,
    file: &'r str,
}

pub(super) fn run(global: &Global) -> Outcome {
    let rules = config::rules(global)?;
    let mut all: Vec<(&Rule, bool)> = rules.rules.iter().map(|rule| (&**rule, true)).collect();
    all.extend(rules.disabled.iter().map(|rule| (&**rule, false)));
    all.sort_by(|(left, _), (right, _)| left.name.cmp(&right.name));
    if global.json {
        let told = all.iter().map(|(rule, enabled)| Told::of(rule, *enabled)).collect();
        output::json::print(&Listed { rules: told, broken: &rules.broken })?;
        return Ok(if rules.broken.is_empty() { Exit::Done } else { Exit::Partial });
    }
    let mut out = output::out();
    let heads = [
        table::text("RULE"),
        table::text("SEVERITY"),
        table::text("TARGET"),
        table::text("PLAYBOOK"),
        table::text("KEY"),
        table::text("THRESHOLD"),
        table::number("PATTERNS"),
        table::text("FILE"),
    ];
    table::print(&mut out, heads, all.iter().map(|(rule, enabled)| row(rule, *enabled)), output::columns())?;
    let broken = count(rules.broken.len() as u64, "rule");
    let off = rules.disabled.len();
    let off = if off == 0 { String::new() } else { format!(", {off} of them off") };
    writeln!(out, "\n{}{off}", count(all.len() as u64, "rule"))?;
    if !rules.broken.is_empty() {
        writeln!(out, "{BAD}{broken} cannot be used: {}{BAD:#}", shown(&rules.broken.join(", ")))?;
    }
    out.flush()?;
    print_problems(rules.problems.iter(), global.verbose > 0);
    Ok(if rules.broken.is_empty() { Exit::Done } else { Exit::Partial })
}

fn row(rule: &Rule, enabled: bool) -> [Cell; 8] {
    let style = if enabled { PLAIN } else { FAINT };
    let severity = match rule.severity.name() {
        "critical" | "high" if enabled => BAD,
        "medium" if enabled => NOTE,
        _ => FAINT,
    };
    let target = if enabled { rule.target.name() } else { "off" };
    [
        Cell::new(shown(&rule.name), style),
        Cell::new(rule.severity.name(), severity),
        Cell::new(target, style),
        Cell::new(shown(rule.playbook.as_deref().unwrap_or_default()), style),
        Cell::new(keys(rule).join(", "), style),
        Cell::new(threshold(rule), style),
        Cell::new(rule.patterns.len().to_string(), style),
        Cell::new(shown(&rule.file), FAINT),
    ]
}

/// What sorts of keys it has.
fn keys(rule: &Rule) -> Vec<String> {
    let mut kinds = Vec::new();
    for pattern in &rule.patterns {
        let kind = pattern.key.kind.word().to_owned();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// When it is enough, and what then.
fn threshold(rule: &Rule) -> String {
    let jail = rule.to_jail();
    let ban = match (rule.target, jail.bantime) {
        (Target::Ban, BanTime::Forever) => ", for ever",
        (Target::Ban, BanTime::For(time)) => &format!(", for {}", span(time)),
        _ => "",
    };
    match jail.threshold.maxretry.get() {
        1 => format!("each match{ban}"),
        many => format!("{many} in {}{ban}", span(jail.threshold.findtime)),
    }
}

impl<'r> Told<'r> {
    fn of(rule: &'r Rule, enabled: bool) -> Self {
        let jail = rule.to_jail();
        Self {
            name: &rule.name,
            enabled,
            description: &rule.description,
            severity: rule.severity.name(),
            target: rule.target.name(),
            playbook: rule.playbook.as_deref(),
            key: keys(rule),
            jail: rule.jail_name(),
            maxretry: jail.threshold.maxretry.get(),
            findtime_seconds: jail.threshold.findtime.as_secs(),
            bantime_seconds: match jail.bantime {
                BanTime::For(time) if rule.target == Target::Ban => Some(time.as_secs()),
                _ => None,
            },
            patterns: rule.patterns.len(),
            tests: rule.tests.len(),
            file: &rule.file,
        }
    }
}
