//! `stockade regex`: a filter or a regex on trial.

pub(crate) mod asked;
pub(crate) mod draw;
mod json;
pub(crate) mod log;
pub(crate) mod out;
pub(crate) mod python;
mod table;
pub(crate) mod tally;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use stockade_core::Timestamp;
use stockade_core::ports::Clock as _;
use stockade_filter::conf::Directory;
use stockade_filter::date::Zone;
use stockade_filter::trial::{Manner, TrialError};
use stockade_filter::{FilterSpec, Trial, TrialOptions, UseDns};
use stockade_runtime::daemon::SystemClock;

use crate::cli::{Global, RegexArgs};
use crate::config;
use crate::exit::{self, Exit, Failure, Outcome};
use crate::output::time::Clock;
use crate::output::{self, text};
use asked::{Asked, Library};
use log::{Charset, Log};
use out::Format;
use tally::{Keep, MAX_LISTED, Tally, is_passed_over};

/// fail2ban's configuration: there are filters that ours has not.
const FAIL2BAN_DIRECTORY: &str = "/etc/fail2ban";

/// What is to be shown.
struct Answer<'a> {
    global: &'a Global,
    args: &'a RegexArgs,
    asked: &'a Asked,
    spec: &'a FilterSpec,
    trial: &'a Trial,
    tally: &'a Tally,
    clock: Clock,
    /// How many lines of a kind are listed, unless all are asked for.
    listed: usize,
}

pub(crate) fn run(global: &Global, args: &RegexArgs) -> Outcome {
    let options = &args.trial;
    let log = Log::new(&args.log);
    let mut asked = asked(global, &args.regex, log.backend())?;
    if let Some(failure) = asked.broken.take() {
        return Err(failure);
    }
    let spec = spec(&asked, args);
    let zone = match &options.timezone {
        Some(text) => Zone::parse(text).map_err(|error| Failure::usage(&error).hint(error.hint()))?,
        None => Zone::system(),
    };
    let trial_options = TrialOptions {
        zone: Some(zone.clone()),
        year: None,
        first_only: options.no_check_all,
        keep_pending: true,
        manner: Manner::Stockade,
    };
    let mut trial = Trial::new(&spec, trial_options).map_err(refused)?;
    let charset = options.encoding.as_deref().map_or(Ok(Charset::AS_IT_IS), Charset::named)?;
    let journal_match = options.journalmatch.clone().or_else(|| asked.journal_match());
    let now = reference(&log);
    if log == Log::Input && std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        exit::note("reading log lines from the terminal", Some("end them with Ctrl-D"));
    }
    if let Some(format) = &options.out {
        let format = Format::new(format);
        print_each(&log, charset, journal_match.as_deref(), &mut trial, &format, options.invert, now)?;
        return Ok(Exit::Done);
    }
    let listed = options.maxlines.filter(|lines| *lines > 0).unwrap_or(MAX_LISTED);
    let keep = Keep::new(options, listed, global.verbose > 0);
    let mut tally = Tally::new(&trial, keep);
    tally.overlong = log.for_each(charset, journal_match.as_deref(), &mut |line, known| {
        tally.line(&mut trial, keep, line, known, now);
        Ok(())
    })?;
    let clock = Clock::new(&zone);
    let answer =
        Answer { global, args, asked: &asked, spec: &spec, trial: &trial, tally: &tally, clock, listed };
    if global.json {
        json::print(&answer)?
    } else {
        table::print(&answer)?
    }
    Ok(Exit::Done)
}

/// A filter of the configuration, or of fail2ban's where ours has none of that name; a file; a jail; a regex.
fn asked(global: &Global, regex: &str, backend: &str) -> Result<Asked, Failure> {
    let root = config::directory(global);
    let own = Library { files: config::files(&root), root };
    let mut libraries = vec![own];
    if global.config.is_none() && Path::new(FAIL2BAN_DIRECTORY).is_dir() {
        let root = PathBuf::from(FAIL2BAN_DIRECTORY);
        libraries.push(Library { files: Box::new(Directory(root.clone())), root });
    }
    if let Some(asked) = Asked::filter(regex, &libraries, backend) {
        return asked;
    }
    let jail = libraries.iter().find_map(|library| Asked::jail(regex, library));
    match jail {
        Some(jail) => Ok(jail),
        // A word cannot be a regex that says whom it is about: it was meant as a name.
        None if !regex.contains(['<', '(', '\\', ' ']) && !regex.is_empty() => {
            let meant = libraries.iter().find_map(|library| library.hint(regex));
            let hint = meant.unwrap_or_else(|| "a regex needs a group such as <HOST> or <ADDR>".to_owned());
            Err(Failure::usage(format_args!("no such filter, file or jail: `{regex}`")).hint(Some(hint)))
        }
        None => Ok(Asked::regex(regex)),
    }
}

/// What is tried: what was asked for, with what was typed in place of it.
fn spec(asked: &Asked, args: &RegexArgs) -> FilterSpec {
    let options = &args.trial;
    let mut spec = asked.spec.clone();
    if let Some(how) = &options.usedns {
        spec.usedns = UseDns::parse(how);
    }
    if options.raw {
        spec.usedns = UseDns::Raw;
    }
    spec.ignoreregex.extend(args.ignoreregex.as_deref().map(Into::into));
    if let Some(pattern) = &options.datepattern {
        spec.datepattern = Some(pattern.clone());
    }
    if let Some(lines) = options.maxlines.filter(|lines| *lines > 0) {
        spec.maxlines = lines;
    }
    spec
}

fn refused(error: TrialError) -> Failure {
    match error {
        TrialError::Filter(errors) => {
            for error in &errors {
                exit::complain(&error.to_string(), None);
            }
            let name = errors.first().map_or("", |error| &error.filter);
            Failure::usage(format_args!("cannot use filter `{name}`"))
        }
        TrialError::Date(error) => Failure::usage(&error).hint(error.hint()),
        other => Failure::usage(other),
    }
}

/// What dates without a year or a day are relative to: for a file the time it was last written to.
fn reference(log: &Log) -> Timestamp {
    let now = SystemClock.now();
    let Log::File(path) = log else { return now };
    let modified = fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let since = modified.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.map_or(now, |since| Timestamp::default().plus(since).min(now))
}

/// Prints what `--out` asks for.
fn print_each(
    log: &Log,
    charset: Charset,
    journal_match: Option<&str>,
    trial: &mut Trial,
    format: &Format,
    invert: bool,
    now: Timestamp,
) -> Result<(), Failure> {
    let templates: Vec<String> = trial.templates().map(str::to_owned).collect();
    let (mut out, escape) = (output::raw(), output::is_terminal());
    log.for_each(charset, journal_match, &mut |line, known| {
        if known.is_none() && is_passed_over(line) {
            return Ok(());
        }
        let result = trial.line(line, known, now);
        let template = result.date.as_ref().and_then(|date| templates.get(date.template));
        let lines = match (result.is_match(), invert) {
            (true, false) => format.lines(&result, template.map(String::as_str)),
            (false, true) => vec![format.inverted(&String::from_utf8_lossy(line), result.time)],
            _ => Vec::new(),
        };
        for line in lines {
            if escape { writeln!(out, "{}", text::lines(&line))? } else { writeln!(out, "{line}")? }
        }
        Ok(())
    })?;
    out.flush()?;
    Ok(())
}
