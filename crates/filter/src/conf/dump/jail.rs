//! The commands for a jail.

use super::{Command, Datum, action, filter, typed};
use crate::conf::jail::Jail;
use crate::conf::keys::JAIL_KEYS;

/// Options that no command sets: they decide which commands there are.
const NOT_SET: [&str; 4] = ["enabled", "backend", "filter", "action"];

/// The commands for a jail that can be used, without the one that starts it. `logs` is as for [`jails`](super::jails).
pub fn jail(jail: &Jail, logs: &mut dyn FnMut(&str) -> Vec<String>) -> Vec<Command> {
    let name = jail.name.as_str();
    let mut commands = Vec::new();
    if let Some(def) = &jail.filter {
        filter::options(name, &def.options, &mut commands);
    }
    filter::options(name, &jail.settings, &mut commands);
    for key in JAIL_KEYS.iter().filter(|key| !NOT_SET.contains(&key.name)) {
        let Some(value) = jail.settings.get(key.name) else { continue };
        let words = match key.name {
            "logpath" => continue,
            "ignoreip" => {
                let words = ["set", name, "addignoreip"].into_iter().chain(jail.ignoreip());
                words.map(Datum::from).collect()
            }
            option => vec!["set".into(), name.into(), option.into(), typed(key, value)],
        };
        commands.push(Command::new(words).at(value.origin()));
    }
    commands.extend(log_files(jail, logs));
    for action in &jail.actions {
        action::commands(name, action, &mut commands);
    }
    let backend = jail.settings.get("backend");
    let add = Command::new(["add", name, backend.map_or("", |value| value.text())].map(Datum::from));
    commands.insert(
        0,
        match backend {
            Some(value) => add.at(value.origin()),
            None => add,
        },
    );
    commands
}

fn log_files(jail: &Jail, logs: &mut dyn FnMut(&str) -> Vec<String>) -> Vec<Command> {
    if jail.text("backend").is_some_and(|backend| backend.starts_with("systemd")) {
        return Vec::new();
    }
    let mut commands = Vec::new();
    for path in jail.log_paths() {
        for file in logs(&path.pattern) {
            let words = ["set", &jail.name, "addlogpath", &file, &path.from].map(Datum::from);
            commands.push(Command::new(words).at(&path.origin));
        }
    }
    commands
}
