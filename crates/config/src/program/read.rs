//! From the text of `stockade.toml` and the environment to the settings.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::document::{Entry, Text, entries};
use super::schema::{SETTINGS, Setting};
use super::value::{Bad, Kind};
use super::{Program, aws, repair_env, repair_read, responders, rules};
use crate::env_vars::ENV_VARS;
use crate::limits::MAX_PROBLEMS;
use crate::origin::{Origin, Row};
use crate::problem::{Problem, ProblemKind};
use crate::problems::Problems;
use stockade_core::nearest::nearest;

/// The file's name in the configuration directory.
pub(crate) const FILE: &str = "stockade.toml";
/// The table of the responders.
pub(super) const RESPONDERS: &str = "responders";

/// What was read.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) program: Program,
    pub(crate) rows: Vec<Row>,
    /// The names of all responders of the file, also of those that could not be read.
    pub(crate) declared: Vec<String>,
}

/// Reads the settings: the file (its name for messages and its text) if there is one, the environment over it.
pub(crate) fn read(
    file: Option<(&str, &str)>,
    env: &dyn Fn(&str) -> Option<String>,
    problems: &mut Problems,
) -> Settings {
    let mut reader = Reader::default();
    if let Some((name, text)) = file {
        reader.file(&Text::new(name, text));
    }
    reader.environment(env);
    let disabled = reader.origins.iter().rev().find(|(key, _)| *key == "rules.disabled");
    reader.program.rules.disabled_at = disabled.map(|(_, origin)| origin.clone()).unwrap_or_default();
    let rows = reader.rows();
    reader.problems.into_iter().for_each(|problem| problems.push(problem));
    problems.count_dropped(reader.dropped, true);
    Settings { program: reader.program, rows, declared: reader.declared }
}

/// What is being read.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) program: Program,
    /// What was set, and where.
    origins: Vec<(&'static str, Origin)>,
    pub(super) responder_rows: Vec<Row>,
    pub(super) log_group_rows: Vec<Row>,
    pub(super) repair_rows: Vec<Row>,
    pub(super) declared: Vec<String>,
    problems: Vec<Problem>,
    /// Problems beyond [`MAX_PROBLEMS`].
    dropped: usize,
}

impl Reader {
    fn file(&mut self, text: &Text<'_>) {
        let (table, syntax) = text.parse();
        self.table(&table, "", text);
        // What could not be read as TOML leaves half a value behind, and a broken `[table]` its settings, about which
        // nothing more is to be said.
        let follows = |problem: &Problem| {
            let line = line(problem);
            syntax
                .iter()
                .map(self::line)
                .any(|bad| bad == line || bad < line && text.line(bad).starts_with('['))
        };
        self.problems.retain(|problem| !follows(problem));
        syntax.into_iter().for_each(|problem| self.push(problem));
        self.problems.sort_by(|one, other| one.origin.position().cmp(&other.origin.position()));
    }

    fn table(&mut self, table: &DeTable<'_>, prefix: &str, text: &Text<'_>) {
        for entry in entries(table) {
            let key =
                if prefix.is_empty() { entry.key.to_owned() } else { format!("{prefix}.{}", entry.key) };
            if let Some(setting) = SETTINGS.iter().find(|setting| setting.key == key) {
                self.setting(setting, &entry, text);
            } else if key == RESPONDERS {
                if let Some(table) = self.expect_table(&key, &entry, text) {
                    responders::read(self, table, text);
                }
            } else if prefix == rules::RULES {
                rules::read_one(self, &entry, text);
            } else if prefix == repair_read::REPAIR && repair_read::TABLES.contains(&entry.key) {
                repair_read::read(self, &entry, text);
            } else if key == aws::LOG_GROUPS {
                if let Some(table) = self.expect_table(&key, &entry, text) {
                    aws::read_log_groups(self, table, text);
                }
            } else if prefix.is_empty() && SETTINGS.iter().any(|setting| setting.table_and_name().0 == key) {
                if let Some(table) = self.expect_table(&key, &entry, text) {
                    self.table(table, &key, text);
                }
            } else if self.problems.len() >= MAX_PROBLEMS {
                self.dropped += 1;
            } else {
                let problem = Problem::error(unknown(prefix, entry.key), text.place(entry.key_span.start));
                self.push(if prefix.is_empty() { problem } else { problem.key(prefix) });
            }
        }
    }

    fn setting(&mut self, setting: &'static Setting, entry: &Entry<'_>, text: &Text<'_>) {
        if let Some(value) = self.value(setting.key, setting.kind, entry, text) {
            (setting.set)(&mut self.program, value);
            self.origins.push((setting.key, text.place(entry.key_span.start)));
        }
    }

