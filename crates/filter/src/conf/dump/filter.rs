//! The commands for a filter.

use super::{Command, Datum, Placed, number};
use crate::conf::filter::FilterDef;
use crate::conf::origin::{Line, Value};
use crate::conf::parse::Options;
use crate::conf::value::split_words;

/// The commands by which a filter is given to a jail.
pub fn filter(jail: &str, def: &FilterDef) -> Vec<Command> {
    let mut commands = Vec::new();
    options(jail, &def.options, &mut commands);
    commands
}

/// The commands for the options of a filter, as the filter itself or its jail sets them: first those that decide how a regex
/// is read.
pub(super) fn options(jail: &str, options: &Options, commands: &mut Vec<Command>) {
    let mut first = 0;
    for (name, value) in options {
        match name.as_str() {
            "failregex" | "ignoreregex" => commands.extend(regexes(jail, name, value)),
            "usedns" | "prefregex" | "maxlines" => {
                let datum = if name == "maxlines" { number(value) } else { value.text().into() };
                let command = Command::new(["set".into(), jail.into(), name.as_str().into(), datum]);
                commands.insert(if name == "usedns" { 0 } else { first }, command.at(value.origin()));
                first += 1;
            }
            "journalmatch" => commands.extend(value.lines().map(|line| journal_match(jail, &line))),
            // fail2ban asks whether the name is in the word, so that `date` is sent too, which its server refuses.
            name if "datepattern".contains(name) => {
                let words = ["set", jail, name, value.text()].map(Datum::from);
                commands.push(Command::new(words).at(value.origin()));
            }
            _ => {}
        }
    }
}

fn regexes(jail: &str, name: &str, value: &Value) -> Option<Command> {
    let lines: Vec<Line> = value.lines().collect();
    let verb = Datum::Text(format!("add{name}"));
    match lines.as_slice() {
        [] => None,
        [line] => {
            let words = ["set".into(), jail.into(), verb, line.text.as_str().into()];
            Some(Command::new(words).at(&line.origin))
        }
        lines => {
            let texts = lines.iter().map(|line| line.text.as_str().into()).collect();
            let mut command = Command::new(["multi-set".into(), jail.into(), verb, Datum::List(texts)]);
            let placed = |(number, line): (usize, &Line)| Placed {
                what: number.to_string(),
                origin: line.origin.clone(),
            };
            command.origins = (1..).zip(lines).map(placed).collect();
            Some(command)
        }
    }
}

fn journal_match(jail: &str, line: &Line) -> Command {
    let mut words: Vec<Datum> = ["set", jail, "addjournalmatch"].map(Datum::from).into();
    // What cannot be split was refused when it was read.
    words.extend(split_words(&line.text).unwrap_or_default().into_iter().map(Datum::Text));
    Command::new(words).at(&line.origin)
}
