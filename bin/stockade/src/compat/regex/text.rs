//! The texts of fail2ban-regex.

use std::io::{self, Write};

use stockade_core::ports::Clock as _;
use stockade_filter::trial::Fields;
use stockade_runtime::daemon::SystemClock;

use super::dates::{self, Order};
use crate::commands::regex::python;
use crate::commands::regex::tally::{Accused, Line, Listed, Tally};
use crate::output::text;
use crate::output::time::Clock;

/// Prints lines. On a terminal, what could command it is escaped: most of what is printed comes from a log.
pub(super) struct Printer<W> {
    out: W,
    escape: bool,
}

/// How many characters of what was typed are shown.
const SHORT: usize = 53;

impl<W: Write> Printer<W> {
    pub(super) fn new(out: W, escape: bool) -> Self {
        Self { out, escape }
    }

    /// A line, which may hold several.
    pub(super) fn line(&mut self, line: &str) -> io::Result<()> {
        if self.escape { writeln!(self.out, "{}", text::lines(line)) } else { writeln!(self.out, "{line}") }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// What is used for something: `Use      datepattern : …`.
    pub(super) fn using(&mut self, what: &str, value: &str) -> io::Result<()> {
        self.line(&format!("Use {what} : {value}"))
    }

    fn list(&mut self, title: Option<&str>, items: &[String]) -> io::Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        if let Some(title) = title {
            self.line(&format!("|- {title}"))?;
        }
        for item in items {
            self.line(&format!("|  {item}"))?;
        }
        self.line("`-")
    }
}

/// A text, cut if it is long.
pub(super) fn short(text: &str) -> String {
    if text.chars().count() <= SHORT {
        return text.to_owned();
    }
    text.chars().take(SHORT - 3).chain("...".chars()).collect()
}

/// All that is printed when all lines were tried.
pub(super) struct Summary<'s> {
    pub(super) tally: &'s Tally,
    /// The failregexes and the ignoreregexes as they stand in the file.
    pub(super) fail: Vec<&'s str>,
    pub(super) ignore: Vec<&'s str>,
    /// The prefregex as it is compiled.
    pub(super) prefix: Option<String>,
    /// The date templates; `None` where dates are not looked for.
    pub(super) dates: Option<(&'s [&'s str], &'s Order)>,
    pub(super) verbose: bool,
    pub(super) verbose_date: bool,
    /// Which lines are listed.
    pub(super) lists: Lists,
    /// Fewer lines than this are listed.
    pub(super) limit: u64,
    /// Prints addresses where a regex is drawn, for a line and a regex.
    pub(super) draw: Option<&'s dyn Fn(&str, &str) -> String>,
}

/// Which lines are listed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lists {
    pub(super) matched: bool,
    pub(super) ignored: bool,
    pub(super) all_ignored: bool,
    pub(super) missed: bool,
    pub(super) all_missed: bool,
}

