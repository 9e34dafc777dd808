//! `stockade check`: all that is wrong with the configuration, at once, and what that means for each jail.

mod verdict;

use std::io::{self, Write};

use serde::Serialize;
use stockade_config::{Config, JailConfig, Origin, Problem, Problems, ResponderConfig, Severity};
use stockade_core::ports::{RespondError, StoreError};
use stockade_filter::date::{DatePatternError, DateReader, Zone};
use stockade_filter::{Filter, FilterError};

use crate::cli::{CheckArgs, Global};
use crate::config;
use crate::exit::{self, Exit, Outcome};
use crate::output;
use crate::output::style::{BAD, GOOD};
use crate::output::text::count;
use verdict::Verdict;

#[derive(Serialize)]
struct Checked {
    ok: bool,
    jails: Vec<String>,
    disabled: Vec<String>,
    broken: Vec<String>,
    files: Vec<String>,
    /// What it means for each jail.
    verdicts: Vec<Verdict>,
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

pub(crate) fn run(global: &Global, args: &CheckArgs) -> Outcome {
    let config = if args.all { config::load_all(global) } else { config::load_whole(global) };
    let checked = match config {
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
        let every = args.all || global.verbose > 0;
        verdict::print(&mut out, checked.verdicts.iter().filter(|jail| every || jail.is_refused()))?;
        summary(&mut out, &checked)?;
        out.flush()?;
    }
    Ok(if checked.ok { Exit::Done } else { Exit::Usage })
}

fn summary(out: &mut impl Write, checked: &Checked) -> io::Result<()> {
    let jails = count(checked.jails.len() as u64, "jail");
    if checked.ok {
        let names = checked.jails.join(", ");
        return writeln!(out, "{GOOD}the configuration is right{GOOD:#}: {jails} enabled: {names}");
    }
    if checked.jails.is_empty() && checked.broken.is_empty() {
        return Ok(());
    }
    let broken = &checked.broken;
    let refused = if broken.is_empty() { "none" } else { &broken.join(", ") };
    writeln!(out, "{jails} can be used; {BAD}refused: {refused}{BAD:#}")
}

impl Checked {
    fn of(config: &Config) -> Self {
        let name = |jail: &JailConfig| jail.jail.name.to_string();
        let mut problems: Vec<Told> = config.problems.iter().map(Told::of).collect();
        let missing = missing(config);
        let whole = missing.is_empty();
        problems.extend(missing);
        problems.extend(silent(config));
        problems.extend(links(config));
        let mut broken = config.broken.clone();
        for jail in &config.jails {
            let errors = unusable(jail);
            if !errors.is_empty() {
                broken.push(name(jail));
            }
            problems.extend(errors);
        }
        let store = stockade_runtime::store::supported(&config.program.store).err();
        problems.extend(store.iter().map(Told::of_store));
        let events = events(config);
        let whole = whole && events.is_none();
        problems.extend(events);
        Self {
            ok: !config.problems.has_errors() && broken.is_empty() && whole && store.is_none(),
            jails: config.jails.iter().map(name).filter(|name| !broken.contains(name)).collect(),
            disabled: config.disabled.clone(),
            broken,
            files: config.files.clone(),
            verdicts: verdict::all(config, &problems),
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
            verdicts: Vec::new(),
            problems: problems.iter().map(Told::of).collect(),
            not_listed: problems.dropped(),
        }
    }
}

/// The responders that this build has not.
fn missing(config: &Config) -> Vec<Told> {
    let told = |responder: &ResponderConfig| {
        let error = stockade_runtime::responder::supported(responder).err()?;
        Some(of_responder(config, responder, error))
    };
    config.program.responders.iter().filter_map(told).collect()
}

/// The responders that could not tell anybody anything here and now. Only a warning: the daemon may be another user, with
/// another environment.
fn silent(config: &Config) -> Vec<Told> {
    let told = |responder: &ResponderConfig| {
        stockade_runtime::responder::supported(responder).ok()?;
        let error = stockade_runtime::notices::usable(responder, &config.program).err()?;
        let told = of_responder(config, responder, error);
        Some(Told { severity: "warning", sentence: format!("{} (as this user, now)", told.sentence), ..told })
    };
    config.program.responders.iter().filter_map(told).collect()
}

/// What keeps notices from holding links. Only a warning, as above.
fn links(config: &Config) -> Option<Told> {
    let error = stockade_runtime::repair::links_usable(&config.program).err()?;
    let row =
        config.origin_table().iter().find(|row| row.section == "repair" && row.key == "link_secret").cloned();
    let origin = row.map(|row| row.origin).unwrap_or_default();
    let told = Told::of_part(&error.to_string(), error.hint(), "repair", "link_secret", &origin);
    Some(Told { severity: "warning", sentence: format!("{} (as this user, now)", told.sentence), ..told })
}

fn of_responder(config: &Config, responder: &ResponderConfig, error: RespondError) -> Told {
    let section = format!("responders.{}", responder.name);
    let kind = config.origin_table().iter().find(|row| row.section == section && row.key == "kind");
    let origin = kind.map(|row| row.origin.clone()).unwrap_or_default();
    Told::of_part(&error.message, error.hint, &section, "kind", &origin)
}

/// What this build has not, of where events come from.
fn events(config: &Config) -> Option<Told> {
    let error = stockade_runtime::events::supported(&config.program).err()?;
    let queue = config.origin_table().iter().find(|row| row.section == "events" && row.key == "queue");
    let origin = queue.map(|row| row.origin.clone()).unwrap_or_default();
    Some(Told::of_part(&error.message, error.hint, "events", "queue", &origin))
}

/// What only shows when a jail's filters are compiled: regexes and date patterns.
fn unusable(jail: &JailConfig) -> Vec<Told> {
    let mut errors: Vec<Told> = Vec::new();
    for spec in jail.filter.iter().chain(&jail.journal_filter) {
        let regexes = Filter::compile(spec).err().unwrap_or_default();
        let told = regexes.iter().map(|error| Told::of_filter(error, &jail.jail.name));
        let dates = DateReader::new(spec.datepattern.as_deref(), Zone::UTC).err();
        let told = told.chain(dates.iter().map(|error| Told::of_dates(error, &jail.jail.name)));
        // The filter for the journal has the same regexes behind another prefix.
        for error in told.collect::<Vec<_>>() {
            if !errors.iter().any(|known| known.sentence == error.sentence) {
                errors.push(error);
            }
        }
    }
    errors
}

/// The file, or the variable of the environment, with line and column, 0 where there are none.
fn place(origin: &Origin) -> (Option<String>, u32, u32) {
    match origin {
        Origin::File { file, line, column } => (Some(file.to_string()), *line, *column),
        Origin::Env(name) => (Some(format!("${name}")), 0, 0),
        Origin::Default => (None, 0, 0),
    }
}

impl Told {
    fn of_store(error: &StoreError) -> Self {
        Self {
            severity: "error",
            file: None,
            line: None,
            column: None,
            section: None,
            key: Some("store".to_owned()),
            message: error.message.clone(),
            hint: error.hint.clone(),
            sentence: format!("store: {error}"),
        }
    }

