//! `fail2ban-regex`: tries a filter or a regex on a log, and prints what fail2ban's program prints.
//!
//! # Differences
//!
//! | what | fail2ban-regex | here |
//! |---|---|---|
//! | what counts as an address | any four numbers | one that exists, and does not go on: `999.1.1.1` is none |
//! | a regex that never ends | never ends | is given up after a number of steps |
//! | which date template wins | depends on the lines before | depends on the line alone |
//! | LOG | a plain file, the journal, lines | also a packed file, and `-` for standard input |
//! | REGEX | a filter, a file, a regex | also a jail |
//! | `--verbose-date` | weight, pattern and compiled regex of each template | its pattern |
//! | `--log-level`, tracebacks | what its parts log | taken, and nothing is logged |
//! | control characters in a log | as they are | escaped on a terminal |
//! | help, errors of use | its own words | ours, with the same exit codes |

mod args;
mod dates;
mod heading;
mod lines;
mod text;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::net::{IpAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use stockade_filter::date::Zone;
use stockade_filter::trial::{Manner, Resolver, Trial, TrialOptions};
use stockade_filter::{FilterSpec, UseDns};

use crate::cli::TrialArgs;
use crate::commands::regex::asked::{Asked, Library};
use crate::commands::regex::log::{Charset, Log};
use crate::commands::regex::out::Format;
use crate::config;
use crate::exit::Failure;
use crate::output;
use args::{Args, FAILED, Instead};
use heading::Heading;
use lines::Lines;
use text::{Printer, short};

type Out = Printer<io::BufWriter<io::StdoutLock<'static>>>;

/// Where fail2ban has its configuration.
const FAIL2BAN_DIRECTORY: &str = "/etc/fail2ban";

/// How many host names are looked up: an attacker chooses them.
const MAX_NAMES: usize = 1_000;

pub(crate) fn run(name: &OsStr, words: Vec<OsString>) -> ExitCode {
    let args = match Args::read(name, words) {
        Ok(args) => args,
        Err(instead) => return say(instead),
    };
    let mut out = Printer::new(output::raw(), output::is_terminal());
    let done = try_out(&args, &mut out);
    let failed = match done {
        Ok(()) => false,
        Err(failure) if failure.message().is_empty() => false,
        // Where nobody reads any more nobody can be told.
        Err(failure) => {
            out.line(&format!("ERROR: {}", failure.message())).ok();
            true
        }
    };
    out.flush().ok();
    if failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
}

fn say(instead: Instead) -> ExitCode {
    match instead {
        Instead::Say(text) => {
            io::stdout().lock().write_all(text.as_bytes()).ok();
            ExitCode::SUCCESS
        }
        Instead::Refuse { out, err, code } => {
            io::stdout().lock().write_all(out.as_bytes()).ok();
            io::stderr().lock().write_all(err.as_bytes()).ok();
            ExitCode::from(code)
        }
    }
}

fn try_out(args: &Args, out: &mut Out) -> Result<(), Failure> {
    let options = &args.trial;
    let mut heading = Heading { out, silent: options.out.is_some() };
    heading.lines("\nRunning tests\n=============\n")?;
    let zone = match &options.timezone {
        Some(zone) => Zone::parse(zone).map_err(Failure::usage)?,
        None => Zone::system(),
    };
    let max_lines = options.maxlines.filter(|lines| *lines > 0);
    if let Some(lines) = max_lines {
        heading.using("        maxlines", &lines.to_string())?;
    }
    if let Some(pattern) = &options.datepattern {
        heading.date_pattern(pattern)?;
    }
    let log = Log::new(args.word(0).unwrap_or_default());
    let regex = args.word(1).unwrap_or_default().to_string_lossy();
    let ignoreregex = args.word(2).map(OsStr::to_string_lossy);
    let mut asked = asked(args, &regex, log.backend())?;
    heading.asked(&asked, options, &regex, args.verbose())?;
    if let Some(failure) = asked.broken.take() {
        return Err(failure);
    }
    if let Some(regex) = &ignoreregex {
        heading.using("ignoreregex line", &short(regex))?;
    }
    let charset = options.encoding.as_deref().map_or(Ok(Charset::AS_IT_IS), Charset::named)?;
    let spec = spec(&asked, options, ignoreregex.as_deref());
    let trial_options = TrialOptions {
        zone: Some(zone),
        year: None,
        first_only: options.no_check_all || options.out.is_some(),
        keep_pending: options.out.is_none(),
        manner: Manner::Fail2ban,
    };
    let trial = Trial::new(&spec, trial_options).map_err(Failure::usage)?;
    let mut trial = match resolver(options) {
        Some(resolver) => trial.with_resolver(resolver),
        None => trial,
    };
    let journal_match = options.journalmatch.clone().or_else(|| asked.journal_match());
    heading.log(&log, args, spec.maxlines > 1, journal_match.as_deref())?;
    heading.lines("")?;
    let lines = Lines { log: &log, charset, journal_match: journal_match.as_deref() };
    match &options.out {
        Some(format) => lines.print(&mut trial, &Format::new(format), options.invert, out),
        None => {
            // Where the journal knows the time, dates are looked for only if somebody said how they are written.
            let dates = !matches!(log, Log::Journal(_)) || spec.datepattern.is_some();
            lines.count(args, &mut trial, &spec, dates, out)
        }
    }
}

/// What was asked for: in the configuration that was named, else in fail2ban's, else in ours.
fn asked(args: &Args, regex: &str, backend: &str) -> Result<Asked, Failure> {
    let global = crate::cli::Global::default();
    let root = match &args.config {
        Some(root) => PathBuf::from(root),
        None if Path::new(FAIL2BAN_DIRECTORY).is_dir() => PathBuf::from(FAIL2BAN_DIRECTORY),
        None => config::directory(&global),
    };
    // `-c /etc/fail2ban/filter.d` is understood as well.
    let root = match root.parent() {
        Some(parent) if root.ends_with("filter.d") => parent.to_owned(),
        _ => root,
    };
    let library = Library { files: config::files(&root), root };
    if let Some(asked) = Asked::filter(regex, std::slice::from_ref(&library), backend) {
        return asked;
    }
    Ok(Asked::jail(regex, &library).unwrap_or_else(|| Asked::regex(regex)))
}

/// What is tried. The filter's `usedns` does not count, only what was typed.
fn spec(asked: &Asked, options: &TrialArgs, ignoreregex: Option<&str>) -> FilterSpec {
    let mut spec = asked.spec.clone();
    spec.usedns = match options.usedns.as_deref() {
        None => UseDns::Yes,
        Some(how) => UseDns::parse(how),
    };
    spec.ignoreregex.extend(ignoreregex.map(Into::into));
    if let Some(pattern) = &options.datepattern {
        spec.datepattern = Some(pattern.clone());
    }
    if let Some(lines) = options.maxlines.filter(|lines| *lines > 0) {
        spec.maxlines = lines;
    }
    spec
}

/// How host names become addresses; `None` if they are ids themselves.
fn resolver(options: &TrialArgs) -> Option<Resolver> {
    let how = options.usedns.as_deref().map_or(UseDns::Yes, UseDns::parse);
    match how {
        _ if options.raw => None,
        UseDns::Raw => None,
        UseDns::No => Some(Box::new(|_| Vec::new())),
        UseDns::Yes => {
            let mut known: HashMap<String, Vec<IpAddr>> = HashMap::new();
            Some(Box::new(move |name| {
                if let Some(found) = known.get(name) {
                    return found.clone();
                }
                if known.len() >= MAX_NAMES {
                    return Vec::new();
                }
                let mut found: Vec<IpAddr> =
                    (name, 0).to_socket_addrs().into_iter().flatten().map(|addr| addr.ip()).collect();
                found.sort_unstable();
                found.dedup();
                known.insert(name.to_owned(), found.clone());
                found
            }))
        }
    }
}
