//! `stockade config dump`: the jails as the commands that fail2ban's client would send to its server.

use std::io::Write as _;
use std::path::Path;

use serde::Serialize;
use serde::ser::SerializeMap as _;
use stockade_filter::conf::dump::{self, Command, Datum, Placed};
use stockade_filter::conf::{Problem, ProblemKind, Reader, Severity, Which};

use crate::cli::{DumpArgs, Global};
use crate::config;
use crate::exit::{self, Exit, Failure, Outcome};
use crate::output;
use crate::output::style::FAINT;
use crate::output::text::shown;

/// How many files a pattern of `logpath` may stand for; those beyond are left out.
const MAX_LOG_FILES: usize = 10_000;

/// What a configuration comes to.
#[derive(Debug)]
pub(crate) struct Dumped {
    /// The commands, in their order.
    pub(crate) commands: Vec<Command>,
    /// What is wrong with the files. A jail that cannot be used is also a command, `config-error`.
    pub(crate) problems: Vec<Problem>,
}

pub(super) fn run(global: &Global, args: &DumpArgs) -> Outcome {
    let directory = config::directory(global);
    let dumped = read(&directory)?;
    if global.json {
        output::json::print(&dumped.commands.iter().map(Told::of).collect::<Vec<_>>())?;
    } else {
        print(&dumped.commands, args.origin)?;
    }
    let mut failed = false;
    for problem in &dumped.problems {
        let told: fn(&str, Option<&str>) = match problem.severity {
            Severity::Error => exit::complain,
            _ if global.verbose == 0 => continue,
            _ => exit::note,
        };
        failed |= problem.severity == Severity::Error;
        told(&problem.to_string(), problem.hint().as_deref());
    }
    Ok(if failed { Exit::Partial } else { Exit::Done })
}

/// Reads a configuration directory to commands: those for the program, if it has a `fail2ban.conf`, then those for the enabled
/// jails. `fail2ban-client -d` is this as well.
///
/// # Errors
/// If there is nothing to read, or if the files of all jails are wrong.
pub(crate) fn read(directory: &Path) -> Result<Dumped, Failure> {
    if !directory.is_dir() && directory != Path::new(stockade_config::Paths::DEFAULT_DIRECTORY) {
        let shown = directory.display();
        return Err(Failure::usage(format_args!(
            "cannot read the configuration: `{shown}`: no such directory"
        )));
    }
    let files = config::files(directory);
    let reader = Reader::new(&*files);
    let mut commands = Vec::new();
    if let Some(main) = reader.main().value {
        commands.extend(dump::main(&main));
    }
    let mut jails = reader.jails(Which::Enabled);
    // What only Stockade knows has no command: jails that count bans, and actions that are responders.
    let ours = !config::is_whole(directory);
    jails.jails.retain(|jail| !ours || !jail.raw.contains_key("bans"));
    let excused =
        |problem: &Problem| ours && matches!(problem.kind, ProblemKind::NoSuchFile { what: "action", .. });
    if jails.problems.has_errors() {
        for problem in jails.problems.iter().filter(|problem| problem.severity == Severity::Error) {
            exit::complain(&problem.to_string(), problem.hint().as_deref());
        }
        return Err(Failure::usage("cannot use the configuration"));
    }
    commands.extend(dump::jails(&jails, &mut log_files, &excused));
    // A slip in a jail that is off harms nobody.
    let enabled = jails.jails.iter().filter(|jail| jail.enabled);
    let problems = jails.problems.iter().chain(enabled.flat_map(|jail| jail.problems.iter()));
    Ok(Dumped { commands, problems: problems.filter(|problem| !excused(problem)).cloned().collect() })
}

/// The files that a pattern stands for, sorted. A link that leads nowhere is none.
fn log_files(pattern: &str) -> Vec<String> {
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let Ok(found) = glob::glob_with(pattern, options) else { return Vec::new() };
    let there = found.filter_map(Result::ok).filter(|path| path.exists());
    there.take(MAX_LOG_FILES).map(|path| path.to_string_lossy().into_owned()).collect()
}

fn print(commands: &[Command], origin: bool) -> Result<(), Failure> {
    let mut out = output::out();
    for command in commands {
        writeln!(out, "{command}")?;
        for Placed { what, origin } in command.origins.iter().filter(|_| origin) {
            let what = if what.is_empty() { String::new() } else { format!("{what}: ") };
            writeln!(out, "  {FAINT}# {}{}{FAINT:#}", shown(&what), shown(&origin.to_string()))?;
        }
    }
    out.flush()?;
    Ok(())
}

/// A command, for programs.
#[derive(Serialize)]
struct Told<'c> {
    command: Vec<Value<'c>>,
    origins: Vec<Origin<'c>>,
}

#[derive(Serialize)]
struct Origin<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<&'c str>,
    file: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

struct Value<'c>(&'c Datum);

impl<'c> Told<'c> {
    fn of(command: &'c Command) -> Self {
        let origin = |placed: &'c Placed| Origin {
            of: Some(placed.what.as_str()).filter(|what| !what.is_empty()),
            file: placed.origin.file(),
            line: Some(placed.origin.line()).filter(|line| *line > 0),
        };
        Self {
            command: command.words.iter().map(Value).collect(),
            origins: command.origins.iter().map(origin).collect(),
        }
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Datum::Nothing => serializer.serialize_none(),
            Datum::Bool(value) => serializer.serialize_bool(*value),
            Datum::Number(value) => serializer.serialize_i64(*value),
            Datum::Text(text) => serializer.serialize_str(text),
            Datum::List(items) => serializer.collect_seq(items.iter().map(Value)),
            Datum::Table(rows) => {
                let mut map = serializer.serialize_map(Some(rows.len()))?;
                for (name, value) in rows {
                    map.serialize_entry(name, &Value(value))?;
                }
                map.end()
            }
        }
    }
}