    fn of_dates(error: &DatePatternError, jail: &str) -> Self {
        Self {
            severity: "error",
            file: None,
            line: None,
            column: None,
            section: Some(jail.to_owned()),
            key: Some("datepattern".to_owned()),
            message: error.to_string(),
            hint: error.hint().map(ToString::to_string),
            sentence: format!("{error} (jail `{jail}`)"),
        }
    }

    /// A part of the configuration that this build has not.
    fn of_part(message: &str, hint: Option<String>, section: &str, key: &str, origin: &Origin) -> Self {
        let (file, line, column) = place(origin);
        let at = match origin {
            Origin::Default => String::new(),
            origin => format!("{origin}: "),
        };
        Self {
            severity: "error",
            file,
            line: (line > 0).then_some(line),
            column: (column > 0).then_some(column),
            section: Some(section.to_owned()),
            key: Some(key.to_owned()),
            message: message.to_owned(),
            hint,
            sentence: format!("{at}{section}.{key}: {message}"),
        }
    }

    fn of(problem: &Problem) -> Self {
        let (file, line, column) = place(&problem.origin);
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

    /// What is wrong, with the option that is concerned and its place.
    fn reason(&self) -> String {
        let mut reason = String::new();
        if let Some(file) = &self.file {
            reason += file;
            reason += &self.line.map_or_else(|| ": ".to_owned(), |line| format!(":{line}: "));
        }
        if let Some(key) = &self.key {
            reason += &format!("{key}: ");
        }
        reason + &self.message
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
