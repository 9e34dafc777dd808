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
mod text;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::net::{IpAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use stockade_core::ports::Clock as _;
use stockade_filter::conf::dump::{self, Datum};
use stockade_filter::date::{DateReader, Zone};
use stockade_filter::trial::{Manner, Resolver, Trial, TrialOptions};
use stockade_filter::{FilterSpec, UseDns};
use stockade_runtime::daemon::SystemClock;

use crate::cli::TrialArgs;
use crate::commands::regex::asked::{Asked, Found, Library};
use crate::commands::regex::draw;
use crate::commands::regex::log::{Charset, Log};
use crate::commands::regex::out::Format;
use crate::commands::regex::tally::{Keep, MAX_LISTED, Tally, is_passed_over};
use crate::config;
use crate::exit::Failure;
use crate::output;
use args::{Args, FAILED, Instead};
use dates::Order;
use text::{Lists, Printer, Summary, short};

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

/// The lines that say what is used.
struct Heading<'o> {
    out: &'o mut Out,
    /// Nothing but what `--out` asks for is printed.
    silent: bool,
}

impl Heading<'_> {
    fn lines(&mut self, text: &str) -> io::Result<()> {
        if self.silent { Ok(()) } else { self.out.line(text) }
    }

    fn using(&mut self, what: &str, value: &str) -> io::Result<()> {
        if self.silent { Ok(()) } else { self.out.using(what, value) }
    }

    fn date_pattern(&mut self, pattern: &str) -> Result<(), Failure> {
        let reader = DateReader::new(Some(pattern), Zone::UTC).map_err(Failure::usage)?;
        // One or two have a name, many are a list.
        let name = match reader.templates().len() {
            1 | 2 => reader.templates().next().map(dates::name).unwrap_or_default(),
            _ => "Default Detectors".to_owned(),
        };
        Ok(self.using("     datepattern", &format!("{pattern} : {name}"))?)
    }

    fn asked(&mut self, asked: &Asked, options: &TrialArgs, typed: &str, verbose: u8) -> Result<(), Failure> {
        match &asked.found {
            Found::Filter { name, root } => {
                self.using("  failregex filter file", &format!("{name}, basedir: {root}"))?;
            }
            Found::File(path) => self.using("  failregex file", path)?,
            Found::Jail(name) => self.using("           jail", name)?,
            Found::Regex => self.using("  failregex line", &short(typed))?,
        }
        let dict = |pairs: &[(String, String)]| {
            let text = |(name, value): &(String, String)| (name.clone(), Datum::Text(value.clone()));
            Datum::Table(pairs.iter().map(text).collect()).to_string()
        };
        if !asked.params.is_empty() {
            self.using("  filter options", &dict(&asked.params))?;
        }
        let Some(def) = &asked.def else { return Ok(()) };
        if verbose > 1 {
            // The parameters that were typed, and then all that the filter has for what was not.
            let names = ["logtype", "datepattern"].into_iter().chain(def.params.keys().map(String::as_str));
            let mut real: Vec<(String, String)> = Vec::new();
            for name in names {
                let value = def.options.get(name).or_else(|| def.params.get(name));
                if let Some(value) = value.filter(|_| real.iter().all(|(known, _)| known != name)) {
                    real.push((name.to_owned(), value.text().to_owned()));
                }
            }
            self.lines(&format!("Real  filter options : {}", dict(&real)))?;
        }
        // In the order in which fail2ban sets them.
        for command in dump::filter("", def) {
            let [_, _, Datum::Text(option), value] = command.words.as_slice() else { continue };
            match (option.as_str(), value) {
                ("maxlines", Datum::Number(lines)) if options.maxlines.is_none_or(|lines| lines == 0) => {
                    self.using("        maxlines", &lines.to_string())?;
                }
                ("datepattern", Datum::Text(pattern)) if options.datepattern.is_none() => {
                    self.date_pattern(pattern)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn log(&mut self, log: &Log, args: &Args, several: bool, journal_match: Option<&str>) -> io::Result<()> {
        let encoding = args.trial.encoding.as_deref().unwrap_or("UTF-8");
        match log {
            Log::File(_) | Log::Input => {
                self.using("        log file", &args.word(0).unwrap_or_default().to_string_lossy())?;
                self.using("        encoding", encoding)
            }
            Log::Journal(_) => {
                self.lines("Use         systemd journal")?;
                self.using("        encoding", encoding)?;
                journal_match.map_or(Ok(()), |wanted| self.using("   journal match", wanted))
            }
            Log::Lines(lines) => match lines.as_slice() {
                [line] if !several => self.using("     single line", &short(line)),
                lines => {
                    self.using("     multi line", &format!("{} line(s)", lines.len()))?;
                    for (number, line) in (1..).zip(lines).take(6) {
                        let line = format!("| {number:>2}: {}", short(line));
                        self.lines(if number > 5 { "| ..." } else { &line })?;
                    }
                    self.lines("`-")
                }
            },
        }
    }
}

/// The lines to try.
struct Lines<'l> {
    log: &'l Log,
    charset: Charset,
    journal_match: Option<&'l str>,
}

impl Lines<'_> {
    /// Gives each line. The last line of a file counts only when it is complete, as in operation.
    fn for_each(
        &self,
        sink: &mut dyn FnMut(&[u8], Option<stockade_core::Timestamp>) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        if !self.log.is_torn() {
            return self.log.for_each(self.charset, self.journal_match, sink);
        }
        let mut held: Option<Vec<u8>> = None;
        self.log.for_each(self.charset, self.journal_match, &mut |line, known| match held
            .replace(line.to_vec())
        {
            Some(before) => sink(&before, known),
            None => Ok(()),
        })
    }

    /// Prints what `--out` asks for.
    fn print(&self, trial: &mut Trial, format: &Format, invert: bool, out: &mut Out) -> Result<(), Failure> {
        let templates: Vec<String> = trial.templates().map(str::to_owned).collect();
        self.for_each(&mut |line, known| {
            if known.is_none() && is_passed_over(line) {
                return Ok(());
            }
            let result = trial.line(line, known, SystemClock.now());
            let template = result.date.as_ref().and_then(|date| templates.get(date.template));
            match (result.is_match(), invert) {
                (true, false) => {
                    for line in format.lines(&result, template.map(String::as_str)) {
                        out.line(&line)?;
                    }
                }
                (false, true) => out.line(&format.inverted(&String::from_utf8_lossy(line), result.time))?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Counts, and prints the summary.
    fn count(
        &self,
        args: &Args,
        trial: &mut Trial,
        spec: &FilterSpec,
        with_dates: bool,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let options = &args.trial;
        let verbose = args.verbose() > 0;
        let limit = options.maxlines.filter(|lines| *lines > 0).unwrap_or(MAX_LISTED);
        let keep = Keep { as_fail2ban: true, ..Keep::new(options, limit, verbose) };
        let mut tally = Tally::new(trial, keep);
        let patterns: Vec<String> = trial.templates().map(str::to_owned).collect();
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let is_default = spec.datepattern.as_deref().is_none_or(|pattern| {
            pattern.trim().is_empty()
                || pattern.trim_start().starts_with("{^LN-BEG}") && pattern.trim().len() == 9
        });
        let mut order = Order::new(&patterns, is_default);
        let overlong = self.for_each(&mut |line, known| {
            let date = tally.line(trial, keep, line, known, SystemClock.now());
            if let Some(date) = date {
                // What is bound to the beginning of the line is found there, whatever stands before what it cuts out.
                let bound =
                    patterns.get(date.template).is_some_and(|pattern| pattern.starts_with(['^', '{']));
                order.found(date.template, if bound { 0 } else { date.at });
            }
            Ok(())
        })?;
        tally.overlong = overlong;
        let drawn = |line: &str, regex: &str| draw::address(line, regex, spec.usedns, spec.maxlines > 1);
        let summary = Summary {
            tally: &tally,
            fail: trial.failregexes().map(|regex| regex.text).collect(),
            ignore: trial.ignoreregexes().map(|regex| regex.text).collect(),
            prefix: trial.expanded_prefregex(),
            dates: with_dates.then_some((&patterns[..], &order)),
            verbose,
            verbose_date: options.verbose_date,
            lists: Lists {
                matched: options.print_all_matched,
                ignored: !options.print_no_ignored,
                all_ignored: options.print_all_ignored,
                missed: !options.print_no_missed,
                all_missed: options.print_all_missed,
            },
            limit: u64::try_from(limit).unwrap_or(u64::MAX),
            draw: options.debuggex.then_some(&drawn),
        };
        summary.print(out)?;
        Ok(())
    }
}