impl Summary<'_> {
    pub(super) fn print<W: Write>(&self, out: &mut Printer<W>) -> io::Result<()> {
        out.line("\nResults\n=======")?;
        if let Some(prefix) = &self.prefix {
            let groups = |fields: &Fields| format!("    {}", python::fields(fields, ""));
            let mut lines = vec![prefix.clone()];
            if self.verbose {
                lines.extend(self.tally.prefix_groups.iter().map(groups));
                if self.tally.prefix > self.limit {
                    lines.push("    ...".to_owned());
                }
            }
            out.line(&format!("\nPrefregex: {} total", self.tally.prefix))?;
            out.list(None, &lines)?;
        }
        let accused = self.tally.fail.iter();
        self.regexes(
            out,
            "Failregex",
            &self.fail,
            &accused.map(|one| (one.count, Some(one))).collect::<Vec<_>>(),
        )?;
        let counts = self.tally.ignore.iter();
        self.regexes(
            out,
            "Ignoreregex",
            &self.ignore,
            &counts.map(|count| (*count, None)).collect::<Vec<_>>(),
        )?;
        self.dates(out)?;
        let Tally { tested, ignored, matched, missed, elapsed, .. } = self.tally;
        out.line(&format!(
            "\nLines: {tested} lines, {} ignored, {} matched, {} missed",
            ignored.count, matched.count, missed.count
        ))?;
        out.line(&format!("[processed in {:.2} sec]\n", elapsed.as_secs_f64()))?;
        let lists = self.lists;
        if lists.matched {
            self.lines(out, "matched", matched, true)?;
        }
        if lists.ignored {
            self.lines(out, "ignored", ignored, lists.all_ignored)?;
        }
        if lists.missed {
            self.lines(out, "missed", missed, lists.all_missed)?;
        }
        Ok(())
    }

    fn regexes<W: Write>(
        &self,
        out: &mut Printer<W>,
        title: &str,
        regexes: &[&str],
        counts: &[(u64, Option<&Accused>)],
    ) -> io::Result<()> {
        let clock = Clock::ctime();
        let mut lines = Vec::new();
        for (number, (regex, (count, accused))) in (1..).zip(regexes.iter().zip(counts)) {
            if *count > 0 || self.verbose {
                lines.push(format!("{number:2}) [{count}] {regex}"));
            }
            for (id, time, several) in accused.iter().filter(|_| self.verbose).flat_map(|one| &one.whom) {
                let several = if *several { " (multiple regex matched)" } else { "" };
                // What has no date happens now.
                let time = clock.show(time.unwrap_or_else(|| SystemClock.now()));
                lines.push(format!("    {}  {time}{several}", python::shown_id(id)));
            }
        }
        let total: u64 = counts.iter().map(|(count, _)| count).sum();
        out.line(&format!("\n{title}: {total} total"))?;
        out.list(Some(" #) [# of hits] regular expression"), &lines)
    }

    fn dates<W: Write>(&self, out: &mut Printer<W>) -> io::Result<()> {
        let Some((patterns, order)) = self.dates else { return Ok(()) };
        let mut lines = Vec::new();
        for (template, hits) in order.hits().filter(|(_, hits)| *hits > 0 || self.verbose) {
            let pattern = patterns.get(template).copied().unwrap_or_default();
            lines.push(format!("[{hits}] {}", dates::name(pattern)));
            if self.verbose_date {
                lines.push(format!("    # pattern: {pattern}"));
            }
        }
        out.line("\nDate template hits:")?;
        out.list(Some("[# of hits] date format"), &lines)
    }

    fn lines<W: Write>(
        &self,
        out: &mut Printer<W>,
        kind: &str,
        listed: &Listed,
        all: bool,
    ) -> io::Result<()> {
        if listed.count == 0 {
            return Ok(());
        }
        let mut title = kind.to_owned();
        title.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
        let title = format!("{title} line(s):");
        if listed.count >= self.limit && !all {
            let count = listed.count;
            return out.line(&format!(
                "{title} too many to print.  Use --print-all-{kind} to print all {count} lines"
            ));
        }
        let Some(draw) = self.draw else {
            let lines: Vec<String> =
                listed.lines.iter().map(|line| line.whole.trim_end().to_owned()).collect();
            return out.list(Some(&title), &lines);
        };
        let regexes = if kind == "ignored" { &self.ignore } else { &self.fail };
        let drawn = |line: &Line, regex: &str| {
            format!("{} | {regex} |  {}", line.text, draw(&line.text, regex)).trim_end().to_owned()
        };
        let all = listed.lines.iter().flat_map(|line| regexes.iter().map(move |regex| drawn(line, regex)));
        out.list(Some(&title), &all.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_at_characters() {
        assert_eq!(short(&"é".repeat(53)), "é".repeat(53));
        assert_eq!(short(&"é".repeat(54)), format!("{}...", "é".repeat(50)));
    }
}
