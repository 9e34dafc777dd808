//! A configuration as the commands that fail2ban's client sends to its server: what `fail2ban-client -d` prints.
//!
//! It is the plainest form of what a configuration comes to, with every reference replaced, and the one that scripts know.
//! The order of the commands is fail2ban's and means something: a regex is added after `usedns` and `maxlines` are set.
//!
//! ```
//! use stockade_filter::conf::{Embedded, Reader, Which, dump};
//!
//! let files = Embedded(&[("jail.conf", "[demo]\nenabled = true\nmaxretry = 3\nignoreip = 192.0.2.1\n")]);
//! let jails = Reader::new(&files).jails(Which::Enabled);
//! let commands = dump::jails(&jails, &mut |_| Vec::new(), &|_| false);
//! let lines: Vec<String> = commands.iter().map(ToString::to_string).collect();
//! assert_eq!(lines, [
//!     "['add', 'demo', 'auto']",
//!     "['set', 'demo', 'maxretry', 3]",
//!     "['set', 'demo', 'addignoreip', '192.0.2.1']",
//!     "['start', 'demo']",
//! ]);
//! ```

mod action;
mod datum;
mod filter;
mod jail;

use std::fmt;

use super::jail::{Jail, JailFile};
use super::keys::{Key, KeyKind, MAIN_KEYS};
use super::main_file::MainOptions;
use super::origin::{Origin, Value};
use super::problem::{Problem, ProblemKind, Severity};
use super::settings::parse_integer;
use super::value::parse_bool;

pub use datum::{Datum, python_text};
pub use filter::filter;
pub use jail::jail;

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its words: what to do, to which jail, and the values.
    pub words: Vec<Datum>,
    /// Where its values were written, in their order.
    pub origins: Vec<Placed>,
}

/// A value of a [`Command`], and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Which one: a number from 1 in a list of regexes, the name of an action's property; empty if there is only one.
    pub what: String,
    /// Its place.
    pub origin: Origin,
}

/// As fail2ban prints it: a list in the notation of Python.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        datum::list(f, &self.words)
    }
}

impl Command {
    /// A command whose values stand in no file.
    fn new(words: impl IntoIterator<Item = Datum>) -> Self {
        Self { words: words.into_iter().collect(), origins: Vec::new() }
    }

    fn at(mut self, origin: &Origin) -> Self {
        self.origins.push(Placed { what: String::new(), origin: origin.clone() });
        self
    }
}

/// The commands for the options of the program.
pub fn main(options: &MainOptions) -> Vec<Command> {
    let mut commands = Vec::new();
    if let Some(stacksize) = &options.stacksize {
        let table = Datum::Table(vec![("stacksize".to_owned(), number(stacksize))]);
        commands.push(Command::new(["set".into(), "thread".into(), table]).at(stacksize.origin()));
    }
    for key in MAIN_KEYS.iter().filter(|key| !["socket", "pidfile"].contains(&key.name)) {
        if let Some(value) = options.settings.get(key.name) {
            commands
                .push(Command::new(["set".into(), key.name.into(), typed(key, value)]).at(value.origin()));
        }
    }
    commands
}

/// The commands for all enabled jails, the last ones start them. `logs` gives the files that a pattern of `logpath` stands
/// for on this machine, in the order in which they are to be read.
///
/// A jail that cannot be used is one command, `config-error`, with the first reason that is not `excused`. A length of time
/// that is none is no such reason: fail2ban only finds out when its server gets the command.
pub fn jails(
    file: &JailFile,
    logs: &mut dyn FnMut(&str) -> Vec<String>,
    excused: &dyn Fn(&Problem) -> bool,
) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut starts = Vec::new();
    for one in file.jails.iter().filter(|jail| jail.enabled) {
        match one.problems.iter().find(|problem| prevents(problem) && !excused(problem)) {
            Some(problem) => commands.push(left_out(one, problem)),
            None => {
                commands.extend(jail(one, logs));
                starts.push(Command::new(["start", &one.name].map(Datum::from)));
            }
        }
    }
    commands.extend(starts);
    commands
}

fn prevents(problem: &Problem) -> bool {
    problem.severity == Severity::Error && !matches!(problem.kind, ProblemKind::BadTime { .. })
}

fn left_out(jail: &Jail, problem: &Problem) -> Command {
    let text = format!("jail `{}` is left out: {problem}", jail.name);
    let command = Command::new(["config-error".into(), Datum::Text(text)]);
    match &problem.origin {
        Some(origin) => command.at(origin),
        None => command,
    }
}

/// A value in the type that its option has.
fn typed(key: &Key, value: &Value) -> Datum {
    match key.kind {
        KeyKind::Bool => Datum::Bool(parse_bool(value.text())),
        KeyKind::Integer => number(value),
        KeyKind::Text | KeyKind::Time => value.text().into(),
    }
}

fn number(value: &Value) -> Datum {
    // What is no number was refused when it was read.
    parse_integer(value.text()).map_or_else(|| value.text().into(), Datum::Number)
}
