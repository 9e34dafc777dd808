//! The rules that were named: by name, or as files; every enabled one otherwise.

use std::path::Path;
use std::sync::Arc;

use stockade_config::Rules;
use stockade_core::nearest::nearest;
use stockade_rule::Rule;
use stockade_rule::limits::MAX_RULE_BYTES;

use super::{print_problems, refused};
use crate::cli::Global;
use crate::config;
use crate::exit::{self, Failure};

/// Every enabled rule, if none is named; those named otherwise, enabled or not.
pub(super) fn rules(global: &Global, names: &[String]) -> Result<Vec<Arc<Rule>>, Failure> {
    let (files, names): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| is_file(name));
    let mut chosen = Vec::new();
    if files.is_empty() || !names.is_empty() {
        let rules = config::rules(global)?;
        if names.is_empty() {
            if rules.problems.has_errors() {
                print_problems(rules.problems.iter(), false);
                return Err(refused());
            }
            return Ok(rules.rules);
        }
        for name in names {
            chosen.push(named(name, &rules)?);
        }
    }
    for file in files {
        let text = read(Path::new(file))?;
        let rule = Rule::parse(file, &text).map_err(|problems| {
            for problem in &problems {
                exit::complain(&problem.to_string(), problem.hint().as_deref());
            }
            refused()
        })?;
        chosen.push(Arc::new(rule));
    }
    Ok(chosen)
}

/// The file of a rule that lies outside the configuration.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    let shown = file.display();
    let failed =
        |error: &dyn std::fmt::Display| Failure::usage(format_args!("cannot read `{shown}`: {error}"));
    let length = std::fs::metadata(file).map_err(|error| failed(&error))?.len();
    if length > MAX_RULE_BYTES as u64 {
        return Err(failed(&format_args!("longer than {MAX_RULE_BYTES} bytes")));
    }
    std::fs::read_to_string(file).map_err(|error| failed(&error))
}

fn is_file(name: &str) -> bool {
    name.contains('/') || Path::new(name).extension().is_some_and(|end| end == "toml")
}

fn named(name: &str, rules: &Rules) -> Result<Arc<Rule>, Failure> {
    if rules.broken.iter().any(|broken| broken == name) {
        print_problems(
            rules.problems.iter().filter(|problem| problem.section.as_deref() == Some(name)),
            false,
        );
        return Err(refused());
    }
    let mut all = rules.rules.iter().chain(&rules.disabled);
    all.find(|rule| &*rule.name == name).cloned().ok_or_else(|| unknown(name, rules))
}

/// There is no rule of that name.
pub(super) fn unknown(name: &str, rules: &Rules) -> Failure {
    let known = rules.rules.iter().chain(&rules.disabled).map(|rule| &*rule.name);
    let hint = match nearest(name, known) {
        Some(close) => format!("did you mean `{close}`?"),
        None => "`stockade rules list` shows them; a file has a `/` in it, or ends with `.toml`".to_owned(),
    };
    Failure::usage(format_args!("no such rule: `{name}`")).hint(Some(hint))
}
