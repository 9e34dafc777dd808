//! What a configuration means for each jail: it can be used, it is refused and why, or it is off.

use std::io::{self, Write};

use serde::Serialize;
use stockade_config::{Config, JailConfig};

use super::Told;
use crate::output;
use crate::output::style::{BAD, FAINT, GOOD, PLAIN};
use crate::output::table::{self, Cell};
use crate::output::text::{number, shown};

/// One jail.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    jail: String,
    /// `ok`, `refused` or `off`.
    verdict: &'static str,
    /// The filter with its parameters; `None` for a jail that counts bans, and for one that was not read to the end.
    filter: Option<String>,
    /// The rules that feed it, for a jail that reads events.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<String>,
    /// How many failregexes it has.
    failregexes: usize,
    /// Who carries out its bans.
    actions: Vec<String>,
    warnings: usize,
    /// Why it is refused; what is amiss with one that is off.
    reasons: Vec<String>,
}

const OK: &str = "ok";
const REFUSED: &str = "refused";
const OFF: &str = "off";

/// The jails that can be used or are refused, in the order of the files, then those that are off.
pub(super) fn all(config: &Config, problems: &[Told]) -> Vec<Verdict> {
    let usable = config.jails.iter().map(|jail| Verdict::of(&jail.jail.name, Some(jail), OK, problems));
    let broken = config.broken.iter().map(|name| Verdict::of(name, None, REFUSED, problems));
    let off = config.disabled.iter().map(|name| Verdict::of(name, None, OFF, problems));
    usable.chain(broken).chain(off).collect()
}

impl Verdict {
    fn of(name: &str, jail: Option<&JailConfig>, verdict: &'static str, problems: &[Told]) -> Self {
        let own = || problems.iter().filter(|told| told.section.as_deref() == Some(name));
        let reasons: Vec<String> = own().filter(|told| told.severity == "error").map(Told::reason).collect();
        let spec = jail.and_then(|jail| jail.filter.as_ref());
        Self {
            jail: name.to_owned(),
            // A regex that cannot be compiled shows after all else is right.
            verdict: if verdict == OK && !reasons.is_empty() { REFUSED } else { verdict },
            rules: jail.iter().flat_map(|jail| &jail.rules).map(|rule| rule.name.to_string()).collect(),
            filter: spec.map(|spec| spec.name.to_string()),
            failregexes: spec.map_or(0, |spec| spec.failregex.len()),
            actions: jail
                .map(|jail| jail.responders.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
            warnings: own().count() - reasons.len(),
            reasons,
        }
    }

    pub(super) fn is_refused(&self) -> bool {
        self.verdict == REFUSED
    }

    /// What it looks for: a filter, or rules.
    fn reads(&self) -> String {
        match (&self.filter, &*self.rules) {
            (Some(filter), _) => filter.clone(),
            (None, []) => String::new(),
            (None, [only]) => format!("rule {only}"),
            (None, rules) => format!("{} rules", rules.len()),
        }
    }

    fn row(&self) -> [Cell; 6] {
        let style = match self.verdict {
            OK => GOOD,
            REFUSED => BAD,
            _ => FAINT,
        };
        let why = match (self.reasons.as_slice(), self.warnings) {
            ([], 0) => String::new(),
            ([], 1) => "1 warning".to_owned(),
            ([], warnings) => format!("{warnings} warnings"),
            ([only], _) => only.clone(),
            ([first, rest @ ..], _) => format!("{first} (and {} more)", rest.len()),
        };
        let regexes = if self.filter.is_some() { number(self.failregexes as u64) } else { String::new() };
        [
            shown(&self.jail).into(),
            Cell::new(self.verdict, style),
            shown(&self.reads()).into(),
            regexes.into(),
            shown(&self.actions.join(", ")).into(),
            Cell::new(shown(&why), if self.is_refused() { BAD } else { PLAIN }),
        ]
    }
}

/// A table of jails, and an empty line; nothing if there are none.
pub(super) fn print<'v>(
    out: &mut impl Write,
    verdicts: impl Iterator<Item = &'v Verdict> + Clone,
) -> io::Result<()> {
    if verdicts.clone().next().is_none() {
        return Ok(());
    }
    let heads = [
        table::text("JAIL"),
        table::text("VERDICT"),
        table::text("FILTER"),
        table::number("REGEXES"),
        table::text("ACTIONS"),
        table::text("WHY"),
    ];
    table::print(out, heads, verdicts.map(Verdict::row), output::columns())?;
    writeln!(out)
}
