//! What fail2ban-regex prints before it tries anything: what it was asked for, and what it uses.

use std::io;

use stockade_filter::conf::dump::{self, Datum};
use stockade_filter::date::{DateReader, Zone};

use super::args::Args;
use super::text::short;
use super::{Out, dates};
use crate::cli::TrialArgs;
use crate::commands::regex::asked::{Asked, Found};
use crate::commands::regex::log::Log;
use crate::exit::Failure;

/// The lines that say what is used.
pub(super) struct Heading<'o> {
    pub(super) out: &'o mut Out,
    /// Nothing but what `--out` asks for is printed.
    pub(super) silent: bool,
}

impl Heading<'_> {
    pub(super) fn lines(&mut self, text: &str) -> io::Result<()> {
        if self.silent { Ok(()) } else { self.out.line(text) }
    }

    pub(super) fn using(&mut self, what: &str, value: &str) -> io::Result<()> {
        if self.silent { Ok(()) } else { self.out.using(what, value) }
    }

    pub(super) fn date_pattern(&mut self, pattern: &str) -> Result<(), Failure> {
        let reader = DateReader::new(Some(pattern), Zone::UTC).map_err(Failure::usage)?;
        // One or two have a name, many are a list.
        let name = match reader.templates().len() {
            1 | 2 => reader.templates().next().map(dates::name).unwrap_or_default(),
            _ => "Default Detectors".to_owned(),
        };
        Ok(self.using("     datepattern", &format!("{pattern} : {name}"))?)
    }

    pub(super) fn asked(
        &mut self,
        asked: &Asked,
        options: &TrialArgs,
        typed: &str,
        verbose: u8,
    ) -> Result<(), Failure> {
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

    pub(super) fn log(
        &mut self,
        log: &Log,
        args: &Args,
        several: bool,
        journal_match: Option<&str>,
    ) -> io::Result<()> {
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
