//! The commands for an action.

use super::{Command, Datum, Placed, typed};
use crate::conf::action::{Action, ActionDef};
use crate::conf::keys::ACTION_KEYS;
use crate::conf::origin::Value;

pub(super) fn commands(jail: &str, action: &Action, commands: &mut Vec<Command>) {
    match action {
        Action::Command(def) => {
            commands.push(Command::new(["set", jail, "addaction", &def.name].map(Datum::from)));
            commands.extend(properties(jail, def));
        }
        Action::Python { name, path, params } => {
            let params: Vec<String> = params
                .iter()
                .map(|(name, value)| format!("{}: {}", json(name), json(value.text())))
                .collect();
            let params = format!("{{{}}}", params.join(", "));
            commands.push(Command::new(["set", jail, "addaction", name, path, &params].map(Datum::from)));
        }
    }
}

fn properties(jail: &str, def: &ActionDef) -> Option<Command> {
    let command = |(name, value): (&String, &Value)| {
        let key = ACTION_KEYS.iter().find(|key| key.name == name);
        (name.clone(), key.map_or_else(|| value.text().into(), |key| typed(key, value)))
    };
    let param = |(name, value): (&String, &Value)| (name.clone(), Datum::from(value.text()));
    let all: Vec<_> = def.commands.iter().map(command).chain(def.params.iter().map(param)).collect();
    let head = |verb: &str| [verb, jail, "action", &def.name].map(Datum::from).to_vec();
    let words = match all.as_slice() {
        [] => return None,
        [(name, value)] => [head("set"), vec![Datum::Text(name.clone()), value.clone()]].concat(),
        all => {
            let pairs =
                all.iter().map(|(name, value)| Datum::List(vec![Datum::Text(name.clone()), value.clone()]));
            [head("multi-set"), vec![Datum::List(pairs.collect())]].concat()
        }
    };
    let placed =
        |(name, value): (&String, &Value)| Placed { what: name.clone(), origin: value.origin().clone() };
    let origins = def.commands.iter().chain(&def.params).map(placed).collect();
    Some(Command { words, origins })
}

/// A text as Python's `json.dumps` writes it.
fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    out.push('"');
    out
}