    /// A value of this kind, or a problem.
    pub(super) fn value(
        &mut self,
        key: &str,
        kind: Kind,
        entry: &Entry<'_>,
        text: &Text<'_>,
    ) -> Option<super::value::Parsed> {
        match kind.read_toml(entry.value, entry.value_span.clone(), text) {
            Ok(value) => Some(value),
            Err(bad) => {
                let span = bad.span.clone().unwrap_or_else(|| entry.value_span.clone());
                self.bad(key, bad, text.place(span.start));
                None
            }
        }
    }

    /// The table that `key` should be, or a problem.
    pub(super) fn expect_table<'t>(
        &mut self,
        key: &str,
        entry: &Entry<'t>,
        text: &Text<'_>,
    ) -> Option<&'t DeTable<'t>> {
        if let DeValue::Table(table) = entry.value {
            return Some(table);
        }
        self.wrong(key, &format!("a table `[{key}]`"), entry.value_span.clone(), text, None);
        None
    }

    /// Says that something else was expected in a span.
    pub(super) fn wrong(
        &mut self,
        key: &str,
        expected: &str,
        span: Range<usize>,
        text: &Text<'_>,
        hint: Option<&str>,
    ) {
        let found = format!("`{}`", text.quote(span.clone()));
        let bad = Bad { span: None, expected: expected.to_owned(), found, hint: hint.map(str::to_owned) };
        self.bad(key, bad, text.place(span.start));
    }

    /// The same where what stands there may be a secret.
    pub(super) fn wrong_hidden(&mut self, key: &str, expected: &str, span: Range<usize>, text: &Text<'_>) {
        let found = "something that is not shown here".to_owned();
        let bad = Bad { span: None, expected: expected.to_owned(), found, hint: None };
        self.bad(key, bad, text.place(span.start));
    }

    fn bad(&mut self, key: &str, bad: Bad, origin: Origin) {
        let Bad { expected, found, hint, .. } = bad;
        let kind = ProblemKind::BadValue { expected, found, hint };
        self.push(Problem::error(kind, origin).key(key));
    }

    pub(super) fn push(&mut self, problem: Problem) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.dropped += 1;
        }
    }

    fn environment(&mut self, env: &dyn Fn(&str) -> Option<String>) {
        for var in ENV_VARS {
            let Some(setting) = SETTINGS.iter().find(|setting| Some(setting.key) == var.key) else {
                continue;
            };
            let Some(text) = env(var.name).filter(|text| !text.is_empty()) else { continue };
            match setting.kind.read_text(&text) {
                Ok(value) => {
                    (setting.set)(&mut self.program, value);
                    self.origins.push((setting.key, Origin::Env(var.name)));
                }
                Err(bad) => self.bad(setting.key, bad, Origin::Env(var.name)),
            }
        }
        repair_env::read(self, env);
    }

    fn rows(&self) -> Vec<Row> {
        let row = |setting: &Setting| {
            let (section, key) = setting.table_and_name();
            let origin = self.origins.iter().rev().find(|(key, _)| *key == setting.key);
            Row {
                section: section.to_owned(),
                key: key.to_owned(),
                value: (setting.get)(&self.program).to_toml(),
                origin: origin.map(|(_, origin)| origin.clone()).unwrap_or_default(),
            }
        };
        let default = || responders::rows(&Program::default().responders, &|_, _| Origin::Default);
        let responders = if self.responder_rows.is_empty() { default() } else { self.responder_rows.clone() };
        let groups =
            if self.log_group_rows.is_empty() { aws::default_rows() } else { self.log_group_rows.clone() };
        let repairs = self.repair_rows.iter().cloned();
        SETTINGS.iter().map(row).chain(repairs).chain(groups).chain(responders).collect()
    }
}

fn line(problem: &Problem) -> u32 {
    problem.origin.position().1
}

/// An unknown name in the table `table`, with what was probably meant: a name of that table, or one of another.
fn unknown(table: &str, name: &str) -> ProblemKind {
    let names = || SETTINGS.iter().map(Setting::table_and_name);
    let more = if table == repair_read::REPAIR { &repair_read::TABLES[..] } else { &[] };
    let here = names().filter(|(other, _)| *other == table).map(|(_, name)| name).chain(more.iter().copied());
    let tables = names().map(|(table, _)| table).chain([RESPONDERS]);
    let tables = tables.filter(|other| table.is_empty() && !other.is_empty());
    let elsewhere = || {
        let setting = SETTINGS.iter().find(|setting| setting.table_and_name().1 == name)?;
        Some(setting.key.to_owned())
    };
    let nearest = elsewhere().or_else(|| nearest(name, here.clone().chain(tables)));
    let known = if table.is_empty() { Vec::new() } else { here.map(str::to_owned).collect() };
    ProblemKind::Unknown { what: "setting", name: name.to_owned(), nearest, known }
}
