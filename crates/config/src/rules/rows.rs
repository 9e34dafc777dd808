//! What rules come to, and where each value was set.

use std::time::Duration;

use stockade_core::{BanTime, Target};
use stockade_rule::Rule;

use crate::jail::JailConfig;
use crate::origin::{Origin, Row};
use crate::program::{Program, RuleSetting, span_text};

/// The values of the rules of a jail.
pub(super) fn rows(jail: &JailConfig, program: &Program) -> Vec<Row> {
    let mut rows = Vec::new();
    for rule in &jail.rules {
        let setting = program.rules.each.iter().find(|one| *one.name == *rule.name);
        let setting = setting.cloned().unwrap_or_default();
        let mut row = |key: &str, value: String| {
            let section = format!("rules.{}", rule.name);
            rows.push(Row { section, key: key.to_owned(), value, origin: origin(rule, &setting, key) });
        };
        row("enabled", "true".to_owned());
        row("target", format!("\"{}\"", rule.target));
        row("severity", format!("\"{}\"", rule.severity));
        row("jail", format!("\"{}\"", jail.jail.name));
        row("maxretry", jail.jail.threshold.maxretry.to_string());
        row("findtime", format!("\"{}\"", span(jail.jail.threshold.findtime)));
        if rule.target == Target::Ban {
            row("bantime", format!("\"{}\"", bantime(jail.jail.bantime)));
        }
        let responders: Vec<String> = jail.responders.iter().map(ToString::to_string).collect();
        row("action", names(&responders));
    }
    rows
}

/// Where a value of a rule was set: in `[rules.NAME]`, in its file, or nowhere.
pub(super) fn origin(rule: &Rule, setting: &RuleSetting, key: &str) -> Origin {
    if setting.sets(key) {
        return setting.origin(key);
    }
    let in_file = match key {
        // The file as such says that there is such a rule.
        "enabled" => return super::place(&rule.file, rule.place_of(key)),
        "jail" => rule.place_of("jail.name"),
        "maxretry" | "findtime" | "bantime" => rule.place_of(&format!("jail.{key}")),
        _ => rule.place_of(key),
    };
    in_file.map(|place| super::place(&rule.file, Some(place))).unwrap_or_default()
}

pub(super) fn span(span: Duration) -> String {
    span_text(span)
}

pub(super) fn bantime(time: BanTime) -> String {
    match time {
        BanTime::For(span) => span_text(span),
        BanTime::Forever => "-1".to_owned(),
    }
}

/// As a list of TOML.
pub(super) fn names(names: &[String]) -> String {
    toml::Value::from(names.to_vec()).to_string()
}
