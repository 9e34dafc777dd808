//! `stockade rules check`: all that is wrong with rules, at once.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use stockade_config::{Origin, Problem, Severity};
use stockade_pattern::Lint;
use stockade_rule::export::{Export, Options};
use stockade_rule::{Rule, RuleProblem};

use super::chosen;
use crate::cli::{Global, RulesCheckArgs};
use crate::commands::pattern::lint_text;
use crate::config;
use crate::exit::{self, Exit, Failure, Outcome};
use crate::output;
use crate::output::excerpt::{self, Excerpt};
use crate::output::style::{BAD, GOOD};
use crate::output::text::count;

#[derive(Serialize)]
struct Checked {
    ok: bool,
    rules: usize,
    disabled: usize,
    broken: Vec<String>,
    problems: Vec<Told>,
}

/// One thing that is wrong, or that its author may not have meant.
#[derive(Serialize)]
struct Told {
    severity: &'static str,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    key: Option<String>,
    message: String,
    hint: Option<String>,
    #[serde(skip)]
    sentence: String,
    /// The line that is meant.
    #[serde(skip)]
    excerpt: Option<String>,
}

pub(super) fn run(global: &Global, args: &RulesCheckArgs) -> Outcome {
    let checked = if args.files.is_empty() { configured(global)? } else { Checked::of_files(&args.files) };
    if global.json {
        output::json::print(&checked)?;
    } else {
        for told in &checked.problems {
            let excerpt = told.excerpt.as_ref().map(|excerpt| format!("\n{excerpt}")).unwrap_or_default();
            let tell = if told.severity == "error" { exit::complain } else { exit::note };
            tell(&format!("{}{excerpt}", told.sentence), told.hint.as_deref());
        }
        let mut out = output::out();
        let rules = count(checked.rules as u64, "rule");
        let warnings = checked.problems.iter().filter(|told| told.severity != "error").count();
        let warnings =
            if warnings == 0 { String::new() } else { format!(", {}", count(warnings as u64, "warning")) };
        if checked.ok {
            let off =
                if checked.disabled == 0 { String::new() } else { format!(", {} off", checked.disabled) };
            writeln!(out, "{GOOD}right{GOOD:#}: {rules}{off}{warnings}")?;
        } else {
            let broken = checked.broken.join(", ");
            writeln!(out, "{rules} can be used{warnings}; {BAD}refused: {broken}{BAD:#}")?;
        }
        out.flush()?;
    }
    Ok(if checked.ok { Exit::Done } else { Exit::Usage })
}

/// The rules of the configuration.
fn configured(global: &Global) -> Result<Checked, Failure> {
    let rules = config::rules(global)?;
    let mut problems: Vec<Told> = rules.problems.iter().map(Told::of).collect();
    problems.extend(rules.rules.iter().chain(&rules.disabled).flat_map(warnings));
    Ok(Checked {
        ok: !rules.problems.has_errors(),
        rules: rules.rules.len(),
        disabled: rules.disabled.len(),
        broken: rules.broken,
        problems,
    })
}

impl Checked {
    fn of_files(files: &[std::path::PathBuf]) -> Self {
        let mut checked = Self { ok: true, rules: 0, disabled: 0, broken: Vec::new(), problems: Vec::new() };
        for file in files {
            let name = file.display().to_string();
            let text = match chosen::read(file) {
                Ok(text) => text,
                Err(failure) => {
                    checked.problems.push(Told::error(&name, failure.message()));
                    checked.broken.push(name);
                    continue;
                }
            };
            match Rule::parse(&name, &text) {
                Ok(rule) => {
                    checked.problems.extend(warnings(&Arc::new(rule)));
                    checked.rules += 1;
                }
                Err(problems) => {
                    checked.problems.extend(problems.iter().map(|problem| Told::of_rule(problem, &text)));
                    checked.broken.push(name);
                }
            }
        }
        checked.ok = checked.broken.is_empty();
        checked
    }
}

/// What is noteworthy about a rule that can be used.
fn warnings(rule: &Arc<Rule>) -> Vec<Told> {
    let mut told = Vec::new();
    if rule.tests.is_empty() {
        told.push(Told::warning(
            rule,
            None,
            "the rule has no tests: nothing shows that it matches what it should",
        ));
    }
    for pattern in &rule.patterns {
        let place = Some((pattern.place.line, pattern.place.column));
        // Longer ones are exported as several, and the extensions are ours.
        let noteworthy = |lint: &&Lint| !matches!(lint, Lint::NotEventBridge | Lint::TooLongForAws { .. });
        for lint in pattern.pattern.lints().iter().filter(noteworthy) {
            told.push(Told::warning(rule, place, &lint_text(lint)));
        }
    }
    if Export::new([&**rule], Options::default()).asks_for_everything() {
        let message =
            "of one of its patterns EventBridge can be asked nothing: it would deliver every event there is";
        told.push(Told::warning(rule, None, message));
    }
    told
}

impl Told {
    fn of(problem: &Problem) -> Self {
        let (file, line, column) = match &problem.origin {
            Origin::File { file, line, column } => (Some(file.to_string()), *line, *column),
            Origin::Env(name) => (Some(format!("${name}")), 0, 0),
            Origin::Default => (None, 0, 0),
        };
        let text = file.as_ref().filter(|_| line > 0).and_then(|file| chosen::read(Path::new(file)).ok());
        Self {
            severity: if problem.severity == Severity::Error { "error" } else { "warning" },
            excerpt: text.and_then(|text| drawn(file.as_deref().unwrap_or_default(), &text, line, column)),
            file,
            line: (line > 0).then_some(line),
            column: (column > 0).then_some(column),
            key: problem.key.clone(),
            message: problem.kind.to_string(),
            hint: problem.hint(),
            sentence: problem.to_string(),
        }
    }

    fn of_rule(problem: &RuleProblem, text: &str) -> Self {
        let (line, column) = (problem.place.line, problem.place.column);
        Self {
            severity: "error",
            file: Some(problem.file.to_string()),
            line: (line > 0).then_some(line),
            column: (column > 0).then_some(column),
            key: problem.key.clone(),
            message: problem.kind.to_string(),
            hint: problem.hint(),
            sentence: problem.to_string(),
            excerpt: drawn(&problem.file, text, line, column),
        }
    }

    fn error(file: &str, message: &str) -> Self {
        Self {
            severity: "error",
            file: Some(file.to_owned()),
            line: None,
            column: None,
            key: None,
            message: message.to_owned(),
            hint: None,
            sentence: message.to_owned(),
            excerpt: None,
        }
    }

    fn warning(rule: &Rule, place: Option<(u32, u32)>, message: &str) -> Self {
        let at = place.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
        Self {
            severity: "warning",
            line: place.map(|(line, _)| line),
            column: place.map(|(_, column)| column),
            sentence: format!("{}{at}: {message}", rule.file),
            ..Self::error(&rule.file, message)
        }
    }
}

/// The line with a caret; nothing where no place is known.
fn drawn(file: &str, text: &str, line: u32, column: u32) -> Option<String> {
    if line == 0 || column == 0 {
        return None;
    }
    let (line, column) = (line as usize, column as usize);
    Some(Excerpt { name: file, line, column }.draw(&excerpt::line(text.as_bytes(), line)))
}
