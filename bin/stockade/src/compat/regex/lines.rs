//! The lines of the log, tried one after the other.

use stockade_core::ports::Clock as _;
use stockade_filter::FilterSpec;
use stockade_filter::trial::Trial;
use stockade_runtime::daemon::SystemClock;

use super::Out;
use super::args::Args;
use super::dates::Order;
use super::text::{Lists, Summary};
use crate::commands::regex::draw;
use crate::commands::regex::log::{Charset, Log, Sink};
use crate::commands::regex::out::Format;
use crate::commands::regex::tally::{Keep, MAX_LISTED, Tally, is_passed_over, iso};
use crate::exit::Failure;

/// The lines to try.
pub(super) struct Lines<'l> {
    pub(super) log: &'l Log,
    pub(super) charset: Charset,
    pub(super) journal_match: Option<&'l str>,
}

impl Lines<'_> {
    /// Gives each line. The last line of a file counts only when it is complete, as in operation.
    fn for_each(&self, sink: &mut Sink<'_>) -> Result<u64, Failure> {
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
    pub(super) fn print(
        &self,
        trial: &mut Trial,
        format: &Format,
        invert: bool,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let templates: Vec<String> = trial.templates().map(str::to_owned).collect();
        self.for_each(&mut |line, known| {
            if known.is_none() && is_passed_over(line) {
                return Ok(());
            }
            let text = known.map(iso);
            let result = trial.line(line, known.zip(text.as_deref()), SystemClock.now());
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
    pub(super) fn count(
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
        let pattern = spec.datepattern.as_deref().unwrap_or_default().trim();
        let is_default = ["", "{^LN-BEG}", "{DEFAULT}"].iter().any(|all| pattern.eq_ignore_ascii_case(all));
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
