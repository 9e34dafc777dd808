//! `stockade check`: all that is wrong with the configuration, at once.

use std::io::Write;

use serde::Serialize;
use stockade_config::{Config, JailConfig, Origin, Problem, Problems, Severity};
use stockade_filter::{Filter, FilterError};

use crate::cli::Global;
use crate::config;
use crate::exit::{self, Exit, Outcome};
use crate::output;
use crate::output::style::GOOD;
use crate::output::text::count;

#[derive(Serialize)]
struct Checked {
    ok: bool,
    jails: Vec<String>,
    disabled: Vec<String>,
    broken: Vec<String>,
    files: Vec<String>,
    problems: Vec<Told>,
    /// Problems that are not listed, for there were too many.
    not_listed: usize,
}

/// A problem, for programs.
#[derive(Serialize)]
struct Told {
    severity: &'static str,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    section: Option<String>,
    key: Option<String>,
    message: String,
    hint: Option<String>,
    /// All of it, as people read it.
    #[serde(skip)]
    sentence: String,
}

pub(crate) fn run(global: &Global) -> Outcome {
    let checked = match stockade_config::load(&config::paths(global), &config::environment) {
        Ok(config) => Checked::of(&config),
        Err(problems) => Checked::failed(&problems),
    };
    if global.json {
        output::json::print(&checked)?;
    } else {
        for problem in &checked.problems {
            let tell = if problem.severity == "error" { exit::complain } else { exit::note };
            tell(&problem.sentence, problem.hint.as_deref());
        }
        if checked.not_listed > 0 {
            exit::complain(&format!("and {} more", count(checked.not_listed as u64, "problem")), None);
        }
        let mut out = output::out();
        if checked.ok {
            let jails = count(checked.jails.len() as u64, "jail");
            writeln!(
                out,
                "{GOOD}the configuration is right{GOOD:#}: {jails} enabled: {}",
                checked.jails.join(", ")
            )?;
        }
        out.flush()?;
    }
    Ok(if checked.ok { Exit::Done } else { Exit::Usage })
}

impl Checked {
    fn of(config: &Config) -> Self {
        let name = |jail: &JailConfig| jail.jail.name.to_string();
        let mut problems: Vec<Told> = config.problems.iter().map(Told::of).collect();
        let mut broken = config.broken.clone();
        for jail in &config.jails {
            let errors =
                jail.filter.as_ref().and_then(|spec| Filter::compile(spec).err()).unwrap_or_default();
            if !errors.is_empty() {
                broken.push(name(jail));
            }
            problems.extend(errors.iter().map(|error| Told::of_filter(error, &jail.jail.name)));
        }
        Self {
            ok: !config.problems.has_errors() && broken.is_empty(),
            jails: config.jails.iter().map(name).filter(|name| !broken.contains(name)).collect(),
            disabled: config.disabled.clone(),
            broken,
            files: config.files.clone(),
            problems,
            not_listed: config.problems.dropped(),
        }
    }

    fn failed(problems: &Problems) -> Self {
        Self {
            ok: false,
            jails: Vec::new(),
            disabled: Vec::new(),
            broken: Vec::new(),
            files: Vec::new(),
            problems: problems.iter().map(Told::of).collect(),
            not_listed: problems.dropped(),
        }
    }
}

impl Told {
    fn of(problem: &Problem) -> Self {
        let (file, line, column) = match &problem.origin {
            Origin::File { file, line, column } => (Some(file.to_string()), *line, *column),
            Origin::Env(name) => (Some(format!("${name}")), 0, 0),
            Origin::Default => (None, 0, 0),
        };
        Self {
            severity: if problem.severity == Severity::Error { "error" } else { "warning" },
            file,
            line: (line > 0).then_some(line),
            column: (column > 0).then_some(column),
            section: problem.section.clone(),
            key: problem.key.clone(),
            message: problem.kind.to_string(),
            hint: problem.hint(),
            sentence: problem.to_string(),
        }
    }

    fn of_filter(error: &FilterError, jail: &str) -> Self {
        let (file, line) = match error.origin.rsplit_once(':') {
            Some((file, line)) => (Some(file.to_owned()), line.parse().ok()),
            None => (Some(error.origin.clone()).filter(|origin| !origin.is_empty()), None),
        };
        Self {
            severity: "error",
            file,
            line,
            column: None,
            section: Some(jail.to_owned()),
            key: Some(error.option.to_owned()),
            message: format!("{}: `{}`", error.problem, error.text),
            hint: None,
            sentence: format!("{error} (jail `{jail}`)"),
        }
    }
}
