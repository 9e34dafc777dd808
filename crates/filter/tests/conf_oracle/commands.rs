//! What the reader gives, as the commands that fail2ban's client sends to its server.

use std::path::Path;

use serde_json::{Value as Json, json};
use stockade_filter::conf::keys::{ACTION_KEYS, JAIL_KEYS, KeyKind, MAIN_KEYS};
use stockade_filter::conf::value::{parse_bool, split_words};
use stockade_filter::conf::{Action, ActionDef, FilterDef, Jail, Options, Value};

pub(crate) fn main_commands(settings: &Options, stacksize: Option<&Value>) -> Vec<Json> {
    let number = |value: &Value| json!(value.text().parse::<i64>().expect("a number"));
    let mut commands = Vec::new();
    if let Some(stacksize) = stacksize {
        commands.push(json!(["set", "thread", { "stacksize": number(stacksize) }]));
    }
    for key in MAIN_KEYS.iter().filter(|key| !["socket", "pidfile"].contains(&key.name)) {
        if let Some(value) = settings.get(key.name) {
            let value = if key.kind == KeyKind::Integer { number(value) } else { json!(value.text()) };
            commands.push(json!(["set", key.name, value]));
        }
    }
    commands
}

/// The commands of `fail2ban-client -d` for a jail, in its order, without those for log files: which there are depends on the
/// machine.
pub(crate) fn jail_commands(jail: &Jail, root: &Path) -> Vec<Json> {
    let name = &jail.name;
    let mut commands = vec![json!(["add", name, jail.text("backend")])];
    let mut settings = Vec::new();
    if let Some(filter) = &jail.filter {
        regex_commands(name, &filter_options(filter), &mut settings);
    }
    regex_commands(name, &jail.settings, &mut settings);
    for key in JAIL_KEYS.iter().filter(|key| !["enabled", "backend", "filter", "action"].contains(&key.name))
    {
        let Some(value) = jail.settings.get(key.name) else { continue };
        match key.name {
            "logpath" => {}
            "ignoreip" => {
                let mut command = vec![json!("set"), json!(name), json!("addignoreip")];
                command.extend(jail.ignoreip().into_iter().map(Json::from));
                settings.push(Json::Array(command));
            }
            name_of_key => settings.push(json!(["set", name, name_of_key, typed(key.kind, value)])),
        }
    }
    commands.extend(settings);
    for action in &jail.actions {
        match action {
            Action::Command(def) => action_commands(name, def, &mut commands),
            Action::Python { name: action, params, .. } => {
                let file = root.join("action.d/smtp.py");
                let pairs = params.iter().map(|(name, value)| format!("\"{name}\": \"{}\"", value.text()));
                let params = format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "));
                commands.push(json!(["set", name, "addaction", action, file, params]));
            }
        }
    }
    commands.push(json!(["start", name]));
    commands
}

/// The typed fields of a filter as text again, so that they are what is compared.
fn filter_options(filter: &FilterDef) -> Options {
    let mut options = filter.options.clone();
    let mut set = |name: &str, text: Option<String>| {
        if let (Some(value), Some(text)) = (options.get_mut(name), text) {
            *value = Value::new(text, value.origin().clone());
        }
    };
    let join = |lines: &[stockade_filter::conf::Line]| {
        lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>().join("\n")
    };
    set("failregex", Some(join(&filter.failregex)));
    set("ignoreregex", Some(join(&filter.ignoreregex)));
    set("prefregex", filter.prefregex.as_ref().map(|value| value.text().to_owned()));
    set("maxlines", filter.maxlines.as_ref().map(|(lines, _)| lines.to_string()));
    set("datepattern", filter.datepattern.as_ref().map(|value| value.text().to_owned()));
    set("usedns", filter.usedns.as_ref().map(|value| value.text().to_owned()));
    options
}

fn regex_commands(jail: &str, options: &Options, commands: &mut Vec<Json>) {
    let mut first = 0;
    for (name, value) in options {
        let text = value.text();
        match name.as_str() {
            "failregex" | "ignoreregex" => {
                let lines: Vec<_> = value.lines().map(|line| line.text).collect();
                match lines.as_slice() {
                    [] => {}
                    [line] => commands.push(json!(["set", jail, format!("add{name}"), line])),
                    lines => commands.push(json!(["multi-set", jail, format!("add{name}"), lines])),
                }
            }
            "usedns" | "prefregex" | "maxlines" => {
                let value = if name == "maxlines" {
                    json!(text.parse::<i64>().expect("a number"))
                } else {
                    json!(text)
                };
                commands.insert(if name == "usedns" { 0 } else { first }, json!(["set", jail, name, value]));
                first += 1;
            }
            "datepattern" => commands.push(json!(["set", jail, name, text])),
            "journalmatch" => {
                for line in value.lines() {
                    let mut command = vec![json!("set"), json!(jail), json!("addjournalmatch")];
                    command.extend(split_words(&line.text).expect("words").into_iter().map(Json::from));
                    commands.push(Json::Array(command));
                }
            }
            _ => {}
        }
    }
}

fn action_commands(jail: &str, def: &ActionDef, commands: &mut Vec<Json>) {
    commands.push(json!(["set", jail, "addaction", def.name]));
    let mut properties = Vec::new();
    for (name, value) in &def.commands {
        let kind = ACTION_KEYS.iter().find(|key| key.name == name).expect("a known command").kind;
        properties.push(json!([name, typed(kind, value)]));
    }
    properties.extend(def.params.iter().map(|(name, value)| json!([name, value.text()])));
    match properties.as_slice() {
        [Json::Array(one)] => commands.push(json!(["set", jail, "action", def.name, one[0], one[1]])),
        _ => commands.push(json!(["multi-set", jail, "action", def.name, properties])),
    }
}

fn typed(kind: KeyKind, value: &Value) -> Json {
    match kind {
        KeyKind::Bool => json!(parse_bool(value.text())),
        KeyKind::Integer => json!(value.text().trim().parse::<i64>().expect("a number")),
        KeyKind::Text | KeyKind::Time => json!(value.text()),
    }
}
